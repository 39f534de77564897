"""Labs: models and their capability, customers, plans, what each offer is worth, ports."""

from math import exp, floor, inf, log, sqrt
from typing import Any

import mesa

from benchmarks.plain_mesa.accounts import Account
from benchmarks.plain_mesa.catalogue import HOURS, RevenuePool, Stack
from benchmarks.plain_mesa.fit import Plans, Work

SURPLUS_FROM = 0.9  # of commitments: what plans must fall below before capacity is let on
SURPLUS_RATE = 2.0


class Lab(mesa.Agent):
    """A buyer of capacity. Lists go by the place of the chip."""

    market = "lab"

    def __init__(self, model: Any, name: str, own: Any, opening: Any) -> None:
        """`own` has the lab's numbers in the scenario, `opening` its state at the start."""
        super().__init__(model)
        self.name, self.own = name, own
        self.booked = self.earned = self.cash = 0.0  # as last recorded
        self.enterprise: bool = own.enterprise
        self.active: bool = opening.active
        self.capability, self.brand = opening.capability, opening.brand
        self.demand, self.revenue, self.growth = opening.demand, opening.revenue, opening.growth
        self.plan, self.carry = opening.plan, opening.carry
        self.revenue_yield, self.cost_index = opening.revenue_yield, opening.cost_index
        self.drift: list[float] = opening.drift
        self.seconds: list[list[float]] = opening.seconds
        self.throughput: list[float] = opening.throughput
        self.ported: dict[Stack, float] = opening.ported
        self.account = Account()
        self.owner: Any = None
        self.siblings = 1  # labs of the same owner, this one counted
        self.pool: RevenuePool
        self.plans: list[Plans] = []
        self.work: Work
        self.peak: list[float] = []  # PFLOP/s on the data sheet, by chip
        self.ideal: list[list[float]] = []  # by tick
        self.fortune: list[float] = []
        self.luck: Any = None  # rounding, waiting and renewal, by tick
        self.release_phase = 0.0
        self.taste: dict[Any, float] = {}  # by provider, what is fixed in its worth
        self.renters: dict[Any, Any] = {}  # by provider, who rents there for the lab
        self.chip_taste: list[float] = []
        self.held: list[float] = []  # chips in live contracts
        self.commitment = self.pending = self.rent_rate = self.useful = 0.0
        self.able = self.ask = self.lot = self.use = self.need = self.surplus = 0.0
        self.ports_paid = 0.0

    # --- models ---------------------------------------------------------------------------------------

    def releases(self) -> bool:
        """Whether a new generation comes out in this tick."""
        every, now = self.model.given.labs.generation_years, self.model.now
        return floor((now + self.model.dt) / every + self.release_phase) > floor(now / every + self.release_phase)

    def release(self) -> None:
        """Move to the ideal and towards what suits the chips held, and choose plans anew."""
        given, ideal = self.model.given.labs, self.ideal[self.model.tick + 1]
        pull = self._pull()
        scale = given.codesign / (1.0 + given.codesign * given.quality_loss)
        self.drift = [
            x + given.adaptation * (goal - x) + scale * g for x, goal, g in zip(self.drift, ideal, pull, strict=True)
        ]
        for chip, plans in zip(self.model.chips, self.plans, strict=True):
            self.seconds[chip.place] = plans.specialised(self.work, self.drift, chip.family.maturity)

    def _pull(self) -> list[float]:
        """Gradient of log fit over chips held."""
        total, pull = sum(self.held), [0.0] * len(self.drift)
        for chip in self.model.chips:
            share = self.held[chip.place] / total if total > 0.0 else 0.0
            if share > 0.0:
                gradient = self.plans[chip.place].gradient(self.work, self.drift, chip.family.maturity)
                pull = [x + share * g for x, g in zip(pull, gradient, strict=True)]
        return pull

    def refit(self) -> None:
        """Useful PFLOP/s of every chip at today's maturity."""
        self.throughput = [
            plans.throughput(self.work, seconds, chip.family.maturity, chip.error)
            for chip, plans, seconds in zip(self.model.chips, self.plans, self.seconds, strict=True)
        ]

    # --- customers ------------------------------------------------------------------------------------

    def train(self) -> None:
        """Capability goes to what training compute, against that of rivals, and the distance from the ideal allow."""
        given, ideal = self.model.given, self.ideal[self.model.tick]
        rivals = [lab.useful * lab.own.training_share for lab in self.pool.labs if lab.active]
        mean = sum(rivals) / max(len(rivals), 1)
        relative = self.useful * self.own.training_share / (mean if mean > 0.0 else 1.0) if self.active else 1.0
        loss = 0.5 * given.labs.quality_loss * sum((x - goal) ** 2 for x, goal in zip(self.drift, ideal, strict=True))
        goal = given.demand.capability_elasticity * log(max(relative, 1e-4)) - loss
        self.capability += (goal - self.capability) * (1.0 - exp(-given.demand.capability_decay * self.model.dt))

    @property
    def attraction(self) -> float:
        """Log attraction to customers."""
        intensity = self.model.given.demand.choice_intensity
        return self.brand + intensity * self.capability + self.fortune[self.model.tick]

    def meet(self, wanted: float) -> None:
        """Learn from what customers want, and see what capacity serves of it; spill comes after."""
        given, before = self.model.given.demand, self.demand
        serving = self.useful * max(0.1, 1.0 - self.own.training_share)
        grown = self.own.compute_share / self.compute_share()  # what it earns with less compute than at the start
        able = given.serve_slack * self.revenue_yield * grown * serving * HOURS * self.industry_cost()
        self.able = able if self.active else 0.0
        self.demand, self.revenue = wanted, min(wanted, self.able)
        if self.model.tick > 0:
            seen = log(max(wanted, 1.0) / max(before, 1.0)) / self.model.dt
            self.growth += (seen - self.growth) * (1.0 - exp(-self.model.dt / given.belief_time))

    def industry_cost(self) -> float:
        """USD per useful PFLOP-hour over the pool, or what new capacity costs the lab where nobody has any."""
        mean = self.pool.industry_cost()
        return mean if mean > 0.0 else self.cost_index

    # --- plans ----------------------------------------------------------------------------------------

    def funding(self) -> float:
        """USD a year of equity on offer; grows with the pool."""
        paths = self.pool.potential
        return self.own.funding * (paths[self.model.tick] / max(paths[0], 1.0)) * self.active

    def purse(self) -> float:
        """USD within reach: own cash and a part of the owner's."""
        cash = max(0.0, self.account.deposits)
        if self.owner is None:
            return cash
        return cash + max(0.0, self.owner.account.deposits) * self.owner.active / self.siblings

    def compute_share(self) -> float:
        """Compute wanted per USD of forward revenue; young labs grow out of spending more than they earn."""
        given = self.model.given.demand
        rest = min(self.own.compute_share, given.mature_share)
        return rest + (self.own.compute_share - rest) * exp(-self.model.now / given.maturing_time)

    def wish(self, mean_price: float) -> None:
        """Plan, ask and lot of the tick; `mean_price` over live offers, 0 where there are none."""
        given, dt = self.model.given, self.model.dt
        boldest = given.demand.belief_cap * self.own.ambition
        growth = min(max(self.growth, -boldest), boldest)
        believed = exp(growth * self.model.horizon)
        wanted = self.compute_share() * self.demand * believed + given.demand.bridge_share * self.pending
        earned = self.revenue * sqrt(believed) * max(0.0, 1.0 - self.own.other_cost)
        means = earned + self.funding() + self.purse() / given.demand.runway
        self.plan = min(wanted, means) * self.active
        self.lot = max(1.0, floor(given.trade.lot * self.plan / (HOURS * (mean_price if mean_price > 0.0 else 1.0))))
        gap = max(0.0, self.plan - self.commitment) / HOURS
        asked = min(gap, (1.0 - exp(-dt / given.demand.ask_time)) * gap + max(0.0, self.carry))
        ahead = given.trade.prepaid * self.model.longest_built * HOURS
        if ahead > 0.0:
            within_reach = self.purse() * (1.0 - exp(-dt / given.demand.runway)) + self.funding() * dt
            asked = min(asked, within_reach / ahead)
        self.ask = max(0.0, asked)

    def worth(self, offers: list[Any], timing: list[float]) -> list[float]:
        """Log useful PFLOP-hours per USD of offers; `timing` is what wait and term do to each."""
        judged = self.peak if self.model.by_spec_sheet else self.throughput
        penalty = self.model.given.software.unported_penalty
        by_chip = [
            log(fit) + taste - penalty * (1.0 - self.ported[chip.stack])
            for chip, fit, taste in zip(self.model.chips, judged, self.chip_taste, strict=True)
        ]
        return [
            by_chip[o.chip.place] + self.taste[o.provider] + t - log(o.price[self.enterprise])
            if o.price[self.enterprise] > 0.0 else -inf
            for o, t in zip(offers, timing, strict=True)
        ]  # fmt: skip

    def outside(self) -> float:
        """Worth of buying nothing."""
        return -log(self.model.given.trade.outside * self.cost_index)

    def follow_costs(self, cost: float, step: float) -> None:
        """The cost index follows the price of new capacity in logs."""
        self.cost_index *= exp(step * log(cost / self.cost_index))

    # --- ports and contracts --------------------------------------------------------------------------

    def port(self) -> None:
        """Ports go on where what they win repays what is left of their cost; paid as they go."""
        given, dt = self.model.given.software, self.model.dt
        self.ports_paid = 0.0
        step = {}
        for stack, gain in self._port_gains().items():
            left = 1.0 - self.ported[stack]
            automated = stack.automation[self.model.tick]
            cost = stack.port_cost * (1.0 - 0.9 * automated) * given.engineer_cost * self.own.firms
            if left > 0.0 and gain * self.plan * given.port_payback > cost * left:
                step[stack] = min(left, dt / given.port_years)
                self.ports_paid += step[stack] * cost
        for stack, done in step.items():
            self.ported[stack] += done

    def _port_gains(self) -> dict[Stack, float]:
        """Log worth that having each stack would win: the logit's inclusive value with and without."""
        best: dict[Stack, float] = {}
        for offer in self.model.market.offers:
            price, fit = offer.price[self.enterprise], self.throughput[offer.chip.place]
            if offer.live and price > 0.0 and fit > 0.0:
                best[offer.chip.stack] = max(best.get(offer.chip.stack, 0.0), fit / price)
        if not best:
            return {}
        sigma, penalty = self.model.sigma, self.model.given.software.unported_penalty
        top = log(max(best.values()))
        free = {stack: exp((log(value) - top) / sigma) for stack, value in best.items()}
        now = {s: exp((log(value) - penalty * (1.0 - self.ported[s]) - top) / sigma) for s, value in best.items()}
        whole = sum(now.values())
        return {s: sigma * log(1.0 + (free[s] - now[s]) / max(whole, 1e-300)) for s in best}

    def review(self) -> None:
        """How much of what is committed the lab uses, still needs, and would let on."""
        cover = min(1.0, max(0.0, self.plan / max(self.commitment, 1.0)))
        floor_of_rent = self.model.given.trade.take_or_pay
        self.use = floor_of_rent + (1.0 - floor_of_rent) * cover
        self.need = min(1.0, 1.2 * cover)
        self.surplus = SURPLUS_RATE * (SURPLUS_FROM - cover) if cover < SURPLUS_FROM else 0.0

    def solid(self) -> float:
        """How far its promise to pay can be lent on."""
        if not self.active:
            return 0.0
        if self.owner is not None:
            return 1.0
        return min(1.0, max(0.0, 0.5 * (self.revenue / max(self.commitment, 1.0))))

    @property
    def rounding_luck(self) -> float:
        return self.luck.rounding[self.model.tick]

    @property
    def waiting_luck(self) -> float:
        return self.luck.waiting[self.model.tick]

    @property
    def renewal_luck(self) -> float:
        return self.luck.renewal[self.model.tick]
