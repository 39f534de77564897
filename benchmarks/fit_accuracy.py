"""How well the compute fit predicts published efficiencies it has not seen, beside a look-up table on the same rows.

Errors are in logs of tokens per second and chip, or of MFU in the row's own count where no tokens are published.
"""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from fit_calibration import Measured, Problem, measured
from numpy.typing import NDArray

from market_sim.mechanisms.fit import predict_cases
from market_sim.mechanisms.fit.layout import DECODE, TRAINING
from market_sim.scenario.catalog import dtype_class

IRONWOOD = "TPU v7 (Ironwood, TPU7x)"
RECENT = 2026.0
"""Rows from this year on are also predicted from the earlier ones alone."""

Errors = NDArray[np.float64]
Line = tuple[str, int, float, float, float]  # label, rows, median and mean size of the errors, bias


@dataclass(frozen=True)
class Table:
    """Errors on rows left out, by class of rows."""

    title: str
    lines: list[Line]


@cache
def problems() -> tuple[Problem, Problem]:
    """Training and serving, at the constants shipped."""
    return Problem(measured(TRAINING), "training", TRAINING), Problem(measured(DECODE), "serving", DECODE)


def teams(data: Measured) -> list[Hashable]:
    """Who published each row: the owner of the repository, or the site."""
    found = (re.search(r"https?://(?:www\.)?(github\.com/[^/]+|[^/]+)", row["source_url"]) for row in data.rows)
    return [one.group(1) if one else "?" for one in found]


def vendors(data: Measured) -> list[Hashable]:
    return [case.chip.vendors[0] for case in data.cases]


def look_up(data: Measured, groups: Sequence[Hashable]) -> Errors:
    """Log errors of MFU read from geometric means of the rows left, by ever coarser classes."""
    keys = [
        (
            (row["chip"], row["arch"], dtype_class(row["dtype"])),
            (row["chip"], row["arch"]),
            (vendor, row["arch"], dtype_class(row["dtype"])),
            (row["arch"], dtype_class(row["dtype"])),
            (row["arch"],),
        )
        for row, vendor in zip(data.rows, vendors(data), strict=True)
    ]
    mfu = np.log([float(row["mfu_pct"]) for row in data.rows])
    errors = np.empty(len(mfu))
    for i, key in enumerate(keys):
        left = [n for n in range(len(mfu)) if groups[n] != groups[i]]
        same = next(found for level in range(5) if (found := [n for n in left if keys[n][level] == key[level]]))
        errors[i] = np.mean(mfu[same]) - mfu[i]
    return errors


def line(label: str, errors: Errors) -> Line:
    size = np.abs(errors)
    return label, len(errors), float(np.median(size)), float(size.mean()), float(errors.mean())


def by_class(data: Measured, errors: Errors, detailed: bool = False) -> list[Line]:
    """All rows, dense and mixtures, by vendor, and if detailed by chip and format."""
    kinds = ["MoE" if row["arch"] == "moe" else "dense" for row in data.rows]
    classes: list[Sequence[Hashable]] = [["all"] * len(kinds), kinds, vendors(data)]
    if detailed:
        classes += [data.chips, [row["dtype"] for row in data.rows]]
    answer = []
    for labels in classes:
        for label in sorted({str(one) for one in labels}, key=lambda name: (name == "MoE", name)):
            answer.append(line(label, errors[[str(one) == label for one in labels]]))
    return answer


@cache
def left_out(stage: int, by: str) -> Errors:
    """Errors of each group of rows under constants fitted to the others."""
    problem = problems()[stage]
    return problem.left_out(problem.shipped, groups_of(problem.data, by))


def groups_of(data: Measured, by: str) -> list[Hashable]:
    named: dict[str, Callable[[Measured], list[Hashable]]] = {
        "(model, chip) pairs": lambda d: d.pairs,
        "chips": lambda d: d.chips,
        "models": lambda d: d.models,
        "teams": teams,
        "vendors": vendors,
    }
    return named[by](data)


