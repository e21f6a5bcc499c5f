"""A second process that ends an orphaned worker whose threads cannot, because a C call holds Python's lock."""

from __future__ import annotations

import contextlib
import os
import signal

from .watcher import CHECK_INTERVAL_S, GRACE_S, is_alive

# Later than the worker ends itself, so that it does so wherever it can.
_DELAY_S = CHECK_INTERVAL_S + GRACE_S + 0.15


def start_guardian(parent: int) -> None:
    """Fork a process that kills our process group soon after the process `parent` has ended, if we still live then.

    To be called first of all, while this process has one thread and holds no lock. It costs 2 ms. Does nothing on
    Windows, where the job object that holds us is the kernel's and ends us without our help.
    """
    if not hasattr(os, "fork"):
        return
    ours, guardians = os.pipe()
    if os.fork():
        # We keep our end open and never write: its end is our end. Not inherited by what we start.
        os.close(guardians)
        return
    try:
        os.close(ours)
        _guard(guardians, parent)
    finally:
        os._exit(0)


def _guard(worker_pipe: int, parent: int) -> None:
    """Wait for the end of the worker, or of the parent, which holds the writing end of the worker's input."""
    import select

    # An interrupt from the terminal is for the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll = select.poll()
    # Hang-ups only: the input is the worker's to read.
    poll.register(0, select.POLLHUP)
    poll.register(worker_pipe, select.POLLHUP)
    if worker_pipe in dict(poll.poll()):
        return
    # A launcher that stands between may have closed the input; the parent's end is what counts.
    poll.unregister(0)
    while is_alive(parent):
        if poll.poll(1000 * CHECK_INTERVAL_S):
            return
    if not poll.poll(1000 * _DELAY_S):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(0, signal.SIGKILL)
