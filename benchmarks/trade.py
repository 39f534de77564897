"""What trade costs: microseconds a replicate for worth, clearing and rounding, and the sweeps of clearing.

The reference market: 30 labs, 600 offers of which 200 are live, 25 pools of ready chips; with two pools,
half of the live offers draw on one of 8 more. Warm starts follow a 10 % change of every budget.

On one core of a Xeon with AVX-512: worth 50 us; clearing from a warm start 76 us (4 sweeps), with two pools 111 (8),
at sigma .1 114 (9) and at .02 237 (26); rounding 25. A sweep costs some 6 us, taking the weights some 30.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from market_sim.mechanisms.clearing import clear
from market_sim.mechanisms.lots import sign
from market_sim.mechanisms.valuation import worth

REPLICATES, LABS, OFFERS, LIVE, POOLS, BUILT = 64, 30, 600, 200, 25, 8
PROVIDERS, CHIPS, STACKS = 12, 14, 6


def per_replicate(call: Callable[[], Any], repeats: int = 60) -> float:
    """Microseconds of one core a replicate, of the shortest of some runs after one that compiles."""
    call()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times) / REPLICATES * 1e6


def offers(seed: int) -> dict[str, Any]:
    """The arguments of `worth`."""
    g = np.random.default_rng(seed)
    return dict(
        throughput=np.exp(g.normal(-1, 0.5, (REPLICATES, LABS, CHIPS))),
        delivered=g.uniform(0.8, 1, (REPLICATES, PROVIDERS)),
        price=np.exp(g.normal(0.9, 0.3, (REPLICATES, LABS, OFFERS))),
        delay=g.uniform(0, 1.5, (REPLICATES, OFFERS)),
        template=g.uniform(0, 1, (REPLICATES, PROVIDERS)),
        template_weight=g.uniform(0, 1, (REPLICATES, LABS)),
        affinity=g.normal(0, 0.2, (REPLICATES, LABS, PROVIDERS)),
        chip_taste=g.normal(0, 0.2, (REPLICATES, LABS, CHIPS)),
        switching=g.uniform(0, 0.3, (REPLICATES, LABS, STACKS)),
        discount=np.full(REPLICATES, 0.12),
        obsolescence=np.full(REPLICATES, 0.45),
        delay_dial=np.ones(REPLICATES),
        offer_provider=g.integers(0, PROVIDERS, OFFERS),
        offer_chip=g.integers(0, CHIPS, OFFERS),
        offer_term=g.choice([0.1, 1.0, 3.0, 4.0], OFFERS),
        prepaid=g.uniform(0, 0.25, OFFERS),
        chip_stack=g.integers(0, STACKS, CHIPS),
        live=np.broadcast_to(np.arange(OFFERS) % (OFFERS // LIVE) == 0, (REPLICATES, OFFERS)).copy(),
    )


def market(terms: dict[str, Any], sigma: float, built: bool) -> dict[str, Any]:
    """The arguments of `clear` for these offers, with capacity worth about what is asked."""
    g = np.random.default_rng(1)
    pool = np.column_stack([g.integers(0, POOLS, OFFERS), np.full(OFFERS, -1)])
    if built:
        second = np.flatnonzero(np.arange(OFFERS) % 6 == 0)
        pool[second, 1] = POOLS + g.integers(0, BUILT, second.size)
    budget = np.exp(g.normal(8, 1.2, (REPLICATES, LABS)))
    capacity = np.exp(g.normal(0, 1, (REPLICATES, POOLS + BUILT * built)))
    capacity *= (budget.sum(1) / np.e / capacity[:, :POOLS].sum(1))[:, None]
    capacity[:, POOLS:] *= POOLS / BUILT * 0.8
    return dict(
        utility=worth(**terms),
        outside=np.full((REPLICATES, LABS), -3.0),
        budget=budget,
        price=terms["price"],
        pool=pool,
        weight=np.ones((OFFERS, 2)),
        capacity=capacity,
        log_attraction=np.where(terms["live"], 0.0, -np.inf),
        sigma=np.full(REPLICATES, sigma),
        shadow=np.zeros(capacity.shape),
    )


def main() -> None:
    """Print the table."""
    terms = offers(0)
    print(f"worth {per_replicate(lambda: worth(**terms)):7.1f} us")
    for built in (False, True):
        for sigma in (0.45, 0.1, 0.02):
            cold = market(terms, sigma, built)
            first = clear(**cold)
            moved = np.exp(np.random.default_rng(2).normal(0, 0.1, cold["budget"].shape))
            warm = {**cold, "shadow": first.shadow, "budget": cold["budget"] * moved}
            print(f"sigma {sigma:4} {'two pools' if built else 'one pool '}", end="")
            for name, arguments in (("cold", cold), ("warm", warm)):
                sweeps = clear(**arguments).sweeps
                cost = per_replicate(lambda a=arguments: clear(**a))
                print(f"  {name} {cost:7.1f} us, sweeps {sweeps.mean():5.1f}, most {sweeps.max():3d}", end="")
            print()
    cold = market(terms, 0.45, True)
    chips, luck = clear(**cold).chips, np.random.default_rng(3).random((2, REPLICATES, LABS))
    lot = np.maximum(1.0, np.round(chips.sum(2) * 0.5))
    key = np.random.default_rng(4).integers(0, 2**64, OFFERS, np.uint64)
    rest = (cold["pool"], cold["weight"], cold["capacity"], key, luck[0], luck[1], 40)
    print(f"sign  {per_replicate(lambda: sign(chips, cold['price'], lot, *rest)):7.1f} us")


if __name__ == "__main__":
    main()
