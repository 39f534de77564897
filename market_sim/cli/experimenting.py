"""The commands over many replicates, and their options: batch, compare, sweep and hindcast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from market_sim.cli.commands import MOST_REPLICATE, SCENARIO, Assignments, Json, Seed, app, place, whole_number

Count = Annotated[
    int | None,
    typer.Option("-n", "--replicates", metavar="N", parser=whole_number(MOST_REPLICATE), help="Draws of luck per run."),
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="W", parser=whole_number(10_000), help="Worker processes; one per core by default."),
]
ExecutorName = Annotated[
    str, typer.Option("--executor", metavar="NAME", help="processes, serial, dask or mpi; processes by default.")
]
Scheduler = Annotated[str, typer.Option(metavar="ADDR", help="Dask scheduler: its address, or the file that it wrote.")]
Record = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="Tables to record at every tick, by comma, or all; by default concentration and signals, and shares "
        "at year ends.",
    ),
]
Chunk = Annotated[
    int | None,
    typer.Option(metavar="N", parser=whole_number(MOST_REPLICATE), help="Replicates in a task and a part; 64."),
]
Out = Annotated[
    Any,
    typer.Option(metavar="DIR", parser=place, help="The folder to write, or s3://bucket/path; below runs/ by default."),
]


@app.command()
def batch(
    scenarios: Annotated[list[str] | None, typer.Argument(metavar="SCENARIO...", help=SCENARIO)] = None,
    replicates: Count = None,
    seed: Seed = 0,
    assignments: Assignments = None,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    scheduler: Scheduler = "",
    record: Record = "",
    chunk: Chunk = None,
    out: Out = None,
    resume: Annotated[
        Any, typer.Option(metavar="DIR", parser=place, help="Go on with the batch in this folder.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Simulate many replicates of one or several scenarios; safe to kill, and to go on with by --resume."""
    from market_sim.cli.batching import Hands, Request, run_request

    request = Request(tuple(scenarios or ()), tuple(assignments or ()), replicates, seed, record, chunk, out, resume)
    return run_request(request, Hands(executor, workers, scheduler), as_json=as_json)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A scenario, or the folder of a run or a batch.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other.")],
    replicates: Count = None,
    seed: Seed = 0,
    assignments: Assignments = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="market/basis/measure or signal[/group]; may be repeated."),
    ] = None,
    at: Annotated[
        str, typer.Option(metavar="DATE", help="end, 2030-06, 2030 (its mean), or 2029-07..2030-06.")
    ] = "end",
    confidence: Annotated[float, typer.Option(metavar="P", help="How sure the intervals are.")] = 0.95,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    scheduler: Scheduler = "",
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Differences between two scenarios under the same luck, with intervals; scenarios are run first."""
    from market_sim.cli.batching import Hands
    from market_sim.cli.comparing import Question, compare_both

    question = Question(a, b, tuple(assignments or ()), replicates, seed, tuple(metric or ()), at, confidence, out)
    return compare_both(question, Hands(executor, workers, scheduler), as_json=as_json)


@app.command()
def sweep(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)],
    grid: Annotated[
        list[str] | None, typer.Option(metavar="KEY=V1,V2,..", help="Values of a parameter; all are crossed.")
    ] = None,
    lhs: Annotated[
        list[str] | None, typer.Option(metavar="KEY=LO:HI[:log]", help="A range, drawn by Latin hypercube.")
    ] = None,
    points: Annotated[
        int, typer.Option(metavar="N", parser=whole_number(1_000_000), help="Points of the Latin hypercube.")
    ] = 16,
    replicates: Count = None,
    seed: Seed = 0,
    assignments: Assignments = None,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    scheduler: Scheduler = "",
    record: Record = "",
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Run a scenario over a design of parameters, every point under the same luck."""
    from market_sim.cli.batching import Hands
    from market_sim.cli.sweeping import Survey, run_survey

    survey = Survey(
        scenario, tuple(assignments or ()), tuple(grid or ()), tuple(lhs or ()), points, replicates, seed, record, out
    )
    return run_survey(survey, Hands(executor, workers, scheduler), as_json=as_json)


@app.command()
def hindcast(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)] = "history_2023",
    replicates: Count = None,
    seed: Seed = 0,
    assignments: Assignments = None,
    history: Annotated[
        Path | None, typer.Option(metavar="CSV", help="What happened, in the columns of the shipped file.")
    ] = None,
    error: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON", help="Widen the bands by the model's error that `calibrate` wrote beside its draws."
        ),
    ] = None,
    rebased: Annotated[
        bool,
        typer.Option(
            "--rebased", help="As a forecast made at the end of 2024: begin 2025 at the last figures known then."
        ),
    ] = False,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    scheduler: Scheduler = "",
    out: Annotated[Path | None, typer.Option(help="The folder to write; below runs/ by default.")] = None,
    as_json: Json = False,
) -> None:
    """Retrace 2023 to 2025 and score it against what happened, beside naive forecasts; 2025 is the test."""
    from market_sim.cli.batching import Hands
    from market_sim.cli.hindcasting import Trial, run_trial

    trial = Trial(scenario, tuple(assignments or ()), replicates, seed, history, error, rebased, out)
    run_trial(trial, Hands(executor, workers, scheduler), as_json=as_json)
