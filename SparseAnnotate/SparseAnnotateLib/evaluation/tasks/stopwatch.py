"""How long something takes, by the clock and by the processor."""

from __future__ import annotations

import time


class Stopwatch:
    """Measures a `with` block.

    Attributes
    ----------
    seconds : by the clock
    processor_s : of this process, all its threads together; other programs do not lengthen it much
    """

    def __init__(self):
        self.seconds = self.processor_s = 0.0

    def __enter__(self) -> Stopwatch:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_) -> None:
        self.seconds = time.perf_counter() - self._began[0]
        self.processor_s = time.process_time() - self._began[1]
