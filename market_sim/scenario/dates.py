"""Dates of a scenario: months as text, and years since its start as the engine counts them."""

from __future__ import annotations

from calendar import monthrange


def calendar_years(date: str) -> float:
    """A date `YYYY-MM` or `YYYY-MM-DD` as a decimal year; every month is a twelfth."""
    year, month, *day = (int(part) for part in date.split("-"))
    through = (day[0] - 1) / monthrange(year, month)[1] if day else 0.0
    return (12 * year + month - 1 + through) / 12.0


def years_after(start: str, date: str) -> float:
    """Years from one date to another, negative where it lies before."""
    return calendar_years(date) - calendar_years(start)


def month_at(start: str, years: float) -> str:
    """The month `YYYY-MM` that lies some years after a date."""
    months = int((calendar_years(start) + years) * 12.0 + 1e-6)
    return f"{months // 12:04d}-{months % 12 + 1:02d}"
