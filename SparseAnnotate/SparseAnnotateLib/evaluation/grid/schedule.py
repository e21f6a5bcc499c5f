"""Which worker does which task next."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Hashable, Sequence

from .planner import Task

# A shelf of which another process does a task is left to it for so long, as long as there are others.
_LEAVE_S = 2.0


class Schedule:
    """The tasks that are left.

    Tasks of one predictor and case lie on a shelf. A worker stays at its shelf, where it has the case loaded; then it
    takes the first one at which nobody is; where there is none, it helps at the longest.

    Parameters
    ----------
    tasks : in the order in which to do them
    on_gpu : whether a task uses the GPU, which one worker may do at a time
    bytes_of : what a task takes
    memory_bytes : what all tasks at work may take; one is always allowed
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        on_gpu: Callable[[Task], bool] = lambda _: False,
        bytes_of: Callable[[Task], float] = lambda _: 0.0,
        memory_bytes: float = float("inf"),
    ):
        self._shelves: dict[tuple, collections.deque[Task]] = {}
        for task in tasks:
            self._shelves.setdefault(task.shelf, collections.deque()).append(task)
        self._on_gpu, self._bytes_of, self._memory_bytes = on_gpu, bytes_of, memory_bytes
        self._at: dict[Hashable, tuple] = {}
        self._left_until: dict[tuple, float] = {}
        self._working: dict[str, tuple[Hashable, Task]] = {}

    def __len__(self) -> int:
        """Tasks that nobody has begun."""
        return sum(map(len, self._shelves.values()))

    @property
    def waiting(self) -> list[Task]:
        """Tasks that nobody has begun."""
        return [task for shelf in self._shelves.values() for task in shelf]

    def next_for(self, worker: Hashable) -> Task | None:
        """A task for this worker; None where none is left, or none may be begun just now."""
        shelf = next((shelf for shelf in self._in_order(worker) if self._fits(worker, self._shelves[shelf][0])), None)
        if shelf is None:
            return None
        task = self._shelves[shelf].popleft()
        if not self._shelves[shelf]:
            del self._shelves[shelf]
        self._at[worker] = shelf
        self._working[task.key] = worker, task
        return task

    def ended(self, task: Task) -> None:
        """A task is no longer at work."""
        self._working.pop(task.key, None)

    def put_back(self, task: Task, *, leave: bool = False) -> None:
        """A task is to be done after all; with `leave`, another process is at it now."""
        self.ended(task)
        shelf = self._shelves.setdefault(task.shelf, collections.deque())
        if not leave:
            shelf.appendleft(task)
        else:
            # Last, as the other process may leave what is behind it to us.
            shelf.append(task)
            self._left_until[task.shelf] = time.monotonic() + _LEAVE_S
            # Behind the others, so that this process does not ask for it all the time.
            self._shelves[task.shelf] = self._shelves.pop(task.shelf)
            self._at = {worker: shelf for worker, shelf in self._at.items() if shelf != task.shelf}

    def _in_order(self, worker: Hashable) -> list[tuple]:
        now = time.monotonic()
        free = [shelf for shelf in self._shelves if self._left_until.get(shelf, 0.0) <= now]
        mine = self._at.get(worker)
        taken = {shelf for other, shelf in self._at.items() if other != worker}
        return sorted(
            free, key=lambda one: (one != mine, one in taken, -len(self._shelves[one]) if one in taken else 0)
        )

    def _fits(self, worker: Hashable, task: Task) -> bool:
        others = [(whose, other) for whose, other in self._working.values() if whose != worker]
        if self._on_gpu(task) and any(self._on_gpu(other) for _, other in others):
            return False
        # A worker does its tasks one after the other: it takes as much as its largest.
        taken: dict[Hashable, float] = {}
        for whose, other in others:
            taken[whose] = max(taken.get(whose, 0.0), self._bytes_of(other))
        return not taken or sum(taken.values()) + self._bytes_of(task) <= self._memory_bytes
