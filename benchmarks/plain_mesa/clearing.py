"""Scarcity prices by damped scaling, with a common step and extrapolation; the engine's search in plain loops.

s_ij = A_j e^((U_ij - lambda_j)/sigma) / (e^(U_i0/sigma) + sum_k ...),  q_ij = B_i s_ij / (p_ij e^(lambda_j))
"""

from collections import deque
from dataclasses import dataclass
from math import exp, inf, log
from operator import mul

from benchmarks.plain_mesa.offers import Capacity, Offer

MOST_SWEEPS = 500
MEMORY = 6
NEAR = 1.0
PATIENCE = 20
WORSE = 1.5
FARTHEST = 150.0
FARTHEST_LEAP = 0.5
NOBODY = -700.0
NEVER_ABOVE = 1.0 - 1e-12
Vector = list[float]


@dataclass(slots=True, eq=False)
class Buyer:
    """A lab at the market: its ask in USD per hour, the worth and the price of every offer cleared."""

    budget: float
    outside: float
    worth: Vector
    price: Vector
    weights: Vector = ()  # type: ignore[assignment]
    per_usd: Vector = ()  # type: ignore[assignment]
    rest: float = 0.0
    money: float = 0.0

    def weigh(self, level: Vector, sigma: float) -> None:
        """e^(U/sigma + level) and the same per USD, scaled by the largest."""
        row = [u / sigma + a for u, a in zip(self.worth, level, strict=True)]
        out = self.outside / sigma
        top = max(max(row), out)
        top = top if top > -inf else 0.0
        self.weights = [exp(x - top) for x in row]
        self.per_usd = [w / p if w > 0.0 else 0.0 for w, p in zip(self.weights, self.price, strict=True)]
        self.rest = exp(out - top)

    def spread(self, scale: Vector) -> None:
        """Money per unit of weight, when prices scale every offer's weight."""
        total = sum(map(mul, self.weights, scale)) + self.rest
        self.money = self.budget / total if total > 0.0 else 0.0


