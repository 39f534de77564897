"""`dashboard`: the page on this machine, until it is interrupted."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from market_sim.cli.exits import Failed, WrongInput
from market_sim.cli.speaking import answer, say

EXTRA = "the dashboard needs solara: pip install 'market-sim[dashboard]'"


def serve_dashboard(scenario: str, host: str, port: int) -> None:
    """Check the scenario, say the address, and serve. Raises WrongInput, Failed, ScenarioError."""
    from market_sim.scenario.load import load_scenario

    load_scenario(scenario)
    if find_spec("solara") is None:
        raise Failed(EXTRA)
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(f"anyone who reaches {host} can use this page and this machine's cores", style="yellow")
    answer(f"http://{host}:{port}")
    sys.stdout.flush()  # a script that reads the address would wait for ever
    say("Ctrl-C ends it.")
    from market_sim.dashboard.server import PortTaken, serve

    try:
        serve(host, port, scenario)
    except PortTaken as error:
        raise WrongInput(f"--port {port}: {error}; wanted a port of this machine that is free") from None
