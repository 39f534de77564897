"""The words that results speak in: every closed list of names, each with its meaning.

Names of firms, labs and chips come from the scenario (`results/names.py`); the lists here are the same in
every run.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a closed list."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One series of the `signals` table: what it is, its unit, and what its groups are.

    `yearly`: measured at the first tick, at those that end a year and at the last one, and held in between.
    """

    name: str
    unit: str
    by: str
    meaning: str
    yearly: bool = False


MARKETS = (
    Term("vendor", "chip vendors"),
    Term("provider", "hyperscalers and neoclouds"),
    Term("lab", "model labs and other users"),
    Term("platform", "software stacks that the compute runs on"),
)
BUYERS_OF = "buyers of {vendor}"  # one more market for each vendor: who buys its chips

BASES = (
    Term("stock", "useful compute in live contracts at the end of the tick, PFLOP/s"),
    Term(
        "bookings",
        "USD signed over the last 12 months, or since the start if that is less: contracts and renewals at full "
        "value; chip orders in the markets of vendors and of their buyers",
    ),
    Term(
        "revenue",
        "USD a year at the tick's rate: labs' sales, rent of providers and platforms, chips shipped",
    ),
)

KINDS = (
    Term("vendor", "sells chips"),
    Term("hyperscaler", "provider with a cloud business of its own"),
    Term("neocloud", "provider that lives by renting accelerators"),
    Term("lab", "trains and serves models"),
    Term("enterprise", "rents for its own use, with a high template weight"),
    Term("platform", "a software stack"),
    Term("others", "the rest of the world's buyers and owners"),
    Term("sector", "outside sector that closes the accounts"),
)

SECTORS = (
    Term("customers", "pay the labs, and the clouds for everything but AI"),
    Term("lenders", "hold the loans and the deposits"),
    Term("investors", "hold the shares"),
    Term("suppliers", "foundries, power, construction, networks and staff"),
)

LOTS = (
    Term("ready", "chips that stood in service when the contract was signed"),
    Term("built", "chips built to order"),
    Term("renewal", "chips that the lab goes on renting where an earlier contract ended"),
    Term("opening", "under way when the run began"),
)

STATUSES = (
    Term("pending", "signed, not started"),
    Term("live", "in service"),
    Term("expired", "ended at its term"),
    Term("walked", "the lab left a contract that was late"),
    Term("defaulted", "ended because the lab failed"),
    Term("sublet", "let on to others; the lab owes what that rent falls short of its own"),
)

QUOTED = (
    Term("quote", "a provider's asking price for one year to a large lab, USD per chip-hour"),
    Term("trade", "chip-weighted mean price of the contracts signed this tick, USD per chip-hour"),
    Term("list", "a vendor's list price, USD per chip"),
)

