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
from market_sim.mechanisms.fit.maturity import error_band, kappa0, novelty
from market_sim.mechanisms.fit.search import phase_terms, plan_seconds, search
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

UNDATED = "2025-01"
"""The date of a row without one."""

UNTOLD_CONCURRENCY = 512.0
"""Sequences at once per chip where nothing is said of them."""

HOST_MEMORY = 200e9
"""Bytes of host memory behind each chip: what does not fit beside the chip is streamed from there."""

LAYOUTS = 32
"""More than there are layouts to serve with."""

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
    """The rows with `predicted_mfu_pct`, `predicted_tokens_per_s_per_chip`, `log_error_sd` and `reason` added.

    A row that is malformed or outside the model's range gets no figures and a reason naming the row, counted from 1,
    the column, its value and what was wanted; the other rows are answered all the same. An answer that leans on host
    memory has figures and a reason. Cells beyond the header's come under None, as `csv.DictReader` has them.
    """
    fitted = load_fit_constants() if constants is None else constants
    lengths = {(row["suite"], row["architecture"]): row for row in read_rows("serving_lengths.csv")}
    return [_answered(row, number, fitted, lengths) for number, row in enumerate(rows, start=1)]


def _answered(row: Row, number: int, fitted: Mapping[str, float], lengths: Mapping[Any, Row]) -> dict[str, Any]:
    known, where = {column: value for column, value in row.items() if column is not None}, f"row {number}"
    tokens = mfu = band = None
    try:
        if len(known) < len(row):
            extra = [value for column, values in row.items() if column is None for value in values]
            raise ValueError(f"{where}: cells beyond the header's, {extra!r}; wanted one for each column")
        case = read_case(known, where, lengths)
        tokens, reason = tokens_per_second(case, fitted, where)
        mfu = 100.0 * tokens * case.flops_per_token / (1e15 * case.peak_pflops)
        band = float(error_band(case.chip, fitted)[0])
    except (ValueError, KeyError) as problem:
        reason = str(problem.args[0] if problem.args else problem)
    answer = {"predicted_mfu_pct": mfu, "predicted_tokens_per_s_per_chip": tokens, "log_error_sd": band}
    return {**known, **answer, "reason": reason}


def read_case(row: Row, where: str, lengths: Mapping[Any, Row] | None = None) -> Case:
    """A case from a row. Raises OutsideRange or ValueError naming row, column, value and what was wanted."""
    phase = _phase(row, where)
    architecture = _architecture(row, where)
    try:
        chip = chip_table([_cell(row, "chip")])
    except KeyError as unknown:
        raise ValueError(f"{where}, column chip: {unknown.args[0]}") from None
    dtype = dtype_class(_cell(row, "dtype"), f"{where}, column dtype")
    date = year(_cell(row, "date") or UNDATED, f"{where}, column date")
    jobs = _jobs(row, where, architecture, phase, dtype, lengths or {})
    peak = _peak(chip, dtype)
    flops = _flops_per_token(row, where, architecture, jobs, phase, date, peak)
    prefill = phase == DECODE and _requests(row, where, architecture.names[0], phase, lengths or {}).prefill
    return Case(architecture, chip, jobs, phase, date, flops, peak, prefill)


def _phase(row: Row, where: str) -> int:
    name = _cell(row, "phase")
    if name == "kernel":
        raise OutsideRange(f"{where}, column phase: 'kernel' times one kernel; wanted one of {', '.join(PHASE_NAMES)}")
    if name not in PHASE_NAMES:
        raise ValueError(f"{where}, column phase: {name!r}; wanted one of {', '.join(PHASE_NAMES)}")
    return PHASE_NAMES[name]


