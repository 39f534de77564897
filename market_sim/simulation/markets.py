"""Records who holds how much of each market, and how concentrated it is."""

import numpy as np
import polars as pl

from market_sim.agents.vendor import price_with_network
from market_sim.mechanisms.concentration import indices, merged, ranked
from market_sim.numerics import kernel
from market_sim.results.calendar import Calendar
from market_sim.results.frames import Clock, cells
from market_sim.results.light import Plan
from market_sim.results.vocabulary import BASES, BUYERS_OF, MARKETS
from market_sim.simulation.seen import Cast, Seen
from market_sim.state.grouping import grouped_product
from market_sim.state.setup import Setup

STOCK, BOOKINGS, REVENUE = ([term.name for term in BASES].index(name) for name in ("stock", "bookings", "revenue"))
WINDOW = 1.0  # years of bookings
INDICES = ("hhi", "cr1", "cr4", "effective_firms", "entropy", "gini")


class Markets:
    """Concentration and, where asked for, shares of every market, laid out as the rows of the tables are.

    `now` (basis, R, member): what every member holds after the last tick.
    """

    tables = ("concentration", "shares")

    def __init__(self, setup: Setup, cast: Cast, plan: Plan) -> None:
        self.setup, self.cast, self.plan = setup, cast, plan
        self.market, self.entity, self.kind = members(setup, cast)
        self.first = np.flatnonzero(np.diff(self.market, prepend=-1, append=-1))
        width, bases, many = setup.width, len(BASES), len(self.market)
        self.whole = frozenset(plan.whole.tolist())  # ticks told of in full: others leave out a vendor's buyers
        self.large = int((self.market[self.first[:-1]] < len(MARKETS)).sum())  # markets beside those
        self.now = np.zeros((bases, width, many))
        self.order = np.tile(np.arange(many), (bases, width, 1))
        self.window = Window(setup.dt, (width, many))
        ticks, each = setup.scenario.ticks, (len(self.first) - 1, bases, width)
        self.index = np.zeros((ticks if "concentration" in plan.tables else 0, len(INDICES), *each), np.float32)
        self.shown = plan.whole if "shares" in plan.tables else np.zeros(0, np.int64)
        self.quantity, self.share = np.zeros((2, many, bases, width, len(self.shown)), np.float32)
        self.ever = np.zeros((many, width), np.bool_)  # whether a member held or sold anything when shares were noted

    def see(self, seen: Seen) -> None:
        """Note the stock at the end of the tick, its revenue, and the bookings of the year that ends with it."""
        first = self.first if seen.tick in self.whole else self.first[: self.large + 1]
        lay_out(self.now[STOCK], *stocks(seen))
        lay_out(self.now[REVENUE], *revenues(seen))
        lay_out(self.now[BOOKINGS], *bookings(seen))
        self.window.fill(self.now[BOOKINGS], first[-1])
        if len(self.index):
            _follow(self.now, first, self.order, self.index[seen.tick])
        if seen.tick in self.shown:
            place = int(np.searchsorted(self.shown, seen.tick))
            _note_shares(self.now, self.first, self.quantity, self.share, self.ever, place)

    def frame(self, name: str, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """One of the tables over the first `ticks` ticks."""
        return (self._shares if name == "shares" else self._concentration)(calendar, ticks)

    def _concentration(self, calendar: Calendar, ticks: int) -> pl.DataFrame:
        markets, bases = self.market[self.first[:-1]], len(BASES)
        along = {"market": np.repeat(markets, bases), "basis": np.tile(np.arange(bases), len(markets))}
        indices = np.ascontiguousarray(np.moveaxis(self.index[:ticks], 0, -1))
        flat = indices.reshape(len(INDICES), -1, *indices.shape[3:])
        measures = dict(zip(INDICES, self.plan.kept(flat), strict=True))
        clock = Clock(np.array(self.setup.replicates), np.arange(ticks), calendar)
        keep = None
        if self.plan.light:
            whole = along["market"] < len(MARKETS)
            keep = self.plan.is_whole(ticks) | whole[:, None, None]
        return cells("concentration", along, measures, clock, self.cast.names, keep)

    def _shares(self, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """Members get rows but for the buyers who never bought nor held a vendor's chips."""
        ranked, bases = np.lexsort((self.entity, self.market)), len(BASES)
        firms = ranked < len(self.market) - len(self.setup.vendors) * len(self.setup.providers)
        number = int((self.shown < ticks).sum())
        quantity, share = (np.take(held[..., :number], ranked, axis=0) for held in (self.quantity, self.share))
        keep = np.repeat(np.take(self.ever, ranked, axis=0) | firms[:, None], bases, axis=0)[:, :, None]
        flat = (len(ranked) * bases, self.setup.width, number)
        along = {
            name: np.repeat(codes[ranked], bases)
            for name, codes in (("market", self.market), ("entity", self.entity), ("kind", self.kind))
        }
        along["basis"] = np.tile(np.arange(bases), len(ranked))
        measures = {"quantity": self.plan.rough(quantity.reshape(flat)), "share": share.reshape(flat)}
        clock = Clock(np.array(self.setup.replicates), self.shown[:number], calendar)
        return cells("shares", along, measures, clock, self.cast.names, keep)


@kernel
def _follow(quantity, first, order, out):  # type: ignore[no-untyped-def]
    """Indices of every market (index, market, basis, R); `order` is how members ranked before."""
    share, log_share = np.empty(order.shape[2]), np.empty(order.shape[2])
    for b in range(quantity.shape[0]):
        for r in range(quantity.shape[1]):
            held, rank = quantity[b, r], order[b, r]
            for m in range(first.shape[0] - 1):
                ranked(held, rank, first[m], first[m + 1])
                found = indices(held, rank, first[m], first[m + 1], share, log_share)
                for k in range(out.shape[0]):
                    out[k, m, b, r] = found[k] if found[0] > 0.0 else np.nan


@kernel
def _note_shares(now, first, quantity, share, ever, place):  # type: ignore[no-untyped-def]
    """What each member holds (member, basis, R, place), and of its market's total; NaN where that is zero."""
    for b in range(now.shape[0]):
        for r in range(now.shape[1]):
            for m in range(first.shape[0] - 1):
                total = 0.0
                for i in range(first[m], first[m + 1]):
                    total += now[b, r, i]
                for i in range(first[m], first[m + 1]):
                    quantity[i, b, r, place] = now[b, r, i]
                    ever[i, r] = ever[i, r] or now[b, r, i] != 0.0
                    share[i, b, r, place] = now[b, r, i] / total if total > 0.0 else np.nan


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


def lay_out(row: np.ndarray, lab: np.ndarray, provider: np.ndarray, platform: np.ndarray, sold: np.ndarray) -> None:
    """Fill (R, member) from `sold` (R, provider, vendor) and what is known by lab, provider and platform."""
    _lay_out(row, *(np.ascontiguousarray(one, np.float64) for one in (lab, provider, platform, sold)))


@kernel
def _lay_out(row, lab, provider, platform, sold):  # type: ignore[no-untyped-def]
    providers, vendors = sold.shape[1:]
    first = (vendors, vendors + providers, vendors + providers + lab.shape[1])
    buyers = first[2] + platform.shape[1]
    for r in range(row.shape[0]):
        row[r, :vendors] = 0.0
        for p in range(providers):
            for v in range(vendors):
                row[r, v] += sold[r, p, v]
                row[r, buyers + v * providers + p] = sold[r, p, v]
            row[r, first[0] + p] = provider[r, p]
        for i in range(lab.shape[1]):
            row[r, first[1] + i] = lab[r, i]
        for s in range(platform.shape[1]):
            row[r, first[2] + s] = platform[r, s]


Amounts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def stocks(seen: Seen) -> Amounts:
    """Useful PFLOP/s in live contracts by lab, provider, platform, and provider and vendor."""
    held, setup = seen.market.holdings, seen.setup
    platform = merged(held.useful_chip, setup.chip_stack, len(setup.stacks))
    return held.useful_lab, held.useful_provider, platform, held.useful_pair


def bookings(seen: Seen) -> Amounts:
    """USD signed this tick, over whole terms; chip orders at what buyers pay."""
    setup, deals, labs = seen.setup, seen.deals, len(seen.setup.labs)
    lab, provider, chip = np.split(seen.day.events.renewed_usd, (labs, labs + len(setup.providers)), axis=1)
    platform = deals.by_stack + merged(chip, setup.chip_stack, len(setup.stacks))
    price = price_with_network(setup, seen.day.offered.costs.purchase)
    orders = grouped_product(seen.ordered, price, setup.chip_vendor, len(setup.vendors))
    return deals.by_lab + lab, deals.by_provider + provider, platform, orders


def revenues(seen: Seen) -> Amounts:
    """USD a year at this tick's rate."""
    setup, day = seen.setup, seen.day
    platform = merged(day.events.rent_by_chip, setup.chip_stack, len(setup.stacks))
    sold = np.ascontiguousarray(np.swapaxes(day.settled.bought, 1, 2)) / setup.dt
    return seen.market.labs.revenue, day.events.by_provider("rent") / setup.dt, platform / setup.dt, sold


class Window:
    """Flows summed over the WINDOW years that end with each tick, or since the start.

    A tick that the window cuts counts in part. Sums are taken term by term: differences of running totals
    would leave rounding errors where nothing was sold.
    """

    def __init__(self, dt: float, shape: tuple[int, ...]) -> None:
        self.whole = int(np.floor(WINDOW / dt + 1e-9))
        self.part = WINDOW / dt - self.whole
        self.past = np.zeros((self.whole + 1, *shape))  # the tick that the window cuts and those within it
        self.passed = 0

    def fill(self, flow: np.ndarray, members: int) -> None:
        """Turn one more tick's flow (R, member) of the first `members` into the window's sum."""
        _fill(self.past, flow, members, self.passed, self.whole, self.part if self.part > 1e-6 else 0.0)
        self.passed += 1


@kernel
def _fill(past, flow, members, passed, whole, part):  # type: ignore[no-untyped-def]
    """Note a tick's flow (R, member) among those of the past (tick, R, member), and add these to it, latest first."""
    kept = past.shape[0]
    for r in range(flow.shape[0]):
        for i in range(flow.shape[1]):
            past[passed % kept, r, i] = flow[r, i]
        if whole == 0:
            for i in range(members):
                flow[r, i] *= part
        for lag in range(1, min(whole - 1, passed) + 1):
            before = past[(passed - lag) % kept, r]
            for i in range(members):
                flow[r, i] += before[i]
        if whole > 0 and part > 0.0 and passed >= whole:
            before = past[(passed - whole) % kept, r]
            for i in range(members):
                flow[r, i] += part * before[i]
