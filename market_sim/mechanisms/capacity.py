"""What is being built, how long it takes, and how much more sites and money allow.

Kernels over providers and chips: a provider sells few of the chips there are, so cells that hold nothing are passed
over before a logarithm or a division is spent on them.
"""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, kexp, klog, part

__all__ = [
    "being_built",
    "entry_margin",
    "expected_delay",
    "geometric_mean",
    "in_logs",
    "mean",
    "mean_excess",
    "quote_goals",
    "replacement_cost",
    "room",
    "site_decides",
    "useful_chip",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SMALL = 1e-12
TRACE = 1e-3  # weight of a year's supply beside lots under way, so that what is on sale always weighs something


@kernel
def _in_logs(values, out):  # type: ignore[no-untyped-def]
    for i in range(values.size):
        out[i] = klog(max(values[i], SMALL))


def in_logs(throughput: Floats) -> Floats:
    """Logs of what every chip does for every lab (replicate, lab, chip), where it does nothing of next to nothing."""
    out = np.empty(throughput.shape)
    _in_logs(throughput.reshape(-1), out.reshape(-1))
    return out


@kernel
def _useful_chip(plan, log_fit, out):  # type: ignore[no-untyped-def]
    labs, chips = log_fit.shape[1], log_fit.shape[2]
    for r in range(plan.shape[0]):
        whole = 0.0
        for i in range(labs):
            whole += plan[r, i]
        whole = max(whole, SMALL)
        for i in range(labs):
            weight = plan[r, i] / whole
            for c in range(chips):
                out[r, c] += weight * log_fit[r, i, c]
        for c in range(chips):
            out[r, c] = kexp(out[r, c])


def useful_chip(plan: Floats, log_fit: Floats) -> Floats:
    """Geometric mean throughput of each chip over labs (replicate, chip), by what they plan to spend.

    `plan` (replicate, lab) USD/year, `log_fit` (replicate, lab, chip) the log of useful PFLOP/s.
    """
    out = np.zeros((len(plan), log_fit.shape[2]))
    _useful_chip(plan, log_fit, out)
    return out


@kernel
def _being_built(waiting, received, supply, vendor_of, packages, on_sale, active, useful, out):  # type: ignore[no-untyped-def]
    for r in range(waiting.shape[0]):
        total = 0.0
        for p in range(waiting.shape[1]):
            for c in range(waiting.shape[2]):
                if on_sale[p, c]:
                    lots = waiting[r, p, c] + received[r, p, c]
                    if active[r, p]:
                        lots += TRACE * supply[r, vendor_of[c]] / packages[c]
                    out[r, p, c] = lots * useful[r, c]
                    total += out[r, p, c]
        for p in range(waiting.shape[1]):
            for c in range(waiting.shape[2]):
                out[r, p, c] /= total if total > 0.0 else 1.0


def being_built(
    waiting: Floats, received: Floats, supply: Floats, vendor_of: Ints, packages: Floats, on_sale: Bools,
    active: Bools, useful: Floats,
) -> Floats:  # fmt: skip
    """Weight of every (provider, chip) in what the market is building (replicate, provider, chip), summing to 1.

    Lots under way, `waiting` for chips or with chips `received`, and a trace of every chip on sale (provider, chip) by
    its vendor's `supply` (replicate, vendor), times what a chip does, `useful` (replicate, chip).
    """
    out = np.zeros(waiting.shape)
    _being_built(waiting, received, supply, vendor_of, packages, on_sale, active, useful, out)
    return out


@kernel
def _geometric_mean(weight, value, useful, reaches, out):  # type: ignore[no-untyped-def]
    for r in range(weight.shape[0]):
        total, some = 0.0, False
        for p in range(weight.shape[1]):
            for c in range(weight.shape[2]):
                if weight[r, p, c] > 0.0:
                    some = True
                    each = max(value[r, p, c], SMALL) / max(useful[r, c] * reaches[r, p], SMALL)
                    total += weight[r, p, c] * klog(each)
        out[r] = kexp(total) if some else np.inf


def geometric_mean(weight: Floats, value: Floats, useful: Floats, reaches: Floats) -> Floats:
    """Weighted geometric mean (replicate,) of value (replicate, provider, chip) over useful (replicate, chip) times
    the share of it that `reaches` (replicate, provider) the tenant; infinite where nothing weighs anything."""
    out = np.empty(len(weight))
    _geometric_mean(weight, value, useful, reaches, out)
    return out


@part
def _chips_wait(r, p, c, lead, packages, supply, vendor_of, own):  # type: ignore[no-untyped-def]
    """Years from order to chips: owners come first, so they wait for their own orders only."""
    v = vendor_of[c]
    if own[p, c]:
        return min(lead[r, v], packages[r, v, p] / max(supply[r, v], 1e-9))
    return lead[r, v]


@kernel
def _expected_delay(site, lead, packages, supply, vendor_of, own, bring_up, out):  # type: ignore[no-untyped-def]
    for r in range(out.shape[0]):
        for p in range(out.shape[1]):
            for c in range(out.shape[2]):
                wait = _chips_wait(r, p, c, lead, packages, supply, vendor_of, own)
                out[r, p, c] = max(site[r, p], wait) + bring_up[r]


def expected_delay(
    site: Floats, lead: Floats, packages: Floats, supply: Floats, vendor_of: Ints, own: Bools, bring_up: Floats
) -> Floats:
    """Years from order to service (replicate, provider, chip): the longer of site and chips, then bringing up.

    `site` (replicate, provider) years, `lead` (replicate, vendor) years, `packages` (replicate, vendor, provider) on
    order, `supply` (replicate, vendor) a year; `own` (provider, chip) is made by the provider's own vendor.
    """
    out = np.empty((*site.shape, len(vendor_of)))
    _expected_delay(site, lead, packages, supply, vendor_of, own, bring_up, out)
    return out


@kernel
def _site_decides(weight, on_sale, site, lead, packages, supply, vendor_of, own, out):  # type: ignore[no-untyped-def]
    providers, chips = on_sale.shape
    by_chip = np.empty(chips)
    for r in range(out.shape[0]):
        for c in range(chips):
            by_chip[c] = 0.0
        for p in range(providers):
            for c in range(chips):
                by_chip[c] += weight[r, p, c]
        for p in range(providers):
            total, first = 0.0, 0.0
            for c in range(chips):
                if on_sale[p, c]:
                    total += by_chip[c]
                    wait = _chips_wait(r, p, c, lead, packages, supply, vendor_of, own)
                    first += by_chip[c] if wait < site[r, p] else 0.0
            out[r, p] = first / total if total > 0.0 else 1.0


def site_decides(
    weight: Floats, on_sale: Bools, site: Floats, lead: Floats, packages: Floats, supply: Floats, vendor_of: Ints,
    own: Bools,
) -> Floats:  # fmt: skip
    """Part of what the market builds whose chips come before an ordinary site is ready (replicate, provider).

    `weight` (replicate, provider, chip) is what is being built; the rest as in `expected_delay`.
    """
    out = np.empty(site.shape)
    _site_decides(weight, on_sale, site, lead, packages, supply, vendor_of, own, out)
    return out


@kernel
def _room(in_service, waiting, power, capital, on_sale, sites, building, money, own_part, out):  # type: ignore[no-untyped-def]
    for r in range(out.shape[0]):
        for p in range(out.shape[1]):
            used, committed, each, sold = 0.0, 0.0, 0.0, 0.0
            for c in range(in_service.shape[2]):
                used += in_service[r, p, c] * power[c]
                committed += waiting[r, p, c] * capital[r, p, c]
                if on_sale[p, c]:
                    each += capital[r, p, c] / power[c]
                    sold += 1.0
            per_kw = each / max(sold, 1.0)
            free = max(0.0, money[r, p] - own_part[r] * committed)
            funded = free / max(own_part[r] * per_kw, SMALL) if per_kw > 0.0 else 0.0
            out[r, p] = max(0.0, min(sites[r, p] - used - building[r, p], funded))


def room(
    in_service: Floats, waiting: Floats, power: Floats, capital: Floats, on_sale: Bools, sites: Floats,
    building: Floats, money: Floats, own_part: Floats,
) -> Floats:  # fmt: skip
    """kW that each provider can still take on (replicate, provider), by its `sites` in kW and by its money.

    Chips `in_service` and under construction (`building`, kW) take up sites. `money` USD pays the part of a lot that
    its own contract does not finance, `own_part` (replicate,); what is `waiting` (replicate, provider, chip) at its
    `capital` cost comes first, and the rest buys at the mean over what is on sale (provider, chip).
    """
    out = np.empty(sites.shape)
    _room(in_service, waiting, power, capital, on_sale, sites, building, money, own_part, out)
    return out


@kernel
def _mean(weight, value, out):  # type: ignore[no-untyped-def]
    for r in range(weight.shape[0]):
        total = 0.0
        for p in range(weight.shape[1]):
            for c in range(weight.shape[2]):
                total += weight[r, p, c] * value[r, p, c]
        out[r] = total


def mean(weight: Floats, value: Floats) -> Floats:
    """Mean (replicate,) of value by weight, both (replicate, provider, chip), the weights summing to 1."""
    out = np.empty(len(weight))
    _mean(weight, value, out)
    return out


@kernel
def _mean_excess(weight, value, usual, out):  # type: ignore[no-untyped-def]
    for r in range(weight.shape[0]):
        total = 0.0
        for p in range(weight.shape[1]):
            for c in range(weight.shape[2]):
                total += weight[r, p, c] * max(0.0, value[r, p, c] - usual[r, p])
        out[r] = total


def mean_excess(weight: Floats, value: Floats, usual: Floats) -> Floats:
    """Mean (replicate,) by weight of what value exceeds the `usual` (replicate, provider) by; the rest as in `mean`."""
    out = np.empty(len(weight))
    _mean_excess(weight, value, usual, out)
    return out


@kernel
def _quote_goals(price, useful, reaches, quote, floor, in_service, sold, rest_at, target, vacancy):  # type: ignore[no-untyped-def]
    for r in range(target.shape[0]):
        for p in range(target.shape[1]):
            for c in range(target.shape[2]):
                goal = price[r, p] * useful[r, c] * reaches[r, p] if price[r, p] < np.inf else quote[r, p, c]
                target[r, p, c] = max(goal, floor[r, p, c])
                fleet = in_service[r, p, c]
                vacancy[r, p, c] = max(0.0, fleet - sold[r, p, c]) / fleet if fleet > 0.5 else rest_at[r]


def quote_goals(
    price: Floats, useful: Floats, reaches: Floats, quote: Floats, floor: Floats, in_service: Floats, sold: Floats,
    rest_at: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What quotes are pulled to, USD per chip-hour, and the share of chips that stand vacant.

    Both (replicate, provider, chip): `price` (replicate, provider) of useful work times what a chip does of it for a
    tenant, the `quote` where that is infinite, at least the `floor`; where there is no fleet, vacancy is where quotes
    rest, `rest_at` (replicate,).
    """
    target, vacancy = np.empty(floor.shape), np.empty(floor.shape)
    _quote_goals(price, useful, reaches, quote, floor, in_service, sold, rest_at, target, vacancy)
    return target, vacancy


@kernel
def _replacement_cost(weight, built, reaches, log_fit, out):  # type: ignore[no-untyped-def]
    providers, chips = weight.shape[1], weight.shape[2]
    by_chip = np.empty(chips)
    for r in range(weight.shape[0]):
        price, whole = 0.0, 0.0
        for c in range(chips):
            by_chip[c] = 0.0
        for p in range(providers):
            for c in range(chips):
                if weight[r, p, c] > 0.0:
                    by_chip[c] += weight[r, p, c]
                    price += weight[r, p, c] * klog(max(built[r, p, c], SMALL) / max(reaches[r, p], SMALL))
        for c in range(chips):
            whole += by_chip[c]
        for i in range(log_fit.shape[1] if whole > 0.0 else 0):
            fit = 0.0
            for c in range(chips):
                fit += by_chip[c] * log_fit[r, i, c]
            out[r, i] = kexp(price - fit)


def replacement_cost(weight: Floats, built: Floats, reaches: Floats, log_fit: Floats) -> Floats:
    """USD per useful PFLOP-hour of new capacity (replicate, lab), the geometric mean over what is built; 0 if nothing.

    `weight` and the built-to-order price `built` (replicate, provider, chip), the share that `reaches` the tenant
    (replicate, provider), the log of each lab's own throughput, `log_fit` (replicate, lab, chip).
    """
    out = np.zeros(log_fit.shape[:2])
    _replacement_cost(weight, built, reaches, log_fit, out)
    return out


@kernel
def _entry_margin(in_service, quote, cost, on_sale, active, out):  # type: ignore[no-untyped-def]
    providers, chips = on_sale.shape
    rent, fleet = np.empty(chips), np.empty(chips)
    for r in range(out.shape[0]):
        for c in range(chips):
            rent[c], fleet[c] = 0.0, 0.0
        for p in range(providers):
            for c in range(chips if active[r, p] else 0):
                fleet[c] += in_service[r, p, c]
                rent[c] += in_service[r, p, c] * quote[r, p, c]
        for p in range(providers):
            for c in range(0 if active[r, p] else chips):
                if on_sale[p, c] and fleet[c] > 0.0:
                    gain = klog(max(rent[c] / fleet[c], 1e-9)) - klog(cost[r, p, c])
                    out[r, p] = max(out[r, p], gain)


def entry_margin(in_service: Floats, quote: Floats, cost: Floats, on_sale: Bools, active: Bools) -> Floats:
    """Log of market quotes over a firm's own cost (replicate, provider), on its best chip; 0 for the active.

    The market's quote for a chip is the mean over the fleets `in_service` of those `active`; `quote` and `cost`
    (replicate, provider, chip) in USD per chip-hour.
    """
    out = np.zeros(active.shape)
    _entry_margin(in_service, quote, cost, on_sale, active, out)
    return out
