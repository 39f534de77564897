"""README.md: its Python runs as it stands, and what it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks one after another, as a reader would type them, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    assert BLOCKS
    held: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), held)


def test_the_two_commands_stand_first() -> None:
    """`make demo` and `make test` come before any other code."""
    first = re.findall(r"```\w*\n(.*?)```", TEXT, flags=re.DOTALL)[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_what_the_readme_links_to_is_there(path: str) -> None:
    """Every link within the project leads somewhere."""
    assert (ROOT / path).exists()
