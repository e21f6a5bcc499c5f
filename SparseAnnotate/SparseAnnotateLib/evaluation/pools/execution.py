"""Doing the tasks that are missing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from ...errors import InputError
from ..grid.claims import Claims
from ..grid.planner import Task
from ..grid.result import FAILED, Result
from ..grid.schedule import Schedule
from ..grid.store import ResultStore
from .pool import Pool

logger = logging.getLogger(__name__)

# Tasks that a worker has, the one at work included: it must not wait for us between two quick ones, nor travel one by
# one over a network. What takes longer than this is sent one ahead; what is quicker, so many as take so long.
_AHEAD, _MOST_AHEAD = 2, 16
_QUICK_S = 0.25
_WAIT_S = 0.25
# What came in together is written together: a commit waits 5 to 15 ms for the disk, as long as a quick task computes.
_MOST_AT_ONCE = 64
_DEATHS_IN_A_ROW = 8


@dataclass
class Progress:
    """What is done so far, in this run."""

    done: int = 0
    failed: int = 0
    elsewhere: int = 0
    latest: Task | None = None
    started: float = field(default_factory=time.monotonic)


class Execution:
    """Gives tasks to workers and their results to the store.

    Parameters
    ----------
    on_progress : called after every result, and a few times a second, with what is left to begin and what is done
    """

    def __init__(
        self,
        schedule: Schedule,
        store: ResultStore,
        claims: Claims,
        pool: Pool,
        on_progress: Callable[[Progress, Result | None], None] = lambda *_: None,
    ):
        self._schedule, self._store, self._claims, self._pool = schedule, store, claims, pool
        self._on_progress = on_progress
        self._progress = Progress()
        self._working: dict[Hashable, list[Task]] = {}
        self._ended: list[tuple[Task, Result]] = []
        self._deaths = 0
        self._usual_s: float | None = None

    def run(self) -> Progress:
        """Until every task has a result, ours or another process's."""
        while len(self._schedule) or any(self._working.values()):
            self._claims.beat()
            for worker in self._pool.workers:
                self._feed(worker)
            self._pool.flush()
            try:
                self._receive()
            finally:
                self._write()
            self._on_progress(self._progress, None)
        return self._progress

    def _receive(self) -> None:
        """Wait for a result, and take whatever else has come in by then."""
        received = self._pool.receive(_WAIT_S)
        while received is not None:
            self._take_in(*received)
            received = self._pool.receive(0.0) if len(self._ended) < _MOST_AT_ONCE else None

    def _feed(self, worker: Hashable) -> None:
        tasks = self._working.setdefault(worker, [])
        if len(tasks) > self._ahead // 2:
            return
        while len(tasks) < self._ahead:
            task = self._schedule.next_for(worker)
            if task is None:
                return
            if self._claims.take(task.key):
                tasks.append(task)
                self._pool.send(worker, self._with_selection(task))
            elif self._claims.done_elsewhere([task.key]):
                self._schedule.ended(task)
                self._progress.elsewhere += 1
            else:
                self._schedule.put_back(task, leave=True)
                return

    @property
    def _ahead(self) -> int:
        """How many tasks a worker is given."""
        if self._usual_s is None:
            return _AHEAD
        return int(min(_MOST_AHEAD, max(_AHEAD, 2 * _QUICK_S / max(self._usual_s, 1e-3))))

    def _with_selection(self, task: Task) -> Task:
        selection = self._store.selections([task.selection_key]).get(task.selection_key)
        return replace(task, selection=selection)

    def _take_in(self, worker: Hashable, message: Result | str) -> None:
        tasks = self._working.get(worker, [])
        if isinstance(message, str):
            self._deaths += 1
            if self._deaths > _DEATHS_IN_A_ROW:
                raise InputError(f"workers end one after the other before they have a result: {message}")
            # It died of the first of its tasks; the others are innocent.
            first, *others = tasks or [None]
            for task in others:
                self._claims.give_back(task.key)
                self._schedule.put_back(task)
            self._working[worker] = []
            if first is not None:
                self._ended.append((first, Result(first.key, FAILED, message=message)))
            return
        self._deaths = 0
        before = message.seconds if self._usual_s is None else self._usual_s
        self._usual_s = 0.7 * before + 0.3 * message.seconds
        task = next((task for task in tasks if task.key == message.key), None)
        if task is None:
            return
        tasks.remove(task)
        self._ended.append((task, message))

    def _write(self) -> None:
        """Keep what has ended since the last time, for good."""
        ended, self._ended = self._ended, []
        self._store.add_all(ended)
        for task, result in ended:
            self._schedule.ended(task)
            self._progress.latest = task
            if result.state == FAILED:
                self._progress.failed += 1
                logger.info("%s, %s: %s", task.case.name, task.predictor.label, result.details or result.message)
            else:
                self._progress.done += 1
            self._on_progress(self._progress, result)
