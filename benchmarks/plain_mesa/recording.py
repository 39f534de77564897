"""What a run records every tick: how concentrated each market is, what each firm holds, and some signals."""

from collections import deque
from collections.abc import Callable
from math import log
from typing import Any

import mesa

INDICES = ("hhi", "cr1", "cr4", "effective_firms", "entropy", "gini")
BASES = ("stock", "bookings", "revenue")
SIGNALS = ("unmet_demand", "unmet_ask", "utilisation", "vacancy", "divergence", "longest_lead", "mean_quote")
OF_FIRMS = ("name", "useful", "booked", "earned", "cash")
Holdings = dict[Any, float]


def indices(quantity: Holdings) -> dict[str, float | None]:
    """Concentration of what firms hold; None where nobody holds anything."""
    held = sorted(value for value in quantity.values() if value > 0.0)
    if not held:
        return dict.fromkeys(INDICES)
    whole, n = sum(held), len(held)
    shares = [value / whole for value in held]
    hhi = sum(s * s for s in shares)
    gini = sum((2.0 * k + 1.0 - n) * s for k, s in enumerate(shares)) / n
    entropy = -sum(s * log(s) for s in shares)
    return dict(
        zip(INDICES, (hhi, shares[-1], min(1.0, sum(shares[-4:])), 1.0 / hhi, entropy, max(0.0, gini)), strict=True)
    )


class Watch:
    """The quantities of every market on every basis, and what they come to."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.window: deque[dict[str, Holdings]] = deque(maxlen=max(1, round(1.0 / model.dt)))
        self.markets = ["vendor", "provider", "lab", "platform", *(f"buyers of {v.name}" for v in model.vendors)]
        self.latest: dict[str, Any] = {}

    def see(self) -> None:
        """Measure the tick that is over."""
        self.window.append(self._bookings())
        bases = dict(zip(BASES, (self._stock(), self._booked_this_year(), self._revenue()), strict=True))
        self.latest = self._signals()
        for basis, quantities in bases.items():
            for market in self.markets:
                for index, value in indices(quantities[market]).items():
                    self.latest[f"{index} {market} {basis}"] = value

    def _empty(self) -> dict[str, Holdings]:
        return {market: {} for market in self.markets}

    def _stock(self) -> dict[str, Holdings]:
        """Useful PFLOP/s in live contracts."""
        out = self._empty()
        for contract in self.model.contracts:
            if contract.status == "live":
                add(out, contract, contract.useful)
                add_sale(out, contract.provider, contract.chip.vendor, contract.useful)
        return out

    def _bookings(self) -> dict[str, Holdings]:
        """USD signed in the tick over whole terms, and chips ordered at what buyers pay."""
        out, model = self._empty(), self.model
        for firm in (*model.vendors, *model.providers, *model.labs):
            firm.booked = 0.0
        for contract in model.signed:
            value = contract.booked
            add(out, contract, value)
            contract.lab.booked += value
            contract.provider.booked += value
        for (provider, chip), chips in model.ordered.items():
            usd = chips * (provider.purchase[chip.place] + chip.network)
            add_sale(out, provider, chip.vendor, usd)
            chip.vendor.booked += usd
        return out

    def _booked_this_year(self) -> dict[str, Holdings]:
        out = self._empty()
        for month in self.window:
            for market, quantity in month.items():
                for firm, usd in quantity.items():
                    out[market][firm] = out[market].get(firm, 0.0) + usd
        return out

    def _revenue(self) -> dict[str, Holdings]:
        """USD a year at the rate of the tick."""
        out, model = self._empty(), self.model
        out["lab"] = {lab: lab.revenue for lab in model.labs}
        rents: Holdings = {}
        for (_, provider), due in model.due.items():
            rents[provider] = rents.get(provider, 0.0) + due.rent / model.dt
        out["provider"] = rents
        for chip, usd in model.rent_by_chip.items():
            out["platform"][chip.stack] = out["platform"].get(chip.stack, 0.0) + usd / model.dt
        for vendor in model.vendors:
            for provider, usd in vendor.sold.items():
                add_sale(out, provider, vendor, usd / model.dt)
        for firm in (*model.labs, *model.providers, *model.vendors):
            firm.earned = out[firm.market].get(firm, 0.0)
            firm.cash = firm.account.deposits
        return out

    def _signals(self) -> dict[str, float | None]:
        model = self.model
        wanted, served = sum(lab.demand for lab in model.labs), sum(lab.revenue for lab in model.labs)
        asked, met = sum(lab.ask for lab in model.labs), sum(model.spent.values())
        fleet, sold = sum(p.chips_in_service for p in model.providers), sum(sum(p.sold) for p in model.providers)
        kw = sum(p.running_kw for p in model.providers)
        empty = sum(p.vacant(chip) * chip.power for p in model.providers for chip in model.chips)
        quotes = sum(q * f for p in model.providers for q, f in zip(p.quote, p.fleet, strict=True))
        values = (
            ratio(wanted - served, wanted), ratio(max(0.0, asked - met), asked), ratio(sold, fleet), ratio(empty, kw),
            divergence([lab.drift for lab in model.labs if lab.active]), max(v.lead for v in model.vendors),
            ratio(quotes, fleet),
        )  # fmt: skip
        return dict(zip(SIGNALS, values, strict=True))


def add(out: dict[str, Holdings], contract: Any, amount: float) -> None:
    """Count an amount for the lab, the provider and the platform of a contract."""
    for market, firm in (("lab", contract.lab), ("provider", contract.provider), ("platform", contract.chip.stack)):
        out[market][firm] = out[market].get(firm, 0.0) + amount


def add_sale(out: dict[str, Holdings], provider: Any, vendor: Any, amount: float) -> None:
    """Count an amount for a vendor, and for a provider among its buyers."""
    buyers = out[f"buyers of {vendor.name}"]
    buyers[provider] = buyers.get(provider, 0.0) + amount
    out["vendor"][vendor] = out["vendor"].get(vendor, 0.0) + amount


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0.0 else None


def divergence(drifts: list[list[float]]) -> float | None:
    """Root mean square distance of architectures from their mean."""
    if not drifts:
        return None
    centre = [sum(column) / len(drifts) for column in zip(*drifts, strict=True)]
    return (sum((x - c) ** 2 for row in drifts for x, c in zip(row, centre, strict=True)) / len(drifts)) ** 0.5


def collector(model: Any) -> mesa.DataCollector:
    """A data collector that looks up what the model's watch measured, and asks every firm for its own."""
    series = [
        *SIGNALS,
        *(f"{i} {market} {basis}" for i in INDICES for market in model.watch.markets for basis in BASES),
    ]
    return mesa.DataCollector({one: _latest(one) for one in series}, {one: one for one in OF_FIRMS})


def _latest(series: str) -> Callable[[Any], Any]:
    return lambda model: model.watch.latest[series]
