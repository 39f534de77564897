"""The calibrator against histories whose parameters are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from market_sim.cli import main
from market_sim.experiments.calibration import Calibrated, Target, calibrate
from market_sim.experiments.calibration_history import Simulations, job_of, known_by
from market_sim.experiments.calibration_history import calibrate as calibrate_to_history
from market_sim.experiments.discrepancy import FAR, FREEDOM, SCALES, Scale, gaps, misfit
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.inputs import Inputs
from market_sim.experiments.past import read_past
from market_sim.experiments.points import Hands, Points
from market_sim.experiments.posterior import (
    Proposal,
    conditioned,
    effective,
    log_normal,
    log_weights,
    next_proposal,
    normalised,
    regressed,
    smoothed,
)
from market_sim.experiments.retrace import retrace
from market_sim.experiments.series import SERIES
from market_sim.scenario.distributions import Uniform
from market_sim.scenario.load import load_scenario
from market_sim.scenario.realise import realise

QUARTERS = np.arange(8.0)
INPUTS = Inputs(("level", "growth"), (Uniform(0.0, 2.0), Uniform(-0.2, 0.2)))
NAMES = ("one", "two", "three")
TOLD = {name: Scale(0.1) for name in NAMES}


def toy(level: np.ndarray, growth: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Three series (point, series, quarter) that two parameters and some luck decide."""
    noise = np.stack([np.random.default_rng([5, int(one)]).normal(0.0, 0.02, (3, 8)) for one in luck])
    paths = [
        level[:, None] + growth[:, None] * QUARTERS,
        -growth[:, None] * QUARTERS,
        0.5 * level[:, None] + 0.0 * QUARTERS,
    ]
    return np.exp(np.stack(paths, axis=1) + noise)


def simulate(wave: int, points: Points) -> np.ndarray:
    return toy(points.values["level"], points.values["growth"], points.luck)


def fitted_to(truth: tuple[float, float], error: np.ndarray, seed: int = 0, waves: int = 3) -> Calibrated:
    """Calibrated to a history of known parameters, with a known gap of each series (series,) in logs."""
    level, growth = (np.array([one]) for one in truth)
    observed = toy(level, growth, np.array([10**6 + seed]))[0] * np.exp(error)[:, None]
    return calibrate(INPUTS, simulate, Target(NAMES, observed, TOLD), samples=128, waves=waves, seed=seed)


def test_planted_parameters_are_recovered() -> None:
    """Both lie in the 90 % range of the draws, which is far narrower than the prior, and its middle is near."""
    found = fitted_to((1.3, 0.12), np.zeros(3))
    for key, truth, near in (("level", 1.3, 0.12), ("growth", 0.12, 0.03)):
        low, middle, high = found.quantiles(key)
        assert low < truth < high
        assert middle == pytest.approx(truth, abs=near)
        assert found.learned(key) > 0.5
    assert found.waves[-1] > found.waves[0]


def test_ninety_percent_ranges_hold_nine_tenths_of_the_truths() -> None:
    """Over 40 histories with parameters from the prior and gaps from the declared error: 80 ranges, .80 to .99 hold."""
    generator, held = np.random.default_rng(11), []
    for seed in range(40):
        truth = (generator.uniform(0.0, 2.0), generator.uniform(-0.2, 0.2))
        error = 0.1 * generator.standard_t(FREEDOM, 3)
        found = fitted_to(truth, error, seed, waves=2)
        for key, value in zip(INPUTS.keys, truth, strict=True):
            low, _, high = found.quantiles(key)
            held.append(low <= value <= high)
    assert 0.80 <= np.mean(held) <= 0.99


def test_it_is_the_same_again_with_the_same_seed() -> None:
    """And not with another."""
    one, two, other = (fitted_to((1.0, 0.0), np.zeros(3), seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one.draws[key], two.draws[key]) for key in INPUTS.keys)
    assert not np.array_equal(one.draws["level"], other.draws["level"])


def test_a_series_that_the_model_cannot_reach_is_told_and_does_not_rule() -> None:
    """A gap of ten scales in one series leaves the others' parameters where they are; its factor and bias say so."""
    found = fitted_to((1.0, 0.05), np.array([0.0, 0.0, 1.0]))
    low, _, high = found.quantiles("growth")
    assert low < 0.05 < high
    factors, biases = found.factors(), found.biases()
    assert factors["three"] > 3.0 > factors["two"]
    assert biases["three"] < -5.0


