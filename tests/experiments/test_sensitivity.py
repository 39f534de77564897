"""Sensitivity analyses of a small market: planned whole, resumable, and about the parameters asked for."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_batches import tiny, varied

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.inputs import inputs_of
from market_sim.experiments.points import BLOCK, Hands, blocks
from market_sim.experiments.sensitivity import analyse, last_year, survey_of
from market_sim.results.read import read_runs
from market_sim.scenario.load import load_scenario
from market_sim.simulation.run import simulate_chunk

SERIAL = Hands("serial")
UNCERTAIN = {"labs__sigma": {"dist": "uniform", "low": 0.2, "high": 0.8}, "ticks": 6}
YEARS = 0.5


def small(**changes: object) -> object:
    return survey_of(
        varied(**UNCERTAIN, **changes), "morris", 4, parameters=["labs.sigma", "trade.omega=0:1"], years=YEARS
    )


def test_a_run_of_points_is_the_runs_of_its_points(tmp_path: Path) -> None:
    """Point k has the rows that a run with its parameters and its draw of luck has, bit for bit."""
    survey = small()
    found = analyse(survey, tmp_path / "study", SERIAL)
    runs = read_runs(found.folder)
    points = survey.points
    for at in (0, 5, points.count - 1):
        values = {key: float(f"{column[at]:.9g}") for key, column in points.values.items()}
        alone = simulate_chunk(
            varied(ticks=6, **{key.replace(".", "__"): value for key, value in values.items()}),
            seed=0,
            replicates=(int(points.luck[at]),),
            record=("concentration",),
        )["concentration"]
        held = runs["concentration"].filter(pl.col("replicate") == at).collect()
        assert held["hhi"].to_list() == alone["hhi"].to_list()


def test_the_answer_is_the_same_again_and_lies_in_the_folder(tmp_path: Path) -> None:
    """A second call finds everything there; a fresh one comes to the same numbers."""
    first = analyse(small(), tmp_path / "one", SERIAL)
    calls: list[int] = []
    again = analyse(small(), tmp_path / "one", Hands("serial", watch=lambda done, total: calls.append(total - done)))
    other = analyse(small(), tmp_path / "two", SERIAL)
    assert first.frame().equals(again.frame())
    assert first.frame().equals(other.frame())
    assert not calls or calls[0] == 0
    assert pl.read_parquet(first.folder / "indices.parquet").equals(first.frame())
    assert set(first.frame().columns) == {"output", "parameter", "kind", "value", "low", "high"}
    assert json.loads(json.dumps(first.as_json()))["points"] == 4 * 4


def test_another_study_does_not_go_on_in_the_folder(tmp_path: Path) -> None:
    """It is refused, and nothing there is touched."""
    analyse(small(), tmp_path / "one", SERIAL)
    with pytest.raises(WrongRequest, match="cannot be resumed"):
        analyse(small(trade__lot=0.1), tmp_path / "one", SERIAL)


def test_uncertain_parameters_are_those_that_the_scenario_draws() -> None:
    """All distributions by default; a range makes any other one uncertain."""
    assert inputs_of(varied(**UNCERTAIN)).keys == ("labs.sigma",)
    asked = inputs_of(varied(**UNCERTAIN), ["trade.omega=0:1", "labs.sigma"])
    assert asked.keys == ("trade.omega", "labs.sigma")
    with pytest.raises(WrongRequest, match="no parameter is uncertain"):
        inputs_of(tiny())
    with pytest.raises(WrongRequest, match=r"did you mean 'labs.sigma'"):
        inputs_of(varied(**UNCERTAIN), ["labs.sgma"])
    with pytest.raises(WrongRequest, match="--parameter"):
        inputs_of(varied(**UNCERTAIN), ["labs.sigma=1:0"])


def test_rows_of_draws_count_by_their_margins() -> None:
    """And are named, since what ties them together is left out."""
    made = inputs_of(varied(labs__sigma={"dist": "draws", "values": [0.2, 0.3, 0.4]}))
    assert made.margins == ("labs.sigma",)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"method": "sobl"}, "did you mean 'sobol'"),
        ({"outputs": ["provider/stock/hh"]}, "hh"),
        ({"years": 2.0}, "at most the 0.5"),
        ({"confidence": 1.0}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_answered_is_refused(change: dict[str, object], wanted: str) -> None:
    """Before anything runs."""
    given = {"method": "morris", "outputs": (), "years": YEARS, "confidence": 0.95} | change
    method, outputs = given.pop("method"), given.pop("outputs")
    with pytest.raises(WrongRequest, match=wanted):
        survey_of(varied(**UNCERTAIN), method, 4, outputs, parameters=["labs.sigma", "trade.omega=0:1"], **given)


def test_an_output_without_a_value_is_refused(tmp_path: Path) -> None:
    """A signal that no run of the market measures has no indices."""
    survey = survey_of(
        varied(**UNCERTAIN), "morris", 4, ["lead_time/G"], parameters=["labs.sigma", "trade.omega=0:1"], years=YEARS
    )
    assert survey.when == last_year(survey.scenario)
    gone = survey_of(
        varied(**UNCERTAIN), "morris", 4, ["defaulted_debt/others"], parameters=["labs.sigma", "trade.omega=0:1"],
        years=YEARS,
    )  # fmt: skip
    with pytest.raises(WrongRequest, match=r"defaulted_debt/others"):
        analyse(gone, tmp_path / "gone", SERIAL)


def test_a_large_design_is_cut_into_runs_of_one_size() -> None:
    """Every point stands in some run; the last run begins again where it is short."""
    parts = blocks(2 * BLOCK + 1)
    assert len({len(part) for part in parts}) == 1
    assert set(np.concatenate(parts)) == set(range(2 * BLOCK + 1))


def test_the_last_year_is_twelve_months() -> None:
    """Of a run of five years from 2026 it is 2030; of half a year, all of it."""
    assert str(last_year(load_scenario("baseline", {"ticks": 60}))) == "mean of 2030-01-01 to the end"
    assert str(last_year(varied(ticks=6))) == "mean of 2026-01-01 to the end"
