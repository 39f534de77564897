"""Every way a command ends, as an exit code and at most one message."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "--debug"


class WrongInput(Exception):
    """What the user gave the command line is wrong; the text says what, where and what was wanted."""


class Failed(Exception):
    """A command ran and did not succeed through no fault of the input; the text says why."""


class Interrupted(Exception):
    """The user broke a command off; the text, if any, says how to go on."""


def code_of(arguments: Sequence[str] | None) -> int:
    """Run the command line and give its exit code; nothing but `SystemExit` of the code itself escapes."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG in given
    try:
        from market_sim.cli.evidence import app

        outcome = app(args=[one for one in given if one != DEBUG], prog_name="market-sim", standalone_mode=False)
        sys.stdout.flush()
        code = outcome if isinstance(outcome, int) else DONE
        return _interrupted("") if code == INTERRUPTED else code
    except KeyboardInterrupt as error:
        return _interrupted(str(error))
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:
        if debug:
            traceback.print_exception(error)
        return _told(error)


def _told(error: Exception) -> int:
    """Say an error in one message; its exit code."""
    if isinstance(error, Interrupted) or type(error).__name__ == "Abort":  # the parser's word for Ctrl-C
        return _interrupted(str(error))
    if hasattr(error, "format_message"):  # the parser's own complaint about options and commands
        return complain(f"{error.format_message()}{_see_help(error)}", WRONG_INPUT)
    if _is_wrong_input(error):
        return complain(str(error), WRONG_INPUT)
    if isinstance(error, Failed) or _is_storage_failure(error):
        return complain(str(error), FAILED)
    if isinstance(error, MemoryError):
        return complain("out of memory: record fewer tables (--record) or run fewer ticks", FAILED)
    place = _place_of(error)
    words = f"{type(error).__name__}: {error}".replace("\n", " ")
    return complain(f"this is a bug in market-sim, please report it ({words}; at {place}); {DEBUG} shows more", FAILED)


def _see_help(error: Exception) -> str:
    """A pointer to the help of the command that refused."""
    context = getattr(error, "ctx", None)
    return f"\nsee: {context.command_path} --help" if context is not None else ""


def _is_wrong_input(error: Exception) -> bool:
    """Whether the user can mend it; the error classes are looked up only now, since importing them costs."""
    from market_sim.results.errors import ResultsError
    from market_sim.scenario.files import ScenarioError

    mendable: tuple[type[Exception], ...] = (WrongInput, ScenarioError, ResultsError, *_policy_error())
    return isinstance(error, mendable) and not _is_storage_failure(error)


def _policy_error() -> tuple[type[Exception], ...]:
    """PolicyError, if anything that raises it was imported at all."""
    policies = sys.modules.get("market_sim.agents.policies")
    return (policies.PolicyError,) if policies else ()


def _is_storage_failure(error: Exception) -> bool:
    from market_sim.results.errors import StorageFailed

    return isinstance(error, StorageFailed)


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "nowhere"


def complain(message: str, code: int) -> int:
    """Say one message on stderr; the exit code that goes with it."""
    print(f"market-sim: {message}", file=sys.stderr)
    return code


def _interrupted(words: str) -> int:
    """A run of one replicate that was broken off is just started again; others say how to go on."""
    return complain(words or "interrupted; nothing was finished, so start it again", INTERRUPTED)


def _pipe_closed() -> int:
    """The reader of our output went away, as `head` does: no error of ours."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
