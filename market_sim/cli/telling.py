"""A run's summary in words and tables that read like an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from market_sim.cli.speaking import console, grid
from market_sim.views.summary import Figure, Leader, Summary

NONE = "-"
YEARLY = "Times, prices and the premium are means over the first and the last twelve months."
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
    for line in (YEARLY if summary.figures else "", _counts(summary), _missing(summary)):
        if line:
            out.print(line, markup=False)


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
    return f"{leader.name} {leader.share:.0%}" if leader else NONE


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
    """How many times the start the end is, for what grows."""
    change = figure.change
    if figure.name != "compute in service" or not change.start or change.end is None:
        return ""
    return f" (x{change.end / change.start:.1f})"


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
