"""The process that does the tasks it reads: ``python -m SparseAnnotateLib.evaluation.pools.worker``."""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
from typing import BinaryIO

from ...jobs.failure import ExitCode
from ...jobs.guardian import start_guardian
from .pool import read_message, write_message


def main() -> int:
    """Do the tasks that come in, one after the other, until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m SparseAnnotateLib.evaluation.pools.worker", description=__doc__)
    parser.add_argument("--parent", type=int, required=True, metavar="PID", help="end when this process does")
    given = parser.parse_args()
    start_guardian(given.parent)
    logging.basicConfig(level=logging.ERROR)
    # Whatever a package prints must not get between the results.
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, tasks), name="tasks", daemon=True).start()
    _work(tasks, results)
    return 0


def _receive(stream: BinaryIO, tasks: queue.SimpleQueue) -> None:
    """Take tasks in while others are done; the end of the input is the end of whoever wants the results."""
    while True:
        try:
            tasks.put(read_message(stream))
        except EOFError:
            os._exit(ExitCode.ORPHANED)


def _work(tasks: queue.SimpleQueue, results: BinaryIO) -> None:
    from ..tasks.bench import Bench

    bench = Bench()
    while True:
        write_message(results, bench.perform(tasks.get()))


if __name__ == "__main__":
    sys.exit(main())
