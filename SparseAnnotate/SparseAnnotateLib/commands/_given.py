"""What an expert gave, on the command line: painted, empty and partly painted planes, ranges, a box."""

from __future__ import annotations

import argparse

from ..completeness import Said
from ..errors import InputError
from . import _arguments as shared

# An image with so few values may be a label map.
_FEW_VALUES = 16

NAMES = (
    "painted",
    "partly",
    "empty",
    "complete",
    "empty_of",
    "painted_along",
    "range",
    "range_of",
    "ranges",
    "ranges_from",
    "box",
)


def add_given(parser: argparse.ArgumentParser, default_range: str) -> None:
    """Options for painted planes, ranges and a box."""
    parser.add_argument(
        "--painted",
        type=shared.planes_from,
        metavar="3,17,29",
        help="the planes that are painted completely for all structures (from 0); default: found from the labels",
    )
    parser.add_argument(
        "--partly",
        type=shared.planes_from,
        default=[],
        metavar="5,9",
        help="painted planes of which only a part is painted",
    )
    parser.add_argument(
        "--empty", type=shared.planes_from, default=[], metavar="5", help="planes on which there is nothing"
    )
    for option, name, help_text in (
        (
            "--complete",
            "STRUCTURE",
            "exactly the planes on which a structure (name or value) is painted completely",
        ),
        ("--empty-of", "STRUCTURE", "planes that were looked at and hold none of a structure"),
        ("--painted-along", "AXIS", "planes of another axis (i, j or k) that are painted completely"),
    ):
        parser.add_argument(
            option,
            nargs=2,
            action="append",
            default=[],
            metavar=(name, "12,20"),
            help=f"{help_text}; may be repeated",
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
    parser.add_argument("--ranges", metavar="FILE.csv", help="a table of such ranges: columns structure, first, last")
    parser.add_argument(
        "--ranges-from",
        metavar="LABELS",
        help="take the range of each structure from a segmentation of this scan, such as a rough automatic one",
    )
    parser.add_argument(
        "--box",
        nargs=6,
        type=int,
        metavar=("PLANE", "PLANE", "ROW", "ROW", "COLUMN", "COLUMN"),
        help="first and last plane, row and column of a box that holds every structure",
    )


def labels_from(path: str, volume):
    """The labels at a path; refused ones of an image that itself looks like labels may have been swapped with it."""
    import numpy as np

    from ..io import read_labels

    try:
        return read_labels(path, volume)
    except InputError as error:
        values = np.unique(volume.intensities[:: max(1, volume.planes // 16)])
        if len(values) > _FEW_VALUES or (values < 0).any() or (values != np.rint(values)).any():
            raise
        raise InputError(f"{error} (the image holds {len(values)} values only: are the two files swapped?)") from error


def check_axis(arguments, read, turned) -> None:
    """Refuse ranges that were read along another axis than the painted planes lie along."""
    if arguments.ranges_from and read.axis != turned.axis:
        raise InputError(
            f"--ranges-from was read along {read.axis}, but planes are painted along {turned.axis}: "
            f"give --axis {turned.axis}"
        )


def said_by(arguments) -> Said:
    """What the arguments say of planes and structures."""
    box = arguments.box
    return Said(
        painted=None if arguments.painted is None else tuple(arguments.painted),
        partly=tuple(arguments.partly),
        empty=tuple(arguments.empty),
        complete=_named("complete", arguments.complete),
        empty_of=_named("empty-of", arguments.empty_of),
        painted_along=_named("painted-along", arguments.painted_along),
        plane_range=tuple(arguments.range) if arguments.range else None,
        range_of=tuple((structure, _ends(structure, ends)) for structure, *ends in arguments.range_of),
        box=None if box is None else (tuple(box[0::2]), tuple(box[1::2])),
    )


def _named(option: str, texts) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Structures or axes and their planes, as they were typed."""
    try:
        return tuple((name, tuple(shared.planes_from(planes))) for name, planes in texts)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"--{option}: {error}") from None


def _ends(structure: str, ends: list[str]) -> tuple[int, int]:
    try:
        first, last = map(int, ends)
    except ValueError:
        raise InputError(f"--range-of {structure} {' '.join(ends)}: write two plane numbers") from None
    return first, last
