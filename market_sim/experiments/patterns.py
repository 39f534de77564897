"""The patterns of 2023 to 2025 that the market has to show, each met, missed or not modelled, with its figure.

The error that would be defended stands with each. Medians over replicates are judged, never single draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from market_sim.experiments.past import Past
from market_sim.experiments.retrace import Retraced
from market_sim.experiments.scoring import quantile
from market_sim.scenario.schema import Scenario

MET, MISSED, NOT_MODELLED = "met", "missed", "not modelled"
YEAR_ENDS = ("2023-Q4", "2024-Q4", "2025-Q4")


@dataclass(frozen=True)
class Verdict:
    """What became of one pattern."""

    number: int
    pattern: str
    verdict: str
    figure: str


@dataclass(frozen=True)
class Evidence:
    """What patterns are judged by."""

    run: Retraced
    past: Past
    scenario: Scenario

    def median(self, name: str) -> np.ndarray:
        """Median over replicates of a series (quarter,)."""
        return quantile(self.run.of(name), 0.5)

    def at(self, name: str, quarters: Sequence[str]) -> np.ndarray:
        """The median in these quarters."""
        return self.median(name)[[self.run.quarters.index(quarter) for quarter in quarters]]

    def years(self, name: str) -> dict[str, float]:
        """Median over replicates of a flow's sum over each whole year of the run."""
        names = dict.fromkeys(quarter[:4] for quarter in self.run.quarters)
        places = {year: [k for k, q in enumerate(self.run.quarters) if q[:4] == year] for year in names}
        totals = {year: self.run.of(name)[:, at].sum(axis=1) for year, at in places.items() if len(at) == 4}
        return {year: float(np.median(total)) for year, total in totals.items()}

    def past_years(self, name: str) -> dict[str, float]:
        """History's years: as given, or the sum of four known quarters."""
        out = dict(self.past.years.get(name, {}))
        for year in dict.fromkeys(quarter[:4] for quarter in self.past.quarters):
            total = self.past.on([f"{year}-Q{k}" for k in (1, 2, 3, 4)], [name])[0].sum()
            if year not in out and not np.isnan(total):
                out[year] = float(total)
        return out


Found = tuple[bool, str]  # whether it holds, and the figures


def _near(model: np.ndarray, history: np.ndarray, tolerance: float) -> bool:
    return bool((np.abs(model / history - 1.0) <= tolerance).all())


def _beside(model: Sequence[float] | np.ndarray, history: Sequence[float] | np.ndarray, digits: int = 1) -> str:
    """`1.2, 3.4 (history 1.0, 3.0)`."""
    found, told = (", ".join(f"{x:.{digits}f}" for x in values) for values in (model, history))
    return f"{found} (history {told})"


def _revenue(e: Evidence) -> Found:
    quarters = ("2023-Q1", "2023-Q2", "2023-Q4", "2024-Q4", "2025-Q4")
    model, history = e.at("nvidia_revenue", quarters), e.past.on(quarters, ["nvidia_revenue"])[0]
    pace = np.diff(np.log2(e.at("nvidia_revenue", ("2023-Q1", *YEAR_ENDS))))
    doubling = ", ".join(f"{12.0 * t / g:.0f}" if g > 0.0 else "never" for t, g in zip((0.75, 1, 1), pace, strict=True))
    return _near(model, history, 0.10), f"{_beside(model, history)} bn USD; doubles in {doubling} months"


def _margin(e: Evidence) -> Found:
    model = e.median("nvidia_margin")[1:]
    inside = (model >= 67.0) & (model <= 81.0)
    return bool(inside.all()), f"{model.min():.0f} to {model.max():.0f} % from 2023-Q2 on (wanted 70 to 78, +-3)"


def _rent(e: Evidence) -> Found:
    quarters = ("2023-Q1", "2024-Q4", "2025-Q4")
    model, history = e.at("h100_rent", quarters), e.past.on(quarters, ["h100_rent"])[0]
    return _near(model, history, 0.20), f"{_beside(model, history, 2)} USD per chip-hour"


def _price_ratio(e: Evidence) -> Found:
    model = e.at("price_ratio", YEAR_ENDS)
    return bool(((model >= 2.0) & (model <= 5.0)).all()), f"{', '.join(f'{x:.1f}' for x in model)} (wanted 2 to 5)"


def _yearly(name: str, tolerance: float, digits: int) -> Callable[[Evidence], Found]:
    def judge(e: Evidence) -> Found:
        model, history = e.years(name), e.past_years(name)
        years = [year for year in model if year in history]
        found, told = (np.array([values[year] for year in years]) for values in (model, history))
        return _near(found, told, tolerance), f"{_beside(found, told, digits)} bn USD in {', '.join(years)}"

    return judge


