"""Renders docs/results.md: `python -m market_sim.results.document > docs/results.md`."""

from collections.abc import Iterable, Sequence

from market_sim.results.columns import TABLES, Column, Table
from market_sim.results.manifest import FORMAT_VERSION
from market_sim.results.vocabulary import CLOSED, MARKETS, SECTORS, SIGNALS

HEAD = f"""# Results

Generated from `market_sim/results/columns.py` and `vocabulary.py`; edit those.

A run folder holds `manifest.json`, `scenario.toml` and one folder of Parquet parts per table,
`<table>/<part>.parquet` (zstd). The format's version is {FORMAT_VERSION}.

```python
import polars
from market_sim.results.read import read_runs

runs = read_runs("runs/*")  # a folder, a glob, or a list of them
runs["concentration"]  # a polars LazyFrame, with columns scenario, seed and run in front
runs.incomplete  # names of runs that were not brought to their end
polars.scan_parquet("runs/NAME/concentration/*.parquet")  # one run, without this package
```

Rows of a part are unique by the table's key and sorted by it. A name is a polars Enum whose categories are
the names of the scenario, the same in all parts of a run. A null says that there is no such number. A date
is the scenario's start plus calendar months; a tick's date is the day it opens, while stocks are as at its
end.

## manifest.json

`format_version`, `scenario` (its name), `scenario_sha256` (of `resolved` as canonical JSON), `seed`,
`replicates`, `first_replicate`, `command`, `versions`, `started`, `finished`, `complete`, `tables` (those
recorded), `light` (true where single firms and chips were recorded at year ends alone), `parts` (each with
table, part, rows, bytes and sha256 of its file), `names` (vocabulary to names, in the order of the enums'
codes) and `resolved` (the resolved scenario). A file that `parts` does not name does not count. While
`complete` is false the run is unfinished: what `parts` names is whole, but more was to come.
"""


def render() -> str:
    """The whole page, as Markdown."""
    sections = [
        HEAD,
        "## Tables\n",
        *(_table(declared) for declared in TABLES.values()),
        "## Names\n",
        _names(),
    ]
    return "\n".join(sections)


def _table(declared: Table) -> str:
    lines = _rows(("column", "type", "unit", "meaning"), (_column(column) for column in declared.columns))
    grain = declared.grain.capitalize()
    key = ", ".join(f"`{name}`" for name in declared.key)
    return f"### {declared.name}\n\n{declared.meaning} {grain}; sorted by {key}.\n\n{lines}"


def _column(column: Column) -> tuple[str, str, str, str]:
    kind = f"enum of {column.vocabulary}" if column.dtype == "enum" else column.dtype
    return f"`{column.name}`", kind + ", or null" * column.nullable, column.unit, column.meaning


def _names() -> str:
    listed = {name: terms for name, terms in CLOSED.items()} | {"market": MARKETS, "sector": SECTORS}
    lists = [
        f"### {name}\n\n" + _rows(("name", "meaning"), ((f"`{term.name}`", term.meaning) for term in terms))
        for name, terms in listed.items()
    ]
    signals = ((f"`{signal.name}`", signal.unit, signal.by, signal.meaning) for signal in SIGNALS)
    lists.append("### signal\n\n" + _rows(("name", "unit", "by", "meaning"), signals))
    return "\n".join([OPEN_LISTS, *lists])


OPEN_LISTS = """The lists `vendor`, `provider`, `lab`, `chip`, `stack` and `segment` come from the scenario.
Joined from them: `entity` (vendors, providers, labs, stacks), `buyer` (providers, labs), `seller` (providers,
vendors), `holder` (vendors, providers, labs, and the sectors below), `group` (`all`, kinds, entities, chips)
and `market` (those below, and `buyers of X` for each vendor X). The other lists are the same in every run.
"""


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    print(render(), end="")
