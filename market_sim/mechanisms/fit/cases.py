"""Predictions for published cases: rows with the columns of `mfu.csv`, each answered or refused with a reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.layout import (
    ARCHITECTURE,
    CHIP,
    CONSTANTS,
    DECODE,
    EXPERT,
    JOB,
    KINDS,
    PREFILL,
    TRAINING,
    named,
)
from market_sim.mechanisms.fit.maturity import kappa0, novelty
from market_sim.mechanisms.fit.search import phase_terms, search
from market_sim.mechanisms.fit.workload import (
    Jobs,
    architecture_vectors,
    changed,
    chip_vectors,
    constant_vector,
    default_batch,
    default_jobs,
    job_vectors,
    useful_flops,
)
from market_sim.scenario.catalog import (
    ArchitectureTable,
    ChipTable,
    architecture_table,
    architectures_from_rows,
    chip_table,
    dtype_class,
    load_fit_constants,
    number_in,
    read_rows,
    year,
)

PHASE_NAMES = {"pretrain": TRAINING, "inference_prefill": PREFILL, "inference_decode": DECODE}

HALF_COUNT_FROM = 2025.5
"""Before this date a published FLOP count is taken to include the masked half of causal attention."""

UNTOLD_CONCURRENCY = 512.0
"""Sequences at once per chip where nothing is said of them."""

HOST_MEMORY = 200e9
"""Bytes of host memory behind each chip: what does not fit beside the chip is streamed from there."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One case the fit can answer; tables have one row each."""

    architecture: ArchitectureTable
    chip: ChipTable
    jobs: Jobs
    phase: int
    date: float
    flops_per_token: float  # in the row's own way of counting
    peak_pflops: float
    prefill: bool  # whether prompts run on the same chips as decoding


@dataclass(frozen=True)
class Requests:
    """What serving is asked for, as far as a row or the benchmark it names tell."""

    prompt: float  # tokens in
    answer: float  # tokens out
    prefill: bool = True  # whether the same chips also run the prompts
    concurrency: float = 0.0  # requests at once, 0 where untold
    step_seconds: float = 1.0  # longest decode step


class OutsideRange(ValueError):
    """A well-formed case the model does not cover; the message is the reason."""


