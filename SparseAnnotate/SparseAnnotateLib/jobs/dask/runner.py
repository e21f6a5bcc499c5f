"""Runs jobs on a Dask cluster: one that is there, or one of worker processes on this machine."""

from __future__ import annotations

import collections
import contextlib
import logging
import threading
import time
import uuid
import warnings
from typing import Any

from ...errors import InputError, require
from ..base import JobHandle, JobState, Runner
from ..events import CANCELLED, ERROR, STARTED, Event
from ..failure import CRASH, JobFailedError
from ..job import Job, JobSource
from ..local import KILL_AFTER_S
from .cluster import local_cluster, quiet
from .task import all_reachable, kill_worker, run_case, stop_case

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 20
SCHEDULER_LOST = "the Dask scheduler does not answer any more: start it again, then this command, which goes on"


class DaskHandle(JobHandle):
    """A job on the cluster."""

    def __init__(self, source: JobSource, runner: DaskRunner):
        super().__init__(source)
        self.identity = uuid.uuid4().hex
        # Appended to by Dask's thread, emptied by ours.
        self.inbox: collections.deque[Event] = collections.deque()
        self._runner = runner
        self._cancelled_at: float | None = None
        self._worker = ""
        self._payload, self._delivers_there = runner.payload(source)
        runner.remember(self)
        self._future = runner.start(self._payload, self.identity, self._delivers_there)

    @property
    def worker(self) -> str:
        """The address of the Dask worker that runs it, as far as we know."""
        return self._worker

    def cancel(self) -> None:
        """See `JobHandle`; a worker that does not end the job at its next step within 2 s is restarted by its nanny."""
        if self._state.ended or self._cancelled_at is not None:
            return
        self._cancelled_at = time.monotonic()
        self._runner.in_background(self._tell_to_stop, self._future)

    def _end(self, state: JobState, failure: Exception | None = None) -> None:
        super()._end(state, failure)
        # The scheduler keeps a job, and its result, for as long as somebody holds its future.
        if state is not JobState.FINISHED:
            self._future = None

    def _tell_to_stop(self, future) -> None:
        future.cancel()
        self._runner.client.run(stop_case, self.identity, on_error="ignore")

    def _advance(self) -> None:
        # Before the events: whoever sees the end has all of them, as they travel ahead of it.
        status = self._future.status
        new = [self.inbox.popleft() for _ in range(len(self.inbox))]
        self._receive(new)
        for event in new:
            self._notice(event)
        if self._state.ended:
            return
        if self._cancelled_at is not None:
            self._advance_cancelling(status)
        else:
            self._advance_to(status)

    def _notice(self, event: Event) -> None:
        if event.kind == STARTED:
            self._state, self._worker = JobState.RUNNING, event.worker
        elif event.kind in (CANCELLED, ERROR) and self._cancelled_at is not None:
            self._end(JobState.CANCELLED)

    def _advance_cancelling(self, status: str) -> None:
        late = time.monotonic() - self._cancelled_at > KILL_AFTER_S
        if late and self._worker:
            logger.warning("the Dask worker %s did not end a cancelled job: it is restarted", self._worker)
            self._runner.in_background(self._runner.restart_worker, self._worker)
        if late or self._state is JobState.QUEUED or status in ("finished", "error"):
            self._end(JobState.CANCELLED)

    def _advance_to(self, status: str) -> None:
        if status == "finished":
            self._end(JobState.FINISHED)
        elif status == "error":
            self._end(JobState.FAILED, self._fetch_failure())
        elif status in ("cancelled", "lost"):
            self._end(JobState.FAILED, JobFailedError(SCHEDULER_LOST, CRASH))

    def _fetch_failure(self) -> Exception:
        try:
            return _as_failure(self._runner.ask(self._future.exception))
        except JobFailedError as lost:
            return lost

    def _release(self) -> None:
        self._future = self._payload = None
        self._runner.forget(self)

    def _deliver(self) -> Any:
        result = self._runner.ask(self._future.result)
        self._future = None
        return result if self._delivers_there else self._source.deliver(self._payload, result)


def _as_failure(error: BaseException) -> Exception:
    """Our own errors as they are; of Dask's, what they mean."""
    from distributed import KilledWorker

    if isinstance(error, InputError | JobFailedError):
        return error
    if isinstance(error, KilledWorker):
        message = f"the job ended every Dask worker that tried it, {error.last_worker.address} last: look into its log"
        return JobFailedError(message, CRASH, str(error))
    return JobFailedError(f"the job could not run on the cluster: {type(error).__name__}: {error}", CRASH, str(error))


