"""A prediction as a job: in this process, in a worker process, or on a cluster (docs/design/jobs.md).

- `job`, `folder`, `result`, `events`: what a job is, and how it lies on the disk; `store`: where, and until when.
- `base`: what every runner is; `inline`, `local`, `staying`, `dask/`: the four of them.
- `start`, `worker`, `resident`, `orders`, `execute`, `reporter`, `watcher`, `guardian`: inside the worker's process;
  `failure`: how it may end.
- `shared_image`: an image that many jobs have is written, and mapped, once.
- `process`, `windows`, `locks`: what the operating system has for it.
- `cases`, `batch`: many of them; `starting`: what was corrected of a segmentation that a program made;
  `comparing`: how right that is.

May be imported here: everything below (`predictors`, `selectors`, `quality`, ...), and nothing of `evaluation` or
`commands`. Slicer talks to the library through here.
"""

from .base import JobHandle, JobState, Runner, run_job
from .events import Event
from .failure import JobCancelledError, JobFailedError
from .inline import InlineRunner
from .job import Job, JobSource
from .local import LocalRunner
from .staying import ResidentRunner

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
    "ResidentRunner",
    "Runner",
    "run_job",
]
