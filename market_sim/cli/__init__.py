"""The command line, `market-sim`: it asks the rooms below and says what they answer.

Nothing is imported before `main` is under way, so that a Ctrl-C of the first moment too ends in one line.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

RARELY = 2_000_000  # objects made before the collector looks for cycles: more than a run leaves behind


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (by default that of the process) and give its exit code.

    0 done; 2 the input is wrong; 1 it failed; 130 interrupted.
    """
    try:
        import gc

        if arguments is None:  # a process of its own: few cycles are made, and looking takes a twentieth of a run
            gc.set_threshold(RARELY)
        from market_sim.cli.exits import code_of

        return code_of(arguments)
    except KeyboardInterrupt:
        import sys

        print("market-sim: interrupted", file=sys.stderr)
        return 130
