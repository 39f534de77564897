"""`fit`: how well each chip suits each lab's models, and predictions for measured cases; both as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from market_sim.cli.exits import Failed, WrongInput
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer
from market_sim.units import MILLION

CASE_COLUMNS = ("architecture", "chip", "phase", "dtype")


def print_matrix(scenario: str, assignments: Sequence[str], out: Path | None) -> None:
    """Lab by chip at the scenario's start: useful PFLOP/s per chip and per million USD of chip and server, MFU, what
    limits it, and the error."""
    _write(list(_matrix(scenario, assignments)), out)


def _matrix(path: str, assignments: Sequence[str]) -> Iterator[dict[str, Any]]:
    scenario = scenario_of(path, {"labs.fit_error": 0.0, **overrides_of(assignments)})
    from market_sim.mechanisms.fit import KINDS, error_band, limiting
    from market_sim.scenario.catalog import chip_table
    from market_sim.simulation.prepare import prepare
    from market_sim.simulation.technology import by_chip

    setup, market = prepare(scenario, 0, (0,))
    band = error_band(chip_table({name: {"catalog": one.catalog or name} for name, one in scenario.chip.items()}))
    found = market.technology
    limits = limiting(found.seconds, by_chip(setup, found.maturity))
    price = market.vendors.list_price[0] + setup.drawn.chip.server[0]
    for row, (lab, firm) in enumerate(scenario.lab.items()):
        for column, chip in enumerate(scenario.chip):
            yield {
                "lab": lab,
                "architecture": firm.architecture,
                "chip": chip,
                "pflops_per_chip": f"{found.throughput[0, row, column]:.6g}",
                "pflops_per_musd": f"{found.throughput[0, row, column] / price[column] * MILLION:.5g}",
                "mfu": f"{found.mfu[0, row, column]:.4f}",
                "limited_by": KINDS[limits[0, row, column]],
                "log_error_sd": f"{band[column]:.3f}",
            }


def print_cases(cases: Path, out: Path | None) -> None:
    """The cases, with `predicted_mfu_pct`, `predicted_tokens_per_s_per_chip` and `reason` added."""
    rows = _cases(cases)
    from market_sim.mechanisms.fit.cases import predict_cases

    _write(predict_cases(rows), out)


def _cases(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV of cases. Raises WrongInput naming the file and what was wanted."""
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), restval="", strict=True)
        rows, header = list(reader), list(reader.fieldnames or ())
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read ({error.strerror}); wanted a CSV of cases") from None
    except UnicodeDecodeError as error:
        raise WrongInput(f"{path}: byte {error.start} is no UTF-8 text; wanted a CSV of cases in UTF-8") from None
    except csv.Error as error:
        raise WrongInput(f"{path}: is no CSV text ({error}); wanted columns such as those of mfu.csv") from None
    if lacking := [name for name in CASE_COLUMNS if header and name not in header]:
        raise WrongInput(f"{path}: has no column {lacking[0]!r}; wanted at least {', '.join(CASE_COLUMNS)}")
    if twice := [name for name in header if header.count(name) > 1]:
        raise WrongInput(f"{path}: has the column {twice[0]!r} twice; wanted each column once")
    if not rows:
        raise WrongInput(f"{path}: has no rows; wanted a CSV with a header and at least one case")
    return rows


def _write(rows: Sequence[Mapping[str, Any]], out: Path | None) -> None:
    """Rows as CSV, to a file or to stdout."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if out is None:
        answer(text.getvalue().rstrip("\n"))
        return
    try:
        out.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise Failed(f"could not write {out}: {error.strerror or error}") from error
    answer(str(out))
