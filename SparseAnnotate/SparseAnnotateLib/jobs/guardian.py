"""A second process beside a worker, for what its threads cannot do while a C call holds Python's lock.

It ends an orphaned worker, and it writes the heartbeats of a worker that computes in silence.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import replace
from pathlib import Path

from . import events
from .events import Event, EventFile, EventReader
from .watcher import CHECK_INTERVAL_S, GRACE_S, is_alive

# Later than the worker ends itself, so that it does so wherever it can.
_DELAY_S = CHECK_INTERVAL_S + GRACE_S + 0.15
# A worker that can speak does so every 0.75 s at most.
_SILENCE_S = 0.8


class Guardian:
    """The second process, as the worker sees it; does nothing on Windows.

    There the job object that holds us is the kernel's and ends us without our help.
    """

    def __init__(self, pipe: int | None):
        # Kept open: its end is our end. Not inherited by what we start.
        self._pipe = pipe

    def keep_alive(self, event_path: Path | None) -> None:
        """Keep up the heartbeats there from now on, see `Pulse`; with None, nothing more to do than to wait."""
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                os.write(self._pipe, os.fsencode(event_path or "") + b"\n")


def start_guardian(parent: int) -> Guardian:
    """Fork a process that kills our process group soon after the process `parent` has ended, if we still live then.

    To be called first of all, while this process has one thread and holds no lock. It costs 2 ms.
    """
    if not hasattr(os, "fork"):
        return Guardian(None)
    worker = os.getpid()
    guardians, ours = os.pipe()
    if os.fork():
        os.close(guardians)
        return Guardian(ours)
    try:
        os.close(ours)
        # The worker's output is its own: nobody waits for our end, and no file of its folder stays open.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        _guard(guardians, parent, worker)
    finally:
        os._exit(0)


class Pulse:
    """Writes a heartbeat for a worker that is silent, as long as it uses the processor.

    A worker that is stopped, or waits for something that never comes, uses none and stays silent, so that silence
    means what it says. Works on Linux, which tells processor times in /proc; elsewhere nothing is written.

    Parameters
    ----------
    worker : its process number
    event_path : where it writes its events
    """

    def __init__(self, worker: int, event_path: Path):
        self._worker = worker
        self._path = event_path
        self._reader = EventReader(event_path)
        self._last: Event | None = None
        self._since, self._processor_s = 0.0, 0.0

    def check(self) -> None:
        """Called several times a second."""
        new = self._reader.read()
        now, processor_s = time.monotonic(), processor_time_s(self._worker)
        if processor_s is None:
            return
        if new:
            self._last, self._since, self._processor_s = new[-1], now, processor_s
        elif self._is_due(now) and processor_s > self._processor_s:
            self._beat(now - self._since)

    def _is_due(self, now: float) -> bool:
        said = self._last is not None and self._last.kind not in events.ENDS
        return said and now - self._since >= _SILENCE_S

    def _beat(self, silent_s: float) -> None:
        beat = replace(self._last, kind=events.HEARTBEAT, elapsed_s=self._last.elapsed_s + silent_s, preview=None)
        # One write to the end of the file, as the worker's own: lines of two processes do not mix.
        with contextlib.suppress(OSError), contextlib.closing(EventFile(self._path)) as send:
            send(beat)


def processor_time_s(process: int) -> float | None:
    """Seconds that a process has computed, in all its threads; None where that cannot be told."""
    try:
        # Its name, in brackets, may hold spaces and brackets; user and system time are the 14th and 15th field.
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _guard(worker_pipe: int, parent: int, worker: int) -> None:
    """Watch until the end of the worker, or of the parent, which holds the writing end of the worker's input."""
    # An interrupt from the terminal is for the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll = select.poll()
    # Hang-ups only: the input is the worker's to read.
    poll.register(0, select.POLLHUP)
    poll.register(worker_pipe, select.POLLIN | select.POLLHUP)
    pulse: Pulse | None = None
    input_ended = False
    # A launcher that stands between may have closed the input; the parent's end is what counts.
    while not input_ended or is_alive(parent):
        idle = pulse is None and not input_ended
        ready = dict(poll.poll(None if idle else 1000 * CHECK_INTERVAL_S))
        if worker_pipe in ready:
            said = os.read(worker_pipe, 1 << 16)
            if not said:
                return
            path = os.fsdecode(said.split(b"\n")[-2])
            pulse = Pulse(worker, Path(path)) if path else None
        if 0 in ready:
            poll.unregister(0)
            input_ended = True
        if pulse is not None:
            pulse.check()
    if not _ends_soon(worker_pipe):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(0, signal.SIGKILL)


def _ends_soon(worker_pipe: int) -> bool:
    """Whether the worker ends by itself in the time that it has for that."""
    poll = select.poll()
    poll.register(worker_pipe, select.POLLIN | select.POLLHUP)
    end = time.monotonic() + _DELAY_S
    while poll.poll(1000 * max(0.0, end - time.monotonic())):
        if not os.read(worker_pipe, 1 << 16):
            return True
    return False
