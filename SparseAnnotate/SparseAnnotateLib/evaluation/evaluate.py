"""An evaluation from its cases to its results: plan, find out what is missing, do it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .datasets import LabelledCase
from .grid.claims import Claims
from .grid.fingerprint import digest_of, digest_of_files
from .grid.planner import Block, Planner, Task, megavoxels
from .grid.remaining import RemainingTime
from .grid.result import FAILED, Result
from .grid.schedule import Schedule
from .grid.store import ResultStore
from .pools.execution import Execution, Progress
from .pools.memory import bytes_for, memory_budget
from .pools.pool import LocalPool, Pool
from .tasks.gpu import uses_gpu

RESULTS = "results.sqlite"
# Estimating looks at every task that is left.
_ESTIMATE_EVERY_S = 1.0


@dataclass(frozen=True)
class Plan:
    """The tasks of a grid, and those of them that have no result yet."""

    tasks: list[Task]
    missing: list[Task]


def plan(store: ResultStore, cases: Sequence[LabelledCase], blocks: Sequence[Block], *, retry_failed: bool) -> Plan:
    """Compare the grid with what the store holds."""
    hashes = {case.name: case_hash(store, case) for case in cases}
    tasks = Planner(hashes).tasks(blocks, cases)
    states = store.states(task.key for task in tasks)
    again = {FAILED, None} if retry_failed else {None}
    return Plan(tasks, [task for task in tasks if states.get(task.key) in again])


def case_hash(store: ResultStore, case: LabelledCase) -> str:
    """Digest of image and labels, which the store remembers."""
    return digest_of([store.digest(path, digest_of_files) for path in (case.image, case.labels)])


def open_pool(workers: int, scheduler: str | None, tasks: Sequence[Task]) -> Pool:
    """Worker processes on this machine, or with an address those of a Dask cluster."""
    if scheduler is None:
        return LocalPool(max(1, min(workers, len(tasks))))
    from .pools.dask import DaskPool

    files = sorted({path for task in tasks for path in (task.case.image, task.case.labels)})
    return DaskPool(scheduler, files=files)


def execute(
    tasks: Sequence[Task],
    store: ResultStore,
    pool: Pool,
    *,
    retry_failed: bool = False,
    on_progress: Callable[[Progress, Result | None, int, float | None], None] = lambda *_: None,
) -> Progress:
    """Do tasks, until every one has a result.

    Parameters
    ----------
    on_progress : called with the progress, the result that came in just now (or None), the number of tasks that nobody
        has begun, and the seconds that are left (or None)
    """
    schedule = _schedule(tasks, pool)
    remaining = RemainingTime(store.seconds_so_far())
    by_key = {task.key: task for task in tasks}
    estimate: list[float | None] = [0.0, None]

    def tell(progress: Progress, result: Result | None) -> None:
        if result is not None:
            task = by_key[result.key]
            remaining.note(task.predictor.label, task.case_hash, result.seconds)
        now = time.monotonic()
        if now - estimate[0] > _ESTIMATE_EVERY_S:
            estimate[:] = now, remaining.seconds_for(schedule.waiting, len(pool.workers))
        on_progress(progress, result, len(schedule), estimate[1])

    claims = Claims(store.path, retry_failed=retry_failed)
    try:
        return Execution(schedule, store, claims, pool, tell).run()
    finally:
        claims.close()


def _schedule(tasks: Sequence[Task], pool: Pool) -> Schedule:
    if not pool.is_local:
        # What fits there is the cluster's affair; its workers keep to one task a GPU themselves.
        return Schedule(tasks)
    gpu = {method: uses_gpu(method) for task in tasks for method in (task.selector, task.predictor)}
    return Schedule(
        tasks,
        lambda task: gpu[task.predictor] or (gpu[task.selector] and task.selection is None),
        lambda task: bytes_for(megavoxels(task.case.image)),
        memory_budget(),
    )


def results_file(folder: Path) -> Path:
    """The results of the evaluation in a folder."""
    return folder / RESULTS
