"""Compiles every kernel of a run at once, in several processes, where none lies in the cache yet.

Left to itself numba compiles a kernel when it is first called, one after the other. Which kernels a run calls, and with
what types, is known: `kernels.csv` lists them, written by `docs/refresh.py` from what a run compiled. The list
decides nothing but when a kernel is compiled: one that it lacks is compiled on its first call.
"""

import contextlib
import csv
import functools
import gc
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from market_sim.compilation import FOLDER, KERNELS, locked, machine, type_of, words_of
from market_sim.state import tables

PACKAGE = Path(__file__).parent
LIST = "kernels.csv"  # module, kernel, types of its arguments
MOST = 8  # processes: more would wait for the longest kernel
COMPILING = "Compiling (first run only, about half a minute) ..."
RECORDS = {name: one for name, one in vars(tables).items() if isinstance(one, np.dtype)}

Listed = dict[str, list[tuple[str, str]]]  # module -> kernels and the types of their arguments


@functools.cache
def be_ready() -> None:
    """Return when the kernels of a run lie in the cache; other processes that ask meanwhile wait for the first."""
    if is_ready():
        return
    with locked(str(FOLDER), "compiling"):
        if not is_ready():
            if tells_of_itself():
                print(COMPILING, file=sys.stderr)
            _compile_together(listed())
            _mark().touch()


def is_ready() -> bool:
    """Whether the kernels of a run lie in the cache."""
    return _mark().exists()


def tells_of_itself() -> bool:
    """Whether whoever waits for the compiler is told here: on a terminal, whatever was called."""
    return sys.stderr is not None and sys.stderr.isatty()


def _mark() -> Path:
    return FOLDER / f"ready-{machine()}"


def _compile_together(kernels: Listed) -> None:
    """Compile all, with helpers; what a helper left undone, or could not do, its first call will do."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as claims:
        rows = [(module, *one) for module, members in kernels.items() for one in members]
        Path(claims, LIST).write_text(list_as_text(rows), encoding="utf-8")
        with _helpers(claims):
            compile_unclaimed(kernels, Path(claims))


@contextlib.contextmanager
def _helpers(claims: str) -> Iterator[None]:
    """Processes that compile beside this one; on leaving, wait for what they have begun, or end them if all ends."""
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    code = f"from market_sim.warming import help_out; help_out({claims!r})"
    begun: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(min(_cores(), MOST) - 1):
            with contextlib.suppress(OSError):  # no further process is to be had
                begun.append(
                    subprocess.Popen(
                        [sys.executable, "-c", code],
                        env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)},
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
        yield
        for helper in begun:
            helper.wait()
    finally:
        for helper in begun:
            helper.kill()
            helper.wait()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def help_out(claims: str) -> None:
    """What a helper does."""
    compile_unclaimed(listed(Path(claims)), Path(claims))


def compile_unclaimed(kernels: Listed, claims: Path) -> None:
    """Compile module after module of those that nobody has claimed, and claim them.

    Kernels of a module share their parts, which each process compiles for itself.
    """
    collecting = gc.isenabled()
    gc.disable()  # looking for cycles would take a sixth of the time, and a compiler leaves few
    try:
        for module, members in kernels.items():
            with contextlib.suppress(FileExistsError):
                (claims / module).touch(exist_ok=False)
                _compile(module, members)
    finally:
        if collecting:
            gc.enable()


def _compile(module: str, members: Iterable[tuple[str, str]]) -> None:
    for name, arguments in members:
        with contextlib.suppress(
            Exception
        ):  # a list that its kernels have left behind; the first call says what is wrong
            kernel = getattr(importlib.import_module(module), name)
            kernel.compile(tuple(type_of(words, RECORDS) for words in arguments.split()))


# --- the list -------------------------------------------------------------------------------------


def listed(folder: Path = PACKAGE) -> Listed:
    """The kernels of a run, or those that another list names."""
    found: Listed = {}
    with (folder / LIST).open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            found.setdefault(row["module"], []).append((row["kernel"], row["arguments"]))
    return found


def compiled() -> list[tuple[str, str, str]]:
    """Module, name and types of arguments of every kernel of this package that this process has called or compiled."""
    return sorted(
        (kernel.py_func.__module__, kernel.py_func.__name__, " ".join(words_of(one, RECORDS) for one in arguments))
        for kernel in KERNELS
        for arguments in kernel.signatures
        if kernel.py_func.__module__.startswith("market_sim.")
    )


def list_as_text(kernels: Iterable[tuple[str, str, str]]) -> str:
    """The contents of the file."""
    return "".join(",".join(row) + "\n" for row in (("module", "kernel", "arguments"), *kernels))
