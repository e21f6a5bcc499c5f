"""How a job can end badly, and how that is told across processes."""

from __future__ import annotations

import enum
import errno
import traceback

from ..errors import InputError, JobCancelledError, JobFailedError

__all__ = ["ExitCode", "JobCancelledError", "JobFailedError", "as_exception", "describe"]

# Reasons, as events carry them.
INPUT, MEMORY, FOLDER, CRASH, BUG = "input", "memory", "folder", "crash", "bug"


class ExitCode(enum.IntEnum):
    """How a worker process ends; the last word where its events could not be written any more."""

    DONE = 0
    FAILED = 1
    INPUT = 2
    CANCELLED = 3
    ORPHANED = 4
    FOLDER = 5
    MEMORY = 6


# Ends of a job after which its process may run another one. After the others nobody knows what it holds.
GOES_ON_AFTER = (ExitCode.DONE, ExitCode.INPUT, ExitCode.CANCELLED)


def describe(error: BaseException) -> tuple[str, str, str]:
    """Reason, message for the user, and traceback of whatever ended a job."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, InputError):
        return INPUT, str(error), details
    if isinstance(error, JobFailedError):
        return error.reason, str(error), error.details or details
    if isinstance(error, MemoryError):
        advice = "close other programs, crop the image, or choose a predictor that needs less"
        return MEMORY, f"there is not enough memory for this prediction: {advice}", details
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            FOLDER,
            f"the disk is full ({error.filename or 'job folder'}): free some space and predict again",
            details,
        )
    what = traceback.format_exception_only(error)[-1].strip()
    return BUG, f"the predictor failed with {what}: please report it with the log", details


def as_exception(reason: str, message: str, details: str = "") -> Exception:
    """The exception to raise for what `describe` said in another process."""
    return InputError(message) if reason == INPUT else JobFailedError(message, reason, details)
