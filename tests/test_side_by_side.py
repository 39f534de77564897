"""The comparison of speeds runs, and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_comparison_prints_rates_ratios_and_what_each_covers() -> None:
    """A tiny one: five rows, ratios that follow from the rates, NumPy's dispatch and versions beside them."""
    command = [sys.executable, "-m", "benchmarks.side_by_side", "--json", "--ticks=2", "--replicates=2", "--repeats=1"]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    rate = {row["name"]: row["per_second"] for row in found["rows"]}
    assert set(rate) == {"engine", "plain mesa", "tuned NumPy", "engine's core", "floor"}
    for row in found["rows"]:
        assert row["per_second"] > 0.0
        assert abs(row["engine_times"] * row["per_second"] / rate["engine"] - 1.0) < 1e-9
        assert row["covers"]
    assert abs(found["core_over_numpy"] * rate["tuned NumPy"] / rate["engine's core"] - 1.0) < 1e-9
    assert abs(found["times_floor"] * rate["engine"] / rate["floor"] - 1.0) < 1e-9
    assert "SSE2" in found["numpy_dispatch"] or "NEON" in found["numpy_dispatch"]
    assert set(found["versions"]) == {"python", "numpy", "mesa"}
