"""Results in one SQLite file: a row a result, written for good the moment it is there.

Write-ahead logging lets several processes read and write at once; it needs a file system on this machine (not NFS).
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError
from .fingerprint import decisive_versions
from .planner import Task
from .result import DONE, FAILED, Result, Selection

FORMAT = 1
_WAIT_S = 60
# SQLite takes at most 32766 variables in a statement.
_AT_ONCE = 30_000

_TABLES = """
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, case_name TEXT NOT NULL, case_hash TEXT NOT NULL, view TEXT NOT NULL,
    selector TEXT NOT NULL, predictor TEXT NOT NULL, selector_options TEXT NOT NULL, predictor_options TEXT NOT NULL,
    fraction REAL NOT NULL, fraction_of TEXT NOT NULL, seed INTEGER NOT NULL, measured TEXT NOT NULL,
    message TEXT NOT NULL, details TEXT NOT NULL, seconds REAL NOT NULL, versions TEXT NOT NULL,
    finished_at REAL NOT NULL, image TEXT NOT NULL, channel INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (key TEXT PRIMARY KEY, planes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS selections (
    key TEXT PRIMARY KEY, planes TEXT NOT NULL, seconds REAL NOT NULL, processor_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    owner TEXT PRIMARY KEY, host TEXT NOT NULL, process INTEGER NOT NULL, heartbeat REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
"""
# A result that is done stays as it is; one that failed makes room for another attempt.
_ADD = """
INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET state = excluded.state, measured = excluded.measured, message = excluded.message,
    details = excluded.details, seconds = excluded.seconds, versions = excluded.versions,
    finished_at = excluded.finished_at WHERE results.state = 'failed'
"""


def open_database(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """A connection in autocommit mode; a `durable` one returns from a commit when it is on the disk.

    Raises
    ------
    InputError
        Where there is another kind of file, or one of a newer format.
    """
    try:
        connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise InputError(f"{path} was written by a newer version of sparse-annotate: update this one")
        connection.executescript(_TABLES)
        if version < FORMAT:
            connection.execute(f"PRAGMA user_version = {FORMAT}")
    except sqlite3.DatabaseError as error:
        raise InputError(f"{path} cannot be used for results ({error}): choose another folder") from error
    return connection


class ResultStore:
    """The results of an evaluation.

    Parameters
    ----------
    path : file, made where it is missing
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._database = open_database(self.path)
        self._versions = json.dumps(decisive_versions())

    def close(self) -> None:
        """Close the file; what it holds is complete at any time."""
        self._database.close()

    def states(self, keys: Iterable[str]) -> dict[str, str]:
        """The state of those results that are there."""
        return dict(self._among("SELECT key, state FROM results WHERE key IN ({})", keys))

    def selections(self, keys: Iterable[str]) -> dict[str, Selection]:
        """Those selections that are there."""
        found = self._among("SELECT key, planes, seconds, processor_s FROM selections WHERE key IN ({})", keys)
        return {key: Selection(tuple(json.loads(planes)), *took) for key, planes, *took in found}

    def add(self, task: Task, result: Result) -> bool:
        """Keep a result, its selection and its picture; False where a result was done before."""
        return self.add_all([(task, result)])[0]

    def add_all(self, ended: Sequence[tuple[Task, Result]]) -> list[bool]:
        """Keep results with their selections and pictures, all or nothing; False where one was done before."""
        if not ended:
            return []
        with _transaction(self._database) as database:
            return [self._add(database, task, result) for task, result in ended]

    def _add(self, database: sqlite3.Connection, task: Task, result: Result) -> bool:
        image, channel = str(task.case.image.resolve()), task.case.channel or 0
        row = (*_identity(task, result), self._versions, time.time(), image, channel)
        added = database.execute(_ADD, row).rowcount == 1
        if added and result.shown:
            database.execute("INSERT OR REPLACE INTO shown VALUES (?, ?)", (task.key, result.shown))
        if result.selection is not None:
            planes, seconds, processor_s = dataclasses.astuple(result.selection)
            selection = task.selection_key, json.dumps(planes), seconds, processor_s
            database.execute("INSERT OR IGNORE INTO selections VALUES (?, ?, ?, ?)", selection)
        database.execute("DELETE FROM claims WHERE key = ?", (task.key,))
        return added

    def rows(self) -> list[dict[str, Any]]:
        """Every result with what was measured, as one flat dictionary each, in the order in which they were made."""
        cursor = self._database.execute("SELECT * FROM results ORDER BY finished_at")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor]
        for row in rows:
            row |= json.loads(row.pop("measured"))
            row["view"] = json.loads(row["view"])
        return rows

    def shown(self, key: str) -> bytes | None:
        """The planes to show of a result."""
        found = self._database.execute("SELECT planes FROM shown WHERE key = ?", (key,)).fetchone()
        return None if found is None else found[0]

    def seconds_so_far(self) -> list[tuple[str, str, float]]:
        """Predictor, case and seconds of every result."""
        return self._database.execute("SELECT predictor, case_hash, seconds FROM results").fetchall()

    def digest(self, path: Path, compute) -> str:
        """Digest of a file, computed again only where its size or time of change differ from before."""
        stat = path.stat()
        state = stat.st_size, stat.st_mtime_ns
        known = "SELECT digest FROM files WHERE path = ? AND size = ? AND changed = ?"
        found = self._database.execute(known, (str(path.resolve()), *state)).fetchone()
        if found is not None and path.is_file():
            return found[0]
        digest = compute([path])
        self._database.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (str(path.resolve()), *state, digest)
        )
        return digest

    def _among(self, statement: str, keys: Iterable[str]) -> Iterator[tuple]:
        keys = list(keys)
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            yield from self._database.execute(statement.format(",".join("?" * len(part))), part)


def _identity(task: Task, result: Result) -> tuple:
    if result.state not in (DONE, FAILED):
        raise ValueError(f"{result.state!r} is no end of a task")
    return (
        task.key,
        result.state,
        task.case.name,
        task.case_hash,
        json.dumps(task.view.__dict__),
        task.selector.label,
        task.predictor.label,
        json.dumps(task.selector.options),
        json.dumps(task.predictor.options),
        task.fraction,
        task.of,
        task.seed,
        json.dumps(result.measured),
        result.message,
        result.details,
        result.seconds,
    )


class _transaction:  # noqa: N801 (reads as a statement)
    """All of it or nothing."""

    def __init__(self, database: sqlite3.Connection):
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        self._database.execute("BEGIN IMMEDIATE")
        return self._database

    def __exit__(self, kind, *_) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")
