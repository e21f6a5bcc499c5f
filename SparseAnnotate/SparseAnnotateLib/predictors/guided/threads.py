"""How the work is spread over the processor's cores."""

from __future__ import annotations

import os

# More threads than this wait for memory.
_MOST_WORKERS = 8


def worker_count() -> int:
    """Threads to work with: the cores that this process may use, within reason."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _MOST_WORKERS))


def openmp_threads(count: int):
    """A context in which scikit-learn's loops use `count` threads in the calling thread.

    Our own threads each fit or apply one model: OpenMP threads on top of them spend their time waiting for each other
    (measured: 1.4 ms instead of 0.2 ms a split on two busy cores).
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=count, user_api="openmp")
