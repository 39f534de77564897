"""The opening market as objects: what `market_sim` draws and searches before a run, read once."""

from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.plain_mesa.accounts import Account
from benchmarks.plain_mesa.building import Lot
from benchmarks.plain_mesa.catalogue import Chip, Family, RevenuePool, Stack
from benchmarks.plain_mesa.contracts import LIVE, PENDING, Contract
from benchmarks.plain_mesa.fit import Plans, Work
from benchmarks.plain_mesa.lab import Lab
from benchmarks.plain_mesa.offers import Capacity, Market, Offer
from benchmarks.plain_mesa.provider import Provider
from benchmarks.plain_mesa.trading import term_factor
from benchmarks.plain_mesa.vendor import Vendor

REFERENCE_TERM = 4.0
GUMBEL_SD = 1.2825498301618641  # pi / sqrt(6)
SECTIONS = ("software", "demand", "labs", "trade", "delivery", "vendors", "providers")


def numbers(section: Any, r: int) -> SimpleNamespace:
    """The numbers of a section as replicate r drew them."""
    arrays = {name: value for name, value in vars(section).items() if isinstance(value, np.ndarray)}
    return SimpleNamespace(**{name: float(v[r]) for name, v in arrays.items() if v.shape == v.shape[:1]})


def entry(table: Any, r: int, place: int) -> SimpleNamespace:
    """One firm's numbers and words; those that go by another axis too are left out."""
    kept = {}
    for name, value in vars(table).items():
        if isinstance(value, np.ndarray) and value.ndim == 2:
            kept[name] = float(value[r, place])
        elif isinstance(value, tuple) and name != "names":
            kept[name] = value[place]
    return SimpleNamespace(**kept)


def row(table: Any, r: int, place: int) -> SimpleNamespace:
    """One row of a table of state, as plain numbers and lists."""
    held = ((name, value[r]) for name, value in vars(table).items())
    return SimpleNamespace(**{name: value[place].tolist() for name, value in held if len(value) > place})


