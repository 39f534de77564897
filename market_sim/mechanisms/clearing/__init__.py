"""Which lab spends how much on which offer, and the scarcity prices that keep every pool within its capacity.

Labs split a budget over offers by constant-elasticity spending shares (Anderson, de Palma & Thisse 1992,
ch. 3: the logit of log-prices is the CES demand), with an option to buy nothing. Offers draw on capacity
pools: the terms of one lot share its chips; offers built to order share a site's power and a chip's supply.
With

    lambda_j = sum over j's pools of shadow_g
    s_ij = A_j e^{(U_ij - lambda_j)/sigma} / (e^{U_i0/sigma} + sum_k A_k e^{(U_ik - lambda_k)/sigma})
    q_ij = B_i s_ij / (p_ij e^{lambda_j})
    sum_j w_gj sum_i q_ij <= C_g,  shadow_g >= 0, zero where slack

a shadow price is ad valorem: it multiplies the quote, so money of any unit clears alike and the weights
e^{U/sigma} are taken once. With one pool per offer and one price for all labs the shadows minimise a strictly
convex function, so they are unique; as sigma goes to 0 they are the linear Fisher market's (Eisenberg & Gale
1959, *Ann. Math. Stat.* 30). Where an offer draws on two pools their shadows add, with weights in the
capacity alone: a price per unit of capacity would differ by lab and cost a power per lab and offer in every
sweep.

Solved by scaling, as matrices are balanced (Deming & Stephan 1940; in logs and re-based when the scale has
drifted, as Schmitzer 2019, *SIAM J. Sci. Comput.* 41): a pool's log price moves by sigma/(1+sigma) of its log
excess demand, the Newton step for its own price; pools sharing offers share the step. Then all binding prices
move together by what money can leave for elsewhere, the one direction in which own-price steps are slow; and
the last few steps are combined into one (Anderson 1965, *J. ACM* 12), which tells apart pools that are close
substitutes or share offers. None of this moves the answer, only the number of sweeps to it.

| symbol | here | shape | unit |
|---|---|---|---|
| U, U_0 | utility, outside | (replicate, lab, offer), (replicate, lab) | log useful PFLOP-hours per USD |
| B, p | budget, price | (replicate, lab), (replicate, lab, offer) | USD/h, USD per chip-hour |
| C, w | capacity, weight | (replicate, pool), (offer, 2) | the pool's own unit, that unit per chip |
| A | e^log_attraction | (replicate, offer) | - |
| lambda | shadow, scarcity | (replicate, pool), (replicate, offer) | log |
| q | chips | (replicate, lab, offer) | chips |
"""

from market_sim.mechanisms.clearing.answer import Cleared, Reason
from market_sim.mechanisms.clearing.notice import attraction, on_show
from market_sim.mechanisms.clearing.search import clear

__all__ = ["Cleared", "Reason", "attraction", "clear", "on_show"]
