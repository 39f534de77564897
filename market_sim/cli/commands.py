"""The commands and their options; each hands on to the file that does the work, imported only then."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from market_sim.cli.exits import Interrupted


class Commands(TyperGroup):
    """The commands; an interrupt keeps the words it was raised with, which the parser would drop."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted(str(error)) from error


app = typer.Typer(
    cls=Commands,
    name="market-sim",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Who ends up holding the AI-compute market, and why? An agent-based simulator of chip vendors, "
    "hyperscalers, neoclouds and model labs.",
    epilog="Any command takes --debug, which shows the traceback of an error.",
)


class ParameterFormat(StrEnum):
    """How the parameter reference is written."""

    md = "md"
    json = "json"


class ChartFormat(StrEnum):
    """What a chart is saved as."""

    svg = "svg"
    png = "png"
    html = "html"


def whole_number(most: int) -> Callable[[str | int], int]:
    """A reader of whole numbers from 0 to `most`; a default comes as a number already."""

    def read(given: str | int) -> int:
        text = str(given)
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
            raise typer.BadParameter(f"{text!r}; wanted a whole number from 0 to {most}")
        return int(text)

    return read


def place(given: str) -> Any:
    """A reader of folders, here or in an object store."""
    from market_sim.results.files import place_of

    return place_of(given)


MOST_SEED, MOST_REPLICATE = 2**63 - 1, 2**31 - 1  # what the columns of the results hold
SCENARIO = "A scenario file, or the name of a shipped scenario."
Seed = Annotated[
    int,
    typer.Option(metavar="N", parser=whole_number(MOST_SEED), help="All luck of a run derives from it."),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a parameter; may be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]


def version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        from importlib.metadata import version as installed

        typer.echo(f"market-sim {installed('market-sim')}")
        raise typer.Exit


@app.callback()
def top(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Options that stand before the command."""


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)],
    seed: Seed = 0,
    replicate: Annotated[
        int,
        typer.Option(metavar="K", parser=whole_number(MOST_REPLICATE), help="Which draw of luck under the seed."),
    ] = 0,
    assignments: Assignments = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MODULE:CLASS", help="Replace one firm's policy; may be repeated."),
    ] = None,
    record: Annotated[str, typer.Option(metavar="LIST", help="Tables to record, by comma; all by default.")] = "",
    out: Annotated[
        Any, typer.Option(metavar="DIR", parser=place, help="The run folder; runs/<scenario>-<seed>-<hash> by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run one replicate of a scenario, print what came out, and write the run folder."""
    from market_sim.cli.running import Order, run_one

    run_one(
        Order(scenario, tuple(assignments or ()), seed, replicate, tuple(policy or ()), record, out),
        as_json=as_json,
    )


@app.command()
def validate(scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help=SCENARIO)]) -> int:
    """Check scenario files: one line each, OK or what is wrong."""
    from market_sim.cli.checking import validate_all

    return validate_all(scenarios)


@app.command()
def scenarios() -> None:
    """List the shipped scenarios and what each asks."""
    from market_sim.cli.looking import list_scenarios

    list_scenarios()


@app.command()
def parameters(
    layout: Annotated[ParameterFormat, typer.Option("--format", help="Markdown or JSON.")] = ParameterFormat.md,
) -> None:
    """Print every parameter: type, unit, default, bounds, meaning, source and standing."""
    from market_sim.cli.looking import print_parameters

    print_parameters(layout.value)


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="RUN|SCENARIO", help="A run folder or a scenario.")],
    assignments: Assignments = None,
) -> None:
    """Show a run (manifest, tables, leaders) or a scenario (what it says over its parent, and whence)."""
    from market_sim.cli.looking import show_anything

    show_anything(what, tuple(assignments or ()))


@app.command()
def fit(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)] = "baseline",
    cases: Annotated[Path | None, typer.Option(help="A CSV of measured cases to predict instead.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write CSV there; on stdout by default.")] = None,
    assignments: Assignments = None,
) -> None:
    """Print the compute-fit matrix of a scenario, or predict measured cases."""
    from market_sim.cli.fitting import print_cases, print_matrix

    if cases is None:
        print_matrix(scenario, tuple(assignments or ()), out)
    else:
        print_cases(cases, out)


@app.command()
def plot(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders, or globs of them.")],
    chart: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Which chart; all by default.")] = None,
    layout: Annotated[ChartFormat, typer.Option("--format", help="What to save as.")] = ChartFormat.svg,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; charts/ of the run by default.")] = None,
) -> None:
    """Draw charts of one or more runs."""
    from market_sim.cli.plotting import plot_runs

    plot_runs(runs, tuple(chart or ()), layout.value, out)


@app.command()
def dashboard(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)] = "baseline",
    host: Annotated[
        str, typer.Option(metavar="ADDR", help="Where to listen; this machine alone by default.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", parser=whole_number(65535), help="The port to listen at.")] = 8765,
) -> None:
    """Move the dials of the theses on a page and watch a small ensemble answer (extra: dashboard)."""
    from market_sim.cli.serving import serve_dashboard

    serve_dashboard(scenario, host, port)


@app.command()
def report(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders, those of batches, or globs.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="The page; report.html by default.")
    ] = None,
) -> None:
    """Write one page about one or more runs: question, answer, pictures, sources; it opens offline."""
    from market_sim.cli.reporting import report_runs

    report_runs(runs, out)
