"""Runs jobs in worker processes on this machine."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections import deque
from pathlib import Path

from ..errors import InputError
from . import events, store
from .base import JobHandle, JobState, Runner
from .events import EventReader
from .failure import BUG, CRASH, FOLDER, INPUT, MEMORY, ExitCode, JobFailedError, as_exception, describe
from .folder import JobFolder, write_job
from .job import Job, JobSource
from .locks import FileLock
from .process import Worker, WorkerProcess, thread_limits
from .result import read_result

# A worker ends itself 1.65 s after it is asked to; one that has not by now is killed.
KILL_AFTER_S = 1.9
# What a crash of Slicer left behind is kept for a day, then the next runner removes it.
ABANDONED_AFTER_S = 86400.0
_LOG_TAIL_BYTES = 4000
# Of the log's last line, in a sentence to the user.
_LAST_LINE = 200


class _Writer(threading.Thread):
    """Loads a job and writes its folder, beside the caller's thread: 1 GB takes a second that Slicer must not wait."""

    def __init__(self, source: JobSource, runner: LocalRunner):
        super().__init__(name="job writer", daemon=True)
        self._source, self._runner = source, runner
        self.job: Job | None = None
        self.folder: JobFolder | None = None
        self.lock: FileLock | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.job = self._source.load()
            self.folder, self.lock = store.new_folder(self._runner.root)
            self._runner.write(self.job, self.folder.path)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread, by result()
            self.error = error


class LocalHandle(JobHandle):
    """A job in a worker process: queued, then written, then running."""

    def __init__(self, source: JobSource, runner: LocalRunner):
        super().__init__(source)
        self._runner = runner
        self._cancelled_at: float | None = None
        self._writer: _Writer | None = None
        self._process: Worker | None = None
        self._reader: EventReader | None = None
        self._last: events.Event | None = None

    @property
    def folder(self) -> Path | None:
        """The job's folder, once there is one."""
        writer = self._writer
        return None if writer is None or writer.folder is None else writer.folder.path

    @property
    def pid(self) -> int | None:
        """The worker's process, once there is one."""
        return None if self._process is None else self._process.pid

    @property
    def is_cancelled(self) -> bool:
        """Whether it was asked to end."""
        return self._cancelled_at is not None

    def cancel(self) -> None:
        """See `JobHandle`."""
        if self._state.ended or self._cancelled_at is not None:
            return
        self._cancelled_at = time.monotonic()
        if self._process is not None:
            self._written.request_stop()

    def _advance(self) -> None:
        self._runner.start_next()
        self.look()

    def look(self) -> None:
        """See how it is doing, as `poll` does, but for the other jobs."""
        if self._state.ended:
            return
        if self._writer is None:
            if self._cancelled_at is not None:
                self._finish(JobState.CANCELLED)
        elif self._process is None:
            self._launch(self._writer)
        else:
            self._watch(self._process)

    def start(self) -> None:
        """Begin to write the folder: called by the runner when it is this job's turn."""
        self._state = JobState.RUNNING
        self._last_sign = time.monotonic()
        self._writer = _Writer(self._source, self._runner)
        self._writer.start()

    @property
    def _written(self) -> JobFolder:
        """The folder, once the writer has made it."""
        assert self._writer is not None
        assert self._writer.folder is not None
        return self._writer.folder

    def _launch(self, writer: _Writer) -> None:
        """Start the worker as soon as the folder is complete."""
        if writer.is_alive():
            return
        if self._cancelled_at is not None:
            self._finish(JobState.CANCELLED)
        elif writer.error is not None:
            self._finish(JobState.FAILED, _as_failure(writer.error))
        else:
            self._reader = EventReader(self._written.events)
            try:
                self._process = self._runner.launch(self._written)
            except OSError as error:
                self._finish(JobState.FAILED, _as_failure(error))

    def _watch(self, process: Worker) -> None:
        """Read what the worker said, and see whether it has ended, or must be."""
        code = process.exit_code()
        self._read_events()
        late = self._cancelled_at is not None and time.monotonic() - self._cancelled_at > KILL_AFTER_S
        if code is None and not late:
            return
        unheard = code is not None and self._last is None and self._cancelled_at is None
        if unheard and process.may_be_replaced():
            self._process = None
            return
        if code is None:
            process.kill()
        else:
            process.release()
        self._read_events()
        if self._cancelled_at is not None:
            self._finish(JobState.CANCELLED)
        elif code == ExitCode.DONE:
            self._finish(JobState.FINISHED)
        else:
            assert code is not None
            self._finish(JobState.FAILED, self._explain(code))

    def _read_events(self) -> None:
        new = [] if self._reader is None else self._reader.read()
        self._receive(new)
        self._last = new[-1] if new else self._last

    def _explain(self, code: int) -> Exception:
        """What to raise for a worker that ended without a result."""
        folder = self._written
        if self._last is not None and self._last.kind == events.ERROR:
            return as_exception(self._last.reason, self._last.message, self._last.details)
        log = _tail(folder.log)
        if code == ExitCode.FOLDER or not folder.path.exists():
            advice = "it was removed, or its disk is full: see to that and predict again"
            return JobFailedError(f"the worker lost its folder {folder.path}: {advice}", FOLDER, log)
        if code == ExitCode.MEMORY:
            return as_exception(*describe(MemoryError())[:2], log)
        return JobFailedError(_how_it_died(code, log), MEMORY if code == -9 else CRASH, log)

    def _finish(self, state: JobState, failure: Exception | None = None) -> None:
        self._end(state, failure)
        self._runner.release(self)
        if state is not JobState.FINISHED:
            self._release()

    def _deliver(self):
        return self._source.deliver(self._writer.job, read_result(self._written.result))

    def _release(self) -> None:
        if self._writer is not None and self._writer.folder is not None and self._writer.lock is not None:
            self._writer.lock.release()
            store.remove_folder(self._writer.folder)


