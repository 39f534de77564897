"""Capacity contracts: signing, starting, lateness, walking away, renewal, expiry and default, and what they add up to.

A contract of q chips at p USD per chip-hour owes p q 8766 a year while it is live; take-or-pay says how much of it is
due whether used or not, the prepaid share is paid at signing and used up evenly over the term, and a late start earns
the lab a credit. All times are continuous, so a tick that is half as long pays exactly half as much.
"""

from market_sim.mechanisms.contracts.carrying import MONEY, Events, advance
from market_sim.mechanisms.contracts.signing import Signed, move, sign
from market_sim.mechanisms.contracts.sums import Weights, add_deals, add_up, add_up_where, add_useful, later

__all__ = [
    "MONEY",
    "Events",
    "Signed",
    "Weights",
    "add_deals",
    "add_up",
    "add_up_where",
    "add_useful",
    "advance",
    "later",
    "move",
    "sign",
]
