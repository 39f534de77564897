"""Writes anew the tables of section 8 of docs/odd.md, from `market-sim hindcast`: `python docs/history.py`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from market_sim.cli.speaking import finite
from market_sim.experiments.hindcast import hindcast, read_past, retrace
from market_sim.experiments.past import ORIGIN
from market_sim.experiments.predictive import read_factors, rebased, with_error
from market_sim.experiments.series import SERIES
from market_sim.scenario.load import load_scenario

PAGE = Path(__file__).with_name("odd.md")
OPENS, CLOSES = "<!-- history -->\n", "<!-- /history -->"
REPLICATES, SEED = 64, 0
PRIORS, FITTED = "history_2023", "history_2023_fitted"
FACTORS = PAGE.parents[1] / "scenarios" / "posteriors" / "2023-2024.json"
WINDOWS = {"fit": "2023-24, for fitting:", "test": "2025, kept out of the fit:"}
TOLD = "from the fit to 2023-24"  # the way that the tables tell in full

Told = Mapping[str, Any]


def retraced() -> dict[str, Told]:
    """What `market-sim hindcast` says when asked in each way: from priors, from the fit, with --error, --rebased."""
    past, scenarios = read_past(), [load_scenario(name) for name in (PRIORS, FITTED)]
    loose, fitted = (retrace(one, REPLICATES, seed=SEED) for one in scenarios)
    runs = {
        "parameters from priors": (scenarios[0], loose),
        TOLD: (scenarios[1], fitted),
        "the fit, bands with the model's error": (scenarios[1], with_error(fitted, read_factors(FACTORS), SEED)),
        "the fit, begun where history stood at the end of 2024": (scenarios[1], rebased(fitted, past, ORIGIN, SEED)),
    }
    return {way: finite(hindcast(scenario, run, past, SEED).as_json()) for way, (scenario, run) in runs.items()}


def cell(value: float | None, digits: int) -> str:
    """A number, or nothing."""
    return "" if value is None else f"{value:.{digits}f}"


def ratio(value: float | None) -> str:
    """A ratio with three figures, or a dash."""
    return "–" if value is None else f"{value:.3g}"


def series_table(told: Told) -> str:
    """Three lines a series, one column a quarter."""
    by_name: dict[str, list[Told]] = {}
    for row in told["series"]:
        by_name.setdefault(row["series"], []).append(row)
    periods = [row["period"] for row in next(iter(by_name.values()))]
    lines = ["| | | " + " | ".join(periods) + " |", "|---|---|" + "--:|" * len(periods)]
    for name, rows in by_name.items():
        digits = SERIES[name].digits
        figures = [cell(row["history"], digits) for row in rows]
        lines.append(f"| {SERIES[name].label}, {SERIES[name].unit} | history | " + " | ".join(figures) + " |")
        lines.append("| | model | " + " | ".join(cell(row["median"], digits) for row in rows) + " |")
        bands = [
            "" if row["low90"] is None else f"{cell(row['low90'], digits)}–{cell(row['high90'], digits)}"
            for row in rows
        ]
        lines.append("| | 5–95 % | " + " | ".join(bands) + " |")
    return "\n".join(lines)


def score_table(scores: Sequence[Told]) -> str:
    """One line a series."""
    lines = ["| | figures | MASE | best naive | | CRPS/MAE of naive | signs | in 50 % | in 90 % | beats naive |",
             "|---|--:|--:|--:|---|--:|--:|--:|--:|---|"]  # fmt: skip
    for one in scores:
        best = one["best_naive"]
        naive, error = (one[key].get(best) if best else None for key in ("naive_mase", "naive_mae"))
        relative = one["crps"] / error if error else None
        cells = (
            SERIES[one["series"]].label, str(one["points"]), ratio(one["mase"]), ratio(naive), best or "–",
            ratio(relative), f"{one['direction_right']}/{one['direction_of']}", str(one["within"]["50"]),
            str(one["within"]["90"]), {True: "yes", False: "no", None: "–"}[one["beats_naive"]],
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summed(one: Told) -> str:
    """What a window comes to."""
    return (
        f"The median beats the best naive forecast on {one['won']} of {one['compared']} series; of {one['points']} "
        f"figures {one['coverage50']:.0%} lie in the 50 % band and {one['coverage90']:.0%} in the 90 % band; "
        f"{one['right']} of {one['turns']} changes have the right sign."
    )


def patterns_table(told: Told) -> str:
    """One line a pattern."""
    lines = ["| | pattern | | the model's median |", "|--:|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| {p['number']} | {p['pattern']} | {p['verdict']} | {p['figure']} |" for p in told["patterns"])]
    )


def ways_table(ways: Mapping[str, Told]) -> str:
    """One line a way of asking: what 2025 and 2023-24 come to."""
    lines = ["| 2025 | beats naive | in 50 % | in 90 % | signs | 2023-24: in 50 % | in 90 % | patterns met |",
             "|---|--:|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for way, told in ways.items():
        test, fit = told["summary"]["test"], told["summary"]["fit"]
        met = sum(one["verdict"] == "met" for one in told["patterns"])
        cells = (
            f"{test['won']} of {test['compared']}", f"{test['coverage50']:.0%}", f"{test['coverage90']:.0%}",
            f"{test['right']}/{test['turns']}", f"{fit['coverage50']:.0%}", f"{fit['coverage90']:.0%}",
            f"{met} of {len(told['patterns'])}",
        )  # fmt: skip
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(ways: Mapping[str, Told]) -> str:
    """What every way comes to; of one of them patterns, scores of both windows, and every series."""
    told = ways[TOLD]
    head = f"{REPLICATES} replicates, seed {SEED}. Below the first table: parameters {TOLD}."
    parts = [head, ways_table(ways), patterns_table(told)]
    for window, title in WINDOWS.items():
        parts += [title, score_table(told[window]), summed(told["summary"][window])]
    return "\n\n".join([*parts, "Every series, median and 5–95 % band:", series_table(told)]) + "\n"


def inserted(page: str, text: str) -> str:
    """The page with what stands between the marks replaced. Raises ValueError if a mark is missing."""
    if OPENS not in page or CLOSES not in page:
        raise ValueError(f"{PAGE.name}: wanted the marks {OPENS.strip()} and {CLOSES}")
    before, _, rest = page.partition(OPENS)
    return "".join((before, OPENS, text, CLOSES, rest.partition(CLOSES)[2]))


if __name__ == "__main__":
    PAGE.write_text(inserted(PAGE.read_text(encoding="utf-8"), report(retraced())), encoding="utf-8")
