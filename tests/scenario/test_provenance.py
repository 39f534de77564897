"""Provenance and canonical form: every number answers for itself, a scenario survives being written."""

import json
import pickle
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from toy_market import BASE, Market

from market_sim.scenario.canonical import as_tree, resolved_toml, scenario_hash
from market_sim.scenario.document import parameter_rows, parameters_json, parameters_markdown
from market_sim.scenario.load import load_scenario, loads
from market_sim.scenario.provenance import provenance, unsourced


def test_the_most_specific_pattern_wins() -> None:
    """A firm's own entry beats the one for all firms; the note comes with it."""
    scenario = loads(BASE, schema=Market)
    own = provenance(scenario, "provider.CoreWeave.power")
    assert (own.source, own.standing, own.note) == ("10-K", "sourced", "year end")
    assert provenance(scenario, 'provider."Lambda Labs".power').source == "filings"
    assert provenance(scenario, "provider.CoreWeave.fleet.H100").source == "10-K"


def test_a_default_answers_with_its_declaration() -> None:
    """What no file says is as well founded as its field."""
    entry = provenance(loads(BASE, schema=Market), "chip.H100.power")
    assert (entry.source, entry.standing, entry.origin) == ("datasheet", "sourced", "default")


def test_numbers_without_a_source_are_listed() -> None:
    """One firm's cost of capital and the term have no entry; what has one, or is a default, is not listed."""
    assert unsourced(loads(BASE, schema=Market)) == ['provider."Lambda Labs".wacc']


def test_a_later_value_does_not_borrow_an_earlier_source(tmp_path: Path) -> None:
    """The baseline's filing says nothing about a number that an overlay or `--set` put in its place."""
    (tmp_path / "base.toml").write_text(BASE)
    over = tmp_path / "over.toml"
    over.write_text('extends = "base.toml"\n[provider.CoreWeave]\npower = 900.0\n')
    scenario = load_scenario(over, {"vendor.NVIDIA.supply": 1.0}, schema=Market)
    assert provenance(scenario, "provider.CoreWeave.power").source == ""
    assert set(unsourced(scenario)) == {
        'provider."Lambda Labs".wacc',
        "provider.CoreWeave.power",
        "vendor.NVIDIA.supply",
    }
    over.write_text(over.read_text() + '[sources]\n"provider.*.power" = {source = "what if"}\n')
    entry = provenance(load_scenario(over, schema=Market), "provider.CoreWeave.power")
    assert (entry.source, entry.standing) == ("what if", "illustrative")


def test_the_resolved_text_loads_to_an_equal_scenario() -> None:
    """Every field, every distribution and every source comes back; a second writing is the same text."""
    scenario = loads(BASE, {"provider.*.quote.markup": 1.3}, schema=Market)
    text = resolved_toml(scenario)
    again = loads(text, schema=Market)
    assert again == scenario
    assert scenario_hash(again) == scenario_hash(scenario)
    assert resolved_toml(again) == text
    assert provenance(again, "provider.CoreWeave.power").note == "year end"
    assert set(tomllib.loads(text)) - {"sources"} == set(Market.declarations)


NAMES = some.text(some.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
POWERS = some.one_of(
    some.floats(0, 1e9),
    some.floats(0.01, 10).map(lambda sigma: {"dist": "lognormal", "median": 2.0, "sigma": sigma}),
    some.floats(0, 5).map(lambda low: {"dist": "triangular", "low": low, "mode": low + 1, "high": 9.0}),
)


@settings(max_examples=60, deadline=None)
@given(firms=some.dictionaries(NAMES, POWERS, min_size=1, max_size=4), about=some.text(max_size=20))
def test_any_names_and_numbers_survive_the_round_trip(firms: dict[str, object], about: str) -> None:
    """Names in any script, with dots, quotes or spaces, and every float come back exactly."""
    tree = {
        "name": about.encode("utf-8", "ignore").decode(),
        "vendor": {"NVIDIA": {}},
        "provider": {name: {"power": power} for name, power in firms.items()},
    }
    scenario = Market.model_validate(tree)
    again = loads(resolved_toml(scenario), schema=Market)
    assert as_tree(again) == as_tree(scenario)
    assert list(again.provider) == list(firms)


def test_the_hash_moves_with_every_value_and_not_with_comments_or_sources() -> None:
    """A number changed is another scenario; a remark is not."""
    base = scenario_hash(loads(BASE, schema=Market))
    assert base != scenario_hash(loads(BASE, {"term": 0.5}, schema=Market))
    assert base == scenario_hash(loads("# remark\n" + BASE.split("[sources]")[0], schema=Market))
    assert len(base) == 64


def test_a_scenario_travels_between_processes() -> None:
    """Pickled and back it is equal, and still knows its sources."""
    scenario = loads(BASE, schema=Market)
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario
    assert provenance(again, "provider.CoreWeave.power").source == "10-K"


def test_the_parameter_reference_has_a_row_for_every_field() -> None:
    """Type, unit, default, bounds, meaning, source and standing, under a key path with * for names."""
    rows = {row.key_path: row for row in parameter_rows(Market)}
    power = rows["chip.*.power"]
    assert (power.unit, power.default, power.bounds, power.source) == ("kW", "0.7", "above 0", "datasheet")
    assert rows["provider.*.power"].default == "required"
    assert rows["provider.*.limit"].default == "unset"
    assert rows["provider.*.kind"].type == "one of hyperscaler, neocloud"
    assert rows["provider.*.fleet"].type == "number by chip name"
    assert rows["tick_months"].type == "number"
    assert rows["provider.*.quote.markup"].bounds == "1 or more"
    assert json.loads(parameters_json(Market))[0]["key_path"] == "name"


def test_the_reference_page_shows_every_section() -> None:
    """One table a section, under its key path; a bar within a cell is escaped."""
    page = parameters_markdown(Market)
    for heading in ("## `software`", "## `provider.*`", "## `provider.*.quote`"):
        assert heading in page
    assert page.count("| `power` |") == 2


def test_an_unknown_key_path_has_no_provenance() -> None:
    """A path the schema does not know raises KeyError."""
    with pytest.raises(KeyError):
        provenance(loads(BASE, schema=Market), "provider.CoreWeave.wac")
