"""How the work is spread over the processor's cores."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor

# More threads than this wait for memory.
_MOST_WORKERS = 8

# Objects made before garbage is looked for, while a module is imported.
_YOUNG_OBJECTS = 50_000

# That holds for the whole process: of two imports at once, one would restore what the other had set.
_importing = threading.Lock()


def worker_count() -> int:
    """Threads to work with: the cores that this process may use, within reason."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _MOST_WORKERS))


def mapped(executor: Executor, function: Callable, items: Iterable) -> Iterator:
    """The results in order, with no more of them under way than keep all threads busy."""
    under_way: deque = deque()
    for item in items:
        under_way.append(executor.submit(function, item))
        if len(under_way) > worker_count():
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def imported_beside_work(name: str) -> None:
    """Import a module while other threads compute.

    What an import makes stays: no garbage to be looked for meanwhile (scikit-learn: 1.55 instead of 1.75 s). Letting
    Python's threads change more often than every 5 ms gained nothing (1, .3 and .2 ms).
    """
    with _importing:
        young, *older = gc.get_threshold()
        # 0 is how somebody has switched the collector off.
        gc.set_threshold(young and max(_YOUNG_OBJECTS, young), *older)
        try:
            importlib.import_module(name)
        finally:
            gc.set_threshold(young, *older)


@contextlib.contextmanager
def opencv_threads(count: int):
    """A context in which OpenCV uses `count` threads: our own each work on one plane, and keep all cores busy."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def blas_threads(count: int):
    """A context in which NumPy's products of matrices use `count` threads, for the same reason.

    The network that has seen many volumes is all products: on two cores, with two threads each, a prediction with it
    took 1.7 times the time of one without, and 1.0 to 1.5 times with one.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=count, user_api="blas")


def openmp_threads(count: int):
    """A context in which scikit-learn's loops use `count` threads in the calling thread.

    Our own threads each fit or apply one model: OpenMP threads on top of them spend their time waiting for each other
    (measured: 1.4 ms instead of 0.2 ms a split on two busy cores).
    """
    return _controller().limit(limits=count, user_api="openmp")


@functools.cache
def _controller():
    """Of the libraries that are loaded when scikit-learn is: to look for them costs 4 ms, for each class and batch."""
    import sklearn.ensemble  # noqa: F401 (brings its OpenMP)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextlib.contextmanager
def warning_kept_back(text: str):
    """A context whose warnings are given when it ends, save those that hold `text`.

    scikit-learn binds the filters of warnings to its own loops by changing those of the process for a moment. Of two of
    our threads one may see them empty then, which it takes for a wrong use of `delayed` and complains of; or put back
    what the other one had changed, so that filters stay empty. Here they are as before in the end.
    """
    with warnings.catch_warnings(record=True) as caught:
        yield
    for warning in caught:
        if text not in str(warning.message):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
