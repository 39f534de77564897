"""The parameter reference: every declaration of a schema as a row, in Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from market_sim.scenario.declare import Declaration, Section
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.keys import key_path, patterns

WORDS = {
    "number": "number or distribution",
    "whole": "whole number",
    "numbers": "list of numbers",
    "series": "path in time",
    "flag": "true or false",
    "month": "month",
    "text": "text",
}


@dataclass(frozen=True)
class ParameterRow:
    """One parameter as the documentation shows it; `*` in the key path stands for a name."""

    key_path: str
    type: str
    unit: str
    default: str
    bounds: str
    meaning: str
    source: str
    standing: str


def parameter_rows(schema: type[Section]) -> list[ParameterRow]:
    """A row for every field that holds a value, in order of declaration."""
    tables = ("table", "named")
    return [_row(key_path(path), one) for path, one in patterns(schema) if one.form not in tables]


def _row(path: str, declaration: Declaration) -> ParameterRow:
    numeric = bool(declaration.unit)
    return ParameterRow(
        key_path=path,
        type=kind(declaration),
        unit=declaration.unit,
        default="required" if declaration.required else shown_default(declaration),
        bounds=declaration.bounds if numeric or declaration.form == "month" else "",
        meaning=declaration.meaning,
        source=declaration.source,
        standing=declaration.standing if numeric else "",
    )


def kind(declaration: Declaration) -> str:
    """What a field holds, in words."""
    if declaration.form == "choice":
        return "one of " + ", ".join(declaration.options)
    refers = declaration.refers.replace("|", " or ")
    if declaration.form == "names":
        return f"list of {refers} names"
    if declaration.form == "mapping":
        return f"number by {refers} name"
    if declaration.form == "text" and refers:
        return f"{refers} name"
    if declaration.fixed:
        return "number"
    return WORDS[declaration.form]


def shown_default(declaration: Declaration) -> str:
    """A default as a scenario file would write it; `unset` for an optional field."""
    value = declaration.default
    if value is None:
        return "unset"
    if isinstance(value, Distribution):
        value = value.as_table()
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def parameters_json(schema: type[Section]) -> str:
    """The rows as a JSON list of objects."""
    return json.dumps([asdict(row) for row in parameter_rows(schema)], indent=2, ensure_ascii=False)


def parameters_markdown(schema: type[Section]) -> str:
    """The rows as one Markdown table for each section, under the section's meaning."""
    lines = ["# Parameters", "", *_section_lines(schema, "", (schema.__doc__ or "").strip().split("\n\n")[0])]
    for path, declaration in patterns(schema):
        if declaration.form in ("table", "named"):
            title = key_path((*path, "*")) if declaration.form == "named" else key_path(path)
            lines += _section_lines(declaration.section, title, declaration.meaning)
    return "\n".join(lines).rstrip() + "\n"


def _section_lines(section: type[Section], title: str, meaning: str) -> Iterator[str]:
    """Heading, meaning and table of one section's own fields."""
    if title:
        yield from (f"## `{title}`", "")
    yield from (meaning, "")
    own = [_row(name, one) for name, one in section.declarations.items() if one.form not in ("table", "named")]
    if own:
        yield from (
            "| field | type | unit | default | bounds | meaning | source | standing |",
            "|" + "---|" * 8,
        )
        yield from (_cells(list(asdict(row).values())) for row in own)
        yield ""


def _cells(values: Sequence[Any]) -> str:
    first, *others = (str(value).replace("|", "\\|").replace("\n", " ") for value in values)
    return f"| `{first}` | " + " | ".join(others) + " |"
