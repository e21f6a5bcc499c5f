"""The workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from pathlib import Path

from ...errors import InputError
from ...jobs.dask.runner import SCHEDULER_LOST, DaskRunner
from ...jobs.dask.task import all_reachable
from ..grid.fingerprint import decisive_versions
from ..grid.planner import Task
from ..grid.result import FAILED, Result
from .pool import Pool

_LOOK_AGAIN_S = 5.0
_DIED = "the task ended the Dask workers that tried it: {}"
_local = threading.local()


def perform(tasks: list[Task]) -> list[Result]:
    """Do tasks, in a thread of a Dask worker, which keeps its case for the next ones."""
    from ..tasks.bench import Bench

    if not hasattr(_local, "bench"):
        _local.bench = Bench()
    return [_local.bench.perform(task) for task in tasks]


class DaskPool(Pool):
    """Every thread of a cluster's workers is a worker of ours.

    Parameters
    ----------
    scheduler : address such as ``tcp://host:8786``; without one, a cluster is started on this machine
    workers : how many processes that one has
    files : what every worker must see under the same path

    Raises
    ------
    InputError
        Where no scheduler answers, a worker has other versions, or does not see the files.
    """

    def __init__(self, scheduler: str | None = None, *, workers: int = 1, files: list[Path] | None = None):
        self.is_local = scheduler is None
        self._runner = DaskRunner(scheduler, workers=workers)
        self._client = self._runner.client
        self._inbox: queue.Queue = queue.Queue()
        self._futures: set = set()
        self._bundles: dict[tuple[str, int], list[Task]] = {}
        self._looked = -_LOOK_AGAIN_S
        try:
            self._check(files or [])
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> list[tuple[str, int]]:
        """Address and number of every thread that there is just now."""
        if time.monotonic() - self._looked > _LOOK_AGAIN_S:
            self._threads = self._runner.ask(self._client.nthreads)
            self._looked = time.monotonic()
        return [(address, number) for address, threads in self._threads.items() for number in range(threads)]

    def send(self, worker: tuple[str, int], task: Task) -> None:
        """See `Pool`; if the worker is gone or has nothing to do, Dask gives its tasks to others."""
        self._bundles.setdefault(worker, []).append(task)

    def flush(self) -> None:
        """See `Pool`; what a worker was sent since the last time travels together."""
        bundles, self._bundles = self._bundles, {}
        for worker, tasks in bundles.items():
            self._submit(worker, tasks)

    def _submit(self, worker: tuple[str, int], tasks: list[Task]) -> None:
        future = self._runner.ask(
            self._client.submit, perform, tasks, workers=[worker[0]], allow_other_workers=True, pure=False
        )
        self._futures.add(future)
        future.add_done_callback(lambda ended: self._fetch(worker, tasks, ended))

    def _fetch(self, worker: tuple[str, int], tasks: list[Task], future) -> None:
        """Get results, in a thread of Dask's, so that nobody waits for them to travel."""
        try:
            if future.status != "error":
                messages = future.result()
            elif len(tasks) > 1:
                # One of them ends its worker; which one is found out by sending each alone.
                messages = []
                for task in tasks:
                    self._submit(worker, [task])
            else:
                messages = [Result(tasks[0].key, FAILED, message=_DIED.format(future.exception()))]
        except Exception as error:  # noqa: BLE001 - raised where it is received
            messages = [error]
        self._futures.discard(future)
        for message in messages:
            self._inbox.put((worker, message))

    def receive(self, timeout_s: float) -> tuple[tuple[str, int], Result | str] | None:
        """See `Pool`."""
        try:
            worker, message = self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(message, Exception):
            raise InputError(SCHEDULER_LOST) from message
        return worker, message

    def close(self) -> None:
        """See `Pool`; the workers of a cluster that is not ours finish what they have begun."""
        with contextlib.suppress(Exception):
            self._client.cancel(list(self._futures))
        self._futures.clear()
        self._runner.close()

    def _check(self, files: list[Path]) -> None:
        ours = decisive_versions()
        for address, theirs in self._runner.ask(self._client.run, decisive_versions).items():
            name = next((name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)), None)
            if name is not None:
                raise InputError(
                    f"the Dask worker {address} has {name} {theirs.get(name)}, we have {ours.get(name)}: "
                    "install the same versions, or the results would not be comparable"
                )
        paths = [str(Path(file).resolve()) for file in files]
        blind = [at for at, sees in self._runner.ask(self._client.run, all_reachable, paths).items() if not sees]
        if blind:
            raise InputError(
                f"the Dask worker {blind[0]} does not see all files of the data set under the same path: "
                "put the data set into a folder that all machines share"
            )
