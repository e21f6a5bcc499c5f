"""One task at a time on a GPU, whoever asks: threads of a worker, workers, several evaluations on one machine."""

from __future__ import annotations

import contextlib
import getpass
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ...device import resolve_device
from ...jobs.locks import FileLock
from ..grid.methods import Method

_ASK_AGAIN_S = 0.05


def uses_gpu(method: Method) -> bool:
    """Whether this method computes on a GPU on this machine."""
    if not method.may_use_gpu():
        return False
    return resolve_device(dict(method.options).get("device", "auto")) != "cpu"


@contextlib.contextmanager
def gpu_lock(method: Method) -> Iterator[None]:
    """Wait for the GPU, if the method uses one, and keep it. Waiting is to be done outside of what is timed."""
    if not uses_gpu(method):
        yield
        return
    # Processes that were each given a GPU of their own do not wait for each other.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all").replace(",", "-")
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    lock = FileLock(Path(tempfile.gettempdir()) / f"sparse-annotate-gpu-{user}-{visible}.lock")
    while not lock.acquire():
        time.sleep(_ASK_AGAIN_S)
    try:
        yield
    finally:
        lock.release()
