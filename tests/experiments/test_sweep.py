"""Designs over parameters."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_batches import tiny

from market_sim.experiments.batch import resume_batch, run_design
from market_sim.experiments.design import design, read_design
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.sweep import Range, grid_axis, lhs_axis, sweep
from market_sim.results.read import read_runs
from market_sim.scenario.load import ScenarioError


def test_a_grid_crosses_all_values(tmp_path: Path) -> None:
    """Two by two points, written down before anything runs, each a run with its values in its scenario."""
    planned = sweep(tiny(), 2, grid={"labs.sigma": [0.2, 0.5], "labs.choice": ["fit", "spec_sheet"]})
    seen: list[int] = []

    def look(done: int, total: int) -> None:
        if not done:
            seen.append(pl.read_parquet(tmp_path / "sweep" / "design.parquet").height)

    found = run_design(planned, "serial", tmp_path / "sweep", watch=look)
    assert seen == [4]
    frame = pl.read_parquet(found.folder / "design.parquet")
    assert frame.columns == ["run", "scenario", "labs.sigma", "labs.choice"]
    assert sorted(frame.drop("run", "scenario").rows()) == [
        (0.2, "fit"), (0.2, "spec_sheet"), (0.5, "fit"), (0.5, "spec_sheet"),
    ]  # fmt: skip
    runs = read_runs(str(found.folder / "*"))
    for run, sigma, choice in frame.select("run", "labs.sigma", "labs.choice").rows():
        labs = runs.manifests[run].info.resolved["labs"]
        assert (labs["sigma"], labs["choice"]) == (sigma, choice)
    assert runs["signals"].select(pl.col("run").n_unique()).collect().item() == 4


def test_a_latin_hypercube_stands_once_in_every_slice() -> None:
    """Each parameter cut into as many slices as there are points; evenly in the logarithm where asked."""
    planned = sweep(tiny(), 1, lhs={"labs.sigma": Range(0.1, 0.9), "pool.one.start": Range(1e9, 1e11, True)}, points=8)
    drawn = planned.frame()
    even = (drawn["labs.sigma"].to_numpy() - 0.1) / 0.8
    logs = np.log(drawn["pool.one.start"].to_numpy() / 1e9) / np.log(100.0)
    for places in (even, logs):
        assert sorted(np.floor(places * 8).astype(int)) == list(range(8))


def test_the_design_hangs_on_the_seed_alone() -> None:
    """The same again for the same seed, another for another; whole numbers stay whole."""
    axes = {"ticks": Range(1, 5), "labs.sigma": Range(0.1, 0.9)}
    one, same, other = (sweep(tiny(), 1, lhs=axes, points=4, seed=seed).frame() for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one["labs.sigma"].equals(other["labs.sigma"])
    assert one["ticks"].dtype.is_integer()


def test_a_design_is_read_as_it_was_written(tmp_path: Path) -> None:
    """And so a sweep that was broken off can be gone on with."""
    planned = sweep(tiny(), 3, grid={"labs.sigma": [0.2, 0.5]})
    folder = tmp_path / "sweep"

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="--resume"):
        run_design(planned, "serial", folder, watch=interrupt)
    assert read_design(folder).as_json() == json.loads((folder / "design.json").read_text())
    assert len(read_runs(str(folder / "*")).incomplete) == 0
    found = resume_batch(folder, "serial")
    assert len(read_runs(found.folders).manifests) == 2
    assert not read_runs(found.folders).incomplete


def test_options_are_read() -> None:
    """Values are TOML's; commas within brackets and quotes do not part them."""
    assert grid_axis("labs.sigma=0.2, 0.5") == ("labs.sigma", (0.2, 0.5))
    assert grid_axis('trade.terms=[1.0,2.0],[3.0],"a,b",x') == ("trade.terms", ([1.0, 2.0], [3.0], "a,b", "x"))
    assert lhs_axis("labs.sigma=0.2:0.5") == ("labs.sigma", Range(0.2, 0.5))
    assert lhs_axis("labs.sigma=1e-2:1:log") == ("labs.sigma", Range(0.01, 1.0, True))


@pytest.mark.parametrize("text", ["a", "a=", "a=1", "a=2:1", "a=0:1:log", "a=0:1:lin", "a=x:1", "a=0:inf", "a=1:"])
def test_ranges_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(WrongRequest, match="--lhs"):
        lhs_axis(text)


def test_what_cannot_be_swept_is_refused() -> None:
    """Before anything is written: no parameter, one twice, an unknown key, a value out of bounds."""
    with pytest.raises(WrongRequest, match="needs a parameter"):
        sweep(tiny(), 1)
    with pytest.raises(WrongRequest, match="wanted it once"):
        sweep(tiny(), 1, grid={"labs.sigma": [1.0]}, lhs={"labs.sigma": Range(0, 1)})
    for key, value in (("labs.sgma", 0.3), ("labs.sigma", -1.0)):
        with pytest.raises(ScenarioError, match=r"sigma"):
            sweep(tiny(), 1, grid={key: [value]})
    with pytest.raises(WrongRequest, match="1 or more"):
        sweep(tiny(), 1, lhs={"labs.sigma": Range(0.1, 1)}, points=0)
    with pytest.raises(WrongRequest, match="at least one scenario"):
        design([], 1)
