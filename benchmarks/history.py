"""The years 2023 to 2025, model beside history: quarterly figures of many replicates of the history scenario.

`python benchmarks/history.py -n 16 --write` runs the scenario and puts the tables between the marks in docs/odd.md;
without `--write` they are printed. History lies in market_sim/scenario/data/history_2023_2025.csv, each figure with
its source. Nothing here fits anything: it only measures.
"""

import argparse
import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from market_sim.agents.policies import NONE
from market_sim.mechanisms.finance import FLOW
from market_sim.scenario.catalog import chip_table
from market_sim.scenario.load import load_scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import Day, tick
from market_sim.state.market import Market
from market_sim.state.setup import Setup

ROOT = Path(__file__).parents[1]
SCENARIO = ROOT / "scenarios" / "history_2023.toml"
HISTORY = ROOT / "market_sim" / "scenario" / "data" / "history_2023_2025.csv"
PAGE = ROOT / "docs" / "odd.md"
OPENS, CLOSES = "<!-- history -->\n", "<!-- /history -->"
WEEKS = 365.25 / 7.0
BIG_FOUR = ("Microsoft", "AWS", "Google", "Meta")
TOP_FIVE = (*BIG_FOUR, "Oracle")
CAPEX = ("chips", "chips_leased", "servers", "sites", "other_capex")

SERIES = {  # name: (label, figures after the point, whether it is a flow)
    "nvidia_revenue": ("NVIDIA data-centre revenue, bn USD", 1, True),
    "nvidia_margin": ("NVIDIA gross margin, %", 0, False),
    "lead_time": ("NVIDIA lead time, weeks", 0, False),
    "h100_rent": ("H100 one-year quote, USD per hour", 2, False),
    "compute_stock": ("world compute, million H100-equivalents", 2, False),
    "coreweave_revenue": ("CoreWeave revenue, bn USD", 2, True),
    "capex": ("capex of the big four, bn USD", 0, True),
    "neocloud_share": ("neoclouds' share of rent, %", 1, False),
    "top5_share": ("top-five owners' share of compute, %", 0, False),
}
PERCENT = ("nvidia_margin", "neocloud_share", "top5_share")

Table = dict[str, np.ndarray]


