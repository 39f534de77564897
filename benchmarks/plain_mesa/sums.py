"""What contracts and lots come to, kept with the firms so that rules need not walk the book."""

from typing import Any

from benchmarks.plain_mesa.contracts import LIVE, PENDING, Contract


def add_up(model: Any) -> None:
    """What the contracts and lots come to now."""
    solid = {lab: lab.solid() for lab in model.labs}
    for lab in model.labs:
        lab.held = [0.0] * len(model.chips)
        lab.commitment = lab.pending = lab.rent_rate = 0.0
    for provider in model.providers:
        provider.sold = [0.0] * len(model.chips)
        provider.backlog = provider.solid = 0.0
    count(model, model.contracts)
    for contract in model.contracts:
        owed = contract.yearly * contract.years_left(model.now)
        behind = contract.lab.renters.get(contract.provider)  # who rents it for the lab stands in for it
        contract.provider.solid += owed * (solid[contract.lab] if behind is None else behind.active)
    for provider in model.providers:
        provider.solid = provider.solid / provider.backlog if provider.backlog > 0.0 else 0.0
    add_useful(model)
    add_lots(model)


def count(model: Any, contracts: list[Contract]) -> None:
    """Add contracts to what labs and providers have under contract."""
    for contract in contracts:
        lab, provider, c, yearly = contract.lab, contract.provider, contract.chip.place, contract.yearly
        lab.commitment += yearly
        provider.backlog += yearly * contract.years_left(model.now)
        if contract.status == PENDING:
            lab.pending += yearly
        else:
            lab.rent_rate += yearly
        if contract.status == LIVE:
            lab.held[c] += contract.chips
            provider.sold[c] += contract.chips


def add_useful(model: Any) -> None:
    """Useful compute under contract."""
    for one in (*model.labs, *model.providers, *model.vendors, *model.chips):
        one.useful = 0.0
    for contract in model.contracts:
        if contract.status == LIVE:
            useful = contract.useful
            for one in (contract.lab, contract.provider, contract.chip, contract.chip.vendor):
                one.useful += useful


def add_lots(model: Any) -> None:
    """What is under construction."""
    for provider in model.providers:
        provider.waiting, provider.received = [0.0] * len(model.chips), [0.0] * len(model.chips)
        provider.building = provider.building_rent = 0.0
    for lot in model.lots:
        provider, c = lot.provider, lot.chip.place
        provider.waiting[c] += lot.chips - lot.received
        provider.received[c] += lot.received
        provider.building += lot.kw
        provider.building_rent += lot.rent if lot.site_left > 0.0 else 0.0
