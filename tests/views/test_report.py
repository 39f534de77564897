"""The report: what it says, and what a browser shows of it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from views.browser import Seen, opened

from market_sim.cli import main
from market_sim.experiments.compare import compare
from market_sim.results.read import Runs, read_runs
from market_sim.results.store import RunWriter
from market_sim.views.charts import CHARTS
from market_sim.views.report import page_of
from market_sim.views.report.inputs import changes, parent_of, scenario_of
from market_sim.views.report.words import differences_in_words, leaders

MARKS = (
    "e => e.querySelectorAll('svg .mark-area path, svg .mark-line path, svg .mark-rect path, svg .mark-symbol path')"
)


@pytest.fixture(scope="session")
def report(batch_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small batch, given by its folder."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert main(["report", str(batch_folder), "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="session")
def lone_report(batch_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one of its runs."""
    path = tmp_path_factory.mktemp("report") / "lone.html"
    run = next(one for one in sorted(batch_folder.iterdir()) if one.is_dir())
    assert main(["report", str(run), "-o", str(path)]) == 0
    return path


def specs_of(report: Path) -> dict[str, dict[str, object]]:
    """The specifications that a page carries."""
    text = report.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="specs">(.*?)</script>', text, flags=re.DOTALL)
    assert found
    loaded: dict[str, dict[str, object]] = json.loads(found.group(1))
    return loaded


def test_the_page_stands_alone_and_is_small(report: Path) -> None:
    """Under 15 MB, the libraries once, and no address that a browser would fetch."""
    text = report.read_text(encoding="utf-8")
    assert len(text.encode()) < 15e6
    assert text.count("window.vegaEmbed=") == 1
    markup = re.sub(r"(<script>).*?(</script>)", "", text, flags=re.DOTALL)
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", markup)
    apart = {f"{name} of {run}" for name in ("chips", "tape") for run in ("baseline", "power_limited")}
    assert set(specs_of(report)) == {*CHARTS, "differences", *apart} - {"chips", "tape"}


def test_the_page_tells_question_answer_sources_and_origin(report: Path, runs: Runs) -> None:
    """Each scenario's question, what it changes and whence, its command, and the hash of what it is."""
    text = report.read_text(encoding="utf-8")
    for manifest in runs.manifests.values():
        assert manifest.info.resolved["about"].replace("'", "&#39;") in text
        assert manifest.info.scenario_sha256 in text
        assert manifest.versions["polars"] in text
    for words in ("providers.power_limit", "what-if: half of announced capacity slips", "Neoclouds hold", "labs.sigma"):
        assert words in text
    assert text.count("<tr>") > 500


def test_an_overlay_is_told_by_what_differs_from_its_parent(runs: Runs) -> None:
    """Three values of power_limited, each with the baseline's as the batch had it, and the clock that both share."""
    info = next(one.info for one in runs.manifests.values() if one.info.scenario == "power_limited")
    parent = parent_of(info, runs)
    assert parent
    assert parent[0] == "baseline"
    found = {change.key: change for change in changes(info, parent[1], scenario_of(info))}
    assert set(found) == {"providers.power_limit", "providers.power_growth_rate", "providers.site_cost"}
    assert (found["providers.power_limit"].before, found["providers.power_limit"].after) == ("1", "0.5")
    assert found["providers.site_cost"].standing == "sourced"


def test_leaders_are_counted_over_replicates(runs: Runs) -> None:
    """The part of draws in which each firm holds most at the end, by a plain loop."""
    rows = runs["shares"].collect().to_dicts()
    last = max(row["date"] for row in rows)
    held = [row for row in rows if (row["basis"], row["date"]) == ("stock", last) and row["market"] == "provider"]
    led = leaders(runs["shares"]).to_dicts()
    for scenario in ("baseline", "power_limited"):
        firsts = []
        for replicate in range(5):
            mine = [row for row in held if (row["scenario"], row["replicate"]) == (scenario, replicate)]
            firsts.append(max(mine, key=lambda row: row["share"])["entity"])
        told = {row["entity"]: row["part"] for row in led if (row["scenario"], row["market"]) == (scenario, "provider")}
        assert told == {firm: firsts.count(firm) / 5 for firm in set(firsts)}


