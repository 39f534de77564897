"""Scenario -> the series of `series.py` by quarter, measured while the market runs.

A measure reads one tick, or makes a series of quarters from what others read; both bear the names of the series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass

import numpy as np

from market_sim.agents.lab import paid_by
from market_sim.agents.policies import NONE
from market_sim.agents.provider import on_demand
from market_sim.experiments.errors import BatchBroken, WrongRequest
from market_sim.experiments.executors import crew_of
from market_sim.experiments.past import quarter_name
from market_sim.experiments.series import SERIES
from market_sim.mechanisms.finance import FLOW
from market_sim.scenario.canonical import resolved_toml
from market_sim.scenario.catalog import chip_table
from market_sim.scenario.load import loads
from market_sim.scenario.schema import Scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import Day, tick
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import LOANS

BIG_FOUR = ("Microsoft", "AWS", "Google", "Meta")
TOP_FIVE = (*BIG_FOUR, "Oracle")
CAPEX = ("chips", "chips_leased", "servers", "sites", "other_capex")
NEEDED = {
    "vendor": ("NVIDIA", "AMD"),
    "chip": ("H100",),
    "provider": (*TOP_FIVE, "CoreWeave"),
    "lab": ("OpenAI", "Anthropic"),
}
WEEKS = 365.25 / 7.0
BILLION, MILLION, KW_PER_GW, KW_PER_MW = 1e9, 1e6, 1e6, 1e3
CHUNK = 16  # replicates carried together: progress is told after each

Ticks = dict[str, np.ndarray]


@dataclass(frozen=True)
class Retraced:
    """What a run did: `value` (replicate, series, quarter) in the units of SERIES, NaN where there was nothing."""

    names: tuple[str, ...]
    quarters: tuple[str, ...]
    value: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """One series (replicate, quarter)."""
        return self.value[:, self.names.index(name)]


class Meter:
    """Reads the raw figures of one tick; money in USD, power in kW."""

    def __init__(self, setup: Setup) -> None:
        refuse_unfit(setup.scenario)
        self.setup = setup
        scenario = setup.scenario
        kinds = [one.kind for one in scenario.provider.values()]
        self.hyperscalers = np.array([kind == "hyperscaler" for kind in kinds])
        self.neoclouds = np.array([kind == "neocloud" for kind in kinds])
        self.nvidia, self.amd = (setup.vendors.index(name) for name in NEEDED["vendor"])
        self.h100 = setup.chips.index("H100")
        self.coreweave = setup.providers.index("CoreWeave")
        self.openai, self.anthropic = (setup.labs.index(name) for name in NEEDED["lab"])
        each = self.setup.drawn.lab.firms  # a kind of buyer is many customers
        self.firms = np.concatenate([np.ones((len(each), len(setup.providers))), each], axis=1)
        self.big_four = [len(setup.vendors) + setup.providers.index(name) for name in BIG_FOUR]
        self.made_by_nvidia = setup.chip_vendor == self.nvidia
        self.top_five = [setup.providers.index(name) for name in TOP_FIVE]
        rows = {name: {"catalog": chip.catalog or name} for name, chip in scenario.chip.items()}
        peak = chip_table(rows).peaks[:, 0]
        self.equivalents = peak / peak[self.h100]  # dense bf16 peak, as published stocks count

    def read(self, market: Market, day: Day) -> Ticks:
        """Raw figures (R,), or (R, payer) of CoreWeave's rent, of the tick that `market` comes after."""
        return self._sales(market, day) | self._clouds(market, day) | self._coreweave(market, day) | self._labs(market)

    def _sales(self, market: Market, day: Day) -> Ticks:
        bought = day.settled.bought.sum(axis=2)
        return {
            "nvidia_revenue": bought[:, self.nvidia],
            "nvidia_profit": day.settled.profit[:, self.nvidia],
            "amd_revenue": bought[:, self.amd],
            "all_revenue": bought.sum(axis=1),
            "lead_time": day.orders.lead[:, self.nvidia] * WEEKS,
        }

    def _clouds(self, market: Market, day: Day) -> Ticks:
        stocks = (market.fleet.in_service + market.pipe.received) * self.equivalents  # as counted from chips sold
        stock = stocks.sum(axis=2)
        rent = day.events.rent.sum(axis=1)
        spent = sum(day.settled.flows[:, FLOW[kind]][:, self.big_four].sum(axis=1) for kind in CAPEX)
        listed = self.setup.drawn.provider.enterprise_markup * on_demand(self.setup)  # as list prices are told
        return {
            "capex": -spent,
            "compute_stock": stock.sum(axis=1),
            "top5_stock": stock[:, self.top_five].sum(axis=1),
            "nvidia_stock": (stocks * self.made_by_nvidia).sum(axis=(1, 2)),
            "rent": rent.sum(axis=1),
            "neocloud_rent": (rent * self.neoclouds).sum(axis=1),
            "kw_started": day.delivered.completed.sum(axis=1),
            "kw_lateness": day.delivered.lateness.sum(axis=1),
            "h100_rent": self._h100(market, self.neoclouds, np.ones_like(listed)),
            "hyperscaler_list": self._h100(market, self.hyperscalers, listed),
            "neocloud_list": self._h100(market, self.neoclouds, listed),
        }

    def _h100(self, market: Market, members: np.ndarray, markup: np.ndarray) -> np.ndarray:
        """Mean H100 quote times markup (R,) over providers of a kind that have it, by chips."""
        weight = market.fleet.in_service[:, :, self.h100] * market.providers.active * members
        total = weight.sum(axis=1)
        priced = (weight * market.providers.quote[:, :, self.h100] * markup).sum(axis=1)
        return np.where(total > 0.5, priced / np.where(total > 0.5, total, 1.0), np.nan)

    def _coreweave(self, market: Market, day: Day) -> Ticks:
        at = self.coreweave
        holder = len(self.setup.vendors) + at
        debt = -day.before.ledger.balance[:, LOANS, holder]
        paid = -day.settled.flows[:, FLOW["interest"], holder] / self.setup.dt
        rent = paid_by(self.setup, day.events.rent)[:, at]
        return {
            "coreweave_rent": rent,
            "coreweave_largest": rent / self.firms,
            "coreweave_backlog": market.holdings.backlog[:, at],
            "coreweave_power": (market.fleet.in_service[:, at] * self.setup.power).sum(axis=1),
            "coreweave_rate": np.where(debt > MILLION, paid / np.maximum(debt, MILLION), np.nan),
        }

    def _labs(self, market: Market) -> Ticks:
        return {
            "openai_revenue": market.labs.revenue[:, self.openai],
            "openai_power": (market.holdings.live[:, self.openai] * self.setup.power).sum(axis=1),
            "anthropic_revenue": market.labs.revenue[:, self.anthropic],
        }


