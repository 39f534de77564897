"""`market-sim hindcast`: the same answer again, its files, and bad input."""

import csv
import json

import pytest

from market_sim.cli import main
from market_sim.experiments.past import SHIPPED

ARGUMENTS = ("hindcast", "-n", "2", "--seed", "5", "--executor", "serial", "--json")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What two hindcasts of one seed say, and the folder of the first."""
    import contextlib
    import io

    folder, told = tmp_path_factory.mktemp("hindcast"), []
    for name in ("one", "two"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main((*ARGUMENTS, "--out", str(folder / name))) == 0
        told.append(json.loads(out.getvalue()))
    return told, folder / "one"


def test_a_seed_gives_the_same_numbers_again(answers):
    """Everything but the folder's name is alike."""
    first, second = ({key: value for key, value in one.items() if key != "out"} for one in answers[0])
    assert first == second


def test_the_answer_lists_scores_and_patterns(answers):
    """Both windows, thirteen patterns with a verdict each, and a share of series won that follows from the scores."""
    told = answers[0][0]
    assert [one["number"] for one in told["patterns"]] == list(range(1, 14))
    assert {one["verdict"] for one in told["patterns"]} <= {"met", "missed", "not modelled"}
    assert told["windows"] == {"fit": ["2023-Q1", "2024-Q4"], "test": ["2025-Q1", "2025-Q4"]}
    compared = [one for one in told["test"] if one["beats_naive"] is not None]
    won = sum(one["beats_naive"] for one in compared)
    assert told["summary"]["test"]["share_won"] == pytest.approx(won / len(compared))
    points = sum(one["points"] for one in told["test"])
    inside = sum(one["within"]["90"] for one in told["test"])
    assert told["summary"]["test"]["coverage90"] == pytest.approx(inside / points)


def test_the_folder_holds_numbers_and_a_picture(answers):
    """JSON as on stdout, a tidy table with a row per series and quarter, an SVG."""
    folder = answers[1]
    held = json.loads((folder / "hindcast.json").read_text())
    assert held["test"] == answers[0][0]["test"]
    with (folder / "hindcast.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(held["series"])
    assert {"series", "period", "history", "median", "low50", "high50", "low90", "high90", "naive"} <= set(rows[0])
    assert (folder / "hindcast.svg").read_text().lstrip().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("baseline",), "covers 2026-Q1 to 2035-Q4: wanted 2023-Q1 too"),
        (("-n", "0"), "wanted one replicate or more"),
        (("--set", "ticks=24"), "wanted 2025-Q1 too"),
        (("--set", "start=2023-02"), "wanted the first month of a quarter"),
        (("--history", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("--executor", "magic"), "no executor 'magic'"),
    ],
)
def test_bad_input_is_told_in_one_message(arguments, said, capsys):
    """Exit code 2, the thing and what was wanted, no traceback."""
    assert main(("hindcast", "-n", "1", "--executor", "serial", *arguments)) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_a_history_in_other_units_is_refused(tmp_path, capsys):
    """The shipped file with one unit changed."""
    path = tmp_path / "past.csv"
    path.write_text(SHIPPED.read_text().replace("weeks", "days"))
    assert main(("hindcast", "-n", "1", "--history", str(path))) == 2
    assert "'days'; wanted 'weeks'" in capsys.readouterr().err
