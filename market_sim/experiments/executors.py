"""Who does the work of a batch: processes of this machine, this process, a Dask cluster, or MPI ranks."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import connection
from typing import Any, Protocol

from market_sim.experiments.chunk import keep_to_one_thread
from market_sim.experiments.errors import NoExecutor
from market_sim.simulation.memory import ENVIRONMENT

AHEAD = 3  # tasks handed out per worker, so that none waits for the next
UNKNOWN = 256  # tasks handed to an executor that does not say how many workers it has
PATIENCE = "10s"  # for a scheduler to answer
QUIET = {  # what Dask looks at while tasks of seconds run: by itself a twentieth of two cores
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "5s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
    "distributed.scheduler.work-stealing-interval": "1s",
}


class Crew(Protocol):
    """An executor, its workers as far as known, how many tasks it is handed at a time, and how it is replaced and
    ended."""

    workers: int
    ahead: int

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand over one call."""

    def renew(self) -> bool:
        """Replace an executor that broke; False where that is not ours to do."""

    def stop(self) -> None:
        """End at once, whatever is under way."""

    def close(self) -> None:
        """End after the last task."""


class Serial(Executor):
    """Everything in this process, one call after the other."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call now; the future is done when it is returned."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Borrowed:
    """An executor that somebody else made and will end; `ending` is called where it is ours after all."""

    def __init__(
        self, executor: Executor, workers: int = 0, ahead: int = 0, ending: Callable[[], None] | None = None
    ) -> None:
        self.executor, self.ending = executor, ending
        known = workers or getattr(executor, "_max_workers", None)
        self.workers = known or 1
        self.ahead = ahead or (1 if isinstance(executor, Serial) else AHEAD * known if known else UNKNOWN)
        self.waiting: set[Future[Any]] = set()

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand over one call."""
        future = self.executor.submit(call, *arguments)
        self.waiting.add(future)
        future.add_done_callback(self.waiting.discard)
        return future

    def renew(self) -> bool:
        """Not ours to replace."""
        return False

    def stop(self) -> None:
        """Take back what has not begun."""
        for future in list(self.waiting):
            future.cancel()
        self.close()

    def close(self) -> None:
        """End it if it is ours."""
        if self.ending is not None:
            self.ending()


class Processes:
    """Worker processes of this machine, each begun anew (spawned) with libraries at one thread."""

    def __init__(self, workers: int) -> None:
        self.workers, self.ahead = workers, AHEAD * workers
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.executor = ProcessPoolExecutor(self.workers, mp_context=context, initializer=begin_worker)
        self.processes: list[Any] = []

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand over one call; the pool starts a worker for each of the first calls."""
        if len(self.processes) >= self.workers:
            return self.executor.submit(call, *arguments)
        before = multiprocessing.active_children()
        with script_unseen(), interrupts_unheard():
            future = self.executor.submit(call, *arguments)
            self.processes += [one for one in multiprocessing.active_children() if one not in before]
        return future

    def renew(self) -> bool:
        """End what is left of the workers and start others."""
        self.stop()
        self._begin()
        return True

    def stop(self) -> None:
        """End every worker now; a part half written is a temporary file that the next resume removes."""
        for process in self.processes:
            process.kill()
        self.executor.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Let the workers go."""
        self.executor.shutdown(wait=True)


