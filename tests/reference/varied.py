"""A small market in which everything can happen, and the strains that make it happen."""

from typing import Any

from market_sim.scenario.schema import Scenario

CHIPS = {
    "H100-SXM": {"vendor": "Nova", "stack": "CUDA", "withdrawn": "2027-06"},
    "B200-HGX": {
        "vendor": "Nova",
        "stack": "CUDA",
        "available": "2026-06",
        "price": 38_000.0,
        "packages": 2.0,
        "network": 0.3,
    },
    "MI300X": {"vendor": "Ambit", "stack": "ROCm", "price": 18_000.0},
    "MI355X": {"vendor": "Ambit", "stack": "ROCm", "available": "2026-09", "packages": 1.5},
    "TPU v5p": {"vendor": "Grove", "stack": "XLA", "price": 15_000.0},
    "TPU v6e (Trillium)": {"vendor": "Grove", "stack": "XLA", "available": "2026-04", "price": 12_000.0},
}
VENDORS = {
    "Nova": {"supply": 600_000.0, "inventory": 0.05, "backing": 0.2},
    "Ambit": {"supply": 200_000.0, "inventory": 0.1, "allocation": "highest_margin"},
    "Grove": {"supply": 200_000.0, "sells": "both", "owner": "Cloud"},
}
PROVIDERS = {
    "Cloud": {
        "kind": "hyperscaler",
        "cash": 2e10,
        "wacc": 0.09,
        "template": 1.0,
        "other_cash_flow": 8e9,
        "rents_from": ["Swift", "Thrift"],
    },
    "Depot": {"kind": "hyperscaler", "cash": 1e10, "wacc": 0.09, "template": 0.8, "debt": 4e9, "on_order": 9_000.0},
    "Swift": {"cash": 2e9, "equity_raise": 1e9, "site_months": 5.0, "on_order": 6_000.0},
    "Thrift": {"cash": 1e9, "opex": 2_200.0, "equity_raise": 5e8},
    "Later": {"active": False, "cash": 3e9, "wacc": 0.08, "opex": 1_800.0, "equity_raise": 1e9},
}
LABS = {
    "Parent": {"owner": "Cloud", "revenue": 4e9, "ports": ["XLA", "CUDA"], "holdings": {"Cloud": 0.5}},
    "First": {"revenue": 6e9, "architecture": "DeepSeek-V3 / R1", "holdings": {"Depot": 0.4, "Swift": 0.4}},
    "Second": {"revenue": 3e9, "architecture": "GPT-OSS 120B", "holdings": {"Depot": 0.3, "Thrift": 0.5}},
    "Open": {
        "partner": "Cloud",
        "affinity": {"Cloud": 1.0},
        "revenue": 2e9,
        "ports": ["CUDA", "ROCm"],
        "holdings": {"Swift": 0.3},
        "training_share": 0.8,
    },
    "Firms": {"pool": "firms", "segment": "enterprise", "revenue": 5e9, "holdings": {"Cloud": 0.3, "Depot": 0.1}},
    "Shops": {"pool": "firms", "segment": "enterprise", "revenue": 2e9, "holdings": {"Thrift": 0.2}},
}
STRAINS: dict[str, dict[str, Any]] = {
    "usual": {},
    "shortage": {"vendor__supply": 30_000.0, "vendor__inventory": 0.0},
    "shared pro rata": {"vendor__supply": 60_000.0, "vendor__allocation": "pro_rata"},
    "best margin first": {"vendor__supply": 60_000.0, "vendor__allocation": "highest_margin"},
    "spec sheet": {"labs__choice": "spec_sheet", "labs__taste_share": 0.0},
    "slump": {
        "demand__start_regime": "boom",
        "demand__calm_rate": 5.0,
        "demand__slump_rate": 20.0,
        "demand__slump": 0.3,
    },
    "late": {"delivery__optimism": 0.8, "trade__late_credit": 1.0, "trade__long_stop": 0.05, "trade__walk_margin": 0.0},
    "indebted": {"provider__cash": 1e6, "provider__debt": 2e10, "provider__equity_raise": 0.0},
    "no patience": {"provider__cash": 1e6, "providers__default_liquidity": 0.0, "provider__other_capex": 1e10},
    "labs fail": {"lab__cash": 0.0, "lab__funding": 0.0, "lab__other_cost": 1.5},
    "codesign": {"labs__codesign": 3.0, "labs__divergence": 0.6, "labs__generation_years": 0.3},
    "no trust": {"trade__omega": 0.0, "trade__renewal": 1.0, "labs__sigma": 0.1},
    "weeks": {"tick_months": 0.25, "trade__omega": 1.0},
    "quarters": {"tick_months": 3.0, "trade__deals_per_tick": 12},
    "old chips": {"provider__opex": 40_000.0, "demand__start_regime": "slump"},
}


def varied(ticks: int, **changes: Any) -> Scenario:
    """The market; `trade__omega=0.0` sets a number of a section, `vendor__supply=0.0` one of every vendor."""
    tree: dict[str, Any] = {
        "ticks": ticks,
        "trade": {"tolerance": 1e-12},
        "demand": {"wait_planned": 0.8},
        "stack": {"CUDA": {}, "ROCm": {"automation_lag": 0.5}, "XLA": {"automation_lag": 0.75}},
        "chip": {name: {"price": 25_000.0, **own} for name, own in CHIPS.items()},
        "vendor": {name: {"cash": 1e10, **own} for name, own in VENDORS.items()},
        "provider": {name: _provider(place, own) for place, (name, own) in enumerate(PROVIDERS.items())},
        "pool": {"models": {"start": 4e10, "ceiling": 6e11}, "firms": {"start": 2e10, "ceiling": 2e11}},
        "lab": {name: {"pool": "models", "cash": 3e9, "funding": 1e9, **own} for name, own in LABS.items()},
    }
    for key, value in changes.items():
        table, _, name = key.partition("__")
        if not name:
            tree[table] = value
        elif table in ("vendor", "provider", "lab", "chip", "pool", "stack"):
            tree[table] = {one: {**own, name: value} for one, own in tree[table].items()}
        else:
            tree[table] = {**tree.get(table, {}), name: value}
    return Scenario(**tree)


def _provider(place: int, own: dict[str, Any]) -> dict[str, Any]:
    """Every provider deploys all chips but one; fleets are of what is there at the start."""
    chips = [chip for at, chip in enumerate(CHIPS) if at != place + 1]
    ready = [chip for chip in chips if "available" not in CHIPS[chip]]
    fleet = 0.0 if own.get("active") is False else 40_000.0 / (1 + place)
    ordered = {chip: own.get("on_order", 0.0) for chip in ready}
    given = {"chips": chips, "power": 400.0 / (1 + place), "power_growth": 300.0 / (1 + place)}
    return {**given, **own, "fleet": dict.fromkeys(ready, fleet), "on_order": ordered}
