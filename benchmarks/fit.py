"""How well the compute fit predicts published efficiencies, beside a look-up table on the same rows, and how fast.

    python benchmarks/fit.py [--write]

With --write, the figures, constants and picture of docs/fit.md are written anew.
"""

import argparse
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from fit_accuracy import gain, left_out, ordered, problems, reversals, tables, vendors, worst

from market_sim.mechanisms.fit import (
    evaluate,
    fit_gradient,
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
from market_sim.scenario.catalog import architecture_table, load_chips, load_fit_constants, read_rows

DOCS = Path(__file__).parents[1] / "docs"

LABS = (
    "Llama 3.1 405B", "DeepSeek-V3 / R1", "GPT-OSS 120B", "Gemma 3 27B", "Qwen3 235B-A22B", "Kimi K2",
    "Llama 4 Maverick", "Grok-1", "Llama 3.1 70B", "Mixtral 8x22B", "GLM-4.5", "Qwen3 30B-A3B",
)  # fmt: skip


def table_of(header: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; the header gives its cells between bars."""
    cells = header.count("|") + 1
    lines = [f"| {header} |", "|" + "---|" * cells, *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines)


def errors() -> str:
    """Errors on what was left out, by what and by class."""
    blocks = [
        table_of(
            f"{table.title} | rows | median | mean | bias",
            (
                (name, str(n), f"{median:.3f}", f"{mean:.3f}", f"{bias:+.3f}")
                for name, n, median, mean, bias in table.lines
            ),
        )
        for table in tables()
    ]
    shares = (gain(by) for by in ("(model, chip) pairs", "chips"))
    told = "The mean error is {:.2f} of the look-up table's with pairs left out, {:.2f} with chips left out.".format(
        *shares
    )
    return "\n\n".join([*blocks, told])


def order() -> str:
    """Pairs of rows in the right order, and the known reversals."""
    training = problems()[0]
    right, wide, n, n_wide = ordered(
        training.data, training.predict(training.shipped, training.plans(training.shipped))
    )
    told = (
        f"Of pairs of rows with the same model, format class and year on two chips, {right:.1%} of {n} are put in the\n"
        f"right order, {wide:.1%} of the {n_wide} more than a tenth apart (constants fitted to all rows)."
    )
    ratios = table_of("tokens per second and chip | ratio", ((name, f"{x:.2f}") for name, x in reversals().items()))
    return f"{told}\n\n{ratios}"


def misses() -> str:
    """The rows missed most."""
    parts = []
    for stage, title in ((0, "pretraining"), (1, "decoding")):
        rows = ((model, chip, dtype, date, f"{error:+.2f}") for model, chip, dtype, date, error in worst(stage, 8))
        parts.append(table_of(f"{title}, pairs left out | chip | format | date | log error", rows))
    return "\n\n".join(parts)


def constants() -> str:
    """How many constants were fitted, and all of them."""
    rows = read_rows("fit_constants.csv")
    trained, served = (sum(row["stage"] == stage for row in rows) for stage in ("training", "serving"))
    told = (
        f"{trained} constants are fitted to pretraining rows and {served} to decoding rows; "
        f"{len(rows) - trained - served} are held at what their source says."
    )
    lines = (
        (f"`{row['constant']}`", row["value"], f"{row['low']} to {row['high']}", row["unit"], row["meaning"],
         f"{row['standing']}: {row['source']}" if not row["stage"] else row["standing"])
        for row in rows
    )  # fmt: skip
    return f"{told}\n\n" + table_of("constant | value | band | unit | meaning | standing", lines)


def fastest(run: Callable[[], object], times: int = 7) -> float:
    """Processor seconds of the fastest of several runs, compilation left out."""
    run()
    spent = []
    for _ in range(times):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def costs() -> str:
    """Cost per cell on one core."""
    models, chips = architecture_table(LABS), load_chips()
    shortlist = prepare(models, chips)
    replicates, cells = 64, len(LABS) * len(chips.names)
    kappa = np.tile(starting_maturity(chips, 2025.0), (replicates, 1, 1))
    mix, drift = np.full((replicates, len(LABS)), 0.5), np.full((replicates, len(LABS), 4), 0.1)
    held = np.ones((replicates, len(LABS), len(chips.names)))
    rows = []
    for name, run in (
        ("maturity moved", lambda: evaluate(shortlist, kappa, mix)),
        ("short-list re-evaluated", lambda: reevaluate(shortlist, drift, kappa, mix)),
        ("gradient", lambda: fit_gradient(shortlist, drift, kappa, mix, held)),
    ):
        rows.append((name, f"{1e9 * fastest(run) / cells / replicates:.1f} ns", "(replicate, lab, chip)"))
    fitted = load_fit_constants()
    asked, offered = architecture_vectors(models)[:, None], chip_vectors(chips, fitted)
    model, chip, k = named(ARCHITECTURE, asked), named(CHIP, offered), named(CONSTANTS, constant_vector(fitted))
    wanted = named(JOB, job_vectors(default_jobs(models))[:, None])
    spent = {
        name: fastest(lambda p=phase: search(p, phase_terms(p, model, chip, k, wanted), KEPT[p]))
        for name, phase in (("training", TRAINING), ("prefill", PREFILL), ("decode", DECODE))
    }
    spent["all three"] = sum(spent.values())
    rows += [(f"full plan search, {n}", f"{1e6 * s / cells:.1f} us", "(architecture, chip)") for n, s in spent.items()]
    both = fastest(lambda: prepare(models, chips))
    rows.append(
        ("plans and their response to drift, as a run needs", f"{1e6 * both / cells:.1f} us", "(architecture, chip)")
    )
    return table_of("one core, processor time, the fastest of seven | cost | for each", rows)


def plot(path: Path) -> None:
    """Writes predicted against published tokens per second and chip, pairs left out."""
    import altair as alt
    import polars as pl

    data, missed = problems()[0].data, left_out(0, "(model, chip) pairs")
    table = pl.DataFrame(
        {
            "published": np.exp(data.target),
            "predicted": np.exp(data.target + missed),
            "vendor": vendors(data),
            "kind": [row["arch"] for row in data.rows],
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


BLOCKS: dict[str, Callable[[], str]] = {
    "errors": errors,
    "order": order,
    "misses": misses,
    "costs": costs,
    "constants": constants,
}
"""What the benchmark writes between `<!-- name -->` and `<!-- /name -->` of docs/fit.md."""


def with_block(page: str, name: str, text: str) -> str:
    """The page with the text between the marks of that name replaced. Raises ValueError where there are none."""
    opens, closes = f"<!-- {name} -->", f"<!-- /{name} -->"
    written, count = re.subn(
        f"{re.escape(opens)}.*?{re.escape(closes)}", lambda _: f"{opens}\n\n{text}\n\n{closes}", page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"docs/fit.md: {count} places marked {opens}; wanted one")
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the figures and the picture of docs/fit.md anew")
    wanted = parser.parse_args()
    page = (DOCS / "fit.md").read_text(encoding="utf-8")
    for name, block in BLOCKS.items():
        text = block()
        print(text, end="\n\n")
        page = with_block(page, name, text)
    if wanted.write:
        (DOCS / "fit.md").write_text(page, encoding="utf-8")
        plot(DOCS / "img" / "fit.svg")


if __name__ == "__main__":
    main()
