"""The process that runs one job: ``python -m SparseAnnotateLib.jobs.worker FOLDER``."""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..predictors.memory import Memory
from .events import Event, EventFile
from .execute import execute
from .failure import FOLDER, ExitCode, JobCancelledError, describe
from .folder import JobFolder, read_job
from .guardian import start_guardian
from .locks import FileLock
from .orders import Orders
from .reporter import Heartbeat, Reporter
from .result import write_result
from .watcher import CHECK_INTERVAL_S, Watcher

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job in a folder; see docs/design/jobs.md for the events and the exit codes."""
    given = _parse(arguments)
    folder = JobFolder(given.folder)
    if given.parent is not None and given.own_group:
        start_guardian(given.parent).keep_alive(folder.events)
    logging.basicConfig(level=logging.INFO)
    faulthandler.enable()
    input_ended = threading.Event() if given.parent is None else Orders().ended
    return run_folder(folder, Setting(given.parent, input_ended, given.own_group, given.stdout))


@dataclass(frozen=True)
class Setting:
    """What surrounds a job.

    Attributes
    ----------
    parent, input_ended, own_group : see `Watcher`
    stdout : write the events to the standard output too
    memory : what an earlier job computed
    map_image : see `read_job`
    """

    parent: int | None
    input_ended: threading.Event
    own_group: bool
    stdout: bool = False
    memory: Memory | None = None
    map_image: Callable[[Path], np.ndarray] | None = None


def run_folder(folder: JobFolder, setting: Setting) -> ExitCode:
    """Run the job in a folder; its lock is given back, and its files are closed, at the end."""
    lock = FileLock(folder.worker_lock)
    try:
        if not lock.acquire():
            raise InputError(f"another worker already runs the job in {folder.path}")
        send = EventFile(folder.events)
    except (OSError, InputError) as error:
        lock.release()
        logger.error("%s", error)
        return ExitCode.INPUT if isinstance(error, InputError) else ExitCode.FOLDER
    reporter = Reporter(_both(send, _stdout_sender()) if setting.stdout else send, worker=str(os.getpid()))
    watcher = Watcher(folder, reporter, setting.parent, setting.input_ended, setting.own_group)
    try:
        with Heartbeat(CHECK_INTERVAL_S, watcher.check, reporter.heartbeat):
            return _run(folder, reporter, watcher, setting)
    finally:
        send.close()
        lock.release()


def _run(folder: JobFolder, reporter: Reporter, watcher: Watcher, setting: Setting) -> ExitCode:
    """Run the job and report its end, whatever it is."""
    try:
        reporter.started()
        job = read_job(folder.path, setting.map_image)
        prediction = execute(job, reporter, watcher.stopped, setting.memory)
        write_result(prediction, folder.result)
        reporter.result()
    except (JobCancelledError, KeyboardInterrupt):
        reporter.cancelled()
        return watcher.exit_code
    except InputError as error:
        reporter.error(error)
        return ExitCode.INPUT
    except OSError as error:
        logger.exception("the job failed")
        reporter.error(error)
        return ExitCode.FOLDER if describe(error)[0] == FOLDER or not folder.job.exists() else ExitCode.FAILED
    except MemoryError as error:
        reporter.error(error)
        return ExitCode.MEMORY
    except Exception as error:
        logger.exception("the job failed")
        reporter.error(error)
        return ExitCode.FAILED
    return ExitCode.DONE


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m SparseAnnotateLib.jobs.worker", description=__doc__)
    parser.add_argument("folder", help="the job's folder")
    parser.add_argument("--stdout", action="store_true", help="write the events to the standard output too")
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process does (it holds our stdin)")
    parser.add_argument("--own-group", action="store_true", help="this process leads a process group of its own")
    return parser.parse_args(arguments)


def _stdout_sender() -> Callable[[Event], None]:
    """Sends events to the standard output, and whatever else is printed to the standard error."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(event: Event) -> None:
        stream.write(json.dumps(event.to_dict()) + "\n")
        stream.flush()

    return send


def _both(first: Callable[[Event], None], second: Callable[[Event], None]) -> Callable[[Event], None]:
    def send(event: Event) -> None:
        first(event)
        second(event)

    return send


if __name__ == "__main__":
    sys.exit(main())
