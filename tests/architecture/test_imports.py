"""Imports run downward: the contracts of pyproject.toml, and two that need the syntax tree."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import market_sim
from market_sim.compilation import kernel_sources

PACKAGE = Path(market_sim.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
KERNEL_FILES = [path for path in FILES if any(mark in path.read_text() for mark in ("@kernel", "@inlined", "@part"))]


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported(path: Path) -> dict[str, str]:
    """Local name -> module it comes from, for every import from the package, at any depth of a file."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("market_sim"):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname or one.name: one.name for one in node.names if one.name.startswith("market_sim")}
    return found


def test_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every contract that pyproject.toml states for imports is kept, and there are some."""
    monkeypatch.chdir(PACKAGE.parent)
    status = lint_imports(config_filename="pyproject.toml", no_cache=True)
    report = capsys.readouterr().out
    assert status == EXIT_STATUS_SUCCESS, report
    assert " 0 broken" in report
    assert "Contracts: 0 kept" not in report


def test_mechanisms_do_not_know_each_other() -> None:
    """No mechanism imports another; parts of one mechanism may."""
    seen = []
    for path in sorted((PACKAGE / "mechanisms").rglob("*.py")):
        own = path.relative_to(PACKAGE / "mechanisms").with_suffix("").parts[0]
        for module in imported(path).values():
            parts = module.split(".")
            if parts[1:2] == ["mechanisms"] and parts[2:3] != [own]:
                seen.append(f"{name_of(path)} imports {module}")
    assert seen == []


def test_the_bottom_floor_stands_alone() -> None:
    """numerics and units rest on the compiler of kernels at most, and that on nothing of ours."""
    assert imported(PACKAGE / "compilation.py") == imported(PACKAGE / "units.py") == {}
    assert set(imported(PACKAGE / "numerics.py")) == {"inlined", "kernel", "part"}


@pytest.mark.parametrize("path", KERNEL_FILES, ids=name_of)
def test_kernels_use_only_what_names_their_cache(path: Path) -> None:
    """Whatever of ours a kernel names comes from a file in the fingerprint of the kernels' cache folder."""
    hashed = {name_of(one).removesuffix(".py").replace("/", ".") for one in kernel_sources(PACKAGE)}
    names = imported(path)
    for kernel in kernels(path):
        for node in ast.walk(ast.Module(kernel.body, [])):
            if isinstance(node, ast.Name) and node.id in names:
                module = names[node.id].removeprefix("market_sim.")
                assert {module, module.rpartition(".")[0]} & hashed, f"{kernel.name} uses {names[node.id]}"


def kernels(path: Path) -> list[ast.FunctionDef]:
    """The functions of a file that are compiled."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return [
        one
        for one in functions
        if any(isinstance(mark, ast.Name) and mark.id in ("kernel", "inlined") for mark in one.decorator_list)
    ]