class DaskRunner(Runner):
    """Runs jobs on Dask workers, one at a time on each of their threads.

    A job of files travels as their paths where every worker sees them, else, like a job in memory, as its arrays. The
    scheduler keeps them until the job has ended: a job whose worker dies is done by another one.

    Parameters
    ----------
    scheduler : address such as ``tcp://host:8786``; without one, a cluster is started on this machine
    workers : how many processes that one has
    memory_bytes : what each worker may remember of its earlier jobs (see `predictors.memory`), 0 for nothing: for who
        predicts the same scan again and again

    Raises
    ------
    InputError
        Where no scheduler answers, or it has no workers.
    """

    def __init__(self, scheduler: str | None = None, *, workers: int = 1, memory_bytes: int = 0):
        super().__init__()
        self._memory_bytes = memory_bytes
        distributed = require("distributed", extra="cluster", purpose="a Dask cluster")
        self._closing = contextlib.ExitStack()
        self._closing.enter_context(quiet("distributed"))
        self._handles_by_identity: dict[str, DaskHandle] = {}
        self._topic = f"sparse-annotate-{uuid.uuid4().hex}"
        if scheduler is None:
            scheduler = self._closing.enter_context(local_cluster(workers)).scheduler_address
        try:
            self.client = self._connect(distributed, scheduler)
        except BaseException:
            self._closing.close()
            raise

    def _connect(self, distributed, scheduler: str):
        try:
            client = distributed.Client(scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            advice = "check the address, or start one with: dask scheduler"
            raise InputError(f"no Dask scheduler answers at {scheduler}: {advice}") from error
        self._closing.enter_context(client)
        try:
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_S)
        except TimeoutError as error:
            advice = f"start some with: dask worker {scheduler} --nthreads 1"
            raise InputError(f"the Dask scheduler at {scheduler} has no workers: {advice}") from error
        client.subscribe_topic(self._topic, self._on_event)
        return client

    @property
    def slots(self) -> int:
        """The threads of all workers together; 1 where there are none just now, or nobody to ask."""
        try:
            return max(1, sum(self.ask(self.client.nthreads).values()))
        except JobFailedError:
            return 1

    def close(self) -> None:
        """End every job, and the cluster if it is ours."""
        self.close_jobs()
        self._closing.close()

    def payload(self, source: JobSource) -> tuple[JobSource, bool]:
        """What to send for a job: itself where the workers have its files, else its arrays; and which of the two."""
        paths = [str(path) for path in source.files]
        if not paths or all(self.ask(self.client.run, all_reachable, paths).values()):
            return source, True
        return source.load(), False

    def start(self, payload: JobSource, identity: str, deliver: bool):
        """The future of a job."""
        from ... import __version__

        if isinstance(payload, Job):
            payload.check()
        with warnings.catch_warnings():
            # Dask would rather have large arrays scattered; those are lost with the worker that holds them.
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self.ask(
                self.client.submit,
                run_case,
                payload,
                identity,
                self._topic,
                __version__,
                deliver,
                self._memory_bytes,
                key=f"predict-{identity}",
                pure=False,
            )

    def ask(self, function, *arguments, **options) -> Any:
        """Ask the scheduler for something; JobFailedError where it is gone."""
        if self.client.status == "closed":
            raise JobFailedError(SCHEDULER_LOST, CRASH)
        try:
            return function(*arguments, **options)
        except (InputError, JobFailedError):
            raise
        except (OSError, TimeoutError, RuntimeError) as error:  # RuntimeError: its connections were closed
            raise JobFailedError(SCHEDULER_LOST, CRASH, str(error)) from error

    def in_background(self, function, *arguments) -> None:
        """Call what waits for the scheduler without waiting for it."""
        threading.Thread(target=function, args=arguments, name="dask request", daemon=True).start()

    def restart_worker(self, address: str) -> None:
        """Kill a worker; its nanny starts it again, and its other jobs, if any, run elsewhere."""
        try:
            self.client.run(kill_worker, workers=[address], nanny=True)
        except Exception as error:  # noqa: BLE001 - whatever the scheduler answers; the job counts as cancelled anyway
            logger.warning("the Dask worker %s goes on with a cancelled job: %s", address, error)

    def remember(self, handle: DaskHandle) -> None:
        """Events of this one are for it."""
        self._handles_by_identity[handle.identity] = handle

    def forget(self, handle: DaskHandle) -> None:
        """No more events for this one."""
        self._handles_by_identity.pop(handle.identity, None)

    def _start(self, source: JobSource) -> DaskHandle:
        return DaskHandle(source, self)

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        values = dict(event[1])
        handle = self._handles_by_identity.get(values.pop("job"))
        if handle is not None:
            handle.inbox.append(Event.from_dict(values))
