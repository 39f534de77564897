"""What must balance whatever happens: chips, power, contracts, claims and flows, to 1e-9 of what turns over.

`imbalances` looks at one moment, `broken_flows` at the step between two. Both answer with one sentence for
each identity that does not hold, naming the worst place; no sentence, no error.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from market_sim.state.market import Market
from market_sim.state.sectors import Sectors
from market_sim.state.tables import (
    CREDITS,
    EQUITY,
    INSTRUMENTS,
    LEASES,
    LIVE,
    PENDING,
    PREPAYMENTS,
    STOCK,
    Ledger,
    Table,
)

TOLERANCE = 1e-9
FREE_SIGN = {
    "capability",
    "brand",
    "growth",
    "order_growth",
    "drift",
    "unadapted",
    "balance",
    "record",
    "entry_clock",
    "shadow",
}


def sizes_of(market: Market) -> Sectors:
    """How many firms of each kind a market has."""
    vendors, providers = market.vendors.supply.shape[1], market.providers.power.shape[1]
    return Sectors(vendors, providers, market.labs.plan.shape[1])


def imbalances(market: Market, power: np.ndarray, tolerance: float = TOLERANCE) -> list[str]:
    """Every identity of one moment that does not hold; `power` (chip,) in kW per chip."""
    if found := unsound(market):
        return found
    errors = {**chip_errors(market), **contract_errors(market), **claim_errors(market)}
    return _sentences(errors, tolerance)


def broken_flows(
    before: Market, after: Market, flows: np.ndarray, written_off: np.ndarray, worth: np.ndarray, equity: int,
    power: np.ndarray, tolerance: float = TOLERANCE,
) -> list[str]:  # fmt: skip
    """Every identity of one step that does not hold.

    `flows` (replicate, flow, holder) in USD, `written_off` (replicate, holder), `worth` (flow,) True where a
    flow changes net worth, `equity` the index of the flow of shares sold for cash, `power` (chip,) in kW per
    chip.
    """
    errors = flow_errors(before.ledger, after.ledger, flows, written_off, worth)
    errors |= stake_errors(before, after, flows, equity)
    errors["chips past the power of sites"] = overload_growth(before, after, power)
    return _sentences(errors, tolerance)


def relative(difference: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """|difference| over a scale of the same kind; 0 where nothing differs."""
    size = np.abs(difference)
    return np.where(size > 0.0, size / np.maximum(scale, 1e-300), 0.0)


def chip_errors(market: Market) -> dict[str, np.ndarray]:
    """Chips made = shipped + in stock; shipped = received by lots + in service + retired; stock at book."""
    v, f = market.vendors, market.fleet
    received = by_grid(market.pipeline.rows, market.pipeline.count, "received", f.in_service.shape).sum(axis=1)
    placed = received + f.in_service.sum(axis=1) + f.retired
    held = np.abs(market.ledger.real[:, STOCK]).sum(axis=1)
    kept = (v.stock * v.unit_cost).sum(axis=1)
    turned = (v.made * v.unit_cost).sum(axis=1)
    return {
        "chips made = shipped + in stock": relative(v.made - f.shipped - v.stock, v.made),
        "stock at book = chips in stock at their cost": relative(kept - held, turned)[:, None],
        "chips shipped = in lots + in service + retired": relative(f.shipped - placed, f.shipped),
    }


def contract_errors(market: Market) -> dict[str, np.ndarray]:
    """Live contracts within fleets; as many chips of pending contracts as of the lots built for them."""
    fleet, book, pipeline = market.fleet.in_service, market.book, market.pipeline
    live = by_grid(book.rows, book.count, "chips", fleet.shape, book.rows["status"] == LIVE)
    owed = by_grid(book.rows, book.count, "chips", fleet.shape, book.rows["status"] == PENDING)
    built = by_grid(pipeline.rows, pipeline.count, "chips", fleet.shape, pipeline.rows["contract"] >= 0)
    return {
        "chips in live contracts <= in service": relative(np.maximum(0.0, live - fleet), fleet + 1e-6),
        "chips in pending contracts = in lots built for them": relative(owed - built, owed + built),
        "book summed = holdings of providers": relative(live - market.holdings.sold, live),
    }


def claim_errors(market: Market) -> dict[str, np.ndarray]:
    """Instruments sum to zero; prepayments, credits and leases stand behind their instruments."""
    balance, n = market.ledger.balance, sizes_of(market)
    gross = claims_at_stake(balance)
    errors = {
        f"{name} sum to zero over holders": relative(balance[:, i].sum(axis=1), gross[:, i])
        for i, name in enumerate(INSTRUMENTS)
    }
    for name, i in (("prepaid", PREPAYMENTS), ("credit", CREDITS)):
        held = by_pair(market, name, n)
        errors[f"labs' {name} = instrument"] = _against(balance[:, i, n.lab], held.sum(axis=2), gross[:, i])
        errors[f"providers' {name} = instrument"] = _against(-balance[:, i, n.provider], held.sum(axis=1), gross[:, i])
    leases = market.vendors.leases
    errors["vendors' leases = instrument"] = _against(
        balance[:, LEASES, n.vendor], leases.sum(axis=2), gross[:, LEASES]
    )
    errors["providers' leases = instrument"] = _against(
        -balance[:, LEASES, n.provider], leases.sum(axis=1), gross[:, LEASES]
    )
    return errors


def claims_at_stake(balance: np.ndarray) -> np.ndarray:
    """The size against which each instrument must balance (replicate, instrument): its own gross claims.

    Of an instrument that has just been used up only rounding of what it was is left, so a thousandth of all
    claims counts in.
    """
    gross = np.abs(balance).sum(axis=2)
    return gross + 1e-3 * gross.sum(axis=1, keepdims=True)


def flow_errors(
    before: Ledger, after: Ledger, flows: np.ndarray, written_off: np.ndarray, worth: np.ndarray
) -> dict[str, np.ndarray]:
    """Every kind of flow sums to zero; change in net claims = flows that touch worth + write-offs."""
    turnover = np.abs(flows).sum(axis=(1, 2)) + np.abs(written_off).sum(axis=1)
    gross = turnover + 1e-3 * np.abs(after.balance).sum(axis=(1, 2))
    change = after.balance.sum(axis=1) - before.balance.sum(axis=1)
    explained = np.where(worth[None, :, None], flows, 0.0).sum(axis=1) + written_off
    return {
        "each kind of flow sums to zero": relative(flows.sum(axis=2), gross[:, None]),
        "write-offs sum to zero": relative(written_off.sum(axis=1), gross),
        "change in claims = flows that touch worth + write-offs": relative(change - explained, gross[:, None]),
    }


def stake_errors(before: Market, after: Market, flows: np.ndarray, equity: int) -> dict[str, np.ndarray]:
    """A vendor's equity changes by what it stakes or loses in customers, less what investors put into it."""
    vendor = sizes_of(after).vendor
    change = after.ledger.balance[:, EQUITY, vendor] - before.ledger.balance[:, EQUITY, vendor]
    staked = (after.vendors.stakes - before.vendors.stakes).sum(axis=2)
    gross = np.abs(after.ledger.balance[:, EQUITY]).sum(axis=1, keepdims=True) + np.abs(staked)
    return {"vendors' stakes = equity instrument": relative(change - staked + flows[:, equity, vendor], gross)}


