"""Market-sim: who ends up holding AI compute, and why.

Names load what they need when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOME = {
    "MarketModel": "simulation.model",
    "Results": "results.tables",
    "Scenario": "scenario.schema",
    "compute_fit": "simulation.fitting",
    "load_scenario": "scenario.load",
    "read_runs": "results.read",
    "run_batch": "experiments.batch",
    "simulate": "simulation.run",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(_HOME)}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
