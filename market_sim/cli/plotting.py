"""`plot`: charts of run folders as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from market_sim.cli.exits import Failed, WrongInput
from market_sim.cli.speaking import answer, say
from market_sim.cli.wholeness import refuse_broken
from market_sim.results.read import read_runs
from market_sim.scenario.accept import nearest

if TYPE_CHECKING:
    from market_sim.results.read import Runs


def plot_runs(places: Sequence[str], named: Sequence[str], layout: str, out: Path | None) -> None:
    """Draw charts, all by default, and print the path of each. Raises WrongInput for a name of none."""
    from market_sim.views.charts import CHARTS

    for name in named:
        if name not in CHARTS:
            near = nearest(name, list(CHARTS))
            hint = f"; did you mean {near!r}?" if near else ""
            raise WrongInput(f"--chart {name!r}: there is no such chart{hint} Charts: {', '.join(CHARTS)}")
    runs = opened(places)
    folder = out or _folder_of(runs)
    for name, chart in _drawn(runs, named).items():
        answer(str(_save(chart, folder / f"{name}.{layout}", layout)))


def opened(places: Sequence[str]) -> Runs:
    """The runs, none of them damaged; says what a reader of their pictures must know. Raises WrongInput."""
    from market_sim.views.recorded import notes

    runs = read_runs(places)
    for note in notes(runs):
        say(note)
    for place in runs.folders.values():
        refuse_broken(place)
    return runs


def _drawn(runs: Runs, named: Sequence[str]) -> dict[str, Any]:
    """Every chart by name, before any is written. Raises WrongInput for one asked for that no run can be drawn in."""
    from market_sim.views.recorded import drawables

    charts = {}
    for one in drawables(runs, tuple(dict.fromkeys(named))):
        if named and one.tables is None:
            raise WrongInput(f"{one.kind.name}: {one.gap} It needs {' and '.join(one.kind.needs)}")
        if one.gap:
            say(f"{one.kind.name}: {one.gap}")
        if one.tables is not None:
            charts[one.kind.name] = one.kind.draw(one.tables)
    if not charts:
        raise WrongInput("no chart can be drawn from these runs")
    return charts


def _folder_of(runs: Runs) -> Path:
    """Beside the tables of a single run of this machine; in ./charts for others."""
    first, *others = runs.folders.values()
    return first / "charts" if isinstance(first, Path) and not others else Path("charts")


def _save(chart: Any, path: Path, layout: str) -> Path:
    from market_sim.views.charts import Format, save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(chart, path, cast(Format, layout))
    except OSError as error:
        raise Failed(f"could not write {path}: {error.strerror or error}") from error
    return path
