"""A prediction as a job: in this process, in a worker process, or on a cluster."""

from .base import JobHandle, JobState, Runner, run_job
from .events import Event
from .failure import JobCancelledError, JobFailedError
from .inline import InlineRunner
from .job import Job, JobSource
from .local import LocalRunner

__all__ = [
    "Event",
    "InlineRunner",
    "Job",
    "JobCancelledError",
    "JobFailedError",
    "JobHandle",
    "JobSource",
    "JobState",
    "LocalRunner",
    "Runner",
    "run_job",
]