class Opening:
    """Fills a model with its objects, kind by kind."""

    def __init__(self, model: Any, setup: Any, market: Any, r: int) -> None:
        self.model, self.setup, self.market, self.r = model, setup, market, r
        model.dt, model.ticks = setup.dt, setup.scenario.ticks
        model.given = SimpleNamespace(**{name: numbers(getattr(setup.drawn, name), r) for name in SECTIONS})
        model.by_spec_sheet = setup.scenario.labs.choice == "spec_sheet"
        model.tolerance = setup.scenario.trade.tolerance
        model.deals_per_tick = setup.scenario.trade.deals_per_tick
        model.longest_built = max(setup.scenario.trade.built_terms, default=1.0)
        given = model.given.labs
        model.sigma = given.sigma * max(1e-6, 1.0 - given.taste_share) ** 0.5
        model.slump = setup.luck.in_regime[r, :, 2].tolist()
        model.riskless = setup.riskless[r].tolist()  # by tick
        model.belief_z = NormalDist().inv_cdf(given.planning_quantile)

    def run(self) -> None:
        """Everybody and everything that is there at the start."""
        self._technology()
        self._vendors()
        self._providers()
        self._revenue_pools()
        self._labs()
        self._offers()
        self._leases()
        self._accounts()

    def _technology(self) -> None:
        setup, r, t = self.setup, self.r, self.market.technology
        stacks = [
            Stack(
                s,
                own.ceiling,
                own.vendor_effort,
                own.port_cost,
                setup.automation[r, s].tolist(),
                t.known[r, s].tolist(),
            )
            for s in range(len(setup.stacks))
            for own in [entry(setup.drawn.stack, r, s)]
        ]
        families = [
            Family(
                stacks[setup.family_stack[f]], float(setup.chip_from[setup.chip_family == f].min()),
                t.maturity[r, f].tolist(), bool(t.launched[r, f]),
            )
            for f in range(len(setup.families))
        ]  # fmt: skip
        self.model.stacks, self.model.families = stacks, families
        self.model.chips = [self._chip(c, stacks, families) for c in range(len(setup.chips))]
        self.model.chip_power = [chip.power for chip in self.model.chips]

    def _chip(self, c: int, stacks: list[Stack], families: list[Family]) -> Chip:
        setup, r, v, f = self.setup, self.r, self.market.vendors, self.market.fleet
        own = entry(setup.drawn.chip, r, c)
        state = (v.list_price, v.stock, v.made, v.unit_cost, f.retired, f.shipped)
        return Chip(
            c, setup.chips[c], stacks[setup.chip_stack[c]], families[setup.chip_family[c]], float(setup.chip_from[c]),
            float(setup.chip_until[c]), float(setup.power[c]), float(setup.packages[c]), own.server,
            own.server * own.network, own.cost,
            float(setup.fit_error[r, c]), *(float(array[r, c]) for array in state),
        )  # fmt: skip

    def _vendors(self) -> None:
        setup, r = self.setup, self.r
        self.model.vendors = [
            Vendor(self.model, name, entry(setup.drawn.vendor, r, v), row(self.market.vendors, r, v))
            for v, name in enumerate(setup.vendors)
        ]
        for chip in self.model.chips:
            chip.vendor = self.model.vendors[setup.chip_vendor[chip.place]]
            chip.vendor.chips.append(chip)

    def _providers(self) -> None:
        setup, r, model = self.setup, self.r, self.model
        model.providers = []
        for p, name in enumerate(setup.providers):
            opening = row(self.market.providers, r, p)
            opening.fleet = self.market.fleet.in_service[r, p].tolist()
            one = Provider(model, name, entry(setup.drawn.provider, r, p), opening)
            one.deploys = [chip for chip in model.chips if setup.deploys[p, chip.place]]
            one.owns_silicon = bool(setup.own_silicon[p].any())
            one.entry_threshold = float(setup.luck.entry[r, p])
            one.site_luck = setup.luck.site[r, p].tolist()
            model.providers.append(one)
        for vendor, owner in zip(model.vendors, setup.vendor_owner, strict=True):
            vendor.owner = model.providers[owner] if owner >= 0 else None

    def _revenue_pools(self) -> None:
        paths = self.market.potential[self.r].tolist()
        self.model.revenue_pools = [RevenuePool(path) for path in paths]

    def _labs(self) -> None:
        setup, r, model, t = self.setup, self.r, self.model, self.market.technology
        model.labs = []
        for i, name in enumerate(setup.labs):
            opening = row(self.market.labs, r, i)
            opening.drift, opening.seconds = t.drift[r, i].tolist(), t.seconds[r, i].tolist()
            opening.throughput = t.throughput[r, i].tolist()
            opening.ported = dict(zip(model.stacks, t.ported[r, i].tolist(), strict=True))
            own = entry(setup.drawn.lab, r, i)
            own.enterprise = bool(setup.enterprise[i])
            one = Lab(model, name, own, opening)
            one.owner = model.providers[setup.lab_owner[i]] if setup.lab_owner[i] >= 0 else None
            one.siblings = max(1, int((setup.lab_owner == setup.lab_owner[i]).sum()))
            one.pool = model.revenue_pools[setup.lab_pool[i]]
            one.pool.labs.append(one)
            self._knowledge(one, i)
            self._luck(one, i)
            model.labs.append(one)

    def _knowledge(self, lab: Lab, i: int) -> None:
        """The lab's plans, and what a useful PFLOP is made of in its mix of work."""
        s, share = self.setup.shortlist, lab.own.training_share
        train, serve = share * s.reference[i, 0], (1.0 - share) * s.reference[i, 1]
        answers = s.prompts[i] * s.useful[i, 1] + s.useful[i, 2]
        whole = 1e-15 * (train + serve)
        answered = serve / (answers * whole)
        lab.work = Work(
            float(train / (s.useful[i, 0] * whole)), float(answered * s.prompts[i]), float(answered),
            (float(train), float(serve)),
        )  # fmt: skip
        lab.plans = [
            Plans(*(array[i, c].tolist() for array in (s.seconds, s.slopes, s.bends, s.peaks)))
            for c in range(len(self.setup.chips))
        ]
        lab.peak = self.setup.peak[i].tolist()

    def _luck(self, lab: Lab, i: int) -> None:
        """Luck, tastes and ideals of a lab; half of taste's variance is for providers, half for chips."""
        setup, r, given = self.setup, self.r, self.model.given.labs
        luck = {name: getattr(setup.luck, name)[r, i].tolist() for name in ("rounding", "waiting", "renewal")}
        lab.luck, lab.release_phase = SimpleNamespace(**luck), float(setup.luck.release_phase[r, i])
        lab.ideal, lab.fortune = setup.ideal[r, i].T.tolist(), setup.fortune[r, i].tolist()
        scale = given.sigma * GUMBEL_SD * (0.5 * given.taste_share) ** 0.5
        lab.chip_taste = [scale * taste for taste in setup.luck.chip_taste[r, i].tolist()]
        affinity, tastes = setup.drawn.lab.affinity[r, i].tolist(), setup.luck.provider_taste[r, i].tolist()
        for p, liked, taste in zip(self.model.providers, affinity, tastes, strict=True):
            lab.taste[p] = liked + scale * taste + lab.own.template_weight * p.own.template
        between = {p: setup.scenario.lab[lab.name].partner or setup.scenario.lab[lab.name].owner for p in lab.taste}
        clouds = {p.name: (p, worth) for p, worth in lab.taste.items()}
        for p, name in between.items():
            if name and p.name in setup.scenario.provider[name].rents_from and p.name != name:
                renter, cloud = clouds[name]
                cloud -= self.model.given.providers.resale_loss
                if cloud > lab.taste[p]:
                    lab.taste[p], lab.renters[p] = cloud, renter
        for p in lab.taste:
            lab.taste[p] += p.log_delivered

    def _offers(self) -> None:
        """Every offer that can exist, and the pools that it draws on."""
        model, offers = self.model, self.setup.offers
        model.market = Market(sites={p: Capacity() for p in model.providers})
        model.market.order_books = {vendor: Capacity() for vendor in model.vendors}
        for j, (p, c, built, term) in enumerate(
            zip(offers.provider, offers.chip, offers.built, offers.term, strict=True)
        ):
            provider, chip = model.providers[p], model.chips[c]
            ready = model.market.ready.setdefault((provider, chip), Capacity())
            site, orders = model.market.sites[provider], model.market.order_books[chip.vendor]
            pools = ((site, chip.power), (orders, chip.packages)) if built else ((ready, 1.0),)
            factor = term_factor(model, float(term), provider.own.on_demand_premium) / (
                term_factor(model, REFERENCE_TERM) if built else 1.0
            )
            key = int(offers.key[j])
            model.market.offers.append(Offer(j, key, provider, chip, bool(built), float(term), factor, pools))

    def _leases(self) -> None:
        """Contracts under way and lots on order."""
        model, r, book, pipeline = self.model, self.r, self.market.book, self.market.pipeline
        dates = ("chips", "price", "rent", "term", "signed", "promised", "started", "ends", "prepaid", "credit")
        model.contracts = [
            Contract(
                int(one["id"]), int(one["key"]), model.labs[one["lab"]], model.providers[one["provider"]],
                model.chips[one["chip"]], LIVE if one["status"] == 1 else PENDING,
                *(float(one[name]) for name in dates),
            )
            for one in book.rows[r, : book.count[r]]
        ]  # fmt: skip
        work = ("chips", "received", "site_left", "bring_up_left", "ordered", "promised", "rent")
        model.lots = [
            Lot(
                int(one["contract"]), model.providers[one["provider"]], model.chips[one["chip"]],
                *(float(one[name]) for name in work),
            )
            for one in pipeline.rows[r, : pipeline.count[r]]
        ]  # fmt: skip
        model.next_number = int(book.signed[r])

    def _accounts(self) -> None:
        """Balances of firms, then of customers, lenders, investors and suppliers."""
        model, ledger = self.model, self.market.ledger
        columns = np.concatenate([ledger.balance[self.r], ledger.real[self.r]]).T.tolist()
        accounts = [Account(*column) for column in columns]
        for firm, account in zip([*model.vendors, *model.providers, *model.labs], accounts, strict=False):
            firm.account = account
        model.customers, model.lenders, model.investors, model.suppliers = accounts[-4:]
