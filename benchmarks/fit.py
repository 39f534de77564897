"""How well the compute fit predicts published efficiencies, beside a look-up table on the same rows, and how fast.

Pretraining: left out are whole (model, chip) pairs, then whole chips. Decoding: pairs, then whole models. Errors are
in logs of tokens per second and chip, or of MFU in the row's own count where no tokens are published.

    python benchmarks/fit.py [--plot docs/img/fit.svg]
"""

import argparse
import time
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from fit_calibration import Measured, Problem, measured
from numpy.typing import NDArray

from market_sim.mechanisms.fit import (
    evaluate,
    fit_gradient,
    predict_cases,
    prepare,
    reevaluate,
    starting_maturity,
)
from market_sim.mechanisms.fit.layout import ARCHITECTURE, CHIP, CONSTANTS, DECODE, JOB, PREFILL, TRAINING, named
from market_sim.mechanisms.fit.search import KEPT, phase_terms, search
from market_sim.mechanisms.fit.workload import (
    architecture_vectors,
    chip_vectors,
    constant_vector,
    default_jobs,
    job_vectors,
)
from market_sim.scenario.catalog import architecture_table, dtype_class, load_chips, load_fit_constants

IRONWOOD = "TPU v7 (Ironwood, TPU7x)"


def look_up(data: Measured, groups: Sequence[Hashable]) -> NDArray[np.float64]:
    """Log errors of MFU read from geometric means of the rows left, by ever coarser classes."""
    vendors = [case.chip.vendors[0] for case in data.cases]
    keys = [
        (
            (row["chip"], row["arch"], dtype_class(row["dtype"])),
            (row["chip"], row["arch"]),
            (vendor, row["arch"], dtype_class(row["dtype"])),
            (row["arch"], dtype_class(row["dtype"])),
            (row["arch"],),
        )
        for row, vendor in zip(data.rows, vendors, strict=True)
    ]
    mfu = np.log([float(row["mfu_pct"]) for row in data.rows])
    errors = np.empty(len(mfu))
    for i, key in enumerate(keys):
        left = [n for n in range(len(mfu)) if groups[n] != groups[i]]
        same = next(found for level in range(5) if (found := [n for n in left if keys[n][level] == key[level]]))
        errors[i] = np.mean(mfu[same]) - mfu[i]
    return errors


def told(name: str, errors: NDArray[np.float64], rows: NDArray[np.bool_] | None = None) -> None:
    """Prints median, mean and bias of the chosen errors."""
    chosen = errors if rows is None else errors[rows]
    size = np.abs(chosen)
    print(
        f"  {name:26s} {len(chosen):3d} rows  median {np.median(size):.3f}  mean {size.mean():.3f}  "
        f"bias {chosen.mean():+.3f}"
    )


def by_class(data: Measured, errors: NDArray[np.float64], detailed: bool) -> None:
    """Prints errors of all rows, dense and MoE, by vendor, and if detailed by chip and format."""
    told("all", errors)
    moe = np.array([row["arch"] == "moe" for row in data.rows])
    told("dense", errors, ~moe)
    told("MoE", errors, moe)
    vendors = [case.chip.vendors[0] for case in data.cases]
    classes: list[list[str]] = [vendors]
    if detailed:
        classes += [[str(chip) for chip in data.chips], [row["dtype"] for row in data.rows]]
    for labels in classes:
        for label in sorted(set(labels)):
            told(label, errors, np.array([own == label for own in labels]))


def ordered(data: Measured, predicted: NDArray[np.float64]) -> tuple[float, float, int, int]:
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


def accuracy() -> dict[str, tuple[Measured, NDArray[np.float64]]]:
    """Prints every accuracy figure; returns the left-out errors of pairs for the plot."""
    training = Problem(measured(TRAINING), "training", TRAINING)
    x, data = training.shipped, training.data
    pairs = training.left_out(x, data.pairs)
    for name, groups in (("pairs", data.pairs), ("chips", data.chips)):
        print(f"pretraining, {name} left out")
        errors = pairs if name == "pairs" else training.left_out(x, groups)
        by_class(data, errors, name == "pairs")
        told("look-up table", look_up(data, groups))
        share = np.abs(errors).mean() / np.abs(look_up(data, groups)).mean()
        print(f"  mean error over the look-up table's: {share:.2f}")
    right, wide, n, n_wide = ordered(data, training.predict(x, training.plans(x)))
    print(f"right order: {right:.3f} of {n} pairs, {wide:.3f} of {n_wide} more than a tenth apart")
    for name, ratio in reversals().items():
        print(f"  {name}: {ratio:.2f}")
    serving = Problem(measured(DECODE), "serving", DECODE)
    for name, groups in (("pairs", serving.data.pairs), ("models", serving.data.models)):
        print(f"decoding, {name} left out")
        by_class(serving.data, serving.left_out(serving.shipped, groups), False)
    return {"pairs": (data, pairs)}


