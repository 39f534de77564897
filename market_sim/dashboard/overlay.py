"""The dials as a scenario file that a user keeps, and the command that repeats what the page showed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from market_sim.scenario.canonical import toml_of
from market_sim.scenario.keys import toml_text

SOURCE = "set by hand on the dashboard"


def overlay_text(parent: str, name: str, dials: Mapping[str, Any]) -> str:
    """A scenario `name` that extends `parent` and says only the dials that were moved, with their standing."""
    lines = [
        f"extends = {toml_text(parent)}",
        f"name = {toml_text(name)}",
        f"about = {toml_text(f'{parent} with {len(dials)} dials moved on the dashboard')}",
    ]
    lines += [f"{key} = {toml_of(value)}" for key, value in dials.items()]
    said = [
        f'{toml_text(key)} = {{ source = {toml_text(SOURCE)}, standing = "illustrative" }}'
        for key, value in dials.items()
        if not isinstance(value, str)
    ]
    return "\n".join([*lines, *(["", "[sources]", *said] if said else [])]) + "\n"


def command(parent: str, file: str, *, seed: int, replicates: int, ticks: int) -> str:
    """The command line that compares the same two scenarios over the same luck."""
    settings = ["--seed", str(seed), "-n", str(replicates), "--set", f"ticks={ticks}"]
    return shlex.join(["market-sim", "compare", parent, file, *settings])