def test_what_differs_is_what_compare_says(report: Path, runs: Runs) -> None:
    """The dots of the forest are the paired differences of `compare`, metric by metric."""
    folders = {manifest.info.scenario: runs.folders[run] for run, manifest in runs.manifests.items()}
    found = compare(folders["baseline"], folders["power_limited"]).differences
    sets = specs_of(report)["differences"]["datasets"]
    assert isinstance(sets, dict)
    drawn = [row for rows in sets.values() for row in rows if "metric" in row]
    assert [row["difference"] for row in drawn] == pytest.approx([one.difference for one in found])
    assert [row["low"] for row in drawn] == pytest.approx([one.low for one in found])


def test_words_keep_apart_what_is_sure_and_what_is_not() -> None:
    """Above zero, below zero, and zero within the interval."""
    row = {"comparison": "b less a", "unit": "1", "pairs": 9, "a": 2.0, "b": 2.0}
    rows = [
        {**row, "metric": name, "difference": mean, "low": mean - 0.1, "high": mean + 0.1}
        for name, mean in (("up", 0.5), ("down", -1.0), ("flat", 0.05))
    ]
    assert differences_in_words(rows) == [
        "b less a: higher: up +25% (+20% to +30%); lower: down -50% (-55% to -45%); not told apart: flat."
    ]


def shown(seen: Seen, chart: str) -> str:
    """Everything that is written in a picture."""
    return str(seen.page.text_content(f"[data-chart={chart}] svg"))


def test_every_picture_has_marks_and_nothing_leaves_the_machine(report: Path) -> None:
    """No complaint on the console, no request but for the page itself."""
    with opened(report) as seen:
        for chart in (*CHARTS, "differences"):
            assert seen.page.eval_on_selector(f"[data-chart={chart}]", f"{MARKS}.length") > 5, chart
        assert seen.complaints == []
        assert seen.strangers == []


def test_the_page_of_a_single_run_is_drawn_whole(lone_report: Path) -> None:
    """Without panels for runs and without boxes; no heading of its own for the only run."""
    with opened(lone_report) as seen:
        for chart in CHARTS:
            assert seen.page.eval_on_selector(f"[data-chart={chart}]", f"{MARKS}.length") > 5, chart
        assert seen.page.locator("input[name=run]").count() == 0
        assert seen.complaints == []


def test_a_run_is_hidden_and_shown_by_its_box(report: Path) -> None:
    """Pictures lose the run's lines and panels, and have them again; one run always stays."""
    with opened(report) as seen:
        lines = "e => e.querySelectorAll('svg .mark-line path').length"
        before = seen.page.eval_on_selector("[data-chart=concentration]", lines)
        assert "power_limited" in shown(seen, "shares")
        seen.page.uncheck("input[value=power_limited]")
        seen.page.wait_for_selector("[data-chart=tape][data-drawn=baseline]", timeout=60_000)
        seen.ready()
        assert seen.page.eval_on_selector("[data-chart=concentration]", lines) == before / 2
        for chart in ("shares", "provider_kinds", "chips", "tape", "concentration"):
            assert "power_limited" not in shown(seen, chart)
        assert seen.page.locator("[data-run=power_limited] svg.marks").count() == 0
        seen.page.check("input[value=power_limited]")
        seen.page.wait_for_selector("[data-chart=tape][data-drawn='baseline,power_limited']", timeout=60_000)
        seen.ready()
        assert seen.page.eval_on_selector("[data-chart=concentration]", lines) == before
        assert seen.page.locator("[data-run=power_limited] svg.marks").count() == 2
        assert seen.complaints == []


def test_a_line_tells_its_figures_to_the_mouse(report: Path) -> None:
    """Pointing into a band shows the date, the quantiles and the number of replicates."""
    with opened(report) as seen:
        seen.page.locator("[data-chart=concentration] svg .mark-area").first.scroll_into_view_if_needed()
        box = seen.page.locator("[data-chart=concentration] svg .mark-area").first.bounding_box()
        steps = [box["width"] * part / 40 for part in range(2, 38)]
        for along in steps:
            seen.page.mouse.move(box["x"] + along, box["y"] + box["height"] / 2)
            if seen.page.locator("#vg-tooltip-element.visible").count():
                break
        told = seen.page.inner_text("#vg-tooltip-element")
        assert all(word in told for word in ("median", "low90", "replicates", "5"))


