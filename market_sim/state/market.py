"""The whole market at one moment: its tables and the clock."""

from dataclasses import dataclass

import numpy as np

from market_sim.state.tables import (
    Book,
    Fleet,
    Holdings,
    Labs,
    Ledger,
    Pipe,
    Pipeline,
    Providers,
    Technology,
    Vendors,
)


@dataclass(frozen=True)
class Market:
    """State between two ticks; `tick` have passed and `now` is in years since the start."""

    tick: int
    now: float
    technology: Technology
    labs: Labs
    providers: Providers
    vendors: Vendors
    fleet: Fleet
    book: Book
    holdings: Holdings
    pipeline: Pipeline
    pipe: Pipe
    ledger: Ledger
    shadow: np.ndarray  # (replicate, pool) log shadow prices of the last clearing
    potential: np.ndarray  # (replicate, pool of revenue, tick + 1), fixed for the run
