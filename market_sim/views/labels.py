"""What each of several runs is called in a chart: its scenario, and no more than it takes to tell it apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from market_sim.results.manifest import RunInfo
from market_sim.results.read import Runs

Tables = Mapping[str, pl.LazyFrame]


def labels(runs: Mapping[str, RunInfo]) -> dict[str, str]:
    """Run -> its label, all distinct: the scenario's name; with the seed, the replicates or the folder if need be."""
    return {run: label for names in _by_scenario(runs).values() for run, label in _told_apart(names).items()}


def labelled(tables: Tables, named: Mapping[str, str] | None = None) -> Tables:
    """The tables with each run's label for its `scenario`, so that no two runs are ever put together.

    `named`: run -> label, where the runs are some of more.
    """
    if not isinstance(tables, Runs):
        return tables
    known = named or labels({run: manifest.info for run, manifest in tables.manifests.items()})
    label = _label({run: known[run] for run in tables.manifests})
    return {name: tables[name].with_columns(scenario=label) for name in tables}


def _label(named: Mapping[str, str]) -> pl.Expr:
    """The label of a row's run: compares codes and makes no text, since there may be ten million rows."""
    kind = pl.Enum(list(named.values()))
    chain: Any = pl
    for run, label in named.items():
        chain = chain.when(pl.col("run") == run).then(pl.lit(label, dtype=kind))
    found: pl.Expr = chain.otherwise(None)
    return found


def _by_scenario(runs: Mapping[str, RunInfo]) -> dict[str, dict[str, RunInfo]]:
    groups: dict[str, dict[str, RunInfo]] = {}
    for run, info in runs.items():
        groups.setdefault(info.scenario, {})[run] = info
    return groups


def _told_apart(runs: Mapping[str, RunInfo]) -> dict[str, str]:
    """Labels of runs of one scenario: whatever differs among them, and the folder where nothing else does."""
    parts = [part for part in (_seed, _draws) if len({part(info) for info in runs.values()}) > 1]
    found = {run: ", ".join([info.scenario, *(part(info) for part in parts)]) for run, info in runs.items()}
    met = Counter(found.values())
    return {run: f"{label} ({run})" if met[label] > 1 else label for run, label in found.items()}


def _seed(info: RunInfo) -> str:
    return f"seed {info.seed}"


def _draws(info: RunInfo) -> str:
    last = info.first_replicate + info.replicates - 1
    return f"replicates {info.first_replicate}-{last}" if info.replicates > 1 else f"replicate {last}"
