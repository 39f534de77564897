"""Scenarios made up by hypothesis: small markets of any shape that the schema admits."""

from typing import Any

from hypothesis import strategies as st

from market_sim.scenario.schema import Scenario

CATALOGUE = ("H100-SXM", "GB300-NVL72", "MI300X", "TPU v5p", "Trainium2")
STACKS = ("CUDA", "ROCm", "XLA")
ARCHITECTURES = ("Llama 3.1 70B", "DeepSeek-V3 / R1", "GPT-OSS 120B")


def amounts(top: float) -> st.SearchStrategy[float]:
    """Nothing, a little, or anything up to `top`."""
    return st.one_of(st.just(0.0), st.just(top / 1000.0), st.floats(0.0, top))


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    """A scenario as a tree, as a file would give it: every table small, every number free."""
    stacks = STACKS[: draw(st.integers(1, 3))]
    vendors = [f"V{i}" for i in range(draw(st.integers(1, 3)))]
    providers = [f"P{i}" for i in range(draw(st.integers(1, 4)))]
    labs = [f"L{i}" for i in range(draw(st.integers(1, 4)))]
    pools = ["one", "other"][: draw(st.integers(1, 2))]
    chips = CATALOGUE[: draw(st.integers(1, 5))]
    return {
        "ticks": draw(st.integers(1, 10)),
        "tick_months": draw(st.sampled_from([0.25, 1.0, 3.0, 12.0])),
        "demand": {"start_regime": draw(st.sampled_from(["boom", "normal", "slump"])), "slump_rate": 2.0},
        "labs": {"choice": draw(st.sampled_from(["fit", "spec_sheet"]))},
        "trade": {"deals_per_tick": draw(st.sampled_from([1, 8, 64])), "omega": draw(st.floats(0.0, 1.0))},
        "stack": {name: {} for name in stacks},
        "chip": {name: draw(one_chip(vendors, stacks)) for name in chips},
        "vendor": {name: draw(one_vendor(providers)) for name in vendors},
        "provider": {name: draw(one_provider(chips)) for name in providers},
        "pool": {name: draw(one_pool()) for name in pools},
        "lab": {name: draw(one_lab(pools, providers, stacks, len(labs))) for name in labs},
    }


def one_chip(vendors: list[str], stacks: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "vendor": st.sampled_from(vendors),
            "stack": st.sampled_from(stacks),
            "price": st.floats(8_000.0, 40_000.0),
            "available": st.sampled_from(["2023-01", "2026-02", "2026-06"]),
            "withdrawn": st.sampled_from(["2026-03", "2099-12"]),
            "packages": st.sampled_from([0.5, 1.0, 2.0]),
        }
    )


def one_vendor(providers: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """A vendor without an owner that is captive sells to nobody, which must do no harm."""
    return st.fixed_dictionaries(
        {
            "sells": st.sampled_from(["merchant", "captive", "both"]),
            "owner": st.sampled_from(["", *providers]),
            "supply": amounts(200_000.0),
            "inventory": amounts(0.5),
            "allocation": st.sampled_from(["pro_rata", "highest_margin", "strategic"]),
            "backing": amounts(0.5),
            "cash": amounts(1e10),
        }
    )


def one_provider(chips: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["hyperscaler", "neocloud"]),
            "active": st.booleans(),
            "chips": st.just(list(chips)),
            "fleet": st.fixed_dictionaries({name: amounts(50_000.0) for name in chips}),
            "on_order": st.fixed_dictionaries({name: amounts(20_000.0) for name in chips}),
            "presold": st.floats(0.0, 1.0),
            "cash": amounts(1e10),
            "debt": amounts(2e10),
            "power": amounts(300.0),
            "power_growth": amounts(300.0),
            "other_cash_flow": amounts(5e9),
            "equity_raise": amounts(2e9),
        }
    )


def one_pool() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"start": amounts(3e10), "ceiling": amounts(3e11), "volatility": amounts(0.5)})


def one_lab(
    pools: list[str], providers: list[str], stacks: tuple[str, ...], labs: int
) -> st.SearchStrategy[dict[str, Any]]:
    """Labs together hold no more of a fleet than there is."""
    return st.fixed_dictionaries(
        {
            "segment": st.sampled_from(["frontier", "enterprise"]),
            "pool": st.sampled_from(pools),
            "owner": st.sampled_from(["", *providers]),
            "architecture": st.sampled_from(ARCHITECTURES),
            "training_share": st.floats(0.0, 1.0),
            "revenue": amounts(1e10),
            "cash": amounts(1e10),
            "funding": amounts(5e9),
            "ports": st.sampled_from([[], list(stacks)]),
            "holdings": st.fixed_dictionaries({name: amounts(1.0 / labs) for name in providers}),
        }
    )


def built(tree: dict[str, Any], **changes: Any) -> Scenario:
    """The tree as a scenario; `vendor__supply=0.0` sets a field of every entry of a table or of a section."""
    for key, value in changes.items():
        table, _, name = key.partition("__")
        if not name:
            tree[table] = value
        else:
            entries = (
                tree[table].values() if isinstance(next(iter(tree[table].values()), None), dict) else [tree[table]]
            )
            for entry in entries:
                entry[name] = value
    return Scenario(**tree)


scenarios = trees().map(built)
