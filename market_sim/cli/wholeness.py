"""Whether a run folder holds what its manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market_sim.cli.exits import WrongInput

if TYPE_CHECKING:
    from market_sim.results.files import Place


def refuse_broken(folder: Place) -> None:
    """Raise WrongInput naming the first part that is not there, cannot be read or is not what was written."""
    from market_sim.results.store import verify

    try:
        found = verify(folder)
    except OSError as error:
        raise WrongInput(f"{folder}: {error.filename} cannot be read: {error.strerror or error}") from error
    broken = [*found.missing, *found.damaged]
    if broken:
        more = f", as are {len(broken) - 1} more" if len(broken) > 1 else ""
        raise WrongInput(
            f"{folder}: part {broken[0].path} is missing or damaged{more}; put it back, or simulate the run again"
        )
