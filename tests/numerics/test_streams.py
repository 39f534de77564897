"""Streams of luck: known answers, independence of everything but their own names, and distributions."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from market_sim import streams, units
from market_sim.numerics import kernel


@kernel
def mixed(ones: np.ndarray, others: np.ndarray, bits: np.ndarray, uniforms: np.ndarray) -> None:
    """All pairs of two vectors of numbers mixed, as bits and as uniforms."""
    for i in range(ones.shape[0]):
        for j in range(others.shape[0]):
            bits[i, j] = streams.kmixed(ones[i], others[j])
            uniforms[i, j] = streams.kuniform(bits[i, j])


NAMES = ["NVIDIA", "AMD", "Google", "AWS"]
DRAWS = [streams.uniforms, streams.normals, streams.gumbels, streams.exponentials, streams.poisson_clock]
MONTHS = units.calendar("2026-01", 24)


def test_draws_are_those_of_philox() -> None:
    """Draw by draw the upper 52 bits of NumPy's own Philox 4x64 on the same key and counter."""
    counter = np.array([0, 0, 0, 7], dtype=np.uint64)
    raw = np.random.Philox(key=streams.key(3, "taste", "AMD"), counter=counter).random_raw(1001)
    expected = ((raw >> np.uint64(12)) + 0.5) * 2.0**-52
    np.testing.assert_array_equal(streams.uniforms(3, [2, 7], "taste", NAMES, 1001)[1, 1], expected)


def test_generator_is_on_the_same_stream() -> None:
    """`stream` hands out a NumPy generator whose raw numbers are those of the arrays."""
    raw = streams.stream(3, 7, "taste", "AMD").bit_generator.random_raw(5)
    expected = streams.uniforms(3, [7], "taste", ["AMD"], 5)[0, 0]
    np.testing.assert_array_equal(((raw >> np.uint64(12)) + 0.5) * 2.0**-52, expected)


def test_known_draws() -> None:
    """Draws pinned here, so that luck of old runs cannot change unnoticed."""
    got = streams.uniforms(0, [0, 1], "demand", ["OpenAI"], 2).ravel()
    np.testing.assert_array_equal(got, PINNED)


PINNED = [0.8859848700914762, 0.16298176703428824, 0.1420536824083961, 0.5038928465133926]


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(4)), st.sets(st.integers(0, 3), min_size=1), st.integers(1, 9))
def test_a_firm_s_luck_hangs_on_its_name_alone(order: list[int], chosen: set[int], count: int) -> None:
    """Other firms, their order, other replicates and the number of draws change no draw of a firm."""
    everyone = streams.normals(5, range(4), "speed", NAMES, 9)
    names = [NAMES[at] for at in order if at in chosen]
    columns = [at for at in order if at in chosen]
    for replicate in range(4):
        alone = streams.normals(5, [replicate], "speed", names, count)
        np.testing.assert_array_equal(alone[0], everyone[replicate][columns, :count])


def test_every_part_of_the_key_counts() -> None:
    """Another seed, replicate, purpose or name is other luck, and names do not run into each other."""
    keys = [
        streams.key(1, "a", "bc"),
        streams.key(1, "ab", "c"),
        streams.key(2, "a", "bc"),
        streams.key(1, "abc"),
    ]
    keys += [streams.key(1), streams.key(-1), streams.key(1, ""), streams.key(1, "", ""), streams.key(11)]
    assert len({tuple(one.tolist()) for one in keys}) == len(keys)
    draws = streams.uniforms(1, [0, 1, 2**40], "a", ["x", "y"], 3)
    assert np.unique(draws).size == draws.size
    assert not np.isin(draws, streams.uniforms(1, [0, 1, 2**40], "b", ["x", "y"], 3)).any()


def test_mixing_gives_the_numbers_of_splitmix() -> None:
    """The first numbers of SplitMix64 seeded with 0 and with 1234567 (Vigna's C program)."""
    found = mixing(np.array([0, 1234567], np.uint64), np.zeros(1, np.uint64))[0][:, 0]
    assert [int(one) for one in found] == [0xE220A8397B1DCDAF, 6457827717110365317]


