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
    """One series of the `signals` table: what it is, its unit, and what its groups are."""

    name: str
    unit: str
    by: str
    meaning: str


MARKETS = (
    Term("vendor", "chip vendors"),
    Term("provider", "hyperscalers and neoclouds"),
    Term("lab", "model labs and other users"),
    Term("platform", "software stacks that the compute runs on"),
)
BUYERS_OF = "buyers of {vendor}"  # one more market for each vendor: who buys its chips

BASES = (
    Term("stock", "useful compute in service, PFLOP/s"),
    Term("bookings", "new contracts or orders over the last 12 months, USD"),
    Term("revenue", "revenue, USD a year"),
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
    Term("end customers", "pay the labs, and the clouds for everything but AI"),
    Term("lenders", "hold the loans"),
    Term("equity investors", "hold the shares"),
    Term("suppliers", "foundries, power, construction, networks and staff"),
)

LOTS = (
    Term("ready", "chips that stood in service when the contract was signed"),
    Term("built", "chips built to order"),
)

STATUSES = (
    Term("pending", "signed, not started"),
    Term("running", "in service"),
    Term("expired", "ended at its term"),
    Term("sublet", "running, its surplus let on to another lab"),
    Term("walked_away", "the lab left after the long-stop date"),
    Term("defaulted", "ended because a party failed"),
    Term("moved", "taken over by another provider in a restructuring"),
)

QUOTED = (
    Term("quote", "a provider's asking price, USD per chip-hour"),
    Term("trade", "chip-weighted mean price of the contracts signed this tick, USD per chip-hour"),
    Term("list", "a vendor's list price, USD per chip"),
)

STOCK_ITEMS = (
    Term("deposits", "cash; sums to zero over all holders"),
    Term("loans", "lent (+) or owed (-); sums to zero"),
    Term("prepayments", "paid ahead (+) or owed as service (-); sums to zero"),
    Term("lateness_credits", "credits due for late capacity (+) or owed (-); sums to zero"),
    Term("equity", "shares held (+) or issued (-), at book; sums to zero"),
    Term("lease_claims", "lease payments to come (+) or owed (-); sums to zero"),
    Term("chips", "chips and servers at book"),
    Term("sites", "sites and power at book"),
    Term("stock", "unsold chips at book"),
    Term("net_worth", "sum of all of the above"),
)
FLOW_ITEMS = (
    Term("sales", "sales to end customers"),
    Term("capacity_rent", "rent of capacity"),
    Term("chip_sales", "chips and servers bought and sold"),
    Term("construction", "sites, power connections and networks built"),
    Term("foundry", "wafers, packages and memory"),
    Term("power", "electricity and colocation"),
    Term("staff", "staff, research, porting and effort"),
    Term("interest", "interest on loans"),
    Term("lease_payments", "lease payments"),
    Term("late_payments", "credits paid for late capacity"),
    Term("prepaid", "prepayments made"),
    Term("borrowing", "loans drawn less repaid"),
    Term("equity_raised", "shares issued and bought"),
    Term("dividends", "dividends"),
    Term("depreciation", "wear of chips and sites; has no counterpart"),
    Term("revaluation", "write-offs and changes of value; has no counterpart"),
)
ITEMS = STOCK_ITEMS + FLOW_ITEMS

SIGNALS = (
    Signal("divergence", "1", "all", "mean distance between the labs' architectures, in log units"),
    Signal("segregation", "1", "all", "how far labs sit on different platforms: 0 mixed, 1 apart"),
    Signal(
        "lock_in",
        "1",
        "lab",
        "log ratio of the best platform to the best of another vendor, less a reference lab's",
    ),
    Signal("quality_loss", "1", "lab", "capability given up by co-design with the chips owned"),
    Signal(
        "cuda_premium",
        "1",
        "all",
        "share of spending that would move were all stacks equally mature and ports free",
    ),
    Signal("automation", "1", "stack", "share of kernel work that models do well on the stack"),
    Signal("ports_started", "count", "stack", "ports of a lab's software begun this tick"),
    Signal("ports_finished", "count", "stack", "ports of a lab's software finished this tick"),
    Signal(
        "time_to_capacity",
        "years",
        "provider kind",
        "mean wait from order to service of what started this tick",
    ),
    Signal("lateness", "years", "provider kind", "mean wait beyond the promise of what started this tick"),
    Signal(
        "speed_premium",
        "log price per year",
        "all",
        "hedonic fall of log price per year of delay, over offers",
    ),
    Signal("utilisation", "1", "provider kind", "chips rented over chips in service"),
    Signal("vacancy", "1", "provider kind", "lots without a contract over lots in service"),
    Signal("quote", "USD per chip-hour", "chip", "chip-weighted mean asking price"),
    Signal("trade", "USD per chip-hour", "chip", "chip-weighted mean price signed this tick"),
    Signal("useful_price", "USD per PFLOP-hour", "provider kind", "mean price signed per useful PFLOP-hour"),
    Signal(
        "scarcity_rent", "USD per chip-hour", "chip", "mean part of the price signed that is due to scarcity"
    ),
    Signal("unmet_demand", "1", "all", "share of the spending asked for that found no capacity"),
    Signal("useful_compute", "PFLOP/s", "provider kind", "useful compute in service"),
    Signal("power", "MW", "provider kind", "power drawn by chips in service"),
    Signal("lead_time", "years", "vendor", "backlog over the rate of supply"),
    Signal("vendor_margin", "1", "vendor", "gross margin"),
    Signal("vendor_leverage", "1", "vendor", "debt over assets"),
    Signal("backing_exposure", "USD", "vendor", "equity, leases and guarantees given to customers"),
    Signal("provider_leverage", "1", "provider kind", "debt over assets"),
    Signal("defaults", "count", "kind", "firms that failed this tick"),
    Signal("entries", "count", "kind", "firms that entered this tick"),
    Signal("lab_revenue", "USD per year", "lab", "revenue of the labs"),
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
UNIT_OF_SIGNAL = tuple(
    UNITS.index(signal.unit) for signal in SIGNALS
)  # code of the unit, by code of the signal


def closed_names() -> dict[str, tuple[str, ...]]:
    """Vocabulary -> names, for the lists that no scenario changes."""
    lists = {name: tuple(term.name for term in terms) for name, terms in CLOSED.items()}
    return lists | {"signal": tuple(signal.name for signal in SIGNALS), "unit": UNITS}