STOCK_ITEMS = (
    Term("deposits", "cash; sums to zero over all holders"),
    Term("loans", "lent (+) or owed (-); sums to zero"),
    Term("prepayments", "paid ahead (+) or owed as service (-); sums to zero"),
    Term("credits", "credits due for late capacity (+) or owed (-); sums to zero"),
    Term("equity", "shares held (+) or issued (-), at what was paid in; sums to zero"),
    Term("leases", "lease claims held (+) or owed (-); sums to zero"),
    Term("chips", "chips and servers at book"),
    Term("sites", "sites and power at book"),
    Term("stock", "unsold chips at book"),
    Term("net_worth", "sum of all of the above"),
)
FLOW_ITEMS = (
    Term("model_revenue", "customers to labs"),
    Term("rent", "labs to providers, the part of rent paid in cash"),
    Term("prepaid_use", "labs to providers, rent set against prepayments"),
    Term("credit_use", "labs to providers, rent set against lateness credits"),
    Term("lateness_credit", "providers to labs, credits that late capacity earned"),
    Term("prepayment", "labs to providers, rent paid ahead; refunds negative"),
    Term("credit_paid", "providers to labs, credits paid out"),
    Term("chip_purchases", "providers to vendors, paid in cash"),
    Term("chips_leased", "providers to vendors, against a lease claim"),
    Term("lease_payment", "providers to vendors, principal"),
    Term("lease_interest", "providers to vendors"),
    Term("servers", "providers to suppliers, servers and networks"),
    Term("site_spending", "providers to suppliers, sites and power connections"),
    Term("operations", "providers to suppliers, power, colocation and staff"),
    Term("building_effort", "providers to suppliers, the cost of building faster"),
    Term("other_business", "customers to providers, cash from everything but AI"),
    Term("other_capex", "providers to suppliers, capital spending on everything but AI"),
    Term("production", "vendors to suppliers, wafers, packages and memory"),
    Term("vendor_operations", "vendors to suppliers, research and selling"),
    Term("lab_operations", "labs to suppliers, research and selling"),
    Term("ports", "labs to suppliers, engineers who port software"),
    Term("interest", "providers to lenders"),
    Term("borrowing", "lenders to providers; repayment negative"),
    Term("equity_raised", "investors and owners to firms"),
    Term("backing", "vendors to customers, equity"),
    Term("dividends", "firms to investors and owners"),
    Term("takeover", "buyer of a failed firm to its lenders"),
    Term("guarantee", "vendor that stood behind a failed firm to its lenders"),
    Term("written_off", "change of claims and debts by a failure; sums to zero"),
)
ITEMS = STOCK_ITEMS + FLOW_ITEMS