def test_mixed_luck_is_uniform_and_independent_over_keys() -> None:
    """Over keys by name, neighbouring whole numbers and luck of dates: even in cells, rows and columns unrelated."""
    names = np.array([streams.name_key("offer", str(one)) for one in range(200)], np.uint64)
    dated = streams.dated_uniforms(1, [0], "renewal", ["OpenAI"], MONTHS)[0, 0]
    near, luck = np.arange(200, dtype=np.uint64), (dated * 2.0**52).astype(np.uint64)
    for table in (mixing(names, luck)[1], mixing(near, luck)[1], mixing(names, near)[1]):
        assert stats.kstest(table.ravel(), "uniform").pvalue > 1e-3
        for lines in (table, table.T):
            related = np.corrcoef(lines)[np.triu_indices(len(lines), 1)] * np.sqrt(lines.shape[1] - 1)
            assert np.abs(related).max() < 5.5
            assert related.std() == pytest.approx(1.0, abs=0.15)


def mixing(ones: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits and uniforms of all pairs."""
    bits, uniforms = np.empty((ones.size, others.size), np.uint64), np.empty((ones.size, others.size))
    mixed(ones, others, bits, uniforms)
    return bits, uniforms


def test_luck_does_not_hang_on_the_hash_seed() -> None:
    """Another process with another PYTHONHASHSEED draws the same."""
    draw = "streams.uniforms(0, [3], 'demand', ['OpenAI'], 1)[0, 0, 0].hex()"
    code = f"from market_sim import streams; print({draw})"
    env = os.environ | {"PYTHONHASHSEED": "77"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == streams.uniforms(0, [3], "demand", ["OpenAI"], 1)[0, 0, 0].hex()


@pytest.mark.parametrize("draw", DRAWS)
def test_shapes(draw) -> None:  # type: ignore[no-untyped-def]
    """Replicate first, then name, then draw, also when any of them is one or none."""
    assert draw(0, np.arange(3), "p", NAMES, 5).shape == (3, 4, 5)
    assert draw(0, [9], "p", NAMES[:1], 1).shape == (1, 1, 1)
    assert draw(0, [9], "p", [], 4).shape == (1, 0, 4)


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (streams.uniforms, stats.uniform),
        (streams.normals, stats.norm),
        (streams.gumbels, stats.gumbel_r),
        (streams.exponentials, stats.expon),
    ],
)
def test_distributions(draw, distribution) -> None:  # type: ignore[no-untyped-def]
    """20,000 draws over replicates, names and numbers pass Kolmogorov and Smirnov at one in a thousand."""
    sample = draw(11, range(50), "distribution", NAMES, 100)
    assert stats.kstest(sample.ravel(), distribution.cdf).pvalue > 1e-3


def test_gammas() -> None:
    """Gammas have mean and variance `shape`, given for each firm apart, and rise with their uniform."""
    shapes = np.array([0.5, 2.0, 6.0, 20.0])[:, None]
    sample = streams.gammas(2, range(50), "site", NAMES, 100, shapes)
    for firm, shape in enumerate(shapes[:, 0]):
        assert stats.kstest(sample[:, firm].ravel(), stats.gamma(shape).cdf).pvalue > 1e-3
    order = np.argsort(streams.uniforms(2, [0], "site", ["AWS"], 100)[0, 0], kind="stable")
    assert np.all(np.diff(sample[0, 3, order]) > 0.0)


def test_streams_are_uncorrelated() -> None:
    """Draws of different replicates, names and numbers have correlations no larger than chance allows."""
    luck = streams.normals(4, range(60), "independence", NAMES, 60)
    for table in (luck[:, :, 0].T, luck[:, 0, :20], luck.reshape(60, -1)[:20]):
        correlations = np.corrcoef(table)[np.triu_indices(len(table), 1)]
        assert np.abs(correlations * np.sqrt(table.shape[1])).max() < 4.5


def test_events_are_a_poisson_process() -> None:
    """The gathered hazard at which events come grows by the unit exponentials of the same stream."""
    clock = streams.poisson_clock(6, range(40), "default", NAMES, 30)
    gaps = np.diff(clock, axis=-1, prepend=0.0)
    np.testing.assert_allclose(gaps, streams.exponentials(6, range(40), "default", NAMES, 30), rtol=0.0, atol=1e-13)
    assert abs(np.mean(np.sum(clock < 10.0, axis=-1)) - 10.0) < 1.0


# --- over time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("finer", [2, 4, 3, 20, 64])
def test_brownian_path_is_the_same_under_finer_ticks(finer: int) -> None:
    """Increments of a month are the sums of those of its parts, on or off the grid of halved months."""
    coarse = streams.brownian(1, range(3), "revenue", NAMES, MONTHS)
    fine = streams.brownian(1, range(3), "revenue", NAMES, units.calendar("2026-01", 24 * finer, 1.0 / finer))
    np.testing.assert_allclose(fine.reshape(3, 4, 24, finer).sum(axis=-1), coarse, rtol=0.0, atol=1e-12)


def test_brownian_path_belongs_to_the_calendar() -> None:
    """A run that starts later, ends sooner or has longer ticks sees the same path."""
    whole = streams.brownian(1, range(3), "revenue", NAMES, MONTHS)
    later = streams.brownian(1, range(3), "revenue", NAMES, units.calendar("2026-07", 9))
    np.testing.assert_array_equal(later, whole[:, :, 6:15])
    quarters = streams.brownian(1, range(3), "revenue", NAMES, units.calendar("2026-01", 8, 3.0))
    np.testing.assert_allclose(quarters, whole.reshape(3, 4, 8, 3).sum(axis=-1), rtol=0.0, atol=1e-14)
    early = streams.brownian(1, [0], "revenue", NAMES, units.calendar("1999-01", 24))
    np.testing.assert_array_equal(
        streams.brownian(1, [0], "revenue", NAMES, units.calendar("2000-01", 12)), early[..., 12:]
    )


@pytest.mark.parametrize("tick_months", [1.0, 0.5, 0.25, 1.0 / 64.0])
def test_brownian_increments_are_normal_and_independent(tick_months: float) -> None:
    """Increments have the variance of their time, are normal, and do not foretell the next."""
    dates = units.calendar("2026-01", 40, tick_months)
    steps = streams.brownian(8, range(100), "noise", NAMES, dates) / np.sqrt(tick_months / 12.0)
    assert stats.kstest(steps.ravel(), stats.norm.cdf).pvalue > 1e-3
    for lag in (1, 2, 3):
        product = steps[..., lag:] * steps[..., :-lag]
        assert abs(product.mean()) < 4.0 / np.sqrt(product.size)


def test_brownian_asks_for_dates_that_increase() -> None:
    """Dates out of order, repeated or single are refused by name."""
    for dates in ([2026.0], [2026.0, 2026.0], [2027.0, 2026.0]):
        with pytest.raises(ValueError, match="decimal years that increase"):
            streams.brownian(0, [0], "p", NAMES, dates)


def test_dated_luck_belongs_to_the_date() -> None:
    """A date has the same uniform under any tick and start, and two dates have two."""
    fine = streams.dated_uniforms(1, range(2), "rounding", NAMES, units.calendar("2026-01", 48, 0.5))
    coarse = streams.dated_uniforms(1, range(2), "rounding", NAMES, units.calendar("2026-07", 9))
    np.testing.assert_array_equal(coarse, fine[:, :, 12:32:2])
    assert np.unique(fine).size == fine.size


def test_pairs_have_names_of_their_own() -> None:
    """Every pair of parties has one name, in rows, and no two pairs share it."""
    assert len(set(streams.paired(["a", "a/b"], ["b/c", "c"]))) == 4
    assert streams.paired(["a", "b"], ["c", "d"])[1] == streams.paired(["a"], ["d"])[0]