def tables() -> Iterator[Table]:
    """Every table of errors: pretraining by what is left out, then decoding."""
    training, serving = (problem.data for problem in problems())
    for by in ("(model, chip) pairs", "chips"):
        errors, table = left_out(0, by), look_up(training, groups_of(training, by))
        lines = by_class(training, errors, detailed=by != "chips")
        yield Table(f"pretraining, {by} left out", [*lines, line("look-up table", table)])
    lines = []
    for by in ("models", "teams", "vendors"):
        errors, table = left_out(0, by), look_up(training, groups_of(training, by))
        lines += [line(f"{by} left out", errors), line("the look-up table then", table)]
    lines.append(line(f"{RECENT:.0f} on, from what came before", recent()))
    yield Table("pretraining, harder still", lines)
    for by in ("(model, chip) pairs", "models"):
        yield Table(f"decoding, {by} left out", by_class(serving, left_out(1, by)))


def recent() -> Errors:
    """Errors of the rows from RECENT on under constants fitted to the earlier ones alone."""
    problem = problems()[0]
    late = np.array([case.date >= RECENT for case in problem.data.cases])
    x = problem.prior
    for _ in range(4):
        x = problem.fit(x, ~late, problem.plans(x), 8)
    return (problem.predict(x, problem.plans(x)) - problem.data.target)[late]


def gain(by: str) -> float:
    """Mean error over the look-up table's."""
    data = problems()[0].data
    return float(np.abs(left_out(0, by)).mean() / np.abs(look_up(data, groups_of(data, by))).mean())


def ordered(data: Measured, predicted: Errors) -> tuple[float, float, int, int]:
    """Share of pairs of rows of one model, format class and year on two chips put in the right order.

    The second share is over the pairs more than a tenth apart; then the two numbers of pairs.
    """
    kinds = [
        (row["architecture"], dtype_class(row["dtype"]), row["date"][:4]) if row["tokens_per_s_per_chip"] else None
        for row in data.rows
    ]
    gaps = [
        (data.target[i] - data.target[j], predicted[i] - predicted[j])
        for i in range(len(kinds))
        for j in range(i)
        if kinds[i] is not None and kinds[i] == kinds[j] and data.chips[i] != data.chips[j]
    ]
    wide = [pair for pair in gaps if abs(pair[0]) > np.log(1.1)]
    right, right_wide = (np.mean([a * b > 0.0 for a, b in pairs]) for pairs in (gaps, wide))
    return float(right), float(right_wide), len(gaps), len(wide)


def rate(architecture: str, chip: str, chips: int, dtype: str, length: int = 4096, date: str = "2026-06") -> float:
    """Predicted training tokens per second and chip."""
    row = {
        "architecture": architecture, "chip": chip, "n_chips": chips, "dtype": dtype,
        "seq_len": length, "date": date, "phase": "pretrain",
    }  # fmt: skip
    return float(predict_cases([row])[0]["predicted_tokens_per_s_per_chip"])


def reversals() -> dict[str, float]:
    """The ratios that must come out, as they are known from published rows."""

    def over(model: str, a: str, b: str, chips: int, dtype: str = "mxfp8") -> float:
        return rate(model, a, chips, dtype) / rate(model, b, chips, dtype)

    answer = {}
    for dtype in ("bf16", "fp8"):
        favour = over("GPT-OSS 120B", "GB200-NVL72", IRONWOOD, 64, dtype)
        plain = over("Llama 3.1 70B", "GB200-NVL72", IRONWOOD, 64, dtype)
        answer[f"GPT-OSS over Llama 70B, GB200 / Ironwood, {dtype}"] = favour / plain
    for rack, node in (("GB300-NVL72", "B300-HGX"), ("GB200-NVL72", "B200-HGX")):
        answer[f"DeepSeek-V3 on 256, {rack} / {node}"] = over("DeepSeek-V3 / R1", rack, node, 256)
        answer[f"Qwen3-30B on 8, {rack} / {node}"] = over("Qwen3 30B-A3B", rack, node, 8)
    return answer


def worst(stage: int, count: int) -> list[tuple[str, str, str, str, float]]:
    """Model, chip, format, date and error of the rows missed most with pairs left out."""
    rows, errors = problems()[stage].data.rows, left_out(stage, "(model, chip) pairs")
    order = np.argsort(-np.abs(errors), kind="stable")[:count]
    return [
        (row["architecture"], row["chip"], row["dtype"], row["date"], float(errors[i]))
        for i in order
        for row in (rows[i],)
    ]
