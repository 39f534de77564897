"""What of several runs can be drawn: a chart takes the runs that recorded its tables, and says whom it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from market_sim.results.manifest import Manifest
from market_sim.results.read import Runs
from market_sim.views.charts import CHARTS, ChartKind
from market_sim.views.labels import labelled, labels

UNRECORDED, REMEDY = "did not record", "A batch records every table with --record all."


@dataclass(frozen=True)
class Drawable:
    """A chart, the tables of the runs that have all it needs (None if none has), and in words what is missing."""

    kind: ChartKind
    tables: Mapping[str, pl.LazyFrame] | None
    lacking: tuple[str, ...] = ()

    @property
    def gap(self) -> str:
        """Why there is no chart, or who is missing from it; empty where nothing is."""
        if not self.lacking:
            return ""
        told = "; ".join(self.lacking)
        remedy = f" {REMEDY}" if self.tables is None and UNRECORDED in told else ""
        return f"{'Not drawn' if self.tables is None else 'Left out'}: {told}.{remedy}"


def drawables(runs: Runs, names: Sequence[str] = ()) -> Iterator[Drawable]:
    """Charts by name, all by default, each with the runs that it can draw; runs keep the labels they all have."""
    named = labels({run: manifest.info for run, manifest in runs.manifests.items()})
    for name in names or CHARTS:
        kind = CHARTS[name]
        lacking = {run: lacks(manifest, kind.needs) for run, manifest in runs.manifests.items()}
        able = [run for run in runs.manifests if not lacking[run]]
        tables = labelled(_only(runs, able), named) if able else None
        yield Drawable(kind, tables, tuple(_told(lacking, named)))


def lacks(manifest: Manifest, tables: Sequence[str]) -> str:
    """What of these tables a run does not hold, in words; empty if it holds all."""
    unrecorded = [name for name in tables if name not in manifest.info.tables]
    if unrecorded:
        return f"{UNRECORDED} {' and '.join(unrecorded)}"
    empty = [name for name in tables if not any(part.rows for part in manifest.of_table(name))]
    return f"holds no {' and '.join(empty)} yet" if empty else ""


def _told(lacking: Mapping[str, str], named: Mapping[str, str]) -> Iterator[str]:
    """Runs that lack the same in one phrase."""
    for words in dict.fromkeys(lacking.values()):
        if words:
            yield f"{', '.join(named[run] for run in lacking if lacking[run] == words)} {words}"


def _only(runs: Runs, kept: Sequence[str]) -> Runs:
    return Runs({run: runs.folders[run] for run in kept}, {run: runs.manifests[run] for run in kept})


def notes(runs: Runs) -> tuple[str, ...]:
    """What a reader of pictures of these runs must know: who is unfinished, and who ends when."""
    named = labels({run: manifest.info for run, manifest in runs.manifests.items()})
    found = [f"{named[run]} was not brought to its end; what it holds is drawn." for run in runs.incomplete]
    spans = {named[run]: _span(manifest) for run, manifest in runs.manifests.items()}
    if len(set(spans.values())) > 1:
        told = ", ".join(f"{label} {span}" for label, span in spans.items())
        found.append(f"The runs do not cover the same time ({told}): the end is the last date that all reach, if any.")
    return tuple(found)


def _span(manifest: Manifest) -> str:
    """Start, ticks and their length, as the scenario gives them."""
    held = manifest.info.resolved
    months = float(held.get("ticks", 0)) * float(held.get("tick_months", 1.0))
    return f"{months:g} months from {held.get('start', 'an unknown start')}"
