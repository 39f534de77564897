"""Money: double entry over all holders, the payments of a tick, lending, default and takeover."""

from market_sim.mechanisms.finance.assets import assets_after
from market_sim.mechanisms.finance.failing import Restructured, fail_labs, restructure
from market_sim.mechanisms.finance.journal import FLOW, KINDS, WORTH, Journal, Kind, net_worth, settle
from market_sim.mechanisms.finance.lending import credit, loan_terms
from market_sim.mechanisms.finance.payments import fund_providers, run_labs, run_providers, run_vendors, stock_cost

__all__ = [
    "FLOW",
    "KINDS",
    "WORTH",
    "Journal",
    "Kind",
    "Restructured",
    "assets_after",
    "credit",
    "fail_labs",
    "fund_providers",
    "loan_terms",
    "net_worth",
    "restructure",
    "run_labs",
    "run_providers",
    "run_vendors",
    "settle",
    "stock_cost",
]
