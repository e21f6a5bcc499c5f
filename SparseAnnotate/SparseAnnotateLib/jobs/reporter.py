"""Turns a predictor's progress into events: times them, thins them out, and fills the gaps with heartbeats."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..predictors import Progress
from . import events
from .events import Event
from .failure import describe

# A panel redraws 20 times a second at most, and a preview is worth a look twice a second.
PROGRESS_INTERVAL_S = 0.05
PREVIEW_INTERVAL_S = 0.5
# Half a second below the second that is promised: the thread that beats may be late.
HEARTBEAT_INTERVAL_S = 0.5
LOCK_TIMEOUT_S = 0.2
# Before this share of the work is done, its time says nothing about the rest.
FIRST_ESTIMATE = 0.02


class Reporter:
    """Sends events of one job; may be used from several threads.

    Parameters
    ----------
    send : called with each event, one at a time
    worker : see `Event`

    Attributes
    ----------
    shows_all : send every preview of another plane than the one before; others that follow one by less than half a
        second are dropped
    """

    def __init__(self, send: Callable[[Event], None], worker: str = ""):
        self._send = send
        self._worker = worker
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._latest = Progress("start", 0.0)
        self._sent = self._preview_sent = -1.0
        self._sent_stage = ""
        self._ended = False
        self._plane_sent: int | None = None
        self.shows_all = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the job started."""
        return time.monotonic() - self._start

    def started(self) -> None:
        """The worker is there."""
        self._emit(events.STARTED)

    def progress(self, progress: Progress) -> None:
        """Send progress, unless the last was sent a moment ago; the next heartbeat then carries it."""
        self._latest = progress
        now = self.elapsed_s
        early = progress.stage == self._sent_stage and now - self._sent < PROGRESS_INTERVAL_S and progress.fraction < 1
        shown = progress.preview is not None and self._may_show(progress.preview[0], early, now)
        if early and not shown:
            return
        preview = None
        if shown:
            preview, self._preview_sent, self._plane_sent = progress.preview, now, progress.preview[0]
        self._sent_stage = progress.stage
        self._emit(events.PROGRESS, preview=preview)

    def _may_show(self, plane: int, early: bool, now: float) -> bool:
        if self.shows_all and plane != self._plane_sent:
            return True
        return not early and (self._preview_sent < 0 or now - self._preview_sent >= PREVIEW_INTERVAL_S)

    def heartbeat(self) -> None:
        """Send a sign of life if there was none for a while; skipped while another thread is sending."""
        if self.elapsed_s - self._sent >= HEARTBEAT_INTERVAL_S and not self._lock.locked():
            self._emit(events.HEARTBEAT)

    def result(self) -> None:
        """The job has a result."""
        self._latest = Progress("done", 1.0)
        self._emit(events.RESULT)

    def cancelled(self) -> None:
        """The job was cancelled."""
        self._emit(events.CANCELLED)

    def error(self, error: BaseException) -> None:
        """The job failed."""
        reason, message, details = describe(error)
        self._emit(events.ERROR, message=message, reason=reason, details=details)

    def _emit(self, kind: str, **more) -> None:
        # A reader that does not read can block the sender; whoever must end the process then does not wait for it.
        if not self._lock.acquire(timeout=LOCK_TIMEOUT_S):
            return
        try:
            if not self._ended:
                self._ended = kind in events.ENDS
                self._send(self._event(kind, more))
                self._sent = self.elapsed_s
        finally:
            self._lock.release()

    def _event(self, kind: str, more: dict[str, Any]) -> Event:
        latest, now = self._latest, self.elapsed_s
        values = {"stage": latest.stage, "fraction": latest.fraction, "message": latest.message, **more}
        return Event(kind, elapsed_s=now, remaining_s=_remaining_s(now, latest.fraction), worker=self._worker, **values)


def _remaining_s(elapsed_s: float, fraction: float) -> float | None:
    return elapsed_s * (1 - fraction) / fraction if fraction >= FIRST_ESTIMATE else None


class Heartbeat:
    """A thread that calls functions at regular times for as long as a block runs, also during long steps.

    It needs the interpreter's lock for some microseconds. numpy, scipy, cv2, sklearn and torch give it up while they
    compute; a C function that does not silences the thread until it returns.
    """

    def __init__(self, interval_s: float, *functions: Callable[[], None]):
        self._functions = functions
        self._interval_s = interval_s
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._finished.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._finished.wait(self._interval_s):
            for function in self._functions:
                function()
