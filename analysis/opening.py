"""What every script here begins and ends with: open the runs named on the command line, and keep the picture."""

import argparse
import sys
from pathlib import Path
from typing import Any

import polars as pl

from market_sim import read_runs
from market_sim.results.errors import ResultsError
from market_sim.results.read import Runs
from market_sim.views.charts import CHARTS, save
from market_sim.views.labels import labelled

pl.Config.set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True).set_tbl_rows(200)
pl.Config.set_fmt_str_lengths(80).set_float_precision(3).set_tbl_cols(12).set_tbl_width_chars(130)

NINE_TENTHS = {"low": 0.05, "median": 0.5, "high": 0.95}


def opened(question: str | None, *needs: str) -> tuple[Runs, dict[str, pl.LazyFrame], Path]:
    """The runs named on the command line, their tables with names as text, and the folder for pictures.

    Ends the script with a message where there are no runs, or one did not record a table in `needs`.
    """
    asked = argparse.ArgumentParser(description=question, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("runs", nargs="+", help="run folders, batch folders, or globs of them")
    asked.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures (pictures/)")
    given = asked.parse_args()
    try:
        runs = read_runs(given.runs)
        for name in needs:
            runs[name]  # says which run lacks it
    except ResultsError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    for run in runs.incomplete:
        print(f"{run} is not complete: what it holds so far is shown")
    named = labelled(runs)
    return runs, {name: named[name].with_columns(pl.col(pl.Enum).cast(pl.String)) for name in needs}, given.out


def spread(column: str) -> list[pl.Expr]:
    """Median and the band of nine tenths of a column, over replicates."""
    return [pl.col(column).quantile(at, "linear").alias(name) for name, at in NINE_TENTHS.items()]


def picture(chart: str | Any, runs: Runs, folder: Path, name: str) -> None:
    """Draw one of the shared charts, or save one of your own, and say where it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    save(CHARTS[chart].draw(runs) if isinstance(chart, str) else chart, path, "svg")
    print(path)
