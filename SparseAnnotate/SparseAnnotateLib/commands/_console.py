"""What the command line shows: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence

from ..predictors.base import Progress

# Control characters, marks that turn the direction of what follows, and separators of lines that are none of ours.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with control characters written out (``\\x1b``), for they would change what a terminal shows.

    Names of structures and files come from others. Ends of lines are kept if `lines`.
    """
    shown = _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return shown if lines else shown.replace("\n", "\\n")


class LineFormatter(logging.Formatter):
    """The message alone, in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """As logging does it; a traceback keeps its lines."""
        return printable(record.getMessage()) + (
            f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        )


class Console:
    """Speaks to a person on a terminal, and plainly to a pipe.

    Parameters
    ----------
    quiet : show only results and errors
    """

    def __init__(self, *, quiet: bool = False):
        self.quiet = quiet

    def out(self, text: str) -> None:
        """A result, on stdout."""
        sys.stdout.write(printable(text, lines=True) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Something worth knowing, one line on stderr."""
        if not self.quiet:
            sys.stderr.write(printable(text) + "\n")
            sys.stderr.flush()

    def error(self, text: str) -> None:
        """What went wrong, on stderr, also when quiet."""
        sys.stderr.write(f"sparse-annotate: {printable(text)}\n")
        sys.stderr.flush()

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A result with columns: the first one and those of words left, numbers right aligned."""
        cells = [[printable(str(cell)) for cell in row] for row in [header, *rows]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        worded = [any(re.search(r"[^\W\d_]{3}", text) for text in column) for column in zip(*cells[1:], strict=True)]
        left = [True, *worded[1:]] if worded else [True] * len(widths)
        for row in cells:
            aligned = (
                text.ljust(width) if to_left else text.rjust(width)
                for text, width, to_left in zip(row, widths, left, strict=True)
            )
            self.out("  ".join(aligned).rstrip())

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Callable[[Progress], None]]:
        """A function to call with every Progress: a bar on a terminal, a line a stage in a pipe."""
        if self.quiet:
            yield lambda _step: None
        elif sys.stderr.isatty():
            with _bar(title) as show:
                yield show
        else:
            yield _lines(title)


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:3.0f} %")
    with RichProgress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=RichConsole(stderr=True), transient=True
    ) as bars:
        task = bars.add_task(printable(title), total=1.0)
        yield lambda step: bars.update(task, completed=step.fraction, description=printable(f"{title}: {step.stage}"))


def _lines(title: str) -> Callable[[Progress], None]:
    shown: list[str] = []

    def show(step: Progress) -> None:
        if step.stage not in shown:
            shown.append(step.stage)
            sys.stderr.write(printable(f"{title}: {step.stage}") + "\n")
            sys.stderr.flush()

    return show
