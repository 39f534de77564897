"""Compiles kernels and keeps their machine code where every process of a user finds it.

numba's own cache looks only at the file of the function it loads. A kernel that calls into another file would
go on answering as before when that file changes, so the folder of the cache is named by all kernel sources at
once: a stale caller is never found. The cache lies in `MARKET_SIM_CACHE`, else `XDG_CACHE_HOME`, else
``~/.cache``.
"""

import contextlib
import hashlib
import importlib
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.np.linalg
import numpy as np
from numba import from_dtype, typeof
from numba.core.caching import FunctionCache
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.types import Array, unliteral

try:
    import fcntl
except ImportError:  # not a POSIX system: writers of the cache are then not kept apart
    fcntl = None  # type: ignore[assignment]

F = TypeVar("F", bound=Callable[..., Any])


def kernel_sources(package: Path) -> list[Path]:
    """The files whose text decides what a compiled kernel does, in a fixed order.

    Every file that marks a kernel, and those that kernels take constants and options from: mechanisms, the
    tables of the state, and the bottom floors.
    """
    constants = {package / name for name in ("compilation.py", "numerics.py", "units.py")}
    rooms = {package / "mechanisms", package / "state"}
    return [
        path
        for path in sorted(package.rglob("*.py"))
        if path in constants or rooms & set(path.parents) or _marks_a_kernel(path)
    ]


def _marks_a_kernel(path: Path) -> bool:
    text = path.read_bytes()
    return b"@kernel" in text or b"@inlined" in text or b"@part" in text


def kernel_fingerprint(package: Path) -> str:
    """Twelve hex digits that change whenever a kernel, or what compiles it, may have changed."""
    digest = hashlib.blake2b(digest_size=6)
    for version in (numba.__version__, np.__version__, platform.python_version()):
        digest.update(version.encode() + b"\0")
    for path in kernel_sources(package):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def kernel_folder(package: Path) -> Path:
    """The folder for these kernels, in the user's cache or, if that is read-only, a temporary one."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    spare = os.path.join(tempfile.gettempdir(), f"market-sim-{user}")
    for root in (os.environ.get("MARKET_SIM_CACHE") or home, spare):
        folder = Path(root) / "market-sim" / f"kernels-{kernel_fingerprint(package)}"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_ours(folder):
                return folder
    return Path(tempfile.mkdtemp(prefix="market-sim-"))


def _is_ours(folder: Path) -> bool:
    """Whether we may write there and nobody else put code there for us to load.

    Raises OSError if a file cannot be made.
    """
    with tempfile.TemporaryFile(dir=folder):
        return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _spare_blas() -> None:
    """Import numba's arrays without SciPy's linear algebra, which they import to see whether it is there: a tenth of a
    second in every process, for what no kernel uses. Whoever does use it gets it as ever."""
    linalg: Any = numba.np.linalg
    looked_for, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = looked_for


_spare_blas()
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
FOLDER = kernel_folder(Path(__file__).resolve().parent)
KERNELS: list[Any] = []  # every kernel made so far, but for parts


class _SharedCache(FunctionCache):
    """numba's cache of one function, safe when several processes fill it at once.

    numba numbers a function's files by reading its index first, so two writers could give one number to two
    signatures, and a reader would then be handed the wrong machine code.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with locked(self.cache_path):
            return super().load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        with locked(self.cache_path):
            super().save_overload(sig, data)


@contextlib.contextmanager
def locked(folder: str, name: str = "lock") -> Iterator[None]:
    """One process at a time, by a file of that name."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a file system without locks: carry on without one
            if fcntl is not None:
                lock = stack.enter_context(open(os.path.join(folder, name), "a"))
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _caching_in(folder: Path) -> Iterator[None]:
    """Let numba choose our folder for what is decorated inside, and leave other packages' choice alone."""
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


class _Kernel(CPUDispatcher):
    """A compiled function that is not compiled again for each number that a caller writes out."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        return super().get_call_template(tuple(map(unliteral, args)), {k: unliteral(v) for k, v in kws.items()})


class _Part(_Kernel):
    """One without an entry for Python: numba would jump to an address that is not there."""

    def __call__(self, *given: Any) -> Any:
        raise TypeError(f"{self.py_func.__name__} is a part of kernels: only they can call it")


def kernel(function: F) -> F:
    """Compile a function of arrays on first call; the machine code is shared by all processes of a user.

    Never fast-math: a sum is taken in the order it is written. Division by zero gives inf or nan as in NumPy,
    and the interpreter lock is released. No kernel is parallel, so numba starts no threads.
    """
    dispatcher: Any = numba.njit(**OPTIONS)(function)
    dispatcher.__class__ = _Kernel
    with _caching_in(FOLDER):
        dispatcher._cache = _SharedCache(function)
    KERNELS.append(dispatcher)
    return dispatcher


def part(function: F) -> F:
    """A piece of kernels, which only they can call: compiled into them, it needs no file and no entry of its own."""
    return _part(function)


def inlined(function: F) -> F:
    """A part that melts into its callers, so that their loops can be vectorised."""
    return _part(function, forceinline=True)


def _part(function: Any, **options: bool) -> Any:
    dispatcher: Any = numba.njit(**OPTIONS | options | {"no_cpython_wrapper": True})(function)
    dispatcher.__class__ = _Part
    return dispatcher


# --- types in words -------------------------------------------------------------------------------

STRIDED, READONLY = "strided", "readonly"
Records = Mapping[str, np.dtype[Any]]


def words_of(kind: Any, records: Records) -> str:
    """A type of numba in words: "int64"; "float64*3" for an array of three axes, "float64*3/strided/readonly"."""
    if not isinstance(kind, Array):
        return str(kind)
    named = {from_dtype(dtype): name for name, dtype in records.items()}
    marks = [STRIDED] * (kind.layout != "C") + [READONLY] * (not kind.mutable)
    return "/".join([f"{named.get(kind.dtype, kind.dtype)}*{kind.ndim}", *marks])


def type_of(words: str, records: Records) -> Any:
    """The type that these words stand for."""
    kind, *marks = words.split("/")
    name, _, axes = kind.partition("*")
    if not axes:
        return from_dtype(np.dtype(name))
    contiguous: Any = typeof(np.zeros((1,) * int(axes), records.get(name, name)))
    return contiguous.copy(layout="A" if STRIDED in marks else "C", readonly=READONLY in marks)


def machine() -> str:
    """What machine code is written for, as twelve hex digits: a cache may be shared by several kinds of processor."""
    kind = repr(cpu_target.target_context.codegen().magic_tuple())
    return hashlib.blake2b(kind.encode(), digest_size=6).hexdigest()
