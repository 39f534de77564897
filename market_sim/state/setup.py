"""What stays fixed in a run: who is there, which offers can exist, and every number drawn for each replicate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from market_sim.numerics import exp
from market_sim.scenario.dates import years_after
from market_sim.scenario.schema import Scenario
from market_sim.state.luck import Luck
from market_sim.streams import name_key

RULES = ("pro_rata", "highest_margin", "strategic")


@dataclass(frozen=True)
class Offers:
    """Every offer that can exist: a provider's chip, ready or built to order, for one term."""

    provider: np.ndarray  # (offer,)
    chip: np.ndarray
    built: np.ndarray  # bool
    term: np.ndarray  # years
    key: np.ndarray  # uint64, what luck it has hangs on: a hash of all these, by names
    pool: np.ndarray  # (offer, 2) pools it draws on, -1 for none
    pair: np.ndarray  # (offer,) index of its (provider, chip) pair
    pairs: np.ndarray  # (pair, 2) provider and chip of each ready pool; pools are pairs, then sites, then vendors

    @property
    def count(self) -> int:
        return len(self.provider)


@dataclass(frozen=True, eq=False)
class Setup:
    """One run's fixed data. `drawn` is the realised scenario: arrays with a leading replicate axis."""

    scenario: Scenario
    drawn: Any
    seed: int
    replicates: tuple[int, ...]
    luck: Luck
    offers: Offers
    dt: float  # years
    chip_vendor: np.ndarray  # (chip,)
    chip_stack: np.ndarray
    chip_family: np.ndarray
    family_stack: np.ndarray
    families: tuple[str, ...]
    chip_from: np.ndarray  # years since the start
    chip_until: np.ndarray
    vendor_owner: np.ndarray  # (vendor,) provider or -1
    lab_owner: np.ndarray  # (lab,) provider or -1
    through: np.ndarray  # (lab, provider) who may rent there for the lab, -1 for nobody
    lab_pool: np.ndarray
    enterprise: np.ndarray  # (lab,) bool: buys from the enterprise price list
    rule: np.ndarray  # (vendor,) index into RULES
    buys: np.ndarray  # (provider, vendor) bool: may order from
    own_silicon: np.ndarray  # (provider, chip) bool: made by the provider's own vendor
    rival_owner: np.ndarray  # (vendor, provider) bool: the provider owns another vendor
    deploys: np.ndarray  # (provider, chip) bool: sells capacity on it
    shortlist: Any  # of plans, for the compute fit
    fit_error: np.ndarray  # (R, chip) factor on throughput: how wrong the compute fit is about each stack
    peak: np.ndarray  # (lab, chip) dense PFLOP/s as the spec sheet prints it
    riskless: np.ndarray  # (R, tick) rate under every loan, 1/year
    automation: np.ndarray  # (R, stack, tick) share of kernel work that models do well
    ideal: np.ndarray  # (R, lab, direction, tick + 1) ideal architectures
    fortune: np.ndarray  # (R, lab, tick + 1) log luck of each lab with customers

    def ideal_at(self, tick: int) -> np.ndarray:
        """Ideal architectures (R, lab, direction) of a tick."""
        return _ideals(self)[tick]

    @property
    def power(self) -> np.ndarray:
        """kW per chip (chip,)."""
        return self.drawn.chip.power

    @property
    def packages(self) -> np.ndarray:
        """Packages per chip (chip,)."""
        return self.drawn.chip.packages

    @property
    def stacks(self) -> tuple[str, ...]:
        return tuple(self.scenario.stack)

    @property
    def chips(self) -> tuple[str, ...]:
        return tuple(self.scenario.chip)

    @property
    def vendors(self) -> tuple[str, ...]:
        return tuple(self.scenario.vendor)

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(self.scenario.provider)

    @property
    def labs(self) -> tuple[str, ...]:
        return tuple(self.scenario.lab)

    @property
    def pools(self) -> tuple[str, ...]:
        return tuple(self.scenario.pool)

    @property
    def width(self) -> int:
        """Number of replicates in this chunk."""
        return len(self.replicates)


