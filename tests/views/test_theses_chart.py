"""The picture of a thesis: effects in smallest effects that would matter."""

import pytest

from market_sim.results.errors import ColumnMismatch
from market_sim.views.charts.theses import FURTHEST, effects, effects_frame

ROW = {"measure": "x", "omega": 0.5, "years": 5, "effect": -0.2, "low": -0.3, "high": -0.1, "sign": -1, "matters": 0.1}


def test_effects_are_turned_the_way_of_the_claim() -> None:
    """A fall where a fall is claimed stands to the right; what lies far out is drawn at the edge."""
    frame = effects_frame([ROW, ROW | {"effect": 3.0, "low": 2.0, "high": 4.0}, ROW | {"effect": None, "low": None}])
    first, far, none = frame.select("at", "from", "to").rows()
    assert first == pytest.approx((2.0, 1.0, 3.0))
    assert far == (-FURTHEST, -FURTHEST, -FURTHEST)
    assert none[0] is None


def test_each_measure_has_a_panel() -> None:
    """With a row for each omega."""
    spec = effects([ROW, ROW | {"measure": "y"}], "T9").to_dict()
    assert [panel["title"] for panel in spec["concat"]] == ["x", "y"]
    assert spec["title"]["text"] == "T9"


def test_rows_that_lack_a_column_are_refused() -> None:
    """By name."""
    with pytest.raises(ColumnMismatch, match="matters"):
        effects([{key: value for key, value in ROW.items() if key != "matters"}], "T9")
