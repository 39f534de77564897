"""Kernels compiled together before they are called: all of them, once, whatever becomes of the helpers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from market_sim import compilation, warming

ROOT = Path(warming.__file__).parents[1]
FEW = {  # in two modules
    "market_sim.numerics": [("_exp_in_place", "float64*1"), ("_log_in_place", "float64*1")],
    "market_sim.quantiles": [("_gumbel_in_place", "float64*1")],
}
ASK = f"""
from market_sim import warming
all_of = warming.listed
warming.listed = lambda folder=None: all_of(folder) if folder else {FEW}
warming.be_ready()
from market_sim.numerics import _exp_in_place
print(len(list(warming.FOLDER.rglob("*.nbc"))), sum(_exp_in_place.stats.cache_misses.values()))
"""


def python(code: str, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code]
    return subprocess.Popen(
        command, env=os.environ | {"MARKET_SIM_CACHE": str(cache)}, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_the_list_names_what_a_run_compiles() -> None:
    """No more and no less, lest a first run be slow; if it fails, run `python docs/refresh.py kernels`."""
    code = "import refresh; print(refresh.kernels(), end='')"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    assert asked.stdout == (warming.PACKAGE / warming.LIST).read_text(encoding="utf-8")


def test_types_are_read_as_they_were_written() -> None:
    """Words and types are the same thing twice, marks and records included."""
    listed = [words for members in warming.listed().values() for _, line in members for words in line.split()]
    assert {"CONTRACT*2", "float64*3/strided/readonly", "int64"} < set(listed)
    types = [compilation.type_of(words, warming.RECORDS) for words in listed]
    assert [compilation.words_of(one, warming.RECORDS) for one in types] == listed


def test_processes_that_begin_at_once_compile_each_kernel_once(tmp_path: Path) -> None:
    """Of three, one compiles with its helper and the others wait; a later one finds all in the cache."""
    begun = [python(ASK, tmp_path) for _ in range(3)]
    said = [process.communicate()[0].split() for process in begun]
    assert [files for files, _ in said] == ["3"] * 3
    assert sum(int(missed) for _, missed in said) <= 1
    assert python(ASK, tmp_path).communicate()[0].split() == ["3", "0"]


@pytest.mark.parametrize("interpreter", ["no-such-python", "false"])
def test_helpers_that_fail_are_done_without(interpreter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no helper can be begun, or each ends at once, one process compiles all and leaves nothing behind."""
    compiled = []
    monkeypatch.setattr(sys, "executable", interpreter)
    monkeypatch.setattr(warming, "_cores", lambda: 3)
    monkeypatch.setattr(warming, "FOLDER", tmp_path)
    monkeypatch.setattr(warming, "_compile", lambda module, members: compiled.append(module))
    warming._compile_together(FEW)
    assert compiled == list(FEW)
    assert not list(tmp_path.iterdir())


def test_a_list_that_kernels_have_left_behind_harms_nothing(tmp_path: Path) -> None:
    """Modules and kernels that are gone and types that no longer fit are passed over, and the rest compiled."""
    before = len(warming.compiled())
    gone = {
        "market_sim.gone": [("kernel", "int64")],
        "market_sim.vectors": [
            ("gone", "int64"),
            ("ksum", "int64"),
            ("ksum", "int64 int64"),
            ("ksum", "word"),
            ("ksum", "float32*1/strided"),
        ],
    }
    warming.compile_unclaimed(gone, tmp_path)
    assert len(warming.compiled()) == before + 1
    assert ("market_sim.vectors", "ksum", "float32*1/strided") in warming.compiled()
