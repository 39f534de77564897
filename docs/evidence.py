"""Writes docs/theses.md, docs/sensitivity.md and docs/forecast_2026.md from their experiments.

`python docs/evidence.py theses sensitivity forecast` takes some ten minutes on two cores. What an experiment has
run already lies in `runs/` and is gone on with, so it is safe to break off.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from market_sim.cli.progress import Progress
from market_sim.experiments.hindcast import read_past, retrace
from market_sim.experiments.indices import LUCK
from market_sim.experiments.points import Hands
from market_sim.experiments.predictive import read_factors, with_error
from market_sim.experiments.scoring import naive_forecasts, quantile
from market_sim.experiments.sensitivity import OUTPUTS, Sensitivity, analyse, survey_of
from market_sim.experiments.series import SERIES
from market_sim.experiments.theses import SAMPLES as REPLICATES
from market_sim.experiments.theses import Weighed, trial_of, weigh
from market_sim.experiments.theses_declared import DECISIVE, HORIZONS, MIDDLE, OMEGAS, Thesis
from market_sim.experiments.theses_effects import Effect
from market_sim.experiments.theses_verdict import WORDS, Verdict, amount, size
from market_sim.scenario.canonical import scenario_hash
from market_sim.scenario.load import load_scenario
from market_sim.scenario.schema import Scenario
from market_sim.views.charts import save, sensitivity_bars
from market_sim.views.charts.theses import effects as drawn

DOCS = Path(__file__).parent
SEED = 0
SCREENED, LEADING, SAMPLES = 64, 10, 512  # Morris trajectories; parameters that go on to Sobol, and its rows
FORECASTS, QUARTERS = 256, 2
POSTERIOR = DOCS.parent / "scenarios" / "posteriors" / "2023-2024.json"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: int = 1) -> list[str]:
    """A Markdown table; columns from the `right`-th on are set to the right."""
    rule = "".join("---|" if at < right else "--:|" for at in range(len(head)))
    return [f"| {' | '.join(head)} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows), ""]


def made_with(scenario: Scenario) -> str:
    """Which scenario stands behind a page."""
    drawn_from = f", parameters from {scenario.drawn_from.split()[0]}" if scenario.drawn_from else ""
    return f"scenario `{scenario.name}` ({scenario_hash(scenario)[:8]}{drawn_from}), seed {SEED}"


def hands() -> Hands:
    """Processes on all cores, told on stderr."""
    return Hands(watch=Progress())


# --- theses ---------------------------------------------------------------------------------------


def theses() -> None:
    """docs/theses.md and its pictures."""
    scenario = load_scenario("baseline")
    found = weigh(trial_of(scenario, REPLICATES, seed=SEED), None, hands())
    lines = [
        "# The theses put to the test",
        "",
        f"Written by `python docs/evidence.py theses`: {made_with(scenario)}, {REPLICATES} replicates of each "
        "run. Each "
        "mechanism is on in one run and off in the other, under the same luck and the same draws of parameters; "
        "an effect "
        "is on less off, with its 95 % bootstrap interval. Verdicts are taken after "
        f"{DECISIVE} years, at omega {', '.join(f'{one:g}' for one in OMEGAS)} alike, by measures and smallest "
        "effects of "
        "interest that were declared before the run (`market_sim/experiments/theses_declared.py`). They hold in this "
        "model, for these parameters, and nowhere else; [odd.md](odd.md) says what the model leaves out. The "
        "same from the "
        "command line: `market-sim theses`.",
        "",
        "*Supported*: every measure with a say is as claimed at every omega. *Opposed*: none is, each goes the "
        "other way "
        "or is surely too small to matter. *Undecided*: anything else.",
        "",
        *table(
            ("thesis", "claim", "verdict in this model", "by measure"),
            map(_verdict_row, found.trial.theses, found.verdicts),
            4,
        ),
    ]
    for thesis, verdict in zip(found.trial.theses, found.verdicts, strict=True):
        lines += _thesis(found, thesis, verdict)
    (DOCS / "theses.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _verdict_row(thesis: Thesis, verdict: Verdict) -> tuple[str, ...]:
    parts = "; ".join(f"{measure}: {said}" for measure, said in verdict.parts.items())
    return f"[{thesis.name}](#{_anchor(thesis)})", thesis.claim, f"**{verdict.verdict}**", parts


def _anchor(thesis: Thesis) -> str:
    return f"{thesis.name} {thesis.title}".lower().replace(" ", "-")


def _thesis(found: Weighed, thesis: Thesis, verdict: Verdict) -> list[str]:
    own = [one for one in found.effects if one.thesis == thesis.name]
    plain = [one for one in own if not one.variant]
    _picture(thesis, plain)
    off = ", ".join(f"`{key} = {value!r}`".replace("'", '"') for key, value in thesis.off.items())
    return [
        f"## {thesis.name} {thesis.title}",
        "",
        f"{thesis.claim} **{verdict.verdict.capitalize()} in this model.**",
        "",
        f"Mechanism: {thesis.mechanism}. Off: {off}.",
        "",
        f"After {DECISIVE} years:",
        "",
        *(f"- {line}" for line in verdict.why),
        "",
        *(["What would change it:", "", *(f"- {line}" for line in verdict.change), ""] if verdict.change else []),
        f"![Effects of {thesis.name} in smallest effects that would matter](img/theses-{thesis.name}.svg)",
        "",
        *_effects(thesis, plain),
        *_drivers(thesis, plain),
        *_variants(thesis, own),
    ]


def _effects(thesis: Thesis, effects: Sequence[Effect]) -> list[str]:
    by = {(one.measure, one.omega, one.years): one for one in effects}
    head = ("measure, on less off", "omega", *(f"{years} years" for years in HORIZONS), "interval", "says")
    rows = []
    for measure in thesis.measures:
        for at, omega in enumerate(OMEGAS):
            told = [by[measure.name, omega, years] for years in HORIZONS]
            decisive = by[measure.name, omega, DECISIVE]
            name = f"{measure.name}, {measure.unit}" if not at else ""
            span = amount(decisive).partition(", ")[2]
            rows.append((name, f"{omega:g}", *map(size, told), span, WORDS.get(decisive.vote, "")))
    note = f"A star: the interval leaves out zero. Interval and what it says: after {DECISIVE} years."
    return [*table(head, rows), note, ""]


def _drivers(thesis: Thesis, effects: Sequence[Effect]) -> list[str]:
    """How much of each decisive effect's spread goes with parameters."""
    names = {one.name for one in thesis.decisive}
    told = [one for one in effects if one.measure in names and one.years == DECISIVE and one.omega == MIDDLE]
    rows = [
        (one.measure, "–" if one.explained is None else f"{one.explained:.0%}",
         ", ".join(f"`{by.parameter}` {by.correlation:+.2f}" for by in one.drivers) or "none above chance")
        for one in told
    ]  # fmt: skip
    head = ("spread over replicates", "goes with parameters", "most with (rank correlation)")
    when = f"after {DECISIVE} years at omega {MIDDLE:g}"
    return [f"What the effects hang on, {when}; the rest is luck and interactions:", "", *table(head, rows)]


