"""A market of four firms and six ticks, and what a batch of it holds, whatever files it lies in."""

import hashlib
import io
from functools import cache
from pathlib import Path
from typing import Any

from market_sim.experiments.batch import Batch, run_batch
from market_sim.results.columns import table
from market_sim.results.read import read_runs
from market_sim.scenario.load import with_overrides
from market_sim.scenario.schema import Scenario

REPLICATES = 20
TREE: dict[str, Any] = {
    "name": "tiny",
    "ticks": 6,
    "stack": {"CUDA": {}, "XLA": {}},
    "chip": {
        "H100-SXM": {"vendor": "V", "stack": "CUDA", "price": 25000.0, "available": "2023-01"},
        "TPU v5p": {"vendor": "W", "stack": "XLA", "price": 12000.0, "available": "2023-01"},
    },
    "vendor": {"V": {"supply": 2e5}, "W": {"supply": 1e5, "sells": "both", "owner": "P"}},
    "provider": {
        "P": {
            "kind": "hyperscaler",
            "chips": ["H100-SXM", "TPU v5p"],
            "fleet": {"H100-SXM": 3e4, "TPU v5p": 4e4},
            "cash": 1e10,
            "power": 200.0,
            "power_growth": 100.0,
            "other_cash_flow": 5e9,
        },
        "Q": {
            "kind": "neocloud",
            "chips": ["H100-SXM"],
            "fleet": {"H100-SXM": 4e4},
            "cash": 2e9,
            "debt": 1e9,
            "power": 100.0,
            "power_growth": 80.0,
        },
    },
    "pool": {"one": {"start": 2e10, "ceiling": 1e11, "volatility": 0.3}},
    "lab": {
        "L": {
            "pool": "one",
            "architecture": "Llama 3.1 70B",
            "revenue": 5e9,
            "cash": 5e9,
            "funding": 2e9,
            "ports": ["CUDA"],
            "holdings": {"P": 0.4, "Q": 0.4},
        },
        "M": {
            "pool": "one",
            "architecture": "DeepSeek-V3 / R1",
            "revenue": 3e9,
            "cash": 3e9,
            "funding": 1e9,
            "ports": ["CUDA", "XLA"],
            "holdings": {"P": 0.4, "Q": 0.3},
        },
    },
}


@cache
def tiny() -> Scenario:
    return Scenario(**TREE)


def varied(**changes: Any) -> Scenario:
    """The same market; `labs__sigma=0.3` sets `labs.sigma`."""
    return with_overrides(tiny(), {key.replace("__", "."): value for key, value in changes.items()})


def content(place: Path | Batch) -> dict[str, str]:
    """Table -> digest of its rows, sorted by key: the same for the same rows in whatever parts."""
    runs = place.read() if isinstance(place, Batch) else read_runs(place)
    return {name: _digest(runs[name].drop("run").collect().sort(table(name).key)) for name in runs}


def _digest(frame: Any) -> str:
    buffer = io.BytesIO()
    frame.rechunk().write_ipc(buffer)
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def part_bytes(folder: Path) -> dict[str, bytes]:
    """Path below the folder -> bytes, of every part."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def serial_batch(folder: Path, **options: Any) -> Batch:
    """Every table of the market, in this process."""
    given = {"chunk": 7, "record": "all"} | options
    return run_batch(tiny(), REPLICATES, "serial", folder, **given)
