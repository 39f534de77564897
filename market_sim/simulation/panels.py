"""Records orders, deliveries, prices, fit and accounts: of each tick, the cells that hold something."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from market_sim.mechanisms import finance
from market_sim.results.calendar import Calendar
from market_sim.results.columns import table
from market_sim.results.frames import rows
from market_sim.results.vocabulary import QUOTED, SECTORS
from market_sim.simulation.seen import Cast, Seen, ratio
from market_sim.simulation.signings import picked
from market_sim.state.setup import Setup
from market_sim.state.tables import ASSETS, INSTRUMENTS

QUOTE, TRADE, LIST = ([term.name for term in QUOTED].index(name) for name in ("quote", "trade", "list"))
ITEM_OF_FLOW = {  # flows whose own name is that of a stock
    "chips": "chip_purchases",
    "sites": "site_spending",
    "loans": "borrowing",
    "equity": "equity_raised",
}
ALL_SEGMENTS = 0
NOISE = 1e-6  # chips: what rounding leaves of a difference of fleets


@dataclass(frozen=True)
class Cells:
    """Cells of one tick that become rows, where `keep` (R, *axes).

    `codes`: for each axis after the replicate the key columns along it; `measures`: numbers that broadcast to
    cells.
    """

    keep: np.ndarray
    codes: Sequence[Mapping[str, np.ndarray]]
    measures: Mapping[str, np.ndarray]

    def flat(self, replicates: np.ndarray, tick: int) -> dict[str, np.ndarray]:
        """One array (row,) per column."""
        at = np.nonzero(self.keep)
        columns = {"replicate": replicates[at[0]], "tick": np.full(len(at[0]), tick)}
        for axis, along in enumerate(self.codes):
            columns |= {column: codes[at[axis + 1]] for column, codes in along.items()}
        shape = self.keep.shape
        return columns | {column: np.broadcast_to(cells, shape)[at] for column, cells in self.measures.items()}


class Panel:
    """The rows of one table, gathered tick by tick."""

    def __init__(self, name: str, setup: Setup, cast: Cast) -> None:
        self.name, self.tables, self.cast = name, (name,), cast
        self.replicates = np.array(setup.replicates)
        self.parts: list[dict[str, np.ndarray]] = []

    def see(self, seen: Seen) -> None:
        """Take the tick's rows."""
        self.parts += [cells.flat(self.replicates, seen.tick) for cells in PANELS[self.name](seen)]

    def frame(self, name: str, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """The table as of now, sorted by its key."""
        handed = [column.name for column in table(name).handed]
        parts = self.parts or [dict.fromkeys(handed, np.zeros(0, np.int64))]
        joined = {column: np.concatenate([part[column] for part in parts]) for column in handed}
        return rows(name, joined, self.cast.names, calendar)


# --- what a tick adds to each table ---------------------------------------------------------------


def orders(seen: Seen) -> list[Cells]:
    """By buyer and chip."""
    setup, day, names = seen.setup, seen.day, seen.cast.names
    ordered, sent, backlog = seen.ordered, day.shipments.chips, seen.market.pipe.waiting
    chips = {"vendor": setup.chip_vendor, "chip": np.arange(len(setup.chips))}
    lead = np.take(day.orders.lead, setup.chip_vendor, axis=1)[:, None, :]
    measures = {"ordered": ordered, "allocated": sent, "backlog": backlog, "lead_time_years": lead}
    keep = (ordered != 0.0) | (sent != 0.0) | (backlog != 0.0)
    return [Cells(keep, [{"buyer": names.codes("buyer", setup.providers)}, chips], measures)]


def deliveries(seen: Seen) -> list[Cells]:
    """By provider and chip; what left service is what the fleet lacks."""
    setup, done = seen.setup, seen.day.delivered
    before, after = seen.day.before.fleet.in_service, seen.market.fleet.in_service
    left = before + done.in_service - after
    promised, actual = _delays(seen)
    measures = {
        "chips_shipped": seen.day.shipments.chips,
        "chips_started": done.in_service,
        "chips_retired": np.where(np.abs(left) > NOISE, left, 0.0),
        "chips_in_pipe": seen.market.pipe.received,
        "chips_in_service": after,
        "promised_delay": promised,
        "actual_delay": actual,
    }
    counted = [cells for column, cells in measures.items() if column.startswith("chips")]
    keep = np.logical_or.reduce([cells != 0.0 for cells in counted])
    axes = [{"provider": np.arange(len(setup.providers))}, {"chip": np.arange(len(setup.chips))}]
    return [Cells(keep, axes, measures)]


def _delays(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Mean years from order to service (R, provider, chip), promised and actual, of chips that started."""
    done, providers, chips = seen.day.delivered, len(seen.setup.providers), len(seen.setup.chips)
    used = np.arange(done.finished.shape[1]) < done.finished_count[:, None]
    lots = done.finished[used]
    replicate = np.repeat(np.arange(seen.setup.width), done.finished_count)
    cell = (replicate * providers + lots["provider"]) * chips + lots["chip"]
    shape = (seen.setup.width, providers, chips)

    def mean(years: np.ndarray) -> np.ndarray:
        total, number = (
            np.bincount(cell, weight, shape[0] * shape[1] * shape[2])
            for weight in (lots["chips"] * years, lots["chips"])
        )
        return ratio(total, number).reshape(shape)

    return mean(lots["promised"] - lots["ordered"]), mean(done.finished_at[used] - lots["ordered"])


def prices(seen: Seen) -> list[Cells]:
    """Quotes of who is in business and has the chip, trades, and list prices of chips on the market."""
    setup, names = seen.setup, seen.cast.names
    market = seen.market
    sold = (setup.chip_from <= seen.now + 1e-9) & (market.fleet.in_service > 0.0)
    quoted = sold & market.providers.active[:, :, None]
    listed = np.broadcast_to(setup.chip_from <= seen.now + 1e-9, market.vendors.list_price.shape)
    traded = _trades(seen)
    providers = {"seller": names.codes("seller", setup.providers)}
    makers = names.codes("seller", setup.vendors)[setup.chip_vendor]
    chips = {"chip": np.arange(len(setup.chips))}
    return [
        _priced(QUOTE, quoted, [providers, chips], market.providers.quote),
        _priced(TRADE, ~np.isnan(traded), [providers, chips], traded),
        _priced(LIST, listed, [chips | {"seller": makers}], market.vendors.list_price),
    ]


def _priced(what: int, keep: np.ndarray, axes: list[dict[str, np.ndarray]], usd: np.ndarray) -> Cells:
    last = axes[-1]
    size = len(next(iter(last.values())))
    same = {"what": np.full(size, what), "segment": np.full(size, ALL_SEGMENTS)}
    return Cells(keep, [*axes[:-1], last | same], {"usd": usd})


def _trades(seen: Seen) -> np.ndarray:
    """Mean price signed (R, provider, chip), by chips; NaN where nothing was."""
    (rows, who), providers, chips = picked(*seen.new), len(seen.setup.providers), len(seen.setup.chips)
    cell, shape = (who * providers + rows["provider"]) * chips + rows["chip"], (seen.setup.width, providers, chips)
    spent, let = (
        np.bincount(cell, weight, int(np.prod(shape))) for weight in (rows["chips"] * rows["price"], rows["chips"])
    )
    return ratio(spent, let).reshape(shape)


def fit(seen: Seen) -> list[Cells]:
    """Once a quarter, for chips on the market."""
    if not seen.opens_quarter():
        return []
    setup, t = seen.setup, seen.market.technology
    maturity = np.take(t.maturity.mean(axis=2), setup.chip_family, axis=1)[:, None, :]
    axes = [{"lab": np.arange(len(setup.labs))}, {"chip": np.arange(len(setup.chips))}]
    keep = np.broadcast_to(setup.chip_from <= seen.now + 1e-9, t.throughput.shape)
    works = np.where(t.throughput > 0.0, t.throughput, np.nan)
    return [Cells(keep, axes, {"pflops_per_chip": works, "mfu": t.mfu, "maturity": maturity})]


def accounts(seen: Seen) -> list[Cells]:
    """Balances at the end of the tick, then the tick's flows and write-offs; zeros left out."""
    ledger, settled = seen.market.ledger, seen.day.settled
    worth = finance.net_worth(ledger)[:, None, :]
    stocks = np.concatenate([ledger.balance, ledger.real, worth], axis=1)
    flows = np.concatenate([settled.flows, settled.written_off[:, None, :]], axis=1)
    return [_held(seen, STOCK_NAMES, stocks), _held(seen, FLOW_NAMES, flows)]


STOCK_NAMES = (*INSTRUMENTS, *ASSETS, "net_worth")
FLOW_NAMES = (*(ITEM_OF_FLOW.get(kind.name, kind.name) for kind in finance.KINDS), "written_off")


def _held(seen: Seen, items: Sequence[str], amounts: np.ndarray) -> Cells:
    names = seen.cast.names
    holders = {"holder": names.codes("holder", holders_of(seen.setup)), "kind": holder_kinds(seen)}
    return Cells(amounts != 0.0, [{"item": names.codes("item", items)}, holders], {"usd": amounts})


def holders_of(setup: Setup) -> tuple[str, ...]:
    """Names along the holder axis."""
    return (*setup.vendors, *setup.providers, *setup.labs, *(term.name for term in SECTORS))


def holder_kinds(seen: Seen) -> np.ndarray:
    """Codes of kind along the holder axis."""
    cast = seen.cast
    vendor, sector = cast.names.codes("kind", ("vendor", "sector"))
    vendors = np.full(len(seen.setup.vendors), vendor)
    return np.concatenate([vendors, cast.provider_kind, cast.lab_kind, np.full(len(SECTORS), sector)])


PANELS: dict[str, Callable[[Seen], list[Cells]]] = {
    panel.__name__: panel for panel in (orders, deliveries, prices, fit, accounts)
}
