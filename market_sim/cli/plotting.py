"""`plot`: charts of run folders as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_sim.cli.exits import Failed, WrongInput
from market_sim.cli.speaking import answer, say
from market_sim.cli.wholeness import refuse_broken
from market_sim.results.read import read_runs
from market_sim.scenario.accept import nearest

if TYPE_CHECKING:
    from market_sim.results.read import Runs
    from market_sim.views.stills import Stills


def plot_runs(places: Sequence[str], named: Sequence[str], layout: str, out: Path | None) -> None:
    """Draw charts, all by default, and print the path of each. Raises WrongInput for a name of none, Failed.

    Pictures are drawn beside the aggregation of the next; none is written before all that is asked for can be drawn.
    """
    from market_sim.views.stills import Stills

    with Stills() if layout != "html" else nullcontext() as stills:
        _refuse_unknown(named)
        runs = opened(places)
        folder = out or _folder_of(runs)
        contents = {name: _content(chart, layout, stills) for name, chart in _charts(runs, named)}
        if not contents:
            raise WrongInput("no chart can be drawn from these runs")
        for name, content in contents.items():
            answer(str(_write(content, folder / f"{name}.{layout}")))


def _refuse_unknown(named: Sequence[str]) -> None:
    from market_sim.views.charts import CHARTS

    for name in named:
        if name not in CHARTS:
            near = nearest(name, list(CHARTS))
            hint = f"; did you mean {near!r}?" if near else ""
            raise WrongInput(f"--chart {name!r}: there is no such chart{hint} Charts: {', '.join(CHARTS)}")


def opened(places: Sequence[str]) -> Runs:
    """The runs, none of them damaged; says what a reader of their pictures must know. Raises WrongInput."""
    from market_sim.views.recorded import notes

    runs = read_runs(places)
    for note in notes(runs):
        say(note)
    for place in runs.folders.values():
        refuse_broken(place)
    return runs


def _charts(runs: Runs, named: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Every chart by name. Raises WrongInput for one asked for that no run can be drawn in."""
    from market_sim.views.recorded import drawables

    drawn = list(drawables(runs, tuple(dict.fromkeys(named))))
    for one in drawn:
        if named and one.tables is None:
            raise WrongInput(f"{one.kind.name}: {one.gap} It needs {' and '.join(one.kind.needs)}")
        if one.gap:
            say(f"{one.kind.name}: {one.gap}")
    ahead = ThreadPoolExecutor(1)  # polars lets Python go on while it aggregates
    frames = [(one.kind, ahead.submit(one.kind.frames, one.tables)) for one in drawn if one.tables is not None]
    try:
        for kind, found in frames:
            yield kind.name, kind.drawn(found.result())
    finally:
        ahead.shutdown(cancel_futures=True)


def _content(chart: Any, layout: str, stills: Stills | None) -> Callable[[], bytes]:
    """What gives the content of the file when it is there."""
    from market_sim.views.charts.look import DOTS_PER_INCH, page

    if stills is None:
        return lambda: page(chart)
    return stills.drawn(chart, "png" if layout == "png" else "svg", DOTS_PER_INCH).result


def _folder_of(runs: Runs) -> Path:
    """Beside the tables of a single run of this machine; in ./charts for others."""
    first, *others = runs.folders.values()
    return first / "charts" if isinstance(first, Path) and not others else Path("charts")


def _write(content: Callable[[], bytes], path: Path) -> Path:
    """Write what is drawn. Raises Failed."""
    from market_sim.views.stills import Undrawable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content())
    except OSError as error:
        raise Failed(f"could not write {path}: {error.strerror or error}") from error
    except Undrawable as error:
        raise Failed(f"could not draw {path}: {error}") from error
    return path
