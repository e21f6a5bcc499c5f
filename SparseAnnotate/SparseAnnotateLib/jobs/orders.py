"""What a worker is told on its standard input, which is a pipe that its owner holds."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator

HELLO = b"!"


class Orders:
    """Reads the standard input in a thread of its own: a greeting, then a line for each job, until the owner ends.

    A launcher that stands between and closes the input sends no greeting: such an end means nothing.

    Attributes
    ----------
    ended : set when the owner has ended, or closed the pipe
    """

    def __init__(self):
        self.ended = threading.Event()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def __iter__(self) -> Iterator[str]:
        """The lines; waits for the next one, at no cost, and stops at the end of the input."""
        return iter(self._lines.get, None)

    def _read(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            if os.read(0, len(HELLO)) == HELLO:
                while block := os.read(0, 4096):
                    *lines, rest = (rest + block).split(b"\n")
                    for line in lines:
                        self._lines.put(os.fsdecode(line))
                self.ended.set()
        self._lines.put(None)
