"""Charts of differences, sensitivity and history: what they draw follows from the rows given."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from market_sim.results.errors import ColumnMismatch
from market_sim.views.charts import forest, hindcast, save, sensitivity_bars
from market_sim.views.charts.evidence import forest_frame, hindcast_frame, sensitivity_frame

Row = dict[str, Any]


def difference(metric: str, a: float, mean: float, half: float, **more: Any) -> Row:
    """B less A with an interval of `half` to either side."""
    span = {"low": mean - half, "high": mean + half}
    return {"metric": metric, "unit": "1", "pairs": 8, "a": a, "b": a + mean, "difference": mean, **span} | more


def index(output: str, parameter: str, kind: str, value: float) -> Row:
    span = {"low": value - 0.1, "high": value + 0.1}
    return {"output": output, "parameter": parameter, "kind": kind, "value": value, **span}


def past(series: str, period: str, history: float | None, median: float) -> Row:
    bands = {"low50": median - 1, "high50": median + 1, "low90": median - 2, "high90": median + 2}
    return {"series": series, "period": period, "history": history, "median": median, **bands, "naive": None}


def marks(chart: Any) -> set[str]:
    """Kinds of marks in the SVG specification, wherever they are."""

    def walk(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["mark"]["type"]} if isinstance(node.get("mark"), dict) else set()
            return own.union(*(walk(one) for one in node.values()))
        return set().union(*map(walk, node)) if isinstance(node, list) else set()

    return walk(chart.to_dict())


def test_differences_are_told_in_per_cent_of_a() -> None:
    """Half of 2 is a quarter more, certain as its interval is above zero; a metric at zero has no per cent."""
    rows = [difference("x", 2.0, 0.5, 0.25), difference("y", -4.0, 1.0, 2.0), difference("z", 0.0, 0.1, 0.05)]
    frame = forest_frame(rows)
    assert frame["relative"].to_list() == [0.25, 0.25, None]
    assert frame["relative_low"].to_list() == [0.125, -0.25, None]
    assert frame["certain"].to_list() == [True, False, True]
    assert frame["figures"][0] == "+0.5 (0.25 to 0.75)"


def test_a_difference_that_nobody_can_tell_is_said_to_be_none() -> None:
    """No pairs: no dot, no interval, and words instead of figures."""
    nothing = {"a": None, "b": None, "difference": None, "low": None, "high": None, "pairs": 0}
    frame = forest_frame([difference("x", 1.0, 0.1, 0.05), difference("y", 1.0, 0.0, 0.0) | nothing])
    assert frame["figures"].to_list() == ["+0.1 (0.05 to 0.15)", "nothing to compare"]
    assert frame["certain"].to_list() == [True, False]


def test_a_far_difference_is_drawn_at_the_edge_as_a_triangle() -> None:
    """Fifty times A would squeeze all others to a point; its figures still say what it is."""
    spec = forest([difference("x", 1.0, 50.0, 1.0), difference("y", 1.0, -0.1, 0.05)]).to_dict()
    rows = {row["metric"]: row for data in spec["datasets"].values() for row in data if "metric" in row}
    assert (rows["x"]["shape"], rows["y"]["shape"]) == ("triangle-right", "circle")
    assert rows["x"]["at"] < 2.0 < rows["x"]["relative"]
    assert rows["y"]["at"] == rows["y"]["relative"] == -0.1


def test_each_comparison_has_its_panel_on_one_axis() -> None:
    """So that two scenarios can be told apart by eye."""
    rows = [difference("x", 1.0, mean, 0.1, comparison=name) for name, mean in (("p", 0.2), ("q", 0.9))]
    panels = forest(rows).to_dict()["concat"]
    assert [one["hconcat"][0]["title"] for one in panels] == ["p", "q"]
    domains = [layer["encoding"]["x"]["scale"]["domain"] for one in panels for layer in one["hconcat"][0]["layer"][2:]]
    assert domains[0] == domains[1]
    assert domains[0][0] < 0.0 < 1.0 < domains[0][1]


def test_parameters_stand_in_order_of_their_largest_index() -> None:
    """By output, whatever the kind of index; outputs keep their order."""
    rows = [index("q", "a", "first", 0.1), index("q", "b", "first", 0.05), index("q", "a", "total", 0.2)]
    rows += [index("q", "b", "total", 0.6), index("p", "a", "first", -0.5), index("p", "b", "first", 0.4)]
    frame = sensitivity_frame(rows)
    assert frame.select("output", "parameter").unique(maintain_order=True).rows() == [
        ("q", "b"), ("q", "a"), ("p", "a"), ("p", "b"),
    ]  # fmt: skip
    assert marks(sensitivity_bars(rows)) == {"bar", "rule"}


@pytest.mark.parametrize(
    ("period", "day"),
    [("2023-Q3", date(2023, 7, 1)), ("2024", date(2024, 1, 1)), ("2024-05", date(2024, 5, 1))],
)
def test_a_period_is_drawn_on_its_first_day(period: str, day: date) -> None:
    """Quarters, years and months, as history gives them."""
    assert hindcast_frame([past("s", period, 1.0, 2.0)])["day"].to_list() == [day]


def test_history_is_drawn_over_the_bands_and_gaps_stay_gaps() -> None:
    """Two areas, a line and points; what is null is filtered out and not drawn as zero."""
    chart = hindcast([past("s", "2023-Q1", None, 5.0), past("s", "2023-Q2", 4.0, 6.0)])
    layers = chart.to_dict()["spec"]["layer"]
    assert [layer["mark"]["type"] for layer in layers] == ["area", "area", "line", "point", "point"]
    assert [layer.get("transform") for layer in layers[3:]] == [
        [{"filter": f"isValid(datum.{name})"}] for name in ("naive", "history")
    ]


@pytest.mark.parametrize(
    ("draw", "row", "words"),
    [
        (forest, {"metric": "x"}, "paired differences lack unit, pairs"),
        (sensitivity_bars, {"output": "x"}, "sensitivity indices lack parameter"),
        (hindcast, {"series": "x"}, "a hindcast lack period"),
        (hindcast, past("s", "summer", 1.0, 1.0), "period 'summer'"),
    ],
)
def test_rows_that_lack_a_column_are_refused_by_name(draw: Any, row: Row, words: str) -> None:
    """One sentence that says what was wanted."""
    with pytest.raises(ColumnMismatch, match=words):
        draw([row])


def test_each_is_saved_as_a_picture(tmp_path: Path) -> None:
    """An SVG that holds the names of what it shows."""
    drawn = {
        "forest": (forest([difference("neocloud_share", 1.0, 0.2, 0.1)]), "neocloud_share"),
        "bars": (sensitivity_bars([index("hhi", "labs.sigma", "total", 0.4)]), "labs.sigma"),
        "past": (hindcast([past("NVIDIA revenue", "2023-Q1", 4.0, 5.0)]), "NVIDIA revenue"),
    }
    for name, (chart, words) in drawn.items():
        save(chart, tmp_path / f"{name}.svg", "svg")
        assert words in (tmp_path / f"{name}.svg").read_text()
