"""The shipped scenarios: they load, every number has a source, and the figures agree with one another."""

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from market_sim.scenario.catalog import load_architectures, load_chips
from market_sim.scenario.declaration import STANDINGS
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.keys import key_path, leaves
from market_sim.scenario.load import load_scenario, shipped
from market_sim.scenario.provenance import numeric_paths, provenance, unsourced
from market_sim.scenario.schema import Scenario

OVERLAYS = (
    "cuda_erosion", "diverging_architectures", "multipolar_vendor", "fast_hyperscalers", "power_limited",
    "tpu_sold_outside", "demand_slump", "spec_sheet_choice",
)  # fmt: skip
MARKETS = ("baseline", "history_2023")
SHIPPED = (*MARKETS, *OVERLAYS)
HYPERSCALERS = ("Microsoft", "AWS", "Google", "Oracle", "Meta")
ROADMAPS = {
    "NVIDIA": ("Rubin", "NVIDIA 2028", "NVIDIA 2030", "NVIDIA 2032"),
    "AMD": ("MI455X", "AMD 2028", "AMD 2030", "AMD 2032"),
    "Google": ("TPU 8t", "TPU 2028", "TPU 2030", "TPU 2032"),
    "AWS": ("Trainium3", "Trainium 2027", "Trainium 2029", "Trainium 2031"),
    "Microsoft": ("Maia 200", "Maia 2028", "Maia 2030"),
    "Meta": ("MTIA 400", "MTIA 2028", "MTIA 2030"),
    "Huawei": ("Ascend 910C", "Ascend 2027", "Ascend 2029"),
}


@cache
def scenario(name: str) -> Scenario:
    return load_scenario(shipped()[name])


def middle(value: float | Distribution) -> float:
    """A number, or the mode or median of a distribution."""
    if not isinstance(value, Distribution):
        return value
    held = value.as_table()
    return float(held.get("mode", held.get("median", math.nan)))


def amounts(mapping: Mapping[str, float | Distribution]) -> Iterator[tuple[str, float]]:
    return ((name, middle(value)) for name, value in mapping.items())


def peak(market: Scenario, chip: str) -> float:
    """Dense bf16 peak over that of an H100."""
    table = load_chips()
    place = {name: at for at, name in enumerate(table.names)}
    row = place[market.chip[chip].catalog or chip]
    return float(table.peaks[row, 0] / table.peaks[place["H100-SXM"], 0])


def megawatts(market: Scenario, chips: Mapping[str, float | Distribution]) -> float:
    return sum(count * middle(market.chip[chip].power) for chip, count in amounts(chips)) / 1000.0


def owned(market: Scenario, provider: str) -> float:
    """H100-equivalents in service at a provider."""
    return sum(count * peak(market, chip) for chip, count in amounts(market.provider[provider].fleet))