def predict_cases(rows: Sequence[Row], constants: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """The rows with `predicted_mfu_pct`, `predicted_tokens_per_s_per_chip` and `reason` added.

    A row that is malformed or outside the model's range gets None, None and a reason naming the column, its value and
    what was wanted; the other rows are answered all the same.
    """
    fitted = load_fit_constants() if constants is None else constants
    lengths = {(row["suite"], row["architecture"]): row for row in read_rows("serving_lengths.csv")}
    return [_answered(row, number, fitted, lengths) for number, row in enumerate(rows, start=1)]


def _answered(row: Row, number: int, fitted: Mapping[str, float], lengths: Mapping[Any, Row]) -> dict[str, Any]:
    try:
        case = read_case(row, f"row {number}", lengths)
        tokens, reason = tokens_per_second(case, fitted)
    except (ValueError, KeyError) as problem:
        text = problem.args[0] if problem.args else str(problem)
        return {**row, "predicted_mfu_pct": None, "predicted_tokens_per_s_per_chip": None, "reason": str(text)}
    mfu = 100.0 * tokens * case.flops_per_token / (1e15 * case.peak_pflops)
    return {**row, "predicted_mfu_pct": mfu, "predicted_tokens_per_s_per_chip": tokens, "reason": reason}


def read_case(row: Row, where: str, lengths: Mapping[Any, Row] | None = None) -> Case:
    """A case from a row. Raises OutsideRange or ValueError naming row, column, value and what was wanted."""
    phase = _phase(row, where)
    architecture = _architecture(row, where)
    try:
        chip = chip_table([str(row.get("chip", ""))])
    except KeyError as unknown:
        raise ValueError(f"{where}, column chip: {unknown.args[0]}") from None
    dtype = dtype_class(str(row.get("dtype", "")), f"{where}, column dtype")
    date = year(str(row.get("date") or "2025-01"), f"{where}, column date")
    jobs = _jobs(row, where, architecture, phase, dtype, lengths or {})
    peak = _peak(chip, dtype)
    flops = _flops_per_token(row, architecture, jobs, phase, date, peak)
    prefill = phase == DECODE and _requests(row, where, architecture.names[0], phase, lengths or {}).prefill
    return Case(architecture, chip, jobs, phase, date, flops, peak, prefill)


def _phase(row: Row, where: str) -> int:
    name = str(row.get("phase", ""))
    if name == "kernel":
        raise OutsideRange(f"{where}, column phase: 'kernel' times one kernel; wanted one of {', '.join(PHASE_NAMES)}")
    if name not in PHASE_NAMES:
        raise ValueError(f"{where}, column phase: {name!r}; wanted one of {', '.join(PHASE_NAMES)}")
    return PHASE_NAMES[name]


def _architecture(row: Row, where: str) -> ArchitectureTable:
    if str(row.get("layers") or "").strip():
        name = str(row.get("architecture") or row.get("model") or where)
        try:
            return architectures_from_rows([{**_SHAPE_DEFAULTS, **shape_of(row), "architecture": name}])
        except ValueError as problem:
            raise ValueError(f"{where}: {problem}") from None
    name = str(row.get("architecture") or "")
    if not name:
        raise OutsideRange(
            f"{where}, column architecture: empty; wanted a name from the catalogue or its fields in columns"
        )
    try:
        return architecture_table([name])
    except KeyError as unknown:
        raise ValueError(f"{where}, column architecture: {unknown.args[0]}") from None


_SHAPE_DEFAULTS = {"attention_kind": "standard", "train_dtype": "bf16", "mlp_matrices": "3", "release": "2025-01"}


def shape_of(row: Row) -> dict[str, Any]:
    """The architecture's fields given in columns, with what follows from the others filled in."""
    given = {key: value for key, value in row.items() if value is not None and str(value).strip() != ""}
    number = {key: float(given[key]) for key in ("layers", "d_model", "n_heads", "n_kv_heads") if key in given}
    given.setdefault("n_kv_heads", given.get("n_heads", ""))
    if number.get("n_heads"):
        given.setdefault("head_dim", number.get("d_model", 0.0) / number["n_heads"])
        heads = number.get("n_kv_heads", number["n_heads"])
        given.setdefault("kv_width", 2.0 * heads * float(given["head_dim"]))
    given.setdefault("qk_dim", given.get("head_dim", ""))
    given.setdefault("full_layers", given.get("layers", ""))
    given.setdefault("moe_layers", given.get("layers", "") if float(given.get("n_experts", 0) or 0) > 1 else 0)
    given.setdefault("context", given.get("seq_len", 4096))
    return given


def _jobs(
    row: Row, where: str, architecture: ArchitectureTable, phase: int, dtype: int, lengths: Mapping[Any, Row]
) -> Jobs:
    base = default_jobs(architecture)
    if phase == TRAINING:
        chips = number_in(row, "n_chips", where, positive=True, missing=float(base.train_chips[0]))
        length = number_in(row, "seq_len", where, positive=True, missing=float(base.train_length[0]))
        return changed(base, train_chips=chips, train_length=length, train_dtype=dtype, batch=default_batch(chips))
    asked = _requests(row, where, architecture.names[0], phase, lengths)
    chips = number_in(row, "n_chips", where, positive=True, missing=8.0)
    most = _noted_concurrency(row, asked.concurrency or UNTOLD_CONCURRENCY * chips)
    most = number_in(row, "concurrency", where, positive=True, missing=most)
    return changed(
        base,
        prompt=asked.prompt,
        answer=asked.answer,
        serve_dtype=dtype,
        serve_chips=chips,
        concurrency=most / chips,
        step_limit=asked.step_seconds,
    )


def _requests(row: Row, where: str, architecture: str, phase: int, lengths: Mapping[Any, Row]) -> Requests:
    """What is asked: the row's own lengths, else those of a known benchmark, else halves of `seq_len`."""
    if str(row.get("input_len") or "").strip() and str(row.get("output_len") or "").strip():
        return Requests(
            number_in(row, "input_len", where, positive=True), number_in(row, "output_len", where, positive=True)
        )
    suite = " ".join(str(row.get("software") or "").split()[:2])
    known = lengths.get((suite, architecture))
    if known:
        return Requests(
            float(known["prompt"]), float(known["answer"]), known["prefill"] == "included",
            float(known["concurrency"] or 0.0), float(known["step_seconds"] or 1.0),
        )  # fmt: skip
    if str(row.get("seq_len") or "").strip():
        length = number_in(row, "seq_len", where, positive=True)
        return Requests(0.5 * length, 0.5 * length)
    if phase == PREFILL:
        return Requests(2000.0, 500.0)
    raise OutsideRange(f"{where}, column seq_len: empty; wanted tokens per request, or a benchmark of known lengths")


def _noted_concurrency(row: Row, missing: float) -> float:
    """Sequences at once where the row's note gives them as 'batch 4' or 'concurrency 128'."""
    found = re.search(r"\b(?:batch|concurrency) (\d+)", str(row.get("note") or ""))
    return float(found.group(1)) if found else missing


def _peak(chip: ChipTable, dtype: int) -> float:
    row = chip.peaks[0]
    order = {0: (0,), 1: (1, 0), 2: (2, 1, 0), 3: (3, 0)}[dtype]
    return float(next(row[i] for i in order if np.isfinite(row[i])))


def _flops_per_token(
    row: Row, architecture: ArchitectureTable, jobs: Jobs, phase: int, date: float, peak: float
) -> float:
    """The row's own count where it prints both MFU and tokens, else ours: twice the causal scores before mid-2025."""
    mfu, tokens = str(row.get("mfu_pct") or ""), str(row.get("tokens_per_s_per_chip") or "")
    if mfu and tokens:
        return float(mfu) / 100.0 * 1e15 * peak / float(tokens)
    vector = architecture_vectors(architecture)
    counted = float(useful_flops(vector, jobs)[0, phase])
    if phase == TRAINING and date < HALF_COUNT_FROM:
        whole = changed(jobs, train_length=2.0 * jobs.train_length)
        counted = float(useful_flops(vector, whole)[0, phase])
    return counted


def case_maturity(case: Case, constants: Mapping[str, float]) -> NDArray[np.float64]:
    """Kernel maturity (kind,) of the case's chip at its date, and in training for its model."""
    stack, began = case.chip.stacks[0], float(case.chip.family_from[0])
    kappa = np.array([kappa0(stack, kind, case.date, began, constants) for kind in KINDS])
    if case.phase == TRAINING:
        kappa[EXPERT] *= novelty(case.date - float(case.architecture.release[0]), constants)
    return kappa


def tokens_per_second(case: Case, constants: Mapping[str, float]) -> tuple[float, str]:
    """Tokens per second and chip, and a reason where the answer rests on a stretch (memory that does not fit)."""
    slow = 1.0 / case_maturity(case, constants)
    asked = named(ARCHITECTURE, architecture_vectors(case.architecture))
    offered, wanted = named(CHIP, chip_vectors(case.chip, constants)), named(JOB, job_vectors(case.jobs))
    k = named(CONSTANTS, constant_vector(constants))

    def best(phase: int) -> tuple[float, float]:
        _, times, spilled = search(phase, phase_terms(phase, asked, offered, k, wanted), 1, slow[None, :])
        return float((times[0, 0] * slow).sum()), float(spilled[0, 0])

    seconds, over = best(case.phase)
    if case.prefill:
        seconds += best(PREFILL)[0] * float(case.jobs.prompt[0] / case.jobs.answer[0])
    if over > HOST_MEMORY:
        raise OutsideRange(
            f"does not fit: {over / 1e9:.3g} GB per chip beyond the memory of {case.chip.names[0]} on these chips"
        )
    return 1.0 / seconds, ""
