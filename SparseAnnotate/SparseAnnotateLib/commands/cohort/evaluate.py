"""`sparse-annotate cohort evaluate`: partial annotation of many scans against full annotation of few."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...errors import InputError
from .. import _arguments as shared
from .._outputs import check_outputs, refuse_among_scans
from . import train as training
from .active import add_active, run_active

INTERRUPTED = 130


def add_parser(subparsers) -> None:
    """Add the subcommand to those of `cohort`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="partial annotation of many scans against full annotation of few",
        description="The study of Specktor-Fadida 2023 on a data set with reference labels: networks learn from a few "
        "planes of many scans, or from all planes of few scans, as many planes in all, and are tested on scans that "
        "they have not seen. Run the same command again to go on after an interruption.",
    )
    shared.add_data_set(parser)
    parser.add_argument(
        "-o", "--output", required=True, metavar="FOLDER", help="folder for networks, results and the table"
    )
    _add_study(parser.add_argument_group("the study"))
    add_active(parser.add_argument_group("planes that the network asks for (Zhang 2019)"))
    training.add_network(parser.add_argument_group("the network"))
    training.add_training(parser.add_argument_group("training"))
    shared.add_quiet(parser)
    parser.set_defaults(run=run, validation_scans=None, seed=0)


def _add_study(group) -> None:
    shared.add_files(group, "*/seg.nii.gz")
    group.add_argument("--limit", type=int, metavar="N", help="only the first N scans")
    group.add_argument(
        "--out-of-distribution", metavar="DATA", help="scans of another kind, on which every network is tested too"
    )
    group.add_argument(
        "--arms",
        nargs="+",
        default=["partial", "full"],
        metavar="ARM",
        help="partial, partial-no-borders, full, all: a few planes of all scans, the same without what lies beyond the "
        "structures, all planes of few, all of all (default: partial full)",
    )
    group.add_argument(
        "--full-scans", type=int, default=1, metavar="N", help="fully painted scans in the arm full (default: 1)"
    )
    group.add_argument("--folds", type=int, metavar="N", help="parts of the data set (default: a scan each, up to 5)")
    group.add_argument(
        "--split",
        nargs=3,
        type=int,
        metavar=("N", "N", "N"),
        help="instead of folds: scans to learn from, to validate with (painted wholly), and to test on (the paper: 30 "
        "13 58)",
    )
    group.add_argument(
        "--steps",
        nargs="+",
        default=[],
        metavar="STEP",
        help="one, two: test networks after the paper's first and second step of training, each of --epochs",
    )
    group.add_argument(
        "--simulated-scanner", action="store_true", help="test every network on simulated scans of another scanner, too"
    )
    group.add_argument("--plan", action="store_true", help="say what there is to do, and do nothing")
    group.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N", help="(default: 0)")
    shared.add_selector(group, "--set-selector")
    group.add_argument("--axis", choices=("auto", "i", "j", "k"), default="auto", help="(default: auto)")
    group.add_argument(
        "--classes", nargs="+", default=[], metavar="CLASS", help="only these structures, by value or name"
    )
    shared.add_replace_nan(group)
    group.add_argument(
        "--all-parts", action="store_true", help="keep all parts of a structure, not the largest one alone"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, test and write the table; returns the exit code."""
    from ...evaluation.cohort import claims
    from ...evaluation.cohort.table import as_csv, as_markdown
    from ...io import write_text

    folder = Path(arguments.output)
    _refuse_mixed(arguments)
    if arguments.active:
        return run_active(arguments, folder)
    study = _study(arguments, folder)
    if arguments.plan:
        _tell_plan(study, arguments.console.out)
        return 0
    try:
        results = study.run(arguments.console.say)
    except KeyboardInterrupt:
        arguments.console.say("stopped; what is done is kept: run the same command again to go on")
        return INTERRUPTED
    told = claims.as_markdown(results)
    table = as_markdown(results) + (f"\n{told}" if told else "")
    write_text(folder / "study.md", table, ".md")
    write_text(folder / "study.csv", as_csv(results), ".csv")
    arguments.console.out(table.rstrip())
    return 0


def _tell_plan(study, out) -> None:
    from ...evaluation.grid.remaining import spoken

    study.refuse_strangers()
    untrained, tests = study.left_to_do()
    out(f"{len(study.trials)} networks: {', '.join(trial.name for trial in study.trials)}")
    if not tests:
        out("all of it is done: run the same command without --plan for the tables")
        return
    out(f"networks to train: {len(untrained)}; tests to do: {tests}")
    if untrained:
        out(f"training takes about {spoken(study.modelled_seconds(untrained))} on two cores")


# Options of one of the two studies, and what they are where they were not typed.
_OF_EFFORT = {"arms": ["partial", "full"], "full_scans": 1, "folds": None, "split": None, "steps": []}
_OF_EFFORT |= {"out_of_distribution": None, "simulated_scanner": False, "selector": "cover", "all_parts": False}
_OF_ACTIVE = {"strategies": None, "shares": None, "unpainted_scans": None, "clicks": None, "overlap": 0.5}


def _refuse_mixed(arguments) -> None:
    """Refuse options of the other study, which would count for nothing."""
    where, unused = ("with", _OF_EFFORT) if arguments.active else ("without", _OF_ACTIVE)
    typed = next((name for name, usual in unused.items() if getattr(arguments, name) != usual), None)
    if typed is not None:
        raise InputError(f"--{typed.replace('_', '-')} means nothing {where} --active: leave one of them out")


def _study(arguments, folder: Path):
    from ...evaluation.cohort.plan import StudyPlan
    from ...evaluation.cohort.study import CohortStudy
    from ...evaluation.datasets import find_labelled_cases
    from ...evaluation.grid.planner import View

    plan = StudyPlan(
        arms=tuple(arguments.arms),
        full_scans=arguments.full_scans,
        folds=arguments.folds,
        split=None if arguments.split is None else tuple(arguments.split),
        steps=tuple(arguments.steps),
        seeds=tuple(arguments.seeds),
    )
    layout = {"images": arguments.images, "labels": arguments.labels}
    cases = find_labelled_cases(arguments.data, **layout, limit=arguments.limit)
    others = []
    if arguments.out_of_distribution is not None:
        others = find_labelled_cases(arguments.out_of_distribution, **layout)
    outputs = [("the study", folder / name) for name in ("study.md", "study.csv", "results.jsonl")]
    refuse_among_scans(arguments, [*cases, *others])
    check_outputs(arguments, outputs, cases=[*cases, *others], written_into=[folder / "models"])
    return CohortStudy(
        folder,
        cases,
        others,
        plan,
        training.settings_from(arguments),
        shared.selector_from(arguments),
        View(axis=arguments.axis, replace_nan=arguments.replace_nan, classes=tuple(arguments.classes)),
        tidy=not arguments.all_parts,
        scanner=arguments.simulated_scanner,
    )
