"""Records who holds how much of each market, and how concentrated it is."""

import numpy as np
import polars as pl

from market_sim.agents.vendor import network_price
from market_sim.mechanisms.concentration import measure, merged, shares
from market_sim.results.calendar import Calendar
from market_sim.results.frames import grid
from market_sim.results.vocabulary import BASES, BUYERS_OF
from market_sim.simulation.seen import Cast, Seen
from market_sim.state.setup import Setup

STOCK, BOOKINGS, REVENUE = ([term.name for term in BASES].index(name) for name in ("stock", "bookings", "revenue"))
WINDOW = 1.0  # years of bookings
Columns = dict[str, np.ndarray]
INDICES = ("hhi", "cr1", "cr4", "effective_firms", "entropy", "gini")


class Markets:
    """Quantities (R, tick, basis, member) of every member of every market."""

    tables = ("concentration", "shares")

    def __init__(self, setup: Setup, cast: Cast) -> None:
        self.setup, self.cast = setup, cast
        self.market, self.entity, self.kind = members(setup, cast)
        shape = (setup.width, setup.scenario.ticks, len(BASES), len(self.market))
        self.quantity = np.zeros(shape)

    def see(self, seen: Seen) -> None:
        """Note the stock at the end of the tick, and its bookings and revenue."""
        row = self.quantity[:, seen.tick]
        row[:, STOCK] = joined(*stocks(seen))
        row[:, BOOKINGS] = joined(*bookings(seen))
        row[:, REVENUE] = joined(*revenues(seen))

    def frame(self, name: str, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """One of the tables over the first `ticks` ticks."""
        quantity = self.quantity[:, :ticks].copy()
        quantity[:, :, BOOKINGS] = windowed(quantity[:, :, BOOKINGS], self.setup.dt)
        clock = [
            {"replicate": np.array(self.setup.replicates)},
            {"tick": np.arange(ticks)},
            {"basis": np.arange(len(BASES))},
        ]
        axis, measures = (self._shares if name == "shares" else self._indices)(quantity)
        keep = self._listed(quantity) if name == "shares" else None
        return grid(name, [*clock, axis], measures, self.cast.names, calendar, keep)

    def _listed(self, quantity: np.ndarray) -> np.ndarray:
        """Members that get rows (R, 1, 1, member): all but the buyers who never bought nor held the vendor's
        chips.
        """
        firms = np.arange(len(self.market)) < len(self.market) - len(self.setup.vendors) * len(self.setup.providers)
        return (quantity != 0.0).any(axis=(1, 2), keepdims=True) | firms

    @property
    def _places(self) -> list[np.ndarray]:
        """Where the members of each market stand."""
        return [np.flatnonzero(self.market == code) for code in dict.fromkeys(self.market.tolist())]

    def _indices(self, quantity: np.ndarray) -> tuple[Columns, Columns]:
        """Codes along the axis of markets, and the indices of each; NaN where nobody holds anything."""
        found = [measure(np.take(quantity, place, axis=3)) for place in self._places]
        held = np.stack([one.held for one in found], axis=3)
        values = {name: np.stack([getattr(one, name) for one in found], axis=3) for name in INDICES}
        market = np.array([self.market[place[0]] for place in self._places])
        return {"market": market}, {name: np.where(held, value, np.nan) for name, value in values.items()}

    def _shares(self, quantity: np.ndarray) -> tuple[Columns, Columns]:
        """Codes along the axis of members, and what each holds."""
        share = np.concatenate([shares(np.take(quantity, place, axis=3)) for place in self._places], axis=3)
        member = {"market": self.market, "entity": self.entity, "kind": self.kind}
        return member, {"quantity": quantity, "share": share}


def members(setup: Setup, cast: Cast) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of market, entity and kind (member,): vendors, providers, labs, platforms, then each vendor's
    buyers.
    """
    names, vendors, providers = cast.names, len(setup.vendors), len(setup.providers)
    kinds = names["kind"].index
    groups = (
        ("vendor", setup.vendors, np.full(vendors, kinds("vendor"))),
        ("provider", setup.providers, cast.provider_kind),
        ("lab", setup.labs, cast.lab_kind),
        ("platform", setup.stacks, np.full(len(setup.stacks), kinds("platform"))),
    )
    sellers = names.codes("market", [BUYERS_OF.format(vendor=vendor) for vendor in setup.vendors])
    market = [np.full(len(listed), names.code("market", market)) for market, listed, _ in groups]
    entity = [names.codes("entity", listed) for _, listed, _ in groups]
    return (
        np.concatenate([*market, np.repeat(sellers, providers)]),
        np.concatenate([*entity, np.tile(names.codes("entity", setup.providers), vendors)]),
        np.concatenate([*(kind for _, _, kind in groups), np.tile(cast.provider_kind, vendors)]),
    )


def joined(lab: np.ndarray, provider: np.ndarray, platform: np.ndarray, sold: np.ndarray) -> np.ndarray:
    """(R, member) of `sold` (R, provider, vendor) and of what is known by lab, provider and platform."""
    buyers = np.swapaxes(sold, 1, 2).reshape(len(sold), -1)
    return np.concatenate([sold.sum(axis=1), provider, lab, platform, buyers], axis=1)


Amounts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def stocks(seen: Seen) -> Amounts:
    """Useful PFLOP/s in live contracts by lab, provider, platform, and provider and vendor."""
    held, setup = seen.market.holdings, seen.setup
    platform = merged(held.useful_chip, setup.chip_stack, len(setup.stacks))
    return held.useful_lab, held.useful_provider, platform, held.useful_pair


def bookings(seen: Seen) -> Amounts:
    """USD signed this tick, over whole terms; chip orders at what buyers pay."""
    setup = seen.setup
    lab, provider, platform = (
        getattr(seen.deals, by) + getattr(seen.renewals, by) for by in ("by_lab", "by_provider", "by_stack")
    )
    price = seen.day.offered.costs.purchase + network_price(setup)[:, None, :]
    orders = merged(seen.ordered * price, setup.chip_vendor, len(setup.vendors))
    return lab, provider, platform, orders


def revenues(seen: Seen) -> Amounts:
    """USD a year at this tick's rate."""
    setup, day = seen.setup, seen.day
    platform = merged(day.events.rent_by_chip, setup.chip_stack, len(setup.stacks))
    sold = np.ascontiguousarray(np.swapaxes(day.settled.bought, 1, 2)) / setup.dt
    return seen.market.labs.revenue, day.events.by_provider("rent") / setup.dt, platform / setup.dt, sold


def windowed(flow: np.ndarray, dt: float) -> np.ndarray:
    """Flows (R, tick, member) summed over the WINDOW years that end with each tick, or since the start.

    A tick that the window cuts counts in part. Sums are taken term by term: differences of running totals
    would leave rounding errors where nothing was sold.
    """
    whole = int(np.floor(WINDOW / dt + 1e-9))
    part = WINDOW / dt - whole
    if whole == 0:
        return part * flow
    out = flow.copy()
    for lag in range(1, min(whole, flow.shape[1])):
        out[:, lag:] += flow[:, :-lag]
    if part > 1e-6 and whole < flow.shape[1]:
        out[:, whole:] += part * flow[:, :-whole]
    return out
