"""`run`: one replicate of one scenario, told in words and written to its folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_sim.cli.exits import Failed, WrongInput
from market_sim.cli.speaking import answer, answer_json
from market_sim.scenario.accept import nearest
from market_sim.scenario.load import COMMAND_LINE, load_scenario, loads, parse_override

if TYPE_CHECKING:
    from market_sim.results.files import Place
    from market_sim.results.tables import Results
    from market_sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Order:
    """What `run` was asked for, as given on the command line."""

    scenario: str
    assignments: tuple[str, ...]
    seed: int
    replicate: int
    policies: tuple[str, ...]
    record: str
    out: Place | None


def run_one(order: Order, *, as_json: bool) -> None:
    """Simulate, write the run folder, then say what came out; the last line is the folder's path.

    Whatever is wrong with the order is refused before anything is simulated or written.
    """
    scenario = scenario_of(order.scenario, overrides_of(order.assignments))
    policies = _policies(order.policies, scenario)
    tables = tables_of(order.record)
    results = _simulated(order, scenario, policies, tables)
    folder = _written(results, free_folder(_place(order, results.info.folder_name)))
    _tell(results, folder, as_json)


def scenario_of(text: str, overrides: Mapping[str, Any]) -> Scenario:
    """The scenario of a file, of a shipped name, or of an address in an object store. Raises ScenarioError."""
    from market_sim.results.files import place_of, read_whole

    place = place_of(text)
    if isinstance(place, Path):
        return load_scenario(text, overrides, said_by=COMMAND_LINE)
    content = read_whole(place)
    if content is None:
        raise WrongInput(f"{place}: there is no such scenario file")
    return loads(content.decode(errors="replace"), overrides, origin=str(place), said_by=COMMAND_LINE)


def overrides_of(assignments: Sequence[str]) -> dict[str, Any]:
    """Key path -> value from `--set key=value` texts; a later one wins. Raises ScenarioError."""
    return dict(parse_override(text) for text in assignments)


def tables_of(text: str) -> tuple[str, ...]:
    """The result tables named in a list with commas; all for an empty one. Raises WrongInput."""
    from market_sim.results.columns import TABLES

    named = tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip())) or tuple(TABLES)
    for name in named:
        if name not in TABLES:
            near = nearest(name, list(TABLES))
            hint = f"; did you mean {near!r}?" if near else ""
            raise WrongInput(f"--record {text!r}: there is no table {name!r}{hint} Tables: {', '.join(TABLES)}")
    return named


def free_folder(folder: Place) -> Place:
    """The folder, if nothing lies there. Raises WrongInput naming it, and what to do."""
    from market_sim.results.files import contents, is_file, is_folder

    lying = contents(folder)
    if not lying and is_folder(folder):
        return folder
    if lying or is_file(folder) or (isinstance(folder, Path) and folder.is_symlink()):
        held = "holds a run" if "manifest.json" in lying else "is there already"
        raise WrongInput(f"{folder} {held}, and nothing is written over: remove it, or give another with --out DIR")
    if isinstance(folder, Path):
        _refuse_below_a_file(folder)
    return folder


def _refuse_below_a_file(folder: Path) -> None:
    above = next((one for one in folder.absolute().parents if one.exists()), None)
    if above is not None and not above.is_dir():
        raise WrongInput(f"--out {folder}: {above} is a file; wanted a folder")


def _place(order: Order, name: str) -> Place:
    """Where the run goes: what was asked for, else a name that tells it from other draws and policies."""
    if order.out is not None:
        return order.out
    draw = f"-r{order.replicate}" if order.replicate else ""
    own = "".join("-" + "".join(c if c.isalnum() else "_" for c in text) for text in order.policies)
    return Path("runs", f"{name}{draw}{own}")


def _simulated(order: Order, scenario: Scenario, policies: dict[str, Any], tables: tuple[str, ...]) -> Results:
    """Refuse an occupied folder first, then simulate."""
    from market_sim.scenario.canonical import scenario_hash

    free_folder(_place(order, f"{scenario.name}-{order.seed}-{scenario_hash(scenario)[:8]}"))
    if cold():
        from market_sim.warming import COMPILING

        print(COMPILING, file=sys.stderr, flush=True)
    from market_sim.simulation.run import simulate

    return simulate(
        scenario,
        seed=order.seed,
        replicates=(order.replicate,),
        record=tables,
        policies=policies,
        command=shlex.join(["market-sim", *sys.argv[1:]]),
    )


def cold() -> bool:
    """Whether kernels are to be compiled first, which nobody else will tell of."""
    from market_sim.warming import is_ready, tells_of_itself

    return not is_ready() and not tells_of_itself()


def _written(results: Results, folder: Place) -> Place:
    """The run's folder; whatever breaks the writing off, nothing of a new run stays behind."""
    from market_sim.results.errors import WriteFailed
    from market_sim.results.files import remove_folder

    stood = isinstance(folder, Path) and folder.is_dir()
    try:
        return results.write(folder)
    except (WriteFailed, OSError, KeyboardInterrupt) as error:
        remove_folder(folder)
        if stood and isinstance(folder, Path):
            folder.mkdir(exist_ok=True)
        if isinstance(error, OSError):
            raise Failed(f"could not write {folder}: {error.strerror or error}") from error
        raise


def _policies(texts: Sequence[str], scenario: Scenario) -> dict[str, Any]:
    """Firm -> classes that decide for it; modules are looked for in the current directory too."""
    if not texts:
        return {}
    from market_sim.agents.policies import load_policies

    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    return load_policies(texts, scenario)


def _tell(results: Results, folder: Place, as_json: bool) -> None:
    """The summary as far as the recorded tables carry it, and the folder."""
    from market_sim.views.summary import summarise

    summary = summarise(results, results.info)
    if as_json:
        answer_json({**summary.as_json(), "run": str(folder)})
        return
    from market_sim.cli.telling import tell

    tell(summary)
    answer(str(folder))
