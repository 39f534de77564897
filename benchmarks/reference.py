"""How fast the engine is on the reference market: replicate-ticks per second of one core, beside a floor.

The market: 6 vendors, 20 chips, 25 providers, 30 labs, about 200 live offers, 120 monthly ticks, its chips and
architectures taken from the catalogue. Luck and the recording of concentration, shares and signals are included.
The floor is one vectorised `exp` per live lab-offer pair and tick: what the logit alone would cost.

    python benchmarks/reference.py [--json] [--growth] [--replicates 64] [--repeats 5]
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

for library in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(library, "1")

import numpy as np  # noqa: E402

from market_sim.scenario.schema import Scenario  # noqa: E402
from market_sim.simulation.run import Run  # noqa: E402

CHIPS = {
    "NVIDIA": ("CUDA", ["A100-SXM-80GB", "H100-SXM", "H200-SXM", "B200-HGX", "GB200-NVL72", "GB300-NVL72"]),
    "AMD": ("ROCm", ["MI250X", "MI300X", "MI325X", "MI355X"]),
    "Google": ("XLA", ["TPU v5e", "TPU v5p", "TPU v6e (Trillium)"]),
    "AWS": ("Neuron", ["Trainium1", "Trainium2", "Trainium3"]),
    "Intel": ("Gaudi", ["Gaudi2", "Gaudi3"]),
    "Huawei": ("CANN", ["Ascend 910B", "Ascend 910C"]),
}
ARCHITECTURES = ("Llama 3.1 405B", "DeepSeek-V3 / R1", "GPT-OSS 120B", "Qwen3 235B-A22B", "Llama 2 70B", "Kimi K2")
RECORD = ("concentration", "shares", "signals")
LABS, PROVIDERS, TICKS, EACH = 30, 25, 120, 4  # each provider sells four chips


def reference(labs: int = LABS, providers: int = PROVIDERS, ticks: int = TICKS, each: int = EACH) -> Scenario:
    """The reference market, or one of other sizes."""
    owner = {chip: vendor for vendor, (_, chips) in CHIPS.items() for chip in chips}
    sold = {f"P{p}": [list(owner)[(3 * p + 7 * k) % len(owner)] for k in range(each)] for p in range(providers)}
    return Scenario(
        name="reference",
        start="2026-01",
        ticks=ticks,
        stack={stack: {} for stack, _ in CHIPS.values()},
        chip={chip: {"vendor": maker, "stack": CHIPS[maker][0], "price": 25_000.0} for chip, maker in owner.items()},
        vendor={name: {"supply": 2e6, "inventory": 0.05, "cash": 2e10} for name in CHIPS},
        provider={name: provider(chips, number) for number, (name, chips) in enumerate(sold.items())},
        pool={"models": {"start": 6e10, "ceiling": 6e11}, "platforms": {"start": 6e10, "ceiling": 6e11}},
        lab={f"L{i}": lab(i, labs, list(sold)) for i in range(labs)},
    )


def provider(chips: list[str], number: int) -> dict[str, Any]:
    """Every third one is large; the others are small and pay more for capital."""
    large = number % 3 == 0
    return {
        "kind": "hyperscaler" if large else "neocloud",
        "chips": list(dict.fromkeys(chips)),
        "fleet": {chip: 60_000.0 if large else 15_000.0 for chip in chips},
        "cash": 2e10 if large else 2e9,
        "wacc": 0.09 if large else 0.13,
        "power": 600.0 if large else 150.0,
        "power_growth": 500.0 if large else 120.0,
        "equity_raise": 2e9 if large else 5e8,
    }


def lab(number: int, labs: int, providers: list[str]) -> dict[str, Any]:
    """Labs of falling size, each a tenant of five providers."""
    tenants = [providers[(number + 5 * k) % len(providers)] for k in range(5)]
    return {
        "pool": ("models", "platforms")[number % 2],
        "segment": "frontier" if number % 3 else "enterprise",
        "architecture": ARCHITECTURES[number % len(ARCHITECTURES)],
        "revenue": 8e10 / labs * (1.5 - number / labs),
        "cash": 5e9,
        "funding": 2e9,
        "ports": ["CUDA"],
        "holdings": {name: 4.0 / labs for name in tenants},
    }


def run_once(scenario: Scenario, replicates: int) -> tuple[float, float]:
    """CPU seconds of one run of a chunk, and its live offers per replicate-tick."""
    begun = time.process_time()
    run = Run(scenario, seed=1, replicates=range(replicates), record=RECORD)
    live = 0
    while not run.done:
        live += int(run.step().offered.live.sum())
    run.frames()
    return time.process_time() - begun, live / (replicates * scenario.ticks)


def best(call: Callable[[], float], repeats: int) -> float:
    """Least of some runs."""
    return min(call() for _ in range(repeats))


def floor_seconds(pairs: int, replicates: int) -> float:
    """CPU seconds of NumPy's `exp` over the lab-offer pairs of a chunk, for one tick."""
    numbers = np.linspace(-4.0, 0.0, pairs * replicates)
    out = np.empty_like(numbers)
    begun = time.process_time()
    for _ in range(10):
        np.exp(numbers, out=out)
    return (time.process_time() - begun) / 10


def measured(scenario: Scenario, replicates: int, repeats: int) -> dict[str, float]:
    """Rates of the engine and of the floor, interleaved, in replicate-ticks per second of one core."""
    _, live = run_once(scenario, replicates)  # compiles
    pairs = int(live * len(scenario.lab))
    engine, floor = np.inf, np.inf
    for _ in range(repeats):
        floor = min(floor, floor_seconds(pairs, replicates))
        engine = min(engine, run_once(scenario, replicates)[0])
    rate, floor_rate = replicates * scenario.ticks / engine, replicates / floor
    return {
        "labs": len(scenario.lab), "providers": len(scenario.provider), "ticks": scenario.ticks,
        "replicates": replicates, "live_offers": live, "replicate_ticks_per_second": rate,
        "milliseconds_per_replicate_tick": 1e3 / rate, "floor_per_second": floor_rate, "times_floor": floor_rate / rate,
    }  # fmt: skip


def growth(replicates: int, repeats: int) -> list[dict[str, float]]:
    """The same for half and twice the labs, offers, ticks and replicates."""
    sizes = [
        (reference(), replicates),
        (reference(labs=LABS // 2), replicates),
        (reference(labs=2 * LABS), replicates),
        (reference(each=EACH // 2), replicates),
        (reference(each=2 * EACH), replicates),
        (reference(ticks=TICKS // 2), replicates),
        (reference(ticks=2 * TICKS), replicates),
        (reference(), max(1, replicates // 4)),
        (reference(), 1),
    ]
    return [measured(scenario, number, repeats) for scenario, number in sizes]


def dispatch() -> str:
    """The instruction sets that NumPy uses on this machine beyond its baseline."""
    from numpy._core._multiarray_umath import __cpu_features__

    return " ".join(name for name, here in __cpu_features__.items() if here)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--growth", action="store_true", help="other sizes too")
    parser.add_argument("--replicates", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    rows = (
        growth(given.replicates, given.repeats)
        if given.growth
        else [measured(reference(), given.replicates, given.repeats)]
    )
    if given.json:
        print(json.dumps({"numpy_dispatch": dispatch(), "rows": rows}, indent=2))
        return
    print(f"numpy dispatch: {dispatch()}")
    for row in rows:
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))


if __name__ == "__main__":
    main()