def test_the_normal_case_has_a_closed_form() -> None:
    """Points of the prior, one seen with error .5 at 1, adjust to the conjugate posterior; the other stays."""
    generator = np.random.default_rng(0)
    z = generator.normal(size=(100_000, 2))
    gap = np.stack([z[:, 0] + 0.5 * generator.normal(size=len(z)) - 1.0, generator.normal(size=len(z))], axis=1)
    moved, weight = conditioned(z, gap, np.full(len(z), 1e-5))
    mean = weight @ moved
    assert mean == pytest.approx([1.0 / 1.25, 0.0], abs=0.02)
    assert weight @ (moved - mean) ** 2 == pytest.approx([0.25 / 1.25, 1.0], rel=0.04)


def test_points_of_all_waves_count_alike() -> None:
    """Drawn half from the prior and half about somewhere else, the weighted points are still the prior's."""
    generator = np.random.default_rng(3)
    first, then = Proposal(), Proposal(np.array([1.0]), np.array([[0.5]]))
    z = np.concatenate([one.draw(generator.random((50_000, 2))) for one in (first, then)])
    weight = normalised(log_weights(z, [(first, 50_000), (then, 50_000)]))
    assert float(weight @ z[:, 0]) == pytest.approx(0.0, abs=0.02)
    assert float(weight @ z[:, 0] ** 2) == pytest.approx(1.0, abs=0.03)
    density = np.exp(then.log_density(np.linspace(-8, 8, 4001)[:, None]))
    assert density.sum() * 16 / 4000 == pytest.approx(1.0, abs=1e-3)


