"""Kernels of capacity, prices, demand and rents against their plain NumPy forms, on markets with empty cells."""

from dataclasses import is_dataclass

import numpy as np
import pytest
from reference import capacity as plain
from reference import firms

from market_sim.mechanisms import (
    architecture,
    capacity,
    clearing,
    credit,
    delivery,
    demand,
    inventory,
    offering,
    pricing,
    supply,
)
from market_sim.state import grouping

R, V, P, C, L, J, G = 3, 3, 5, 4, 6, 8, 5
VENDOR_OF = np.array([0, 1, 2, 1])


def market(seed: int) -> dict[str, np.ndarray]:
    """Arrays by the names that the rules give them; about a third of what may be nothing is nothing."""
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return rng.lognormal(0.0, 1.0, shape) * (rng.random(shape) < 0.7)

    def all_of(*shape: int) -> np.ndarray:
        return rng.lognormal(0.0, 0.5, shape)

    weight, price = some(R, P, C), all_of(R, P)
    price[-1] = np.inf
    weight[-1] = 0.0  # nothing is built in one replicate
    packages = some(R, V, P)
    waiting, power = some(R, P, C), all_of(C)
    own_silicon, own_payer = rng.random((V, P)) < 0.3, rng.integers(0, P, (R, L, P))
    return {
        "plan": some(R, L), "throughput": some(R, L, C), "waiting": waiting, "received": some(R, P, C),
        "supply": some(R, V), "vendor_of": VENDOR_OF, "packages": packages,
        "on_sale": rng.random((P, C)) < 0.6, "active": rng.random((R, P)) < 0.8, "useful": all_of(R, C),
        "weight": weight / np.maximum(weight.sum(axis=(1, 2)), 1.0)[:, None, None], "value": some(R, P, C),
        "reaches": rng.random((R, P)), "site": all_of(R, P), "lead": some(R, V), "own": rng.random((P, C)) < 0.3,
        "bring_up": all_of(R), "in_service": some(R, P, C), "power": power, "capital": all_of(R, P, C),
        "sites": 20.0 * all_of(R, P), "building": some(R, P), "money": 20.0 * (all_of(R, P) - 0.5),
        "own_part": rng.random(R) + 0.05, "price": price, "floor": all_of(R, P, C), "sold": some(R, P, C),
        "rest_at": 0.1 * all_of(R), "quote": all_of(R, P, C), "built": all_of(R, P, C), "delay": some(R, P, C),
        "fall": all_of(R), "may": rng.random((P, C)) < 0.5, "chip_price": all_of(R, P, C), "server": all_of(R, C),
        "wacc": 0.1 * some(R, P), "opex": all_of(R, P), "site_cost": all_of(R, P), "life": 5.0 * all_of(R),
        "site_life": 15.0 * all_of(R), "target": all_of(R, P, C), "vacancy": rng.random((R, P, C)),
        "wanted": 400.0 * some(R, P, C), "carry": 60.0 * some(R, P, C), "room": 200.0 * some(R, P),
        "cost": all_of(R, P, C),
        "vendors": V, "lists": np.array([False, True]), "for_sale": rng.random(J) < 0.8,
        "markup": 1.0 + rng.random((R, J)),
        "asked": all_of(R, L, J), "tight": some(R, J), "passed": rng.random((R, P)), "seller": rng.integers(0, P, J),
        "bought": some(R, L, J), "lots": some(R, J), "live": np.arange(R)[:, None] < rng.integers(0, R + 1, (R, J)),
        "pool": rng.integers(0, G, J), "pools": G, "shown": 30.0,
        "revenue_pool": np.array([0, 1, 1, 0, 1, 0]), "two": 2, "working": rng.random((R, L)) < 0.7,
        "compute": some(R, L),
        "attraction": 3.0 * all_of(R, L), "wants": some(R, L), "able": some(R, L), "part": rng.random(R), "least": 1e-4,
        "through": rng.integers(-2, P, (R, L, P)).clip(-1), "solid": rng.random((R, L)),
        "payer": rng.integers(0, P + L, (R, L, P)), "payers": P + L,
        "log_fit": rng.normal(0.0, 1.0, (R, L, C)), "usual": some(R, P), "margin": some(R, C), "some_own": own_silicon,
        "rival_discount": rng.random(R), "ordered": plain.in_packages(waiting, power, VENDOR_OF, V),
        "backlog": some(R, V),
        "stock": some(R, V), "aim": all_of(R, V), "lag": all_of(R), "allotted": some(R, V, P), "chips_made": some(R, C),
        "output": some(R, V), "firms": 1.0 + 9.0 * rng.random((R, L)),
        "who_pays": np.where(rng.random((R, L, P)) < 0.7, P + np.arange(L)[:, None], own_payer),
        "sales": some(R, V, P), "independent": rng.random(P) < 0.6, "profit": all_of(R, V) - 1.0,
        "share": rng.random((R, V)), "want": some(R, V, P + L), "stakes": some(R, V, P + L), "claims": some(R, V, P),
        "payments": some(R, P, V), "due": 0.02, "best": rng.normal(0.0, 1.0, (R, P)),
        "one": rng.integers(0, C, (R, P)), "bookings": some(R, P), "refill": 0.15, "dt": 1.0 / 12.0,
        "optimism": rng.random(R), "record": rng.normal(0.0, 0.3, (R, P)), "safety": rng.random(R),
        "offer_chip": rng.integers(0, C, J), "offer_built": rng.random(J) < 0.5, "factor": all_of(R, J),
        "pairs": np.array([[0, 1], [2, 2], [4, 0]]), "stocked": some(R, G),
        "draws_on": np.column_stack([rng.integers(0, G, J), rng.integers(-1, G, J)]), "takes": all_of(J, 2),
        "drift": rng.normal(0.0, 0.3, (R, L, 4)), "ideal": rng.normal(0.0, 0.3, (R, L, 4)),
        "gradient": rng.normal(0.0, 0.3, (R, L, 4)), "releasing": rng.random((R, L)) < 0.5,
        "use": some(R, L, 3), "twin": some(R, L, C), "there": rng.random((R, C)) < 0.7, "list_price": all_of(R, C),
        "spend": some(R, L, P), "scarcity": some(R, P, C), "pull": some(R), "response": all_of(R), "scarce": all_of(R),
    }  # fmt: skip


