"""One number per replicate of a run, as analyses of designs ask for it."""

from pathlib import Path

import polars as pl
import pytest
from small_batches import tiny

from market_sim.experiments.batch import Batch, run_batch, run_design
from market_sim.experiments.compare import compare
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.metrics import metric_of, metric_values, when_of
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


@pytest.mark.parametrize("at", ["2026-03", "2026-02..2026-03", "2026", "2026-01..2026-02"])
def test_what_is_kept_at_year_ends_alone_is_refused_at_other_dates(surveyed: Batch, at: str) -> None:
    """Never the nearest, and no mean of what few there are: the message names the dates, and what to record."""
    told = (
        r"recorded at year ends alone, here in 2026-01 and in 2026-06: there is no.*--at 2026-06, or record every tick"
    )
    for metric in ("provider/stock/share/Q", "buyers of V/bookings/hhi", "quality_loss/L", "quote/TPU v5p"):
        with pytest.raises(WrongRequest, match=told):
            metric_values(surveyed.folder, [metric], at=at)
    assert metric_values(surveyed.folder, ASKED[:2], at=at).height == 12


def test_what_is_kept_at_year_ends_is_told_then(surveyed: Batch) -> None:
    """The first tick and the last, by whatever words for them."""
    held = read_runs(surveyed.folders[0])["shares"].filter(market="provider", basis="stock", entity="Q").collect()
    first = metric_values(surveyed.folders[0], ASKED[2:], at="2026-01")[ASKED[2]]
    assert first.to_list() == held.filter(tick=0).sort("replicate")["share"].to_list()
    words = ("2026-06", "end", "2026-06..2026-06", "2031")
    ends = [metric_values(surveyed.folders[0], ASKED[2:], at=at) for at in words]
    assert ends[0].equals(ends[1])
    assert ends[0].equals(ends[2])
    assert ends[0][ASKED[2]].to_list() == held.filter(tick=5).sort("replicate")["share"].to_list()


def test_a_batch_that_records_every_tick_tells_any_date(tmp_path: Path) -> None:
    """As the refusal promises."""
    full = run_batch(tiny(), 2, "serial", tmp_path / "full", record=("concentration", "shares", "signals"))
    found = metric_values(full.folder, [*ASKED, "quality_loss/L"], at="2026-03")
    assert found.null_count().sum_horizontal().item() == 0


def test_what_is_measured_once_a_year_is_told_when_it_was(surveyed: Batch, tmp_path: Path) -> None:
    """Held in between, it is no figure of a month between, however much was recorded; of a time, those taken in it."""
    full = run_batch(tiny(), 2, "serial", tmp_path / "full", record=("signals",))
    for folder in (surveyed.folders[0], full.folder):
        with pytest.raises(
            WrongRequest, match="once a year, here in 2026-01 and in 2026-06: there is none of 2026-03-31"
        ):
            metric_values(folder, ["cuda_premium"], at="2026-03")
        with pytest.raises(WrongRequest, match="measured once a year"):
            metric_values(folder, ["fit_gain"], at="2026-02..2026-05")
    rows = read_runs(full.folder)["signals"].filter(signal="fit_gain").collect().sort("replicate", "tick")
    first, last = (rows.filter(tick=tick)["value"].cast(pl.Float64) for tick in (0, 5))
    found = metric_values(full.folder, ["fit_gain"], at="2026")["fit_gain"]
    assert found.to_list() == pytest.approx(((first + last) / 2.0).to_list())


def test_compare_leaves_out_of_the_usual_what_cannot_be_told_then(surveyed: Batch) -> None:
    """And says so; asked for by name it is refused."""
    a, b = surveyed.folders[:2]
    found = compare(a, b, when=when_of("2026-03"))
    assert "cuda_premium" not in {one.metric for one in found.differences}
    assert [why.split(" is ")[0] for why in found.as_json()["left_out"]] == ["cuda_premium"]
    assert compare(a, b).left_out == ()
    with pytest.raises(WrongRequest, match="measured once a year"):
        compare(a, b, ["cuda_premium"], when=when_of("2026-03"))


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
