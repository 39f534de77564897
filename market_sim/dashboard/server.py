"""Serve the page on this machine: everything it needs comes from here, and nothing is sent elsewhere."""

from __future__ import annotations

import os
import socket
import warnings
from typing import Any

VEGA = "/vega.js"
SETTINGS = {
    "SOLARA_APP": "market_sim.dashboard.page",
    "SOLARA_MODE": "production",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    "SOLARA_THEME_SHOW_BANNER": "false",
    "SOLARA_THEME_TITLE": "market-sim",
    "SOLARA_SESSION_HTTPS_ONLY": "false",
}


class PortTaken(OSError):
    """Something else listens at the address."""


def serve(host: str, port: int, scenario: str) -> None:
    """Serve until interrupted; a new page opens `scenario`. Raises PortTaken, ModuleNotFoundError without solara."""
    os.environ.update(SETTINGS)
    refuse_taken(host, port)
    import uvicorn

    from market_sim.dashboard import page

    page.FIRST[0] = scenario
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cookies with samesite", category=UserWarning)
        uvicorn.run(application(), host=host, port=port, log_level="warning", timeout_graceful_shutdown=1)


def refuse_taken(host: str, port: int) -> None:
    """Raise PortTaken if the address cannot be listened at."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"{host}:{port}: {error.strerror}") from error


def application() -> Any:
    """The page's ASGI application, with the chart library as one script."""
    import solara.server.starlette
    import vl_convert
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Mount, Route

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]

    def vega(_: object) -> Response:
        return Response(script, media_type="text/javascript")

    return Starlette(routes=[Route(VEGA, vega), Mount("/", routes=solara.server.starlette.routes)])
