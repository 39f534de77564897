"""The dashboard in a browser: it opens offline, its dials and tabs work, and it keeps within a narrow window."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from views.browser import Seen, opened

LONG = 240_000  # milliseconds: kernels may have to be compiled

TITLES = {"Concentration": "Concentration", "Clouds": "neoclouds", "Difference": "under the same luck",
          "Firms": "Who holds what"}  # fmt: skip
WIDER = """() => [...document.querySelectorAll("body *")].filter(one => {
  const kept = one.style.display; one.style.display = "none";
  const mends = document.documentElement.scrollWidth <= innerWidth; one.style.display = kept; return mends;
}).map(one => one.tagName + "." + (one.getAttribute("class") || "")).slice(-4)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    errors = tmp_path_factory.mktemp("dashboard") / "stderr"
    command = [sys.executable, "-m", "market_sim", "dashboard", "--port", str(port)]
    with errors.open("w") as sink, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline().strip()
            assert said == f"http://127.0.0.1:{port}", errors.read_text()
            _wait_for(port)
            yield said
        finally:
            server.terminate()
    assert "Traceback" not in errors.read_text()


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise AssertionError("the dashboard did not start")


@pytest.fixture(scope="module")
def visit(address: str) -> Iterator[Seen]:
    """A visitor of the dashboard."""
    with opened(address, width=1300) as seen:
        seen.page.get_by_text("Dispersion of the labs").wait_for(timeout=LONG)
        yield seen


def _slide(page: Any, at: int, key: str, times: int) -> None:
    page.get_by_role("slider").nth(at).focus()
    for _ in range(times):
        page.keyboard.press(key)


def _run(page: Any) -> None:
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Stop").and_(page.locator(":enabled")).wait_for(timeout=LONG)
    page.get_by_role("button", name="Run").and_(page.locator(":enabled")).wait_for(timeout=LONG)


def _lines(page: Any) -> list[str]:
    page.wait_for_timeout(1500)
    return page.eval_on_selector_all(
        ".market-sim-chart .mark-line path", "paths => paths.map(path => path.getAttribute('d'))"
    )


def _see_marks(page: Any, least: int) -> None:
    """Wait until the charts hold that many marks, axes and titles included."""
    marks = ".market-sim-chart [aria-roledescription]"
    page.wait_for_function(f"document.querySelectorAll('{marks}').length > {least}", timeout=LONG)


def test_a_visitor_moves_a_dial_and_sees_the_bands_move(visit, tmp_path):
    """Untouched there is one line a market; with a dial moved there are two, and the dial's file can be kept."""
    page = visit.page
    _slide(page, 0, "Home", 1)
    _slide(page, 1, "Home", 1)
    _run(page)
    page.locator(".market-sim-chart svg").first.wait_for(timeout=LONG)
    untouched = _lines(page)
    _slide(page, 10, "End", 1)
    page.get_by_text("Dispersion of the labs' choices: 1").wait_for(timeout=LONG)
    _run(page)
    page.locator(".market-sim-chart").get_by_text("baseline-with-dials").first.wait_for(timeout=LONG)
    changed = _lines(page)
    assert len(changed) == 2 * len(untouched) > 0
    assert len(set(changed)) > len(set(untouched))
    link = page.get_by_role("link", name="Keep as a scenario file").get_attribute("href")
    kept = Path(tmp_path, "kept.toml")
    kept.write_text(unquote(link.split(",", 1)[1]))
    from market_sim.scenario.load import load_scenario

    assert load_scenario(kept).labs.sigma == 1.0


@pytest.mark.parametrize("subject", TITLES)
def test_every_subject_draws_something(visit, subject):
    """Each of the four views shows a chart with marks."""
    page = visit.page
    page.get_by_role("button", name=subject).click()
    page.locator(".market-sim-chart").get_by_text(TITLES[subject]).first.wait_for(timeout=LONG)
    _see_marks(page, 10)


def test_a_click_on_a_firm_opens_its_contracts(visit):
    """A bar of the holders' chart leads to the firm: its share over time and a table of contracts."""
    page = visit.page
    page.get_by_role("button", name="Firms").click()
    page.locator(".market-sim-chart path[aria-roledescription=bar]").first.click(timeout=LONG)
    page.get_by_text("in one draw of luck").wait_for(timeout=LONG)
    page.locator("table").first.wait_for(timeout=LONG)
    assert page.locator("table").first.locator("tr").count() > 1


def test_a_narrow_window_keeps_everything_within_its_width(visit):
    """At 390 pixels nothing makes the page wider than the window."""
    page = visit.page
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.evaluate(WIDER)


def test_nothing_is_asked_of_another_machine_and_nothing_complains(visit):
    """After all of the above: no console error, and no request that left the dashboard's own address."""
    assert [said for said in visit.complaints if said.startswith("error")] == []
    assert visit.strangers == []
