"""The page: what it holds, gathered from runs, and its rendering into one HTML text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import polars as pl

from market_sim.results.files import digest
from market_sim.results.manifest import Manifest, installed_versions, now
from market_sim.results.read import Runs
from market_sim.views.charts import Frames, forest, specification
from market_sim.views.charts.look import SERIES
from market_sim.views.labels import labels
from market_sim.views.recorded import Drawable, drawables, notes
from market_sim.views.report.inputs import MOST_CHANGES, Change, Number, changes, numbers, parent_of, scenario_of
from market_sim.views.report.words import Answer, answers, differences_in_words, in_words, leaders

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Card:
    """One run: what it asks, what it changes, and where it came from."""

    label: str
    colour: str
    about: str
    span: str
    parent: str
    changes: tuple[Change, ...]
    hidden: int
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figure:
    """A chart's pictures: run -> specification (one of all runs: by no name); or why there are none."""

    name: str
    says: str
    reads: str
    pieces: Mapping[str, Mapping[str, Any]]
    gap: str = ""

    def key(self, run: str) -> str:
        """What the specification of a picture goes by."""
        return f"{self.name} of {run}" if run else self.name


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    title: str
    made: str
    cards: tuple[Card, ...]
    notes: tuple[str, ...]
    answers: tuple[Answer, ...]
    single: bool
    differences: tuple[str, ...]
    figures: tuple[Figure, ...]
    numbers_of: str
    numbers: Mapping[str, Sequence[Number]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=installed_versions)


def page_of(runs: Runs, differences: Rows = (), reference: str = "", remarks: Sequence[str] = ()) -> Page:
    """Gather a page about runs.

    `differences`: paired differences as `forest` takes them, each with the `comparison` (a run's label) that it is
    of, against the run labelled `reference`. `remarks`: notes besides those that the runs themselves give rise to.
    """
    named = labels({run: manifest.info for run, manifest in runs.manifests.items()})
    order = sorted(named.values(), key=scenarios_of_order)
    drawn = list(drawables(runs))
    frames = {one.kind.name: one.kind.frames(one.tables) for one in drawn if one.tables is not None}
    shares = next((one.tables for one in drawn if one.kind.name == "shares"), None)
    led = leaders(shares["shares"]) if shares is not None else None
    cards = tuple(_card(runs, run, named[run], order) for run in sorted(named, key=lambda run: order.index(named[run])))
    told = answers(frames, led, order)
    figures = [_figure(one, frames) for one in drawn]
    worded = in_words(differences)
    if worded:
        figures.insert(0, _forest(worded, reference))
    first = next(run for run, label in named.items() if label == order[0])
    scenario = scenario_of(runs.manifests[first].info)
    return Page(
        title=", ".join(order),
        made=now(),
        cards=cards,
        notes=(*notes(runs), *remarks),
        answers=tuple(told),
        single=all(manifest.info.replicates == 1 for manifest in runs.manifests.values()),
        differences=tuple(differences_in_words(worded)),
        figures=tuple(figures),
        numbers_of=order[0],
        numbers=numbers(scenario) if scenario else {},
    )


def scenarios_of_order(label: str) -> tuple[bool, str]:
    """The baseline first, the others by name: the order of charts too."""
    return not label.startswith("baseline"), label


def _card(runs: Runs, run: str, label: str, order: Sequence[str]) -> Card:
    manifest = runs.manifests[run]
    info = manifest.info
    parent = parent_of(info, runs)
    found = changes(info, parent[1], scenario_of(info)) if parent else []
    months = float(info.resolved.get("ticks", 0)) * float(info.resolved.get("tick_months", 1.0))
    draws = f"{info.replicates:,} replicates" if info.replicates > 1 else f"replicate {info.first_replicate}"
    return Card(
        label=label,
        colour=SERIES[order.index(label) % len(SERIES)],
        about=str(info.resolved.get("about", "")),
        span=f"{months:g} months from {info.resolved.get('start', '')}, seed {info.seed}, {draws}",
        parent=parent[0] if parent else "",
        changes=tuple(found[:MOST_CHANGES]),
        hidden=max(0, len(found) - MOST_CHANGES),
        facts=_facts(manifest, run),
    )


def _facts(manifest: Manifest, run: str) -> tuple[tuple[str, str], ...]:
    """Where a run came from, as pairs of name and value."""
    info = manifest.info
    rows = sum(part.rows for part in manifest.parts)
    parts = digest("".join(part.sha256 for part in manifest.parts).encode())
    return (
        ("run", run),
        ("complete", "yes" if manifest.complete else "NO"),
        ("command", info.command or "not known"),
        ("seed", str(info.seed)),
        ("replicates", f"{info.replicates:,} from {info.first_replicate}"),
        ("scenario SHA-256", info.scenario_sha256),
        ("tables", f"{', '.join(info.tables)}: {rows:,} rows in {len(manifest.parts)} parts"),
        ("SHA-256 over the parts'", parts),
        ("made by", ", ".join(f"{name} {number}" for name, number in manifest.versions.items())),
        ("started, finished", f"{info.started}, {manifest.finished or 'never'}"),
    )


def _figure(one: Drawable, frames: Mapping[str, Frames]) -> Figure:
    kind = one.kind
    held = frames.get(kind.name, {})
    if not any(frame.height for frame in held.values()):
        return Figure(kind.name, kind.says, kind.reads, {}, one.gap or "Not drawn: the tables hold no row to draw.")
    drawn = kind.pieces(held)
    pieces = {run: specification(drawn[run]) for run in sorted(drawn, key=scenarios_of_order)}
    return Figure(kind.name, kind.says, kind.reads, pieces, one.gap)


def _forest(differences: Rows, reference: str) -> Figure:
    chart = forest(pl.DataFrame(list(differences), infer_schema_length=None), a=reference, b="Each scenario")
    reads = "Right of the dashed line: more than in the reference, replicate by replicate under the same luck."
    return Figure("differences", "what differs, and how sure that is", reads, {"": specification(chart)})


def report_text(runs: Runs, differences: Rows = (), reference: str = "", remarks: Sequence[str] = ()) -> str:
    """The page of these runs as one HTML text; the arguments are those of `page_of`."""
    return rendered(page_of(runs, differences, reference, remarks), vega_bundle())


def rendered(page: Page, bundle: str) -> str:
    """The page as one HTML text that needs nothing else; `bundle` as `vega_bundle` gives it."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    specs = {figure.key(run): spec for figure in page.figures for run, spec in figure.pieces.items()}
    text = json.dumps(specs, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return environment.from_string(_shipped("page.html")).render(
        page=page,
        style=_shipped("page.css"),
        script=_shipped("page.js"),
        specs=text.replace("<", "\\u003c"),  # so that no name in it can end the script
        bundle=bundle,
    )


def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, such that no HTML parser takes a text in it for its end."""
    import vl_convert

    text = str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its stub asks for more
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _shipped(name: str) -> str:
    return files("market_sim.views.report").joinpath(name).read_text(encoding="utf-8")
