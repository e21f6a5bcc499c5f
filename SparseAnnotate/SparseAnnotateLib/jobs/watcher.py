"""Ends a worker that is asked to stop, or that nobody waits for any more."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time

from .failure import ExitCode
from .folder import JobFolder
from .reporter import Reporter

CHECK_INTERVAL_S = 0.25
# The predictor's generator is closed at its next step; a step longer than this is cut off. With the interval above and
# some time to start, a worker ends within the 2 s that are promised.
GRACE_S = 1.4


class Watcher:
    """Looks for a stop file, for the end of the parent, and for the end of the folder itself.

    Parameters
    ----------
    parent : number of the process to outlive by no more than 2 s, or None
    input_ended : set when the pipe that the parent holds has ended, and so it has
    own_group : whether our process group is ours, and may be killed with the children in it
    """

    def __init__(
        self, folder: JobFolder, reporter: Reporter, parent: int | None, input_ended: threading.Event, own_group: bool
    ):
        self._folder = folder
        self._reporter = reporter
        self._parent = parent
        self._own_group = own_group
        self._input_ended = input_ended
        self._since: float | None = None
        self._exit_code = ExitCode.CANCELLED

    def stopped(self) -> bool:
        """Whether the worker is to end."""
        return self._since is not None or self._folder.stop.exists()

    @property
    def exit_code(self) -> ExitCode:
        """Why it is to end."""
        return self._exit_code

    def check(self) -> None:
        """Called regularly, by a thread of its own: starts the countdown, and ends the process after it."""
        if self._since is None:
            reason = self._reason_to_end()
            if reason is not None:
                self._exit_code, self._since = reason, time.monotonic()
        elif time.monotonic() - self._since > GRACE_S:
            self._end_now()

    def _reason_to_end(self) -> ExitCode | None:
        if self._folder.stop.exists():
            return ExitCode.CANCELLED
        if not self._folder.path.exists():
            return ExitCode.FOLDER
        if self._parent is not None and (self._input_ended.is_set() or not is_alive(self._parent)):
            return ExitCode.ORPHANED
        return None

    def _end_now(self) -> None:
        """Clean up and end this process and its children, in the middle of whatever they do."""
        for unfinished in self._folder.path.glob(".writing-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        self._reporter.cancelled()
        if self._own_group and sys.platform != "win32":
            os.killpg(0, signal.SIGKILL)
        os._exit(self._exit_code)


def is_alive(process: int) -> bool:
    """Whether a process of that number exists."""
    if sys.platform == "win32":
        return True  # os.kill would end it; there the input, and the job object that holds us, tell.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