def places(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where firms stand; those a scenario lacks are left out."""
    return [names.index(name) for name in wanted if name in names]


class Meter:
    """What one tick adds to each series, (R,)."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        scenario, providers = setup.scenario, setup.providers
        self.nvidia = setup.vendors.index("NVIDIA")
        self.h100 = setup.chips.index("H100")
        self.coreweave = providers.index("CoreWeave")
        self.neoclouds = np.array([one.kind == "neocloud" for one in scenario.provider.values()])
        self.top5 = places(providers, TOP_FIVE)
        self.spenders = [len(setup.vendors) + place for place in places(providers, BIG_FOUR)]
        rows = {name: {"catalog": chip.catalog or name} for name, chip in scenario.chip.items()}
        peak = chip_table(rows).peaks[:, 0]
        self.h100_equivalents = peak / peak[self.h100]  # dense bf16 peak, as published stocks count

    def read(self, market: Market, day: Day) -> Table:
        """Flows of the tick in billion USD, and stocks and prices at its end."""
        rent = day.events.rent.sum(axis=1)
        fleet = market.fleet.in_service
        stock = (fleet * self.h100_equivalents).sum(axis=2)
        own = fleet[:, :, self.h100] * market.providers.active
        quote = (own * market.providers.quote[:, :, self.h100]).sum(axis=1) / np.maximum(own.sum(axis=1), 1e-9)
        spent = np.stack([day.settled.flows[:, FLOW[kind]] for kind in CAPEX]).sum(axis=0)
        return {
            "nvidia_revenue": day.settled.bought[:, self.nvidia].sum(axis=1) / 1e9,
            "nvidia_profit": day.settled.profit[:, self.nvidia] / 1e9,
            "lead_time": day.orders.lead[:, self.nvidia] * WEEKS,
            "h100_rent": np.where(own.sum(axis=1) > 0.0, quote, np.nan),
            "compute_stock": stock.sum(axis=1) / 1e6,
            "coreweave_revenue": rent[:, self.coreweave] / 1e9,
            "capex": -spent[:, self.spenders].sum(axis=1) / 1e9,
            "rent": rent.sum(axis=1),
            "neocloud_rent": np.where(self.neoclouds, rent, 0.0).sum(axis=1),
            "top5_share": 100.0 * stock[:, self.top5].sum(axis=1) / stock.sum(axis=1),
        }


def measure(replicates: int, seed: int, overrides: Mapping[str, object]) -> tuple[Table, list[str]]:
    """Every series by quarter (R, quarter), and the quarters' names."""
    setup, market = prepare(load_scenario(SCENARIO, dict(overrides)), seed, tuple(range(replicates)))
    meter, seen = Meter(setup), []
    for _ in range(setup.scenario.ticks):
        market, day = tick(setup, market, NONE)
        seen.append(meter.read(market, day))
    ticks = {name: np.stack([one[name] for one in seen], axis=1) for name in seen[0]}
    each = round(0.25 / setup.dt)
    first = int(setup.scenario.start[:4])
    names = [f"{first + k // 4}-Q{k % 4 + 1}" for k in range(setup.scenario.ticks // each)]
    return by_quarter(ticks, each), names


def by_quarter(ticks: Table, each: int) -> Table:
    """(R, tick) -> (R, quarter): flows are summed, the lead averaged, stocks and prices taken at the end."""
    split = {name: x[:, : x.shape[1] // each * each].reshape(len(x), -1, each) for name, x in ticks.items()}
    total = {name: x.sum(axis=2) for name, x in split.items()}
    last = {name: x[:, :, -1] for name, x in split.items()}
    derived = {
        "nvidia_margin": 100.0 * total["nvidia_profit"] / np.maximum(total["nvidia_revenue"], 1e-9),
        "lead_time": split["lead_time"].mean(axis=2),
        "neocloud_share": 100.0 * total["neocloud_rent"] / np.maximum(total["rent"], 1.0),
    }
    plain = {name: (total if flow else last)[name] for name, (_, _, flow) in SERIES.items() if name in last}
    return {**plain, **derived}


def history() -> dict[str, dict[str, float]]:
    """What happened: value by series and period, shares in percent."""
    out: dict[str, dict[str, float]] = {name: {} for name in SERIES}
    with HISTORY.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            scale = 100.0 if row["series"] in PERCENT else 1.0
            out[row["series"]][row["period"]] = scale * float(row["value"])
    return out


def spread(values: np.ndarray) -> np.ndarray:
    """Median, 5th and 95th percentile over replicates (3, period)."""
    return np.nanpercentile(values, [50.0, 5.0, 95.0], axis=0)


def error(middle: np.ndarray, periods: Sequence[str], past: Mapping[str, float]) -> str:
    """Median over periods of |model / history - 1|, in percent; points for shares and margins are not used."""
    gaps = [abs(m / past[p] - 1.0) for m, p in zip(middle, periods, strict=True) if p in past and past[p] > 0.0]
    return f"{100.0 * float(np.median(gaps)):.0f} %" if gaps else "–"


def table(model: Table, periods: Sequence[str], past: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> str:
    """Markdown: three lines a series, one column a period."""
    lines = ["| | | " + " | ".join(periods) + " | error |", "|---|---|" + "--:|" * (len(periods) + 1)]
    for name in names:
        label, digits, _ = SERIES[name]
        middle, low, high = spread(model[name])
        known = [f"{past[name][p]:.{digits}f}" if p in past[name] else "" for p in periods]
        band = [f"{a:.{digits}f}–{b:.{digits}f}" for a, b in zip(low, high, strict=True)]
        lines.append(f"| {label} | history | " + " | ".join(known) + " | |")
        found = " | ".join(f"{m:.{digits}f}" for m in middle)
        lines.append(f"| | model | {found} | {error(middle, periods, past[name])} |")
        lines.append("| | 5–95 % | " + " | ".join(band) + " | |")
    return "\n".join(lines)


def yearly(model: Table, quarters: Sequence[str]) -> tuple[Table, list[str]]:
    """Flows by calendar year (R, year)."""
    years = list(dict.fromkeys(q[:4] for q in quarters))
    at = [[k for k, q in enumerate(quarters) if q[:4] == year] for year in years]
    flows = [name for name, (_, _, flow) in SERIES.items() if flow]
    return {name: np.stack([model[name][:, k].sum(axis=1) for k in at], axis=1) for name in flows}, years


def with_years(past: dict[str, dict[str, float]], years: Sequence[str]) -> dict[str, dict[str, float]]:
    """Years filled in from their quarters where all four are known."""
    out = {name: dict(values) for name, values in past.items()}
    for name, values in past.items():
        for year in years:
            quarters = [values.get(f"{year}-Q{k}") for k in (1, 2, 3, 4)]
            if year not in values and None not in quarters:
                out[name][year] = sum(q for q in quarters if q is not None)
    return out


def report(model: Table, quarters: Sequence[str], replicates: int, seed: int) -> str:
    """Both tables, with what they show above them."""
    past = history()
    by_year, years = yearly(model, quarters)
    head = (
        f"Median and 5–95 % band of {replicates} replicates (seed {seed}); `error` is the\n"
        "median, over the periods with a historical figure, of |model median / history − 1|."
    )
    flows = table(by_year, years, with_years(past, years), list(by_year))
    return f"{head}\n\n{table(model, quarters, past, list(SERIES))}\n\nBy year:\n\n{flows}\n"


def inserted(page: str, text: str) -> str:
    """The page with what stands between the marks replaced. Raises ValueError if a mark is missing."""
    if OPENS not in page or CLOSES not in page:
        raise ValueError(f"{PAGE.name}: wanted the marks {OPENS.strip()} and {CLOSES}")
    before, _, rest = page.partition(OPENS)
    return "".join((before, OPENS, text, CLOSES, rest.partition(CLOSES)[2]))


def main() -> None:
    """Run, then print or write."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("-n", "--replicates", type=int, default=16)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a parameter")
    asked.add_argument("--write", action="store_true", help="put the tables into docs/odd.md")
    given = asked.parse_args()
    pairs = [text.partition("=")[::2] for text in given.set]
    began = time.perf_counter()
    model, quarters = measure(given.replicates, given.seed, {key: _value(text) for key, text in pairs})
    text = report(model, quarters, given.replicates, given.seed)
    if given.write:
        PAGE.write_text(inserted(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    else:
        print(text)
    print(f"{given.replicates} replicates in {time.perf_counter() - began:.0f} s")


def _value(text: str) -> object:
    """A number where the text is one."""
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
