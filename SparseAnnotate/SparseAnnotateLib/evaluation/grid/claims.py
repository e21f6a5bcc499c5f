"""Who does which task, so that several processes that fill one file do not do the same."""

from __future__ import annotations

import os
import platform
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from ...jobs.watcher import is_alive
from .store import open_database

# A process says so often that it lives, and counts as dead when it has not for so long (on this machine: at once).
BEAT_S = 5.0
DEAD_AFTER_S = 120.0

_TAKE = """
INSERT OR IGNORE INTO claims SELECT ?, ? WHERE NOT EXISTS (
    SELECT 1 FROM results WHERE key = ? AND (state = 'done' OR finished_at >= ?))
"""


class Claims:
    """The tasks that this process has taken.

    Parameters
    ----------
    path : the file of results
    retry_failed : results that failed before now may be taken again
    """

    def __init__(self, path: Path, *, retry_failed: bool = False):
        # Losing claims in a power cut costs nothing, so they need not reach the disk one by one.
        self._database = open_database(path, durable=False)
        self.owner = uuid.uuid4().hex
        self._count_failed_since = time.time() if retry_failed else 0.0
        self._beaten = 0.0
        self.beat()

    def take(self, key: str) -> bool:
        """Whether the task is ours now: nobody else is at it, and nobody has done it."""
        return self._database.execute(_TAKE, (key, self.owner, key, self._count_failed_since)).rowcount == 1

    def done_elsewhere(self, keys: Iterable[str]) -> set[str]:
        """Those of the tasks that have a result by now."""
        statement = "SELECT 1 FROM results WHERE key = ? AND (state = 'done' OR finished_at >= ?)"
        since = self._count_failed_since
        return {key for key in keys if self._database.execute(statement, (key, since)).fetchone()}

    def give_back(self, key: str) -> None:
        """A task that we shall not do after all."""
        self._database.execute("DELETE FROM claims WHERE key = ? AND owner = ?", (key, self.owner))

    def beat(self) -> None:
        """Say that we live, and free what those held that do not; to be called often, does little."""
        now = time.time()
        if now - self._beaten < BEAT_S:
            return
        self._beaten = now
        us = self.owner, platform.node(), os.getpid(), now
        self._database.execute("INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?)", us)
        for owner, host, process, heartbeat in self._database.execute("SELECT * FROM owners").fetchall():
            gone = host == platform.node() and not is_alive(process)
            if gone or now - heartbeat > DEAD_AFTER_S:
                self._forget(owner)

    def close(self) -> None:
        """Free whatever is still ours."""
        self._forget(self.owner)
        self._database.close()

    def _forget(self, owner: str) -> None:
        self._database.execute("DELETE FROM claims WHERE owner = ?", (owner,))
        self._database.execute("DELETE FROM owners WHERE owner = ?", (owner,))
