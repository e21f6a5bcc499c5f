"""SimpleITK, kept from writing to the user's terminal: its messages become one sentence of ours, or debug logging."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

_log = logging.getLogger(__name__)

# The redirection below belongs to the whole process: two of them at once would restore each other's.
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Collect what C and C++ libraries write to the process's standard error; on leaving, the list holds its lines.

    ITK's readers (libtiff, niftilib, MetaIO) report damage only there, and go on with half of the image.
    """
    lines: list[str] = []
    with _one_at_a_time, contextlib.ExitStack() as stack:
        text = stack.enter_context(tempfile.TemporaryFile())
        try:
            saved = os.dup(2)
        except OSError:  # no standard error at all, as under pythonw
            yield lines
            return
        with contextlib.suppress(AttributeError, ValueError, OSError):
            sys.stderr.flush()
        os.dup2(text.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            text.seek(0)
            lines.extend(text.read().decode(errors="replace").splitlines())
            for line in lines:
                _log.debug("%s", line)


@contextlib.contextmanager
def uncaptured_stderr() -> Iterator[None]:
    """Wait until no thread captures standard error: what another one writes there meanwhile would be lost."""
    with _one_at_a_time:
        yield


def reason(error: Exception) -> str:
    """The last telling line of one of ITK's many-line exceptions."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = lines[-1] if lines else type(error).__name__
    for prefix in ("sitk::ERROR:", "ITK ERROR:", "Reason:"):
        telling = telling.removeprefix(prefix).strip()
    return re.sub(r" ?\(0x[0-9a-f]+\)", "", telling)  # an address in memory says nothing to a user