def _lead_time(e: Evidence) -> Found:
    tight, loose = e.at("lead_time", ("2023-Q4", "2024-Q2"))
    peak = e.median("lead_time")
    when = e.run.quarters[int(peak.argmax())]
    holds = 0.75 * 36.0 <= tight <= 1.25 * 52.0 and 0.75 * 8.0 <= loose <= 1.25 * 12.0
    return bool(holds), (
        f"{tight:.0f} weeks in 2023-Q4 (history 36-52), {loose:.0f} in 2024-Q2 (8-12); "
        f"highest {peak.max():.0f} in {when}"
    )


def _coreweave(e: Evidence) -> Found:
    holds, told = _yearly("coreweave_revenue", 0.15, 2)(e)
    model, history = e.at("coreweave_backlog", ["2024-Q4"]), e.past.on(["2024-Q4"], ["coreweave_backlog"])[0]
    return holds and _near(model, history, 0.15), f"{told}; backlog {_beside(model, history)} bn USD at the end of 2024"


def _customer(e: Evidence) -> Found:
    model, history = e.at("coreweave_customer", YEAR_ENDS), e.past.on(YEAR_ENDS, ["coreweave_customer"])[0]
    trade = e.scenario.trade
    given = f"take-or-pay {trade.take_or_pay} and terms of {', '.join(f'{t:g}' for t in trade.built_terms)} years"
    holds = (np.abs(model - history) <= 10.0).all()
    return bool(holds), f"largest customer {_beside(model, history, 0)} % (+-10 points); {given} are given"


def _slip(e: Evidence) -> Found:
    months = sorted({f"{one.site_months}" for one in e.scenario.provider.values()})
    model = e.at("build_slip", YEAR_ENDS)
    return bool(((model >= 30.0) & (model <= 50.0)).all()), (
        f"{', '.join(f'{x:.0f}' for x in model)} % over what was promised (wanted 30 to 50); sites of "
        f"{' or '.join(months)} months at ordinary effort are given"
    )


def _lab_yield(e: Evidence) -> Found:
    model = e.at("lab_yield", YEAR_ENDS)
    return _near(model, np.full(3, 10.0), 0.15), f"{_beside(model, [10.0] * 3)} bn USD per GW of OpenAI's"


def _stock(e: Evidence) -> Found:
    first, last = e.at("compute_stock", ("2023-Q3", "2025-Q3"))
    growth = float(np.sqrt(last / first))
    part, sales = e.at("nvidia_compute", ["2025-Q4"])[0], e.at("nvidia_share", ("2024-Q4", "2025-Q4"))
    five = e.at("top5_share", ("2024-Q1", "2025-Q4"))
    holds = 2.7 <= growth <= 4.1 and part >= 60.0 and ((sales >= 75.0) & (sales <= 87.0)).all()
    near = (np.abs(five - [60.0, 71.0]) <= 5.0).all()
    return bool(holds and near), (
        f"stock x{growth:.1f} a year (2.7-4.1); NVIDIA {part:.0f} % of compute (60 or more), "
        f"{sales[0]:.0f} and {sales[1]:.0f} % of sales (75-87); top five {_beside(five, [60, 71], 0)} % (+-5 points)"
    )


def _rate(e: Evidence) -> Found:
    quarters = ("2023-Q4", "2024-Q4")
    model, history = e.at("coreweave_rate", quarters), e.past.on(quarters, ["coreweave_rate"])[0]
    saving = e.scenario.providers.credit_saving
    return bool((np.abs(model - history) <= 2.0).all()), (
        f"{_beside(model, history)} % (+-2 points); a solid customer saves {saving} of the spread, which is given"
    )


PATTERNS: Mapping[str, Callable[[Evidence], Found]] = {
    "NVIDIA data-centre revenue, growth that slows (+-10 %)": _revenue,
    "NVIDIA gross margin 70-78 % (+-3 points)": _margin,
    "H100 rent from 4.7 to 1.7 (+-20 %)": _rent,
    "hyperscaler over neocloud list price 2-5": _price_ratio,
    "capital spending of the big four (+-10 %)": _yearly("capex", 0.10, 0),
    "GPU lead time up to 36-52 weeks and down to 8-12 (+-25 %)": _lead_time,
    "CoreWeave revenue and backlog (+-15 %)": _coreweave,
    "neocloud contracts and largest customer": _customer,
    "builds slip by 30-50 % of plan": _slip,
    "about 10 bn USD of lab revenue per GW (+-15 %)": _lab_yield,
    "growth and owners of the compute stock": _stock,
    "cost of a neocloud's debt": _rate,
}


def judged(run: Retraced, past: Past, scenario: Scenario) -> list[Verdict]:
    """Every pattern with its verdict; the run must cover 2023-Q1 to 2025-Q4."""
    evidence = Evidence(run, past, scenario)
    found = []
    for number, (pattern, judge) in enumerate(PATTERNS.items(), start=1):
        holds, figure = judge(evidence)
        found.append(Verdict(number, pattern, MET if holds else MISSED, figure))
    path = ", ".join(f"{value} by {day}" for day, value in scenario.software.automation_path[:4])
    kernels = f"the path is given, not an outcome: {path} of kernel work on CUDA"
    return [*found, Verdict(len(found) + 1, "kernels written by models", NOT_MODELLED, kernels)]
