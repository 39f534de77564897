"""The theses: effects of known size are found, claims can fail, and a mechanism off on both sides does nothing."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from market_sim.experiments.batch import run_batch
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.points import Hands
from market_sim.experiments.theses import trial_of, weigh
from market_sim.experiments.theses_declared import HORIZONS, OMEGAS, THESES, Measure, Thesis
from market_sim.experiments.theses_effects import Case, Effect, dependence, effect_of, replicates_needed, vote
from market_sim.experiments.theses_measures import BY, Clock, read_paths
from market_sim.experiments.theses_verdict import judge
from market_sim.results.read import read_runs
from market_sim.results.vocabulary import SIGNALS
from market_sim.scenario.load import load_scenario

SERIAL = Hands("serial")
COARSE = {"ticks": 20, "tick_months": 6.0}  # ten years in few ticks
UP = Measure("x", ("useful_price",), "1", 1, 0.1)
CASE = Case("T", "", 0.5, 5)


def luck(count: int = 64) -> np.ndarray:
    return np.random.default_rng(7).normal(0.0, 1.0, count)


def planted(size: float, spread: float = 0.1, measure: Measure = UP) -> Effect:
    """Common luck of size 1, an effect of known size, and a little that differs."""
    common, own = luck(), np.random.default_rng(8).normal(0.0, spread, 64)
    return effect_of(CASE, measure, common + size + own, common, {}, 0)


def test_a_planted_effect_is_found_with_its_sign() -> None:
    """Though a tenth of the luck, it is found both ways; too small a one is called so, a noisy one is left open."""
    for size, said in ((0.3, "supports"), (-0.3, "opposes"), (0.0, "negligible")):
        found = planted(size)
        assert found.low < size < found.high
        assert found.vote == said
    against = Measure("x", ("useful_price",), "1", -1, 0.1)
    assert planted(0.3, measure=against).vote == "opposes"
    assert planted(-0.3, measure=against).vote == "supports"
    noisy = planted(0.2, spread=3.0)
    assert noisy.vote == "open"
    assert noisy.needed > 64


def test_the_vote_hangs_on_size_and_certainty() -> None:
    """Certain but small is negligible; certain, of interest but below its mean, is open."""
    assert vote(UP, 0.05, 0.04, 0.06) == "negligible"
    assert vote(UP, 0.09, 0.05, 0.13) == "open"
    assert vote(UP, 0.5, -0.1, 1.1) == "open"
    assert vote(UP, None, None, None) == "open"
    assert replicates_needed(UP, 0.5, 0.4, 0.6, 64) is None
    assert replicates_needed(UP, 0.2, -0.2, 0.6, 64) == int(np.ceil(64 * 4 * 1.1))


def test_what_an_effect_hangs_on_is_told() -> None:
    """An effect that is a parameter's square goes with it; the other parameter is not named."""
    draws = {"a": np.linspace(1.0, 2.0, 64), "b": luck()}
    explained, drivers = dependence(draws["a"] ** 2 + 0.01 * luck(), draws)
    assert explained > 0.9
    assert [one.parameter for one in drivers] == ["a"]
    assert drivers[0].correlation > 0.95
    assert drivers[0].low < drivers[0].high
    none, nobody = dependence(np.random.default_rng(1).normal(size=64), {"b": luck()})
    assert none < 0.2
    assert nobody == ()
    assert dependence(np.zeros(64), draws) == (None, ())


def test_measures_are_what_they_say() -> None:
    """By hand, on a path that rises by one a month."""
    clock = Clock(1.0, 36)
    path = np.arange(36.0)[None, :]
    assert BY["mean"]([path], 2, clock).tolist() == [np.arange(12, 24).mean()]
    assert BY["total"]([path, path], 1, clock).tolist() == [2 * 66.0]
    assert BY["ratio"]([2 * path, path], 3, clock).tolist() == [2.0]
    assert BY["gap"]([path + 3, path], 3, clock).tolist() == [3.0]
    rate = np.full((1, 36), 12.0)
    discounted = sum(np.exp(-0.1 * (k + 0.5) / 12.0) for k in range(24))
    assert BY["present"]([rate], 2, clock)[0] == pytest.approx(discounted)
    with pytest.raises(WrongRequest, match="lasts 3 years"):
        BY["mean"]([path], 5, clock)
    assert np.isnan(BY["mean"]([np.full((1, 36), np.nan)], 2, clock)).all()


def test_a_year_of_what_is_measured_once_is_that_measurement(tmp_path: Path) -> None:
    """Values held from the last measurement on are no measurements: a horizon's figure is that of its own year end."""
    run_batch(load_scenario("baseline", {"ticks": 24}), 2, "serial", tmp_path / "two")
    paths = read_paths(tmp_path / "two", ["cuda_premium", "provider/stock/hhi"], 2, 24)
    held = read_runs(tmp_path / "two")["signals"].filter(pl.col("signal") == "cuda_premium").sort("replicate", "tick")
    every = held.collect()["value"].to_numpy().reshape(2, 24)
    assert (every[:, 22] != every[:, 23]).all()
    assert np.isfinite(paths["cuda_premium"]).nonzero()[1].tolist() == [0, 11, 23] * 2
    assert BY["mean"]([paths["cuda_premium"]], 2, Clock(1.0, 24)).tolist() == every[:, 23].tolist()
    assert np.isfinite(paths["provider/stock/hhi"]).all()