def fastest(run: Callable[[], object], times: int = 7) -> float:
    """Processor seconds of the fastest of several runs, compilation left out."""
    run()
    spent = []
    for _ in range(times):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


LABS = (
    "Llama 3.1 405B", "DeepSeek-V3 / R1", "GPT-OSS 120B", "Gemma 3 27B", "Qwen3 235B-A22B", "Kimi K2",
    "Llama 4 Maverick", "Grok-1", "Llama 3.1 70B", "Mixtral 8x22B", "GLM-4.5", "Qwen3 30B-A3B",
)  # fmt: skip


def speed() -> None:
    """Prints cost per cell on one core."""
    models, chips = architecture_table(LABS), load_chips()
    shortlist = prepare(models, chips)
    replicates, cells = 64, 64 * len(LABS) * len(chips.names)
    kappa = np.tile(starting_maturity(chips, 2025.0), (replicates, 1, 1))
    mix, drift = np.full((replicates, len(LABS)), 0.5), np.full((replicates, len(LABS), 4), 0.1)
    for name, run in (
        ("maturity moved", lambda: evaluate(shortlist, kappa, mix)),
        ("short-list re-evaluated", lambda: reevaluate(shortlist, drift, kappa, mix)),
        ("gradient", lambda: fit_gradient(shortlist, drift, kappa, mix)),
    ):
        print(f"{name}: {1e9 * fastest(run) / cells:.1f} ns per (replicate, lab, chip)")
    fitted = load_fit_constants()
    asked, offered = (
        named(ARCHITECTURE, architecture_vectors(models)[:, None]),
        named(CHIP, chip_vectors(chips, fitted)),
    )
    k, wanted = named(CONSTANTS, constant_vector(fitted)), named(JOB, job_vectors(default_jobs(models))[:, None])
    for name, phase in (("training", TRAINING), ("prefill", PREFILL), ("decode", DECODE)):
        spent = fastest(lambda p=phase: search(p, phase_terms(p, asked, offered, k, wanted), KEPT[p]))
        print(f"full plan search, {name}: {1e6 * spent * replicates / cells:.1f} us per (architecture, chip)")
    spent = fastest(lambda: prepare(models, chips))
    print(f"full plan search and response to drift: {1e6 * spent * replicates / cells:.1f} us per (architecture, chip)")


def plot(data: Measured, errors: NDArray[np.float64], path: str) -> None:
    """Writes predicted against published tokens per second and chip, pairs left out."""
    import altair as alt
    import polars as pl

    table = pl.DataFrame(
        {
            "published": np.exp(data.target),
            "predicted": np.exp(data.target + errors),
            "vendor": [case.chip.vendors[0] for case in data.cases],
            "kind": [row["arch"] for row in data.rows],
            "model": [row["architecture"] for row in data.rows],
            "chip": [row["chip"] for row in data.rows],
        }
    )
    scale = alt.Scale(type="log", domain=[20.0, 60000.0], nice=False)
    line = alt.Chart(pl.DataFrame({"x": [20.0, 60000.0]})).mark_line(color="#999", strokeDash=[4, 3])
    points = alt.Chart(table).mark_point(filled=True, size=55, opacity=0.75)
    chart = line.encode(x=alt.X("x", scale=scale), y=alt.Y("x", scale=scale)) + points.encode(
        x=alt.X("published", scale=scale, title="published tokens per second and chip"),
        y=alt.Y("predicted", scale=scale, title="predicted, the (model, chip) pair left out"),
        color=alt.Color("vendor", title="vendor"),
        shape=alt.Shape("kind", title="architecture"),
    )
    chart.properties(width=420, height=420).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", help="file to write the picture to")
    wanted = parser.parse_args()
    data, errors = accuracy()["pairs"]
    speed()
    if wanted.plot:
        plot(data, errors, wanted.plot)


if __name__ == "__main__":
    main()