Fixed = TypeVar("Fixed")


def once(rule: Callable[[Setup], Fixed]) -> Callable[[Setup], Fixed]:
    """A function of the setup alone, worked out once a run: what it answers must not be written to."""
    known: WeakKeyDictionary[Setup, Fixed] = WeakKeyDictionary()

    @wraps(rule)
    def remembered(setup: Setup) -> Fixed:
        if setup not in known:
            known[setup] = rule(setup)
        return known[setup]

    return remembered


@once
def _ideals(setup: Setup) -> np.ndarray:
    """Ideal architectures (tick + 1, R, lab, direction), those of a tick side by side."""
    return np.ascontiguousarray(np.moveaxis(setup.ideal, -1, 0))


def index_of(names: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Positions of `wanted` in `names`; an empty name is -1."""
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[name] if name else -1 for name in wanted], np.int64)


def list_offers(scenario: Scenario) -> Offers:
    """The offers that can exist, provider by provider."""
    providers, chips = tuple(scenario.provider), tuple(scenario.chip)
    vendors = tuple(scenario.vendor)
    pairs: list[tuple[int, int]] = []
    rows: list[tuple[int, int, bool, float, int]] = []
    for p, name in enumerate(providers):
        for chip in scenario.provider[name].chips:
            c, pair = chips.index(chip), len(pairs)
            pairs.append((p, c))
            rows += [(p, c, False, term, pair) for term in scenario.trade.ready_terms]
            if may_buy(scenario, name, scenario.chip[chip].vendor):
                rows += [(p, c, True, term, pair) for term in scenario.trade.built_terms]
    vendor_of = index_of(vendors, [scenario.chip[chip].vendor for chip in chips])
    pool = [
        (len(pairs) + p, len(pairs) + len(providers) + vendor_of[c]) if built else (pair, -1)
        for p, c, built, _, pair in rows
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    return Offers(
        provider=np.array(columns[0], np.int64),
        chip=np.array(columns[1], np.int64),
        built=np.array(columns[2], np.bool_),
        term=np.array(columns[3], np.float64),
        key=np.array(
            [name_key("offer", providers[p], chips[c], str(built), f"{term:g}") for p, c, built, term, _ in rows],
            np.uint64,
        ),
        pool=np.array(pool, np.int64).reshape(-1, 2),
        pair=np.array(columns[4], np.int64),
        pairs=np.array(pairs, np.int64).reshape(-1, 2),
    )


def may_buy(scenario: Scenario, provider: str, vendor: str) -> bool:
    """Merchant silicon goes to anyone, captive silicon to its owner only."""
    maker = scenario.vendor[vendor]
    return maker.sells != "captive" or maker.owner == provider


def families_of(scenario: Scenario, catalogue: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Instruction-set families of a scenario's chips, a family belonging to one stack, and each chip's."""
    keys = [f"{chip.stack}/{family}" for chip, family in zip(scenario.chip.values(), catalogue, strict=True)]
    families = tuple(dict.fromkeys(keys))
    return families, index_of(families, keys)


def gathered(steps: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A path from 0 of steps over the last axis, scaled (R,): one entry more than steps."""
    path = np.cumsum(steps, axis=-1) * scale.reshape(-1, *[1] * (steps.ndim - 1))
    return np.concatenate([np.zeros((*steps.shape[:-1], 1)), path], axis=-1)


def automation_paths(scenario: Scenario, drawn: Any) -> np.ndarray:
    """Share of kernel work that models do well on each stack (R, stack, tick): CUDA's path, late by the stack's lag."""
    now = np.arange(scenario.ticks) * scenario.tick_months / 12.0
    path, lag = drawn.software.automation_path, drawn.stack.automation_lag
    rows = [
        [np.interp(now - late, path.dates, row) for late in lags] for row, lags in zip(path.values, lag, strict=True)
    ]
    return np.clip(np.array(rows) * drawn.software.automation[:, None, None], 0.0, 1.0)


def riskless_path(scenario: Scenario, drawn: Any) -> np.ndarray:
    """Riskless rate (R, tick), 1/year: the scenario's, and by how much it has moved; a tick's lie side by side."""
    now = np.arange(scenario.ticks) * scenario.tick_months / 12.0
    moved = drawn.providers.riskless_change
    above = np.array([np.interp(now, moved.dates, row) for row in moved.values])
    return np.asfortranarray(drawn.providers.debt_rate[:, None] + above)


def resellers(scenario: Scenario) -> np.ndarray:
    """Who may rent from each provider for each lab (lab, provider): its partner, or else its owner; -1 for nobody."""
    providers = tuple(scenario.provider)
    out = np.full((len(scenario.lab), len(providers)), -1, np.int64)
    for i, lab in enumerate(scenario.lab.values()):
        partner = lab.partner or lab.owner
        for name in scenario.provider[partner].rents_from if partner else ():
            if name != partner:
                out[i, providers.index(name)] = providers.index(partner)
    return out


def lay_out(
    scenario: Scenario,
    drawn: Any,
    luck: Luck,
    seed: int,
    replicates: tuple[int, ...],
    catalogue: Sequence[str],
    shortlist: Any,
    peak: np.ndarray,
    band: np.ndarray,
) -> Setup:
    """Index the scenario once; `catalogue` is the instruction-set family of each chip, `band` (chip,) the standard
    deviation of the log error of its fit."""
    chips, labs = scenario.chip.values(), scenario.lab.values()
    providers, vendors, stacks = tuple(scenario.provider), tuple(scenario.vendor), tuple(scenario.stack)
    families, chip_family = families_of(scenario, catalogue)
    chip_stack = index_of(stacks, [chip.stack for chip in chips])
    return Setup(
        scenario=scenario,
        drawn=drawn,
        seed=seed,
        replicates=replicates,
        luck=luck,
        offers=list_offers(scenario),
        dt=scenario.tick_months / 12.0,
        chip_vendor=index_of(vendors, [chip.vendor for chip in chips]),
        chip_stack=chip_stack,
        chip_family=chip_family,
        family_stack=index_of(stacks, [family.split("/")[0] for family in families]),
        families=families,
        chip_from=np.array([years_after(scenario.start, chip.available) for chip in chips]),
        chip_until=np.array([years_after(scenario.start, chip.withdrawn) for chip in chips]),
        vendor_owner=index_of(providers, [vendor.owner for vendor in scenario.vendor.values()]),
        lab_owner=index_of(providers, [lab.owner for lab in labs]),
        through=resellers(scenario),
        lab_pool=index_of(tuple(scenario.pool), [lab.pool for lab in labs]),
        enterprise=np.array([lab.segment == "enterprise" for lab in labs]),
        rule=np.array([RULES.index(vendor.allocation) for vendor in scenario.vendor.values()], np.int64),
        buys=np.array([[may_buy(scenario, p, v) for v in vendors] for p in providers]),
        own_silicon=np.array([[scenario.vendor[chip.vendor].owner == p for chip in chips] for p in providers]),
        rival_owner=np.array(
            [[any(w.owner == p for n, w in scenario.vendor.items() if n != v) for p in providers] for v in vendors]
        ),
        deploys=np.array([[c in scenario.provider[p].chips for c in scenario.chip] for p in providers]),
        shortlist=shortlist,
        fit_error=exp(drawn.labs.fit_error[:, None] * band * np.take(luck.fit_error, chip_stack, axis=1)),
        peak=peak,
        riskless=riskless_path(scenario, drawn),
        automation=automation_paths(scenario, drawn),
        ideal=drawn.lab.ideal[..., None] + gathered(luck.ideal_shock, drawn.labs.divergence),
        fortune=gathered(luck.lab_shock, drawn.labs.volatility) / np.sqrt(drawn.lab.firms)[:, :, None],
    )