def thesis_of(measures: tuple[Measure, ...]) -> Thesis:
    return Thesis("T", "title", "claim", "mechanism", {"labs.sigma": 0.5}, measures)


def effects_with(votes: list[str], measure: str = "x") -> list[Effect]:
    needed = {"open": 100}
    return [
        Effect("T", "", measure, "1", omega, 5, 64, 1.0, 0.5, 0.5, 0.4, 0.6, None, (), vote, needed.get(vote))
        for omega, vote in zip(OMEGAS, votes, strict=True)
    ]


@pytest.mark.parametrize(
    ("votes", "verdict"),
    [
        (["supports"] * 3, "supported"),
        (["opposes"] * 3, "opposed"),
        (["negligible", "opposes", "negligible"], "opposed"),
        (["supports", "supports", "open"], "undecided"),
        (["supports", "opposes", "supports"], "undecided"),
        (["open"] * 3, "undecided"),
    ],
)
def test_a_verdict_needs_every_omega(votes: list[str], verdict: str) -> None:
    """All as claimed, none as claimed, or undecided; what is open says how many replicates it wants."""
    found = judge(thesis_of((UP,)), effects_with(votes))
    assert found.verdict == verdict
    assert any("More replicates" in one for one in found.change) == ("open" in votes)
    assert len(found.why) == 1
    assert (found.parts["x"].count(" at ") == 3) == (len(set(votes)) > 1)


def test_every_thesis_can_fail_and_be_measured() -> None:
    """Each has a dial, decisive measures with a smallest effect of interest, and signals that are recorded."""
    known = {one.name for one in SIGNALS}
    scenario = load_scenario("baseline")
    for thesis in THESES:
        assert thesis.off
        assert thesis.decisive
        assert all(one.matters > 0.0 for one in thesis.decisive)
        for measure in thesis.measures:
            assert all(text.split("/")[0] in known or text.count("/") >= 2 for text in measure.of), measure.name
        assert len({one.name for one in thesis.measures}) == len(thesis.measures)
    assert max(HORIZONS) <= scenario.run_years()


def test_a_mechanism_off_on_both_sides_does_nothing(tmp_path: Path) -> None:
    """Every effect is exactly zero, at every omega and horizon, and the verdict says so."""
    off = {**COARSE, "software.automation": 0.0, "labs.choice": "spec_sheet"}
    trial = trial_of(load_scenario("baseline", off), 8, theses=["T1", "T3"])
    found = weigh(trial, tmp_path / "off", SERIAL)
    assert len(found.effects) == sum(len(one.measures) for one in trial.theses) * len(OMEGAS) * len(HORIZONS)
    told = [one for one in found.effects if one.effect is not None]
    assert len(told) > 100
    assert {(one.effect, one.low, one.high) for one in told} == {(0.0, 0.0, 0.0)}
    assert {one.verdict for one in found.verdicts} == {"off on both sides"}


def test_a_mechanism_on_does_something_and_again_the_same(tmp_path: Path) -> None:
    """T1 changes ranks of chips; the same seed gives the same effects from another folder, another seed others."""
    scenario = load_scenario("baseline", COARSE)
    one, two = (weigh(trial_of(scenario, 8, theses=["T1"], seed=3), tmp_path / name, SERIAL) for name in ("a", "b"))
    assert one.frame().equals(two.frame())
    assert pl.read_parquet(one.folder / "effects.parquet").height == len(one.effects)
    ranks = [each for each in one.effects if each.measure == "pairs of chips ranked otherwise"]
    assert all(each.off == 0.0 and each.low > 0.1 and each.vote == "supports" for each in ranks)
    assert json.loads(json.dumps(one.as_json()))["theses"][0]["thesis"] == "T1"
    other = trial_of(scenario, 8, theses=["T1"], seed=4)
    assert other.name != one.trial.name
    with pytest.raises(WrongRequest, match="cannot be resumed"):
        weigh(other, one.folder, SERIAL)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"theses": ["T7"]}, "wanted one of T1, T2"),
        ({"samples": 4}, "8 or more"),
        ({"ticks": 12}, "wanted 10 or more"),
    ],
)
def test_what_cannot_be_tried_is_refused(change: dict[str, object], wanted: str) -> None:
    """Before anything runs."""
    ticks = change.pop("ticks", 20)
    scenario = load_scenario("baseline", {**COARSE, "ticks": ticks})
    with pytest.raises(WrongRequest, match=wanted):
        trial_of(scenario, change.pop("samples", 8), **change)
