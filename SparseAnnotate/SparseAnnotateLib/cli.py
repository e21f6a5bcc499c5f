"""`sparse-annotate`: the command line."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import importlib
import logging
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence

from . import __version__, commands
from .commands._beforehand import check_beforehand
from .commands._console import Console, LineFormatter
from .commands._lists import ListParser
from .errors import InputError, JobCancelledError, JobFailedError

JOB_FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130

# The order in which somebody meets them; whatever is not listed follows.
_ORDER = ("demo", "suggest", "predict", "cohort", "simulate", "evaluate", "info", "weights", "jobs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        0 if it did what was asked, 1 where a job failed, 2 for input that cannot be used, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # Names of structures may hold letters that a terminal in plain ASCII cannot show.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    arguments.console = Console(quiet=getattr(arguments, "quiet", False))
    # rich is imported by the console only where it is used, so logging is set up without it.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # Python looks through all that is left for garbage when it ends: .4 s where scikit-learn is loaded, for nothing.
    atexit.register(gc.freeze)
    with _terminated_as_interrupted():
        try:
            check_beforehand(arguments)
            return arguments.run(arguments)
        except InputError as error:
            return _fail(arguments.console, str(error))
        except JobFailedError as error:
            return _fail(arguments.console, str(error), JOB_FAILED)
        except MemoryError:
            return _fail(arguments.console, "there is not enough memory: crop the image, or close other programs")
        except BrokenPipeError:
            # Whoever read our output has seen enough (`| head`); Python would complain when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            return _fail(arguments.console, _sentence_for(error))
        except (KeyboardInterrupt, JobCancelledError):
            arguments.console.say("stopped; nothing was written")
            return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    parser = ListParser(
        prog="sparse-annotate",
        description="Segment a 3-D scan by painting a few of its slices.",
        epilog="Planes are numbered from 0 along the annotation axis. `sparse-annotate COMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"sparse-annotate {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _command_names():
        importlib.import_module(f"{commands.__name__}.{name}").add_parser(subparsers)
    return parser


def _command_names() -> list[str]:
    found = {module.name for module in pkgutil.iter_modules(commands.__path__) if not module.name.startswith("_")}
    return [name for name in _ORDER if name in found] + sorted(found - set(_ORDER))


def _fail(console: Console, message: str, code: int = WRONG_INPUT) -> int:
    console.error(message)
    return code


def _sentence_for(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full: free some space and run the command again; nothing half written was left"
    return f"{where}{error.strerror or error}"


class _terminated_as_interrupted:  # noqa: N801 (reads as a statement)
    """While it lasts, SIGTERM ends the command as Ctrl-C does, so that files written aside are removed."""

    def __enter__(self):
        def interrupt(*_):
            raise KeyboardInterrupt

        try:
            self.previous = signal.signal(signal.SIGTERM, interrupt)
        except ValueError:  # not in the main thread: whoever runs us there handles signals
            self.previous = None

    def __exit__(self, *_):
        if self.previous is not None:
            signal.signal(signal.SIGTERM, self.previous)


if __name__ == "__main__":
    sys.exit(main())
