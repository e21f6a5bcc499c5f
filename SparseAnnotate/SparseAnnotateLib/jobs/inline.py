"""Runs jobs in this process, a step a poll: for tests, and for scripts that need no isolation."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator

from ..prediction import Prediction
from .base import JobHandle, JobState, Runner
from .execute import steps
from .failure import JobCancelledError, JobFailedError, describe
from .job import Job, JobSource
from .reporter import Reporter


class InlineHandle(JobHandle):
    """A job that moves on by one step of its predictor whenever it is polled."""

    def __init__(self, source: JobSource, queue: deque[InlineHandle]):
        super().__init__(source)
        self._queue = queue
        self._cancelled = False
        self._job: Job | None = None
        self._prediction: Prediction | None = None
        # Both are there once the job has begun.
        self._reporter: Reporter
        self._steps: Generator[Prediction | None, None, None] | None = None

    def cancel(self) -> None:
        """See `JobHandle`; the predictor is closed at the next poll."""
        self._cancelled = True

    def _advance(self) -> None:
        if self._cancelled and self._steps is None:
            self._end(JobState.CANCELLED)
        elif self._steps is not None or self._queue[0] is self:
            self._step()
        else:
            self._queue[0].poll()
        while self._queue and self._queue[0]._state.ended:
            self._queue.popleft()

    def _step(self) -> None:
        try:
            if self._steps is None:
                self._steps = self._begin()
            self._prediction = next(self._steps)
        except JobCancelledError:
            self._reporter.cancelled()
            self._end(JobState.CANCELLED)
        except Exception as error:  # noqa: BLE001 - told as every runner does, by result()
            reason, message, details = describe(error)
            self._reporter.error(error)
            self._end(JobState.FAILED, error if reason == "input" else JobFailedError(message, reason, details))
        if self._prediction is not None and not self._state.ended:
            self._reporter.result()
            self._end(JobState.FINISHED)
            if self._steps is not None:
                self._steps.close()

    def _begin(self) -> Generator[Prediction | None, None, None]:
        self._state = JobState.RUNNING
        self._reporter = Reporter(lambda event: self._receive([event]), worker=str(os.getpid()))
        self._reporter.started()
        self._job = self._source.load()
        return steps(self._job, self._reporter, lambda: self._cancelled)

    def _release(self) -> None:
        self._job = self._prediction = None

    def _deliver(self):
        return self._source.deliver(self._job, self._prediction)


class InlineRunner(Runner):
    """Runs jobs in this process, one after the other in the order in which they came."""

    def __init__(self):
        super().__init__()
        self._queue: deque[InlineHandle] = deque()

    def _start(self, source: JobSource) -> InlineHandle:
        handle = InlineHandle(source, self._queue)
        self._queue.append(handle)
        return handle