def leaf_paths(tree: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and "dist" not in value:
            yield from leaf_paths(value, (*at, key))
        else:
            yield (*at, key)


def test_the_promised_scenarios_are_shipped() -> None:
    """Baseline, history and eight overlays stand in the folder."""
    assert set(SHIPPED) <= set(shipped())


@pytest.mark.parametrize("name", SHIPPED)
def test_it_loads_under_its_own_name_and_says_what_it_asks(name: str) -> None:
    """File name and scenario name agree, and `about` is more than a title."""
    loaded = scenario(name)
    assert loaded.name == name
    assert len(loaded.about) > 40


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_has_a_source_and_a_standing(name: str) -> None:
    """What a file sets is sourced there or beneath it; what it leaves alone, by its declaration.

    Whole numbers are settings of the run (ticks, deals a tick) and need no source.
    """
    loaded = scenario(name)
    settings = {path for path, declaration, _ in leaves(loaded) if declaration.form == "whole"}
    assert unsourced(loaded) == []
    for path in set(numeric_paths(loaded)) - settings:
        entry = provenance(loaded, key_path(path))
        assert entry.source, key_path(path)
        assert entry.standing in STANDINGS


def test_the_baseline_holds_the_promised_market() -> None:
    """6 vendors, 16 chips, 5 hyperscalers, 15 neoclouds, 12 model labs, 3 enterprise kinds, 120 ticks."""
    market = scenario("baseline")
    kinds = Counter(one.kind for one in market.provider.values() if one.active)
    buyers = Counter(one.kind for one in market.lab.values())
    assert (market.start, market.ticks) == ("2026-01", 120)
    assert len(market.vendor) >= 6
    assert len(market.chip) >= 16
    assert kinds == {"hyperscaler": 5, "neocloud": 15, "other": 1}
    assert sum(not one.active for one in market.provider.values()) in (2, 3)
    assert buyers["model_lab"] >= 12
    assert buyers["enterprise"] == 3


def test_history_starts_in_2023_and_holds_only_chips_of_its_years() -> None:
    """Three years from January 2023, and no chip later than 2025."""
    market = scenario("history_2023")
    assert (market.start, market.ticks) == ("2023-01", 36)
    assert all(chip.available < "2026" for chip in market.chip.values())


@pytest.mark.parametrize("name", MARKETS)
def test_chips_and_architectures_stand_in_the_catalogue(name: str) -> None:
    """Physics come from a catalogue row of the same vendor."""
    market, table = scenario(name), load_chips()
    vendors = dict(zip(table.names, table.vendors, strict=True))
    for key, chip in market.chip.items():
        assert vendors.get(chip.catalog or key) == chip.vendor, key
    assert {lab.architecture for lab in market.lab.values()} <= set(load_architectures().names)


@pytest.mark.parametrize("name", MARKETS)
def test_fleets_and_orders_are_of_chips_that_existed_and_may_be_bought(name: str) -> None:
    """What is in service was for sale before the start, is on the firm's list, and its maker sells to it."""
    market = scenario(name)
    for key, provider in market.provider.items():
        assert {*provider.fleet, *provider.on_order} <= set(provider.chips), key
        for chip in (*provider.fleet, *provider.on_order):
            assert market.chip[chip].available <= market.start, (key, chip)
            maker = market.vendor[market.chip[chip].vendor]
            assert maker.sells != "captive" or maker.owner == key, (key, chip)


@pytest.mark.parametrize("name", MARKETS)
def test_chips_are_taken_back_only_after_they_came(name: str) -> None:
    """Every chip is on sale for at least a year and costs less to make than its list price."""
    for key, chip in scenario(name).chip.items():
        assert int(chip.withdrawn[:4]) >= int(chip.available[:4]) + 1, key
        assert middle(chip.cost) < middle(chip.price), key


@pytest.mark.parametrize("name", MARKETS)
def test_contracts_cover_most_of_each_fleet_and_never_more(name: str) -> None:
    """Take-or-pay markets start nearly sold out, not oversold; a firm without a fleet has sold nothing."""
    market = scenario(name)
    sold = Counter[str]()
    for lab in market.lab.values():
        sold.update(dict(amounts(lab.holdings)))
    for key, provider in market.provider.items():
        low, high = (0.78, 0.98) if provider.fleet else (0.0, 0.0)
        assert low <= sold[key] <= high, (key, sold[key])


@pytest.mark.parametrize("name", MARKETS)
def test_sites_power_the_fleets_they_hold(name: str) -> None:
    """No fleet outgrows its sites, and no active firm starts with sites for several fleets."""
    market = scenario(name)
    for key, provider in market.provider.items():
        need, sites = megawatts(market, provider.fleet), middle(provider.power)
        assert need <= sites, key
        if provider.active:
            assert sites <= 1.5 * (need + megawatts(market, provider.on_order)) + 1.0, key


@pytest.mark.parametrize("name", MARKETS)
def test_power_at_the_site_is_board_power_and_its_surroundings(name: str) -> None:
    """Host, network and cooling add between a tenth and 1.8 times the board's own power."""
    market, table = scenario(name), load_chips()
    board = dict(zip(table.names, table.power_kw, strict=True))
    for key, chip in market.chip.items():
        assert 1.1 <= middle(chip.power) / board[chip.catalog or key] <= 2.8, key


@pytest.mark.parametrize("name", MARKETS)
def test_each_model_fits_in_the_memory_of_a_platform_its_lab_can_run_on(name: str) -> None:
    """Four scale-up domains of some chip that a lab rents and can program hold its 16-bit weights."""
    market, table, models = scenario(name), load_chips(), load_architectures()
    place = {key: at for at, key in enumerate(table.names)}
    size = dict(zip(models.names, models.total_params_b, strict=True))
    for key, lab in market.lab.items():
        rows = [
            place[market.chip[chip].catalog or chip]
            for provider in lab.holdings
            for chip in market.provider[provider].fleet
            if market.chip[chip].stack in lab.ports
        ]
        most = max(float(table.memory_gb[row] * table.domain_chips[row]) for row in rows)
        assert 2.0 * size[lab.architecture] <= 4.0 * most, key


@pytest.mark.parametrize("name", MARKETS)
def test_pools_start_at_the_revenue_of_their_labs(name: str) -> None:
    """The revenue potential of a pool is what those who draw on it earn, to a twentieth."""
    market = scenario(name)
    for key, pool in market.pool.items():
        earned = sum(middle(lab.revenue) for lab in market.lab.values() if lab.pool == key)
        assert middle(pool.start) == pytest.approx(earned, rel=0.05), key


def test_baseline_fleets_add_up_to_the_known_stock_of_compute() -> None:
    """15-20M H100-equivalents at the end of 2025; top five 71 %, NVIDIA 60 % or more, Google a quarter."""
    market = scenario("baseline")
    stock = {name: owned(market, name) for name in market.provider}
    world = sum(stock.values())
    nvidia = sum(
        count * peak(market, chip)
        for provider in market.provider.values()
        for chip, count in amounts(provider.fleet)
        if market.chip[chip].vendor == "NVIDIA"
    )
    assert 15e6 <= world <= 20e6
    assert sum(stock[name] for name in HYPERSCALERS) / world == pytest.approx(0.71, abs=0.03)
    assert 0.60 <= nvidia / world <= 0.72
    assert stock["Google"] / world == pytest.approx(0.25, abs=0.03)


def test_the_stock_grew_between_the_two_markets_as_history_says() -> None:
    """From January 2023 to January 2026 compute grew 2.7 to 4.1 times a year."""
    before, after = (
        sum(owned(scenario(name), key) for key in scenario(name).provider) for name in ("history_2023", "baseline")
    )
    assert 2.7 <= (after / before) ** (1.0 / 3.0) <= 4.1


@pytest.mark.parametrize(("name", "revenue", "low", "high"), [
    ("baseline", 4 * 62.3e9, 0.72, 0.78),
    ("history_2023", 4 * 4.1e9, 0.62, 0.74),
])  # fmt: skip
def test_nvidia_sells_what_its_filings_say_at_their_margin(name: str, revenue: float, low: float, high: float) -> None:
    """Packages that sell, at the list prices of what is on order and the networking that goes with it, give the last
    quarter's revenue and margin."""
    market = scenario(name)
    ordered = Counter[str]()
    for provider in market.provider.values():
        ordered.update({c: n for c, n in amounts(provider.on_order) if market.chip[c].vendor == "NVIDIA"})
    packages, sales, cost = (
        sum(n * middle(getattr(market.chip[c], field)) for c, n in ordered.items())
        for field in ("packages", "price", "cost")
    )
    beside = sum(n * middle(market.chip[c].server) * middle(market.chip[c].network) for c, n in ordered.items())
    supply = middle(market.vendor["NVIDIA"].supply) * middle(market.vendor["NVIDIA"].utilisation)
    assert supply * (sales + beside) / packages == pytest.approx(revenue, rel=0.15)
    assert low <= 1.0 - cost / sales <= high
    assert 0.2 <= packages / supply <= 0.5


def test_every_vendor_follows_the_same_roadmap_rule() -> None:
    """Illustrative successors come every two years by the same factors, so the roadmap favours nobody."""
    market, table = scenario("baseline"), load_chips()
    place = {name: at for at, name in enumerate(table.names)}
    for line in ROADMAPS.values():
        chips = [market.chip[key] for key in line]
        rows = [place[chip.catalog or key] for key, chip in zip(line, chips, strict=True)]
        for earlier, later, before, after in zip(chips, chips[1:], rows, rows[1:], strict=False):
            assert int(later.available[:4]) - int(earlier.available[:4]) == 2
            for field in ("price", "cost", "server", "power", "packages"):
                assert middle(getattr(later, field)) == pytest.approx(1.5 * middle(getattr(earlier, field)), rel=0.01)
            assert table.peaks[after, 0] == pytest.approx(2.2 * table.peaks[before, 0], rel=0.01)
            assert table.memory_tb_per_s[after] == pytest.approx(2.0 * table.memory_tb_per_s[before], rel=0.01)
            assert table.memory_gb[after] == pytest.approx(1.6 * table.memory_gb[before], rel=0.01)


def test_no_kind_of_firm_is_given_speed() -> None:
    """Neoclouds and hyperscalers ready a site in the same time at ordinary effort; speed has to be chosen."""
    for name in MARKETS:
        rivals = [one for one in scenario(name).provider.values() if one.kind != "other"]
        assert len({middle(one.site_months) for one in rivals}) == 1
        assert {middle(one.incentive) for one in rivals} == {1.0}


def test_the_baseline_draws_its_most_uncertain_numbers() -> None:
    """Between 12 and 25 distributions, among them the attraction exponent, before the fit over its whole range."""
    market = scenario("baseline")
    drawn = [path for path, _, value in leaves(market) if isinstance(value, Distribution)]
    assert 12 <= len(drawn) <= 25
    assert isinstance(market.trade.omega, Distribution)
    assert load_scenario("baseline", {"parameters_from": ""}).trade.omega.support == (0.0, 1.0)


def _value(market: Scenario, path: tuple[str, ...]) -> Any:
    at: Any = market
    for part in path:
        at = at[part] if isinstance(at, Mapping) else getattr(at, part)
    return at


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_says_only_what_differs_and_why(name: str) -> None:
    """It opens with a comment, extends the baseline, changes a handful of keys, and each to a new value."""
    path = Path(shipped()[name])
    text = path.read_text(encoding="utf-8")
    tree = tomllib.loads(text)
    said = [one for one in leaf_paths(tree) if one[0] not in ("extends", "name", "about", "sources")]
    assert text.startswith("# ")
    assert tree["extends"] == "baseline.toml"
    assert 1 <= len(said) <= 10
    for one in said:
        assert _value(scenario(name), one) != _value(scenario("baseline"), one), one


def test_tpus_go_outside_only_in_their_own_overlay() -> None:
    """The baseline places TPUs with Google and one neocloud; the overlay with at least six more providers."""

    def holders(market: Scenario) -> set[str]:
        return {key for key, one in market.provider.items() if "TPU 8t" in one.chips}

    before, after = holders(scenario("baseline")), holders(scenario("tpu_sold_outside"))
    assert before == {"Google", "Fluidstack"}
    assert len(after - before) >= 6
