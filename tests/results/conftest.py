"""A small market's names and calendar, and frames of any table made from seeded luck."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from market_sim.results.calendar import Calendar
from market_sim.results.columns import TABLES, Column
from market_sim.results.frames import rows
from market_sim.results.manifest import RunInfo
from market_sim.results.names import Names

FrameMaker = Callable[..., pl.DataFrame]
InfoMaker = Callable[..., RunInfo]


@pytest.fixture(scope="session")
def names() -> Names:
    return Names.of(
        vendor=["NVIDIA", "AMD"],
        provider=["Azure", "CoreWeave"],
        lab=["OpenAI", "Anthropic", "Meta"],
        chip=["H100", "MI300X"],
        stack=["CUDA", "ROCm"],
        segment=["frontier", "enterprise"],
    )


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar(date(2023, 1, 1))


def _drawn(column: Column, count: int, names: Names, luck: np.random.Generator) -> np.ndarray:
    if column.dtype == "enum":
        return luck.integers(0, len(names[column.vocabulary]), count)
    if column.dtype in ("int16", "int32"):
        return luck.integers(0, 1000, count)
    return luck.random(count) * 5


@pytest.fixture(scope="session")
def made(names: Names, calendar: Calendar) -> FrameMaker:
    """made(table, count, seed) -> a frame of that table."""

    def make(table: str, count: int = 50, seed: int = 0) -> pl.DataFrame:
        luck = np.random.default_rng(seed)
        values = {column.name: _drawn(column, count, names, luck) for column in TABLES[table].handed}
        return rows(table, values, names, calendar)

    return make


@pytest.fixture(scope="session")
def info(names: Names) -> InfoMaker:
    """info(changed=...) -> what a run is."""

    def make(**changes: Any) -> RunInfo:
        resolved: Mapping[str, Any] = {"name": "tiny", "labs": {"sigma": 0.45}}
        given = {
            "scenario": "tiny",
            "resolved": resolved,
            "text": "name = 'tiny'\n",
            "seed": 7,
            "replicates": 2,
        }
        return RunInfo(**(given | {"names": names} | changes))

    return make
