"""Rooms stay small and are named for what is in them."""

import ast
from pathlib import Path

import pytest

import market_sim

PACKAGE = Path(market_sim.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_BODY = 60
MEDIAN_BODY = 8
SAY_NOTHING = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "manager",
    "managers",
    "misc",
    "shared",
    "tools",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def bodies(path: Path) -> dict[str, int]:
    """Function -> lines of its body, the docstring left out."""
    lengths = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            lengths[f"{node.name}:{node.lineno}"] = statements[-1].end_lineno - statements[0].lineno + 1
    return lengths


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    """No file is longer than 400 lines, and no function's body than 60."""
    lines = path.read_text().count("\n")
    assert lines <= LONGEST_FILE
    assert {name: lines for name, lines in bodies(path).items() if lines > LONGEST_BODY} == {}


def test_half_of_all_functions_are_very_short() -> None:
    """The median body has at most eight lines."""
    lengths = sorted(lines for path in FILES for lines in bodies(path).values())
    assert lengths[len(lengths) // 2] <= MEDIAN_BODY


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_name_says_nothing(path: Path) -> None:
    """No module or room is called utils, helpers, common, manager or the like."""
    words = {word for part in path.relative_to(PACKAGE).with_suffix("").parts for word in part.split("_")}
    assert not words & SAY_NOTHING
