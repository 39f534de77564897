"""Plain NumPy forms of the kernels of offers, inventory, allocation, backing and architectures."""

import numpy as np
from reference.capacity import best_to_order, in_packages


def capacities(in_service, sold, pairs, room, supply, packages, longest):
    """Vacant chips in whole, kW of sites, room in order books."""
    vacant = np.maximum(0.0, in_service - sold)
    more = np.maximum(0.0, longest[:, None] * supply - packages.sum(axis=2))
    return np.concatenate([np.floor(vacant[:, pairs[:, 0], pairs[:, 1]] + 1e-9), room, more], axis=1)


def lots(capacity, pool, weight):
    """The lesser of what two pools allow."""
    first, second = capacity[:, pool[:, 0]] / weight[:, 0], capacity[:, pool[:, 1]] / weight[:, 1]
    return np.minimum(first, np.where(pool[:, 1] >= 0, second, np.inf))


def waits(delay, optimism, record, margin, provider, chip, built):
    """Promises, and what labs make of them."""
    promised = np.where(built, delay[:, provider, chip] * (1.0 - optimism)[:, None], 0.0)
    return promised, promised * np.exp(record[:, provider] + margin[:, None])


def terms(
    quote, to_order, factor, markup, enterprise, delay, optimism, record, margin, capacity, pool, weight, active,
    for_sale, provider, chip, built,
):  # fmt: skip
    """Quote or price to order, by term and list; waits; and what is on offer."""
    base = np.where(built, to_order[:, provider, chip], quote[:, provider, chip]) * factor
    price = np.where(enterprise[None, :, None], (base * markup)[:, None, :], base[:, None, :])
    sold = lots(capacity, pool, weight)
    live = active[:, provider] & for_sale & (sold >= 1.0)
    return price, *waits(delay, optimism, record, margin, provider, chip, built), sold, live


def restocked(
    quote, built, delay, fall, may, in_service, sold, received, waiting, power, sites, target, response, bookings,
    active, room, refill, dt,
):  # fmt: skip
    """What return and vacancy ask for, of the best chip, within a quarter of the room."""
    chip, best = best_to_order(quote, built, delay, fall, may)
    fleet = in_service.sum(axis=2)
    spare = (np.maximum(0.0, in_service - sold) + received + waiting).sum(axis=2)
    mean_kw = np.maximum((in_service * power).sum(axis=2), 0.5 * sites) / np.maximum(fleet, 1.0)
    lacking = np.maximum(0.0, target[:, None] * fleet - spare) * mean_kw * refill
    eager = response[:, None] * np.clip(best, 0.0, 2.0) * bookings * dt
    kw = np.minimum(np.where((best > 0.0) & active, eager + lacking, 0.0), 0.25 * room)
    return (kw / power[chip])[:, :, None] * (np.arange(len(power)) == chip[:, :, None])


def placed(chip, chips, quote, delay, optimism):
    """Chips on their cell; rent and promise of that cell."""
    here = np.arange(quote.shape[2]) == chip[:, :, None]
    rent = (quote * here).sum(axis=2) * chips * 8766.0
    return chips[:, :, None] * here, rent, (delay * here).sum(axis=2) * (1.0 - optimism)[:, None]


def switched_off(quote, avoidable, in_service, sold, part):
    """Vacant chips that do not pay their power."""
    off = np.where(quote <= avoidable * 1.02, np.maximum(0.0, in_service - sold) * part, 0.0)
    return off, in_service - off, off.sum(axis=1)


def worth_of_buyers(waiting, ordered, margin, packages, vendor_of, own_silicon, rival_discount):
    """Margin a package over the vendor's mean."""
    value = in_packages(waiting * margin[:, None, :], packages, vendor_of, ordered.shape[1])
    each = np.where(ordered > 0.0, value / np.where(ordered > 0.0, ordered, 1.0), 0.0)
    total = ordered.sum(axis=2)
    mean = np.where(total > 0.0, value.sum(axis=2) / np.where(total > 0.0, total, 1.0), 0.0)
    relative = each / np.where(mean > 0.0, mean, 1.0)[:, :, None]
    return relative - rival_discount[:, None, None] * own_silicon


def lead_time(backlog, stock, supply, target, lag):
    """Newton's method, all vendors at once."""
    ahead = np.maximum(0.0, backlog - stock)
    now, aim, time = np.maximum(supply, 1e-9), np.maximum(target, 1e-9), lag[:, None]
    lead = ahead / now
    for _ in range(8):
        left = np.exp(-lead / time)
        made = aim * lead - (aim - now) * time * (1.0 - left)
        lead = np.maximum(0.0, lead - (made - ahead) / (aim - (aim - now) * left))
    return lead


