"""`sparse-annotate cohort suggest`: the planes of many scans that a network would learn most from."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from ...device import DEVICES
from .. import _arguments as shared
from .._outputs import check_outputs
from . import train as training


def add_parser(subparsers) -> None:
    """Add the subcommand to those of `cohort`."""
    parser = subparsers.add_parser(
        "suggest",
        help="which planes of which scans to paint next",
        description="Ask a network with two outputs (attention-unet3d) for the planes of all scans on which these "
        "agree least (P-DSC for one structure, P-accuracy for several; Zhang 2019). Paint them, go on with `cohort "
        "train --again-from MODEL`, and run this again, until it says that the mean changes no more.",
    )
    parser.add_argument("model", metavar="MODEL", help="cohort model (.safetensors)")
    shared.add_data_set(parser)
    parser.add_argument(
        "-o", "--output", required=True, metavar="TABLE.csv", help="the table to write: every plane, and which to paint"
    )
    parser.add_argument("--count", type=int, required=True, metavar="N", help="how many planes, in all scans together")
    parser.add_argument("--per-scan", type=int, metavar="N", help="at most N planes of one scan")
    parser.add_argument(
        "--distance",
        type=int,
        metavar="PLANES",
        help="least distance between planes of one scan; smaller where too few are left (default: half of that of "
        "evenly spaced planes)",
    )
    parser.add_argument(
        "--before", metavar="TABLE.csv", help="the table of the round before; says whether the loop has ended"
    )
    training.add_data(parser.add_argument_group("the scans"))
    shared.add_overlap(parser)
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: auto)")
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look at every scan, choose, and write; returns the exit code."""
    from ...cohort import worklist
    from ...cohort.applying.heads import Applying
    from ...cohort.applying.looking import check_two_heads
    from ...cohort.choosing import check_asked, choose
    from ...cohort.model import load_model
    from ...io import check_writable, write_text
    from ...io.writing import make_folder

    check_asked(arguments.count, arguments.per_scan, arguments.distance)
    output = check_writable(arguments.output, (".csv",), folder_is_made=True)
    how = Applying(device=arguments.device, overlap=arguments.overlap)
    model = load_model(arguments.model)
    check_two_heads(model.configuration)
    before = None if arguments.before is None else worklist.read(arguments.before)
    cases = training.scans_from(arguments, model.configuration.axis, unpainted=True)
    check_outputs(arguments, [("the table", output)], cases=[one.case for one in cases])
    make_folder(output.parent)
    scored = {}
    for number, case in enumerate(cases, 1):
        scored[case.name] = _scored(model, case, how)
        arguments.console.say(f"{number} of {len(cases)}: {case.name}, mean {np.mean(scored[case.name].scores):.3f}")
    choice = choose(scored, arguments.count, per_scan=arguments.per_scan, distance=arguments.distance)
    rows = _rows(cases, scored, choice, output.parent, model.configuration)
    write_text(output, worklist.as_csv(rows), ".csv")
    _show(arguments, rows, choice)
    measure = "P-DSC" if model.configuration.class_count == 1 else "P-accuracy"
    arguments.console.out(worklist.progress(rows, before, measure))
    return 0


def _scored(model, case, how):
    """The planes of one scan."""
    from ...cohort.applying.looking import look_at
    from ...cohort.choosing import ScoredScan
    from ...errors import InputError

    scan = case.load()
    try:
        look = look_at(model, scan.volume, how)
    except InputError as error:
        raise InputError(f"{case.name}: {error}") from None
    first, last = scan.annotation.plane_range
    candidates = np.zeros(scan.volume.planes, bool)
    candidates[first : last + 1] = True
    return ScoredScan(look.agreement, np.asarray(scan.annotation.painted, bool), candidates)


def _rows(cases, scored, choice, folder: Path, configuration) -> list:
    """A row for each plane of each scan; paths relative to the folder of the table, so that both can move."""
    from ...cohort.worklist import PlaneRow

    pairs = zip(configuration.class_values, configuration.class_names, strict=True)
    classes = "; ".join(f"{value}={name}" for value, name in pairs)
    orders = {place: number for number, place in enumerate(choice.planes, 1)}
    rows = []
    for case in cases:
        scan = scored[case.name]
        taken = [*np.flatnonzero(scan.painted), *(plane for name, plane in choice.planes if name == case.name)]
        files = {"image": _from(case.case.image, folder), "labels": _from(case.case.labels, folder)}
        for plane, score in enumerate(scan.scores):
            order = orders.get((case.name, plane))
            state = _state(scan, plane, taken, order, choice.distance)
            told = {**files, "axis": configuration.axis, "classes": classes if order else ""}
            rows.append(PlaneRow(case.name, plane, round(float(score), 4), state, order, **told))
    return rows


def _state(scan, plane: int, taken: list, order: int | None, distance: int) -> str:
    from ...cohort.worklist import ASKED, LEFT, NEAR, OUTSIDE, PAINTED

    if order is not None:
        return ASKED
    if scan.painted[plane]:
        return PAINTED
    if not scan.candidates[plane]:
        return OUTSIDE
    return NEAR if any(abs(plane - other) < distance for other in taken) else LEFT


def _from(path: Path | None, folder: Path) -> str:
    if path is None:
        return ""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return str(path)


def _show(arguments, rows, choice) -> None:
    from ...cohort.worklist import waiting

    console = arguments.console
    by_scan = waiting(rows)
    told = [
        [name, len(planes), ", ".join(f"{one.plane} ({one.agreement:.2f})" for one in planes)]
        for name, planes in by_scan.items()
    ]
    console.table(["scan", "planes", "which, the first one first (agreement)"], told)
    fewer = "" if len(choice.planes) == arguments.count else f", {arguments.count} were asked for"
    closer = "" if choice.distance == choice.wanted else f", {choice.wanted} were meant but leave too few"
    console.out(
        f"{len(choice.planes)} planes of {len(by_scan)} scans{fewer}; planes of a scan at least {choice.distance} apart"
        f"{closer}"
    )
