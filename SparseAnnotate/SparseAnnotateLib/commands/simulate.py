"""`sparse-annotate simulate`: one scan with a reference, painted by a simulated expert."""

from __future__ import annotations

import argparse
import json

from ..errors import InputError
from . import _arguments as shared
from . import _given
from ._outputs import check_outputs


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
    parser.add_argument(
        "--own-planes",
        action="store_true",
        help="paint every structure on so many evenly spaced planes of its own, instead of all on suggested ones",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        metavar="R",
        help="paint in R equal rounds, predicting after each; the first one paints four planes at least, as long as "
        "each later one gets one",
    )
    parser.add_argument(
        "--first-share", type=float, metavar="F", help="share of the planes that the first round paints (try 0.75)"
    )
    parser.add_argument(
        "--until-stable",
        type=float,
        metavar="X",
        help="stop once the mean agreement of two segmentations changes by less than X (Zhang 2019: 0.005)",
    )
    parser.add_argument("--until", type=float, metavar="D", help="stop once a Dice of D is expected")
    shared.add_selector(parser, option="--set-selector")
    shared.add_predictor(parser)
    add_clicks(parser)
    shared.add_seed(parser)
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("-o", "--output", metavar="OUTPUT", help="write the predicted label map")
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def add_clicks(parser) -> None:
    """--clicks."""
    parser.add_argument(
        "--clicks",
        choices=("none", "all", "structures"),
        help="what the simulated expert clicks: nothing, the first and last plane of all structures together, or those "
        "of each structure (default: all)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Simulate, measure, print and write; returns the exit code."""
    from ..evaluation.simulation.expert import SimulatedExpert
    from ..evaluation.simulation.rounds import Stopping, simulate_rounds
    from ..evaluation.simulation.simulation import simulate
    from ..io import check_writable, write_labels, write_text
    from ..io.writing import check_holds

    for path, formats in ((arguments.output, None), (arguments.json, (".json",))):
        if path is not None:
            check_writable(path, *([formats] if formats else []))
    in_rounds = _in_rounds(arguments)
    selector, predictor = shared.selector_from(arguments), shared.predictor_from(arguments)
    check_outputs(arguments, {"the output": arguments.output, "--json": arguments.json})
    volume = shared.image_from(arguments)
    if arguments.output:
        check_holds(arguments.output, volume.geometry)
    file = _given.labels_from(arguments.reference, volume)
    expert = SimulatedExpert(file.labels, file.classes, arguments.clicks or "all")
    count = None if arguments.planes else shared.count_from(arguments, expert.true_range, volume.planes)
    with arguments.console.progress(predictor.name) as show:
        common = {"count": count, "seed": arguments.seed, "on_progress": show}
        if in_rounds:
            stopping = Stopping(arguments.until_stable, arguments.until)
            outcome = simulate_rounds(
                volume,
                expert,
                selector,
                predictor,
                rounds=arguments.rounds,
                first_share=arguments.first_share,
                stopping=stopping,
                **common,
            )
        else:
            common |= {"planes": arguments.planes, "own_planes": arguments.own_planes}
            outcome = simulate(volume, expert, selector, predictor, **common)
    if not outcome.measured["outlines"]:
        arguments.console.say(
            "warning: no painted plane holds a label: REFERENCE must hold the labels of all planes, not of a few"
        )
    asked = {"case": str(arguments.image), "fraction": arguments.fraction, "of": arguments.of}
    if arguments.json:
        write_text(arguments.json, json.dumps({**asked, **outcome.measured}, indent=2) + "\n", ".json")
    if arguments.output:
        write_labels(arguments.output, outcome.prediction.labels, volume, expert.classes)
    _show(arguments.console, outcome.measured, expert.classes)
    for sentence in outcome.prediction.details.get("warnings", ()):
        arguments.console.say(f"warning: {sentence}")
    return 0


def _in_rounds(arguments: argparse.Namespace) -> bool:
    """Whether rounds are asked for; refuses what makes no sense with them."""
    asked = arguments.rounds != 1 or arguments.until_stable is not None or arguments.until is not None
    if arguments.own_planes and (asked or arguments.planes):
        raise InputError("--own-planes paints evenly spaced planes at once: drop --rounds and --planes")
    if asked and arguments.planes:
        raise InputError("--planes names the planes: drop --rounds, --until-stable and --until, or give --count")
    if arguments.until is not None and not 0 < arguments.until <= 1:
        raise InputError(f"--until {arguments.until:g} is no Dice: give a number above 0 and at most 1, such as 0.95")
    if arguments.first_share is not None and not 0 < arguments.first_share < 1:
        raise InputError(f"--first-share {arguments.first_share:g}: give a number between 0 and 1, such as 0.75")
    if asked and arguments.rounds == 1:
        raise InputError("--until-stable and --until stop between rounds: give --rounds too, such as --rounds 5")
    return asked


def _show(console, measured: dict, classes) -> None:
    painted = measured["planes_painted"]
    console.out(f"painted {len(painted)} of {measured['planes_total']} planes: {', '.join(map(str, painted))}")
    console.out(
        f"what it cost: {measured['clicks']} clicks, {measured['planes']} planes, {measured['outlines']} outlines, "
        f"{measured['contour_mm']:.0f} mm of contour"
    )
    rows = [
        ["Dice, whole volume", _number(measured["dice_all"])],
        *([f"  {c.name}", _number(dice)] for c, dice in zip(classes, measured["dice_per_class"].values(), strict=True)),
        ["Dice, unpainted planes", _number(measured["dice_unpainted"])],
        ["average Hausdorff (mm)", _number(measured["average_hausdorff_mm"])],
        ["seconds to predict", _number(measured["seconds_predict"])],
    ]
    if measured["expected_dice"] is not None:
        rows.insert(1, ["  as expected without the reference", _number(measured["expected_dice"])])
    console.table([measured["selector"] + ", " + measured["predictor"], ""], rows)
    if "rounds" in measured:
        names = ("painted", "dice_all", "expected_dice", "agreement")
        rounds = [
            [n, *(_number(one[name]) if name != "painted" else one[name] for name in names)]
            for n, one in enumerate(measured["rounds"], 1)
        ]
        console.table(["round", "planes painted", "Dice", "expected", "agreement"], rows=rounds)
        if measured["stopped_by"] != "planes":
            console.out(f"stopped after round {len(rounds)}: {measured['stopped_by']}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