def refuse_unfit(scenario: Scenario) -> None:
    """Raise WrongRequest for a scenario that cannot be held against history: firms, start or ticks."""
    for kind, names in NEEDED.items():
        lacking = [name for name in names if name not in getattr(scenario, kind)]
        if lacking:
            raise WrongRequest(f"scenario {scenario.name}: history is told of {kind} {lacking[0]!r}, which it lacks")
    if scenario.start[5:7] not in ("01", "04", "07", "10"):
        raise WrongRequest(f"scenario {scenario.name}: start = {scenario.start!r}; wanted the first month of a quarter")
    each = 3.0 / scenario.tick_months
    if abs(each - round(each)) > 1e-9 or round(each) < 1:
        raise WrongRequest(f"scenario {scenario.name}: tick_months = {scenario.tick_months:g}; wanted a part of 3")


class Quarters:
    """What ticks add up to; `raw` maps names to (R, tick) or (R, tick, customer)."""

    def __init__(self, raw: Ticks, each: int) -> None:
        self.raw, self.each = raw, each

    def _split(self, name: str) -> np.ndarray:
        x = self.raw[name]
        whole = x.shape[1] // self.each
        return x[:, : whole * self.each].reshape(len(x), whole, self.each, *x.shape[2:])

    def total(self, name: str) -> np.ndarray:
        """Sum over each quarter."""
        return self._split(name).sum(axis=2)

    def mean(self, name: str) -> np.ndarray:
        """Mean over each quarter."""
        return self._split(name).mean(axis=2)

    def last(self, name: str) -> np.ndarray:
        """Value at the end of each quarter."""
        return self._split(name)[:, :, -1]

    def year(self, name: str) -> np.ndarray:
        """Sum over the year that ends with each quarter; NaN before a year is over."""
        x = self.total(name)
        out = np.full_like(x, np.nan)
        if x.shape[1] >= 4:
            out[:, 3:] = x[:, 3:] + x[:, 2:-1] + x[:, 1:-2] + x[:, :-3]
        return out


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), np.nan)


def _largest_customer(q: Quarters) -> np.ndarray:
    return _ratio(q.year("coreweave_largest").max(axis=2), q.year("coreweave_rent").sum(axis=2))


