"""What every runner is: give it a job, get a handle, ask the handle now and then."""

from __future__ import annotations

import abc
import enum
import time
from collections.abc import Callable
from typing import Any

from ..predictors import Progress
from .events import Event
from .failure import JobCancelledError
from .job import JobSource


class JobState(enum.Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self in (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


class JobHandle(abc.ABC):
    """One submitted job. Nothing here blocks but `wait`, `result` and `close`; use it from one thread."""

    def __init__(self, source: JobSource):
        self.name = source.name
        self._source = source
        self._state = JobState.QUEUED
        self._failure: Exception | None = None
        self._new_events: list[Event] = []
        self._last_sign = time.monotonic()
        self._result: Any = None
        self._delivered = False
        self.closed = False

    def poll(self) -> JobState:
        """Look how the job is doing, and start or end what is due; call it from a timer."""
        if not self._state.ended:
            self._advance()
        return self._state

    def events(self) -> list[Event]:
        """What it said since the last call; complete once `poll` has said that it ended."""
        events, self._new_events = self._new_events, []
        return events

    @property
    def silence_s(self) -> float:
        """Seconds since the last sign of life: a job silent for 5 s hangs in a step, or its machine is gone."""
        return time.monotonic() - self._last_sign

    def wait(
        self, timeout_s: float | None = None, on_event: Callable[[Event], None] | None = None, interval_s: float = 0.02
    ) -> JobState:
        """Poll until the job has ended or the time is up; `on_event` sees every event."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            state = self.poll()
            if on_event is not None:
                for event in self.events():
                    on_event(event)
            if state.ended or (end is not None and time.monotonic() >= end):
                return state
            time.sleep(interval_s)

    def result(self) -> Any:
        """What the job's source delivers, for a `Job` the Prediction.

        Raises
        ------
        InputError
            Where what was given cannot be used: the same error as the predictor raises in this process.
        JobFailedError
            Where something else went wrong.
        JobCancelledError
            Where it was cancelled.
        """
        if not self._state.ended:
            raise RuntimeError("the job has not ended: poll it, or wait")
        if self._failure is not None:
            raise self._failure
        if not self._delivered:
            self._result = self._deliver()
            self._delivered = True
        return self._result

    @abc.abstractmethod
    def cancel(self) -> None:
        """Ask the job to end. On a CPU it ends within 2 s; `poll` says when."""

    def close(self) -> None:
        """Cancel it if it runs, wait for its end, and remove what it left behind: its result can be had no more."""
        self.cancel()
        self.wait()
        self._release()
        self.closed = True

    @abc.abstractmethod
    def _release(self) -> None:
        """Give back what an ended job still holds."""

    @abc.abstractmethod
    def _advance(self) -> None:
        """Move a job that has not ended on, without blocking."""

    @abc.abstractmethod
    def _deliver(self) -> Any:
        """Fetch the result of a finished job and hand it to its source."""

    def _receive(self, events: list[Event]) -> None:
        if events:
            self._new_events += events
            self._last_sign = time.monotonic()

    def _end(self, state: JobState, failure: Exception | None = None) -> None:
        if state is JobState.CANCELLED:
            failure = JobCancelledError()
        self._state, self._failure = state, failure


class Runner(abc.ABC):
    """Runs jobs somewhere; a context manager that ends them all.

    Attributes
    ----------
    slots : how many jobs run at the same time; more may be submitted, they queue
    """

    slots: int = 1

    def __init__(self):
        self._handles: list[JobHandle] = []

    def submit(self, source: JobSource) -> JobHandle:
        """Take a job on and return at once.

        Raises
        ------
        InputError
            For an unknown predictor or options that it does not take.
        """
        source.check()
        handle = self._start(source)
        self._handles = [one for one in self._handles if not one.closed]
        self._handles.append(handle)
        return handle

    @abc.abstractmethod
    def _start(self, source: JobSource) -> JobHandle:
        """Make the handle of a job that has been checked."""

    def close(self) -> None:
        """End every job that still runs, and whatever ran them."""
        self.close_jobs()

    def close_jobs(self) -> None:
        """End every job that still runs, all at the same time, and remove what is left of the others."""
        for handle in self._handles:
            handle.cancel()
        for handle in self._handles:
            handle.close()
        self._handles = []

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()


def run_job(runner: Runner, source: JobSource, on_progress: Callable[[Progress], None] | None = None) -> Any:
    """Run one job to its end and return its result, as `predictors.run` does; interrupting it cancels the job.

    Raises
    ------
    InputError, JobFailedError, JobCancelledError
        See `JobHandle.result`.
    """
    handle = runner.submit(source)

    def show(event: Event) -> None:
        if on_progress is not None:
            on_progress(Progress(event.stage, event.fraction, event.message, event.preview))

    try:
        handle.wait(on_event=show)
        return handle.result()
    finally:
        handle.close()
