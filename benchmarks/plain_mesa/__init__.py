"""The market as a plain mesa model: one Python object per firm, offer, contract and lot; floats, loops, no arrays.

It is written from docs/odd.md, not from the engine's code, and shares nothing with it but what is drawn and searched
before a run starts: parameters, luck, the short-list of plans and the opening market. So it is two things: what the
engine is compared with for speed, and what it is compared with for truth (tests/simulation/test_against_plain_mesa.py).

| file | holds |
|---|---|
| `model.py` | `PlainMarket`, the mesa model: the phases of a tick |
| `vendor.py`, `provider.py`, `lab.py` | the agents and what they decide |
| `catalogue.py` | stacks, families, chips, pools of revenue |
| `fit.py` | plans, drift and throughput |
| `offers.py`, `clearing.py`, `lots.py` | what is on sale, scarcity prices, rounding |
| `contracts.py`, `building.py` | contracts and lots, and how each lives through a tick |
| `accounts.py`, `settlement.py`, `failure.py` | double entry, the payments of a tick, defaults |
| `opening.py` | the objects at the start |
| `recording.py` | what the data collector asks for |
"""

from benchmarks.plain_mesa.model import PlainMarket

__all__ = ["PlainMarket"]
