"""A worker that stays: ``python -m SparseAnnotateLib.jobs.resident --parent PID`` (docs/design/jobs.md).

It is given folders on its standard input, a line each, runs their jobs one after the other, and says of each how it
ended. Between jobs it waits, at no cost, and keeps what is imported, the image, and a memory of what was computed.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InputError
from ..predictors import PREDICTORS
from ..predictors.memory import LIMIT_BYTES, Memory
from .failure import GOES_ON_AFTER, ExitCode
from .folder import JobFolder
from .guardian import start_guardian
from .orders import Orders
from .shared_image import MappedImage
from .worker import Setting, run_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run jobs until the owner ends, or one ends so that it is better to start anew."""
    given = _parse(arguments)
    guardian = start_guardian(given.parent)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO)
    faulthandler.enable()
    orders = Orders()
    memory = Memory(given.memory) if given.memory else None
    setting = Setting(given.parent, orders.ended, True, memory=memory, map_image=MappedImage().map)
    _import_for(given.ready_for)
    for order in orders:
        folder = JobFolder(order)
        guardian.keep_alive(folder.events)
        with _output_to(folder.log):
            code = run_folder(folder, setting)
        guardian.keep_alive(None)
        with contextlib.suppress(OSError):  # the owner has just ended
            answers.write(f"{int(code)}\n")
            answers.flush()
        if code not in GOES_ON_AFTER:
            return code
    return ExitCode.DONE


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m SparseAnnotateLib.jobs.resident", description=__doc__)
    parser.add_argument("--parent", type=int, metavar="PID", required=True, help="end when this process does")
    parser.add_argument("--memory", type=int, default=LIMIT_BYTES, metavar="BYTES", help="to remember, 0 for nothing")
    parser.add_argument("--ready-for", default="", metavar="PREDICTOR", help="import what it needs, before it is asked")
    return parser.parse_args(arguments)


def _import_for(predictor: str) -> None:
    """Import what a predictor needs; what is wrong with it is told by the first job."""
    with contextlib.suppress(InputError, ImportError):
        for module in PREDICTORS.get(predictor).uses if predictor else ():
            importlib.import_module(module)


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """What is printed, and where a crash happened, goes to a job's log as long as it runs."""
    sys.stdout.flush()
    before = [os.dup(stream) for stream in (1, 2)]
    try:
        with contextlib.suppress(OSError), open(log, "ab") as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
        yield
    finally:
        sys.stdout.flush()
        for stream, old in zip((1, 2), before, strict=True):
            os.dup2(old, stream)
            os.close(old)


if __name__ == "__main__":
    sys.exit(main())
