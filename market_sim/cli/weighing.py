"""`theses`: every claim put to the test, with a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from market_sim.cli.batching import Hands, answered, command_line
from market_sim.cli.exits import DONE
from market_sim.cli.progress import Progress
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer, answer_json, grid, say, show
from market_sim.experiments.theses_declared import DECISIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from market_sim.experiments.theses import Weighed
    from market_sim.experiments.theses_declared import Thesis
    from market_sim.experiments.theses_effects import Effect
    from market_sim.results.files import Place


@dataclass(frozen=True)
class Case:
    """What `theses` was asked for, as given on the command line."""

    scenario: str
    assignments: tuple[str, ...]
    theses: tuple[str, ...]
    samples: int
    seed: int
    out: Place | None


def weigh_all(case: Case, hands: Hands, *, as_json: bool) -> int:
    """Run the experiment, or what is missing of it, and give the verdicts. The last line is the folder."""
    from market_sim.experiments.points import Hands as Workers
    from market_sim.experiments.theses import trial_of, weigh

    with answered(), Progress(quiet=as_json) as progress:
        scenario = scenario_of(case.scenario, overrides_of(case.assignments))
        trial = trial_of(scenario, case.samples, theses=case.theses, seed=case.seed, command=command_line())
        found = weigh(trial, case.out, Workers(hands.executor, hands.workers, hands.scheduler, progress))
    if as_json:
        answer_json(found.as_json())
    else:
        _tell(found)
    return DONE


def _tell(found: Weighed) -> None:
    planned = found.trial.planned
    say(f"{found.trial.scenario.name}: {planned.replicates} replicates, seed {planned.seed}; mechanism on less off")
    for thesis, verdict in zip(found.trial.theses, found.verdicts, strict=True):
        say(f"\n{thesis.name} {thesis.title}: {verdict.verdict} in this model", style="bold")
        say(thesis.claim)
        for measure, said in verdict.parts.items():
            say(f"  {measure}: {said}")
        own = [one for one in found.effects if one.thesis == thesis.name and not one.variant]
        columns = (
            "measure",
            "omega",
            *(f"{years} years" for years in _horizons(own)),
            "unit",
            f"after {DECISIVE} years",
        )
        show(grid(columns, _rows(thesis, own), right=(1, 2, 3, 4)))
        for line in verdict.change:
            say(f"  would change it: {line}")
    say("\n*: the 95% interval leaves out zero; effects.parquet has all of them.")
    answer(str(found.folder))


def _horizons(effects: list[Effect]) -> list[int]:
    return sorted({one.years for one in effects})


def _rows(thesis: Thesis, effects: list[Effect]) -> Iterator[tuple[str, ...]]:
    """A row per measure and omega; those that have a say are marked by what they say at the decisive horizon."""
    from market_sim.experiments.theses_verdict import WORDS, size

    by = {(one.measure, one.omega, one.years): one for one in effects}
    for measure in thesis.measures:
        for at, omega in enumerate(sorted({one.omega for one in effects})):
            told = [size(by[measure.name, omega, years]) for years in _horizons(effects)]
            vote = by[measure.name, omega, DECISIVE].vote
            name, unit = ("", "") if at else (measure.name, measure.unit)
            yield name, f"{omega:g}", *told, unit, WORDS.get(vote, "")
