"""Refusals: whatever is wrong with the input, one message says where, what was there and what was wanted."""

from pathlib import Path

import pytest
from toy_market import BASE, Market

from market_sim.scenario.load import ScenarioError, load_scenario, loads


def complaint_about(text: str) -> str:
    """The message that a scenario text is refused with."""
    with pytest.raises(ScenarioError) as error:
        loads(text, origin="my.toml", schema=Market)
    return str(error.value)


def changed(old: str, new: str) -> str:
    """The base text with one piece replaced."""
    assert old in BASE
    return BASE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wacc = 0.2", "wac = 0.2", ['provider."Lambda Labs".wac', "0.2", "did you mean 'provider"]),
        ("wacc = 0.2", "wacc = 'high'", ["wacc", '"high"', "a number in 1/year"]),
        ("wacc = 0.2", "wacc = 1.2", ["wacc = 1.2", "0 to 1"]),
        ("wacc = 0.2", "wacc = nan", ["wacc", "finite"]),
        ("wacc = 0.2", "wacc = inf", ["wacc", "finite"]),
        ("wacc = 0.2", "wacc = true", ["wacc", "a number"]),
        ("wacc = 0.2", "wacc = [0.2]", ["wacc", "a number"]),
        ("wacc = 0.2", "wacc = 2025-01-01", ["wacc", "a number"]),
        ("wacc = 0.2", "kind = 'neoclod'", ["one of", "did you mean 'neocloud'"]),
        ("wacc = 0.2", "active = 'yes'", ["active", "true or false"]),
        ("wacc = 0.2", "sites = {dist = 'uniform', low = 1, high = 2}", ["sites", "cannot be drawn"]),
        ("wacc = 0.2", "quote = 3", ["quote = 3", "a table"]),
        ("wacc = 0.2", "chips = ['H100', 'H100']", ["'H100' is there twice"]),
        ("wacc = 0.2", "chips = 'H100'", ["list of names"]),
        ("wacc = 0.2", "terms = [1.0]", ["list of 2 numbers"]),
        ("wacc = 0.2", "terms = [1.0, -1.0]", ["item 2", "0 or more"]),
        ("power = 500.0", "power = '5 GW'", ['"5 GW"', "a number in MW", "without 'GW'"]),
        ("power = 500.0", "power = '500'", ["a number in MW, written without quotes"]),
        ("power = 500.0", "", ["provider.CoreWeave.power", "missing", "(MW)", "Power it may draw"]),
        ("supply = 2e6", "supply = -1.0", ["vendor.NVIDIA.supply = -1.0", "0 or more"]),
        ('vendor = "NVIDIA"', 'vendor = "NVIDA"', ["not defined as a vendor", "did you mean 'NVIDIA'"]),
        ('chips = ["H100"]', 'chips = ["H10"]', ["'H10' is not defined as a chip", "did you mean 'H100'"]),
        ("fleet = {H100", "fleet = {B100", ["'B100' is not defined as a chip"]),
        ('name = "base"', 'start = "2025-13"', ["start", 'a month as "YYYY-MM"']),
        ('name = "base"', 'start = "2025-02-30"', ["a date that exists"]),
        ('name = "base"', "term = 3.0", ["term = 3", "at most 2 years, the length of the run"]),
        ('name = "base"', "ticks = 0", ["ticks = 0", "1 to 1000"]),
        ('name = "base"', "tick_months = {dist = 'uniform', low = 1, high = 2}", ["same in every replicate"]),
        ('name = "base"', "lots = [{dist = 'uniform', low = 1, high = 2}]", ["same in every replicate"]),
        ('name = "base"', "software.floor = 0.95", ["software.ceiling", "at least the floor"]),
        ('name = "base"', "software.path = [['2026-01', 0.1], ['2025-01', 0.2]]", ["in order of date"]),
        ('name = "base"', "software.path = []", ["at least 1 points"]),
        ('name = "base"', "software.path = [['2026-01', 3.0]]", ["at 2026-01", "0 to 1"]),
        ('name = "base"', "wacc = 0.1", ["did you mean 'provider.*.wacc'"]),
        ('name = "base"', "extends = 3", ["extends = 3", "the name of one scenario file"]),
    ],
)
def test_a_wrong_value_is_refused_with_place_value_and_remedy(old: str, new: str, said: list[str]) -> None:
    """The line names the file, the key path, the value, what was wanted and the nearest valid name."""
    message = complaint_about(changed(old, new))
    assert message.startswith("my.toml: ")
    for piece in said:
        assert piece in message
    assert "\n" not in message


