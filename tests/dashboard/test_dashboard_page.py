"""The dashboard in a browser: it opens offline, its dials and tabs work, and it keeps within a narrow window."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
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
def visit(address: str) -> Iterator[tuple[Any, dict[str, list[str]]]]:
    """A page of the dashboard, and what it complained of and asked of others."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium, "the browser tests need Debian's chromium: apt-get install chromium"
    heard: dict[str, list[str]] = {"errors": [], "elsewhere": []}

    def listen(message: Any) -> None:
        if message.type == "error":
            heard["errors"].append(message.text)

    def watch(request: Any) -> None:
        if not request.url.startswith((address, address.replace("http", "ws"), "blob:", "data:")):
            heard["elsewhere"].append(request.url)

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.on("console", listen)
        page.on("pageerror", lambda error: heard["errors"].append(str(error)))
        page.on("request", watch)
        page.goto(address)
        page.get_by_text("Dispersion of the labs").wait_for(timeout=LONG)
        yield page, heard
        browser.close()


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
    page, _ = visit
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
    page, _ = visit
    page.get_by_role("button", name=subject).click()
    page.locator(".market-sim-chart").get_by_text(TITLES[subject]).first.wait_for(timeout=LONG)
    _see_marks(page, 10)


def test_a_click_on_a_firm_opens_its_contracts(visit):
    """A bar of the holders' chart leads to the firm: its share over time and a table of contracts."""
    page, _ = visit
    page.get_by_role("button", name="Firms").click()
    page.locator(".market-sim-chart path[aria-roledescription=bar]").first.click(timeout=LONG)
    page.get_by_text("in one draw of luck").wait_for(timeout=LONG)
    page.locator("table").first.wait_for(timeout=LONG)
    assert page.locator("table").first.locator("tr").count() > 1


def test_a_narrow_window_keeps_everything_within_its_width(visit):
    """At 390 pixels nothing makes the page wider than the window."""
    page, _ = visit
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.evaluate(WIDER)


def test_nothing_is_asked_of_another_machine_and_nothing_complains(visit):
    """After all of the above: no console error, and no request that left the dashboard's own address."""
    _, heard = visit
    assert heard == {"errors": [], "elsewhere": []}