def _as_failure(error: Exception) -> Exception:
    reason, message, details = describe(error)
    if reason == INPUT:
        return error
    if reason == BUG and isinstance(error, OSError):
        return JobFailedError(f"the job could not be started: {error}", FOLDER, details)
    return JobFailedError(message, reason, details)


def _how_it_died(code: int, log: str) -> str:
    if code >= 0:
        last = next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "")
        said = f" ({last[:_LAST_LINE]})" if last else " and without a word"
        return f"the worker ended with the exit code {code}{said}: please report it with the log"
    name = signal.Signals(-code).name if -code in {one.value for one in signal.Signals} else f"signal {-code}"
    if name == "SIGKILL":
        return "the system killed the worker, most often because memory ran out: close other programs or crop the image"
    return f"the worker crashed ({name}): predict again, and report it with the log if it does again"


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
    except OSError:
        return ""


class LocalRunner(Runner):
    """Runs every job in a process of its own; a crash costs that job and nothing else.

    Parameters
    ----------
    root : where the jobs' folders are made; by default `store.default_root`, which old ones are removed from
    slots : how many run at the same time
    threads : how many threads each may use; by default all of them, divided among the slots
    environment : further environment variables of the workers
    python : another interpreter than `process.interpreter` finds
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        slots: int = 1,
        threads: int | None = None,
        environment: dict[str, str] | None = None,
        python: str | None = None,
    ):
        super().__init__()
        if slots < 1:
            raise InputError(f"{slots} workers are asked for: ask for at least 1")
        if root is None:
            root = store.default_root()
            store.clear(root, ABANDONED_AFTER_S)
        self.root, self.slots, self.python = Path(root), slots, python
        self.environment = {**_share_of_threads(slots, threads), **(environment or {})}
        self._queue: deque[LocalHandle] = deque()
        self._running: list[LocalHandle] = []
        atexit.register(self.close)

    def close(self) -> None:
        """End every job, and remove their folders; the end of the program does so too."""
        atexit.unregister(self.close)
        super().close()

    def _start(self, source: JobSource) -> LocalHandle:
        handle = LocalHandle(source, self)
        self._queue.append(handle)
        self.start_next()
        return handle

    def write(self, job: Job, path: Path) -> None:
        """Write a job into its folder; called in a thread of the job's own."""
        write_job(job, path)

    def launch(self, folder: JobFolder) -> Worker:
        """Have a job run that was written; OSError where no process can be started."""
        return WorkerProcess(folder, self.environment, self.python)

    def start_next(self) -> None:
        """Start queued jobs as long as slots are free; cancelled ones are passed over."""
        for handle in [one for one in self._running if one.is_cancelled]:
            # Nobody may look after what was superseded; its slot is wanted.
            handle.look()
        while self._queue and len(self._running) < self.slots:
            handle = self._queue.popleft()
            if handle._cancelled_at is None:
                self._running.append(handle)
                handle.start()

    def release(self, handle: LocalHandle) -> None:
        """A job has ended: its slot is free."""
        if handle in self._running:
            self._running.remove(handle)


def _share_of_threads(slots: int, threads: int | None) -> dict[str, str]:
    if threads is None and slots == 1:
        return {}
    return thread_limits(threads or max(1, (os.cpu_count() or 1) // slots))
