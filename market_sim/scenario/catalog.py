"""The catalogue of chips and model architectures: tables of arrays, read from the CSV files beside this one.

Every row names its source and its standing. Where no public figure exists the row is `estimated` and names the
fields that are ours, filled by these rules: a missing matrix peak is half that of the next narrower format; links
and power follow the vendor's nearest sibling by peak; a price follows the vendor's price per bf16 TFLOP/s.
A format a chip does not compute in is left empty (NaN here): work in it then runs at the next wider one's rate.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("bf16", "fp8", "fp4", "int8")
"""Classes of matrix format; `dtype_class` maps the names in use onto them."""

TOPOLOGIES = ("switch", "mesh", "torus_2d", "torus_3d")
"""How the scale-up domain is wired; torus dimension and bisection follow from it."""

ATTENTION_KINDS = ("standard", "window", "latent", "sparse", "sink", "recurrent", "bias")
"""Families of attention kernel, each with a maturity of its own."""

_DTYPE_CLASS = {
    "bf16": 0,
    "fp16": 0,
    "fp8": 1,
    "mxfp8": 1,
    "fp8/fp4": 1,
    "fp4": 2,
    "nvfp4": 2,
    "mxfp4": 2,
    "mxfp4 experts": 2,
    "int8": 3,
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ChipTable:
    """Accelerators, one per row; arrays have shape (chip,) unless said."""

    names: tuple[str, ...]
    vendors: tuple[str, ...]
    stacks: tuple[str, ...]
    families: tuple[str, ...]
    family_from: NDArray[np.float64]  # year the instruction-set family began
    available_from: NDArray[np.float64]  # year of first sale
    peaks: NDArray[np.float64]  # (chip, dtype) dense PFLOP/s, NaN where the format is not computed
    memory_gb: NDArray[np.float64]
    memory_tb_per_s: NDArray[np.float64]
    topologies: NDArray[np.int64]  # index into TOPOLOGIES
    domain_chips: NDArray[np.float64]
    scale_up_gb_per_s: NDArray[np.float64]  # per chip, both directions together
    scale_out_gb_per_s: NDArray[np.float64]  # per chip, both directions together
    matrix_tile: NDArray[np.float64]  # elements a matrix unit takes at once
    power_kw: NDArray[np.float64]
    price_usd: NDArray[np.float64]
    standing: tuple[str, ...]


@dataclass(frozen=True)
class ArchitectureTable:
    """Model architectures, one per row; arrays have shape (architecture,)."""

    names: tuple[str, ...]
    release: NDArray[np.float64]  # year
    layers: NDArray[np.float64]
    width: NDArray[np.float64]
    ffn_width: NDArray[np.float64]
    heads: NDArray[np.float64]
    kv_heads: NDArray[np.float64]
    head_dim: NDArray[np.float64]
    attention: NDArray[np.int64]  # index into ATTENTION_KINDS
    full_layers: NDArray[np.float64]  # layers that attend to everything
    local_layers: NDArray[np.float64]  # layers that attend to a window
    linear_layers: NDArray[np.float64]  # recurrent layers with a state of fixed size
    window: NDArray[np.float64]  # tokens
    linear_width: NDArray[np.float64]  # channels of a recurrent layer
    linear_state: NDArray[np.float64]  # elements of state per channel
    kv_width: NDArray[np.float64]  # elements cached per token and attending layer
    qk_dim: NDArray[np.float64]
    mlp_matrices: NDArray[np.float64]  # 3 when gated, 2 when not
    experts: NDArray[np.float64]
    active_experts: NDArray[np.float64]
    shared_experts: NDArray[np.float64]
    expert_width: NDArray[np.float64]
    expert_latent: NDArray[np.float64]  # width experts work in, 0 for the model's own
    moe_layers: NDArray[np.float64]
    vocabulary: NDArray[np.float64]
    context: NDArray[np.float64]
    total_params_b: NDArray[np.float64]
    active_params_b: NDArray[np.float64]
    train_dtype: NDArray[np.int64]  # index into DTYPES
    standing: tuple[str, ...]


_CHIP_COLUMNS = {
    "memory_gb": "hbm_gb",
    "memory_tb_per_s": "hbm_tb_per_s",
    "domain_chips": "domain_chips",
    "scale_up_gb_per_s": "scale_up_gb_per_s",
    "scale_out_gb_per_s": "scale_out_gb_per_s",
    "matrix_tile": "matrix_tile",
    "price_usd": "price_usd",
}
_ARCHITECTURE_COLUMNS = {
    "layers": "layers",
    "width": "d_model",
    "ffn_width": "d_ff",
    "heads": "n_heads",
    "kv_heads": "n_kv_heads",
    "head_dim": "head_dim",
    "full_layers": "full_layers",
    "local_layers": "local_layers",
    "linear_layers": "linear_layers",
    "window": "window",
    "linear_width": "linear_width",
    "linear_state": "linear_state",
    "kv_width": "kv_width",
    "qk_dim": "qk_dim",
    "mlp_matrices": "mlp_matrices",
    "experts": "n_experts",
    "active_experts": "n_active_experts",
    "shared_experts": "n_shared_experts",
    "expert_width": "expert_d_ff",
    "expert_latent": "expert_latent",
    "moe_layers": "moe_layers",
    "vocabulary": "vocab",
    "context": "context",
    "total_params_b": "params_total_b",
    "active_params_b": "params_active_b",
}
_WHOLE = {"layers", "n_heads", "n_kv_heads", "n_experts", "n_active_experts", "n_shared_experts"}
_POSITIVE = {"layers", "d_model", "n_heads", "head_dim", "vocab", "params_total_b", "params_active_b"}


def dtype_class(name: str, where: str = "dtype") -> int:
    """Index into DTYPES of a format's name. Raises ValueError naming the place, the value and what is known."""
    if name not in _DTYPE_CLASS:
        raise ValueError(f"{where}: unknown dtype {name!r}; wanted one of {', '.join(sorted(_DTYPE_CLASS))}")
    return _DTYPE_CLASS[name]


