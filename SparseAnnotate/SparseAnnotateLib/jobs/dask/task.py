"""The part of a cluster job that runs on the cluster: a plain function, called on a Dask worker."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from ...errors import InputError
from ...predictors.memory import Memory
from ..events import Event
from ..execute import execute
from ..failure import INPUT, JobCancelledError, JobFailedError, describe
from ..job import JobSource
from ..reporter import Heartbeat, Reporter
from ..watcher import CHECK_INTERVAL_S

logger = logging.getLogger(__name__)

# What this Dask worker remembers of earlier jobs, by how much it may.
_memories: dict[int, Memory] = {}

# The jobs that this Dask worker was told to end. Told to all workers, so that it does not matter where a job starts.
_stopped: set[str] = set()


def stop_case(identity: str) -> None:
    """Have the job of that identity end at its next step; called on every worker."""
    _stopped.add(identity)


def run_case(source: JobSource, identity: str, topic: str, version: str, deliver: bool, memory_bytes: int = 0) -> Any:
    """Load, predict, and deliver where the files are; events go to a topic of the scheduler.

    With `memory_bytes` what earlier jobs of this worker computed is recalled.

    Raises
    ------
    InputError, JobFailedError, JobCancelledError
        All of which find their way back to the client; another worker does not try again, it would fail likewise.
    """
    from distributed import get_worker

    worker = get_worker()

    def send(event: Event) -> None:
        worker.log_event(topic, {"job": identity, **event.to_dict()})

    reporter = Reporter(send, worker=worker.address)
    try:
        with Heartbeat(CHECK_INTERVAL_S, reporter.heartbeat):
            reporter.started()
            _refuse_other_version(version)
            job = source.load()
            prediction = execute(job, reporter, lambda: identity in _stopped, _memory(memory_bytes))
            result = source.deliver(job, prediction) if deliver else prediction
        reporter.result()
    except JobCancelledError:
        reporter.cancelled()
        raise
    except Exception as error:  # noqa: BLE001 - told to the client, which raises it again
        reporter.error(error)
        reason, message, details = describe(error)
        logger.info("the job failed: %s", details)
        raise (InputError(message) if reason == INPUT else JobFailedError(message, reason, details)) from None
    finally:
        _stopped.discard(identity)
    return result


def _memory(limit_bytes: int) -> Memory | None:
    return _memories.setdefault(limit_bytes, Memory(limit_bytes)) if limit_bytes else None


def _refuse_other_version(version: str) -> None:
    from ... import __version__

    if version != __version__:
        raise InputError(f"the Dask worker has SparseAnnotate {__version__}, we have {version}: install the same one")


def kill_worker(dask_worker: Any) -> None:
    """End the process of the worker that this nanny keeps; called on the nanny, as the worker itself may be stuck.

    Dask's own way (Client.restart_workers) first waits 4 s for the worker to end by itself.
    """
    os.kill(dask_worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def all_reachable(paths: list[str]) -> bool:
    """Whether this machine has these files and folders."""
    return all(os.path.exists(path) for path in paths)
