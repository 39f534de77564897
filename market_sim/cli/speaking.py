"""Words for people and answers for scripts, each to its own stream."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

WIDTH_UNSEEN = 110  # columns of text that goes to a file or a pipe


def console() -> Any:
    """Where words for people go: the terminal, or stderr where stdout is none."""
    return console_on(sys.stdout if sys.stdout.isatty() else sys.stderr)


def console_on(stream: TextIO) -> Any:
    """Text and tables for people, as wide as the terminal."""
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else WIDTH_UNSEEN, highlight=False)


def say(text: str = "", *, style: str | None = None) -> None:
    """One line for people; the text is taken as it is, brackets and all."""
    console().print(text, style=style, markup=False, soft_wrap=True)


def show(renderable: Any) -> None:
    """Print a table for people."""
    console().print(renderable)


def answer(text: str) -> None:
    """One line on stdout, whoever reads it."""
    print(text)


def answer_json(value: Any) -> None:
    """One JSON object on stdout; a number that is none becomes null."""
    print(json.dumps(finite(value), ensure_ascii=False, allow_nan=False))


def finite(value: Any) -> Any:
    """Plain data with null for numbers that are none."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    broken = isinstance(value, float) and not math.isfinite(value)
    return None if broken else value


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> Any:
    """A table of text; the columns in `right` are set to the right, as numbers are. Names and numbers stay whole."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(columns):
        table.add_column(Text(name), justify="right" if at in right else "left", no_wrap=at == 0 or at in right)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
