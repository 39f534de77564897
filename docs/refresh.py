"""Writes anew what the documents take from the program: `make docs`.

docs/parameters.md, docs/results.md, docs/baseline.svg, and the summary between the marks in README.md.
"""

import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path

from market_sim.cli import main
from market_sim.results.document import render

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


def refresh() -> None:
    """Run the baseline, and write every page and picture."""
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
    refresh()
