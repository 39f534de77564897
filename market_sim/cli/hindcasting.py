"""`hindcast`: 2023 to 2025 retraced, scored, and drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_sim.cli.batching import Hands, answered
from market_sim.cli.exits import WrongInput
from market_sim.cli.progress import Progress
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer, answer_json, finite, grid, say, show
from market_sim.cli.telling import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market_sim.experiments.hindcast import Hindcast
    from market_sim.experiments.scoring import Score, Tally

REPLICATES = 64  # unless told otherwise
WINDOWS = {"fit": "2023-24, for fitting", "test": "2025, kept out of the fit"}


@dataclass(frozen=True)
class Trial:
    """What `hindcast` was asked for, as given on the command line."""

    scenario: str
    assignments: tuple[str, ...]
    replicates: int | None
    seed: int
    history: Path | None
    error: Path | None
    rebased: bool
    out: Path | None


def run_trial(trial: Trial, hands: Hands, *, as_json: bool) -> None:
    """Retrace, score, write numbers and picture, and say how it went; the last line is the folder's path."""

    scenario = scenario_of(trial.scenario, overrides_of(trial.assignments))
    count = REPLICATES if trial.replicates is None else trial.replicates
    if count < 1:
        raise WrongInput("hindcast: -n 0; wanted one replicate or more")
    with answered(), Progress(quiet=as_json) as progress:
        found = _retraced(scenario, trial, count, hands, progress)
    folder = trial.out or Path("runs", f"hindcast-{scenario.name}-{trial.seed}-n{count}")
    write(found, folder)
    if as_json:
        answer_json(found.as_json() | {"out": str(folder)})
    else:
        tell(found)
        answer(str(folder))


def _retraced(scenario: Any, trial: Trial, count: int, hands: Hands, progress: Progress) -> Hindcast:
    from market_sim.experiments.hindcast import check_reach, hindcast, read_past, retrace
    from market_sim.experiments.past import ORIGIN
    from market_sim.experiments.predictive import read_factors, rebased, with_error

    if trial.error and trial.rebased:
        raise WrongInput("--error and --rebased: wanted one of them, since both widen the bands by the model's error")
    past = read_past(trial.history)
    check_reach(scenario, past)
    options: dict[str, Any] = {"executor": hands.executor, "workers": hands.workers, "watch": progress}
    factors = read_factors(trial.error) if trial.error else {}
    run = retrace(scenario, count, seed=trial.seed, **options)
    if factors:
        run = with_error(run, factors, trial.seed)
    return hindcast(scenario, rebased(run, past, ORIGIN, trial.seed) if trial.rebased else run, past, trial.seed)


def write(found: Hindcast, folder: Path) -> None:
    """`hindcast.json`, `hindcast.csv` and `hindcast.svg`. Raises WriteFailed."""
    from market_sim.results.files import make_folder, write_whole
    from market_sim.views.charts import hindcast as drawn
    from market_sim.views.charts import save

    make_folder(folder)
    text = json.dumps(finite(found.as_json()), ensure_ascii=False, indent=1, allow_nan=False)
    write_whole(folder / "hindcast.json", f"{text}\n".encode())
    frame = found.frame()
    write_whole(folder / "hindcast.csv", frame.write_csv().encode())
    titled = [f"{row['label']}, {row['unit']}" for row in frame.iter_rows(named=True)]
    save(drawn(frame.with_columns(series=_text(titled))), folder / "hindcast.svg", "svg")


def _text(values: list[str]) -> Any:
    import polars as pl

    return pl.Series(values, dtype=pl.String)


def tell(found: Hindcast) -> None:
    """Every series in both windows, what they come to, and the patterns."""
    say(f"{found.scenario}: {found.replicates} replicates, seed {found.seed}", style="bold")
    for window, scores in (("fit", found.fit), ("test", found.test)):
        say(f"\n{WINDOWS[window]}", style="bold")
        show(grid(COLUMNS, map(_row, scores), right=range(1, len(COLUMNS) - 1)))
        say(_summed(found.tallies()[window]))
    say("\nPatterns of 2023 to 2025", style="bold")
    rows = [(str(one.number), one.pattern, one.verdict, one.figure) for one in found.patterns]
    show(grid(("", "pattern", "", "the model's median"), rows))
    say(NOTE)


COLUMNS = ("series", "points", "MASE", "naive", "best of", "CRPS", "sign", "in 50 %", "in 90 %", "")
NOTE = (
    "MASE: mean absolute error of the median over the mean change a quarter known before (a dash where too little was "
    "known).\nnaive: the same of the best naive forecast made before the window. CRPS likewise scaled. sign: changes "
    "with history's sign.\n*: the median beats the best naive forecast."
)


def _row(one: Score) -> Sequence[str]:
    best = one.naive[one.best] / one.scale if one.best else float("nan")
    return (
        one.name,
        str(one.points),
        number(one.mase),
        number(best),
        one.best or "-",
        number(one.crps / one.scale),
        f"{one.right}/{one.turns}",
        f"{one.within['50']}/{one.points}",
        f"{one.within['90']}/{one.points}",
        "*" if one.beats else "",
    )


def _summed(total: Tally) -> str:
    bands = [f"{total.coverage(band):.0%} in the {band} % band" for band in total.within]
    return (
        f"beats the best naive forecast on {total.won} of {total.compared} series; of {total.points} figures "
        f"{', '.join(bands)}; {total.right} of {total.turns} signs right"
    )
