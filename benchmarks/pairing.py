"""How much noise common luck takes out: variance of an unpaired difference over that of the paired one.

    python benchmarks/pairing.py [--json] [--replicates 128] [--years 5] [--scenario baseline] [--change 0.02]
        [--mean] [--parameter labs.sigma ...] [--metric provider/stock/hhi ...]

The scenario is run as it is and with one parameter raised by a small part, both under the same luck and the same draws
of the other parameters. Told for each metric, parameter and year: (Var(A) + Var(B)) / Var(B - A) over replicates at the
end of that year, or of its mean, what `market-sim compare` shows as `luck`. Pairs that have nothing in common give 1;
ten is asked for.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

for library in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(library, "1")

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402

from market_sim.experiments.metrics import DEFAULT_METRICS, metric_values  # noqa: E402
from market_sim.results.tables import Results  # noqa: E402
from market_sim.scenario.distributions import Draws  # noqa: E402
from market_sim.scenario.keys import key_parts  # noqa: E402
from market_sim.scenario.load import load_scenario, with_overrides  # noqa: E402
from market_sim.scenario.realise import realise  # noqa: E402
from market_sim.scenario.schema import Scenario  # noqa: E402
from market_sim.simulation.run import simulate  # noqa: E402

SEED = 0
RECORD = ("concentration", "signals")
PARAMETERS = (
    *("trade.omega", "labs.sigma", "labs.obsolescence", "demand.horizon", "delivery.congestion"),
    *("vendors.elasticity_floor", "providers.site_cost", "providers.debt_share"),
)


def changed(scenario: Scenario, parameter: str, change: float, replicates: int) -> Scenario:
    """The scenario with one parameter higher by the part `change` in every replicate."""
    section, name = key_parts(parameter)
    drawn = getattr(getattr(realise(scenario, SEED, range(replicates)), section), name)
    return with_overrides(scenario, {parameter: Draws(tuple((drawn * (1.0 + change)).tolist()))})


def values(results: Results, metrics: Sequence[str], years: int, mean: bool) -> list[pl.DataFrame]:
    """Replicates by metrics at the end of each year, or their means over it."""
    first = int(str(results.info.resolved["start"])[:4])
    dates = [str(year) if mean else f"{year}-12" for year in range(first, first + years)]  # a year alone is its mean
    return [metric_values(results, metrics, at=date) for date in dates]


def taken_out(a: pl.Series, b: pl.Series) -> float:
    """Variance of the unpaired difference over that of the paired one; nan where a number is missing or all agree."""
    one, other = a.to_numpy(), b.to_numpy()
    told = np.isfinite(one) & np.isfinite(other)
    paired = float(np.var((other - one)[told])) if told.any() else 0.0
    return float(np.var(one[told]) + np.var(other[told])) / paired if paired > 0.0 else np.nan


def measured(
    scenario: Scenario,
    parameters: Sequence[str],
    metrics: Sequence[str],
    change: float,
    replicates: int,
    years: int,
    mean: bool,
) -> Iterator[dict[str, Any]]:
    """A row for each parameter, metric and year."""
    base = values(simulate(scenario, seed=SEED, replicates=replicates, record=RECORD), metrics, years, mean)
    for parameter in parameters:
        other = changed(scenario, parameter, change, replicates)
        moved = values(simulate(other, seed=SEED, replicates=replicates, record=RECORD), metrics, years, mean)
        for year, (a, b) in enumerate(zip(base, moved, strict=True), start=1):
            for metric in metrics:
                yield {"parameter": parameter, "metric": metric, "year": year, "ratio": taken_out(a[metric], b[metric])}


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines of a table: a metric and year each, the ratios of the parameters, and their median."""
    frame = pl.DataFrame(rows)
    parameters = frame["parameter"].unique(maintain_order=True).to_list()
    heads = [*(name.split(".")[1][:10] for name in parameters), "median"]
    yield " ".join([f"{'metric':20} year", *(f"{head:>10}" for head in heads)])
    for (metric, year), group in frame.group_by("metric", "year", maintain_order=True):
        ratios = group["ratio"].to_list()
        cells = [*ratios, float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else np.nan]
        yield " ".join([f"{metric:20} {year:4}", *(f"{cell:10.1f}" for cell in cells)])


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--replicates", type=int, default=128)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--scenario", default="baseline")
    parser.add_argument("--change", type=float, default=0.02, help="part by which a parameter is raised")
    parser.add_argument("--mean", action="store_true", help="means over years, not their ends")
    parser.add_argument("--parameter", nargs="+", default=PARAMETERS)
    parser.add_argument("--metric", nargs="+", default=DEFAULT_METRICS)
    given = parser.parse_args()
    scenario = load_scenario(given.scenario)
    ticks = round(12.0 * given.years / scenario.tick_months)
    scenario = with_overrides(scenario, {"ticks": ticks})
    rows = list(
        measured(scenario, given.parameter, given.metric, given.change, given.replicates, given.years, given.mean)
    )
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    for line in table(sorted(rows, key=lambda row: (given.metric.index(row["metric"]), row["year"]))):
        print(line)


if __name__ == "__main__":
    main()