_KINDS_OF_PROVIDER = "all, provider kind"  # what a signal's groups are: `all` is over every provider
SIGNALS = (
    Signal(
        "divergence",
        "log",
        "all",
        "root mean square distance of the labs' architectures from their mean, in log units",
    ),
    Signal("segregation", "1", "all", "how far labs sit on different platforms: 0 mixed, 1 apart (Theil's H)"),
    Signal(
        "lock_in",
        "log",
        "all",
        "mean log ratio of a lab's best platform per USD to its best of another vendor, less the same for a "
        "twin that never adapts to its chips; labs weighted by planned spending, taken at the start and at the end of "
        "every year",
        yearly=True,
    ),
    Signal("quality_loss", "log", "lab", "capability given up by co-design with the chips owned"),
    Signal(
        "cuda_premium",
        "1",
        "all",
        "share of spending that would move between stacks were all equally mature and ports free, the market "
        "cleared again; taken at the start and at the end of every year",
        yearly=True,
    ),
    Signal(
        "fit_gain",
        "1",
        "all",
        "useful compute of the chips in service, shared anew among labs as they judge chips, over that shared by spec "
        "sheet, less 1: what choosing by fit makes of a fixed stock; taken at the start and at the end of every year",
        yearly=True,
    ),
    Signal(
        "rank_changes",
        "1",
        "all",
        "share of pairs of chips on sale that labs rank otherwise, per USD, than peak FLOP/s on the spec sheet does; "
        "labs weighted by planned spending, taken at the start and at the end of every year",
        yearly=True,
    ),
    Signal("automation", "1", "stack", "share of kernel work that models do well on the stack"),
    Signal("ports_started", "count", "stack", "ports of a lab's software begun this tick"),
    Signal("ports_finished", "count", "stack", "ports of a lab's software finished this tick"),
    Signal(
        "time_to_capacity",
        "years",
        _KINDS_OF_PROVIDER,
        "mean wait from order to service of the kW started this tick",
    ),
    Signal(
        "lateness",
        "log",
        _KINDS_OF_PROVIDER,
        "mean log of wait over promised wait of the kW started this tick",
    ),
    Signal(
        "speed_premium",
        "log price per year",
        "all",
        "hedonic fall of log price per year of believed delay, over what was bought; above 0 if speed pays",
    ),
    Signal("speed_up", "1", _KINDS_OF_PROVIDER, "chosen speed of building over ordinary speed, by kW of sites"),
    Signal(
        "incentive",
        "1",
        _KINDS_OF_PROVIDER,
        "share of its sales that a provider would win from others by being faster, by kW of sites",
    ),
    Signal("utilisation", "1", _KINDS_OF_PROVIDER, "chips under contract over chips in service"),
    Signal("vacancy", "1", _KINDS_OF_PROVIDER, "power of chips in service without a contract over that of all"),
    Signal("quote", "USD per chip-hour", "chip", "mean asking price for one year, by chips in service"),
    Signal("trade", "USD per chip-hour", "chip", "mean price signed this tick, by chips"),
    Signal(
        "scarcity_rent",
        "USD per chip-hour",
        "chip",
        "mean part of the price signed that is due to scarcity, by chips",
    ),
    Signal("useful_price", "USD per PFLOP-hour", _KINDS_OF_PROVIDER, "USD signed this tick per useful PFLOP-hour"),
    Signal(
        "list_price",
        "USD per PFLOP-hour",
        _KINDS_OF_PROVIDER,
        "what enterprises are asked for a useful PFLOP-hour on one year's terms, by chips in service",
    ),
    Signal("unmet_demand", "1", "all", "share of what customers would spend that labs could not serve"),
    Signal("unmet_ask", "1", "all", "share of the spending labs asked for that found no capacity this tick"),
    Signal("useful_compute", "PFLOP/s", _KINDS_OF_PROVIDER, "useful compute in live contracts"),
    Signal("power", "MW", _KINDS_OF_PROVIDER, "power drawn by chips in service"),
    Signal("active_providers", "count", _KINDS_OF_PROVIDER, "firms in business"),
    Signal(
        "largest_customer",
        "1",
        _KINDS_OF_PROVIDER,
        "share of rent that the largest customer of each provider pays, by rent; providers pay for what they rent for "
        "labs and for labs that they own",
    ),
    Signal("neocloud_share", "1", "all", "neoclouds' share of providers' rent"),
    Signal("lead_time", "years", "vendor", "backlog, duplicate orders included, over the rate of supply"),
    Signal("supply", "packages per year", "vendor", "rate at which chips can be made"),
    Signal("vendor_margin", "1", "vendor", "gross margin on the chips shipped this tick"),
    Signal("vendor_profit", "USD per year", "vendor", "gross profit less operating cost"),
    Signal(
        "provider_margin",
        "1",
        _KINDS_OF_PROVIDER,
        "rent less operations and the wear of chips and sites, over rent",
    ),
    Signal(
        "backing_exposure",
        "USD",
        "vendor",
        "equity in customers, lease claims, and guarantees as far as there is debt behind them",
    ),
    Signal("provider_leverage", "1", _KINDS_OF_PROVIDER, "loans over chips and sites at book"),
    Signal("defaults", "count", "firm kind", "firms that failed this tick"),
    Signal("defaulted_debt", "USD", _KINDS_OF_PROVIDER, "loans written off this tick"),
    Signal("entries", "count", _KINDS_OF_PROVIDER, "firms that entered this tick"),
    Signal("lab_demand", "USD per year", "lab", "what customers would spend"),
    Signal("lab_revenue", "USD per year", "lab", "what labs earn"),
    Signal("regime", "index", "all", "0 normal, 1 boom, 2 slump"),
)


def _unique(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


CLOSED: dict[str, tuple[Term, ...]] = {
    "basis": BASES,
    "kind": KINDS,
    "lot": LOTS,
    "status": STATUSES,
    "what": QUOTED,
    "item": ITEMS,
}

UNITS = _unique(tuple(signal.unit for signal in SIGNALS))
ONCE_A_YEAR = frozenset(signal.name for signal in SIGNALS if signal.yearly)
UNIT_OF_SIGNAL = tuple(UNITS.index(signal.unit) for signal in SIGNALS)  # code of the unit, by code of the signal


def closed_names() -> dict[str, tuple[str, ...]]:
    """Vocabulary -> names, for the lists that no scenario changes."""
    lists = {name: tuple(term.name for term in terms) for name, terms in CLOSED.items()}
    return lists | {"signal": tuple(signal.name for signal in SIGNALS), "unit": UNITS}
