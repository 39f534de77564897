"""The commands that weigh evidence, and their options: sensitivity, theses and calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from market_sim.cli.commands import MOST_REPLICATE, SCENARIO, Assignments, Json, Seed, app, whole_number
from market_sim.cli.experimenting import ExecutorName, Out, Scheduler, Workers

Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output", metavar="METRIC", help="market/basis/measure or signal[/group]; HHI of three markets by default."
    ),
]
Confidence = Annotated[float, typer.Option(metavar="P", help="How sure the intervals are.")]


def samples_of(default: int, meaning: str) -> typer.models.OptionInfo:
    """The option `--samples`."""
    help_text = f"{meaning}; {default} by default."
    return typer.Option(metavar="N", parser=whole_number(MOST_REPLICATE), help=help_text)  # type: ignore[no-any-return]


@app.command()
def sensitivity(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)],
    method: Annotated[str, typer.Option(metavar="NAME", help="sobol, morris or pawn; sobol by default.")] = "sobol",
    samples: Annotated[
        int, samples_of(128, "Rows of the design; a power of two for sobol, trajectories for morris")
    ] = 128,
    output: Outputs = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY[=LO:HI[:log]]", help="A parameter to vary; all that the scenario is uncertain of by default."
        ),
    ] = None,
    years: Annotated[float, typer.Option(metavar="Y", help="Length of the runs; outputs are means of the last.")] = 5.0,
    seed: Seed = 0,
    assignments: Assignments = None,
    confidence: Confidence = 0.95,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    scheduler: Scheduler = "",
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Say which uncertain parameters an output hangs on; broken off, the same command goes on with it."""
    from market_sim.cli.batching import Hands
    from market_sim.cli.surveying import Inquiry, inquire

    inquiry = Inquiry(
        scenario,
        tuple(assignments or ()),
        method,
        samples,
        tuple(output or ()),
        tuple(parameter or ()),
        years,
        seed,
        confidence,
        out,
    )
    return inquire(inquiry, Hands(executor, workers, scheduler), as_json=as_json)


@app.command()
def theses(
    scenario: Annotated[str, typer.Argument(help=f"{SCENARIO} baseline by default.")] = "baseline",
    samples: Annotated[int, samples_of(64, "Replicates of each run")] = 64,
    thesis: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="T1 to T6; may be repeated; all by default.")
    ] = None,
    seed: Seed = 0,
    assignments: Assignments = None,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    scheduler: Scheduler = "",
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Put the theses to the test, each mechanism on against off; broken off, the same command goes on with it."""
    from market_sim.cli.batching import Hands
    from market_sim.cli.weighing import Case, weigh_all

    case = Case(scenario, tuple(assignments or ()), tuple(thesis or ()), samples, seed, out)
    return weigh_all(case, Hands(executor, workers, scheduler), as_json=as_json)


@app.command()
def calibrate(
    scenario: Annotated[
        str, typer.Option("--scenario", metavar="SCENARIO", help="One that begins in January 2023.")
    ] = "history_2023",
    samples: Annotated[int, samples_of(512, "Simulations in a wave")] = 512,
    waves: Annotated[int, typer.Option(metavar="W", parser=whole_number(1000), help="Waves.")] = 5,
    draws: Annotated[int, typer.Option(metavar="N", parser=whole_number(100_000), help="Draws to write.")] = 256,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY[=LO:HI[:log]]", help="A free parameter; all that the scenario is uncertain of by default."
        ),
    ] = None,
    seed: Seed = 0,
    assignments: Assignments = None,
    history: Annotated[Path | None, typer.Option(metavar="CSV", help="History; the shipped one by default.")] = None,
    work: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that keeps simulations; below runs/ by default.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Draws, for parameters_from of scenarios.")] = Path(
        "posteriors/2023-2024.parquet"
    ),
    workers: Workers = None,
    executor: ExecutorName = "processes",
    as_json: Json = False,
) -> int:
    """Fit uncertain parameters to 2023 and 2024; broken off, the same command goes on with it."""
    from market_sim.cli.batching import Hands
    from market_sim.cli.calibrating import Request, calibrate_to_history

    request = Request(
        scenario, tuple(assignments or ()), tuple(parameter or ()), samples, waves, draws, seed, history, work, out
    )
    return calibrate_to_history(request, Hands(executor, workers, ""), as_json=as_json)
