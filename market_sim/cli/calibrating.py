"""`calibrate`: parameters that retrace 2023 and 2024."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from market_sim.cli.batching import Hands, answered
from market_sim.cli.exits import DONE
from market_sim.cli.progress import Progress
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer, answer_json, grid, say, show
from market_sim.cli.telling import number

if TYPE_CHECKING:
    from market_sim.experiments.calibration import Calibrated


@dataclass(frozen=True)
class Request:
    """What `calibrate` was asked for, as given on the command line."""

    scenario: str
    assignments: tuple[str, ...]
    parameters: tuple[str, ...]
    samples: int
    waves: int
    draws: int
    seed: int
    history: Path | None
    work: Path | None
    out: Path


def calibrate_to_history(request: Request, hands: Hands, *, as_json: bool) -> int:
    """Simulate what is missing, fit, write the draws, and say what was learned. The last line is the file of draws."""
    from market_sim.experiments.calibration_history import calibrate, job_of
    from market_sim.experiments.points import Hands as Workers

    with answered(), Progress(quiet=as_json) as progress:
        job = job_of(
            scenario_of(request.scenario, overrides_of(request.assignments)),
            request.samples,
            request.waves,
            seed=request.seed,
            draws=request.draws,
            parameters=request.parameters,
            history=request.history,
        )
        found = calibrate(job, request.out, Workers(hands.executor, hands.workers, watch=progress), request.work)
    if as_json:
        answer_json(found.as_json() | {"seed": request.seed, "out": str(request.out)})
    else:
        _tell(found)
        answer(str(request.out))
    return DONE


def _tell(found: Calibrated) -> None:
    """Parameters before and after, and how far off the model is by series."""
    reached = ", ".join(f"{count:.0f}" for count in found.waves)
    say(f"{found.points:,} simulations; effective after each wave: {reached}", style="bold")
    rows = [(key, *map(number, found.quantiles(key)), f"{found.learned(key):.0%}") for key in found.inputs.keys]
    show(grid(("parameter", "5%", "median", "95%", "narrower than its prior by"), rows, right=(1, 2, 3, 4)))
    factors, biases = found.factors(), found.biases()
    told = [(name, f"{factors[name]:.1f}", f"{biases[name]:+.1f}") for name in factors]
    show(grid(("series", "error, in scales", "too high by, in scales"), told, right=(1, 2)))
    say("A scale is the error that would be defended for the series (experiments/discrepancy.py).")
    count = len(next(iter(found.draws.values())))
    say(f"The {count} draws rest on {found.effective:.0f} effective simulations.")