ROOMS = (
    architecture,
    demand,
    capacity,
    inventory,
    offering,
    pricing,
    clearing,
    supply,
    grouping,
    delivery,
    credit,
)
RULES = {
    "in_logs": "throughput",
    "useful_chip": "plan log_fit",
    "being_built": "waiting received supply vendor_of power on_sale active useful",
    "geometric_mean": "weight value useful reaches",
    "expected_delay": "site lead packages supply vendor_of own bring_up",
    "site_decides": "weight on_sale site lead packages supply vendor_of own",
    "room": "in_service waiting power capital on_sale sites building money own_part",
    "mean": "weight value",
    "quote_goals": "price useful reaches quote floor in_service sold rest_at",
    "replacement_cost": "weight built reaches log_fit",
    "mean_excess": "weight value usual",
    "entry_margin": "in_service quote cost on_sale active",
    "whole_lots": "carry wanted on_sale in_service room power",
    "restocked": (
        "quote built delay fall may in_service sold received waiting power sites fall scarce bookings active room "
        "refill dt"
    ),
    "placed": "one room quote delay optimism",
    "switched_off": "quote floor in_service sold due",
    "capacities": "in_service sold pairs room supply packages fall",
    "terms": (
        "quote built factor markup lists delay optimism record safety stocked draws_on takes active for_sale seller "
        "offer_chip offer_built"
    ),
    "worth_of_buyers": "waiting ordered margin power vendor_of some_own rival_discount",
    "lead_time": "backlog stock supply aim lag",
    "shipments": "allotted waiting chips_made power vendor_of output",
    "customers": "spend who_pays firms",
    "wants_backing": "sales active independent plan",
    "backing": "profit share want dt",
    "leases": "payments stakes claims due",
    "next_generation": "drift ideal gradient releasing rest_at fall bring_up",
    "quality_loss": "drift ideal fall",
    "divergence": "drift plan",
    "segregation": "use",
    "lock_in": "throughput twin there list_price vendor_of vendors plan",
    "contract_prices": "asked tight passed seller bought",
    "on_show": "asked lots live pool pools shown",
    "in_packages": "waiting power vendor_of vendors",
    "weighed": "waiting capital",
    "shares": "attraction revenue_pool two working",
    "spilled": "wants able part revenue_pool two",
    "beside_rivals": "compute revenue_pool two working least",
    "lambert_w": "waiting",
    "incentive": "spend",
    "vouched": "through active solid",
    "paid_by": "spend payer payers",
    "capacity_costs": "chip_price server power wacc opex site_cost life site_life",
    "quoted": "quote target floor vacancy scarcity pull response rest_at scarce",
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rule", RULES)
def test_kernels_answer_as_their_plain_forms(rule: str, seed: int) -> None:
    """The kernel and the form over whole arrays agree to rounding."""
    arrays = market(seed)
    given = [arrays[name] for name in RULES[rule].split()] + ([1.0 / 12.0] if rule == "quoted" else [])
    got = next(getattr(room, rule) for room in ROOMS if hasattr(room, rule))
    wanted = getattr(plain, rule, None) or getattr(firms, rule)
    for one, other in zip(_tuple(got(*given)), _tuple(wanted(*given)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


def _tuple(answer):  # type: ignore[no-untyped-def]
    return tuple(vars(answer).values()) if is_dataclass(answer) else answer if isinstance(answer, tuple) else (answer,)


def test_weights_may_stand_for_all_rows_or_all_replicates() -> None:
    """A weight by chip, or by replicate and chip, weighs as the same weight written out."""
    arrays = market(0)
    for weight in (arrays["power"], arrays["server"]):
        written = np.broadcast_to(weight.reshape(-1, 1, C), (R, P, C))
        got = grouping.weighed(arrays["waiting"], weight)
        np.testing.assert_allclose(got, (arrays["waiting"] * written).sum(axis=2), rtol=1e-14)
    np.testing.assert_allclose(grouping.rows(arrays["waiting"]), arrays["waiting"].sum(axis=2), rtol=1e-14)
