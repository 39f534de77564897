"""The declarations of result tables, and the page made from them."""

from pathlib import Path

import pytest

from market_sim.results.columns import TABLES, Table, table
from market_sim.results.document import render
from market_sim.results.errors import ResultsError, TableNotRecorded
from market_sim.results.names import Names
from market_sim.results.vocabulary import SIGNALS, UNIT_OF_SIGNAL, UNITS, closed_names

FIXED = {  # what users script against
    "concentration": "replicate tick date market basis hhi cr1 cr4 effective_firms entropy gini",
    "shares": "replicate tick date market basis entity kind quantity share",
    "signals": "replicate tick date signal group value unit",
    "contracts": "replicate contract lab provider provider_kind chip chips usd_per_chip_hour scarcity_rent "
    "lot signed promised started ends ended status",
}


@pytest.mark.parametrize("name", FIXED)
def test_columns_that_users_script_against_are_there_in_order(name: str) -> None:
    """Each table has the promised columns, in the promised order; others may stand between."""
    promised = FIXED[name].split()
    assert [column.name for column in TABLES[name].columns if column.name in promised] == promised


@pytest.mark.parametrize("declared", TABLES.values(), ids=TABLES)
def test_every_declaration_is_whole(declared: Table, names: Names) -> None:
    """Column names differ; key and sources are columns; enums have a list; all have a unit and meaning."""
    columns = [column.name for column in declared.columns]
    assert len(set(columns)) == len(columns)
    assert set(declared.key) <= set(columns)
    assert {column.source for column in declared.columns} - {""} <= set(columns)
    assert all(column.unit and column.meaning for column in declared.columns)
    assert all(bool(column.vocabulary) == (column.dtype == "enum") for column in declared.columns)
    assert {column.vocabulary for column in declared.columns} - {""} <= set(names)


def test_every_signal_has_its_unit() -> None:
    """The code of a signal leads to the code of its own unit."""
    assert [UNITS[code] for code in UNIT_OF_SIGNAL] == [signal.unit for signal in SIGNALS]


def test_words_of_a_closed_list_differ() -> None:
    """No word stands twice in a list, or codes would be ambiguous."""
    assert all(len(set(words)) == len(words) for words in closed_names().values())


def test_an_unknown_table_is_named_with_those_there_are() -> None:
    """Asking for a table that is not declared says which are."""
    with pytest.raises(TableNotRecorded, match=r"'share'.*shares") as caught:
        table("share")
    assert isinstance(caught.value, ResultsError)
    assert isinstance(caught.value, KeyError)
    assert not str(caught.value).startswith('"')


def test_the_page_is_what_the_declarations_say() -> None:
    """docs/results.md is the rendering, to the letter."""
    page = Path(__file__).parents[2] / "docs" / "results.md"
    assert page.read_text(encoding="utf-8") == render()


def test_the_page_names_every_column_and_word() -> None:
    """No column, signal or word of a closed list is left out of the page."""
    page = render()
    words = {word for listed in closed_names().values() for word in listed} - set(UNITS)
    columns = {column.name for declared in TABLES.values() for column in declared.columns}
    assert not [word for word in words | columns if f"`{word}`" not in page]
