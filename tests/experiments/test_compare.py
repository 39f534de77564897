"""Differences over common luck."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_batches import REPLICATES, tiny, varied

from market_sim.experiments.batch import Batch, run_batch
from market_sim.experiments.compare import compare, difference_of, interval
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.metrics import DEFAULT_METRICS, When, metric_of, when_of

HHI = metric_of("provider/stock/hhi")
PAIRED = (
    *("vendor/stock/hhi", "provider/stock/hhi", "lab/stock/hhi", "platform/stock/hhi"),
    *("neocloud_share", "time_to_capacity", "useful_compute", "cuda_premium"),
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """The market, itself again, and with a little more taste."""
    folder = tmp_path_factory.mktemp("pair") / "batch"
    return run_batch([tiny(), tiny(), varied(labs__sigma=0.46)], 40, "serial", folder, chunk=40)


def test_scenarios_that_differ_in_nothing_differ_by_zero(pair: Batch) -> None:
    """Exactly, in every metric, and so do the ends of the intervals."""
    found = compare(pair.folders[0], pair.folders[1])
    assert {one.metric for one in found.differences} == set(DEFAULT_METRICS)
    for one in found.differences:
        if one.pairs:
            assert (one.difference, one.low, one.high) == (0.0, 0.0, 0.0)
    assert sum(one.pairs == 40 for one in found.differences) >= 6


def test_common_luck_takes_the_noise_out(pair: Batch) -> None:
    """For a small change of a parameter the paired difference has a tenth of the unpaired variance, or less."""
    for one in compare(pair.folders[0], pair.folders[2], PAIRED).differences:
        assert one.difference != 0.0
        assert one.luck_removed is not None
        assert one.luck_removed >= 10.0


def test_a_difference_is_the_mean_over_pairs(pair: Batch) -> None:
    """By hand from the tables: B less A at the last tick, replicate by replicate."""
    one = compare(pair.folders[0], pair.folders[2], ["vendor/revenue/cr1"]).differences[0]
    runs = pair.read()["concentration"].collect()
    ends = [
        runs.filter(run=folder.name, market="vendor", basis="revenue", tick=5)
        .sort("replicate")["cr1"]
        .cast(float)
        .to_numpy()
        for folder in (pair.folders[0], pair.folders[2])
    ]
    assert one.difference == pytest.approx(float(np.mean(ends[1] - ends[0])), abs=1e-15)
    assert one.a == pytest.approx(float(ends[0].mean()))


def test_signals_groups_and_shares_have_differences_too(pair: Batch) -> None:
    """By kind of provider at any date, by firm at the dates that a light batch keeps."""
    metrics = ["utilisation/neocloud", "provider/stock/share/Q", "provider/stock/quantity/Q"]
    for at, asked in (("2026-04", metrics[:1]), ("2026-06", metrics), ("2026-01-01", metrics)):
        found = compare(pair.folders[0], pair.folders[2], asked, when=when_of(at))
        assert [one.pairs for one in found.differences] == [40] * len(asked)


def test_a_span_of_days_is_averaged(pair: Batch) -> None:
    """The mean over the ticks that open in it."""
    first, second, both = (
        compare(pair.folders[0], pair.folders[2], [HHI], when=when_of(text)).differences[0].a
        for text in ("2026-02", "2026-03", "2026-02..2026-03")
    )
    assert first is not None
    assert second is not None
    assert both == pytest.approx((first + second) / 2.0)


def test_an_interval_is_that_of_the_normal_law_for_normal_numbers() -> None:
    """Within a few per cent of the textbook's for 400 draws, whichever of the two methods."""
    luck = np.random.default_rng(3)
    for count in (400, 4000):
        values = luck.normal(1.0, 2.0, count)
        low, high = interval(values, 0.95)
        half = 1.96 * values.std(ddof=1) / np.sqrt(count)
        assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
        assert high == pytest.approx(values.mean() + half, abs=0.1 * half)
        assert interval(values, 0.95) == (low, high)


def test_one_pair_has_no_interval_and_none_has_nothing() -> None:
    """What cannot be said is null, not zero."""
    one = difference_of(HHI, np.array([1.0]), np.array([3.0]))
    assert (one.difference, one.low, one.high, one.luck_removed) == (2.0, None, None, None)
    assert difference_of(HHI, np.array([]), np.array([])).difference is None


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("end", (None, None)),
        ("2030", ("2030-01-01", "2030-12-31")),
        ("2032-02", (None, "2032-02-29")),
        ("2030-06-15", (None, "2030-06-15")),
        ("2029-07..2030", ("2029-07-01", "2030-12-31")),
    ],
)
def test_dates_are_read(text: str, when: tuple[Any, Any]) -> None:
    """A day, a month's end, a year or a span."""
    found = when_of(text)
    assert tuple(day and str(day) for day in (found.first, found.last)) == when


@pytest.mark.parametrize("text", ["never", "2030-13", "2030..2029", "20300", "2030-02-30", ".."])
def test_dates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(WrongRequest, match="--at"):
        when_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("provider/stock/hh", "did you mean 'hhi'"),
        ("useful_prize", "did you mean 'useful_price'"),
        ("provider/stok/hhi", "did you mean 'stock'"),
        ("provders/stock/hhi", "did you mean 'provider'"),
        ("utilisation/neoclouds", "did you mean 'neocloud'"),
        ("provider/stock/share/R", "no entity 'R'"),
        ("a/b/c/d", "wanted market/basis/measure"),
    ],
)
def test_unknown_metrics_are_refused(pair: Batch, text: str, said: str) -> None:
    """Naming the nearest there is."""
    with pytest.raises(WrongRequest, match=said):
        compare(pair.folders[0], pair.folders[1], [text])


def test_runs_without_common_luck_are_refused(pair: Batch, tmp_path: Path) -> None:
    """Other seeds, a table that was not recorded, a confidence that is none."""
    other = run_batch(tiny(), 2, "serial", tmp_path / "other", seed=1, record="signals")
    with pytest.raises(WrongRequest, match="seeds 0 and 1 differ"):
        compare(pair.folders[0], other.folder)
    with pytest.raises(WrongRequest, match="did not record 'concentration'"):
        compare(other.folder, other.folder, [HHI])
    with pytest.raises(WrongRequest, match="between 0 and 1"):
        compare(other.folder, other.folder, confidence=95.0)


def test_only_replicates_of_both_count(whole_folder: Path, pair: Batch) -> None:
    """Twenty in one run and forty in the other make twenty pairs."""
    found = compare(pair.folders[2], whole_folder, [HHI], when=When())
    assert found.differences[0].pairs == REPLICATES
