"""`plot` and `report` on input that is wrong, odd or unfinished: a clear message, and never a wrong picture."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ended import SHORT, Command

from market_sim.results.read import read_runs

Spoil = Callable[[Path], None]


def edited(manifest: Path, **fields: object) -> None:
    """The manifest with some fields set."""
    content = json.loads(manifest.read_text()) | fields
    manifest.write_text(json.dumps(content))


@pytest.fixture
def copied(short_run: Path, tmp_path: Path) -> Path:
    """A copy of the short run to spoil."""
    return Path(shutil.copytree(short_run, tmp_path / "copied"))


@pytest.mark.parametrize("command", [("plot",), ("report", "-o", "page.html")])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: shutil.rmtree(run) or run.mkdir(), "is no run folder"),
        (lambda run: edited(run / "manifest.json", format_version=99), "format version 99"),
        (lambda run: (run / "manifest.json").write_text("{"), "cannot be read as a manifest"),
        (lambda run: next((run / "shares").iterdir()).write_bytes(b"x"), "missing or damaged"),
    ],
)
def test_what_is_no_sound_run_is_refused(
    cli: Command, copied: Path, tmp_path: Path, command: tuple[str, ...], spoil: Spoil, words: str
) -> None:
    """Exit code 2, one message, nothing written."""
    spoil(copied)
    ended = cli(command[0], str(copied), *command[1:])
    assert ended.code == 2
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "page.html").exists()
    assert not (copied / "charts").exists()


def test_a_chart_of_no_such_name_is_refused_with_the_nearest(cli: Command, short_run: Path) -> None:
    """And all names there are."""
    ended = cli("plot", str(short_run), "--chart", "concentrations")
    assert ended.code == 2
    assert "did you mean 'concentration'?" in ended.err
    assert "provider_kinds" in ended.err


def test_a_chart_whose_table_nobody_recorded_is_refused_by_name_and_left_out_otherwise(
    cli: Command, tmp_path: Path
) -> None:
    """Asked for: exit code 2 and what to record. Not asked for: told, and the others drawn."""
    assert cli("run", "baseline", *SHORT, "--record", "concentration,signals", "--out", "poor").code == 0
    ended = cli("plot", "poor", "--chart", "tape")
    assert ended.code == 2
    assert "baseline did not record contracts" in ended.err
    assert "--record" in ended.err
    ended = cli("plot", "poor", "--out", "pictures")
    assert ended.code == 0
    assert "tape: Not drawn: baseline did not record contracts." in ended.err
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"concentration", "software", "prices"}


def test_an_unfinished_run_is_drawn_with_a_note(cli: Command, copied: Path) -> None:
    """In words on the command line and on the page."""
    edited(copied / "manifest.json", complete=False, finished=None)
    ended = cli("report", str(copied), "-o", "page.html")
    assert ended.code == 0, ended.err
    assert ended.out == "page.html\n"
    assert "was not brought to its end" in ended.err
    assert "was not brought to its end" in Path("page.html").read_text(encoding="utf-8")


def test_a_run_that_holds_nothing_yet_is_a_gap(cli: Command, copied: Path) -> None:
    """A manifest without a part: nothing to draw, and the page says so of each picture."""
    edited(copied / "manifest.json", complete=False, parts=[])
    ended = cli("plot", str(copied), "--out", "pictures")
    assert ended.code == 2
    assert "no chart can be drawn" in ended.err
    assert cli("report", str(copied), "-o", "page.html").code == 0
    assert "baseline holds no concentration yet" in Path("page.html").read_text(encoding="utf-8")


def test_runs_of_unlike_horizons_are_told_apart(cli: Command, short_run: Path) -> None:
    """Their spans are said; the shares at the end are those of the date that both reach."""
    assert cli("run", "baseline", "--set", "ticks=2", "--out", "shorter").code == 0
    ended = cli("report", "shorter", str(short_run), "-o", "page.html")
    assert ended.code == 0, ended.err
    assert "do not cover the same time" in ended.err
    page = Path("page.html").read_text(encoding="utf-8")
    assert "2 months from" in page
    last = read_runs("shorter")["shares"].select("date").max().collect().item()
    assert f"holds most in {last:%Y-%m}" in page
    assert "is not compared with" in page


def test_a_page_never_replaces_a_folder(cli: Command, short_run: Path, tmp_path: Path) -> None:
    """A folder as the page's name is refused before any work."""
    ended = cli("report", str(short_run), "-o", str(tmp_path))
    assert ended.code == 2
    assert "is a folder" in ended.err


def test_a_batch_is_given_by_its_folder_or_its_runs(cli: Command, tmp_path: Path) -> None:
    """DIR and DIR/* draw the same, but for the numbers of clip paths, which count up in a process."""
    two = ("baseline", "power_limited", "-n", "2", "--executor", "serial", *SHORT, "--out", "two")
    assert cli("batch", *two).code == 0
    for place, out in (("two", "a"), ("two/*", "b")):
        assert cli("plot", place, "--chart", "concentration", "--out", out).code == 0
    drawn = [(tmp_path / out / "concentration.svg").read_text(encoding="utf-8") for out in "ab"]
    first, second = (re.sub(r"clip\d+", "clip", text) for text in drawn)
    assert first == second
    assert "power_limited" in first
