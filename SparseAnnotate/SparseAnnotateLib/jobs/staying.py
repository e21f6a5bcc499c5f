"""Runs jobs in workers that stay from one job to the next."""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import os
import subprocess
import threading
from pathlib import Path

from ..predictors.memory import LIMIT_BYTES
from . import store
from .failure import GOES_ON_AFTER
from .folder import JobFolder, write_aside, write_job
from .job import Job
from .local import LocalRunner
from .orders import HELLO
from .process import PythonProcess, Worker, module_command
from .shared_image import SharedImage

logger = logging.getLogger(__name__)

_ANSWER_TIMEOUT_S = 0.5


class ResidentProcess(PythonProcess):
    """A running worker that is given one job after the other.

    Parameters
    ----------
    log : what it prints between jobs
    memory_bytes : that it may remember
    ready_for : the predictor that it makes itself ready for
    """

    def __init__(self, log: Path, memory_bytes: int, ready_for: str, environment: dict[str, str], python: str | None):
        given = ["--parent", str(os.getpid()), "--memory", str(memory_bytes), "--ready-for", ready_for]
        arguments = module_command("SparseAnnotateLib.jobs.resident", *given)
        with open(log, "ab") as file:
            super().__init__(arguments, environment, python, stdout=subprocess.PIPE, stderr=file)
        self._answers: collections.deque[int] = collections.deque()
        self._reading = threading.Thread(target=self._read, name="answers", daemon=True)
        self._reading.start()
        with contextlib.suppress(OSError):  # where its input is closed, as the first job will find
            self._write(HELLO)

    def give(self, folder: JobFolder) -> None:
        """Have it run the job in a folder; OSError where it has ended."""
        self._answers.clear()
        self._write(os.fsencode(folder.path) + b"\n")

    def answer(self) -> int | None:
        """How the job ended: the code that the worker told of it, or with which it ended itself; None as yet."""
        ended = self.exit_code()
        if ended is not None:
            self._reading.join(_ANSWER_TIMEOUT_S)
        return self._answers[0] if self._answers else ended

    def kill(self) -> None:
        """See `PythonProcess`."""
        super().kill()
        self._reading.join(_ANSWER_TIMEOUT_S)
        if not self._reading.is_alive():
            self._process.stdout.close()

    def _write(self, line: bytes) -> None:
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _read(self) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stdout:
                self._answers.append(int(line))


class Turn:
    """One job's turn at a worker: what a `LocalHandle` knows as its process.

    Parameters
    ----------
    waited : whether the worker was there before the job
    """

    def __init__(self, process: ResidentProcess, folder: JobFolder, runner: ResidentRunner, waited: bool):
        self._waited = waited
        self._process = process
        self._runner = runner
        process.give(folder)

    @property
    def pid(self) -> int:
        """The worker's number."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How the job ended; None while it runs. Never blocks for long."""
        return self._process.answer()

    def release(self) -> None:
        """The job has ended: the worker waits for the next one, if it lives and nothing is wrong with it."""
        if self._process.answer() in GOES_ON_AFTER and self._process.exit_code() is None:
            self._runner.take_back(self._process)
        else:
            self._process.kill()

    def may_be_replaced(self) -> bool:
        """See `WorkerProcess`: a worker that died while it waited is, and one that cannot be given jobs."""
        self._process.kill()
        if not self._waited:
            self._runner.stop_staying()
        return True

    def kill(self) -> None:
        """End the worker."""
        self._process.kill()


class ResidentRunner(LocalRunner):
    """As `LocalRunner`, but its processes stay: a job costs no start and no import, and what is known is recalled.

    A worker that crashed, was killed, or ran out of memory costs its job; the next one gets a new worker.

    Parameters
    ----------
    memory_bytes : what a worker may remember of earlier jobs (see `predictors.memory`), 0 for nothing
    ready_for : the predictor that a worker makes itself ready for as it starts
    """

    def __init__(self, root: Path | None = None, *, memory_bytes: int = LIMIT_BYTES, ready_for: str = "guided", **more):
        super().__init__(root, **more)
        self._memory_bytes, self._ready_for = memory_bytes, ready_for
        self._idle: list[ResidentProcess] = []
        self._stays = True
        # Keeps the image's file, and what workers print between jobs; looks like a job of which there is no more.
        self.home, self._home_lock = store.new_folder(self.root)
        write_aside(self.home.job, json.dumps({"name": "worker that stays", "predictor": "-"}).encode())
        self._image = SharedImage(self.home.path)

    def prepare(self) -> None:
        """Start a worker, if none waits: called as soon as it is known that a job will come."""
        for process in [one for one in self._idle if one.exit_code() is not None]:
            process.kill()
            self._idle.remove(process)
        if self._stays and not self._idle and not self._running:
            self._idle.append(self._new_process())

    def write(self, job: Job, path: Path) -> None:
        """See `LocalRunner`; the image is written once for as many jobs as it stays the same."""
        write_job(job, path, self._image.write)

    def launch(self, folder: JobFolder) -> Worker:
        """See `LocalRunner`."""
        if not self._stays:
            return super().launch(folder)
        while self._idle:
            process = self._idle.pop()
            with contextlib.suppress(OSError):
                if process.exit_code() is None:
                    return Turn(process, folder, self, waited=True)
            process.kill()
        process = self._new_process()
        try:
            return Turn(process, folder, self, waited=False)
        except OSError:
            process.kill()
            self.stop_staying()
            return super().launch(folder)

    def stop_staying(self) -> None:
        """A new worker ended before it took its job on, as where a launcher closes its input: one a job from now on."""
        logger.warning("a worker that stays could not be started: each job gets its own (%s)", self.home.log)
        self._stays = False

    def take_back(self, process: ResidentProcess) -> None:
        """A worker has nothing to do."""
        self._idle.append(process)

    def dismiss(self) -> None:
        """End the workers that wait, and with them what they remember: nobody works on that volume any more."""
        for process in self._idle:
            process.kill()
        self._idle = []

    def close(self) -> None:
        """See `LocalRunner`; ends the workers."""
        super().close()
        self.dismiss()
        self._home_lock.release()
        store.remove_folder(self.home)

    def _new_process(self) -> ResidentProcess:
        return ResidentProcess(self.home.log, self._memory_bytes, self._ready_for, self.environment, self.python)
