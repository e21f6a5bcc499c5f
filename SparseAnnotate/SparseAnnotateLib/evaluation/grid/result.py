"""What a worker sends back about a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Selection:
    """Planes to paint, ascending, with what choosing them takes on its own.

    Attributes
    ----------
    seconds, processor_s : by the clock, and of all threads together (which other programs do not lengthen)
    """

    planes: tuple[int, ...]
    seconds: float
    processor_s: float


@dataclass(frozen=True)
class Result:
    """How a task ended.

    Attributes
    ----------
    state : {"done", "failed"}
    measured : what was measured, as JSON can hold it; see `bench`
    message, details : why it failed: a sentence, and a traceback for the log
    selection : None where the selector failed, or painted all
    shown : a few predicted planes for the report's pictures; see `shown`
    seconds : from beginning to end, with what was not measured
    """

    key: str
    state: str
    measured: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    details: str = ""
    selection: Selection | None = None
    shown: bytes = b""
    seconds: float = 0.0
