"""One number per replicate of a run, as analyses of designs ask for it."""

from pathlib import Path

import polars as pl
import pytest
from small_batches import tiny

from market_sim.experiments.batch import Batch, run_design
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.metrics import metric_of, metric_values
from market_sim.experiments.sweep import sweep
from market_sim.results.read import read_runs
from market_sim.simulation.run import simulate

ASKED = ["provider/stock/hhi", "useful_compute", "provider/stock/share/Q"]


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Three values of one parameter, four replicates each."""
    planned = sweep(tiny(), 4, grid={"labs.sigma": [0.2, 0.4, 0.6]})
    return run_design(planned, "serial", tmp_path_factory.mktemp("surveyed") / "sweep")


def test_every_replicate_of_every_run_has_a_row(surveyed: Batch) -> None:
    """In the order of the design, with a column per metric; no run's numbers enter another's."""
    found = metric_values(surveyed.folder, ASKED)
    assert found.columns == ["run", "replicate", *ASKED]
    assert found["run"].cast(pl.String).to_list() == [f"tiny-{at:04d}" for at in range(3) for _ in range(4)]
    assert found["replicate"].to_list() == [0, 1, 2, 3] * 3
    for folder in surveyed.folders:
        rows = read_runs(folder)["concentration"].filter(market="provider", basis="stock", tick=5).collect()
        among = found.filter(pl.col("run").cast(pl.String) == folder.name)
        assert among["provider/stock/hhi"].to_list() == rows.sort("replicate")["hhi"].to_list()


def test_a_run_in_memory_gives_the_same_numbers(surveyed: Batch) -> None:
    """Whether it was written or not, and by whatever name the metric is handed over."""
    cell = surveyed.design.cells[1]
    alone = simulate(surveyed.design.scenario(cell), replicates=4)
    written = metric_values(surveyed.folders[1], [metric_of(text) for text in ASKED])
    assert metric_values(alone, ASKED).drop("run").equals(written.drop("run"))


def test_a_span_is_averaged_replicate_by_replicate(surveyed: Batch) -> None:
    """The mean over the ticks that open in it."""
    months = [metric_values(surveyed.folder, ASKED[:1], at=f"2026-0{month}")[ASKED[0]] for month in (2, 3)]
    both = metric_values(surveyed.folder, ASKED[:1], at="2026-02..2026-03")[ASKED[0]]
    assert both.to_list() == pytest.approx(((months[0] + months[1]) / 2.0).to_list())


def test_a_number_that_is_not_there_is_null(surveyed: Batch) -> None:
    """Shares are kept at year ends only, so in the middle of the year there is none."""
    found = metric_values(surveyed.folder, ASKED, at="2026-02..2026-03")
    assert found[ASKED[2]].null_count() == found.height == 12
    assert found[ASKED[0]].null_count() == 0


def test_nothing_asked_or_nothing_known_is_refused(surveyed: Batch) -> None:
    """Naming what was wanted."""
    with pytest.raises(WrongRequest, match="wanted a metric"):
        metric_values(surveyed.folder, [])
    with pytest.raises(WrongRequest, match="did you mean 'useful_price'"):
        metric_values(surveyed.folder, ["useful_prize"])
    with pytest.raises(WrongRequest, match="the run in memory did not record 'signals'"):
        metric_values(simulate(tiny(), record=("shares",)), ["useful_price"])


def test_compare_wants_one_run_on_each_side(surveyed: Batch) -> None:
    """A folder of several is refused, naming one of them."""
    from market_sim.experiments.compare import compare

    with pytest.raises(WrongRequest, match=r"holds 3 runs: wanted one, such as .*tiny-0000"):
        compare(surveyed.folder, surveyed.folders[0])


def test_a_folder_of_runs_is_read_whole(surveyed: Batch, tmp_path: Path) -> None:
    """The batch's own folder stands for the runs in it; one that holds none is refused."""
    assert list(read_runs(surveyed.folder).manifests) == [folder.name for folder in surveyed.folders]
    assert read_runs(surveyed.folder).folders == read_runs(str(surveyed.folder / "*")).folders
    (tmp_path / "empty").mkdir()
    (tmp_path / "note").write_text("no run")
    with pytest.raises(Exception, match=r"no run folder: wanted one with a manifest\.json"):
        read_runs(tmp_path)
