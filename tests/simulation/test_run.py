"""Runs: the same bits however they are run, and what a run says of itself."""

import subprocess
import sys

import polars as pl
import pytest

import market_sim
from market_sim.results.columns import TABLES
from market_sim.results.errors import TableNotRecorded
from market_sim.results.read import read_runs
from market_sim.results.store import parquet_bytes
from market_sim.scenario.canonical import scenario_hash
from market_sim.simulation.observe import recorded
from market_sim.simulation.run import Run, chosen_replicates, run_info, simulate

SEED, TICKS = 3, 12  # as in conftest


@pytest.fixture(scope="module")
def alone(short_baseline):
    """Replicate 1 without its neighbours, by `simulate`."""
    return simulate(short_baseline, seed=SEED, replicates=(1,))


@pytest.mark.parametrize("name", TABLES)
def test_a_replicate_is_the_same_alone_and_in_a_chunk(name, alone, chunk) -> None:
    """Every table of replicate 1 has the same bytes whether it runs alone or among three."""
    among = chunk[name].filter(pl.col("replicate") == 1)
    assert among.height > 0
    assert parquet_bytes(among.rechunk()) == parquet_bytes(alone[name])


def test_running_twice_gives_the_same_bytes(short_baseline, alone) -> None:
    """A second run of the same scenario, seed and replicate writes the same bytes, table by table."""
    again = simulate(short_baseline, seed=SEED, replicates=(1,))
    assert {name: parquet_bytes(again[name]) for name in again} == {name: parquet_bytes(alone[name]) for name in alone}


def test_replicates_differ(chunk) -> None:
    """Replicates draw luck of their own."""
    hhi = chunk["concentration"].filter(pl.col("tick") == TICKS - 1).group_by("replicate").agg("hhi")
    assert len({tuple(row) for row in hhi["hhi"].to_list()}) == 3


def test_other_seeds_draw_other_luck(short_baseline) -> None:
    """The seed decides the luck."""
    one, other = (simulate(short_baseline, seed=seed, record="concentration")["concentration"] for seed in (4, 5))
    assert not one.equals(other)


def test_only_what_is_recorded_is_made(short_baseline, alone) -> None:
    """A list of tables makes those tables and no others, with the same rows."""
    found = simulate(short_baseline, seed=SEED, replicates=(1,), record=["signals", "concentration"])
    assert list(found) == ["concentration", "signals"]
    assert found["signals"].equals(alone["signals"])
    assert found.info.tables == ("concentration", "signals")


def test_an_unknown_table_is_refused_before_anything_runs(short_baseline) -> None:
    """Asking for a table that is not declared names those that are."""
    with pytest.raises(TableNotRecorded, match="signals"):
        simulate(short_baseline, record=["signal"])


def test_all_tables_are_recorded_by_default() -> None:
    """`all` stands for every declared table."""
    assert recorded("all") == tuple(TABLES)
    assert recorded("fit") == ("fit",)


@pytest.mark.parametrize("wrong", [(), (1, 1), (-1,), (0.5,), (True,)])
def test_replicates_are_distinct_whole_numbers(wrong) -> None:
    """What is no set of replicate numbers is refused."""
    with pytest.raises(ValueError, match="distinct whole numbers"):
        chosen_replicates(wrong)


@pytest.mark.parametrize("wrong", [-1, 2**63, 0.5, "1", True])
def test_a_seed_is_a_whole_number_that_results_can_hold(wrong, short_baseline) -> None:
    """What is none is refused before anything is drawn, wherever it is handed in."""
    from market_sim import MarketModel, run_batch
    from market_sim.experiments.errors import WrongRequest

    with pytest.raises(ValueError, match="wanted a whole number from 0 to"):
        simulate(short_baseline, seed=wrong)
    with pytest.raises(ValueError, match="wanted a whole number from 0 to"):
        MarketModel(short_baseline, rng=wrong)
    with pytest.raises(WrongRequest, match="wanted a whole number from 0 to"):
        run_batch(short_baseline, 1, "serial", seed=wrong)


def test_a_run_can_be_stopped_and_looked_at(short_baseline, alone) -> None:
    """Frames after three ticks are the first three ticks of the whole run; the run then goes on."""
    run = Run(short_baseline, seed=SEED, replicates=(1,), record=("concentration", "accounts"))
    for _ in range(3):
        run.step()
    for name, frame in run.frames().items():
        assert frame.equals(alone[name].filter(pl.col("tick") < 3))
    assert not run.done
    assert run.market.tick == 3


def test_a_run_ends(watched) -> None:
    """No tick comes after the last."""
    assert watched.done
    with pytest.raises(RuntimeError, match="over after its 12 ticks"):
        watched.step()


def test_a_run_says_what_it_is(short_baseline, chunk) -> None:
    """Names, seed, replicates and the scenario's hash, which names its folder."""
    info = run_info(short_baseline, seed=SEED, replicates=(2, 3), tables=("fit",), command="as told")
    assert (info.seed, info.replicates, info.first_replicate, info.command) == (SEED, 2, 2, "as told")
    assert info.folder_name == f"{short_baseline.name}-{SEED}-{scenario_hash(short_baseline)[:8]}"
    assert info.names["vendor"] == tuple(short_baseline.vendor)
    assert chunk.replicates == 3


def test_a_run_can_be_written_and_read(chunk, tmp_path) -> None:
    """What is read back from a run folder is what was recorded."""
    chunk.write(tmp_path / "run")
    runs = read_runs(str(tmp_path / "run"))
    for name, frame in chunk.items():
        assert runs[name].select(frame.columns).collect().equals(frame)


def test_importing_the_package_is_cheap() -> None:
    """The face loads nothing before it is used: no NumPy, no polars, no compiler."""
    code = "import sys, market_sim; print(sorted({'numpy', 'polars', 'numba', 'mesa'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_face_leads_home() -> None:
    """The package's names are those of the modules they stand for, and an unknown one is refused."""
    assert market_sim.simulate is simulate
    assert {"load_scenario", "MarketModel", "Scenario", "Results", "run_batch", "read_runs", "compute_fit"} <= set(
        dir(market_sim)
    )
    with pytest.raises(AttributeError, match="simulat"):
        market_sim.simulation_run  # noqa: B018


def test_compute_fit_asks_for_no_market() -> None:
    """Half as mature kernels are slower on every chip; rows are architecture by chip."""
    asked = (["Llama 3.1 70B", "Kimi K2"], ["H100-SXM", "MI300X", "TPU v5p"])
    mature, young = market_sim.compute_fit(*asked), market_sim.compute_fit(*asked, maturity=0.5)
    assert mature.height == 6
    assert (young["pflops_per_chip"] < mature["pflops_per_chip"]).all()
    assert mature["architecture"].to_list()[:3] == ["Llama 3.1 70B"] * 3
    assert ((mature["mfu"] > 0) & (mature["mfu"] < 1)).all()