def year(text: str, where: str = "date") -> float:
    """'2024-07' -> 2024.5, counted to the start of the month. Raises ValueError naming the place and the value."""
    found = re.fullmatch(r"((?:19|20|21)\d\d)(?:-(0[1-9]|1[0-2])(?:-\d\d)?)?", text.strip())
    if not found:
        raise ValueError(f"{where}: {text!r} is no date; wanted YYYY-MM")
    return float(found[1]) + (float(found[2] or 1) - 1.0) / 12.0


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of one of the package's own tables."""
    text = files("market_sim.scenario").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def chip_names() -> tuple[str, ...]:
    """The names of the chips in the catalogue, long and short."""
    rows = read_rows("chips.csv")
    return tuple(row["chip"] for row in rows) + tuple(row["short_name"] for row in rows if row["short_name"])


@cache
def architecture_names() -> tuple[str, ...]:
    """The names of the architectures in the catalogue."""
    return tuple(row["architecture"] for row in read_rows("architectures.csv"))


@cache
def load_chips() -> ChipTable:
    """Every chip of the catalogue, in the order of the file."""
    return chips_from_rows(read_rows("chips.csv"))


@cache
def load_architectures() -> ArchitectureTable:
    """Every architecture of the catalogue, in the order of the file."""
    return architectures_from_rows(read_rows("architectures.csv"))


@cache
def load_fit_constants() -> dict[str, float]:
    """The constants of the compute fit, by name; meaning, source and band stand in `fit_constants.csv`."""
    return {row["constant"]: float(row["value"]) for row in read_rows("fit_constants.csv")}


def chip_table(chips: Sequence[str] | Mapping[str, Mapping[str, Any]]) -> ChipTable:
    """The named chips, in the order given; a chip goes by its name in the catalogue or its short name.

    A mapping gives each chip its parameters as columns of `chips.csv`; `catalog` names the row to start from (by
    default the chip's own name), and a chip that is in no catalogue gives every field itself.
    Raises KeyError for an unknown chip and ValueError for a missing or illegal field.
    """
    changes = chips if isinstance(chips, Mapping) else {name: {} for name in chips}
    rows = read_rows("chips.csv")
    known = {row["short_name"]: row for row in rows if row["short_name"]} | {row["chip"]: row for row in rows}
    return chips_from_rows([_changed_chip(known, name, change) for name, change in changes.items()])


def architecture_table(names: Iterable[str]) -> ArchitectureTable:
    """The named architectures, in the order given. Raises KeyError with the nearest names for an unknown one."""
    known = {row["architecture"]: row for row in read_rows("architectures.csv")}
    return architectures_from_rows([known[_known(name, known, "architecture")] for name in names])


def _changed_chip(known: Mapping[str, Row], name: str, change: Mapping[str, Any]) -> dict[str, Any]:
    base = change.get("catalog") or name
    own = {key: value for key, value in change.items() if key != "catalog"}
    if "catalog" in change or not own:
        base = _known(base, known, "chip")
    return {**known.get(base, {}), **own, "chip": name}


def _known(name: str, known: Mapping[str, Any], what: str) -> str:
    if name in known:
        return name
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:3]
    raise KeyError(f"unknown {what} {name!r}; nearest in the catalogue: {', '.join(near)}")


def number_in(
    row: Row, column: str, where: str, *, positive: bool = False, whole: bool = False, missing: float | None = None
) -> float:
    """A number of a row. Raises ValueError naming row, column, value and what was wanted."""
    text = str(row.get(column, "") if row.get(column) is not None else "").strip()
    if text == "" and missing is not None:
        return missing
    wanted = ("a whole number" if whole else "a number") + (" above 0" if positive else ", 0 or more")
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{where}, column {column}: {text!r}; wanted {wanted}") from None
    if not np.isfinite(value) or value < 0.0 or (positive and value == 0.0) or (whole and value % 1.0 != 0.0):
        raise ValueError(f"{where}, column {column}: {text!r}; wanted {wanted}")
    return value