def _variants(thesis: Thesis, own: Sequence[Effect]) -> list[str]:
    if not thesis.variants:
        return []
    rows = []
    for measure in thesis.measures:
        by = {one.variant: one for one in own
              if one.measure == measure.name and one.omega == MIDDLE and one.years == DECISIVE}  # fmt: skip
        rows.append((measure.name, *(size(by[name]) for name in ("", *(one.name for one in thesis.variants)))))
    head = ("measure", "as above", *(one.name for one in thesis.variants))
    offs = "; ".join(f"{one.name}: {', '.join(f'{key} = {value}' for key, value in one.off.items())}" for one in
                     thesis.variants)  # fmt: skip
    return [f"Other ways to turn it off, at omega {MIDDLE:g} after {DECISIVE} years ({offs}):", "", *table(head, rows)]


def _picture(thesis: Thesis, effects: Sequence[Effect]) -> None:
    of = {one.name: one for one in thesis.decisive}
    rows = [
        {**{name: getattr(one, name) for name in ("measure", "omega", "years", "effect", "low", "high")},
         "sign": of[one.measure].sign, "matters": of[one.measure].matters}
        for one in effects if one.measure in of
    ]  # fmt: skip
    chart = drawn(pl.DataFrame(rows, infer_schema_length=None), f"{thesis.name} {thesis.title}")
    save(chart, DOCS / "img" / f"theses-{thesis.name}.svg", "svg")


