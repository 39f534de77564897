"""Capacity contracts, and what becomes of each in a tick."""

from dataclasses import dataclass, field
from math import exp, inf, nan
from typing import Any

from benchmarks.plain_mesa.catalogue import HOURS, Chip
from benchmarks.plain_mesa.luck import bits, mixed, uniform

PENDING, LIVE, SUBLET = "pending", "live", "sublet"
RENEWAL_TERM = 1.0
LEAST_SUBLET = 0.25
LET_ON_AT = 0.9
ROUNDING = 1e-9  # years


@dataclass(slots=True, eq=False)
class Contract:
    """`chips` at `price` USD per chip-hour for `term` years; dates in years since the start."""

    number: int
    key: int  # what its luck hangs on
    lab: Any
    provider: Any
    chip: Chip
    status: str
    chips: float
    price: float
    rent: float  # of the price due to scarcity
    term: float
    signed: float
    promised: float
    started: float = nan
    ends: float = nan
    prepaid: float = 0.0
    credit: float = 0.0

    @property
    def yearly(self) -> float:
        return self.price * self.chips * HOURS

    @property
    def booked(self) -> float:
        """USD over the whole term."""
        return self.yearly * self.term

    @property
    def useful(self) -> float:
        """Useful PFLOP/s that reach the lab."""
        return self.chips * self.lab.throughput[self.chip.place] * self.provider.delivered

    def years_left(self, now: float) -> float:
        return self.term if self.status == PENDING else max(0.0, self.ends - now)


@dataclass(slots=True, eq=False)
class Due:
    """What one lab and one provider owe each other for a tick, USD."""

    rent: float = 0.0
    prepaid_used: float = 0.0
    prepaid_lost: float = 0.0  # kept by the provider when a lab fails
    credit_used: float = 0.0
    credit_accrued: float = 0.0
    credit_paid: float = 0.0
    refunded: float = 0.0
    prepayment: float = 0.0


@dataclass(slots=True, eq=False)
class Month:
    """The contract events of a tick."""

    now: float
    dt: float
    terms: Any  # the numbers of the scenario's `trade`
    ready: dict[int, float]  # contract number -> when its lot entered service
    next_number: int
    due: dict[tuple[Any, Any], Due]
    freed: list[int] = field(default_factory=list)
    rent_by_chip: dict[Chip, float] = field(default_factory=dict)
    signed: list[Contract] = field(default_factory=list)  # renewals

    @property
    def end(self) -> float:
        return self.now + self.dt

    def between(self, contract: Contract) -> Due:
        return self.due.setdefault((contract.lab, contract.provider), Due())

    def carry_on(self, contract: Contract) -> Contract | None:
        """The contract after the tick, the one that renews it, or none."""
        lab, price = contract.lab, contract.provider.price_to(contract.lab, contract.chip)
        if not lab.active:
            return self._default(contract)
        if contract.status == PENDING and self._waits_in_vain(contract, price):
            return None
        if contract.status == PENDING:
            return contract
        self._earn(contract)
        if contract.ends <= self.end + ROUNDING:
            return self._expire(contract, price)
        if contract.status == LIVE:
            self._let_on(contract, price)
        return contract

    def _default(self, contract: Contract) -> None:
        due = self.between(contract)
        due.prepaid_lost += contract.prepaid
        due.credit_paid += contract.credit
        if contract.status == PENDING:
            self.freed.append(contract.number)

    def _waits_in_vain(self, contract: Contract, price: float) -> bool:
        """Accrue credit while late; start when the lot is ready. True if the lab walks away."""
        started = self.ready.get(contract.number, inf)
        late = min(started, self.end) - max(contract.promised, self.now)
        if late > 0.0:
            credit = self.terms.late_credit * contract.yearly * late
            contract.credit += credit
            self.between(contract).credit_accrued += credit
        if started <= self.end:
            contract.status, contract.started, contract.ends = LIVE, started, started + contract.term
            return False
        overdue = self.end > contract.promised + self.terms.long_stop
        if not (overdue and contract.price > price * (1.0 + self.terms.walk_margin)):
            return False
        self._hand_back(contract)
        self.freed.append(contract.number)
        return True

    def _hand_back(self, contract: Contract) -> None:
        due = self.between(contract)
        due.refunded += contract.prepaid
        due.credit_paid += contract.credit
        contract.prepaid = contract.credit = 0.0

    def _owe(self, contract: Contract, years: float) -> float:
        amount = contract.yearly * contract.lab.use * years
        self.between(contract).rent += amount
        self.rent_by_chip[contract.chip] = self.rent_by_chip.get(contract.chip, 0.0) + amount
        return amount

    def _earn(self, contract: Contract) -> None:
        """Rent for the part of the tick that the contract is live; prepayment, then credit, set against it."""
        begin = max(self.now, contract.started)
        years = max(0.0, min(self.end, contract.ends) - begin)
        owed, due = self._owe(contract, years), self.between(contract)
        used = min(owed, contract.prepaid * min(1.0, years / max(contract.ends - begin, ROUNDING)))
        contract.prepaid -= used
        due.prepaid_used += used
        redeemed = min(contract.credit, owed - used)
        contract.credit -= redeemed
        due.credit_used += redeemed

    def _expire(self, contract: Contract, price: float) -> Contract | None:
        """Give back what is left, and go on for a year at today's price if its luck and the lab's need have it so."""
        self._hand_back(contract)
        lab = contract.lab
        renewed = uniform(contract.key) < self.terms.renewal * lab.need
        if contract.status == SUBLET or not renewed or price <= 0.0:
            return None
        start = contract.ends
        again = Contract(
            self.next_number, mixed(contract.key, 0), lab, contract.provider, contract.chip, LIVE, contract.chips,
            price, 0.0, RENEWAL_TERM, start, start, start, start + RENEWAL_TERM,
        )  # fmt: skip
        self.next_number += 1
        self.signed.append(again)
        self._owe(again, max(0.0, self.end - start))
        return again

    def _let_on(self, contract: Contract, price: float) -> None:
        """A lab with too much lets a contract on and owes what the next tenant does not pay."""
        hazard = contract.lab.surplus
        if hazard <= 0.0 or contract.ends - self.now <= LEAST_SUBLET:
            return
        if uniform(mixed(contract.key, bits(contract.lab.renewal_luck))) < 1.0 - exp(-hazard * self.dt):
            contract.status, contract.price = SUBLET, max(0.0, contract.price - LET_ON_AT * price)