def _choice_in(row: Row, column: str, choices: tuple[str, ...], where: str) -> int:
    if row.get(column) not in choices:
        raise ValueError(f"{where}, column {column}: {row.get(column)!r}; wanted one of {', '.join(choices)}")
    return choices.index(row[column])


def chips_from_rows(rows: Sequence[Row]) -> ChipTable:
    """A table from rows with the columns of `chips.csv`. Raises ValueError naming row, column and value."""
    where = [f"chip {row.get('chip', '?')!r}" for row in rows]
    named = list(zip(rows, where, strict=True))
    columns = {
        field: np.array([number_in(r, column, w, positive=True) for r, w in named])
        for field, column in _CHIP_COLUMNS.items()
    }
    peaks = [
        [number_in(r, f"{kind}_tflops", w, positive=kind == "bf16", missing=None if kind == "bf16" else np.nan)
         for kind in DTYPES]
        for r, w in named
    ]  # fmt: skip
    return ChipTable(
        names=tuple(str(r["chip"]) for r in rows),
        vendors=tuple(str(r.get("vendor", "")) for r in rows),
        stacks=tuple(str(r.get("stack", "")) for r in rows),
        families=tuple(str(r.get("isa_family") or r["chip"]) for r in rows),
        family_from=np.array([year(str(r.get("family_from") or r["available_from"]), w) for r, w in named]),
        available_from=np.array([year(str(r["available_from"]), w) for r, w in named]),
        peaks=np.array(peaks).reshape(-1, len(DTYPES)) / 1e3,
        topologies=np.array([_choice_in(r, "topology", TOPOLOGIES, w) for r, w in named], dtype=np.int64),
        power_kw=np.array([number_in(r, "tdp_w", w, positive=True) for r, w in named]) / 1e3,
        standing=tuple(str(r.get("standing") or "estimated") for r in rows),
        **columns,
    )


def architectures_from_rows(rows: Sequence[Row]) -> ArchitectureTable:
    """A table from rows with the columns of `architectures.csv`.

    Raises ValueError naming row, column, value and what was wanted for inconsistent fields.
    """
    for row in rows:
        check_architecture(row)
    where = [f"architecture {row['architecture']!r}" for row in rows]
    columns = {
        field: np.array([number_in(r, column, w, missing=0.0) for r, w in zip(rows, where, strict=True)])
        for field, column in _ARCHITECTURE_COLUMNS.items()
    }
    return ArchitectureTable(
        names=tuple(str(r["architecture"]) for r in rows),
        release=np.array([year(str(r.get("release") or "2025-01"), w) for r, w in zip(rows, where, strict=True)]),
        attention=np.array([ATTENTION_KINDS.index(r["attention_kind"]) for r in rows], dtype=np.int64),
        train_dtype=np.array([dtype_class(r["train_dtype"]) for r in rows], dtype=np.int64),
        standing=tuple(str(r.get("standing") or "estimated") for r in rows),
        **columns,
    )


def check_architecture(row: Row) -> None:
    """Raises ValueError naming row, column, value and what was wanted if the fields contradict one another."""
    where = f"architecture {row.get('architecture', '?')!r}"
    value = {
        c: number_in(row, c, where, positive=c in _POSITIVE, whole=c in _WHOLE, missing=None if c in _POSITIVE else 0.0)
        for c in _ARCHITECTURE_COLUMNS.values()
    }
    _choice_in(row, "attention_kind", ATTENTION_KINDS, where)
    dtype_class(str(row.get("train_dtype", "")), f"{where}, column train_dtype")
    for column, holds, wanted in _limits(value):
        if not holds:
            found = row.get(column, "") if row.get(column) is not None else ""
            raise ValueError(f"{where}, column {column}: {found!r}; wanted {wanted}")


def _limits(value: Mapping[str, float]) -> list[tuple[str, bool, str]]:
    """What must hold between the fields of one architecture: the column at fault, whether it holds, what is wanted."""
    experts, layers, heads, total = (value[c] for c in ("n_experts", "layers", "n_heads", "params_total_b"))
    kinds_of_layer = value["full_layers"] + value["local_layers"] + value["linear_layers"]
    shared = value["n_kv_heads"] > 0 and heads % value["n_kv_heads"] == 0
    return [
        ("n_active_experts", value["n_active_experts"] <= experts, f"at most n_experts = {experts:g}"),
        ("n_active_experts", experts == 0 or value["n_active_experts"] > 0, "a number above 0 where there are experts"),
        ("params_active_b", value["params_active_b"] <= total * 1.001, f"at most params_total_b = {total:g}"),
        ("n_kv_heads", shared, f"a divisor of n_heads = {heads:g}"),
        ("full_layers", kinds_of_layer <= layers, f"full, local and linear layers within layers = {layers:g}"),
        ("moe_layers", value["moe_layers"] <= layers, f"at most layers = {layers:g}"),
        ("expert_d_ff", experts == 0 or value["expert_d_ff"] > 0, "a number above 0 where there are experts"),
    ]
