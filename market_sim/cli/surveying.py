"""`sensitivity`: which uncertain parameters an output hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from market_sim.cli.batching import Hands, answered, command_line
from market_sim.cli.exits import DONE
from market_sim.cli.progress import Progress
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer, answer_json, grid, say, show
from market_sim.cli.telling import number

if TYPE_CHECKING:
    from market_sim.experiments.indices import Index
    from market_sim.experiments.sensitivity import Sensitivity
    from market_sim.results.files import Place

TOLD = 10  # parameters that a table shows; the rest stand in the file


@dataclass(frozen=True)
class Inquiry:
    """What `sensitivity` was asked for, as given on the command line."""

    scenario: str
    assignments: tuple[str, ...]
    method: str
    samples: int
    outputs: tuple[str, ...]
    parameters: tuple[str, ...]
    years: float
    seed: int
    confidence: float
    out: Place | None


def inquire(inquiry: Inquiry, hands: Hands, *, as_json: bool) -> int:
    """Run the design, or what is missing of it, and say which parameters matter. The last line is the folder."""
    from market_sim.experiments.points import Hands as Workers
    from market_sim.experiments.sensitivity import analyse, survey_of

    with answered(), Progress(quiet=as_json) as progress:
        survey = survey_of(
            scenario_of(inquiry.scenario, overrides_of(inquiry.assignments)),
            inquiry.method,
            inquiry.samples,
            inquiry.outputs,
            parameters=inquiry.parameters,
            years=inquiry.years,
            seed=inquiry.seed,
            confidence=inquiry.confidence,
        )
        workers = Workers(hands.executor, hands.workers, hands.scheduler, progress)
        found = analyse(survey, inquiry.out, workers, command_line())
    if as_json:
        answer_json(found.as_json())
    else:
        _tell(found)
    return DONE


def _tell(found: Sensitivity) -> None:
    survey = found.survey
    say(
        f"{survey.scenario.name}: {survey.method.name}, {survey.plan.samples} samples, {survey.points.count} points, "
        f"seed {survey.seed}; outputs are means over the last of {survey.horizon:g} years",
        style="bold",
    )
    for metric in survey.outputs:
        ranked, luck = ranking([one for output, one in found.indices if output == metric.text], survey.method.main)
        columns = (metric.text, survey.method.main, f"{survey.confidence:.0%} interval")
        show(grid(columns, [*map(_row, ranked[:TOLD]), *map(_row, luck)], right=(1, 2)))
    say(f"{survey.method.meaning}. luck: {LUCK}.")
    if survey.inputs.margins:
        say(f"Drawn by margin, what ties them together left out: {', '.join(survey.inputs.margins)}.")
    answer(str(found.folder))


LUCK = "share of variance from all that is drawn at random, with its interactions"


def ranking(indices: list[Index], main: str) -> tuple[list[Index], list[Index]]:
    """The main index of parameters, largest first; and that of luck."""
    from market_sim.experiments.indices import LUCK as NAME

    ranked = [one for one in indices if one.kind == main and one.parameter != NAME]
    luck = [one for one in indices if one.parameter == NAME and one.kind == "total"]
    return sorted(ranked, key=lambda one: -one.value), luck


def _row(one: Index) -> tuple[str, str, str]:
    return one.parameter, number(one.value), f"{number(one.low)} .. {number(one.high)}"
