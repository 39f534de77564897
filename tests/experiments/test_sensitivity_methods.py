"""The methods of sensitivity analysis against functions whose indices are known."""

import sys
from collections.abc import Callable

import numpy as np
import pytest

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.indices import Index, Plan
from market_sim.experiments.sensitivity import METHODS

NAMES = ("x1", "x2", "x3")
A, B = 7.0, 0.1


def ishigami(plan: Plan) -> np.ndarray:
    """sin x1 + a sin^2 x2 + b x3^4 sin x1 on (-pi, pi)^3 (Ishigami & Homma 1990); luck has no part in it."""
    x = (2.0 * plan.places[:, :3] - 1.0) * np.pi
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def closed_form() -> dict[tuple[str, str], float]:
    """First and total indices of Ishigami's function (Saltelli et al. 2008, Global Sensitivity Analysis, 4.5)."""
    whole = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
    one, two = 0.5 * (1 + B * np.pi**4 / 5) ** 2 / whole, A**2 / 8 / whole
    both = B**2 * np.pi**8 * (1 / 18 - 1 / 50) / whole
    return {
        ("x1", "first"): one, ("x2", "first"): two, ("x3", "first"): 0.0, ("luck", "first"): 0.0,
        ("x1", "total"): one + both, ("x2", "total"): two, ("x3", "total"): both, ("luck", "total"): 0.0,
    }  # fmt: skip


def found(method: str, function: Callable[[Plan], np.ndarray], samples: int, seed: int = 1) -> dict:
    """Indices by parameter and name."""
    chosen = METHODS[method]
    plan = chosen.plan(3, samples, seed)
    indices = chosen.indices(plan, function(plan), NAMES, 0.95, seed)
    return {(one.parameter, one.kind): one for one in indices}


def test_sobol_indices_are_those_of_ishigami() -> None:
    """Each within .03 of the closed form, and the closed form inside nearly every interval."""
    indices = found("sobol", ishigami, 2048)
    for key, exact in closed_form().items():
        assert indices[key].value == pytest.approx(exact, abs=0.03), key
    inside = [indices[key].low - 0.01 <= exact <= indices[key].high + 0.01 for key, exact in closed_form().items()]
    assert sum(inside) >= 7


def test_sobol_tells_luck_from_parameters() -> None:
    """Of y = x1 + noise, each of variance 1/12, half the variance is luck's, alone and in all."""

    def noisy(plan: Plan) -> np.ndarray:
        noise = np.random.default_rng(3).random(int(plan.luck.max()) + 1)
        return plan.places[:, 0] + noise[plan.luck]

    indices = found("sobol", noisy, 4096)
    for name in ("first", "total"):
        assert indices["luck", name].value == pytest.approx(0.5, abs=0.03)
        assert indices["x1", name].value == pytest.approx(0.5, abs=0.03)
        assert indices["x2", name].value == pytest.approx(0.0, abs=0.02)


def test_morris_finds_the_slopes_of_a_plane() -> None:
    """On 2 x1 - 5 x2 mu* is 2 and 5 times the part of the range that the levels span, without spread."""
    indices = found("morris", lambda plan: plan.places[:, :3] @ [2.0, -5.0, 0.0], 10)
    for name, slope in (("x1", 2.0), ("x2", 5.0), ("x3", 0.0)):
        assert indices[name, "mu_star"].value == pytest.approx(0.95 * slope, abs=1e-9)
        assert indices[name, "sigma"].value == pytest.approx(0.0, abs=1e-9)
    assert indices["luck", "total"].value == 0.0


def test_morris_ranks_ishigami_and_sees_its_interactions() -> None:
    """x3 acts through x1 alone: a large spread beside its mean; luck of planted size is told as a share."""
    indices = found("morris", ishigami, 400)
    assert indices["x3", "mu_star"].value > 1.0
    assert indices["x3", "sigma"].value > 0.9 * indices["x3", "mu_star"].value
    noise = np.random.default_rng(5).normal(0.0, 1.0, 5000)
    luck = found("morris", lambda plan: ishigami(plan) + noise[plan.luck], 400)["luck", "total"]
    base = METHODS["morris"].plan(3, 400, 1)
    share = 1.0 / (np.var(ishigami(base)[: 400 * 4]) + 1.0)
    assert luck.low < share < luck.high


def test_pawn_ranks_ishigami_above_a_parameter_that_is_none() -> None:
    """All three move the distribution more than the dummy, x2 most of all; the dummy keeps its noise."""
    indices = found("pawn", ishigami, 2000)
    median = {name: indices[name, "median"].value for name in (*NAMES, "dummy")}
    assert median["x2"] > median["x1"] > median["dummy"]
    assert indices["x3", "maximum"].value > indices["dummy", "maximum"].high
    assert 0.0 < median["dummy"] < 0.12


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_indices(method: str) -> None:
    """And another seed others."""
    samples = 256
    once, again, other = (found(method, ishigami, samples, seed) for seed in (2, 2, 3))
    assert list(map(tuple, map(vars_of, once.values()))) == list(map(tuple, map(vars_of, again.values())))
    assert list(map(vars_of, once.values())) != list(map(vars_of, other.values()))


def vars_of(index: Index) -> list[object]:
    return [index.parameter, index.kind, index.value, index.low, index.high]


@pytest.mark.parametrize("method", METHODS)
def test_an_output_that_never_changes_has_no_cause(method: str) -> None:
    """All indices are zero, none is missing."""
    indices = found(method, lambda plan: np.full(len(plan.luck), 3.0), 256)
    assert {one.value for one in indices.values()} == {0.0}


@pytest.mark.parametrize(
    ("method", "samples", "wanted"),
    [
        ("sobol", 100, "a power of two, such as 64 or 128"),
        ("sobol", 8, "16 or more"),
        ("morris", 3, "4 or more"),
        ("pawn", 100, "160 or more"),
    ],
)
def test_too_few_samples_are_refused(method: str, samples: int, wanted: str) -> None:
    """Each method says how many it needs."""
    with pytest.raises(WrongRequest, match=wanted):
        METHODS[method].plan(3, samples, 0)


@pytest.mark.parametrize("method", ["morris", "pawn"])
def test_without_salib_the_line_that_installs_it_is_told(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sobol's indices need no more than scipy."""
    for name in ("SALib", "SALib.analyze", "SALib.sample"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(WrongRequest, match=r"pip install 'market-sim\[sensitivity\]'"):
        METHODS[method].plan(3, 256, 0)
    METHODS["sobol"].plan(3, 16, 0)
