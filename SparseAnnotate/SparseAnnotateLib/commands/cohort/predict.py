"""`sparse-annotate cohort predict`: a cohort network labels a scan that nobody painted."""

from __future__ import annotations

import argparse

from ...device import DEVICES
from .. import _arguments as shared
from .._outputs import check_outputs


def add_parser(subparsers) -> None:
    """Add the subcommand to those of `cohort`."""
    parser = subparsers.add_parser(
        "predict",
        help="label a scan that nobody painted",
        description="Label a scan that nobody painted with a network that `cohort train` made. To start a prediction "
        "of a scan with painted planes from it: sparse-annotate predict --start-from MODEL.",
    )
    parser.add_argument("model", metavar="MODEL", help="cohort model (.safetensors)")
    parser.add_argument("image", metavar="IMAGE", help="3-D image file, TIFF stack or DICOM folder")
    parser.add_argument("-o", "--output", required=True, metavar="OUTPUT", help="label map or .seg.nrrd to write")
    parser.add_argument("--axis", choices=("auto", "i", "j", "k"), help="annotation axis (default: the model's)")
    shared.add_replace_nan(parser)
    shared.add_overlap(parser)
    parser.add_argument(
        "--test-time-augmentation", action="store_true", help="the mean of five views: better, 5 times as long"
    )
    parser.add_argument(
        "--fill-holes",
        choices=("plane", "volume", "off"),
        default="plane",
        help="how holes of structures are filled (default: plane)",
    )
    parser.add_argument(
        "--all-parts", action="store_true", help="keep all parts of a structure, not the largest one alone"
    )
    parser.add_argument("--quality", metavar="FILE.csv", help="write the expected Dice of every plane")
    parser.add_argument("--probabilities", metavar="FILE.nrrd", help="write the probability of every class")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: auto)")
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and write; returns the exit code."""
    from ...annotation import SparseAnnotation
    from ...cohort.applying.heads import Applying
    from ...cohort.model import load_model
    from ...cohort.structures import classes_of
    from ...io import check_dicom_output, check_writable, read_image, write_labels, write_probabilities, write_text
    from ...io.writing import check_holds
    from ..predict import quality_table

    check_writable(arguments.output)
    if arguments.quality:
        check_writable(arguments.quality, (".csv",))
    if arguments.probabilities:
        check_writable(arguments.probabilities, (".nrrd", ".nii", ".nii.gz"))
    outputs = {
        "the output": arguments.output,
        "--quality": arguments.quality,
        "--probabilities": arguments.probabilities,
    }
    check_outputs(arguments, outputs)
    how = Applying(
        device=arguments.device,
        overlap=arguments.overlap,
        test_time_augmentation=arguments.test_time_augmentation,
    )
    model = load_model(arguments.model)
    volume = read_image(arguments.image, arguments.axis or model.configuration.axis, arguments.replace_nan)
    check_dicom_output(arguments.output, volume)
    check_holds(arguments.output, volume.geometry)
    prediction = _predicted(arguments, model, volume, how)
    classes = classes_of(model.configuration)
    write_labels(arguments.output, prediction.labels, volume, classes)
    if arguments.quality:
        nothing = SparseAnnotation.unpainted(volume.shape, classes)
        write_text(arguments.quality, quality_table(volume, nothing, prediction), ".csv")
    if arguments.probabilities:
        write_probabilities(arguments.probabilities, prediction.probabilities, volume)
    arguments.console.say(f"expected Dice {prediction.expected_dice:.3f}, by what the network says of itself")
    return 0


def _predicted(arguments, model, volume, how):
    from ...cohort.applying.predicting import predict_scan

    steps = predict_scan(
        model,
        volume,
        how,
        fill_holes=arguments.fill_holes,
        main_component=not arguments.all_parts,
        keep_probabilities=arguments.probabilities is not None,
    )
    with arguments.console.progress("cohort predict") as show:
        for step in steps:
            if hasattr(step, "labels"):
                return step
            show(step)
    raise RuntimeError("the cohort network ended without a prediction")
