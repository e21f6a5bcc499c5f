"""Runs a job step by step, the same way in every runner."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from ..predictors import Prediction
from ..predictors.memory import Memory
from .failure import JobCancelledError
from .job import Job
from .reporter import Reporter


def steps(
    job: Job, reporter: Reporter, stop: Callable[[], bool], memory: Memory | None = None
) -> Generator[Prediction | None, None, None]:
    """Advance the predictor by one step at a time; yields None after each, and last the Prediction.

    Raises
    ------
    JobCancelledError
        As soon as `stop` says true between two steps; the predictor's generator is closed then.
    """
    # They are those around the plane in view then, and no more than a reader scrolls through.
    reporter.shows_all = job.in_view is not None
    with contextlib.closing(job.predict(memory)) as predictor:
        for step in predictor:
            _raise_if(stop)
            if isinstance(step, Prediction):
                yield step
                return
            reporter.progress(step)
            yield None
            _raise_if(stop)
    raise RuntimeError(f"the predictor {job.predictor} ended without a prediction")


def execute(job: Job, reporter: Reporter, stop: Callable[[], bool], memory: Memory | None = None) -> Prediction:
    """Run to the end and return the prediction; see `steps`."""
    _raise_if(stop)
    return next(outcome for outcome in steps(job, reporter, stop, memory) if outcome is not None)


def _raise_if(stop: Callable[[], bool]) -> None:
    if stop():
        raise JobCancelledError
