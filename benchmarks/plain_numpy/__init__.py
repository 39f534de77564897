"""The trading core of one run in tuned NumPy: no replicate axis, no compiled loops.

It covers fit between releases, worth, notice, clearing, rounding, signing, delivery, contract events, the sums over
the book and the concentration of stocks. What firms decide elsewhere (quotes, asks, orders, shipments) is read from a
run of the engine, tick by tick: it does less than the engine and than the plain mesa model, and so looks faster.

| file | holds |
|---|---|
| `core.py` | `TradingCore`: a tick |
| `given.py` | what is read from the engine |
| `clearing.py` | scarcity prices |
| `rounding.py` | flows to whole lots |
| `book.py` | contracts and lots as columns |
"""

from benchmarks.plain_numpy.core import TradingCore
from benchmarks.plain_numpy.given import Given, recorded

__all__ = ["Given", "TradingCore", "recorded"]
