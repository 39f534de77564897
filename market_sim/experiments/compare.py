"""Two scenarios under the same luck: the difference replicate by replicate, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.metrics import DEFAULT_METRICS, Metric, When, metric_of
from market_sim.results.files import Place, place_of
from market_sim.results.read import Runs, read_runs

AT_THE_END = When()
CONFIDENCE = 0.95
RESAMPLES, MOST_DRAWN, AT_A_TIME = 9_999, 20_000_000, 1_000_000  # numbers that bootstrapping may draw, and hold
CORRECTED = 1_000  # pairs up to which intervals are corrected for bias and skew; beyond it changes nothing


@dataclass(frozen=True, slots=True)
class Difference:
    """B less A in one metric, over the replicates that both have.

    `low` to `high` holds the mean difference with the confidence asked for; None where nothing can be said.
    `luck_removed`: the variance that an unpaired difference would have, over that of the paired one.
    """

    metric: str
    unit: str
    pairs: int
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    luck_removed: float | None

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


@dataclass(frozen=True)
class Comparison:
    """Differences between two runs of the same seed."""

    a: Place
    b: Place
    seed: int
    when: When
    confidence: float
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...] = ()  # of the usual metrics those that the runs cannot tell then, and why

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        rows = [{name: getattr(one, name) for name in Difference.__dataclass_fields__} for one in self.differences]
        head = {"a": str(self.a), "b": str(self.b), "seed": self.seed, "at": str(self.when)}
        return head | {"confidence": self.confidence, "differences": rows, "left_out": list(self.left_out)}


def compare(
    a: str | Place,
    b: str | Place,
    metrics: Sequence[str | Metric] = (),
    *,
    when: When = AT_THE_END,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Compare the runs of two folders, metric by metric; without any, those that both recorded of the usual.

    Raises WrongRequest for unlike seeds, no common replicates, an unknown metric or a confidence outside 0 to 1,
    and what `read_runs` raises.
    """
    if not 0.0 < confidence < 1.0:
        raise WrongRequest(f"confidence {confidence}: wanted a number between 0 and 1, such as 0.95")
    runs = _one_run(a), _one_run(b)
    seed = _common_seed(*runs)
    end = _common_end(*runs) if when.last is None else when.last
    settled = When(end, when.first)
    asked = [one if isinstance(one, Metric) else metric_of(one) for one in metrics]
    usual, left_out = ([], ()) if asked else _usual(settled, *runs)
    differences = tuple(_difference(one, *runs, settled, confidence, seed) for one in asked or usual)
    return Comparison(place_of(a), place_of(b), seed, settled, confidence, differences, left_out)


def _one_run(folder: str | Place) -> Runs:
    """The run in a folder. Raises WrongRequest where a batch of several lies there."""
    runs = read_runs(folder)
    if len(runs.manifests) > 1:
        raise WrongRequest(
            f"{folder} holds {len(runs.manifests)} runs: wanted one, such as {min(runs.folders.values())}"
        )
    return runs


def _common_seed(*runs: Runs) -> int:
    infos = [next(iter(one.manifests.values())).info for one in runs]
    if infos[0].seed != infos[1].seed:
        raise WrongRequest(
            f"seeds {infos[0].seed} and {infos[1].seed} differ: wanted runs of one seed, whose luck is common"
        )
    return infos[0].seed


def _usual(when: When, *runs: Runs) -> tuple[list[Metric], tuple[str, ...]]:
    """The usual metrics that both runs can tell at that time, and why they cannot tell the others."""
    tables = set(runs[0]) & set(runs[1])
    usual = [metric for metric in map(metric_of, DEFAULT_METRICS) if metric.table in tables]
    if not usual:
        raise WrongRequest("neither concentration nor signals were recorded in both: name metrics of what was")
    infos = [manifest.info for run in runs for manifest in run.manifests.values()]
    untold = {one: [why for info in infos if (why := one.untold(when, info.resolved, info.light))] for one in usual}
    return [one for one in usual if not untold[one]], tuple(why[0] for why in untold.values() if why)


def _common_end(*runs: Runs) -> Any:
    """The last day that both runs have reached, in the table that tells it cheapest."""
    table = next((one for one in ("concentration", "signals", "shares") if all(one in run for run in runs)), None)
    if table is None:
        return None
    return min(day for run in runs if (day := run[table].select("date").max().collect().item()) is not None)


def _difference(metric: Metric, a: Runs, b: Runs, when: When, confidence: float, seed: int) -> Difference:
    both = metric.in_each(a, when), metric.in_each(b, when)
    pairs = both[0].join(both[1], on="replicate", suffix="_b").drop_nulls().sort("replicate").collect()
    return difference_of(metric, pairs["value"].to_numpy(), pairs["value_b"].to_numpy(), confidence, seed)


def difference_of(
    metric: Metric, a: NDArray[np.float64], b: NDArray[np.float64], confidence: float = CONFIDENCE, seed: int = 0
) -> Difference:
    """The difference of two metrics (replicates), pair by pair."""
    if not len(a):
        return Difference(metric.text, metric.unit, 0, None, None, None, None, None, None)
    paired = b - a
    low, high = interval(paired, confidence, seed)
    mean_a, mean_b, mean = (float(numbers.mean()) for numbers in (a, b, paired))
    return Difference(metric.text, metric.unit, len(a), mean_a, mean_b, mean, low, high, _luck_removed(a, b))


def _luck_removed(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    if len(a) < 2:
        return None
    paired = float((b - a).var(ddof=1))
    return float(a.var(ddof=1) + b.var(ddof=1)) / paired if paired > 0.0 else None


def interval(
    values: NDArray[np.float64], confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[float | None, float | None]:
    """The bootstrap interval of a mean over replicates: BCa (Efron 1987), percentiles for many replicates.

    None where there is but one value; a point where all are the same.
    """
    if len(values) < 2:
        return None, None
    if np.ptp(values) == 0.0:
        return float(values[0]), float(values[0])
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=int(np.clip(MOST_DRAWN // len(values), 999, RESAMPLES)),
        batch=max(1, AT_A_TIME // len(values)),
        method="BCa" if len(values) <= CORRECTED else "percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)