def _cell(row: Row, column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()


def _architecture(row: Row, where: str) -> ArchitectureTable:
    name = _cell(row, "architecture")
    if any(_cell(row, column) for column in ("layers", "d_model", "n_heads")):
        try:
            shape = {"release": _year_before(_cell(row, "date") or UNDATED), **_SHAPE_DEFAULTS, **shape_of(row, where)}
            return architectures_from_rows([{**shape, "architecture": name or _cell(row, "model") or where}])
        except ValueError as problem:
            text = str(problem)
            raise ValueError(text if text.startswith(where) else f"{where}: {text}") from None
    if not name:
        raise OutsideRange(
            f"{where}, column architecture: empty; wanted a name from the catalogue or its fields in columns"
        )
    try:
        return architecture_table([name])
    except KeyError as unknown:
        raise ValueError(f"{where}, column architecture: {unknown.args[0]}") from None


_SHAPE_DEFAULTS = {"attention_kind": "standard", "train_dtype": "bf16", "mlp_matrices": "3"}


def _year_before(date: str) -> str:
    """When a model came out that is given by its shape alone: as long ago as those of published rows, mostly."""
    return f"{int(date[:4]) - 1}{date[4:7]}" if date[:4].isdigit() else date


def shape_of(row: Row, where: str) -> dict[str, Any]:
    """The architecture's fields given in columns, with what follows from the others filled in.

    Raises ValueError naming row, column, value and what was wanted where one of those is no number.
    """
    given = {key: value for key, value in row.items() if value is not None and str(value).strip() != ""}
    layers, width, heads = (number_in(row, name, where, positive=True) for name in ("layers", "d_model", "n_heads"))
    own = number_in(row, "n_kv_heads", where, missing=heads)
    dims = number_in(row, "head_dim", where, positive=True, missing=width / heads)
    experts = number_in(row, "n_experts", where, missing=0.0)
    follows = {
        "n_kv_heads": own, "head_dim": dims, "kv_width": 2.0 * own * dims, "qk_dim": dims, "full_layers": layers,
        "moe_layers": layers if experts > 1.0 else 0.0, "context": given.get("seq_len", 4096),
    }  # fmt: skip
    return {**follows, **given}


def _jobs(
    row: Row, where: str, architecture: ArchitectureTable, phase: int, dtype: int, lengths: Mapping[Any, Row]
) -> Jobs:
    base = default_jobs(architecture)
    if phase == TRAINING:
        chips = number_in(row, "n_chips", where, positive=True, whole=True, missing=float(base.train_chips[0]))
        length = number_in(row, "seq_len", where, positive=True, missing=float(base.train_length[0]))
        return changed(base, train_chips=chips, train_length=length, train_dtype=dtype, batch=default_batch(chips))
    asked = _requests(row, where, architecture.names[0], phase, lengths)
    chips = number_in(row, "n_chips", where, positive=True, whole=True, missing=8.0)
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
    if _cell(row, "input_len") and _cell(row, "output_len"):
        return Requests(
            number_in(row, "input_len", where, positive=True), number_in(row, "output_len", where, positive=True)
        )
    suite = " ".join(_cell(row, "software").split()[:2])
    known = lengths.get((suite, architecture))
    if known:
        return Requests(
            float(known["prompt"]), float(known["answer"]), known["prefill"] == "included",
            float(known["concurrency"] or 0.0), float(known["step_seconds"] or 1.0),
        )  # fmt: skip
    if _cell(row, "seq_len"):
        length = number_in(row, "seq_len", where, positive=True)
        return Requests(0.5 * length, 0.5 * length)
    if phase == PREFILL:
        return Requests(2000.0, 500.0)
    raise OutsideRange(f"{where}, column seq_len: empty; wanted tokens per request, or a benchmark of known lengths")


def _noted_concurrency(row: Row, missing: float) -> float:
    """Sequences at once where the row's note gives them as 'batch 4' or 'concurrency 128'."""
    found = re.search(r"\b(?:batch|concurrency) (\d+)", _cell(row, "note"))
    return float(found.group(1)) if found else missing


def _peak(chip: ChipTable, dtype: int) -> float:
    row = chip.peaks[0]
    order = {0: (0,), 1: (1, 0), 2: (2, 1, 0), 3: (3, 0)}[dtype]
    return float(next(row[i] for i in order if np.isfinite(row[i])))


def _flops_per_token(
    row: Row, where: str, architecture: ArchitectureTable, jobs: Jobs, phase: int, date: float, peak: float
) -> float:
    """The row's own count where it prints both MFU and tokens, else ours: twice the causal scores before mid-2025."""
    if _cell(row, "mfu_pct") and _cell(row, "tokens_per_s_per_chip"):
        mfu, tokens = (number_in(row, name, where, positive=True) for name in ("mfu_pct", "tokens_per_s_per_chip"))
        return mfu / 100.0 * 1e15 * peak / tokens
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


def tokens_per_second(case: Case, constants: Mapping[str, float], where: str = "case") -> tuple[float, str]:
    """Tokens per second and chip, and a reason where the answer is a stretch: what does not fit is in host memory.

    Raises OutsideRange where that does not hold it either.
    """
    slow = 1.0 / case_maturity(case, constants)
    asked = named(ARCHITECTURE, architecture_vectors(case.architecture))
    offered, wanted = named(CHIP, chip_vectors(case.chip, constants)), named(JOB, job_vectors(case.jobs))
    k = named(CONSTANTS, constant_vector(constants))

    phase = case.phase
    plans, times, spilled = search(phase, phase_terms(phase, asked, offered, k, wanted), LAYOUTS, slow[None, :])
    seconds = (times[0] * slow).sum(axis=-1)
    if case.prefill:  # one copy of the weights serves prompts and answers: the layout is the same
        prompts = plan_seconds(PREFILL, phase_terms(PREFILL, asked, offered, k, wanted), plans)[0]
        seconds = seconds + (prompts * slow).sum(axis=-1) * float(case.jobs.prompt[0] / case.jobs.answer[0])
    best = int(np.argmin(seconds))
    over = float(spilled[0, best])
    beyond = f"{where}, column n_chips: {over / 1e9:.3g} GB per chip beyond the memory of {case.chip.names[0]}"
    if over > HOST_MEMORY:
        raise OutsideRange(f"{beyond}: does not fit; wanted more chips, or larger ones")
    return 1.0 / float(seconds[best]), f"{beyond} are streamed from the host" if over > 0.0 else ""
