"""`sparse-annotate simulate`: one scan with a reference, painted by a simulated expert."""

from __future__ import annotations

import argparse
import json

from . import _arguments as shared


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "simulate",
        help="try a selector and a predictor on a scan that has reference labels",
        description="Play the expert on a scan whose labels are known: click its first and last plane, paint the "
        "planes that are suggested, predict the rest, and measure how good the result is.",
    )
    shared.add_image(parser)
    parser.add_argument("reference", metavar="REFERENCE", help="label map of the whole scan")
    shared.add_count(parser, with_planes=True)
    shared.add_selector(parser, option="--set-selector")
    shared.add_predictor(parser)
    shared.add_seed(parser)
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("-o", "--output", metavar="OUTPUT", help="write the predicted label map")
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, measure, print and write; returns the exit code."""
    from ..evaluation.expert import SimulatedExpert
    from ..evaluation.simulation import simulate
    from ..io import check_writable, read_image, read_labels, write_labels, write_text

    for path, formats in ((arguments.output, None), (arguments.json, (".json",))):
        if path is not None:
            check_writable(path, *([formats] if formats else []))
    selector, predictor = shared.selector_from(arguments), shared.predictor_from(arguments)
    volume = read_image(arguments.image, arguments.axis, arguments.replace_nan)
    file = read_labels(arguments.reference, volume)
    expert = SimulatedExpert(file.labels, file.classes)
    count = None if arguments.planes else shared.count_from(arguments, expert.plane_range, volume.planes)
    with arguments.console.progress(predictor.name) as show:
        outcome = simulate(
            volume,
            expert,
            selector,
            predictor,
            count=count,
            planes=arguments.planes,
            seed=arguments.seed,
            on_progress=show,
        )
    asked = {"case": str(arguments.image), "fraction": arguments.fraction, "of": arguments.of}
    if arguments.json:
        write_text(arguments.json, json.dumps({**asked, **outcome.measured}, indent=2) + "\n", ".json")
    if arguments.output:
        write_labels(arguments.output, outcome.prediction.labels, volume, expert.classes)
    _show(arguments.console, outcome.measured, expert.classes)
    return 0


def _show(console, measured: dict, classes) -> None:
    painted = measured["planes_painted"]
    console.out(f"painted {len(painted)} of {measured['planes_total']} planes: {', '.join(map(str, painted))}")
    rows = [
        ["Dice, whole volume", _number(measured["dice_all"])],
        *([f"  {c.name}", _number(dice)] for c, dice in zip(classes, measured["dice_per_class"].values(), strict=True)),
        ["Dice, unpainted planes", _number(measured["dice_unpainted"])],
        ["average Hausdorff (mm)", _number(measured["average_hausdorff_mm"])],
        ["seconds to predict", _number(measured["seconds_predict"])],
    ]
    if measured["expected_dice"] is not None:
        rows.insert(1, ["  as expected by the predictor", _number(measured["expected_dice"])])
    console.table([measured["selector"] + ", " + measured["predictor"], ""], rows)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
