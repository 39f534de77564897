"""Pictures drawn by the process beside: what `save` would draw, and words where it cannot."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import altair as alt
import polars as pl
import pytest

from market_sim.results.read import Runs
from market_sim.views.charts import CHARTS, save, specification
from market_sim.views.charts.look import DOTS_PER_INCH, Part, finished, source
from market_sim.views.stills import Stills, Undrawable


@pytest.fixture(scope="module")
def stills() -> Iterator[Stills]:
    """One process for all."""
    with Stills() as begun:
        yield begun


@pytest.mark.parametrize("layout", ["svg", "png"])
def test_stills_are_what_save_draws(stills: Stills, runs: Runs, tmp_path: Path, layout: Literal["svg", "png"]) -> None:
    """To the byte, several asked for at once, each by its own future."""
    charts = {name: CHARTS[name].draw(runs) for name in ("concentration", "shares", "vendor")}
    futures = {name: stills.drawn(chart, layout, DOTS_PER_INCH) for name, chart in charts.items()}
    for name, chart in charts.items():
        save(chart, tmp_path / name, layout)
        assert futures[name].result() == (tmp_path / name).read_bytes()


def points(values: list[float], mark: str = "point") -> Any:
    """A chart of these values."""
    chart = source("own").mark_point().encode(x="a:Q")
    chart.mark = mark
    return finished(Part(chart, {"own": pl.DataFrame({"a": values})}), "points")


def test_no_number_is_no_value(stills: Stills) -> None:
    """A NaN is nothing in the specification, as JSON knows none, and the picture is drawn."""
    chart = points([1.0, float("nan")])
    assert specification(chart)["datasets"]["own"] == [{"a": 1.0}, {"a": None}]
    assert stills.drawn(chart, "svg", DOTS_PER_INCH).result().startswith(b"<svg")


def test_a_picture_that_cannot_be_drawn_says_so_and_others_are(stills: Stills) -> None:
    """The process goes on after a specification that means nothing."""
    wrong, right = (stills.drawn(points([1.0], mark), "svg", DOTS_PER_INCH) for mark in ("no mark", "point"))
    with pytest.raises(Undrawable, match=r"conversion failed: TypeError[^\n]*$"):
        wrong.result()
    assert right.result().startswith(b"<svg")


def test_leaving_ends_the_process_whatever_is_asked_for() -> None:
    """At once, even before its engine is there; who waits is told."""
    begun = time.perf_counter()
    with Stills() as stills:
        left = [stills.drawn(alt.Chart(alt.NamedData("none")).mark_point(), "svg", DOTS_PER_INCH) for _ in range(3)]
    assert time.perf_counter() - begun < 5.0
    assert stills._engine.returncode is not None
    with pytest.raises(Undrawable, match="has ended"):
        left[0].result()
    assert all(future.cancelled() for future in left[1:])
