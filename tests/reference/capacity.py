"""Plain NumPy forms of the kernels of capacity, pricing and demand: dense, all cells at once."""

import numpy as np

SMALL = 1e-12


def in_logs(throughput):
    """Logs, floored."""
    return np.log(np.maximum(throughput, SMALL))


def useful_chip(plan, log_fit):
    """exp of the mean log throughput, weighted by plans."""
    weight = plan / np.maximum(plan.sum(axis=1), SMALL)[:, None]
    return np.exp((weight[:, :, None] * log_fit).sum(axis=1))


def being_built(waiting, received, supply, vendor_of, packages, on_sale, active, useful):
    """Lots and a trace of supply, times usefulness, over their sum."""
    trace = 1e-3 * (supply[:, vendor_of] / packages)[:, None, :] * on_sale * active[:, :, None]
    weight = ((waiting + received) * on_sale + trace) * useful[:, None, :]
    total = weight.sum(axis=(1, 2))
    return weight / np.where(total > 0.0, total, 1.0)[:, None, None]


def geometric_mean(weight, value, useful, reaches):
    """exp of the weighted mean log of value per useful work."""
    each = np.maximum(value, SMALL) / np.maximum(useful[:, None, :] * reaches[:, :, None], SMALL)
    some = (weight > 0.0).any(axis=(1, 2))
    return np.where(some, np.exp((weight * np.log(each)).sum(axis=(1, 2))), np.inf)


def chips_wait(lead, packages, supply, vendor_of, own):
    """Years from order to chips (R, provider, chip)."""
    general = np.broadcast_to(lead[:, vendor_of][:, None, :], (len(lead), *own.shape))
    mine = np.swapaxes(packages[:, vendor_of], 1, 2) / np.maximum(supply[:, vendor_of], 1e-9)[:, None, :]
    return np.where(own, np.minimum(general, mine), general)


def expected_delay(site, lead, packages, supply, vendor_of, own, bring_up):
    """The longer of site and chips, then bringing up."""
    return np.maximum(site[:, :, None], chips_wait(lead, packages, supply, vendor_of, own)) + bring_up[:, None, None]


def site_decides(weight, on_sale, site, lead, packages, supply, vendor_of, own):
    """Weight of chips that come before the site, over all weight on sale."""
    mix = weight.sum(axis=1)[:, None, :] * on_sale
    first = chips_wait(lead, packages, supply, vendor_of, own) < site[:, :, None]
    total = mix.sum(axis=2)
    return np.where(total > 0.0, (mix * first).sum(axis=2) / np.where(total > 0.0, total, 1.0), 1.0)


def room(in_service, waiting, power, capital, on_sale, sites, building, money, own_part):
    """The lesser of free sites and what money buys."""
    used = (in_service * power).sum(axis=2)
    committed = (waiting * capital).sum(axis=2)
    per_kw = np.where(on_sale, capital / power, 0.0).sum(axis=2) / np.maximum(on_sale.sum(axis=1), 1)
    free = np.maximum(0.0, money - own_part[:, None] * committed)
    funded = np.where(per_kw > 0.0, free / np.maximum(own_part[:, None] * per_kw, SMALL), 0.0)
    return np.maximum(0.0, np.minimum(sites - used - building, funded))


def mean(weight, value):
    """Weighted sum over providers and chips."""
    return (weight * value).sum(axis=(1, 2))


def mean_excess(weight, value, usual):
    """Weighted sum of what is above the usual."""
    return (weight * np.maximum(0.0, value - usual[:, :, None])).sum(axis=(1, 2))


def quote_goals(price, useful, reaches, quote, floor, in_service, sold, rest_at):
    """Replacement price of the same work, floored; vacancy."""
    replaced = price[:, :, None] * useful[:, None, :] * reaches[:, :, None]
    target = np.maximum(np.where(np.isfinite(price)[:, :, None], replaced, quote), floor)
    fleet = np.where(in_service > 0.5, in_service, 1.0)
    vacant = np.maximum(0.0, in_service - sold) / fleet
    return target, np.where(in_service > 0.5, vacant, rest_at[:, None, None])


