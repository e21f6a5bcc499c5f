"""What an expert gave, on the command line: painted, empty and partly painted planes, ranges, a box."""

from __future__ import annotations

import argparse

from ..errors import InputError
from . import _arguments as shared

NAMES = ("painted", "partly", "empty", "range", "range_of", "box")


def add_given(parser: argparse.ArgumentParser, default_range: str) -> None:
    """--painted, --partly, --empty, --range, --range-of and --box."""
    parser.add_argument(
        "--painted",
        type=shared.planes_from,
        metavar="3,17,29",
        help="the planes that are painted completely (from 0); default: those that hold a label",
    )
    parser.add_argument(
        "--partly",
        type=shared.planes_from,
        default=[],
        metavar="5,9",
        help="painted planes of which only a part is painted",
    )
    parser.add_argument(
        "--empty", type=shared.planes_from, default=[], metavar="5", help="planes that were looked at and hold nothing"
    )
    shared.add_range(parser, default_range)
    parser.add_argument(
        "--range-of",
        nargs=3,
        action="append",
        default=[],
        metavar=("STRUCTURE", "FIRST", "LAST"),
        help="first and last plane of one structure, by its name or value, inside the range; may be repeated",
    )
    parser.add_argument(
        "--box",
        nargs=6,
        type=int,
        metavar=("PLANE", "PLANE", "ROW", "ROW", "COLUMN", "COLUMN"),
        help="first and last plane, row and column of a box that holds every structure",
    )


def painted_from(arguments, file):
    """The planes that are painted, of a label file; `with_bounds` adds the rest."""
    painted = arguments.painted
    if painted is not None:
        painted = sorted({*painted, *arguments.partly})
    return file.to_annotation(painted, arguments.empty)


def with_bounds(arguments, annotation):
    """Ranges, partly painted planes and box, in the order in which they build on each other.

    Raises
    ------
    InputError
        Where they contradict each other or what is painted.
    """
    if arguments.range:
        annotation = annotation.with_range(*arguments.range)
    if arguments.range_of:
        annotation = annotation.with_class_ranges(_class_ranges(arguments.range_of, annotation.classes))
    if arguments.partly:
        annotation = annotation.with_partly_painted(arguments.partly)
    if arguments.box:
        annotation = annotation.with_box(arguments.box[0::2], arguments.box[1::2])
    return annotation


def _class_ranges(texts, classes) -> dict[int, tuple[int, int]]:
    """Class numbers and their planes, from (structure, first, last) as they were typed."""
    ranges = {}
    for structure, *ends in texts:
        try:
            first, last = map(int, ends)
        except ValueError:
            raise InputError(f"--range-of {structure} {' '.join(ends)}: write two plane numbers") from None
        number = _class_number(structure, classes)
        if number in ranges:
            raise InputError(f"--range-of is given twice for {structure}: give one range")
        ranges[number] = (first, last)
    return ranges


def _class_number(structure: str, classes) -> int:
    """The number of a class by its segment ID, name or value; names may occur twice, IDs and values do not."""
    for said in (lambda one: one.details.get("ID"), lambda one: one.name, lambda one: str(one.value)):
        found = [number for number, one in enumerate(classes, start=1) if said(one) == structure]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"--range-of {structure}: {len(found)} structures have this name; give the value instead")
    names = ", ".join(f"{one.name} ({one.value})" for one in classes) or "none"
    raise InputError(f"--range-of {structure}: there is no such structure among the labels; there are: {names}")
