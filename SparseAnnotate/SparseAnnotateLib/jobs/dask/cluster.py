"""A Dask cluster on this machine, and silence about what happens in it."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile

from ...errors import InputError
from ..process import thread_limits


@contextlib.contextmanager
def quiet(name: str):
    """Hear nothing of a logger: what fails is told by the jobs."""
    # Each part of Dask sets its own logger's level.
    loggers = [logging.getLogger(one) for one in logging.root.manager.loggerDict if f"{one}.".startswith(f"{name}.")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


@contextlib.contextmanager
def local_cluster(workers: int):
    """A cluster of processes on this machine that share its cores, and leave nothing behind."""
    import dask.config
    from distributed import LocalCluster

    if workers < 1:
        raise InputError(f"{workers} workers are asked for: ask for at least 1")
    threads = max(1, (os.cpu_count() or 1) // workers)
    with (
        # A cluster gives up a worker that is absent 15 s after it was lost, even one that was lost once more and
        # is just starting again. Ours have nannies that bring them back.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"}),
        tempfile.TemporaryDirectory(prefix="sparse-annotate-dask-", ignore_cleanup_errors=True) as scratch,
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
            env=thread_limits(threads),
        ) as cluster,
    ):
        yield cluster