MEASURES: dict[str, Callable[[Quarters], np.ndarray]] = {
    "nvidia_revenue": lambda q: q.total("nvidia_revenue") / BILLION,
    "nvidia_margin": lambda q: 100.0 * _ratio(q.total("nvidia_profit"), q.total("nvidia_revenue")),
    "nvidia_share": lambda q: 100.0 * _ratio(q.year("nvidia_revenue"), q.year("all_revenue")),
    "amd_revenue": lambda q: q.year("amd_revenue") / BILLION,
    "lead_time": lambda q: q.mean("lead_time"),
    "h100_rent": lambda q: q.last("h100_rent"),
    "price_ratio": lambda q: _ratio(q.last("hyperscaler_list"), q.last("neocloud_list")),
    "capex": lambda q: q.total("capex") / BILLION,
    "compute_stock": lambda q: q.last("compute_stock") / MILLION,
    "top5_share": lambda q: 100.0 * _ratio(q.last("top5_stock"), q.last("compute_stock")),
    "coreweave_revenue": lambda q: q.total("coreweave_rent").sum(axis=2) / BILLION,
    "coreweave_backlog": lambda q: q.last("coreweave_backlog") / BILLION,
    "coreweave_power": lambda q: q.last("coreweave_power") / KW_PER_MW,
    "coreweave_customer": lambda q: 100.0 * _largest_customer(q),
    "coreweave_rate": lambda q: 100.0 * q.last("coreweave_rate"),
    "openai_revenue": lambda q: q.last("openai_revenue") / BILLION,
    "openai_power": lambda q: q.last("openai_power") / KW_PER_GW,
    "anthropic_revenue": lambda q: q.last("anthropic_revenue") / BILLION,
    "nvidia_compute": lambda q: 100.0 * _ratio(q.last("nvidia_stock"), q.last("compute_stock")),
    "lab_yield": lambda q: KW_PER_GW / BILLION * _ratio(q.last("openai_revenue"), q.last("openai_power")),
    "build_slip": lambda q: 100.0 * np.expm1(_ratio(q.year("kw_lateness"), q.year("kw_started"))),
    "neocloud_share": lambda q: 100.0 * _ratio(q.total("neocloud_rent"), q.total("rent")),
}


def retrace_chunk(scenario: Scenario, *, seed: int = 0, replicates: Sequence[int] = (0,)) -> Retraced:
    """Run these replicates together in this process and measure every series. Raises WrongRequest."""
    refuse_unfit(scenario)
    setup, market = prepare(scenario, seed, tuple(replicates))
    meter, seen = Meter(setup), []
    for _ in range(scenario.ticks):
        market, day = tick(setup, market, NONE)
        seen.append(meter.read(market, day))
    raw = {name: np.stack([one[name] for one in seen], axis=1) for name in seen[0]}
    quarters = Quarters(raw, round(3.0 / scenario.tick_months))
    value = np.stack([MEASURES[name](quarters) for name in SERIES], axis=1)
    return Retraced(tuple(SERIES), quarters_of(scenario), value)


def quarters_of(scenario: Scenario) -> tuple[str, ...]:
    """The whole quarters that a run covers."""
    first = 4 * int(scenario.start[:4]) + (int(scenario.start[5:7]) - 1) // 3
    whole = scenario.ticks // round(3.0 / scenario.tick_months)
    return tuple(quarter_name(first + k) for k in range(whole))


def _of_text(text: str, seed: int, replicates: Sequence[int]) -> Retraced:
    """`retrace_chunk` of a scenario written out, as a worker gets it."""
    return retrace_chunk(loads(text, origin="the scenario of the hindcast"), seed=seed, replicates=replicates)


def retrace(
    scenario: Scenario,
    replicates: int,
    *,
    seed: int = 0,
    executor: Executor | str | None = None,
    workers: int | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> Retraced:
    """Replicates 0 to `replicates` - 1, in chunks over processes (or any executor); the same numbers however run.

    `watch` is told replicates done and in all. Raises WrongRequest, NoExecutor, BatchBroken.
    """
    refuse_unfit(scenario)
    text, numbers = resolved_toml(scenario), range(replicates)
    parts = [numbers[first : first + CHUNK] for first in range(0, replicates, CHUNK)]
    crew = crew_of(executor, workers)
    try:
        found = _gathered([crew.submit(_of_text, text, seed, part) for part in parts], parts, watch)
    except BaseException:
        crew.stop()
        raise
    crew.close()
    return Retraced(found[0].names, found[0].quarters, np.concatenate([one.value for one in found]))


def _gathered(
    futures: list[Future[Retraced]], parts: Sequence[Sequence[int]], watch: Callable[[int, int], None] | None
) -> list[Retraced]:
    """Answers in order, as they come. Raises BatchBroken when a worker dies."""
    total, left = sum(map(len, parts)), set(futures)
    while True:
        if watch is not None:
            watch(sum(len(part) for one, part in zip(futures, parts, strict=True) if one.done()), total)
        if not left:
            break
        done, left = wait(left, 1.0, FIRST_COMPLETED)
        for one in done:
            _refuse_broken(one)
    return [one.result() for one in futures]


def _refuse_broken(future: Future[Retraced]) -> None:
    from concurrent.futures import BrokenExecutor

    error = future.exception()
    if isinstance(error, BrokenExecutor):
        raise BatchBroken("a worker of the hindcast was killed, perhaps for want of memory: use fewer --workers")
    if error is not None:
        raise error
