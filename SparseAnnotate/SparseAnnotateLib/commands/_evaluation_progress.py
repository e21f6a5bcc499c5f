"""How far an evaluation is, and how long it will take."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from ._console import printable

# In a pipe or a log, a line now and then is enough.
_LINE_EVERY_S = 30.0


@contextlib.contextmanager
def evaluation_progress(console, total: int) -> Iterator[Callable]:
    """A function for `evaluate.execute` that shows a bar on a terminal, and a line now and then elsewhere."""
    if console.quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _bar(total) as show:
            yield show
    else:
        yield _lines(console, total)


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable]:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    from ..evaluation.grid.remaining import spoken

    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]} left")
    with RichProgress(
        *columns,
        TextColumn("{task.description}", markup=False),
        console=RichConsole(stderr=True),
        transient=True,
        refresh_per_second=4,
    ) as bars:
        bar = bars.add_task("", total=total, left="unknown")

        def show(progress, result, _waiting, seconds_left) -> None:
            done = progress.done + progress.failed + progress.elsewhere
            bars.update(bar, completed=done, description=printable(_what(progress)), left=spoken(seconds_left))
            if result is not None and result.state == "failed":
                bars.console.print(printable(_failure(progress, result)), highlight=False, markup=False)

        yield show


def _lines(console, total: int) -> Callable:
    from ..evaluation.grid.remaining import spoken

    last = [time.monotonic()]

    def show(progress, result, _waiting, seconds_left) -> None:
        if result is not None and result.state == "failed":
            console.say(_failure(progress, result))
        if time.monotonic() - last[0] >= _LINE_EVERY_S:
            last[0] = time.monotonic()
            done = progress.done + progress.failed + progress.elsewhere
            console.say(f"{done} of {total}, {spoken(seconds_left)} left: {_what(progress)}")

    return show


def _what(progress) -> str:
    task = progress.latest
    failed = f"{progress.failed} failed, " if progress.failed else ""
    return failed if task is None else f"{failed}{task.predictor.label} on {task.case.name}"


def _failure(progress, result) -> str:
    task = progress.latest
    which = f"{task.selector.label}, {task.predictor.label}, {task.fraction:g}, seed {task.seed}"
    return f"{task.case.name} ({which}) failed: {result.message}"
