"""`sparse-annotate demo`: the main job on a real scan, from the first click to the picture."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from . import _arguments as shared
from ._outputs import check_outputs

FRACTION = 0.1
_PICTURE = "demo.png"
_RESULTS = ("labels.nii.gz", "dice.csv", _PICTURE)
# What the other commands can be tried on.
_INPUTS = ("scan.nii.gz", "painted.seg.nrrd", "truth.seg.nrrd")
_ROUGH = "rough.seg.nrrd"


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="run the main job on a real scan and draw it",
        description="Suggest planes of a part of the MNI152 T1 template, paint them from its tissue masks as an expert "
        "would, predict the others, and write the label map, the Dice of every plane and a picture. The scan, what was "
        "painted and the whole segmentation are written too, to try the other commands on.",
    )
    parser.add_argument("-o", "--output", default="demo", metavar="DIR", help="folder to write to (default: demo)")
    parser.add_argument(
        "--initial",
        action="store_true",
        help="start from what a program makes of the scan by intensities alone; the painted planes correct it",
    )
    shared.add_predictor(parser)
    shared.add_seed(parser)
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from ..evaluation.demo_scan import CLASSES, PLANES, read_demo_scan, rough_demo_labels
    from ..evaluation.pictures.chart import check_drawing
    from ..evaluation.pictures.picture import draw
    from ..evaluation.simulation.expert import SimulatedExpert
    from ..evaluation.simulation.simulation import measures_of, simulate
    from ..initial import Initial
    from ..io import write_labels, write_text
    from ..selectors import SELECTORS
    from ..selectors.base import count_for

    check_drawing()
    console = arguments.console
    predictor = shared.predictor_from(arguments)
    names = (*_RESULTS, *_INPUTS, *([_ROUGH] if arguments.initial else []))
    folder = _folder(arguments.output, names)
    check_outputs(arguments, {name: folder / name for name in names})
    console.say(f"reading planes {PLANES.start} to {PLANES.stop - 1} of the MNI152 T1 template and its tissue masks")
    volume, labels = read_demo_scan()
    expert = SimulatedExpert(labels, CLASSES, clicks="structures")
    first, last = expert.plane_range
    rough = rough_demo_labels(volume) if arguments.initial else None
    with console.progress(predictor.name) as show:
        outcome = simulate(
            volume,
            expert,
            SELECTORS.create("cover"),
            predictor,
            count=count_for(FRACTION, last - first + 1),
            seed=arguments.seed,
            initial=None if rough is None else Initial(rough, CLASSES),
            on_progress=show,
        )
    measured, prediction = outcome.measured, outcome.prediction
    painted = measured["planes_painted"]
    write_labels(folder / "labels.nii.gz", prediction.labels, volume, CLASSES)
    write_text(folder / "dice.csv", _dice_table(expert, prediction, painted), ".csv")
    _write_inputs(folder, volume, expert, painted, rough)
    done = "painted" if rough is None else "of a program's segmentation corrected"
    # Without the seconds: they say how busy the computer was.
    title = (
        f"{len(painted)} of {last - first + 1} planes {done}, the others predicted by {predictor.name}: "
        f"Dice {measured['dice_all']:.3f} over all planes"
    )
    draw(folder / _PICTURE, volume, expert, prediction, painted, title)
    if rough is not None:
        before = measures_of(rough, expert, [], volume.spacing_mm)["dice_all"]
        console.out(f"the program's segmentation: Dice {before:.3f}; after {len(painted)} planes were corrected:")
    _show(console, measured, folder, last - first + 1)
    return 0


def _folder(path: str, names: Sequence[str]) -> Path:
    """The folder for the results, made; one that holds files of their names without a demo's picture is somebody's."""
    from ..io.writing import make_folder

    there = next((Path(path) / name for name in names if (Path(path) / name).exists()), None)
    if there is not None and not (Path(path) / _PICTURE).exists():
        raise InputError(f"{there} is there already, and no demo wrote it: choose another folder (-o)")
    return make_folder(path)


def _write_inputs(folder: Path, volume, expert, painted, rough) -> None:
    """What was predicted from, as a user would have it in files, and the truth."""
    from ..io import write_labels
    from ..io.encoding import write_image
    from ..io.writing import written_aside

    scan, by_hand, truth = (folder / name for name in _INPUTS)
    with written_aside(scan) as aside:
        write_image(aside / scan.name, volume.to_file_order(volume.intensities), volume.geometry, {})
    write_labels(by_hand, expert.paint(painted).labels, volume, expert.classes)
    write_labels(truth, expert.reference, volume, expert.classes)
    if rough is not None:
        write_labels(folder / _ROUGH, rough, volume, expert.classes)


def _dice_table(expert, prediction, painted) -> str:
    """CSV with a line a plane of the range: painted or predicted, expected Dice, Dice of each class."""
    from .. import metrics

    per_class = metrics.dice_per_plane(prediction.labels, expert.reference, len(expert.classes))
    mean = metrics.mean_of(per_class, axis=1)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["plane", "state", "expected_dice", "dice", *(f"dice {c.name}" for c in expert.classes)])
    expected = prediction.expected_dice_per_plane
    for plane in range(expert.plane_range[0], expert.plane_range[1] + 1):
        state = "painted" if plane in painted else "predicted"
        guess = float("nan") if expected is None else expected[plane]
        values = [guess, mean[plane], *per_class[plane]]
        writer.writerow([plane, state, *("" if value != value else f"{value:.4f}" for value in values)])
    return text.getvalue()


def _show(console, measured: dict, folder: Path, planes: int) -> None:
    from ..evaluation.demo_scan import CLASSES

    rows = [[c.name, f"{dice:.3f}"] for c, dice in zip(CLASSES, measured["dice_per_class"].values(), strict=True)]
    expected = measured["expected_dice"]
    rows += [
        ["mean, all planes", f"{measured['dice_all']:.3f}"],
        ["mean, predicted planes only", f"{measured['dice_unpainted']:.3f}"],
        *([["mean, as expected without the truth", f"{expected:.3f}"]] if expected is not None else []),
        ["seconds to predict", f"{measured['seconds_predict']:.1f}"],
    ]
    console.out(f"painted {len(measured['planes_painted'])} of {planes} planes")
    console.table(["Dice", measured["predictor"]], rows)
    console.out(f"\nwritten: {folder / 'demo.png'} (look at this), {folder / 'dice.csv'}, {folder / 'labels.nii.gz'}")
    console.out(f"to try the other commands on: {', '.join(str(folder / name) for name in _INPUTS)}")
