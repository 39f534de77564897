"""A vendor's scarce chips over its orders, and how its supply grows.

Quantities are packages, the scarce thing; a chip takes `packages` of them.
"""

import numpy as np

from market_sim.numerics import exp, kernel, kexp, log, part

RULES = ("pro_rata", "highest_margin", "strategic")
PRO_RATA, HIGHEST_MARGIN, STRATEGIC = range(len(RULES))
STEPS = 60
LEAD_STEPS = 8
SHRINKS = 0.1  # per year, fastest fall of supply
TIE = 1e-9  # of the mean margin: buyers of the same chips may be this far apart by rounding


@kernel
def _in_packages(chips, packages, vendor_of, out):
    for r in range(chips.shape[0]):
        for p in range(chips.shape[1]):
            for c in range(chips.shape[2]):
                out[r, vendor_of[c], p] += chips[r, p, c] * packages[c]


def in_packages(chips: np.ndarray, packages: np.ndarray, vendor_of: np.ndarray, vendors: int) -> np.ndarray:
    """Chips (replicate, provider, chip) as packages of their vendors (replicate, vendor, provider)."""
    out = np.zeros((len(chips), vendors, chips.shape[1]))
    _in_packages(chips, packages, vendor_of, out)
    return out


@part
def _pro_rata(orders, quantity, out):
    total = 0.0
    for p in range(orders.size):
        total += orders[p]
    scale = min(1.0, quantity / total) if total > 0.0 else 0.0
    for p in range(orders.size):
        out[p] = orders[p] * scale


@part
def _highest_margin(orders, margin, quantity, out):
    """Serve the best margin first; buyers of equal margin share pro rata."""
    left = quantity
    above = np.inf
    out[:] = 0.0
    while left > 0.0:
        best = -np.inf
        for p in range(orders.size):
            if orders[p] > 0.0 and margin[p] <= above and margin[p] > best:
                best = margin[p]
        if best == -np.inf:
            return
        least = best - TIE
        group = 0.0
        for p in range(orders.size):
            if least < margin[p] <= above:
                group += orders[p]
        scale = min(1.0, left / group)
        for p in range(orders.size):
            if least < margin[p] <= above:
                out[p] = orders[p] * scale
        left -= group * scale
        above = least


@part
def _strategic(orders, margin, quantity, theta, inertia, out):
    """Bisect the shadow margin mu of supply until the clipped optimum uses it up."""
    total = 0.0
    low, high = np.inf, -np.inf
    for p in range(orders.size):
        total += orders[p]
    for p in range(orders.size):
        if orders[p] > 0.0:
            low = min(low, margin[p] + inertia - theta * orders[p] / quantity - inertia * total / quantity)
            high = max(high, margin[p] + inertia)
    for _ in range(STEPS):
        mu = 0.5 * (low + high)
        used = 0.0
        for p in range(orders.size):
            if orders[p] > 0.0:
                slope = theta / quantity + inertia * total / (orders[p] * quantity)
                used += min(orders[p], max(0.0, (margin[p] + inertia - mu) / slope))
        if used > quantity:
            low = mu
        else:
            high = mu
    used = 0.0
    for p in range(orders.size):
        out[p] = 0.0
        if orders[p] > 0.0:
            slope = theta / quantity + inertia * total / (orders[p] * quantity)
            out[p] = min(orders[p], max(0.0, (margin[p] + inertia - high) / slope))


@kernel
def _allocate(rule, orders, margin, supply, theta, inertia, out):
    for r in range(orders.shape[0]):
        for v in range(orders.shape[1]):
            total = 0.0
            for p in range(orders.shape[2]):
                total += orders[r, v, p]
            if total <= supply[r, v] or supply[r, v] <= 0.0 or rule[v] == PRO_RATA:
                _pro_rata(orders[r, v], supply[r, v], out[r, v])
            elif rule[v] == HIGHEST_MARGIN:
                _highest_margin(orders[r, v], margin[r, v], supply[r, v], out[r, v])
            else:
                _strategic(orders[r, v], margin[r, v], supply[r, v], theta[r, v], inertia[r], out[r, v])


