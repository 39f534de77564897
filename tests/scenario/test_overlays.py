"""Overlays and `--set`: a scenario says only what differs, table by table."""

from pathlib import Path

import pytest
from toy_market import BASE, Market

from market_sim.scenario import files
from market_sim.scenario.canonical import scenario_hash
from market_sim.scenario.distributions import Lognormal, Uniform
from market_sim.scenario.keys import key_parts, key_path
from market_sim.scenario.load import ScenarioError, load_scenario, loads, parse_override, with_overrides


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the base scenario in it."""
    (tmp_path / "base.toml").write_text(BASE)
    return tmp_path


def overlay(folder: Path, text: str, name: str = "over.toml") -> Market:
    """The base with an overlay of this text on it."""
    (folder / name).write_text('extends = "base.toml"\n' + text)
    return load_scenario(folder / name, schema=Market)


def test_an_overlay_changes_what_it_says_and_nothing_else(folder: Path) -> None:
    """One firm's cost of capital moves; its power, the other firm and the chips stay."""
    made = overlay(folder, "[provider.CoreWeave]\nwacc = 0.3\n")
    base = load_scenario(folder / "base.toml", schema=Market)
    assert made.provider["CoreWeave"].wacc == 0.3
    assert made.provider["CoreWeave"].power == base.provider["CoreWeave"].power == 500.0
    assert made.provider["Lambda Labs"] == base.provider["Lambda Labs"]
    assert made.chip == base.chip


def test_a_mapping_merges_and_a_distribution_is_replaced_whole(folder: Path) -> None:
    """Chips of a fleet add up over layers; a uniform does not inherit the lognormal's median."""
    text = '[provider.CoreWeave.fleet]\n"TPU v5.e" = 7.0\nH100 = {dist = "uniform", low = 1.0, high = 2.0}\n'
    assert overlay(folder, text).provider["CoreWeave"].fleet == {"H100": Uniform(1.0, 2.0), "TPU v5.e": 7.0}


def test_a_number_replaces_a_distribution_and_the_other_way(folder: Path) -> None:
    """Either stands where the other stood."""
    text = '[provider."Lambda Labs"]\npower = 3.0\nwacc = {dist = "uniform", low = 0.1, high = 0.2}\n'
    firm = overlay(folder, text).provider["Lambda Labs"]
    assert (firm.power, firm.wacc) == (3.0, Uniform(0.1, 0.2))


def test_remove_takes_an_entry_or_a_value_away(folder: Path) -> None:
    """A removed firm is gone, a removed value falls back to its default."""
    made = overlay(folder, 'provider."Lambda Labs" = {remove = true}\nvendor.NVIDIA.supply = {remove = true}\n')
    assert list(made.provider) == ["CoreWeave"]
    assert made.vendor["NVIDIA"].supply == 1e6


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("provider.CoreWaeve = {remove = true}", "did you mean 'provider.CoreWeave'"),
        ("provider.CoreWeave = {remove = true, wacc = 0.1}", "nothing beside it"),
        ("provider.CoreWeave = {remove = false}", "wanted remove = true"),
    ],
)
def test_remove_is_refused_where_it_means_nothing(folder: Path, text: str, complaint: str) -> None:
    """A misspelt name, company beside `remove`, or `remove = false`."""
    with pytest.raises(ScenarioError, match=complaint):
        overlay(folder, text)


def test_overlays_stack(folder: Path) -> None:
    """A third layer sees what the second changed."""
    overlay(folder, "[vendor.NVIDIA]\nsupply = 5.0\n")
    (folder / "third.toml").write_text('extends = "over.toml"\nticks = 30\n')
    made = load_scenario(folder / "third.toml", schema=Market)
    assert (made.vendor["NVIDIA"].supply, made.ticks, made.name) == (5.0, 30, "base")


@pytest.mark.parametrize(
    ("parent", "complaint"),
    [
        ("over.toml", "loop: over.toml -> over.toml"),
        ("../base.toml", "leads out of"),
        ("/etc/passwd", "relative to this file"),
        ("bse.toml", "did you mean .*base.toml"),
    ],
)
def test_extends_stays_in_its_tree_and_ends(folder: Path, parent: str, complaint: str) -> None:
    """Loops, absolute paths, ways out of the folder and missing files are refused."""
    (folder / "over.toml").write_text(f'extends = "{parent}"\n')
    with pytest.raises(ScenarioError, match=complaint):
        load_scenario(folder / "over.toml", schema=Market)


