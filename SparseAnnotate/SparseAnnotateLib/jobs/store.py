"""Where job folders live, which of them nobody uses any more, and how those are removed."""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .folder import JobFolder
from .locks import FileLock, is_locked

logger = logging.getLogger(__name__)

ROOT_VARIABLE = "SPARSE_ANNOTATE_JOBS"
_PREFIX = "job-"


def default_root() -> Path:
    """The user's folder for jobs: SPARSE_ANNOTATE_JOBS, or one in the temporary folder that only they can read.

    Raises
    ------
    InputError
        Where somebody else made a folder of that name.
    """
    if os.environ.get(ROOT_VARIABLE):
        return Path(os.environ[ROOT_VARIABLE])
    # The number, not the name: containers run users that have none.
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    root = Path(tempfile.gettempdir()) / f"sparse-annotate-jobs-{user}"
    root.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (root.is_symlink() or root.stat().st_uid != os.getuid()):
        raise InputError(f"{root} belongs to somebody else: set {ROOT_VARIABLE} to a folder of your own")
    return root


def new_folder(root: Path) -> tuple[JobFolder, FileLock]:
    """Make an empty job folder, and hold the lock that says that its owner lives."""
    root.mkdir(parents=True, exist_ok=True)
    folder = JobFolder(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    lock = FileLock(folder.owner_lock)
    lock.acquire()
    return folder, lock


def remove_folder(folder: JobFolder) -> None:
    """Remove a job folder; what cannot be removed now (an open file on Windows) is left to `clear`."""
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):
            # A worker that is killed at this moment may still add a file.
            shutil.rmtree(folder.path, ignore_errors=True)
        if not folder.path.exists():
            return
        time.sleep(0.05)
    logger.warning("the job folder %s could not be removed: sparse-annotate jobs clear will try again", folder.path)


@dataclass(frozen=True)
class StoredJob:
    """A job folder on this machine.

    Attributes
    ----------
    state : {"in use", "finished", "abandoned"}
        In use as long as its worker or whoever submitted it lives.
    age_s : since anything in it changed
    """

    path: Path
    name: str
    predictor: str
    state: str
    age_s: float
    size_bytes: int


def stored_jobs(root: Path | None = None) -> list[StoredJob]:
    """The job folders under `root`, the oldest first."""
    root = default_root() if root is None else Path(root)
    if not root.is_dir():
        return []
    jobs = [_look_at(path) for path in root.iterdir() if path.is_dir() and path.name.startswith(_PREFIX)]
    return sorted((job for job in jobs if job is not None), key=lambda job: -job.age_s)


def clear(root: Path | None = None, older_than_s: float = 0.0) -> list[StoredJob]:
    """Remove the job folders that nobody uses, and return them."""
    removed = [job for job in stored_jobs(root) if job.state != "in use" and job.age_s >= older_than_s]
    for job in removed:
        remove_folder(JobFolder(job.path))
    return removed


def _look_at(path: Path) -> StoredJob | None:
    folder = JobFolder(path)
    try:
        state = _state(folder)
        stats = [entry.stat() for entry in path.iterdir()] or [path.stat()]
        description = json.loads(folder.job.read_bytes()) if folder.job.exists() else {}
    except (OSError, ValueError):
        # It vanished under us, or is damaged: what vanished is no job any more.
        try:
            state, stats, description = "abandoned", [path.stat()], {}
        except OSError:
            return None
    age = max(0.0, time.time() - max(stat.st_mtime for stat in stats))
    size = sum(stat.st_size for stat in stats)
    name, predictor = description.get("name", "?"), description.get("predictor", "?")
    return StoredJob(path, name, predictor, state, age, size)


def _state(folder: JobFolder) -> str:
    if is_locked(folder.owner_lock) or is_locked(folder.worker_lock):
        return "in use"
    return "finished" if folder.result.exists() else "abandoned"
