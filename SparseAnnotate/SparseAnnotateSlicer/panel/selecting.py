"""Selectors that take long run in a process of their own. No Qt.

The folder of such a run is a job's folder without predictor, and a file that says what to select; whoever started the
process ends it, for there is nothing in it to lose.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import Job, JobFailedError
from SparseAnnotateLib.jobs.folder import read_job, write_aside, write_job
from SparseAnnotateLib.jobs.process import interpreter, module_command
from SparseAnnotateLib.selectors import SELECTORS, Suggestion
from SparseAnnotateLib.selectors.correcting import planes_to_correct

_REQUEST, _ANSWER, _LOG = "selection.json", "suggestions.json", "worker.log"
_LOG_TAIL_BYTES = 2000
# Those that answer while one clicks, at 512 x 512 x 600 (keep-n, random and block in less than 0.1 s).
QUICK = ("keep-n", "random", "block")
# It answers as quickly while nothing is painted: 600 planes, 20 structures, 60 suggestions take .12 s.
QUICK_AT_FIRST = "cover"
# CREATE_NO_WINDOW, which subprocess has on Windows only.
_OWN_GROUP = {"creationflags": 0x08000000} if sys.platform == "win32" else {"start_new_session": True}


class Selection:
    """A selection on its way; poll it from a timer.

    Parameters
    ----------
    volume, annotation : to select from
    request : "selector", "options", "count" and "seed"
    initial : what a program made, where planes of it are to be corrected, whatever the selector; or None

    Attributes
    ----------
    classes : of the annotation, whose numbers the suggestions' structures are
    """

    def __init__(self, volume, annotation, request: dict, initial=None):
        SELECTORS.create(request["selector"], request["options"])
        self.classes = annotation.classes
        self._folder = tempfile.TemporaryDirectory(prefix="sparse-annotate-select-", ignore_cleanup_errors=True)
        path = Path(self._folder.name)
        write_job(Job("nearest", volume, annotation, initial=initial), path)
        write_aside(path / _REQUEST, json.dumps(request).encode())
        self._log, self._answer = path / _LOG, path / _ANSWER
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [interpreter(), *module_command("SparseAnnotateSlicer.panel.selecting", str(path))],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **_OWN_GROUP,
            )

    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def result(self) -> list[Suggestion]:
        """What was selected, once it has ended.

        Raises
        ------
        InputError
            What the selector refused.
        JobFailedError
            Where it failed.
        """
        if not self._answer.exists():
            details = self._log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
            raise JobFailedError("the selector failed: choose another one, and report it with the log", details=details)
        answer = json.loads(self._answer.read_bytes())
        if "error" in answer:
            raise InputError(answer["error"])
        told = answer["suggestions"]
        return [Suggestion(*one, tuple(paint), tuple(optional)) for *one, paint, optional in told]

    def close(self) -> None:
        """End it if it runs, and remove what it left."""
        # In Slicer the process is a launcher, whose child would live on: it ends with its standard input.
        self._process.stdin.close()
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()


def _end_with_input() -> None:
    os.read(0, 1)
    os._exit(1)


def main(path: Path) -> None:
    """The process: select, and write the answer aside."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    job, request = read_job(path), json.loads((path / _REQUEST).read_bytes())
    try:
        if job.initial is not None:
            chosen = planes_to_correct(job.volume, job.annotation, job.initial, request["count"])
        else:
            selector = SELECTORS.create(request["selector"], request["options"])
            rng = np.random.default_rng(request["seed"])
            chosen = selector.select(job.volume, job.annotation, request["count"], rng)
    except InputError as error:
        answer = {"error": str(error)}
    else:
        told = [(one.plane, float(one.score), one.reason, one.structures, one.optional) for one in chosen]
        answer = {"suggestions": told}
    write_aside(path / _ANSWER, json.dumps(answer).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
