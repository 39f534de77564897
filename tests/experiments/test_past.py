"""History as it is read: shipped figures in their units, and files that are refused with a reason."""

import csv

import numpy as np
import pytest

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.past import COLUMNS, read_past
from market_sim.experiments.series import SERIES

UNTOLD = {"nvidia_compute", "lab_yield", "build_slip", "neocloud_share"}  # judged by patterns alone
ROW = {
    "period": "2024-Q1", "series": "nvidia_revenue", "value": "22.56", "unit": "billion USD", "basis": "retrieved",
    "confidence": "0.9", "known": "", "source": "filing", "note": "",
}  # fmt: skip


def write(path, *rows, columns=COLUMNS):
    """A history file of these rows."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_shipped_file_says_what_was_published():
    """Figures as in the sources: billions a quarter, percent, weeks."""
    past = read_past()
    assert set(past.names) == {name for name in SERIES if name not in UNTOLD}
    at = past.on(["2023-Q1", "2025-Q4"], ["nvidia_revenue", "nvidia_margin", "capex"])
    assert at[0].tolist() == [4.28, 62.31]
    assert at[1].tolist() == [64.6, 75.0]
    assert at[2] == pytest.approx([35.39, 127.0])
    assert past.years["coreweave_revenue"]["2023"] == 0.2289


def test_what_was_derived_later_was_not_known_before():
    """World compute of 2024-Q3 is taken back from 2025: no forecast made at the end of 2024 may use it."""
    past = read_past()
    assert past.on(["2024-Q3"], ["compute_stock"])[0, 0] == pytest.approx(4.545, abs=1e-3)
    assert np.isnan(past.before("compute_stock", "2024-Q4")).all()
    assert past.before("nvidia_revenue", "2024-Q4")[-1] == 35.58


def test_2025_is_kept_out_of_the_fit():
    """Fitted and held-out figures are disjoint, and none of 2025 is fitted."""
    past = read_past()
    late = np.array([quarter >= "2025" for quarter in past.quarters])
    assert not past.fitted[:, late].any()
    assert past.held_out[:, late].any(axis=1).all()
    assert not past.held_out[:, ~late].any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"series": "nvidia_revenu"}, "did you mean 'nvidia_revenue'"),
        ({"unit": "million USD"}, "'million USD'; wanted 'billion USD'"),
        ({"period": "2024-13"}, "'2024-13'; wanted a quarter"),
        ({"value": ""}, "value ''; wanted a number"),
        ({"value": "nan"}, "value 'nan'; wanted a number"),
        ({"basis": "guessed"}, "'guessed'; wanted one of retrieved"),
        ({"confidence": "7"}, "confidence 7; wanted 0 to 1"),
        ({"series": "lead_time", "unit": "weeks", "period": "2024"}, "only flows are given for whole years"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, change, said):
    """Each fault is named with file, line, value and what was wanted."""
    path = write(tmp_path / "past.csv", ROW, ROW | {"period": "2024-Q2"} | change)
    with pytest.raises(WrongRequest, match=r"past\.csv, line 3") as found:
        read_past(path)
    assert said in str(found.value)


def test_a_gap_is_refused(tmp_path):
    """What is reported every quarter may not skip one."""
    path = write(tmp_path / "past.csv", ROW, ROW | {"period": "2024-Q3"})
    with pytest.raises(WrongRequest, match="nvidia_revenue has no figure for 2024-Q2; wanted every quarter"):
        read_past(path)


def test_repeated_rows_missing_columns_and_missing_files_are_refused(tmp_path):
    """One message each, no traceback of the library below."""
    with pytest.raises(WrongRequest, match="stands in line 2 too"):
        read_past(write(tmp_path / "twice.csv", ROW, ROW))
    with pytest.raises(WrongRequest, match="lacks the columns confidence"):
        read_past(write(tmp_path / "short.csv", ROW, columns=[one for one in COLUMNS if one != "confidence"]))
    with pytest.raises(WrongRequest, match="cannot be read"):
        read_past(tmp_path / "nowhere.csv")
    with pytest.raises(WrongRequest, match="no quarterly figure"):
        read_past(write(tmp_path / "empty.csv"))
    with pytest.raises(WrongRequest, match="2021-Q1 lies outside"):
        read_past(write(tmp_path / "good.csv", ROW)).place("2021-Q1")
