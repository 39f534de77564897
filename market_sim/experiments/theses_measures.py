"""The measures of the theses, read from run folders: one number per replicate and horizon."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.metrics import Metric, When, measured_days, metric_of
from market_sim.experiments.theses_declared import DISCOUNT, Measure
from market_sim.results.files import Place
from market_sim.results.read import Runs, read_runs

Array = NDArray[np.float64]
AT_THE_END = When()


class Clock:
    """Ticks and years of a run."""

    def __init__(self, tick_months: float, ticks: int) -> None:
        self.months, self.ticks = tick_months, ticks

    def end(self, years: float) -> int:
        """Ticks over when so many years are. Raises WrongRequest beyond the run's end."""
        over = round(years * 12.0 / self.months)
        if over > self.ticks:
            lasts = self.ticks * self.months / 12.0
            raise WrongRequest(f"the run lasts {lasts:g} years: wanted {years:g} or more")
        return over

    def year(self, years: float) -> slice:
        """The ticks of the twelve months before a horizon."""
        over = self.end(years)
        return slice(max(0, over - round(12.0 / self.months)), over)

    def discounted(self, over: int) -> Array:
        """Years, discounted to the start, of each of the first ticks."""
        dt = self.months / 12.0
        return dt * np.exp(-DISCOUNT * (np.arange(over) + 0.5) * dt)


def read_paths(folder: Place, metrics: Iterable[str], replicates: int, ticks: int) -> dict[str, Array]:
    """Metric -> values (replicate, tick) of a run, NaN where there are none, such as between yearly measurements.

    Raises WrongRequest for unknown names.
    """
    asked = [metric_of(text) for text in dict.fromkeys(metrics)]
    runs = read_runs(folder)
    tables = {name: _needed(runs, [one for one in asked if one.table == name]) for name in {one.table for one in asked}}
    return {one.text: _path(tables[one.table], one, runs, replicates, ticks) for one in asked}


def _needed(runs: Runs, metrics: list[Metric]) -> pl.DataFrame:
    """The rows of one table that some of the metrics ask for, read in one pass."""
    for metric in metrics:
        metric.in_each(runs, AT_THE_END)  # refuses names that the run does not have
    wanted = pl.any_horizontal(
        pl.all_horizontal(pl.col(name).cast(pl.String) == held for name, held in metric.where) for metric in metrics
    )
    return runs[metrics[0].table].filter(wanted).collect()


def _path(rows: pl.DataFrame, metric: Metric, runs: Runs, replicates: int, ticks: int) -> Array:
    own = rows.filter(pl.col(name).cast(pl.String) == held for name, held in metric.where)
    if metric.once_a_year:
        own = measured_days(own.lazy(), runs).collect()
    path = np.full((replicates, ticks), np.nan)
    path[own["replicate"].to_numpy(), own["tick"].to_numpy()] = own[metric.column].cast(pl.Float64).to_numpy()
    return path


def measured(measure: Measure, paths: dict[str, Array], years: float, clock: Clock) -> Array:
    """The measure of every replicate (replicate,) at a horizon; NaN where there is nothing to measure."""
    return BY[measure.by]([paths[text] for text in measure.of], years, clock)


def _mean(path: Array, years: float, clock: Clock) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a year without a value has a mean that is none
        return np.asarray(np.nanmean(path[:, clock.year(years)], axis=1))


def mean(paths: list[Array], years: float, clock: Clock) -> Array:
    """Mean of the year before."""
    return _mean(paths[0], years, clock)


def ratio(paths: list[Array], years: float, clock: Clock) -> Array:
    """The first's mean over the second's."""
    first, second = (_mean(path, years, clock) for path in paths)
    return np.where(second > 0.0, first / np.where(second > 0.0, second, 1.0), np.nan)


def gap(paths: list[Array], years: float, clock: Clock) -> Array:
    """The first's mean less the second's."""
    return _mean(paths[0], years, clock) - _mean(paths[1], years, clock)


def total(paths: list[Array], years: float, clock: Clock) -> Array:
    """Sum of all of them over all ticks so far."""
    return np.asarray(sum(np.nansum(path[:, : clock.end(years)], axis=1) for path in paths))


def present(paths: list[Array], years: float, clock: Clock) -> Array:
    """Present value of a yearly rate."""
    over = clock.end(years)
    return np.asarray((np.nan_to_num(paths[0][:, :over]) * clock.discounted(over)).sum(axis=1))


BY: dict[str, Callable[[list[Array], float, Clock], Array]] = {
    one.__name__: one for one in (mean, ratio, gap, total, present)
}
