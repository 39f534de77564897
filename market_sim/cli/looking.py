"""`show`, `scenarios` and `parameters`: look at what there is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from market_sim.cli.exits import WrongInput
from market_sim.cli.running import overrides_of
from market_sim.cli.speaking import answer, console_on, grid
from market_sim.scenario.keys import Parts, key_path, leaves
from market_sim.scenario.load import load_scenario, shipped, shown
from market_sim.scenario.provenance import last_said, provenance

if TYPE_CHECKING:
    from market_sim.results.manifest import Manifest
    from market_sim.scenario.declare import Section
    from market_sim.scenario.schema import Scenario


def list_scenarios() -> None:
    """Name and question of every shipped scenario."""
    files = shipped()
    width = max((len(name) for name in files), default=0)
    for name, path in files.items():
        answer(f"{name:<{width}}  {load_scenario(path).about}")


def print_parameters(layout: str) -> None:
    """The parameter reference as Markdown or JSON, on stdout."""
    from market_sim.scenario.document import parameters_json, parameters_markdown
    from market_sim.scenario.schema import Scenario

    answer((parameters_json if layout == "json" else parameters_markdown)(Scenario).rstrip("\n"))


def show_anything(what: str, assignments: tuple[str, ...]) -> None:
    """A run folder's contents, or a scenario's."""
    if not Path(what).is_dir():
        _show_scenario(load_scenario(what, overrides_of(assignments)))
    elif assignments:
        raise WrongInput(f"{what}: is a run folder, whose parameters are settled; --set goes with a scenario")
    else:
        _show_run(Path(what))


def _show_scenario(scenario: Scenario) -> None:
    """What the scenario is, and what its files (and `--set`) say over the lowest of them, with sources."""
    files = [layer.origin for layer in scenario._provenance.layers]
    paper = console_on(sys.stdout)
    answer(f"{scenario.name}: {scenario.about}")
    answer(_size(scenario))
    answer(f"files, each over the one before: {' -> '.join(files)}")
    rows = list(_differing(scenario, files[0]) if len(files) > 1 else _said(scenario))
    columns = ("key", "value", "was", "unit", "standing", "source") if len(files) > 1 else SAID
    paper.print(grid(columns, rows, whole=1))


SAID = ("key", "value", "unit", "standing", "source")


def _size(scenario: Scenario) -> str:
    counts = {"vendors": "vendor", "chips": "chip", "providers": "provider", "labs": "lab", "stacks": "stack"}
    held = ", ".join(f"{len(getattr(scenario, kind))} {words}" for words, kind in counts.items())
    return f"{held}; {scenario.ticks} ticks of {scenario.tick_months:g} months from {scenario.start}"


def _differing(scenario: Section, lowest: str) -> Iterator[tuple[str, ...]]:
    """Key, value, what it was in the lowest file, unit, standing and source of each value that a later one says."""
    before = {key: held for key, held, *_ in _said(load_scenario(lowest), every=True)}
    for key, held, *rest in _said(scenario, least=1):
        if key not in ("name", "about"):
            yield key, held, before.get(key, "-"), *rest


def _said(scenario: Section, *, least: int = 0, every: bool = False) -> Iterator[tuple[str, ...]]:
    """Key, value, unit, standing and source of each value that a file from the `least` on says, or of every one."""
    stack = scenario._provenance.layers
    for path, declaration, value in leaves(scenario):
        mapped = declaration.form == "mapping"
        for one in [(*path, name) for name in value] if mapped else [path]:
            at = last_said(stack, one)
            if every or (at is not None and at >= least):
                held = _text(value[one[-1]] if mapped else value)
                yield key_path(one), held, declaration.unit, *_origin(scenario, one, declaration.unit)


def _origin(scenario: Section, path: Parts, unit: str) -> tuple[str, str]:
    """Standing and source of a number; nothing for a text."""
    if not unit:
        return "", ""
    entry = provenance(scenario, key_path(path))
    return entry.standing, entry.source or "none given"


def _text(value: object) -> str:
    """A value as a person reads it: plain numbers, short lists."""
    if isinstance(value, float):
        return f"{value:g}"
    return shown(value) if isinstance(value, bool | int | str | list) else str(value)


def _show_run(folder: Path) -> None:
    """Manifest, tables and leaders of a run."""
    from market_sim.cli.telling import tell
    from market_sim.results.read import read_runs
    from market_sim.views.summary import summarise

    runs = read_runs(folder)
    manifest = next(iter(runs.manifests.values()))
    for line in _manifest_lines(folder, manifest):
        answer(line)
    paper = console_on(sys.stdout)
    paper.print(grid(("table", "rows", "parts", "MB"), _table_rows(manifest), right=1))
    if manifest.parts:
        tell(summarise(runs, manifest.info), paper)


def _manifest_lines(folder: Path, manifest: Manifest) -> Iterator[str]:
    info = manifest.info
    last = info.first_replicate + info.replicates - 1
    draws = f"replicates {info.first_replicate} to {last}" if info.replicates > 1 else f"replicate {last}"
    yield f"{folder}: {'complete' if manifest.complete else 'NOT complete'}"
    yield f"scenario {info.scenario} ({info.scenario_sha256[:8]}), seed {info.seed}, {draws}"
    yield f"started {info.started}, finished {manifest.finished or 'never'}"
    yield f"command: {info.command or 'none'}"
    yield f"made by: {', '.join(f'{name} {number}' for name, number in manifest.versions.items())}"


def _table_rows(manifest: Manifest) -> Iterator[tuple[str, ...]]:
    for name in manifest.info.tables:
        parts = manifest.of_table(name)
        rows, size = sum(part.rows for part in parts), sum(part.bytes for part in parts)
        yield name, f"{rows:,}", str(len(parts)), f"{size / 1e6:.2f}"
