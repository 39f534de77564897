"""Draws the gallery anew: `make gallery`, or `python docs/gallery.py [BATCH]` to reuse a batch recorded in full.

Runs three scenarios, draws every chart of theirs as a PNG into docs/gallery/, and writes docs/gallery.md with a
sentence on how to read each.
"""

import sys
import tempfile
from pathlib import Path

from market_sim.experiments.batch import run_batch
from market_sim.experiments.compare import compare
from market_sim.results.read import Runs, read_runs
from market_sim.scenario.load import load_scenario
from market_sim.views.charts import CHARTS, forest, save
from market_sim.views.report.words import in_words

DOCS = Path(__file__).parent
SCENARIOS = ("baseline", "fast_hyperscalers", "power_limited")
REPLICATES = 32
DOTS = 72  # per inch: nine pictures in under 3 MB
ALONE = ("chips", "tape")  # charts of one run: two panels, or a timeline, for each
HEAD = f"""# Gallery

What `market-sim plot` and `market-sim report` draw: here of `{"`, `".join(SCENARIOS)}`, {REPLICATES} replicates each,
recorded in full (`--record all`). `make gallery` draws these anew.
"""
FOREST = (
    "Paired differences of two scenarios under the same luck, from `market-sim compare`. A filled dot: the interval "
    "leaves out zero; what lies far from the dashed line differs much."
)


def batch_at(folder: Path) -> Path:
    """The folder of a batch of the three scenarios, run there if nothing is."""
    if folder.is_dir():
        return folder
    scenarios = [load_scenario(name) for name in SCENARIOS]
    return Path(str(run_batch(scenarios, REPLICATES, out=folder, record="all").folder))


def folders_of(runs: Runs) -> dict[str, Path]:
    """Scenario -> its run folder."""
    return {manifest.info.scenario: Path(str(runs.folders[run])) for run, manifest in runs.manifests.items()}


def draw(batch: Path) -> None:
    """Every picture, and the page."""
    folders = {name: folder for name, folder in folders_of(read_runs(batch)).items() if name in SCENARIOS}
    every, first = read_runs(list(folders.values())), read_runs(folders[SCENARIOS[0]])
    (DOCS / "gallery").mkdir(exist_ok=True)
    lines = [HEAD]
    for name, kind in CHARTS.items():
        save(kind.draw(first if name in ALONE else every), DOCS / "gallery" / f"{name}.png", "png", dots=DOTS)
        words = f"{kind.says[:1].upper()}{kind.says[1:]}. {kind.reads}"
        lines.append(f"## {name}\n\n{words}\n\n![{kind.says}](gallery/{name}.png)\n")
    rows: list[dict[str, object]] = []
    for name in SCENARIOS[1:]:
        found = compare(folders[SCENARIOS[0]], folders[name]).as_json()["differences"]
        rows += [{**row, "comparison": f"{name} less {SCENARIOS[0]}"} for row in in_words(found)]
    save(forest(rows, a=SCENARIOS[0], b="Each scenario"), DOCS / "gallery" / "forest.png", "png", dots=DOTS)
    lines.append(f"## forest\n\n{FOREST}\n\n![paired differences](gallery/forest.png)\n")
    (DOCS / "gallery.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as held:
        draw(batch_at(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(held, "batch")))