def test_a_link_out_of_the_tree_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A symbolic link is judged by where it leads."""
    outside = tmp_path_factory.mktemp("outside") / "secret.toml"
    outside.write_text(BASE)
    (folder / "link.toml").symlink_to(outside)
    (folder / "over.toml").write_text('extends = "link.toml"\n')
    with pytest.raises(ScenarioError, match="leads out of"):
        load_scenario(folder / "over.toml", schema=Market)


def test_a_longer_loop_is_told_as_a_chain(folder: Path) -> None:
    """a extends b extends a."""
    (folder / "a.toml").write_text('extends = "b.toml"\n')
    (folder / "b.toml").write_text('extends = "a.toml"\n')
    with pytest.raises(ScenarioError, match=r"a\.toml -> b\.toml -> a\.toml"):
        load_scenario(folder / "a.toml", schema=Market)


@pytest.mark.parametrize("installed", [True, False])
def test_shipped_scenarios_are_found_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """Beside the package or inside it, a shipped scenario loads and is extended by its bare name."""
    package = tmp_path / "market_sim" / "scenario"
    home = package / "shipped" if installed else tmp_path / "scenarios"
    (home / "theses").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (home / "baseline.toml").write_text(BASE)
    (home / "theses" / "slow.toml").write_text('extends = "baseline"\nticks = 30\n')
    package.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(files, "HERE", package)
    assert list(files.shipped()) == ["baseline", "theses/slow"]
    assert load_scenario("theses/slow", schema=Market).ticks == 30
    assert loads('extends = "baseline.toml"\nticks = 9\nterm = 0.5', schema=Market).ticks == 9
    with pytest.raises(ScenarioError, match="did you mean the shipped scenario 'baseline'"):
        load_scenario("basline.toml", schema=Market)


def test_set_reaches_names_with_dots_and_every_entry() -> None:
    """Quoted parts keep their dots; `*` stands for all names of a table."""
    made = loads(BASE, {'chip."TPU v5.e".power': 0.4, "provider.*.wacc": 0.5}, schema=Market)
    assert made.chip["TPU v5.e"].power == 0.4
    assert [firm.wacc for firm in made.provider.values()] == [0.5, 0.5]


def test_set_reaches_inside_lists_mappings_and_distributions() -> None:
    """One place of a list, one name of a mapping, one argument of a distribution; the rest stays."""
    made = loads(
        BASE,
        {
            "provider.CoreWeave.terms.0": 1.9,
            "provider.CoreWeave.fleet.H100.median": 5.0,
            "provider.*.quote.markup": 1.5,
            "software.factors.1": 4.0,
        },
        schema=Market,
    )
    firm = made.provider["CoreWeave"]
    assert firm.terms == [1.9, Uniform(0.8, 1.0)]
    assert firm.fleet == {"H100": Lognormal(5.0, 0.2)}
    assert (firm.quote.markup, made.software.factors) == (1.5, [1.0, 4.0])


def test_set_can_add_and_remove_an_entry() -> None:
    """A table under a new name is a new firm, `remove = true` takes one away."""
    made = loads(BASE, {"provider.New": {"power": 1.0}, 'provider."Lambda Labs"': {"remove": True}}, schema=Market)
    assert list(made.provider) == ["CoreWeave", "New"]


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("provider.CoreWaeve.wacc", "did you mean 'provider.CoreWeave.wacc'"),
        ("provider.CoreWeave.wac", "did you mean 'provider.CoreWeave.wacc'"),
        ("provider.wacc", r"or \* for all"),
        ("wacc", r"did you mean 'provider.\*.wacc'"),
        ("softwear.floor", "did you mean 'softwear'|did you mean 'software'"),
        ("provider.CoreWeave.wacc.low.x", "single value"),
        ("provider.CoreWeave.terms.7", "position from 0 to 1"),
        ("provider.CoreWeave.wacc", "0 to 1"),
        ("", "not a dotted key path"),
        ('provider."open', "not a dotted key path"),
    ],
)
def test_a_wrong_set_names_the_nearest_key(key: str, complaint: str) -> None:
    """Misspelt sections, fields and firms are answered with the nearest valid key path."""
    with pytest.raises(ScenarioError, match=complaint) as error:
        loads(BASE, {key: 7.0}, schema=Market, said_by="--set")
    assert str(error.value).startswith("--set")


def test_values_set_in_python_are_told_as_such() -> None:
    """Whoever never typed `--set` is not told of it."""
    for key, value in (("provider.CoreWeave.wacc", 7.0), ("provider.CoreWeave.wac", 0.1), ("a..b", 1.0)):
        with pytest.raises(ScenarioError, match=r"^overrides"):
            loads(BASE, {key: value}, schema=Market)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a.b=3", "a.b", 3),
        ("a=1e3", "a", 1000.0),
        ("a = true", "a", True),
        ("a=fast", "a", "fast"),
        ("a=5 GW", "a", "5 GW"),
        ("a=", "a", ""),
        ('a="x=y"', "a", "x=y"),
        ('c."x=1".b=2', 'c."x=1".b', 2),
        ("a=[1, 2]", "a", [1, 2]),
        ('a={dist="uniform", low=1, high=2}', "a", {"dist": "uniform", "low": 1, "high": 2}),
        ("a=1\nb=2", "a", "1\nb=2"),
    ],
)
def test_a_set_value_is_toml_and_a_bare_word_is_text(text: str, key: str, value: object) -> None:
    """What TOML reads keeps its type; what it cannot read is text; no second key slips in."""
    assert parse_override(text) == (key, value)


def test_a_set_without_an_equals_sign_is_refused() -> None:
    """`--set ticks` says what was wanted."""
    with pytest.raises(ScenarioError, match="wanted key=value"):
        parse_override("ticks")


@pytest.mark.parametrize("parts", [("a", "b"), ("provider", "Lambda Labs", "wacc"), ("x", 'say "hi".', "é=1")])
def test_key_paths_survive_being_written_and_read(parts: tuple[str, ...]) -> None:
    """Names with dots, spaces, quotes and signs come back as they were."""
    assert key_parts(key_path(parts)) == parts


def test_overrides_on_a_loaded_scenario_equal_overrides_while_loading() -> None:
    """Either way the same scenario, and the first one is left as it was."""
    base = loads(BASE, {"provider.CoreWeave.terms.0": 1.7}, schema=Market)
    before = scenario_hash(base)
    later = with_overrides(base, {"provider.CoreWeave.terms.1": 0.9, "ticks": 40})
    both = {"provider.CoreWeave.terms.0": 1.7, "provider.CoreWeave.terms.1": 0.9, "ticks": 40}
    assert later == loads(BASE, both, schema=Market)
    assert scenario_hash(base) == before != scenario_hash(later)
