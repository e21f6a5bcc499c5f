"""Starting from a segmentation that a program made, on the command line."""

from __future__ import annotations

import argparse

from ..errors import InputError
from . import _arguments as shared
from . import _given

NAMES = ("initial", "corrected", "match")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--initial, --corrected and --match."""
    group = parser.add_argument_group("starting from a segmentation that a program made")
    group.add_argument(
        "--initial",
        action="append",
        metavar="FILE",
        help="label map, .seg.nrrd or probabilities (of --probabilities) of all planes: LABELS correct it, on painted "
        "planes or where they differ; may be repeated, for several models",
    )
    group.add_argument(
        "--corrected",
        type=shared.planes_from,
        metavar="12,30,48",
        help="the planes that were corrected; without --initial, LABELS are the program's own, edited there",
    )
    group.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="STRUCTURE=OTHER",
        help="which structure of --initial (name or value) is one of LABELS, where neither name nor value shows it",
    )


def is_asked_for(arguments) -> bool:
    """Whether there is a segmentation to start from."""
    if arguments.match and not arguments.initial:
        raise InputError("--match says what a structure is called in --initial: give both")
    return arguments.initial is not None or arguments.corrected is not None


def start_from(arguments, volume, file):
    """Volume, annotation and the rough segmentation that it corrects."""
    from ..jobs.starting import match_from, understand_start

    start = understand_start(
        _given.said_by(arguments),
        volume,
        file,
        initial=arguments.initial,
        corrected=arguments.corrected,
        matches=[match_from(text) for text in arguments.match],
        axis=arguments.axis,
    )
    for sentence in start.sentences:
        arguments.console.say(sentence)
    return start.volume, start.annotation, start.initial
