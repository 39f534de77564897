"""A run's summary in words and tables that read like an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from market_sim.cli.speaking import console, grid
from market_sim.views.failures import Failure
from market_sim.views.summary import Figure, Leader, Summary

NONE = "-"
YEARLY = "Times and prices are means over the first and the last twelve months."
LUCK = "One draw of luck: compare over many with `market-sim batch`."
GROUP = "* a group, counted as one"
MARKET_WORDS = {"vendor": "chips", "provider": "cloud", "lab": "labs", "platform": "software"}


def tell(summary: Summary, paper: Any = None) -> None:
    """Print who leads, how concentrated it is, and the figures behind it."""
    out = paper or console()
    out.print(_title(summary), style="bold", markup=False)
    if summary.markets:
        columns = ("who leads", "at the start", "at the end", "HHI start", "HHI end")
        out.print(grid(columns, _market_rows(summary), right=(3, 4)))
    if summary.figures:
        out.print(grid(("over the run", "start", "end", "unit"), _figure_rows(summary.figures), right=(1, 2)))
    for line in _lines(summary):
        if line:
            out.print(line, markup=False)


def _lines(summary: Summary) -> tuple[str, ...]:
    """What stands below the tables; an empty text where there is nothing to say."""
    leaders = [leader for one in summary.markets for leader in (one.first, one.last)]
    return (
        GROUP if any(leader and leader.group for leader in leaders) else "",
        YEARLY if summary.figures else "",
        _counts(summary),
        _defaults(summary.failures) if summary.replicates == 1 else "",
        _missing(summary),
        LUCK if summary.replicates == 1 else "",
    )


def _defaults(failed: tuple[Failure, ...]) -> str:
    """Who failed and when, and how many of each kind; those whom no table names are in the counts alone."""
    if not failed:
        return ""
    named = ", ".join(f"{one.firm} {one.day[:7]}" for one in failed if one.firm)
    kinds = Counter(one.kind for one in failed)
    counts = ", ".join(f"{count} {_plural(kind) if count > 1 else kind}" for kind, count in kinds.items())
    return f"Defaults: {named} ({counts})." if named else f"Defaults: {counts}."


def _plural(kind: str) -> str:
    return kind if kind.endswith("s") else f"{kind}s"


def _title(summary: Summary) -> str:
    draws = f"{summary.replicates} replicates" if summary.replicates > 1 else f"replicate {summary.replicate}"
    return f"{summary.scenario}, {summary.first_day} to {summary.last_day}: seed {summary.seed}, {draws}"


def _missing(summary: Summary) -> str:
    return f"Not recorded, so not told: {', '.join(summary.missing)}." if summary.missing else ""


def _market_rows(summary: Summary) -> Iterator[tuple[str, ...]]:
    for one in summary.markets:
        hhi = (number(one.hhi.start, 3), number(one.hhi.end, 3))
        yield MARKET_WORDS.get(one.market, one.market), _leader(one.first), _leader(one.last), *hhi


def _leader(leader: Leader | None) -> str:
    return f"{leader.name}{'*' if leader.group else ''} {leader.share:.0%}" if leader else NONE


def _figure_rows(figures: tuple[Figure, ...]) -> Iterator[tuple[str, ...]]:
    """A row for each figure; groups stand indented below the name that they share."""
    told = ""
    for one in figures:
        if one.group and one.name != told:
            yield one.name, "", "", ""
        told = one.name
        yield (f"  {one.group}" if one.group else one.name), *_cells(one)


def _cells(figure: Figure) -> tuple[str, str, str]:
    start, end = figure.change.start, figure.change.end
    if figure.unit.startswith("share"):
        return percent(start), percent(end), _of(figure.unit)
    return number(start), number(end), f"{figure.unit}{_growth(figure)}"


def _of(unit: str) -> str:
    return unit.removeprefix("share").strip()


def _growth(figure: Figure) -> str:
    """How many times the start the end is, for what grows or all but vanishes."""
    change = figure.change
    if figure.name != "compute in service" or not change.start or change.end is None:
        return ""
    if change.end <= 0.0:
        return " (nothing is left)"
    times = change.end / change.start
    return f" (x{times:.1f})" if times >= 0.1 else f" (x{times:.1g})"


def _counts(summary: Summary) -> str:
    words = {"defaults": ("default", "defaults"), "entries": ("entry", "entries")}
    told = [f"{count} {words[name][count != 1]}" for name, count in summary.counts.items()]
    return f"Over the run: {', '.join(told)}." if told else ""


def number(value: float | None, digits: int | None = None) -> str:
    """A number with three significant figures, or with so many decimals; a dash for none."""
    if value is None or value != value:
        return NONE
    if digits is not None:
        return f"{value:.{digits}f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """A share in per cent; a dash for none."""
    return NONE if value is None or value != value else f"{value:.0%}"
