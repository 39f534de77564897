"""Compute fit: which chip suits which architecture, and by how much.

`prepare` searches the plans once per run; `evaluate` and `reevaluate` answer for every (replicate, lab, chip).
`specialise` settles the plans of labs whose models moved, `reweigh` answers from them as kernels mature.
"""

from market_sim.mechanisms.fit.cases import predict_cases
from market_sim.mechanisms.fit.drifting import fit_gradient, reevaluate, specialise
from market_sim.mechanisms.fit.evaluate import Fit, evaluate, limiting, reweigh
from market_sim.mechanisms.fit.layout import DIRECTIONS, KINDS
from market_sim.mechanisms.fit.matrix import FitMatrix, compute_fit
from market_sim.mechanisms.fit.maturity import error_band, kappa0, settled_maturity, spec_sheet, starting_maturity
from market_sim.mechanisms.fit.shortlist import ShortList, prepare
from market_sim.mechanisms.fit.workload import Jobs, changed, default_jobs

__all__ = [
    "DIRECTIONS",
    "KINDS",
    "Fit",
    "FitMatrix",
    "Jobs",
    "ShortList",
    "changed",
    "compute_fit",
    "default_jobs",
    "error_band",
    "evaluate",
    "fit_gradient",
    "kappa0",
    "limiting",
    "predict_cases",
    "prepare",
    "reevaluate",
    "reweigh",
    "settled_maturity",
    "spec_sheet",
    "specialise",
    "starting_maturity",
]
