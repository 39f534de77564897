"""The command line, `market-sim`: it asks the rooms below and says what they answer."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (by default that of the process) and give its exit code.

    0 done; 2 the input is wrong; 1 it failed; 130 interrupted.
    """
    from market_sim.cli.exits import code_of

    return code_of(arguments)
