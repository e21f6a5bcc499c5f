"""A worker process with everything that it starts, as one thing to start, ask and kill."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from .folder import JobFolder

# Read by OpenMP (sklearn, torch), OpenBLAS, MKL, OpenCV and ITK when they start.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)

_REAP_TIMEOUT_S = 0.5
_LIBRARY_ROOT = str(Path(__file__).resolve().parents[2])
_START = str(Path(__file__).resolve().with_name("start.py"))


class Worker(Protocol):
    """What a handle knows of the worker of its job: `WorkerProcess`, or a turn at one that stays."""

    @property
    def pid(self) -> int:
        """The process's number."""

    def exit_code(self) -> int | None:
        """How the job ended; None while it runs."""

    def release(self) -> None:
        """The job has ended."""

    def may_be_replaced(self) -> bool:
        """Whether another one shall try, after this one ended without a word."""

    def kill(self) -> None:
        """End the worker."""


def interpreter() -> str:
    """The Python to run a worker with: PythonSlicer inside Slicer, this one outside."""
    inside_slicer = "slicer" in sys.modules
    return (shutil.which("PythonSlicer") if inside_slicer else None) or sys.executable


def module_command(module: str, *arguments: str) -> list[str]:
    """What an interpreter is given to run a module of ours, found by the path of a file; see `start`."""
    return [_START, module, *arguments]


def thread_limits(threads: int) -> dict[str, str]:
    """The environment that keeps every library to so many threads."""
    return {name: str(threads) for name in THREAD_VARIABLES}


class PythonProcess:
    """A Python of ours, in a process group (POSIX) or job object (Windows) of its own.

    Its standard input is a pipe that we hold, so that our end, however it comes, is its end too.

    Parameters
    ----------
    arguments : behind the interpreter
    environment : added to ours
    streams : what `subprocess.Popen` is told of its output
    """

    def __init__(self, arguments: list[str], environment: dict[str, str], python: str | None = None, **streams):
        self._process = subprocess.Popen(
            [python or interpreter(), *arguments],
            stdin=subprocess.PIPE,
            env=_environment(environment),
            **streams,
            **_GROUP,
        )
        self._job_object = _job_object(self._process)

    @property
    def pid(self) -> int:
        """The process's number (inside Slicer, that of the launcher)."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it. Never blocks."""
        return self._process.poll()

    def kill(self) -> None:
        """End it and all its children at once, and release what the system keeps of them; harmless if it has ended."""
        if sys.platform == "win32":
            self._job_object.close()
        else:
            # Also after the worker's own end: what it started may live on.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        # A killed process is gone in milliseconds, unless its disk hangs; Slicer must not hang with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_REAP_TIMEOUT_S)
        with contextlib.suppress(OSError):
            self._process.stdin.close()


class WorkerProcess(PythonProcess):
    """A running worker of a job, which ends with it."""

    def may_be_replaced(self) -> bool:
        """Whether another one shall try, after this one ended without a word: that would end as this one."""
        return False

    def release(self) -> None:
        """It has ended; what it started may live on."""
        self.kill()

    def __init__(self, folder: JobFolder, environment: dict[str, str], python: str | None = None):
        given = [str(folder.path), "--parent", str(os.getpid()), "--own-group"]
        arguments = module_command("SparseAnnotateLib.jobs.worker", *given)
        with open(folder.log, "ab") as log:
            super().__init__(arguments, environment, python, stdout=log, stderr=log)
        with contextlib.suppress(OSError):
            self._process.stdin.write(b"!")
            self._process.stdin.flush()


def _environment(more: dict[str, str]) -> dict[str, str]:
    """Ours, with the library on the path for what the worker starts itself: inside Slicer it is on sys.path only."""
    path = os.pathsep.join(filter(None, (_LIBRARY_ROOT, os.environ.get("PYTHONPATH"))))
    # Safe path: nothing is imported from the current folder.
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", **more}


if sys.platform == "win32":
    from .windows import hold as _job_object

    _GROUP = {"creationflags": subprocess.CREATE_NO_WINDOW}
else:
    _GROUP = {"start_new_session": True}

    def _job_object(process: subprocess.Popen) -> None:  # noqa: ARG001 - Windows needs it
        return None