def overload_growth(before: Market, after: Market, power: np.ndarray) -> np.ndarray:
    """Growth of what stands or is being built beyond the power of its sites, over that power (replicate,)."""
    over = overload(after, power) - overload(before, power)
    return relative(np.maximum(0.0, over), after.providers.power.sum(axis=1) + 1.0)


def overload(market: Market, power: np.ndarray) -> np.ndarray:
    """kW in service or under way beyond site power, summed over providers (replicate,)."""
    used = (market.fleet.in_service * power).sum(axis=2) + market.pipe.building
    return np.maximum(0.0, used - market.providers.power).sum(axis=1)


def unsound(market: Market) -> list[str]:
    """Numbers that are not finite or below zero where they can't be, by table and field."""
    claims = np.abs(market.ledger.balance).max(initial=0.0)  # of what was written down to nothing, rounding is left
    return [
        f"{where} is {word} in replicate {int(np.argwhere(bad)[0][0])}"
        for where, name, value in numbers(market)
        for word, bad in (
            ("not finite", ~np.isfinite(value)),
            (
                "negative",
                value < -TOLERANCE * max(1.0, claims * (name == "real"), np.abs(value).max(initial=0.0)),
            ),
        )
        if bad.any() and not (word == "negative" and name in FREE_SIGN)
    ]


def numbers(market: Market) -> Iterator[tuple[str, str, np.ndarray]]:
    """(table.field, field, values) of every number of a market; of rows the ones in use."""
    for table in fields(market):
        held: Any = getattr(market, table.name)
        if not isinstance(held, Table):
            yield table.name, table.name, np.atleast_1d(np.asarray(held, np.float64))
            continue
        for one in fields(held):
            value = getattr(held, one.name)
            if value.dtype.names is None:
                yield f"{table.name}.{one.name}", one.name, value.astype(np.float64)
            else:
                yield from _columns(table.name, value, np.asarray(getattr(market, table.name).count))


def _columns(table: str, rows: np.ndarray, count: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Columns of the rows in use that every row must fill; dates may lie before the start or ahead."""
    used = np.arange(rows.shape[1]) < count[:, None]
    for name in ("chips", "price", "rent", "prepaid", "credit", "received", "site_left", "bring_up_left"):
        if name in (rows.dtype.names or ()):
            yield f"{table}.{name}", name, np.where(used, rows[name], 0.0)


def by_grid(
    rows: np.ndarray, count: np.ndarray, name: str, shape: tuple[int, ...], only: np.ndarray | None = None
) -> np.ndarray:
    """A column of the rows in use, summed by (replicate, provider, chip)."""
    return _gathered(rows, count, name, np.zeros(shape), ("provider", "chip"), only)


def by_pair(market: Market, name: str, sizes: Sectors) -> np.ndarray:
    """A column of the book, summed by (replicate, lab, provider)."""
    rows = market.book.rows
    return _gathered(
        rows, market.book.count, name, np.zeros((len(rows), sizes.labs, sizes.providers)), ("lab", "provider")
    )


def _gathered(
    rows: np.ndarray,
    count: np.ndarray,
    name: str,
    out: np.ndarray,
    keys: tuple[str, str],
    only: np.ndarray | None = None,
) -> np.ndarray:
    used = np.arange(rows.shape[1]) < count[:, None]
    r, i = np.nonzero(used if only is None else used & only)
    np.add.at(out, (r, rows[keys[0]][r, i], rows[keys[1]][r, i]), rows[name][r, i])
    return out


def _against(found: np.ndarray, wanted: np.ndarray, gross: np.ndarray) -> np.ndarray:
    return relative(found - wanted, gross[:, None])


def _sentences(errors: dict[str, np.ndarray], tolerance: float) -> list[str]:
    """One sentence for each identity whose worst error is above the tolerance."""
    return [
        f"{name}: off by {error.max():.3g} of its size at {_worst(error)}"
        for name, error in errors.items()
        if error.size and not error.max() <= tolerance
    ]


def _worst(error: np.ndarray) -> tuple[int, ...]:
    return tuple(int(at) for at in np.unravel_index(error.argmax(), error.shape))
