"""`sparse-annotate predict`: labels for the planes that are not painted."""

from __future__ import annotations

import argparse

from ..errors import InputError
from . import _arguments as shared
from . import _batch, _given, _initial, _ranges
from ._outputs import check_outputs


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "predict",
        help="predict the planes that are not painted",
        description="Predict the planes that are not painted from those that are. Painted planes are never changed. "
        "Without LABELS, IMAGE is a folder or a table (.csv) of cases.",
    )
    shared.add_image(parser)
    parser.add_argument("labels", metavar="LABELS", nargs="?", help="label map or .seg.nrrd with the painted planes")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help="label map or .seg.nrrd to write; a folder for many cases",
    )
    _given.add_given(parser, "from the first painted plane to the last")
    _initial.add_arguments(parser)
    shared.add_predictor(parser)
    parser.add_argument("--weights", metavar="PATH", help="pretrained weights, for networks that start from them")
    shared.add_seed(parser)
    parser.add_argument("--quality", metavar="FILE.csv", help="write the expected Dice of every plane")
    parser.add_argument("--probabilities", metavar="FILE.nrrd", help="write the probability of every class")
    _batch.add_arguments(parser)
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and write; returns the exit code."""
    from ..io import check_writable, write_labels, write_probabilities, write_text
    from ..io.writing import check_holds

    if arguments.labels is None:
        _refuse_options_of_one_case(arguments)
        return _batch.run_batch(arguments, shared.predictor_from(arguments))
    _batch.refuse_options_of_many_cases(arguments)
    check_writable(arguments.output)
    outputs = {
        "the output": arguments.output,
        "--quality": arguments.quality,
        "--probabilities": arguments.probabilities,
    }
    check_outputs(arguments, outputs)
    predictor = shared.predictor_from(arguments, keep_probabilities=arguments.probabilities is not None)
    if arguments.quality:
        check_writable(arguments.quality, (".csv",))
    if arguments.probabilities:
        check_writable(arguments.probabilities, (".nrrd", ".nii", ".nii.gz"))
        if not predictor.gives_probabilities:
            raise InputError(
                f"the predictor {predictor.name} knows no probabilities: choose guided, or drop --probabilities"
            )
    starts_from = _initial.is_asked_for(arguments)
    volume = shared.image_from(arguments)
    check_holds(arguments.output, volume.geometry)
    file = _given.labels_from(arguments.labels, volume)
    initial = None
    if starts_from:
        volume, annotation, initial = _initial.start_from(arguments, volume, file)
        if arguments.probabilities and not annotation.painted.any():
            raise InputError(
                "no plane is corrected, so nothing tells how sure the initial segmentation is: drop --probabilities"
            )
    else:
        volume, annotation = annotation_from(arguments, volume, file)
    del file  # a byte a voxel, and the annotation has its own
    _describe(arguments.console, volume, annotation)
    with arguments.console.progress(predictor.name) as show:
        prediction = _batch.run_one(arguments, predictor, volume, annotation, show, initial)
    write_labels(arguments.output, prediction.labels, volume, annotation.classes)
    if arguments.quality:
        write_text(arguments.quality, quality_table(volume, annotation, prediction), ".csv")
    if arguments.probabilities:
        write_probabilities(arguments.probabilities, prediction.probabilities, volume)
    for sentence in prediction.details.get("warnings", ()):
        arguments.console.say(f"warning: {sentence}")
    if prediction.expected_dice is not None:
        interval = prediction.expected_dice_interval
        between = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f} in 80 of 100 cases)"
        arguments.console.say(f"expected Dice {prediction.expected_dice:.3f}{between}")
    elif initial is not None:
        arguments.console.say("expected Dice unknown: correct a plane of the initial segmentation to have it measured")
    return 0


def _refuse_options_of_one_case(arguments) -> None:
    """Many cases are told apart in their table, not by options that would hold for all of them."""
    from ..jobs.cases import COLUMNS

    _refuse_one_scan(arguments.image)
    _given.said_by(arguments)  # LABELS taken for the planes of --empty-of, say, are no plane numbers
    for name in (*_given.NAMES, *_initial.NAMES, "quality", "probabilities"):
        if getattr(arguments, name):
            option = name.replace("_", "-")
            advice = f", or a column {name} in a table of cases" if name in COLUMNS else ""
            raise InputError(f"--{option} is for one case: give LABELS{advice}")


def _refuse_one_scan(path: str) -> None:
    """Refuse a scan whose LABELS were forgotten, which is no table and no folder of cases."""
    from ..io import is_scan

    if is_scan(path):
        raise InputError(
            f"{path} is one scan: give LABELS too, with its painted planes; without LABELS, IMAGE is a folder or a "
            "table (.csv) of cases"
        )


def annotation_from(arguments, volume, file):
    """What the arguments and the label file say together, and the volume along the axis of the painted planes."""
    from ..completeness import understand

    unpainted = _ranges.read_ranges(arguments, volume, file).left_out
    if unpainted:
        arguments.console.say(f"note: {', '.join(unpainted)}: a range, but no label, so not predicted")
    read = volume
    volume, told = understand(_given.said_by(arguments), volume, file, axis=arguments.axis)
    _given.check_axis(arguments, read, volume)
    for sentence in told.sentences:
        arguments.console.say(sentence)
    if not told.annotation.painted.any():
        raise InputError(
            f"{arguments.labels} holds no label: paint at least one plane, or name the empty ones with --empty"
        )
    return volume, told.annotation


def quality_table(volume, annotation, prediction) -> str:
    """CSV with a line a plane: number, position along the axis in mm, state, expected Dice, voxels of each class.

    `low` and `high` hold the true Dice in 80 of 100 cases.
    """
    import csv
    import io

    import numpy as np

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ("plane", "position_mm", "state", "expected_dice", "low", "high")
    writer.writerow([*names, *(f"voxels {c.name}" for c in annotation.classes)])
    expected = np.full((len(prediction.labels), 3), np.nan)
    if prediction.expected_dice_per_plane is not None:
        expected[:, 0] = prediction.expected_dice_per_plane
    if prediction.expected_dice_interval_per_plane is not None:
        expected[:, 1:] = prediction.expected_dice_interval_per_plane
    for plane, labels in enumerate(prediction.labels):
        voxels = np.bincount(labels.ravel(), minlength=annotation.class_count + 1)[1:]
        position_mm = f"{plane * volume.spacing_mm[0]:.4g}"
        shown = ["" if np.isnan(dice) else f"{dice:.4f}" for dice in expected[plane]]
        writer.writerow([plane, position_mm, _state(annotation, plane), *shown, *voxels.tolist()])
    return text.getvalue()


def _state(annotation, plane: int) -> str:
    import numpy as np

    if annotation.painted[plane]:
        if annotation.known[plane].all():
            return "painted" if annotation.labels[plane].any() else "empty"
        numbers = np.flatnonzero(annotation.complete[plane])
        complete = [annotation.classes[number].name for number in numbers]
        return f"painted for {', '.join(complete)}" if complete else "partly painted"
    first, last = annotation.plane_range
    if annotation.labels[plane].any() and not annotation.painted_along:
        return "partly painted"
    return "predicted" if first <= plane <= last else "outside the range"


def _describe(console, volume, annotation) -> None:
    first, last = annotation.plane_range
    painted = len(annotation.painted_planes)
    console.say(
        f"axis {volume.axis}: {painted} painted of the {last - first + 1} planes {first} to {last}, "
        f"{annotation.class_count} structure{'s' * (annotation.class_count != 1)}"
    )
    if not annotation.unpainted_planes:
        console.say(
            "note: no plane inside the range is left to predict; give --range FIRST LAST to go beyond the painted ones"
        )
    shared.warn_of_constant_planes(console, volume, annotation.plane_range)