def begin_worker() -> None:
    """In a new worker: one thread per library, Ctrl-C left to the parent, and no life after its death."""
    keep_to_one_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent would leave its workers waiting for ever."""
    if parent := multiprocessing.parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def script_unseen() -> Iterator[None]:
    """Hide the main script from processes begun inside: they need none of it, and few scripts guard against it."""
    main: Any = sys.modules["__main__"]
    held = {name: getattr(main, name, None) for name in ("__file__", "__spec__")}
    main.__file__ = main.__spec__ = None
    try:
        yield
    finally:
        for name, value in held.items():
            setattr(main, name, value)


@contextlib.contextmanager
def interrupts_unheard() -> Iterator[None]:
    """Processes begun inside leave Ctrl-C to their parent, as children inherit what is blocked.

    One that comes meanwhile reaches the parent on leaving. Blocking is not enough for that: it holds for one thread,
    and Python runs a handler in the main thread whichever took the signal.
    """
    heard: list[int] = []
    try:
        with _handling_interrupts(lambda number, _: heard.append(number)), _blocking_interrupts():
            yield
    finally:
        for number in heard[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def _handling_interrupts(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Another handler of Ctrl-C while inside; only the main thread may set one, and only it hears."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _blocking_interrupts() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def memory_kept() -> Iterator[None]:
    """Processes begun inside keep their memory; Dask heeds the environment more than its own settings."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update({name: str(value) for name, value in ENVIRONMENT.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)


def serial(workers: int | None, scheduler: str) -> Crew:
    """This process alone."""
    return Borrowed(Serial())


def processes(workers: int | None, scheduler: str) -> Crew:
    """As many processes as asked for, or one per core."""
    return Processes(workers or usable_cores())


def dask(workers: int | None, scheduler: str) -> Crew:
    """The cluster at `scheduler`, an address or the file a scheduler wrote; without one, a cluster on this machine."""
    try:
        from distributed import Client
    except ImportError:
        raise NoExecutor("--executor dask needs Dask: pip install 'market-sim[cluster]'") from None
    if not scheduler:
        cluster = _local_cluster(workers or usable_cores())
        return _dask_crew(Client(cluster, set_as_default=False), cluster)
    named = {"scheduler_file": scheduler} if os.path.isfile(scheduler) else {"address": scheduler}
    try:
        client = Client(**named, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoExecutor(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({reason}); start one with `dask scheduler`, "
            "and workers with `dask worker ADDRESS --nthreads 1`"
        ) from None
    return _dask_crew(client)


def _local_cluster(workers: int) -> Any:
    """A cluster on this machine that looks up seldom and keeps its memory, which Dask's own setting hands back."""
    import dask
    from distributed import LocalCluster

    with script_unseen(), interrupts_unheard(), memory_kept(), dask.config.set(QUIET):
        return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")


def _dask_crew(client: Any, cluster: Any = None) -> Crew:
    def end() -> None:
        client.close()
        if cluster is not None:
            cluster.close()

    known = sum(client.nthreads().values())
    return Borrowed(client.get_executor(pure=False), known, AHEAD * max(known, 32), end)


MPI_LINE = "mpiexec -n 4 python -m mpi4py.futures -m market_sim batch ... --executor mpi"


def mpi(workers: int | None, scheduler: str) -> Crew:
    """The other ranks of this MPI job; rank 0 hands out the work."""
    try:
        from mpi4py import MPI
        from mpi4py.futures import MPIPoolExecutor, _core
    except ImportError:
        raise NoExecutor("--executor mpi needs mpi4py and an MPI: pip install 'market-sim[mpi]' mpich") from None
    if MPI.COMM_WORLD.Get_size() < 2 or getattr(_core, "SharedPool", None) is None:
        raise NoExecutor(f"--executor mpi: this is no MPI job with ranks to serve; start it with\n  {MPI_LINE}")
    executor, size = MPIPoolExecutor(), MPI.COMM_WORLD.Get_size()
    return Borrowed(executor, size - 1, AHEAD * size, executor.shutdown)


EXECUTORS: dict[str, Callable[[int | None, str], Crew]] = {one.__name__: one for one in (processes, serial, dask, mpi)}


def crew_of(executor: str | Executor | None, workers: int | None = None, scheduler: str = "") -> Crew:
    """The crew of that name, processes for None, or one that hands its work to the executor given.

    Raises NoExecutor.
    """
    if isinstance(executor, Executor):
        return Borrowed(executor)
    name = executor or "processes"
    if name not in EXECUTORS:
        raise NoExecutor(f"there is no executor {name!r}: wanted one of {', '.join(EXECUTORS)}")
    return EXECUTORS[name](workers, scheduler)
