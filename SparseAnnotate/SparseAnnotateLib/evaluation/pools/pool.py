"""Worker processes on this machine."""

from __future__ import annotations

import abc
import contextlib
import os
import pickle
import queue
import struct
import subprocess
import threading
from collections.abc import Hashable, Sequence
from typing import Any, BinaryIO

from ...jobs.process import PythonProcess, thread_limits
from ..grid.planner import Task
from ..grid.result import Result

_LENGTH = struct.Struct(">Q")


class Pool(abc.ABC):
    """Workers that do tasks, each one after the other.

    `receive` gives the worker's name with its result, or with the message of its sudden end.
    """

    # The workers compute on this machine, and share its memory and GPU.
    is_local = True

    @property
    @abc.abstractmethod
    def workers(self) -> Sequence[Hashable]:
        """Names of those that are there."""

    @abc.abstractmethod
    def send(self, worker: Hashable, task: Task) -> None:
        """Have this worker do a task after those that it has."""

    def flush(self) -> None:  # noqa: B027 - most send at once
        """Everything is sent that there is to send just now."""

    @abc.abstractmethod
    def receive(self, timeout_s: float) -> tuple[Hashable, Result | str] | None:
        """The next result, of whatever worker; None where there was none in time."""

    @abc.abstractmethod
    def close(self) -> None:
        """End all workers at once, in the middle of whatever they do."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class LocalPool(Pool):
    """So many processes of `python -m SparseAnnotateLib.evaluation.pools.worker`, which share the cores."""

    def __init__(self, workers: int):
        threads = max(1, (os.cpu_count() or 1) // workers)
        self._environment = thread_limits(threads) if workers > 1 else {}
        self._inbox: queue.Queue[tuple[int, Result | str]] = queue.Queue()
        self._processes: dict[int, _Worker] = {}
        try:
            for number in range(workers):
                self._processes[number] = _Worker(number, self._inbox, self._environment)
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> list[int]:
        """Their numbers; one that ended has a successor of the same number."""
        return list(self._processes)

    def send(self, worker: int, task: Task) -> None:
        """See `Pool`; a worker that has died tells it by `receive`."""
        self._processes[worker].send(task)

    def receive(self, timeout_s: float) -> tuple[int, Result | str] | None:
        """See `Pool`; in the place of a worker that ended, a new one is started."""
        try:
            number, message = self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(message, str):
            self._processes[number].kill()
            self._processes[number] = _Worker(number, self._inbox, self._environment)
        return number, message

    def close(self) -> None:
        """See `Pool`."""
        for worker in self._processes.values():
            worker.kill()


class _Worker(PythonProcess):
    """A process, and a thread that listens to it."""

    def __init__(self, number: int, inbox: queue.Queue, environment: dict[str, str]):
        arguments = ["-m", "SparseAnnotateLib.evaluation.pools.worker", "--parent", str(os.getpid())]
        super().__init__(arguments, environment, stdout=subprocess.PIPE)
        self._number, self._inbox = number, inbox
        threading.Thread(target=self._listen, name=f"evaluation worker {number}", daemon=True).start()

    def send(self, task: Task) -> None:
        """A worker that has died tells it otherwise."""
        with contextlib.suppress(OSError):
            write_message(self._process.stdin, task)

    def _listen(self) -> None:
        while True:
            try:
                self._inbox.put((self._number, read_message(self._process.stdout)))
            except (EOFError, OSError, ValueError, pickle.UnpicklingError):
                break
        self._inbox.put((self._number, _reason_of_end(self._process.wait())))


def _reason_of_end(exit_code: int) -> str:
    if exit_code == -9:
        return "the worker process was killed; most often the memory was full: use fewer --workers"
    return f"the worker process ended by itself (exit code {exit_code})"


def write_message(stream: BinaryIO, message: Any) -> None:
    """Send something through a pipe."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_message(stream: BinaryIO) -> Any:
    """The next thing that was sent; EOFError where there is none any more."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return pickle.loads(stream.read(_LENGTH.unpack(head)[0]))
