"""Where compiled kernels are kept: never stale, never torn, never in the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.caching import FunctionCache

from market_sim import compilation, numerics, vectors

PACKAGE = Path(compilation.__file__).parent
CALLER = """
from market_sim.numerics import kernel
from market_sim.mechanisms.rate import rate
@kernel
def cost(x):
    return rate(x) + 1.0
"""
RATE = """
from market_sim.numerics import kernel
@kernel
def rate(x):
    return {factor} * x
"""
SUM = """
import sys
import numpy as np
from market_sim.numerics import kernel
from market_sim.vectors import ksum
dtype = [np.float64, np.float32, np.int64][int(sys.argv[1])]
print(float(ksum(np.arange(20).astype(dtype))), len(ksum.stats.cache_hits))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of two mechanisms, one of which calls the other, on our compiler."""
    folder = tmp_path / "market_sim"
    (folder / "mechanisms").mkdir(parents=True)
    for name in ("compilation.py", "numerics.py", "units.py", "vectors.py"):
        shutil.copy(PACKAGE / name, folder / name)
    (folder / "__init__.py").touch()
    (folder / "mechanisms" / "__init__.py").touch()
    (folder / "mechanisms" / "cost.py").write_text(CALLER)
    (folder / "mechanisms" / "rate.py").write_text(RATE.format(factor=2.0))
    return folder


def python(package: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    root = package.parent  # Python looks for packages there first
    command = [sys.executable, "-c", code, *arguments]
    # Without Python's own bytecode, which a file changed within the second, to the same length, would leave in use.
    env = os.environ | {"MARKET_SIM_CACHE": str(root / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(command, env=env, cwd=root, stdout=subprocess.PIPE, text=True)


def test_an_edited_callee_reaches_its_cached_caller(package: Path) -> None:
    """A compiled kernel kept on disk is not used once a kernel that it calls has changed in another file."""
    ask = "from market_sim.mechanisms.cost import cost; print(cost(3.0))"
    before = python(package, ask).communicate()[0]
    (package / "mechanisms" / "rate.py").write_text(RATE.format(factor=5.0))
    after = python(package, ask).communicate()[0]
    assert (float(before), float(after)) == (7.0, 16.0)


def test_processes_that_compile_at_once_do_not_mix_their_kernels(package: Path) -> None:
    """Three processes fill one function's cache at once, each for another dtype, then three read it."""
    for expected_hits in ("0", "1"):
        running = [python(package, SUM, str(dtype)) for dtype in range(3)]
        assert [process.communicate()[0].split() for process in running] == [["190.0", expected_hits]] * 3


@pytest.mark.parametrize("access", ["load_overload", "save_overload"])
def test_one_process_at_a_time_reads_or_writes(access: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a kernel is read from the cache or written to it, nobody else gets the lock of its folder."""
    fcntl = pytest.importorskip("fcntl")
    refused = []

    def watched(cache: FunctionCache, *arguments: object) -> None:
        with open(Path(cache.cache_path) / "lock", "a") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        refused.append(access)

    monkeypatch.setattr(FunctionCache, access, watched)
    monkeypatch.setattr(compilation._SharedCache, "cache_path", str(tmp_path))
    getattr(vectors.ksum._cache, access)(None, None)
    assert refused == [access]


def test_the_folder_is_named_by_all_kernel_sources(package: Path) -> None:
    """Mechanisms at any depth, state, marked kernels and constants count; other files do not."""
    before = compilation.kernel_fingerprint(package)
    (package / "report.py").write_text("TITLE = 'shares'\n")
    assert compilation.kernel_fingerprint(package) == before
    for name in ("mechanisms/fit/plan.py", "state/tables.py", "luck.py", "units.py"):
        path = package / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("@kernel\ndef f(x): return x\n" if name == "luck.py" else "RATE = 3.0\n")
        assert compilation.kernel_fingerprint(package) != before
        before = compilation.kernel_fingerprint(package)


def test_a_folder_that_cannot_be_made_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the user's cache out of reach kernels go to a temporary folder, and only then."""
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("MARKET_SIM_CACHE", str(blocked))
    folder = compilation.kernel_folder(PACKAGE)
    assert folder.is_dir()
    assert blocked not in folder.parents
    monkeypatch.setenv("MARKET_SIM_CACHE", str(tmp_path))
    assert tmp_path in compilation.kernel_folder(PACKAGE).parents


def test_only_our_kernels_go_there() -> None:
    """Other packages' choice of a cache folder is left as it was."""
    import numba

    assert str(compilation.FOLDER) != numba.config.CACHE_DIR


def test_a_part_of_kernels_is_not_called_from_python() -> None:
    """A part has no entry for Python, and says so."""
    with pytest.raises(TypeError, match="kexp is a part of kernels"):
        numerics.kexp(1.0)


def test_a_number_written_out_compiles_nothing_anew() -> None:
    """A part called with two literals and with a variable is compiled once."""

    @compilation.part
    def twice(x):  # type: ignore[no-untyped-def]
        return 2 * x

    @compilation.kernel
    def sum_of_three(x):  # type: ignore[no-untyped-def]
        return twice(1) + twice(2) + twice(x)

    assert sum_of_three(3) == 12
    assert len(twice.overloads) == 1


def test_loading_kernels_leaves_linear_algebra_alone_and_whoever_wants_it_gets_it() -> None:
    """SciPy's linear algebra is not imported to load a kernel of ours; a kernel of somebody else's may use it."""
    program = """
import sys, numba, numpy as np
from market_sim.numerics import exp
exp(1.0)
print("scipy.linalg" in sys.modules)
print(numba.njit(lambda a: np.kron(a, a) @ np.linalg.inv(np.kron(a, a)))(2.0 * np.eye(2)).trace())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "4.0"]
