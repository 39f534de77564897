"""The summary in words: what a reader could take amiss is said outright."""

import io

import pytest

from market_sim.cli.speaking import console_on
from market_sim.cli.telling import tell
from market_sim.views.failures import Failure
from market_sim.views.summary import Change, Figure, Leader, MarketSummary, Summary


def told(end: float, failed: tuple[Failure, ...] = (), replicates: int = 1) -> str:
    """The words of a summary whose compute goes from a thousand to `end`."""
    compute = Figure("compute in service", "", "useful EFLOP/s", Change(1000.0, end))
    cloud = MarketSummary("provider", Leader("Rest of world", 0.5, group=True), Leader("AWS", 0.5), Change(0.3, 0.3))
    days = ("2026-01-01", "2035-12-01")
    paper = io.StringIO()
    tell(Summary("toy", 0, 0, replicates, *days, (cloud,), (compute,), failures=failed), console_on(paper))
    return paper.getvalue()


@pytest.mark.parametrize(
    ("end", "said"), [(2500.0, "(x2.5)"), (900.0, "(x0.9)"), (4.0, "(x0.004)"), (0.0, "(nothing is left)")]
)
def test_growth_is_never_rounded_to_nothing(end: float, said: str) -> None:
    """A market that all but vanished is told from one that is gone."""
    assert said in told(end)


def test_failures_are_named_with_their_month_and_counted_by_kind() -> None:
    """One without a name is in the count alone; of several replicates none is named."""
    failed = tuple(
        Failure(name, kind, "2029-01-01", 0)
        for name, kind in (("OpenAI", "lab"), ("Nebius", "neocloud"), ("", "neocloud"))
    )
    line = "Defaults: OpenAI 2029-01, Nebius 2029-01 (1 lab, 2 neoclouds)."
    assert line in told(1.0, failed)
    assert "Nebius" not in told(1.0, failed, replicates=2)


def test_a_group_is_starred_and_one_draw_is_called_one() -> None:
    """The star stands with the group and is explained; the last line says how to look at many draws."""
    text = told(1.0)
    assert "Rest of world* 50%" in text
    assert "AWS 50%" in text
    assert "* a group, counted as one" in text
    assert text.rstrip().endswith("One draw of luck: compare over many with `market-sim batch`.")
    assert "One draw" not in told(1.0, replicates=2)
