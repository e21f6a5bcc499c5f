"""Many cases, one after the other or on many workers: resumable, and no case's failure is another's."""

from __future__ import annotations

import collections
import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..io.outputs import refuse_overwriting
from ..io.writing import make_folder
from .base import JobHandle, Runner
from .cases import FileCase, refuse_missing
from .failure import JobFailedError
from .folder import write_aside
from .staying import ResidentRunner

# Cases that are submitted beyond those that run: enough that no worker waits, few enough that memory does not fill up.
_AHEAD = 2
_POLL_S = 0.02

EXIT_DONE, EXIT_SOME_FAILED = 0, 1


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Attributes
    ----------
    state : {"done", "skipped", "failed"}
        Skipped: its output was there already.
    message : why it failed
    understood : what was told from its labels
    warnings : what its prediction may have lost or missed
    """

    case: FileCase
    state: str
    seconds: float = 0.0
    expected_dice: float | None = None
    message: str = ""
    understood: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def open_runner(scheduler: str | None = None, workers: int | None = None) -> Runner:
    """The runner for ``--scheduler`` and ``--workers``.

    With an address: that Dask cluster. With a number: a Dask cluster of so many processes on this machine. With
    neither: one worker process, which needs no Dask. It stays from case to case, and remembers nothing of them.
    """
    if scheduler is None and workers is None:
        return ResidentRunner(memory_bytes=0, ready_for="")
    if scheduler is not None and workers is not None:
        raise InputError("--workers starts a cluster, --scheduler uses one that is there: give one of them")
    from .dask.runner import DaskRunner

    return DaskRunner(scheduler, workers=1 if workers is None else workers)


def predict_cases(
    cases: Sequence[FileCase],
    runner: Runner,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
    *,
    again: bool = False,
) -> list[Outcome]:
    """Predict every case whose output is missing or older than its input; outcomes in the order of the cases.

    Parameters
    ----------
    on_outcome : called for every case as it ends
    again : predict also those that are finished

    Raises
    ------
    InputError
        Before anything is done: for an unknown predictor or option, a file that is not there, or a result that would
        overwrite an input.
    """
    refuse_overwriting(
        [(f"the result of {case.name},", case.output) for case in cases],
        [(f"{what} of {case.name}", path) for case in cases for what, path in case.inputs],
    )
    outcomes: dict[str, Outcome] = {}

    def note(outcome: Outcome) -> None:
        outcomes[outcome.case.name] = outcome
        on_outcome(outcome)

    waiting = collections.deque()
    for case in cases:
        case.check()
        if case.finished and not again:
            note(Outcome(case, "skipped"))
        else:
            waiting.append(case)
    refuse_missing(waiting)
    _run(waiting, runner, note)
    return [outcomes[case.name] for case in cases]


def _run(waiting: collections.deque[FileCase], runner: Runner, note: Callable[[Outcome], None]) -> None:
    handles: list[tuple[JobHandle, FileCase, float]] = []
    while waiting or handles:
        while waiting and len(handles) < runner.slots + _AHEAD:
            case = waiting.popleft()
            try:
                handles.append((runner.submit(case), case, time.monotonic()))
            except (InputError, JobFailedError) as error:  # a case that is read here, or a scheduler that is gone
                note(Outcome(case, "failed", message=str(error)))
        ended = [entry for entry in handles if entry[0].poll().ended]
        for handle, case, start in ended:
            note(_outcome(handle, case, time.monotonic() - start))
            handle.close()
        handles = [entry for entry in handles if entry not in ended]
        if not ended:
            time.sleep(_POLL_S)


def _outcome(handle: JobHandle, case: FileCase, waited_s: float) -> Outcome:
    events = handle.events()
    seconds = events[-1].elapsed_s if events else waited_s
    try:
        said: dict[str, Any] = handle.result()
    except (InputError, JobFailedError) as error:
        return Outcome(case, "failed", seconds, message=str(error))
    sentences = {name: tuple(said[name]) for name in ("understood", "warnings")}
    return Outcome(case, "done", seconds, said["expected_dice"], **sentences)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 where every case has its output now, 1 where one has not."""
    return EXIT_SOME_FAILED if any(outcome.state == "failed" for outcome in outcomes) else EXIT_DONE


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """How many cases ended how, and a line with the reason for each that failed."""
    count = collections.Counter(outcome.state for outcome in outcomes)
    lines = [f"{count['done']} predicted, {count['skipped']} finished before, {count['failed']} failed"]
    return lines + [f"{one.case.name}: {one.message}" for one in outcomes if one.state == "failed"]


def write_table(outcomes: Sequence[Outcome], path: Path) -> None:
    """A line a case: name, state, seconds, expected Dice, output, why it failed, what was understood, and warnings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "state", "seconds", "expected_dice", "output", "message", "understood", "warnings"])
    for one in outcomes:
        dice = "" if one.expected_dice is None else f"{one.expected_dice:.4f}"
        ended = [one.case.name, one.state, f"{one.seconds:.2f}", dice, one.case.output]
        writer.writerow([*ended, one.message, " ".join(one.understood), "; ".join(one.warnings)])
    write_aside(Path(path), text.getvalue().encode("utf-8", "backslashreplace"))


def keep_to_settings(
    folder: Path, settings: dict[str, Any], *, again: bool = False, results: Sequence[Path] = ()
) -> None:
    """Note with what the results in a folder are made; a run that is resumed must go on with the same.

    Raises
    ------
    InputError
        Where the folder holds results that were made with other settings, or that no batch made: `results` that are
        there before the first one are the work of somebody else.
    """
    there = next((path for path in results if path.exists()), None)
    if there is not None and not again and not (folder / "batch.json").exists():
        raise InputError(
            f"{there} is there already, and no batch wrote it: choose another folder, or replace it with --again"
        )
    make_folder(folder)
    path = folder / "batch.json"
    settings = json.loads(json.dumps(settings))
    if path.exists() and not again:
        try:
            before = json.loads(path.read_bytes())
        except ValueError as error:
            raise InputError(f"{path} cannot be read ({error}): remove it to predict all cases again") from error
        changed = [name for name in {**settings, **before} if before.get(name) != settings.get(name)]
        if changed:
            was, now = (values.get(changed[0]) for values in (before, settings))
            advice = "choose another folder, or predict all again (--again)"
            raise InputError(
                f"the results in {folder} were made with {changed[0]} {was!r}, now it is {now!r}: {advice}"
            )
    write_aside(path, json.dumps(settings, indent=1).encode())
