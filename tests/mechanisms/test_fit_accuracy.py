"""Published efficiencies the fit has not seen: these figures may get better, never worse."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def loaded(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    return loaded("fit_calibration")


@pytest.fixture(scope="module")
def benchmark(calibration: ModuleType) -> ModuleType:
    return loaded("fit_accuracy")


@pytest.fixture(scope="module")
def document(benchmark: ModuleType) -> ModuleType:
    return loaded("fit")


@pytest.fixture(scope="module")
def training(calibration: ModuleType) -> object:
    return calibration.Problem(calibration.measured(0), "training", 0)


@pytest.fixture(scope="module")
def serving(calibration: ModuleType) -> object:
    return calibration.Problem(calibration.measured(2), "serving", 2)


def sizes(errors: np.ndarray) -> tuple[float, float]:
    return float(np.median(np.abs(errors))), float(np.abs(errors).mean())


def within(errors: np.ndarray, median: float, mean: float) -> bool:
    return sizes(errors)[0] <= median and sizes(errors)[1] <= mean


def test_pretraining_with_pairs_left_out(training, benchmark) -> None:
    """Pairs left out: median .10, mean .135, bias .03; dense .085/.12, MoE .15/.175; .6 of the look-up's mean."""
    data = training.data
    errors = training.left_out_quickly(training.shipped, data.pairs)
    moe = np.array([row["arch"] == "moe" for row in data.rows])
    assert len(errors) > 100
    assert within(errors, 0.10, 0.135)
    assert abs(errors.mean()) <= 0.03
    assert within(errors[~moe], 0.085, 0.12)
    assert within(errors[moe], 0.15, 0.175)
    assert np.abs(errors).mean() <= 0.6 * np.abs(benchmark.look_up(data, data.pairs)).mean()


def test_pretraining_with_chips_left_out(training) -> None:
    """Chips left out: NVIDIA and Google .125/.16; vendors with one measured family .30 within their error band."""
    data = training.data
    errors = training.left_out_quickly(training.shipped, data.chips)
    vendors = np.array([case.chip.vendors[0] for case in data.cases])
    for vendor in ("NVIDIA", "Google"):
        assert within(errors[vendors == vendor], 0.125, 0.16), vendor
    for vendor, stack in (("AMD", "rocm"), ("AWS", "neuron"), ("Intel", "gaudi")):
        own = errors[vendors == vendor]
        assert sizes(own)[0] <= 0.30, vendor
        assert np.mean(np.abs(own) <= 2.0 * training.fixed[f"band:{stack}"]) >= 0.9, vendor


def test_one_newton_step_stands_for_a_refit(training) -> None:
    """The quick way of leaving a group out agrees with fitting again without it."""
    data = training.data
    group = ("DeepSeek-V3 / R1", "GB200-NVL72")
    out = np.array([pair == group for pair in data.pairs])
    quick = training.left_out_quickly(training.shipped, data.pairs)[out]
    plans = training.plans(training.shipped)
    apart = training.fit(training.shipped, ~out, plans, 3)
    refitted = (training.predict(apart, plans) - data.target)[out]
    assert np.abs(quick - refitted).max() < 0.03


def test_rows_are_put_in_the_right_order(training, benchmark) -> None:
    """Same model, format class and year on two chips: 92 % in order, 95 % of those more than a tenth apart."""
    right, wide, pairs, _ = benchmark.ordered(
        training.data, training.predict(training.shipped, training.plans(training.shipped))
    )
    assert pairs > 50
    assert right >= 0.92
    assert wide >= 0.95


def test_known_reversals_come_out(benchmark) -> None:
    """Narrow heads disfavour a 256-wide systolic array; a rack pays for a large mixture on many chips only."""
    ratios = benchmark.reversals()
    for name, ratio in ratios.items():
        if name.startswith("GPT-OSS"):
            assert ratio >= 1.25, name
        elif name.startswith("DeepSeek"):
            assert 1.25 <= ratio <= 1.8, name
        else:
            assert ratio < 1.15, name


def test_decoding_left_out(serving) -> None:
    """Decoding: .25/.35 with pairs left out, .40 with whole models left out; mixtures .30/.40 and .40/.45."""
    pairs = serving.left_out_quickly(serving.shipped, serving.data.pairs)
    models = serving.left_out_quickly(serving.shipped, serving.data.models)
    moe = np.array([row["arch"] == "moe" for row in serving.data.rows])
    assert within(pairs, 0.25, 0.35)
    assert within(models, 0.40, 0.40)
    assert within(pairs[moe], 0.30, 0.40)
    assert within(models[moe], 0.40, 0.45)


def test_teams_left_out(training, benchmark) -> None:
    """Whoever published a row is left out with all its rows: median .12, mean .15."""
    groups = benchmark.teams(training.data)
    assert len(set(groups)) > 10
    assert within(training.left_out_quickly(training.shipped, groups), 0.12, 0.15)


def test_shipped_constants_are_those_the_rows_ask_for(calibration, training, serving) -> None:
    """Fitting again from the shipped constants moves none by more than a twentieth of its start's spread."""
    for problem in (training, serving):
        everything = np.ones(len(problem.data.rows), dtype=bool)
        again = problem.fit(problem.shipped, everything, problem.plans(problem.shipped), 4)
        moved = np.abs(again - problem.shipped) / problem.spread
        assert moved.max() < 0.05, problem.names[int(moved.argmax())]


def test_rows_tell_of_every_fitted_constant(training, serving) -> None:
    """Fitted constants are few, and the rows narrow the band that each started with by a tenth at least."""
    assert len(training.names) <= 32
    assert len(serving.names) <= 3
    for problem in (training, serving):
        told = problem.bands(problem.shipped) / problem.spread
        assert told.max() < 0.9, problem.names[int(told.argmax())]


def test_the_page_on_the_fit_shows_the_shipped_constants_and_figures(document, training, serving) -> None:
    """docs/fit.md is what `benchmarks/fit.py --write` would write: constants, ratios, and the errors to .02."""
    page = (BENCHMARKS.parent / "docs" / "fit.md").read_text(encoding="utf-8")
    for name in ("constants", "order"):
        assert document.with_block(page, name, document.BLOCKS[name]()) == page, (
            f"run benchmarks/fit.py --write: {name}"
        )
    for problem, title in (
        (training, "pretraining, (model, chip) pairs left out"),
        (serving, "decoding, models left out"),
    ):
        groups = problem.data.pairs if problem is training else problem.data.models
        errors = problem.left_out_quickly(problem.shipped, groups)
        told = page.split(f"| {title} |")[1].split("| all |")[1].split("|")
        assert int(told[0]) == len(errors)
        assert float(told[2]) == pytest.approx(np.abs(errors).mean(), abs=0.02)
