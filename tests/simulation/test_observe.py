"""What is recorded: tables that agree with the market, with each other, and with what they say they are."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from market_sim.mechanisms.concentration import measure
from market_sim.results.vocabulary import BASES, ITEMS, SECTORS, SIGNALS
from market_sim.results.vocabulary import STATUSES as WORDS
from market_sim.simulation import premium, trading
from market_sim.simulation.markets import Window
from market_sim.simulation.panels import FLOW_NAMES, STOCK_NAMES
from market_sim.simulation.seen import Seen, quarter, ratio
from market_sim.simulation.signals import MEASURES, YEARLY
from market_sim.state.tables import HOLDERS_OUTSIDE, INSTRUMENTS, STATUSES

TICKS = 12  # as in conftest
HOURS = 8766.0
CLOCK = ["replicate", "tick"]


@pytest.fixture(scope="module")
def seen(watched) -> Seen:
    """The last tick, as watchers saw it."""
    return Seen(watched.setup, watched.observer.cast, watched.market, watched.last)


def signal(chunk, name: str) -> pl.DataFrame:
    return chunk["signals"].filter(pl.col("signal") == name)


def of_basis(chunk, market: str, basis: str) -> pl.DataFrame:
    return chunk["shares"].filter((pl.col("market") == market) & (pl.col("basis") == basis))


# --- markets --------------------------------------------------------------------------------------


def test_concentration_is_that_of_the_shares(chunk) -> None:
    """Each row of `concentration` is what its rows of `shares` give."""
    keys = ["market", "basis", *CLOCK]
    lists = chunk["shares"].group_by(keys, maintain_order=True).agg("quantity")
    joined = chunk["concentration"].join(lists, on=keys, validate="1:1")
    assert joined.height == chunk["concentration"].height > 0
    for row in joined.iter_rows(named=True):
        found = measure(np.array(row["quantity"]))
        assert (row["hhi"] is not None) == bool(found.held)
        if found.held:
            assert row["hhi"] == pytest.approx(found.hhi, rel=1e-6)
            assert row["cr4"] == pytest.approx(found.cr4, rel=1e-6)
            assert row["gini"] == pytest.approx(found.gini, rel=1e-5, abs=1e-6)


def test_shares_add_up_to_one(chunk) -> None:
    """Shares of a market that anybody holds anything of sum to one; else they are null."""
    totals = chunk["shares"].group_by("market", "basis", *CLOCK).agg(pl.col("quantity").sum(), pl.col("share").sum())
    held = totals.filter(pl.col("quantity") > 0)
    assert held["share"].to_numpy() == pytest.approx(1.0)
    assert (totals.filter(pl.col("quantity") == 0)["share"] == 0).all()


def test_all_markets_count_the_same_compute(chunk) -> None:
    """Useful compute adds up alike over vendors, providers, labs, platforms and all vendors' buyers."""
    stock = (
        chunk["shares"]
        .filter(pl.col("basis") == "stock")
        .with_columns(pl.col("market").cast(pl.String).str.replace("buyers of .*", "buyers"))
    )
    wide = (
        stock.group_by("market", *CLOCK)
        .agg(pl.col("quantity").cast(pl.Float64).sum())
        .pivot("market", values="quantity")
    )
    markets = [column for column in wide.columns if column not in CLOCK]
    assert sorted(markets) == ["buyers", "lab", "platform", "provider", "vendor"]
    for market in markets:
        assert wide[market].to_numpy() == pytest.approx(wide["lab"].to_numpy(), rel=1e-6)