def shipments(allotted, waiting, stock, packages, vendor_of, capacity):
    """Pro rata over waiting chips, within stock and what can be made."""
    vendors = allotted.shape[1]
    ordered = in_packages(waiting, packages, vendor_of, vendors)
    part = np.minimum(1.0, np.where(ordered > 0.0, allotted / np.where(ordered > 0.0, ordered, 1.0), 0.0))
    ship = waiting * np.swapaxes(part[:, vendor_of], 1, 2)
    wanted = ship.sum(axis=1)
    make = np.maximum(0.0, wanted - stock)
    used = np.stack([(make * packages * (vendor_of == v)).sum(axis=1) for v in range(vendors)], axis=1)
    make = make * np.minimum(1.0, capacity / np.where(used > 0.0, used, 1.0))[:, vendor_of]
    able = np.where(wanted > 0.0, np.minimum(1.0, (make + stock) / np.where(wanted > 0.0, wanted, 1.0)), 0.0)
    return ship * able[:, None, :], make


def customers(rent, payer, firms):
    """Rent by payer written out, then its largest, a lab's shared among its firms, and its sum."""
    replicates, labs, providers = rent.shape
    paid = np.zeros((replicates, providers, providers + labs))
    for i in range(labs):
        for p in range(providers):
            paid[np.arange(replicates), p, payer[:, i, p]] += rent[:, i, p]
    paid[:, np.arange(providers), np.arange(providers)] = 0.0
    each = paid.copy()
    each[:, :, providers:] /= firms[:, None, :]
    return each.max(axis=2), paid.sum(axis=2)


def wants_backing(bought, active, independent, plan):
    """Small independent buyers of a vendor that sold something, and labs by plans."""
    total = bought.sum(axis=2)
    part = bought / np.where(total > 0.0, total, 1.0)[:, :, None]
    small = part * (1.0 - part) ** 2 * independent * active[:, None, :]
    lab = 0.3 * plan / np.maximum(plan.sum(axis=1), 1.0)[:, None]
    want = np.concatenate([small, np.broadcast_to(lab[:, None, :], (*total.shape, lab.shape[1]))], axis=2)
    return np.where((total > 0.0)[:, :, None], want, 0.0)


def backing(profit, share, want, dt):
    """A share of profit, by want."""
    total = want.sum(axis=2)
    weight = want / np.where(total > 0.0, total, 1.0)[:, :, None]
    return (np.maximum(0.0, profit) * share * dt)[:, :, None] * weight


def leases(bought, stakes, claims, due):
    """Half of what backed buyers buy, within stakes."""
    stake = np.swapaxes(stakes[:, :, : claims.shape[2]] - claims, 1, 2)
    leased = np.minimum(0.5 * bought, np.maximum(0.0, stake))
    paid = np.swapaxes(claims, 1, 2) * due
    return leased, paid, claims + np.swapaxes(leased - paid, 1, 2)


def next_generation(drift, ideal, gradient, releases, adaptation, codesign, curvature):
    """The pull of the ideal and of installed chips."""
    k, c, m = (x[:, None, None] for x in (adaptation, codesign, curvature))
    return np.where(releases[:, :, None], drift + k * (ideal - drift) + c * gradient / (1.0 + c * m), drift)


def quality_loss(drift, ideal, curvature):
    """Half the curvature times the squared gap."""
    return 0.5 * curvature[:, None] * ((drift - ideal) ** 2).sum(axis=2)


def divergence(drift, weight):
    """Root mean square distance from the weighted centre."""
    w = (weight / np.maximum(weight.sum(axis=1), 1e-300)[:, None])[:, :, None]
    gap = drift - (w * drift).sum(axis=1)[:, None, :]
    return np.sqrt((w * gap * gap).sum(axis=(1, 2)))


def entropy(share):
    """-sum s log s."""
    return -np.where(share > 0.0, share * np.log(np.where(share > 0.0, share, 1.0)), 0.0).sum(axis=-1)


def segregation(use):
    """Theil's H."""
    size, total = use.sum(axis=2), use.sum(axis=(1, 2))
    overall = entropy(use.sum(axis=1) / total[:, None])
    own = entropy(use / np.where(size > 0.0, size, 1.0)[:, :, None])
    return (overall - (size * own).sum(axis=1) / total) / overall


def lock_in(throughput, reference, available, chip_price, chip_vendor, vendors, weight):
    """Mean advantage of the best platform, less the twin's."""

    def advantage(fit):
        value = np.where(available[:, None, :], fit / chip_price[:, None, :], 0.0)
        best = np.stack([np.where(chip_vendor == v, value, 0.0).max(axis=2) for v in range(vendors)], axis=2)
        ranked = np.sort(best, axis=2)
        second = ranked[..., -2]
        both = second > 0.0
        return np.where(both, np.log(np.where(both, ranked[..., -1], 1.0) / np.where(both, second, 1.0)), 0.0)

    gap = advantage(throughput) - advantage(reference)
    return (weight * gap).sum(axis=1) / weight.sum(axis=1)
