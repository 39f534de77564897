"""The rooms of the tick: same bits everywhere, no files, no luck of their own."""

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest
from forbidden import complaints

import market_sim
from market_sim import numerics, quantiles, streams

PACKAGE = Path(market_sim.__file__).parent
ROOMS = ("state", "mechanisms", "agents", "simulation")
FILES = [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))]
ALL_FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_rooms_of_the_tick_say_nothing_forbidden(path: Path) -> None:
    """Nothing whose bits hang on the machine, no sum over replicates, no file, clock or global luck."""
    assert list(complaints(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "code",
    [
        "np.exp(x)",
        "numpy.log(x)",
        "math.pow(x, y)",
        "from numpy import log1p",
        "from math import exp",
        "x ** 0.5",
        "x ** 3",
        "2.0 ** x",
        "x **= y",
        "x @ y",
        "x @= y",
        "x.dot(y)",
        "np.tensordot(x, y)",
        "np.linalg.solve(x, y)",
        "np.einsum('ij,j', x, y, optimize=True)",
        "x.sum(axis=0)",
        "np.mean(x, axis=(0,))",
        "np.add.reduce(x, axis=0)",
        "np.argsort(x)",
        "x.sort(kind='quicksort')",
        "np.random.default_rng(1)",
        "import random",
        "from numpy.random import normal",
        "hash(name)",
        "open('runs')",
        "from pathlib import Path",
        "import numba",
        "np.load('x.npy')",
        "numba.njit(fastmath=True)",
    ],
)
def test_the_reader_sees(code: str) -> None:
    """Each forbidden thing is found when it is there."""
    assert list(complaints(ast.parse(code)))


def test_the_reader_lets_pass() -> None:
    """What is allowed stays allowed."""
    allowed = "exp(x); x ** 2; 2.0 ** -3; np.sqrt(x); x.sum(axis=-1); np.argsort(x, kind='stable'); 10 ** 6"
    assert list(complaints(ast.parse(allowed))) == []
    assert list(complaints(ast.parse("@kernel\ndef cube(x):\n    return x ** 3"))) == []


@pytest.mark.parametrize("path", [one for one in ALL_FILES if one.name != "compilation.py"], ids=name_of)
def test_kernels_are_compiled_in_one_way(path: Path) -> None:
    """Nobody compiles by hand: numba is imported by the compiler of kernels alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not any(module.split(".")[0] == "numba" for module in modules)


def compiled() -> list[tuple[str, Any]]:
    """Every kernel of the bottom floors and the mechanisms."""
    modules = [numerics, quantiles, streams]
    for path in sorted((PACKAGE / "mechanisms").rglob("*.py")):
        if "@kernel" in path.read_text():
            name = "market_sim." + name_of(path).removesuffix(".py").replace("/", ".")
            modules.append(importlib.import_module(name.removesuffix(".__init__")))
    members = [(name, one) for module in modules for name, one in sorted(vars(module).items())]
    return [(name, one) for name, one in members if hasattr(one, "targetoptions")]


def test_kernels_are_never_fast_math() -> None:
    """Every kernel keeps the order of its sums, divides as NumPy does and starts no threads."""
    found = compiled()
    assert len(found) > 30
    for name, one in found:
        options = one.targetoptions
        assert not options.get("fastmath"), name
        assert not options.get("parallel"), name
        assert options["error_model"] == "numpy", name
        assert options["nogil"], name