def best_to_order(quote, built, delay, fall, may):
    """Largest log excess of quotes over full cost."""
    excess = np.where(may, np.log(quote / built) - fall[:, None, None] * delay, -np.inf)
    return excess.argmax(axis=2), excess.max(axis=2)


def replacement_cost(weight, built, reaches, log_fit):
    """exp of the mean log price of delivered chips less each lab's mean log fit to them."""
    price = weight * np.log(np.maximum(built, SMALL) / np.maximum(reaches, SMALL)[:, :, None])
    by_chip = weight.sum(axis=1)
    fit = (by_chip[:, None, :] * log_fit).sum(axis=2)
    return np.where(by_chip.sum(axis=1)[:, None] > 0.0, np.exp(price.sum(axis=(1, 2))[:, None] - fit), 0.0)


def recovery(rate, life):
    """r / (1 - e^(-r life)), 1/life at r = 0."""
    x = rate * life
    return np.where(x > 1e-12, rate / np.where(x > 1e-12, -np.expm1(-x), 1.0), 1.0 / life)


def capacity_costs(chip_price, server, power, wacc, opex, site_cost, life, site_life):
    """Full cost per chip-hour, and capital cost."""
    spent = chip_price + server[:, None, :]
    site = (recovery(wacc, site_life[:, None]) * site_cost + opex)[:, :, None] * power
    full = (recovery(wacc, life[:, None])[:, :, None] * spent + site) / (8766.0 * 0.97)
    return full, spent + site_cost[:, :, None] * power


def quoted(quote, target, floor, vacancy, scarcity, pull, response, rest_at, scarce, dt):
    """Quotes after `dt`, all cells at once."""
    k, v, rest, s = (x[:, None, None] for x in (pull, response, rest_at, scarce))
    weight = -np.expm1(-k * dt)
    held = np.where(k > 0.0, weight / np.where(k > 0.0, k, 1.0), dt)
    moved = np.log(quote) + weight * np.log(target / quote) + held * (s * scarcity - v * (vacancy - rest))
    return np.maximum(np.exp(moved), floor)


def entry_margin(in_service, quote, cost, on_sale, active):
    """Best log margin of the fleet's mean quote over own cost."""
    weight = in_service * active[:, :, None]
    total = weight.sum(axis=1)
    mean = (weight * quote).sum(axis=1) / np.where(total > 0.0, total, 1.0)
    known = on_sale[None] & (total > 0.0)[:, None, :]
    gain = np.where(known, np.log(np.maximum(mean, 1e-9))[:, None, :] - np.log(cost), 0.0).max(axis=2)
    return np.where(active, 0.0, np.maximum(0.0, gain))


def whole_lots(carry, wanted, on_sale, in_service, room, power):
    """The fullest chip goes once it makes a lot."""
    carry = np.where(on_sale, carry + wanted, 0.0)
    lot = np.maximum(64.0, np.floor(0.01 * in_service.sum(axis=2)))[:, :, None]
    best = carry == carry.max(axis=2, keepdims=True)
    best = best & (np.cumsum(best, axis=2) == 1)
    fits = np.floor(np.minimum(carry, room[:, :, None] / power))
    ordered = np.where(best & (fits >= lot), fits, 0.0)
    return ordered.max(axis=2), ordered.argmax(axis=2), np.minimum(carry - ordered, lot)


def contract_prices(quote, scarcity, passed, seller, chips):
    """Price with the part of scarcity that enters it, and spending by provider and by offer."""
    price = quote * np.exp(passed[:, seller] * scarcity)[:, None, :]
    spend = np.zeros((*quote.shape[:2], passed.shape[1]))
    for j, p in enumerate(seller):
        spend[:, :, p] += chips[:, :, j] * price[:, :, j]
    return price, spend, (chips * price).sum(axis=1)