# --- sensitivity ----------------------------------------------------------------------------------


def sensitivity() -> None:
    """docs/sensitivity.md and its picture: a screen of all uncertain parameters, then shares of variance of the "
    "first."""
    scenario = load_scenario("baseline")
    screen = analyse(survey_of(scenario, "morris", SCREENED, seed=SEED), None, hands())
    leading = _leading(screen.frame())
    shares = analyse(survey_of(scenario, "sobol", SAMPLES, parameters=leading, seed=SEED), None, hands())
    save(sensitivity_bars(_shown(shares)), DOCS / "img" / "sensitivity.svg", "svg")
    lines = [
        "# What five-year concentration hangs on",
        "",
        f"Written by `python docs/evidence.py sensitivity`: {made_with(scenario)}. Outputs are Herfindahl indices of "
        "useful compute under contract, means over the fifth year. First all "
        f"{screen.survey.inputs.count} uncertain parameters are screened by Morris's method ({SCREENED} trajectories, "
        f"{screen.survey.points.count} runs); the {len(leading)} that lead for any output then go into Sobol' indices "
        f"({SAMPLES} rows, {shares.survey.points.count} runs), the others drawn as luck is. The same from the "
        "command line: "
        "`market-sim sensitivity baseline --method sobol`.",
        "",
        *_margins(screen),
        "## Shares of variance",
        "",
        "`total`: share of an output's variance that a parameter has a part in, alone or with others, with its 95 % "
        "interval; totals add up to more than one where parameters interact. *luck*: everything drawn at random, "
        "and the "
        "parameters screened out. Where intervals overlap, the order is not settled.",
        "",
        "![Sobol indices with intervals](img/sensitivity.svg)",
        "",
        *_ranked(shares.frame(), "total"),
        "## Screen",
        "",
        "mu*: mean size of the change of an output over a parameter's range, in HHI (0 to 1).",
        "",
        *_ranked(screen.frame(), "mu_star"),
    ]  # fmt: skip
    (DOCS / "sensitivity.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _leading(frame: pl.DataFrame) -> list[str]:
    """The parameters with the largest mu*, each output's counted in its own largest."""
    screened = frame.filter(pl.col("kind") == "mu_star")
    part = pl.col("value") / pl.col("value").max().over("output")
    ranked = screened.with_columns(part=part).group_by("parameter").agg(pl.col("part").max()).sort(
        "part", "parameter", descending=[True, False])  # fmt: skip
    return ranked["parameter"].head(LEADING).to_list()


def _shown(found: Sensitivity) -> pl.DataFrame:
    return found.frame().filter(pl.col("kind") == "total")


def _margins(found: Sensitivity) -> list[str]:
    if not found.survey.inputs.margins:
        return []
    names = ", ".join(f"`{key}`" for key in found.survey.inputs.margins)
    return [f"Drawn from the posterior by margin, what ties its draws together left out: {names}.", ""]


def _ranked(frame: pl.DataFrame, kind: str) -> list[str]:
    """A table for each output: parameters by an index, largest first, and luck."""
    lines: list[str] = []
    for output in OUTPUTS:
        own = frame.filter(pl.col("output") == output)
        named = (
            own.filter(pl.col("kind") == kind, pl.col("parameter") != LUCK).sort("value", descending=True).head(LEADING)
        )
        luck = own.filter(pl.col("kind") == "total", pl.col("parameter") == LUCK)
        digits = 2 if kind == "total" else 4
        rows = [_index_row(row, digits) for row in named.to_dicts()]
        rows += [_index_row({**row, "parameter": "*luck* (share of variance)"}, 2) for row in luck.to_dicts()]
        lines += table((f"`{output}`", kind, "95 % interval"), rows)
    return lines


def _index_row(row: dict[str, Any], digits: int) -> tuple[str, str, str]:
    name = row["parameter"] if row["parameter"].startswith("*") else f"`{row['parameter']}`"
    return name, f"{row['value']:.{digits}f}", f"{row['low']:.{digits}f} to {row['high']:.{digits}f}"


# --- forecast -------------------------------------------------------------------------------------

FORECAST = (
    "nvidia_revenue", "nvidia_margin", "capex", "h100_rent", "lead_time", "price_ratio", "coreweave_revenue",
    "coreweave_backlog",
)  # fmt: skip


def forecast() -> None:
    """docs/forecast_2026.md: the first quarters of the baseline as a forecast."""
    scenario = load_scenario("baseline", {"ticks": 3 * QUARTERS})
    run = retrace(scenario, FORECASTS, seed=SEED, watch=Progress())
    factors = read_factors(POSTERIOR)
    wide, past = with_error(run, factors, SEED), read_past()
    last = past.quarters[-1]
    rows = []
    for name in FORECAST:
        series, digits = SERIES[name], SERIES[name].digits
        before = past.on([last], [name])[0, 0] if name in past.names else np.nan
        paths = naive_forecasts(past, name, last, QUARTERS)
        for at, quarter in enumerate(run.quarters[:QUARTERS]):
            told = [quantile(run.of(name), part)[at] for part in (0.5, 0.05, 0.95)]
            band = [quantile(wide.of(name), part)[at] for part in (0.05, 0.95)]
            guesses = [path[at] for path in paths.values() if not np.isnan(path[at])]
            rows.append((
                f"{series.label}, {series.unit}" if not at else "", _figure(before, digits) if not at else "", quarter,
                _figure(told[0], digits), _span(told[1], told[2], digits), _span(band[0], band[1], digits),
                _span(min(guesses), max(guesses), digits) if guesses else "–",
            ))  # fmt: skip
    head = ("series", last, "quarter", "median", "90 % of luck and parameters", "90 % with the model's error", "naive")
    lines = [
        "# The first half of 2026, as the baseline has it",
        "",
        f"Written by `python docs/evidence.py forecast`: {made_with(scenario)}, {FORECASTS} replicates.",
        "",
        "What to make of it: the baseline opens with what was published for the end of 2025 (each figure with "
        "its source "
        "in `scenarios/baseline.toml`), not with the state in which a run from 2023 ends, whose firms have other "
        "sizes than "
        "the real ones. Of the fit to 2023-24 it takes the behaviour that both markets share. The narrow band is "
        "luck and "
        "parameters. The wide one adds the error that was left between model and history in 2023-24 when the fit "
        "was done "
        "(`discrepancy.py`, `predictive.py`): that is the band to hold the forecast to. *naive*: the range of "
        "last value, "
        "last growth and a first-order autoregression from history to 2025-Q4.",
        "",
        *table(head, rows),
    ]
    (DOCS / "forecast_2026.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _figure(value: float, digits: int) -> str:
    return "–" if np.isnan(value) else f"{value:,.{digits}f}"


def _span(low: float, high: float, digits: int) -> str:
    return f"{_figure(low, digits)} to {_figure(high, digits)}"


PAGES: dict[str, Callable[[], None]] = {one.__name__: one for one in (theses, sensitivity, forecast)}

if __name__ == "__main__":
    for page in sys.argv[1:] or PAGES:
        PAGES[page]()