def test_bookings_are_the_contracts_signed(chunk) -> None:
    """A lab's bookings over the first year are the full value of what the tape says it signed."""
    tape = chunk["contracts"].filter(pl.col("lot") != "opening")
    value = pl.col("chips") * pl.col("usd_per_chip_hour") * HOURS * pl.col("term_years")
    signed = tape.group_by("replicate", "lab").agg(usd=value.sum())
    booked = of_basis(chunk, "lab", "bookings").filter(pl.col("tick") == TICKS - 1)
    booked = booked.with_columns(lab=pl.col("entity").cast(pl.String))
    signed = signed.with_columns(pl.col("lab").cast(pl.String))
    both = booked.join(signed, on=["replicate", "lab"], how="left").fill_null(0.0)
    assert both["usd"].sum() > 0
    assert both["quantity"].to_numpy() == pytest.approx(both["usd"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize("months", [0.5, 1.0, 3.0, 5.0, 18.0])
def test_the_window_is_a_year_of_the_calendar(months) -> None:
    """A steady flow fills the window to exactly a year's worth and no more, whatever the tick."""
    dt = months / 12.0
    flow = np.full((60, 2, 3), 7.0 * dt)
    window = Window(dt, (2, 3))
    for tick in range(60):
        window.fill(flow[tick], 3)
    passed = np.minimum(1.0, (np.arange(60) + 1) * dt)
    assert flow == pytest.approx(np.broadcast_to(7.0 * passed[:, None, None], flow.shape))


def test_the_window_forgets_without_a_trace() -> None:
    """A sale is in the window for twelve months and leaves exactly nothing behind."""
    window, held = Window(1 / 12, (1, 1)), np.zeros((30, 1, 1))
    held[2] = 1e12 / 3
    for flow in held:
        window.fill(flow, 1)
    assert np.flatnonzero(held).tolist() == list(range(2, 14))


def test_the_window_knows_those_it_left_out() -> None:
    """Members whose sum was not asked for in a tick have it whole when it is."""
    window, flow = Window(1 / 12, (1, 2)), np.ones((4, 1, 2))
    for tick, members in enumerate([2, 1, 1, 2]):
        window.fill(flow[tick], members)
    assert flow[:, 0].tolist() == [[1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [4.0, 4.0]]


# --- the tape -------------------------------------------------------------------------------------


def test_no_contract_is_missing(chunk, watched) -> None:
    """Each replicate's contracts are numbered from 0 without a gap, the opening ones first."""
    for replicate, signed in zip(watched.setup.replicates, watched.market.book.signed, strict=True):
        tape = chunk["contracts"].filter(pl.col("replicate") == replicate)
        assert tape["contract"].to_list() == list(range(signed))
        opening = tape.filter(pl.col("lot") == "opening")["contract"]
        assert opening.to_list() == list(range(len(opening)))


def test_what_runs_is_what_the_book_holds(chunk, watched) -> None:
    """Contracts without an end are those in the book; the others have both an end and a cause."""
    open_ones = chunk["contracts"].filter(pl.col("ended").is_null())
    assert open_ones.height == watched.market.book.count.sum()
    assert set(open_ones["status"].unique()) <= {"pending", "live", "sublet"}
    closed = chunk["contracts"].filter(pl.col("ended").is_not_null())
    assert closed.height > 0
    assert not set(closed["status"].unique()) & {"pending", "live", "sublet"}


def test_a_renewal_begins_where_a_contract_ended(chunk) -> None:
    """For each renewal the same lab let as many of the same chips run out that day."""
    who = ["replicate", "lab", "chip", "chips"]
    renewals = chunk["contracts"].filter(pl.col("lot") == "renewal")
    ended = chunk["contracts"].filter(pl.col("status") == "expired").select(*who, signed="ended").unique()
    assert 0 < renewals.height == renewals.join(ended, on=[*who, "signed"], how="inner").height


def test_built_capacity_comes_later(chunk) -> None:
    """What is built is promised for later, what is ready starts on the day it is signed."""
    tape = chunk["contracts"]
    built, ready = (tape.filter(pl.col("lot") == lot) for lot in ("built", "ready"))
    assert built.height > 0
    assert ready.height > 0
    assert (built["promised"] >= built["signed"]).all()
    assert (ready["started"] == ready["signed"]).all()
    assert (ready["prepaid_share"] == 0).all()
    assert (built["prepaid_share"] > 0).all()


def test_prices_signed_are_those_of_the_tape(chunk) -> None:
    """The `trade` signal is the chip-weighted price of the contracts signed that day, renewals apart."""
    deals = chunk["contracts"].filter(pl.col("lot").is_in(["ready", "built"]))
    paid = pl.col("chips") * pl.col("usd_per_chip_hour")
    mean = deals.group_by("replicate", "chip", date="signed").agg(usd=paid.sum() / pl.col("chips").sum())
    mean = mean.with_columns(group=pl.col("chip").cast(pl.String)).drop("chip")
    found = signal(chunk, "trade").with_columns(pl.col("group").cast(pl.String))
    both = found.join(mean, on=["replicate", "date", "group"], how="full")
    assert both.height == found.height == mean.height > 0
    assert both["value"].to_numpy() == pytest.approx(both["usd"].to_numpy(), rel=1e-6)


# --- stocks and flows -----------------------------------------------------------------------------


def test_claims_and_payments_balance(chunk) -> None:
    """Every instrument and every flow sums to zero over holders, each tick."""
    accounts = chunk["accounts"].filter(~pl.col("item").is_in(["chips", "sites", "stock", "net_worth"]))
    totals = accounts.group_by("item", *CLOCK).agg(net=pl.col("usd").sum().abs(), gross=pl.col("usd").abs().sum())
    assert {"rent", "chip_purchases", "deposits", "loans"} <= set(totals["item"].unique())
    assert (totals["net"] <= 1e-9 * totals["gross"]).all()


def test_net_worth_is_the_sum_of_stocks(chunk) -> None:
    """Claims less debts plus assets at book, holder by holder."""
    is_stock = pl.col("item").is_in([*INSTRUMENTS, "chips", "sites", "stock"])
    sums = (
        chunk["accounts"]
        .group_by("holder", "kind", *CLOCK)
        .agg(
            worth=pl.col("usd").filter(pl.col("item") == "net_worth").sum(),
            stocks=pl.col("usd").filter(is_stock).sum(),
            size=pl.col("usd").filter(is_stock).abs().sum(),
        )
    )
    assert ((sums["worth"] - sums["stocks"]).abs() <= 1e-9 * sums["size"] + 1e-6).all()


def filled(frame: pl.DataFrame, keys: list[str], columns: list[str]) -> np.ndarray:
    """Columns over (replicate, tick, key), zero where there is no row: (column, replicate, key, tick)."""
    cells = frame.group_by("replicate", *keys, "tick").agg(pl.col(column).sum() for column in columns)
    grid = cells.select("replicate", *keys).unique().join(pl.DataFrame({"tick": range(TICKS)}), how="cross")
    grid = grid.with_columns(pl.col("tick").cast(pl.Int16))
    whole = grid.join(cells, on=["replicate", *keys, "tick"], how="left").fill_null(0.0)
    whole = whole.sort("replicate", *keys, "tick")
    return np.stack([whole[column].to_numpy().reshape(-1, TICKS) for column in columns])


def test_fleets_are_what_started_less_what_retired(chunk) -> None:
    """In service = in service before + started - retired, for every provider and chip."""
    columns = ["chips_in_service", "chips_started", "chips_retired"]
    fleet, started, retired = filled(chunk["deliveries"], ["provider", "chip"], columns)
    assert started.sum() > 0
    assert np.diff(fleet) == pytest.approx((started - retired)[:, 1:], abs=1e-3)


def test_backlogs_are_what_is_ordered_less_what_is_shipped(chunk) -> None:
    """Backlog = backlog before + ordered - allocated, chip by chip."""
    backlog, ordered, sent = filled(chunk["orders"], ["vendor", "chip"], ["backlog", "ordered", "allocated"])
    assert sent.sum() > 0
    assert np.diff(backlog) == pytest.approx((ordered - sent)[:, 1:], abs=1e-3)


def test_shipments_reach_the_pipe(chunk) -> None:
    """What vendors send is what providers receive: orders and deliveries agree."""
    sent = chunk["orders"].group_by("chip", *CLOCK).agg(pl.col("allocated").sum())
    came = chunk["deliveries"].group_by("chip", *CLOCK).agg(pl.col("chips_shipped").sum())
    both = sent.join(came, on=["chip", *CLOCK], how="left").fill_null(0.0)
    assert both["allocated"].to_numpy() == pytest.approx(both["chips_shipped"].to_numpy())


def test_fit_is_recorded_every_quarter(chunk) -> None:
    """Fit stands there for the months 0, 3, 6 and 9, with a throughput and an MFU in 0..1."""
    fit = chunk["fit"]
    assert fit["tick"].unique().sort().to_list() == [0, 3, 6, 9]
    assert ((fit["mfu"] > 0) & (fit["mfu"] < 1)).all()


# --- signals --------------------------------------------------------------------------------------


def test_every_signal_is_measured(chunk) -> None:
    """There is one rule for each declared signal, and the run has values of nearly all of them."""
    assert set(MEASURES) | set(YEARLY) == {one.name for one in SIGNALS}
    assert {one.name for one in SIGNALS} == set(chunk["signals"]["signal"].unique())


def test_signals_have_their_groups(chunk) -> None:
    """Signals by provider kind are also given over all; those by lab for each lab."""
    assert {"all", "hyperscaler", "neocloud"} <= set(signal(chunk, "power")["group"].unique())
    assert set(signal(chunk, "lab_revenue")["group"].unique()) == set(chunk.names["lab"])


def test_the_whole_is_the_sum_of_its_kinds(chunk) -> None:
    """Power and useful compute over all providers are the sums over kinds."""
    for name in ("power", "useful_compute", "active_providers"):
        parts = (
            signal(chunk, name)
            .group_by(*CLOCK)
            .agg(
                whole=pl.col("value").filter(pl.col("group") == "all").sum(),
                sum=pl.col("value").filter(pl.col("group") != "all").sum(),
            )
        )
        assert parts["sum"].to_numpy() == pytest.approx(parts["whole"].to_numpy(), rel=1e-5)


def test_shares_in_signals_are_shares(chunk) -> None:
    """What is a share of something lies in 0..1."""
    names = ["segregation", "cuda_premium", "automation", "utilisation", "vacancy", "neocloud_share"]
    names += ["unmet_demand", "unmet_ask", "incentive"]
    found = chunk["signals"].filter(pl.col("signal").is_in(names))
    assert ((found["value"] >= 0) & (found["value"] <= 1 + 1e-6)).all()


def test_the_premium_is_taken_once_a_year(chunk) -> None:
    """The CUDA premium is above zero and changes in the last month of the year alone."""
    for replicate in range(3):
        path = signal(chunk, "cuda_premium").filter(pl.col("replicate") == replicate).sort("tick")["value"].to_numpy()
        assert len(path) == TICKS
        assert (path > 0).all()
        assert (np.flatnonzero(np.diff(path)) + 1).tolist() == [TICKS - 1]


def test_no_premium_where_software_is_equal(seen) -> None:
    """Once stacks are equally mature and ported, making them so moves nothing."""
    day, setup = seen.day, seen.setup
    level = replace(premium.equal_software(setup, day.before), shadow=day.trade.cleared.shadow)
    rise = np.take(premium.gain(setup, day.before, level), setup.offers.chip, axis=2)
    wishes = replace(day.wishes, worth=day.wishes.worth + rise)
    cleared = trading.clear(setup, level, day.offered, wishes)
    even = replace(day, before=level, wishes=wishes, trade=replace(day.trade, cleared=cleared))
    assert premium.cuda_premium(replace(seen, day=even)) == pytest.approx(0.0, abs=2e-3)
    assert (premium.cuda_premium(seen) > 0.01).all()


def test_the_market_is_cleared_again_within_capacity(seen) -> None:
    """The counterfactual never sells more of a pool than there is."""
    day, setup, o = seen.day, seen.setup, seen.setup.offers
    level = premium.equal_software(setup, day.before)
    rise = np.take(premium.gain(setup, day.before, level), o.chip, axis=2)
    again = trading.clear(setup, level, day.offered, replace(day.wishes, worth=day.wishes.worth + rise))
    used = np.zeros_like(day.offered.capacity)
    for offer, pools in enumerate(o.pool):
        for side, pool in enumerate(pools):
            if pool >= 0:
                used[:, pool] += day.offered.weight[offer, side] * again.chips[:, :, offer].sum(axis=1)
    assert (used <= day.offered.capacity * (1 + 1e-9)).all()


@pytest.mark.parametrize(("months", "opens"), [(1.0, [0, 3, 6, 9]), (0.5, [0, 6, 12, 18]), (2.0, [0, 2, 3, 5])])
def test_quarters_follow_the_calendar(months, opens) -> None:
    """A tick opens a quarter if a quarter of a year since the start begins in it, whatever its length."""
    dt = months / 12.0
    found = [tick for tick in range(24) if quarter(tick * dt) != quarter((tick - 1) * dt)]
    assert found[:4] == opens


def test_ratio_without_a_whole_is_missing() -> None:
    """Nothing over nothing is no number, and so no row."""
    assert ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


# --- words ----------------------------------------------------------------------------------------


def test_words_of_the_tables_are_those_of_the_engine() -> None:
    """Statuses, sectors and items of the accounts have one name each, in the engine's order."""
    assert tuple(word.name for word in WORDS) == STATUSES
    assert tuple(word.name for word in SECTORS) == HOLDERS_OUTSIDE
    assert (*STOCK_NAMES, *FLOW_NAMES) == tuple(item.name for item in ITEMS)
    assert [base.name for base in BASES] == ["stock", "bookings", "revenue"]