def on_show(price, lots, live, pool, pools, shown):
    """Worth of lots at the least price, in units of the whole; live offers of the pool."""
    count = np.stack([(live * (pool == g)).sum(axis=1) for g in range(pools)], axis=1)
    sharing = np.maximum(count[:, pool], 1.0)
    worth = np.where(live, lots * price.min(axis=1), 0.0)
    whole = (worth / sharing).sum(axis=1)
    return worth * (shown / np.where(whole > 0.0, whole, 1.0))[:, None], sharing


def in_packages(chips, packages, vendor_of, vendors):
    """Packages by vendor and provider."""
    return np.stack([(chips * packages * (vendor_of == v)).sum(axis=2) for v in range(vendors)], axis=1)


def weighed(values, weight):
    """Weighted sum over the last axis."""
    return (values * (weight[:, None, :] if weight.ndim == 2 else weight)).sum(axis=2)


def shares(attraction, pool, pools, active):
    """Logit shares of each pool."""
    out = np.zeros_like(attraction)
    for m in range(pools):
        members = (pool == m)[None, :] & active
        top = np.where(members, attraction, -np.inf).max(axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        weight = np.where(members, np.exp(np.where(members, attraction, 0.0) - top[:, None]), 0.0)
        total = weight.sum(axis=1)
        out += weight / np.where(total > 0.0, total, 1.0)[:, None]
    return out


def spilled(demand, servable, part, pool, pools):
    """Served, with part of what is not spilling to rivals with room."""
    served = np.minimum(demand, servable)
    unmet, spare = demand - served, np.maximum(0.0, servable - demand)
    for m in range(pools):
        members = pool == m
        room = np.where(members, spare, 0.0)
        moved = part * np.where(members, unmet, 0.0).sum(axis=1)
        whole = room.sum(axis=1)
        taken = np.where(whole > 0.0, np.minimum(1.0, moved / np.where(whole > 0.0, whole, 1.0)), 0.0)
        served = served + taken[:, None] * room
    return served


def beside_rivals(compute, pool, pools, active, least):
    """Compute over the pool's mean."""
    out = np.ones_like(compute)
    for m in range(pools):
        members = (pool == m) & active
        own = np.where(members, compute, 0.0)
        mean = own.sum(axis=1) / np.maximum(members.sum(axis=1), 1)
        out = np.where(members, own / np.where(mean > 0.0, mean, 1.0)[:, None], out)
    return np.maximum(out, least)


def lambert_w(z):
    """Halley's iteration from log(1 + z)."""
    w = np.log(1.0 + z)
    for _ in range(8):
        e = np.exp(w)
        f = w * e - z
        w = w - f / (e * (w + 1.0) - (w + 2.0) * f / (2.0 * w + 2.0))
    return w


def incentive(spend):
    """1 less the share of each lab's spending, weighted by spending, or plain where there is none."""
    total = spend.sum(axis=2, keepdims=True)
    rest = 1.0 - spend / np.where(total > 0.0, total, 1.0)
    sold = spend.sum(axis=1)
    return np.where(sold > 0.0, (spend * rest).sum(axis=1) / np.where(sold > 0.0, sold, 1.0), rest.mean(axis=1))


def vouched(through, active, solid):
    """Solid labs, or active providers between."""
    between = np.maximum(through, 0).reshape(len(through), -1)
    stands = np.take_along_axis(active, between, axis=1).reshape(through.shape)
    return np.where(through >= 0, stands, solid[:, :, None])


def paid_by(rent, payer, payers):
    """Rent by provider and payer, own payments left out."""
    own = np.arange(rent.shape[2])
    out = np.zeros((len(rent), rent.shape[2], payers))
    for i in range(rent.shape[1]):
        out[np.arange(len(rent))[:, None], own, payer[:, i]] += rent[:, i]
    out[:, own, own] = 0.0
    return out
