"""Pages as a reader sees them: headless Chromium, with everything that the page says or asks for written down."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
LOCAL = ("file://", "http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 120_000  # ms: machines that test are busy


def chromium() -> str:
    """Where the browser is; a test that needs one fails without, since a test left out proves nothing."""
    found = next((path for path in map(shutil.which, PROGRAMS) if path), None)
    if found is None:
        pytest.fail("no chromium on this machine: `apt-get install chromium`, or put one of your own on the PATH")
    return found


@dataclass
class Seen:
    """A page that is open, what it complained of, and what it asked for beyond this machine."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def ready(self) -> None:
        """Wait until every picture is drawn."""
        self.page.wait_for_selector("body[data-ready=yes]", timeout=PATIENCE)


@contextmanager
def opened(page: Path | str, width: int = 1280, height: int = 900) -> Iterator[Seen]:
    """A page of this machine, a file that says when it is ready or an address, in a window of that size."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=[*FLAGS.split(), "--no-first-run"])
        seen = Seen(browser.new_page(viewport={"width": width, "height": height}))
        seen.page.on("console", lambda said: seen.complaints.append(f"{said.type}: {said.text}"))
        seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
        seen.page.route("**/*", lambda route: _only_local(seen, route))
        seen.page.goto(page if isinstance(page, str) else page.as_uri(), timeout=PATIENCE)
        if isinstance(page, Path):
            seen.ready()
        yield seen
        browser.close()


def _only_local(seen: Seen, route: Any) -> None:
    if route.request.url.startswith(LOCAL):
        route.continue_()
    else:
        seen.strangers.append(route.request.url)
        route.abort()
