"""What a worker sends back about a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Result:
    """How a task ended.

    Attributes
    ----------
    state : {"done", "failed"}
    measured : what was measured, as JSON can hold it; see `bench`
    message, details : why it failed: a sentence, and a traceback for the log
    planes, seconds_select : the selection that was made; None where the selector failed, or painted all
    shown : a few predicted planes for the report's pictures; see `shown`
    seconds : from beginning to end, with what was not measured
    """

    key: str
    state: str
    measured: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    details: str = ""
    planes: tuple[int, ...] | None = None
    seconds_select: float = 0.0
    shown: bytes = b""
    seconds: float = 0.0
