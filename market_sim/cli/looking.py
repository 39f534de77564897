"""`show`, `scenarios` and `parameters`: look at what there is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from market_sim.cli.exits import WrongInput
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer, console_on, grid
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.keys import Parts, key_path, leaves
from market_sim.scenario.load import load_scenario, shipped
from market_sim.scenario.overlay import declaration_at
from market_sim.scenario.provenance import last_said, provenance

if TYPE_CHECKING:
    from market_sim.results.files import Place
    from market_sim.results.manifest import Manifest
    from market_sim.results.read import Runs
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
    from market_sim.results.files import is_folder, place_of

    place = place_of(what)
    if not is_folder(place):
        _show_scenario(scenario_of(what, overrides_of(assignments)))
    elif assignments:
        raise WrongInput(f"{what}: is a run folder, whose parameters are settled; --set goes with a scenario")
    else:
        _show_runs(place)


def _show_scenario(scenario: Scenario) -> None:
    """What the scenario is, and what its files (and `--set`) say over the lowest of them, with sources."""
    files = [layer.origin for layer in scenario._provenance.layers]
    answer(f"{scenario.name}: {scenario.about}")
    answer(_size(scenario))
    answer(f"files, each over the one before: {' -> '.join(files)}\n")
    below = dict(_values(load_scenario(files[0]))) if len(files) > 1 else None
    for path, value in _values(scenario, least=1 if below else 0):
        if path not in (("name",), ("about",)):
            answer(f"{key_path(path)}{_said(value, path, below)}{_origin(scenario, path)}")


def _size(scenario: Scenario) -> str:
    counts = {"vendors": "vendor", "chips": "chip", "providers": "provider", "labs": "lab", "stacks": "stack"}
    held = ", ".join(f"{len(getattr(scenario, kind))} {words}" for words, kind in counts.items())
    return f"{held}; {scenario.ticks} ticks of {scenario.tick_months:g} months from {scenario.start}"


def _values(scenario: Section, least: int = -1) -> Iterator[tuple[Parts, Any]]:
    """Key path and value of what a file from the `least` on says; of everything for a negative one."""
    stack = scenario._provenance.layers
    for path, declaration, value in leaves(scenario):
        mapped = declaration.form == "mapping"
        for one in [(*path, name) for name in value] if mapped else [path]:
            at = last_said(stack, one)
            if least < 0 or (at is not None and at >= least):
                yield one, value[one[-1]] if mapped else value


def _text(value: Any) -> str:
    """A value as a scenario file would give it."""
    if isinstance(value, Distribution):
        inside = ", ".join(f"{name} = {_text(part)}" for name, part in value.as_table().items())
        return f"{{{inside}}}"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=_text)


def _said(value: Any, path: Parts, below: dict[Parts, Any] | None) -> str:
    """The value, and what the lowest file held there; for lists of names, what came and what went."""
    before = (below or {}).get(path)
    if before is None:
        return f" = {_text(value)}{'  (new)' if below else ''}"
    if isinstance(value, list) and all(isinstance(one, str) for one in [*value, *before]):
        changes = [f"+ {one}" for one in value if one not in before]
        changes += [f"- {one}" for one in before if one not in value]
        return f": {', '.join(changes) or 'in another order'}"
    return f" = {_text(value)}  (was {_text(before)})"


def _origin(scenario: Section, path: Parts) -> str:
    """Unit, standing and source of a number; nothing for a text, nor for the run's own clock."""
    declaration, _ = declaration_at(type(scenario), path)
    if declaration is None or not declaration.unit or len(path) == 1:
        return ""
    entry = provenance(scenario, key_path(path))
    unit = "" if declaration.unit == "1" else f"{declaration.unit}, "
    return f"  # {unit}{entry.standing}: {entry.source or 'no source given'}"


def _show_runs(place: Place) -> None:
    """A run in full; the runs of a batch of several, a line each."""
    from market_sim.results.read import read_runs

    runs = read_runs(place)
    if len(runs.folders) == 1:
        _show_run(next(iter(runs.folders.values())), runs)
        return
    for folder, manifest in zip(runs.folders.values(), runs.manifests.values(), strict=True):
        head, what, *_ = _manifest_lines(folder, manifest)
        answer(f"{head}; {what}")


def _show_run(folder: Place, runs: Runs) -> None:
    """Manifest, tables and leaders of a run."""
    from market_sim.cli.telling import tell
    from market_sim.cli.wholeness import refuse_broken
    from market_sim.views.summary import summarise

    refuse_broken(folder)
    manifest = next(iter(runs.manifests.values()))
    for line in _manifest_lines(folder, manifest):
        answer(line)
    paper = console_on(sys.stdout)
    paper.print(grid(("table", "rows", "parts", "MB"), _table_rows(manifest), right=(1, 2, 3)))
    if manifest.parts:
        tell(summarise(runs, manifest.info), paper)


def _manifest_lines(folder: Place, manifest: Manifest) -> Iterator[str]:
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
