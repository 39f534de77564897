"""Writes anew what the documents take from the program: `make docs`.

docs/parameters.md, docs/results.md, docs/baseline.svg, and the summary between the marks in README.md; and the list of
kernels that a first run compiles, market_sim/kernels.csv (`python docs/refresh.py kernels` writes it alone).
"""

import contextlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from market_sim.cli import main
from market_sim.results.document import render
from market_sim.warming import LIST, be_ready, compiled, list_as_text

ROOT = Path(__file__).parents[1]
OPENS, CLOSES = "<!-- summary -->\n```text\n", "```\n<!-- /summary -->"


def said(*arguments: str) -> tuple[str, str]:
    """What a command prints on stdout and on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        if main(arguments) != 0:
            raise SystemExit(err.getvalue())
    return out.getvalue(), err.getvalue()


def with_summary(page: str, summary: str) -> str:
    """The page with the text between its marks replaced."""
    before, _, rest = page.partition(OPENS)
    _, _, after = rest.partition(CLOSES)
    text = "\n".join(line.rstrip() for line in summary.splitlines()).strip("\n")
    return "".join((before, OPENS, re.sub("\n{3,}", "\n\n", text), "\n", CLOSES, after))


def kernels() -> str:
    """The list of kernels that a short run and a short batch call, in a process that has to compile none of them."""
    be_ready()
    code = "import refresh; print(refresh.called(), end='')"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    return asked.stdout


def called() -> str:
    """The list of kernels that a short run and a short batch call, if nothing else ran before."""
    baseline, short = str(ROOT / "scenarios" / "baseline.toml"), ("--set", "ticks=26")
    with tempfile.TemporaryDirectory() as folder:
        said("run", baseline, *short, "--out", str(Path(folder, "run")))
        said("batch", baseline, *short, "-n", "1", "--executor", "serial", "--out", str(Path(folder, "batch")))
    return list_as_text(compiled())


def refresh_kernels() -> None:
    """Write the list of kernels."""
    kernels()  # compiles what the list lacks: kernels that it called while it was compiled would be listed too
    (ROOT / "market_sim" / LIST).write_text(kernels(), encoding="utf-8")


def refresh() -> None:
    """Run the baseline, and write the list and every page and picture."""
    refresh_kernels()
    (ROOT / "docs" / "parameters.md").write_text(said("parameters")[0], encoding="utf-8")
    (ROOT / "docs" / "results.md").write_text(render(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder, "demo"))
        _, summary = said("run", str(ROOT / "scenarios" / "baseline.toml"), "--out", run)
        said("plot", run, "--chart", "shares", "--out", folder)
        shutil.copy(Path(folder, "shares.svg"), ROOT / "docs" / "baseline.svg")
    readme = ROOT / "README.md"
    readme.write_text(with_summary(readme.read_text(encoding="utf-8"), summary), encoding="utf-8")


if __name__ == "__main__":
    refresh_kernels() if sys.argv[1:] == ["kernels"] else refresh()
