"""`validate`: hold scenario files to the schema, and say what in them has no source."""

from __future__ import annotations

from collections.abc import Sequence

from market_sim.cli.exits import DONE, WRONG_INPUT, complain
from market_sim.cli.speaking import answer
from market_sim.scenario.load import ScenarioError, load_scenario
from market_sim.scenario.provenance import unsourced

NAMED = 3  # unsourced numbers that a line names; the rest are counted


def validate_all(paths: Sequence[str]) -> int:
    """One answer per file; the exit code is that of the worst."""
    return max([_validate(path) for path in paths], default=DONE)


def _validate(path: str) -> int:
    try:
        scenario = load_scenario(path)
    except ScenarioError as error:
        return complain(str(error), WRONG_INPUT)
    answer(f"{path}: OK{_unsourced(unsourced(scenario))}")
    return DONE


def _unsourced(keys: Sequence[str]) -> str:
    """A remark on numbers that a file gives without saying where they come from."""
    if not keys:
        return ""
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    noun = "number has" if len(keys) == 1 else "numbers have"
    return f" ({len(keys)} {noun} no source: {', '.join(keys[:NAMED])}{more})"
