"""`TradingCore`: one tick of the trading core of one run."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.plain_numpy.book import (
    CONTRACT,
    HOURS,
    LIVE,
    LOT,
    PENDING,
    Month,
    build,
    columns,
    rows,
)
from benchmarks.plain_numpy.clearing import Problem, clear
from benchmarks.plain_numpy.given import Given
from benchmarks.plain_numpy.luck import bits, mixed
from benchmarks.plain_numpy.rounding import signed
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import Book, Pipeline

Array = np.ndarray
GUMBEL_SD = 1.2825498301618641
BEST_MFU = 0.8
POOLS_SHOWN = 30.0


class TradingCore:
    """The state that trade, delivery and contract events carry on: contracts, lots and shadow prices."""

    def __init__(self, setup: Setup, market: Market) -> None:
        """Opens with the first replicate of a prepared market."""
        self.setup, drawn = setup, setup.drawn
        self.trade = SimpleNamespace(**{k: v[0] for k, v in vars(drawn.trade).items() if isinstance(v, np.ndarray)})
        self.labs, self.delivery = (
            SimpleNamespace(**{k: v[0] for k, v in vars(part).items() if isinstance(v, np.ndarray)})
            for part in (drawn.labs, drawn.delivery)
        )
        self.shape = (len(setup.labs), len(setup.providers))
        self.read(market.book, market.pipeline)
        self.next_id = int(market.book.signed[0])
        self.sites = drawn.provider.site_months[0] / 12.0
        self._fix_offers(setup)
        self._fix_labs(setup)
        self.shadow = np.zeros(len(market.shadow[0]) + 1)
        self.add_up(market.technology.throughput[0], 0.0)

    def read(self, book: Book, pipeline: Pipeline) -> None:
        """Take the first replicate's contracts and lots from the engine."""
        self.book = columns(book.rows[0, : book.count[0]], CONTRACT)
        self.lots = columns(pipeline.rows[0, : pipeline.count[0]], LOT)

    def _fix_offers(self, setup: Setup) -> None:
        o, none = setup.offers, setup.offers.pool.max() + 1
        self.pools = np.ascontiguousarray(np.where(o.pool < 0, none, o.pool).T)
        power, packages = setup.power[o.chip], setup.packages[o.chip]
        self.load = np.stack([np.where(o.built, power, 1.0), np.where(o.built, packages, 1.0)])
        self.prepaid = np.where(o.built, self.trade.prepaid, 0.0)
        self.sigma = self.labs.sigma * np.sqrt(max(1e-6, 1.0 - self.labs.taste_share))
        self.markup = setup.drawn.provider.enterprise_markup[0]
        self.phi = setup.drawn.provider.scarcity_pass[0][o.provider]
        self.delivered = np.maximum(
            0.0, 1.0 - setup.drawn.provider.overhead[0] * setup.drawn.providers.overhead[0]
        )  # fmt: skip

    def _fix_labs(self, setup: Setup) -> None:
        """What tastes, templates and the mix of work make of each lab, once."""
        d, share, s = setup.drawn, setup.drawn.lab.training_share[0], setup.shortlist
        scale = self.labs.sigma * GUMBEL_SD * np.sqrt(0.5 * self.labs.taste_share)
        taste = d.lab.affinity[0] + scale * setup.luck.provider_taste[0]
        service = d.lab.template_weight[0][:, None] * d.provider.template[0]
        cloud = np.take_along_axis(taste + service, np.maximum(setup.through, 0), axis=1) - d.providers.resale_loss[0]
        resold = np.where(setup.through >= 0, cloud, -np.inf)  # on its chips, in the cloud of who rents for the lab
        self.taste = np.maximum(taste + service, resold) + np.log(self.delivered)
        self.chip_taste = scale * setup.luck.chip_taste[0]
        train, serve = share * s.reference[:, 0], (1.0 - share) * s.reference[:, 1]
        ideal = train[:, None] / s.peaks[:, :, 0] + serve[:, None] / s.peaks[:, :, 1]
        self.ideal = ideal / (train + serve)[:, None]

    def step(self, given: Given) -> None:
        """Carry trade, delivery and contracts over one tick."""
        if given.moved is not None:
            self.read(*given.moved)
        fit = self.fit(given)
        self.chips, self.labs_asking, self.stocked = self.clear(given, fit)
        self.sign(given)
        commitment = self.commitments()
        self.order_ahead(given)
        done, at = self.deliver(given)
        cover = np.clip(given.plan / np.maximum(commitment, 1.0), 0.0, 1.0)
        self.month = Month(given.now, self.setup.dt, self.trade, self.shape)
        markup = np.where(self.setup.enterprise[:, None], self.markup, 1.0)
        b = self.book
        price = given.quote[b.provider, b.chip] * markup[b.lab, b.provider]
        self.book, self.next_id = self.month.carry(
            b, done, at, price, given.active, cover, given.luck[2], self.next_id
        )  # fmt: skip
        self.lots.contract = np.where(np.isin(self.lots.contract, self.month.freed), -1, self.lots.contract)
        self.add_up(fit, given.now + self.setup.dt)
        self.record()

    def fit(self, given: Given) -> Array:
        """Useful PFLOP/s (lab, chip) at today's maturity, off by the run's error."""
        needs = np.einsum("lck,ck->lc", given.seconds, 1.0 / given.maturity)
        return np.minimum(self.setup.fit_error[0], np.maximum(1.0, BEST_MFU * needs / self.ideal)) / needs

    def clear(self, given: Given, fit: Array) -> tuple[Array, Array, Array]:
        """Chips (asking lab, stocked offer), and who and what those are."""
        o = self.setup.offers
        attraction = self.notice(given)
        room = np.append(given.capacity, np.inf)
        stocked = np.flatnonzero((room[self.pools] > 0.0).all(axis=0) & (attraction > -np.inf))
        asking = np.flatnonzero(given.ask > 0.0)
        self.scarcity = np.zeros(o.count)
        if not len(stocked) or not len(asking):
            self.shadow = np.zeros_like(self.shadow)
            return np.zeros((len(asking), len(stocked))), asking, stocked
        outside = -np.log(self.trade.outside * given.cost_index[asking])
        pools, load = self.pools[:, stocked], self.load[:, stocked]
        size = np.append(np.where(given.capacity > 0.0, given.capacity, 1.0), 1.0)
        price = given.price[asking[:, None], stocked]
        chips, self.shadow, self.sweeps = clear(
            Problem(
                self.worth(given, fit, asking, stocked, price), outside, given.ask[asking], price, pools[0], pools[1],
                load * (pools < len(given.capacity)), size, attraction[stocked], self.sigma,
                self.setup.scenario.trade.tolerance,
            ),
            self.shadow,
        )  # fmt: skip
        self.scarcity[stocked] = self.shadow[pools[0]] + self.shadow[pools[1]]
        return chips, asking, stocked

    def notice(self, given: Given) -> Array:
        """log attraction (offer,), by the worth on show and the offers on the same chips or site."""
        shelf, pools = self.pools[0], len(given.capacity)
        count = np.maximum(np.bincount(shelf, given.live, pools)[shelf], 1.0)
        worth = np.where(given.live, given.shown * given.price.min(axis=0), 0.0)
        whole = (worth / count).sum()
        share = worth * (POOLS_SHOWN / whole if whole > 0.0 else 1.0)
        log = self.trade.omega * np.log(np.where(share > 0.0, share, 1.0)) - np.log(count)
        return np.where(share > 0.0, log, -np.inf)

    def worth(self, given: Given, fit: Array, labs: Array, offers: Array, price: Array) -> Array:
        """Log useful PFLOP-hours per USD (lab, offer)."""
        o, s = self.setup.offers, self.setup
        judged = s.peak if s.scenario.labs.choice == "spec_sheet" else fit
        penalty = s.drawn.software.unported_penalty[0] * (1.0 - given.ported)
        by_chip = np.log(judged[labs]) + self.chip_taste[labs] - penalty[labs][:, s.chip_stack]
        r, ageing, wait, term = self.labs.discount, given.obsolescence, given.believed[offers], o.term[offers]
        prepaid = self.prepaid[offers]
        life = mean_over((r + ageing) * term)
        timing = np.log(life / (prepaid + (1.0 - prepaid) * np.exp(-r * wait) * mean_over(r * term)))
        timing -= (r + self.labs.delay_discount * ageing) * wait
        return by_chip[:, o.chip[offers]] + self.taste[labs][:, o.provider[offers]] + timing - np.log(price)

    def sign(self, given: Given) -> None:
        """Flows to contracts, and to lots where they are to be built."""
        o, now = self.setup.offers, given.now
        deals = signed(
            self.chips, self.labs_asking, self.stocked, given.lot, o.key, given.luck[0], given.luck[1], self.pools,
            self.load, np.append(given.capacity, np.inf), self.setup.scenario.trade.deals_per_tick,
        )  # fmt: skip
        passed = np.exp(self.phi * self.scarcity)
        contracts: list[tuple[Any, ...]] = []
        lots: list[tuple[Any, ...]] = []
        who = np.array([(i, j) for i, j, _ in deals], np.int64).reshape(-1, 2).T
        keys = mixed(o.key[who[1]], bits(given.luck[2][who[0]]))
        for k, (i, j, chips) in enumerate(deals):
            p, c, paid, term, built = o.provider[j], o.chip[j], given.price[i, j] * passed[j], o.term[j], o.built[j]
            yearly, due = paid * chips * HOURS, now + given.promised[j]
            dates = (np.nan, np.nan) if built else (now, now + term)
            ahead = self.prepaid[j] * yearly * term
            named = (keys[k], self.next_id + k, i, p, c, PENDING if built else LIVE)
            contracts.append((*named, chips, paid, paid - given.price[i, j], term, now, due, *dates, ahead, 0.0))
            if built:
                site = self.sites[p] * given.site_luck[p]
                lots.append((self.next_id + k, p, c, chips, 0.0, site, self.delivery.bring_up, now, due, yearly))
        self.next_id += len(deals)
        self.book = self.book.joined(rows(CONTRACT, contracts, 6)) if contracts else self.book
        self.lots = self.lots.joined(rows(LOT, lots, 3)) if lots else self.lots

    def order_ahead(self, given: Given) -> None:
        """Lots for inventory, as given."""
        honest = 1.0 - self.delivery.optimism
        lots = [
            (
                -1, p, c, given.ahead[p, c], 0.0, self.sites[p] * given.site_luck[p], self.delivery.bring_up, given.now,
                given.now + given.delay[p, c] * honest, given.quote[p, c] * given.ahead[p, c] * HOURS,
            )
            for p, c in np.argwhere(given.ahead > 0.0)
        ]  # fmt: skip
        self.lots = self.lots.joined(rows(LOT, lots, 3)) if lots else self.lots

    def deliver(self, given: Given) -> tuple[Any, Array]:
        """Build for a tick; lots that were finished, and when."""
        self.lots, done, at = build(self.lots, given.shipped, given.pace, given.now, self.setup.dt)
        self.in_service = np.zeros(given.shipped.shape)
        np.add.at(self.in_service, (done.provider, done.chip), done.chips)
        return done, at

    def commitments(self) -> Array:
        """USD a year of all contracts (lab,)."""
        return np.bincount(self.book.lab, self.book.price * self.book.chips * HOURS, self.shape[0])

    def add_up(self, fit: Array, now: float) -> None:
        """What the book comes to."""
        b, (labs, providers) = self.book, self.shape
        yearly, live = b.price * b.chips * HOURS, b.status == LIVE
        years = np.where(b.status == PENDING, b.term, np.maximum(0.0, b.ends - now))
        useful = np.where(live, b.chips * fit[b.lab, b.chip] * self.delivered[b.provider], 0.0)
        chips = len(self.setup.chips)
        self.commitment = np.bincount(b.lab, yearly, labs)
        self.backlog = np.bincount(b.provider, yearly * years, providers)
        self.sold = np.bincount(b.provider * chips + b.chip, b.chips * live, providers * chips).reshape(
            providers, chips
        )
        self.held = np.bincount(b.lab * chips + b.chip, b.chips * live, labs * chips).reshape(labs, chips)
        owned = np.bincount(b.provider * chips + b.chip, useful, providers * chips).reshape(providers, chips)
        self.useful_lab = np.bincount(b.lab, useful, labs)
        self.useful_provider, self.useful_chip = owned.sum(axis=1), owned.sum(axis=0)

    def record(self) -> None:
        """HHI of useful compute under contract by lab, provider, vendor and platform."""
        by_vendor = np.bincount(self.setup.chip_vendor, self.useful_chip)
        by_stack = np.bincount(self.setup.chip_stack, self.useful_chip)
        self.hhi = [hhi(one) for one in (self.useful_lab, self.useful_provider, by_vendor, by_stack)]


def hhi(quantity: Array) -> float:
    whole = quantity.sum()
    return float((quantity * quantity).sum() / (whole * whole)) if whole > 0.0 else float("nan")


def mean_over(x: Array) -> Array:
    """(1 - e^-x)/x, 1 at 0."""
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, -np.expm1(-safe) / safe)