def test_smoothing_keeps_mean_and_covariance() -> None:
    """Draws of weighted points have their mean and spread, and none comes twice."""
    generator = np.random.default_rng(4)
    z = generator.normal(size=(4000, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    weight = normalised(-0.5 * (z[:, 0] - 1.0) ** 2)
    draws = smoothed(z, weight, effective(weight), 4000, 0)
    mean = weight @ z
    spread = (z - mean).T @ ((z - mean) * weight[:, None])
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.05)
    assert np.cov(draws.T) == pytest.approx(spread, abs=0.06)
    assert len(np.unique(draws[:, 0])) == 4000


def test_slopes_and_proposals_are_those_of_the_points() -> None:
    """A plane's slopes come back; a proposal has the points' mean; equal weights are all effective."""
    z = np.random.default_rng(5).normal(size=(1000, 2))
    even = np.full(1000, 1e-3)
    assert regressed((z @ [2.0, -3.0])[:, None], z, even)[:, 0] == pytest.approx([2.0, -3.0], rel=2e-3)
    assert next_proposal(z, even).mean == pytest.approx(z.mean(axis=0))
    assert effective(np.full(10, 0.1)) == pytest.approx(10.0)
    assert log_normal(np.zeros((1, 2)))[0] == pytest.approx(-np.log(2 * np.pi))


def test_gaps_are_levels_and_trends_in_scales() -> None:
    """By hand: a tenth too high throughout is one scale of level and no trend; a gap that grows is a trend."""
    observed = np.array([1.0, 2.0, np.nan, 4.0, 8.0])
    high = gaps(observed[None] * np.exp(0.1), observed, Scale(0.1))
    assert high[0] == pytest.approx([1.0, 0.0])
    grown = gaps(np.exp(np.array([[0.0, 0.1, 9.9, 0.3, 0.4]])) * observed, observed, Scale(0.1))
    assert grown[0] == pytest.approx([2.0, 3.0])
    plain = gaps(np.array([[70.0]]), np.array([73.0]), Scale(3.0, log=False))
    assert plain.tolist() == [[-1.0]]
    none = gaps(np.array([[np.nan, 1.0], [1.0, 1.0]]), np.array([1.0, 1.0]), Scale(0.1))
    assert none[0, 0] == pytest.approx(0.5 * FAR)
    assert gaps(np.full((2, 1), np.nan), np.array([1.0]), Scale(0.1)).shape == (2, 0)
    assert set(misfit(np.ones((2, 2, 1)), np.array([[1.0], [np.nan]]), ("nvidia_revenue", "capex")).gaps) == {
        "nvidia_revenue"
    }
    assert set(SCALES) == set(SERIES)


# --- the market itself ----------------------------------------------------------------------------

FREE = ("vendors.elasticity_floor=1.15:1.6", "vendor.NVIDIA.supply=300000:1500000", "pool.models.rate=0.8:2.4")
KNOWN = {
    "labs.volatility": 0.1,
    "pool.models.unserved": 0.7,
    "pool.models.ceiling": 3e11,
}  # else confounded with the rate
TRUTH = {"vendors.elasticity_floor": 1.45, "vendor.NVIDIA.supply": 600_000.0, "pool.models.rate": 1.5}


def test_parameters_planted_in_the_market_are_recovered(tmp_path: Path) -> None:
    """A history that the model made itself, under another luck: sales and leads tell supply and growth of demand."""
    scenario = load_scenario("history_2023", {"ticks": 24, **KNOWN})
    job = job_of(scenario, 96, 2, seed=3, draws=128, parameters=FREE)
    made = retrace(load_scenario("history_2023", {"ticks": 24, **KNOWN, **TRUTH}), 1, seed=99, executor="serial")
    past = read_past()
    columns = [past.quarters.index(quarter) for quarter in made.quarters]
    value = np.full_like(past.value, np.nan)
    value[:, columns] = made.value[0][[made.names.index(name) for name in past.names]]
    planted = replace(job, past=replace(past, value=value, known=np.zeros_like(past.known)))
    found = calibrate_to_history(planted, tmp_path / "draws.parquet", Hands("serial"), tmp_path / "work")
    for key, truth in TRUTH.items():
        low, _, high = found.quantiles(key)
        assert low <= truth <= high, key
    assert found.learned("vendor.NVIDIA.supply") > 0.4
    assert found.learned("pool.models.rate") > 0.2


def test_the_draws_are_what_a_scenario_takes(tmp_path: Path) -> None:
    """And the same again where it was broken off: parts that are there are read, a damaged one is simulated again."""
    scenario = load_scenario("history_2023")
    job = job_of(scenario, 64, 1, draws=32, parameters=("trade.omega", "labs.sigma=0.3:0.6"))
    assert job.scenario.ticks == 24
    out, work = tmp_path / "posteriors" / "draws.parquet", tmp_path / "work"
    found = calibrate_to_history(job, out, Hands("serial"), work)
    frame = pl.read_parquet(out)
    assert (frame.columns, frame.height) == (["trade.omega", "labs.sigma"], 32)
    told = json.loads(out.with_suffix(".json").read_text())
    assert (told["fitted"], told["points"]) == (["2023-Q1", "2024-Q4"], 64)
    drawn = realise(load_scenario(scenario_file(tmp_path, out)), 0, range(3))
    assert drawn.labs.sigma == pytest.approx(frame["labs.sigma"].to_numpy()[:3])
    again = Simulations(job, work, Hands("serial"))
    again._simulated = None  # nothing may be simulated anew
    target = job.target()
    repeated = calibrate(job.inputs, again, target, samples=64, waves=1, draws=32)
    assert np.array_equal(repeated.draws["trade.omega"], found.draws["trade.omega"])
    next(work.glob("*.parquet")).write_bytes(b"broken")
    other = tmp_path / "other.parquet"
    calibrate_to_history(job, other, Hands("serial"), work)
    assert pl.read_parquet(other).equals(frame)
    with pytest.raises(WrongRequest, match="nothing is written over"):
        calibrate_to_history(job, out, Hands("serial"), work)


def scenario_file(folder: Path, draws: Path) -> Path:
    path = folder / "with_draws.toml"
    path.write_text(f'extends = "history_2023"\nparameters_from = "{draws.relative_to(folder)}"\n')
    return path


def test_nothing_known_only_later_is_looked_at() -> None:
    """Figures after 2024-Q4 are no target, nor are those before it that were derived from later ones."""
    job = job_of(load_scenario("history_2023"), 64, 1)
    past, target = job.past, job.target()
    assert all("2023-Q1" <= quarter <= "2024-Q4" for quarter in job.quarters)
    seen = known_by(past, "2024-Q4")
    late = (past.known > past.place("2024-Q4")) & ~np.isnan(past.value)
    assert late.any()
    assert np.isnan(seen.value[late]).all()
    for at, name in enumerate(target.names):
        if name in past.names:
            row = past.names.index(name)
            for column, quarter in enumerate(job.quarters):
                wanted = seen.value[row, past.place(quarter)]
                assert target.observed[at, column] == wanted or np.isnan(wanted)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--samples", "8"), "64 or more"),
        (("--waves", "0"), "--waves 0"),
        (("--draws", "0"), "--draws 0"),
        (("--scenario", "baseline"), "wanted 2023-Q1"),
        (("--parameter", "trade.omga"), "trade.omga"),
        (("--out", "draws.txt"), "ends in .parquet or .csv"),
        (("--history", "none.csv"), "none.csv"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    arguments: tuple[str, ...],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, one message, nothing written."""
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", "--executor", "serial", *arguments]) == 2
    assert wanted in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