class Clearing:
    """One market being cleared; afterwards `chips` has what each buyer gets of each offer."""

    def __init__(self, buyers: list[Buyer], offers: list[Offer], sigma: float, tolerance: float) -> None:
        self.buyers, self.offers, self.sigma, self.tolerance = buyers, offers, sigma, tolerance
        self.pools: list[Capacity] = list(dict.fromkeys(pool for offer in offers for pool, _ in offer.pools))
        self.damping = sigma / (1.0 + sigma)
        self.asked = sum(buyer.budget for buyer in buyers)
        self.base = [0.0] * len(offers)
        self.mean: Vector = []
        self.points: deque[Vector] = deque(maxlen=MEMORY - 1)
        self.moves: deque[Vector] = deque(maxlen=MEMORY - 1)
        self.sweeps = 0

    def run(self) -> list[Vector]:
        """Find the shadows, in place; chips by buyer and offer, never above capacity."""
        error = best = inf
        stalled, common, pace = 0, 0.0, 1.0
        for sweep in range(MOST_SWEEPS + 1):
            self.sweeps = sweep + 1
            self._reprice(first=sweep == 0)
            before, error = error, self._error()
            stalled = 0 if error < 0.9 * best else stalled + 1
            best = error if error < 0.9 * best else best
            if error <= self.tolerance or sweep == MOST_SWEEPS:
                break
            if sweep == 0:
                self._first_prices()
            manner = stalled // PATIENCE % 3
            last, common = common, self._common_step()
            pace = 0.5 * pace if common * last < 0.0 else min(1.0, 1.2 * pace)
            tried = [pool.shadow for pool in self.pools]
            self._own_steps()
            if manner == 0:
                for pool in self.pools:
                    pool.shadow = max(0.0, pool.shadow + pace * common) if pool.shadow > 0.0 else 0.0
            if error > WORSE * before:
                self.points.clear(), self.moves.clear()
            if error < NEAR and manner != 2:
                self._extrapolate(tried)
        return self._sell()

    def _reprice(self, first: bool) -> None:
        """What everybody buys at the shadows of now, and what that asks of every pool."""
        scarcity = [sum(pool.shadow for pool, _ in offer.pools) for offer in self.offers]
        far = max(abs(s - b) for s, b in zip(scarcity, self.base, strict=True))
        if first or far > FARTHEST * self.sigma:
            self.base = scarcity
            level = [o.attraction - s / self.sigma for o, s in zip(self.offers, scarcity, strict=True)]
            for buyer in self.buyers:
                buyer.weigh(level, self.sigma)
        self.scale = [exp((b - s) / self.sigma) for b, s in zip(self.base, scarcity, strict=True)]
        self.factor = [z * exp(-s) for z, s in zip(self.scale, scarcity, strict=True)]
        sold = [0.0] * len(self.offers)
        for buyer in self.buyers:
            buyer.spread(self.scale)
            money = buyer.money
            sold = [s + b * money for s, b in zip(sold, buyer.per_usd, strict=True)]
        self.bought = list(map(mul, sold, self.factor))
        self.before_price = list(map(mul, sold, self.scale))
        for pool in self.pools:
            pool.demand = 0.0
        for offer, chips in zip(self.offers, self.bought, strict=True):
            for pool, weight in offer.pools:
                pool.demand += weight * chips
        for pool in self.pools:
            pool.excess = log(pool.demand / pool.size) if pool.demand > 0.0 else NOBODY

    def _error(self) -> float:
        """The larger of oversale, and of slack that still has a price."""
        return max(p.excess if p.excess > 0.0 else min(-p.excess, p.shadow) for p in self.pools)

    def _first_prices(self) -> None:
        """Mean quote of every offer over its buyers, and per unit of every pool over its offers."""
        spent = [sum(b.weights[k] * b.money for b in self.buyers) for k in range(len(self.offers))]
        bought = [sum(b.per_usd[k] * b.money for b in self.buyers) for k in range(len(self.offers))]
        overall = sum(spent) / sum(bought) if sum(bought) > 0.0 else 1.0
        self.mean = [s / b if b > 0.0 else overall for s, b in zip(spent, bought, strict=True)]
        many = dict.fromkeys(self.pools, 0)
        for pool in self.pools:
            pool.unit = 0.0
        for offer, mean in zip(self.offers, self.mean, strict=True):
            for pool, weight in offer.pools:
                pool.unit += mean / weight
                many[pool] += 1
        for pool in self.pools:
            pool.unit /= many[pool]

    def _common_step(self) -> float:
        """How far own-price steps leave all binding prices, together, from where spending meets value."""
        money = dict.fromkeys(self.pools, 0.0)
        total = depth = 0.0
        for offer, plain, mean in zip(self.offers, self.before_price, self.mean, strict=True):
            binding = [pool for pool, _ in offer.pools if pool.binds]
            spend = plain * mean
            for pool in binding:
                money[pool] += spend / len(binding)
            total += spend if binding else 0.0
            depth += spend * len(binding)
        value = 0.0
        for pool in self.pools:
            if pool.binds:
                if money[pool] > 0.0:
                    pool.unit = money[pool] / pool.demand * exp(-pool.shadow)
                value += pool.unit * pool.size * exp(pool.shadow)
        if total <= 0.0 or value <= 0.0:
            return 0.0
        leaving = max(0.0, 1.0 - total / self.asked)
        whole = 1.0 / (1.0 + leaving / self.sigma)
        return (whole - self.damping) * log(total / value) * total / depth

    def _own_steps(self) -> None:
        """Every price moves by the damped log of its excess, shared with the other pools of its offers."""
        sharing = dict.fromkeys(self.pools, 0.0)
        for offer, chips in zip(self.offers, self.bought, strict=True):
            if len(offer.pools) == 2 and offer.pools[0][0].binds and offer.pools[1][0].binds:
                for pool, weight in offer.pools:
                    sharing[pool] += weight * chips
        for pool in self.pools:
            shared = sharing[pool] / pool.demand if pool.demand > 0.0 else 0.0
            pool.shadow = max(0.0, pool.shadow + self.damping / (1.0 + shared) * pool.excess)

    def _extrapolate(self, tried: Vector) -> None:
        """Go on to where past moves, combined, would vanish (Anderson 1965)."""
        point = [pool.shadow for pool in self.pools]
        move = [after - before for after, before in zip(point, tried, strict=True)]
        if self.points:
            apart = [[m - p for m, p in zip(move, past, strict=True)] for past in self.moves]
            part = solved(apart, move)
            change = [
                -sum(w * (point[g] - past[g]) for w, past in zip(part, self.points, strict=True))
                for g in range(len(point))
            ]
            most = max(map(abs, change))
            if most < inf:
                within = FARTHEST_LEAP / most if most > FARTHEST_LEAP else 1.0
                for pool, at, more in zip(self.pools, point, change, strict=True):
                    pool.shadow = max(0.0, at + within * more)
        self.points.appendleft(point)
        self.moves.appendleft(move)

    def _sell(self) -> list[Vector]:
        """Chips by buyer, scaled down where a pool would be sold beyond its capacity."""
        most = {p: p.size * NEVER_ABOVE for p in self.pools}
        fits = {p: most[p] / p.demand if p.demand > most[p] else 1.0 for p in self.pools}
        for k, offer in enumerate(self.offers):
            offer.scarcity = sum(pool.shadow for pool, _ in offer.pools)
            self.factor[k] *= min(fits[pool] for pool, _ in offer.pools)
        return [[w * buyer.money * f for w, f in zip(buyer.per_usd, self.factor, strict=True)] for buyer in self.buyers]


def solved(apart: list[Vector], move: Vector) -> Vector:
    """Weights on past moves with the least sum of squares, by Gauss elimination of the normal equations."""
    m = len(apart)
    square = [[sum(map(mul, one, other)) for other in apart] for one in apart]
    pull = [sum(map(mul, one, move)) for one in apart]
    for a in range(m):
        square[a][a] = square[a][a] * (1.0 + 1e-10) + 1e-300
    for a in range(m):
        for b in range(a + 1, m):
            times = square[b][a] / square[a][a]
            for c in range(a, m):
                square[b][c] -= times * square[a][c]
            pull[b] -= times * pull[a]
    for a in reversed(range(m)):
        for b in range(a + 1, m):
            pull[a] -= square[a][b] * pull[b]
        pull[a] /= square[a][a]
    return pull
