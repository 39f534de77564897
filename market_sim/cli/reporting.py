"""`report`: one self-contained page about runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_sim.cli.exits import Failed, WrongInput
from market_sim.cli.plotting import opened
from market_sim.cli.speaking import answer, say

if TYPE_CHECKING:
    from market_sim.results.read import Runs

DEFAULT = Path("report.html")
MOST_COMPARED = 8  # runs that are held against the reference


def report_runs(places: Sequence[str], out: Path | None) -> None:
    """Write the page of some runs and print its path, the last line. Raises WrongInput, Failed."""
    path = _place(out)
    runs = opened(places)
    differences, reference, remarks = _differences(runs)
    for remark in remarks:
        say(remark)
    from market_sim.views.report import report_text

    _write(report_text(runs, differences, reference, remarks), path)
    answer(str(path))


def _place(out: Path | None) -> Path:
    """Where the page goes; refused before any work is done."""
    path = out or DEFAULT
    if path.is_dir():
        raise WrongInput(f"-o {path}: is a folder; wanted a file, such as {path / DEFAULT}")
    return path


def _write(text: str, path: Path) -> None:
    """The whole page, or what stood there before."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise Failed(f"could not write {path}: {error.strerror or error}") from error
    finally:
        half.unlink(missing_ok=True)


def _differences(runs: Runs) -> tuple[list[dict[str, Any]], str, list[str]]:
    """Paired differences of every run against the first, that run's label, and why some could not be taken."""
    from market_sim.views.labels import labels
    from market_sim.views.report.page import scenarios_of_order

    named = labels({run: manifest.info for run, manifest in runs.manifests.items()})
    reference, *others = sorted(named, key=lambda run: scenarios_of_order(named[run]))
    rows: list[dict[str, Any]] = []
    remarks: list[str] = []
    for run in others[:MOST_COMPARED]:
        found, remark = _compared(runs, reference, run)
        rows += [{**row, "comparison": f"{named[run]} less {named[reference]}"} for row in found]
        if remark:
            remarks.append(f"{named[run]} is not compared with {named[reference]}: {remark}.")
    return rows, named[reference], remarks


def _compared(runs: Runs, a: str, b: str) -> tuple[list[dict[str, Any]], str]:
    """The differences of two runs that have many replicates under common luck, or why there are none."""
    from market_sim.experiments.compare import compare
    from market_sim.experiments.errors import WrongRequest

    infos = [runs.manifests[run].info for run in (a, b)]
    if any(info.replicates < 2 for info in infos):
        return [], "it takes several replicates of both"
    try:
        rows = compare(runs.folders[a], runs.folders[b]).as_json()["differences"]
    except WrongRequest as error:
        return [], str(error)
    return [row for row in rows if row["pairs"]], "" if any(row["pairs"] for row in rows) else "no common replicates"
