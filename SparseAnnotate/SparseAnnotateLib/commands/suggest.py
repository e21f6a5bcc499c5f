"""`sparse-annotate suggest`: which planes to paint."""

from __future__ import annotations

import argparse
import json

from ..errors import InputError
from . import _arguments as shared
from . import _given, _ranges

_FIRST_PLANES = 4


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "suggest",
        help="say which planes to paint",
        description="Suggest planes to paint, in the order in which to paint them. Planes that hold labels already are "
        "not suggested again; with --fraction they count towards it.",
    )
    shared.add_image(parser)
    parser.add_argument("--labels", metavar="L", help="label map of what is painted so far")
    _given.add_given(parser, "the whole volume")
    parser.add_argument(
        "--initial",
        action="append",
        metavar="FILE",
        help="a segmentation that a program made of the whole scan (label map, .seg.nrrd or probabilities): planes to "
        "correct are suggested, those on which it is most likely wrong; --labels are then the planes corrected so far; "
        "may be repeated, for several models",
    )
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="STRUCTURE=OTHER",
        help="which structure of --initial (name or value) is one of --labels, where neither name nor value shows it",
    )
    shared.add_count(parser)
    shared.add_selector(parser)
    parser.set_defaults(selector=None)
    parser.add_argument("--device", choices=shared.DEVICES, default=None, help="where to compute (default: auto)")
    shared.add_seed(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the suggestions; returns the exit code."""
    import numpy as np

    if arguments.initial is not None and (arguments.selector or arguments.selector_options):
        raise InputError(
            "--selector and --set are for planes to paint: with --initial, planes to correct are chosen by what the "
            "program is suspected of; leave them out"
        )
    _check(arguments)
    arguments.selector = arguments.selector or "cover"
    selector = shared.selector_from(arguments)
    volume = shared.image_from(arguments)
    initial = None
    if arguments.initial is None:
        volume, annotation = _painted_so_far(arguments, volume)
    else:
        volume, annotation, initial = _corrected_so_far(arguments, volume)
    if arguments.box and not arguments.range and not annotation.class_ranges:
        first, last = annotation.plane_range  # nothing lies outside the box
        annotation = annotation.with_range(max(first, arguments.box[0]), min(last, arguments.box[1]))
    count = shared.count_from(arguments, annotation.plane_range, volume.planes)
    if arguments.fraction is not None:
        count -= int(annotation.painted[annotation.plane_range[0] : annotation.plane_range[1] + 1].sum())
    shared.warn_of_constant_planes(arguments.console, volume, annotation.plane_range)
    if initial is None:
        _advise(arguments, annotation, count)
    rng = np.random.default_rng(arguments.seed)
    if count < 1:
        suggestions = []
    elif initial is not None:
        from ..selectors.correcting import planes_to_correct

        suggestions = planes_to_correct(volume, annotation, initial, count)
    else:
        suggestions = selector.select(volume, annotation, count, rng)
    _show(arguments, volume, annotation, suggestions)
    return 0


def _check(arguments) -> None:
    """Refuse what says something of labels, or of a program's segmentation, that are not given."""
    if arguments.match and arguments.initial is None:
        raise InputError("--match says what a structure is called in --initial: give both")
    if arguments.labels:
        return
    if arguments.match:
        raise InputError("--match says what a structure of --labels is called in --initial: give both")
    for name in _given.NAMES:
        if name not in ("range", "box", "range_of", "ranges", "ranges_from") and getattr(arguments, name):
            raise InputError(f"--{name.replace('_', '-')} says something about labels: give them with --labels")


def _painted_so_far(arguments, volume):
    """The volume along the axis of the painted planes, and what is known of it."""
    from ..annotation import SparseAnnotation
    from ..completeness import check_ranges, understand, union

    typed = [structure for structure, *_ in arguments.range_of]
    files = _ranges.read_ranges(arguments, volume)
    said = _given.said_by(arguments)
    if arguments.labels:
        file = _given.labels_from(arguments.labels, volume)
        ranged = [structure for structure, _ in said.range_of]
        _say(arguments, _ranges.note_of_strangers(ranged, file.classes, "not among the labels, so not painted yet"))
        file = _ranges.with_unpainted(file, said)
        turned, told = understand(said, volume, file, axis=arguments.axis, ends_painted=False)
        _given.check_axis(arguments, volume, turned)
        for sentence in told.sentences:
            arguments.console.say(sentence)
        return turned, told.annotation
    check_ranges(said, volume)
    _say(arguments, _ranges.note_of_typed(arguments, typed, files))
    annotation = SparseAnnotation.unpainted(volume.shape, _ranges.classes_of(said, files.classes))
    ranges = dict(enumerate((ends for _, ends in said.range_of), 1))
    if said.plane_range or ranges:
        annotation = annotation.with_range(*(said.plane_range or union([*ranges.values()])))
    annotation = annotation.with_class_ranges(ranges)
    return volume, annotation.with_box(*said.box) if said.box else annotation


def _say(arguments, note: str | None) -> None:
    if note is not None:
        arguments.console.say(note)


def _advise(arguments, annotation, count: int) -> None:
    """Say that fewer than four planes painted first mislead `cover` without a range (docs/design/selectors.md)."""
    first, last = annotation.plane_range
    blind = not annotation.painted.any() and not annotation.class_ranges
    if arguments.selector == "cover" and blind and count < _FIRST_PLANES < last - first + 1:
        arguments.console.say(
            f"note: if you will paint more planes than these, ask for {_FIRST_PLANES} now, or click each structure's "
            "range: what fewer show misleads the next suggestion"
        )


def _corrected_so_far(arguments, volume):
    """The volume, what is known of it (ranges, corrected planes), and the segmentation that a program made."""
    from ..annotation import LabelClass, SparseAnnotation
    from ..jobs.starting import match_from, uncorrected_start, understand_start

    said = _given.said_by(arguments)
    if arguments.labels:
        start = understand_start(
            said,
            volume,
            _given.labels_from(arguments.labels, volume),
            initial=arguments.initial,
            matches=[match_from(text) for text in arguments.match],
            axis=arguments.axis,
        )
        for sentence in start.sentences:
            arguments.console.say(sentence)
        return start.volume, start.annotation, start.initial
    initial, sentences = uncorrected_start(arguments.initial, volume)
    for sentence in sentences:
        arguments.console.say(sentence)
    # Without labels only ranges can have been said; they name the program's structures.
    _, known = _painted_so_far(arguments, volume)
    annotation = SparseAnnotation.unpainted(volume.shape, initial.classes).with_range(*known.plane_range)
    numbers = {
        text: number
        for number, one in enumerate(initial.classes, 1)
        for text in (one.name, LabelClass.unnamed(one.value).name, str(one.value))
    }
    unknown = [one.name for one in known.classes if one.name not in numbers]
    if unknown:
        there = ", ".join(one.name for one in initial.classes)
        raise InputError(f"{arguments.initial[0]} has no structure {unknown[0]}; there are: {there}")
    ranges = {numbers[known.classes[number - 1].name]: ends for number, ends in known.class_ranges.items()}
    return volume, annotation.with_class_ranges(ranges), initial


def _show(arguments, volume, annotation, suggestions) -> None:
    console = arguments.console
    if arguments.json:
        result = {
            "image": str(arguments.image),
            "axis": volume.axis,
            "planes_total": volume.planes,
            "range": list(annotation.plane_range),
            "complete": {one.name: annotation.complete_planes_of(n) for n, one in enumerate(annotation.classes, 1)},
            "painted_along": {volume.axes[axis]: list(ones) for axis, ones in annotation.painted_along.items()},
            "selector": arguments.selector if arguments.initial is None else "initial",
            "seed": arguments.seed,
            "planes": [suggestion.plane for suggestion in suggestions],
            "suggestions": [_as_json(suggestion, annotation) for suggestion in suggestions],
        }
        console.out(json.dumps(result, indent=2))
        return
    if not suggestions:
        raise InputError("no plane is left to suggest: enough of the range is painted; widen it or ask for more planes")
    first, last = annotation.plane_range
    console.say(f"axis {volume.axis}, planes 0 to {volume.planes - 1}, range {first} to {last}")
    rows = [
        [one.plane, one.reason, _named(one.structures, annotation), _named(one.optional, annotation)]
        for one in suggestions
    ]
    shown = [0, 1, *(column for column in (2, 3) if any(row[column] for row in rows))]
    titles = ("plane", "reason", "paint", "optional")
    console.table([titles[column] for column in shown], [[row[column] for column in shown] for row in rows])


def _as_json(suggestion, annotation) -> dict:
    """Structures by their values, as files hold them."""
    values = [one.value for one in annotation.classes]
    told = {name: [values[n - 1] for n in getattr(suggestion, name)] for name in ("structures", "optional")}
    return {**vars(suggestion), **told}


def _named(numbers, annotation) -> str:
    return ", ".join(annotation.classes[number - 1].name for number in numbers)