@pytest.mark.parametrize("kind", ["vendor", "provider"])
def test_an_empty_market_is_refused(kind: str) -> None:
    """No vendors or no providers: there is nothing to simulate."""
    entries = {"vendor": "vendor.NVIDIA", "provider": "provider.CoreWeave"}
    other = next(entry for name, entry in entries.items() if name != kind)
    held = "power = 1.0" if kind == "vendor" else "supply = 1.0"
    assert "the market would be empty" in complaint_about(f"[{other}]\n{held}\n")
    assert "the market would be empty" in complaint_about(f"{kind} = {{}}\n[{other}]\n{held}\n")


def test_a_draw_out_of_bounds_is_refused_before_any_is_made() -> None:
    """Bounds hold for the whole support of a distribution."""
    message = complaint_about(changed("wacc = 0.2", 'wacc = {dist = "normal", mean = 0.1, sd = 0.05}'))
    assert "every draw 0 to 1" in message
    assert "reach from -inf to inf" in message


def test_several_mistakes_are_told_together_each_on_a_line() -> None:
    """The first five are shown and the rest counted."""
    text = BASE.replace("power = 500.0", "power = -1.0\nwacc = 2\nkind = 'x'\nsites = 0.5\nactive = 3\nq = 1\nr = 2")
    lines = complaint_about(text).splitlines()
    assert len(lines) == 6
    assert all(line.startswith("my.toml: provider.CoreWeave.") for line in lines[:5])
    assert lines[5] == "and 2 more"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[chip.A]\n[chip.A]\n", "line 2: '[chip.A]' gives a name a second time"),
        ("ticks = 1\nticks = 2\n", "a second time"),
        ("ticks = \n", "line 1 is not TOML"),
        ("[chip\nx = 1", "line 1 is not TOML"),
        ("x = " + "[" * 20_000 + "]" * 20_000, "nested too deep"),
        ("x = " + "9" * 5_000, "not TOML"),
    ],
)
def test_text_that_is_not_toml_is_refused_with_its_line(text: str, said: str) -> None:
    """Duplicate names, broken syntax, endless nesting and numbers beyond reading."""
    assert said in complaint_about(text)


def test_a_file_that_is_no_scenario_is_refused_before_parsing(tmp_path: Path) -> None:
    """Binary, wrongly encoded, oversized, missing, or a folder: each said in its own words."""
    path = tmp_path / "s.toml"
    for content, said in [
        (b"a = 1\0", "binary"),
        (b"a = '\xff'", "line 1 is not UTF-8"),
        (b"#" * 10_000_001, "10 MB"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ScenarioError, match=said):
            load_scenario(path, schema=Market)
    with pytest.raises(ScenarioError, match=r"this is a folder; wanted a scenario file, such as .*s\.toml"):
        load_scenario(tmp_path, schema=Market)
    with pytest.raises(ScenarioError, match=r"no such file; did you mean .*s\.toml"):
        load_scenario(tmp_path / "ss.toml", schema=Market)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Editors on some systems write one."""
    path = tmp_path / "s.toml"
    path.write_text(BASE, encoding="utf-8-sig")
    assert load_scenario(path, schema=Market).name == "base"


def test_an_error_names_the_file_that_said_it(tmp_path: Path) -> None:
    """A value from the overlay is the overlay's fault; a new firm hints at the name it may be meant for."""
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "over.toml").write_text('extends = "base.toml"\n[provider.CoreWaeve]\nwacc = 0.3\n')
    with pytest.raises(ScenarioError, match=r"over\.toml: provider\.CoreWaeve\.power.*mean 'CoreWeave'"):
        load_scenario(tmp_path / "over.toml", schema=Market)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('"provider.*.wac" = {source = "x"}', "did you mean 'provider.*.wacc'"),
        ('"provider.CoreWaeve.wacc" = {source = "x"}', "there is no provider.CoreWaeve"),
        ('"provider.*.wacc" = {source = "x", standing = "sure"}', "wanted standing one of"),
        ('"provider.*.wacc" = {sorce = "x"}', "has no 'sorce'"),
        ('"provider.*.wacc" = "x"', "wanted {source"),
    ],
)
def test_a_wrong_source_entry_is_refused(entry: str, said: str) -> None:
    """A pattern no field can match, an unknown firm, a wrong standing or a wrong shape."""
    assert said in complaint_about(BASE + entry + "\n")