def allocate(
    rule: np.ndarray,
    orders: np.ndarray,
    margin: np.ndarray,
    supply: np.ndarray,
    theta: np.ndarray,
    inertia: np.ndarray,
) -> np.ndarray:
    """Packages to each buyer (replicate, vendor, buyer), never more than ordered nor than there are.

    `pro_rata` shares over orders; `highest_margin` serves the best-paying first; `strategic` maximises
    sum pi a - theta/(2Q) sum a^2 - k/2 sum (a - abar)^2/abar within orders and supply Q, abar pro rata, whose solution
    is a = clip((pi - mu + k)/(theta/Q + k/abar), 0, O): theta = 0 is pro rata up to margins, theta -> inf the equal
    split. `margin` pi is in units of the vendor's mean margin.
    """
    out = np.zeros_like(orders)
    _allocate(rule, orders, margin, supply, theta, inertia, out)
    return out


def worth_of_buyers(
    waiting: np.ndarray, ordered: np.ndarray, margin: np.ndarray, packages: np.ndarray, vendor_of: np.ndarray,
    own_silicon: np.ndarray, rival_discount: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """pi_p (replicate, vendor, buyer): the margin per package of each buyer's orders relative to the vendor's mean,
    lower for buyers with own silicon.

    `waiting` chips (replicate, buyer, chip), `ordered` (replicate, vendor, buyer) the same in packages, `margin` USD a
    package (replicate, chip), `own_silicon` (vendor, buyer) bool.
    """
    out = np.zeros(ordered.shape)
    _worth_of_buyers(waiting, ordered, margin, packages, vendor_of, own_silicon, rival_discount, out)
    return out


@kernel
def _worth_of_buyers(waiting, ordered, margin, packages, vendor_of, own_silicon, discount, out):
    for r in range(out.shape[0]):
        for p in range(waiting.shape[1]):
            for c in range(waiting.shape[2]):
                out[r, vendor_of[c], p] += waiting[r, p, c] * margin[r, c] * packages[c]
        for v in range(out.shape[1]):
            total, value = 0.0, 0.0
            for p in range(out.shape[2]):
                total += ordered[r, v, p]
                value += out[r, v, p]
            mean = value / total if total > 0.0 else 0.0
            for p in range(out.shape[2]):
                each = out[r, v, p] / ordered[r, v, p] if ordered[r, v, p] > 0.0 else 0.0
                relative = each / mean if mean > 0.0 else each
                out[r, v, p] = relative - discount[r] if own_silicon[v, p] else relative


def lead_time(
    backlog: np.ndarray, stock: np.ndarray, supply: np.ndarray, target: np.ndarray, lag: np.ndarray
) -> np.ndarray:
    """Years L until an order placed now is shipped, all in packages: what is made by then is what stands before it,

        target L - (target - supply) lag (1 - e^(-L/lag)) = backlog - stock,

    since supply is on its way to its `target` with `lag` (replicate,), and vendors quote by the capacity they have
    contracted. At rest that is backlog / supply (Little 1961). Newton's method from there, which comes from one side.
    """
    out = np.empty(backlog.shape)
    _lead_time(backlog, stock, supply, target, lag, out)
    return out


@kernel
def _lead_time(backlog, stock, supply, target, lag, out):
    for r in range(out.shape[0]):
        time = max(lag[r], 1e-9)
        for v in range(out.shape[1]):
            ahead = max(0.0, backlog[r, v] - stock[r, v])
            now, aim = max(supply[r, v], 1e-9), max(target[r, v], 1e-9)
            lead = ahead / now
            for _ in range(LEAD_STEPS):
                left = kexp(-lead / time)
                made = aim * lead - (aim - now) * time * (1.0 - left)
                lead = max(0.0, lead - (made - ahead) / (aim - (aim - now) * left))
            out[r, v] = lead


def duplicate_orders(
    duplicates: np.ndarray, lead: np.ndarray, target: np.ndarray, slope: np.ndarray, cap: np.ndarray,
    cancel_time: np.ndarray, dt: float,
) -> np.ndarray:  # fmt: skip
    """Duplicates as a share of true backlog: buyers book twice when leads exceed 1.5x target and cancel when not."""
    wanted = np.minimum(cap[:, None], slope[:, None] * np.maximum(0.0, lead / (1.5 * target[:, None]) - 1.0))
    return duplicates + (wanted - duplicates) * (1.0 - exp(-dt / cancel_time))[:, None]


def grown_supply(
    supply: np.ndarray, target: np.ndarray, lead: np.ndarray, goal: np.ndarray, committed: np.ndarray,
    cap: np.ndarray, response: np.ndarray, followed: np.ndarray, lag: np.ndarray, within_first_year: float, dt: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Supply and its target after `dt`.

    The target grows at the committed rate in the first year, then by what is `followed` of the growth of orders
    (1/year) and by response * log(lead/goal), at most at `cap` and shrinking at most at 10 % a year, since packaging
    lines once built are not torn down; supply follows with a lag. Rates are yearly fractions, so growth g multiplies by
    1 + g in a year. `within_first_year` is the part of the tick that lies in it.
    """
    asked = followed + response[:, None] * log(np.maximum(lead, 0.02) / goal[:, None])
    free = np.clip(asked, -SHRINKS, log(1.0 + cap))
    rate = within_first_year * log(1.0 + committed) + (1.0 - within_first_year) * free
    target = target * exp(rate * dt)
    return supply + (target - supply) * (1.0 - exp(-dt / lag))[:, None], target


def shipments(
    allotted: np.ndarray, waiting: np.ndarray, stock: np.ndarray, packages: np.ndarray, vendor_of: np.ndarray,
    capacity: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Chips to ship (replicate, provider, chip) and chips to make for that (replicate, chip).

    A buyer's packages go over its waiting chips of that vendor pro rata; what stock does not hold is made, within the
    vendor's production `capacity` (replicate, vendor) in packages this tick.
    """
    ship, make = np.empty(waiting.shape), np.empty(stock.shape)
    _shipments(allotted, waiting, stock, packages, vendor_of, capacity, ship, make)
    return ship, make


@kernel
def _shipments(allotted, waiting, stock, packages, vendor_of, capacity, ship, make):
    vendors, providers, chips = allotted.shape[1], waiting.shape[1], waiting.shape[2]
    ordered, used = np.empty((vendors, providers)), np.empty(vendors)
    wanted = np.empty(chips)
    for r in range(ship.shape[0]):
        ordered[:], used[:], wanted[:] = 0.0, 0.0, 0.0
        for p in range(providers):
            for c in range(chips):
                ordered[vendor_of[c], p] += waiting[r, p, c] * packages[c]
            for c in range(chips):
                v = vendor_of[c]
                part = min(1.0, allotted[r, v, p] / ordered[v, p]) if ordered[v, p] > 0.0 else 0.0
                ship[r, p, c] = waiting[r, p, c] * part
                wanted[c] += ship[r, p, c]
        for c in range(chips):
            make[r, c] = max(0.0, wanted[c] - stock[r, c])
            used[vendor_of[c]] += make[r, c] * packages[c]
        for c in range(chips):
            v = vendor_of[c]
            make[r, c] *= min(1.0, capacity[r, v] / (used[v] if used[v] > 0.0 else 1.0))
            able = min(1.0, (make[r, c] + stock[r, c]) / wanted[c]) if wanted[c] > 0.0 else 0.0
            for p in range(providers):
                ship[r, p, c] *= able