@pytest.mark.parametrize("width", [390, 800])
def test_a_narrow_window_reads_without_sliding(report: Path, width: int) -> None:
    """The page is no wider than the window, and lines of time fit into it whole."""
    with opened(report, width, 844) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        for chart in ("concentration", "shares", "provider_kinds", "vendor", "software", "prices"):
            assert seen.page.eval_on_selector(f"[data-chart={chart}]", "e => e.scrollWidth <= e.clientWidth"), chart
        assert seen.complaints == []


PAPER = {"A4": (210, 297), "Letter": (216, 279)}  # mm
MARGIN = 14  # mm, as the page's style has it
BOXES = """() => [...document.querySelectorAll('figure')].map((figure) => {
  const height = (node) => node.getBoundingClientRect().height;
  const pieces = [...figure.querySelectorAll('.piece, .blank')];
  const kept = (node) => getComputedStyle(node).breakInside === 'avoid';
  return {
    name: figure.id,
    opens: height(figure.querySelector('figcaption')) + height(pieces[0]),
    heights: pieces.map(height),
    whole: kept(figure) || pieces.every((piece) => piece.className === 'blank' || kept(piece)),
    widths: [...figure.querySelectorAll('svg.marks')].map((svg) => svg.getBoundingClientRect().right),
  };
})"""


@pytest.mark.parametrize("paper", PAPER)
def test_no_picture_is_cut_on_paper(report: Path, paper: str) -> None:
    """Each fits on a page with its heading and is kept whole; nothing juts out; what only a screen can do is gone."""
    with opened(report) as seen:
        wide, high = ((size - 2 * MARGIN) / 25.4 * 96 for size in PAPER[paper])
        seen.page.emulate_media(media="print")
        seen.page.set_viewport_size({"width": round(wide), "height": round(high)})
        figures = seen.page.evaluate(BOXES)
        assert len(figures) == len(CHARTS) + 1
        for figure in figures:
            assert figure["opens"] < high, figure
            assert all(0.0 < one < high for one in figure["heights"]), figure
            assert figure["whole"], figure
            assert figure["widths"], figure
            assert all(one <= wide + 1.0 for one in figure["widths"]), figure
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= round(wide)
        for gone in ("nav", ".screen", "#numbers details", ".vega-embed details"):
            assert not any(one.is_visible() for one in seen.page.locator(gone).all()), gone
        assert seen.page.locator(".paper").is_visible()
        assert seen.page.locator("#questions table").first.is_visible()


def test_the_printed_page_is_a_dozen_sheets(report: Path) -> None:
    """As a browser saves it: a sheet or so for each picture, and four for words; white, and of the size asked for."""
    with opened(report) as seen:
        pdf = seen.page.pdf(format="A4", print_background=True)
    sheets = re.findall(rb"/Type\s*/Page\b", pdf)
    assert len(CHARTS) <= len(sheets) <= len(CHARTS) + 8
    assert set(re.findall(rb"/MediaBox\s*\[0 0 (\d+)[\d.]* (\d+)", pdf)) == {(b"595", b"842")}


def test_a_run_that_lacks_tables_leaves_a_gap_with_words(runs: Runs, tmp_path: Path) -> None:
    """One run recorded shares alone and was broken off: it is left out by name, and the page says so."""
    manifest = next(iter(runs.manifests.values()))
    poor = tmp_path / "poor"
    info = replace(manifest.info, scenario="poor", tables=("shares",))
    writer = RunWriter(poor, info)
    part = manifest.of_table("shares")[0]
    run = next(iter(runs.manifests))
    writer.write_part("shares", part.part, pl.read_parquet(Path(str(runs.folders[run])) / part.path))
    writer.close()
    page = page_of(read_runs([poor, *map(str, runs.folders.values())]))
    gaps = {figure.name: figure.gap for figure in page.figures}
    assert gaps["concentration"] == "Left out: poor did not record concentration."
    assert gaps["shares"] == ""
    assert any("poor was not brought to its end" in note for note in page.notes)
    alone = {figure.name: figure for figure in page_of(read_runs(poor)).figures}
    assert not alone["chips"].pieces
    assert alone["chips"].gap == (
        "Not drawn: poor did not record fit and contracts. A batch records every table with --record all."
    )
    assert list(alone["shares"].pieces) == [""]
