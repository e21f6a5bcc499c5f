"""`sparse-annotate cohort evaluate --active`: planes that a network asks for, against other ways to choose them."""

from __future__ import annotations

from pathlib import Path

from .._outputs import check_outputs, refuse_among_scans
from . import train as training

INTERRUPTED = 130

# The recipe of Zhang 2019, 500 steps an update, for what was not typed. Its network sees the image alone.
_RECIPE = {
    "known_channel": False,
    "loss": "ce",
    "optimizer": "sgd",
    "optimisation": "constant",
    "learning_rate": 1e-3,
    "batch_size": 2,
    "epochs": 5,
    "blocks_per_epoch": 200,
    "validation_share": 0.0,
}


def add_active(group) -> None:
    """The arguments of the study."""
    group.add_argument(
        "--active",
        action="store_true",
        help="the study of Zhang 2019, with its recipe unless another is given (SGD, 1e-3, batches of 2, 5 epochs of "
        "100 steps an update, cross entropy)",
    )
    group.add_argument(
        "--strategies",
        nargs="+",
        metavar="NAME",
        help="of attention, uncertainty, random, equal-interval (default: all)",
    )
    group.add_argument(
        "--shares",
        nargs="+",
        type=float,
        metavar="SHARE",
        help="shares of painted planes, one after the other (default: 0.0625 to 0.5 in steps of 0.0625)",
    )
    group.add_argument(
        "--unpainted-scans", type=int, metavar="N", help="scans that are never painted, part B (default: a third)"
    )
    group.add_argument(
        "--clicks",
        choices=("none", "all"),
        help="all: the structures' first and last plane are known, and none beyond is asked for (default: none, as in "
        "the paper)",
    )
    group.add_argument(
        "--overlap",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share by which windows overlap in tests (default: 0.5)",
    )


def run_active(arguments, folder: Path) -> int:
    """Train, test, write tables and pictures; returns the exit code."""
    from ...evaluation.cohort.active.figures import draw_dice, draw_orders
    from ...evaluation.cohort.active.report import as_csv, as_markdown
    from ...evaluation.grid.remaining import spoken
    from ...io import write_text

    study, console = _study(arguments, folder), arguments.console
    if arguments.plan:
        for seed, (painted, others) in study.parts.items():
            console.out(f"seed {seed}: part A {', '.join(painted)}; part B {', '.join(others)}")
        console.out(f"{len(study.rounds)} networks: {', '.join(one.name_with(study.plan) for one in study.rounds)}")
        networks, tests = study.left_to_do()
        if not tests:
            console.out("all of it is done: run the same command without --plan for the tables")
            return 0
        console.out(f"at most {networks} networks to train and {tests} tests to do")
        if networks:
            console.out(f"training takes at most about {spoken(study.modelled_seconds(networks))} on two cores")
        return 0
    try:
        results = study.run(console.say)
    except KeyboardInterrupt:
        console.say("stopped; what is done is kept: run the same command again to go on")
        return INTERRUPTED
    table = as_markdown(results, study.plan)
    write_text(folder / "active.md", table, ".md")
    write_text(folder / "active.csv", as_csv(results, study.plan), ".csv")
    draw_dice(results, study.plan, folder / "active_dice.png")
    draw_orders(results, study.plan, folder / "active_orders.png")
    console.out(table.rstrip())
    return 0


def _study(arguments, folder: Path):
    from ...evaluation.cohort.active.plan import ActivePlan
    from ...evaluation.cohort.active.study import ActiveStudy
    from ...evaluation.datasets import find_labelled_cases
    from ...evaluation.grid.planner import View

    given = {"strategies": arguments.strategies, "shares": arguments.shares}
    given = {name: tuple(values) for name, values in given.items() if values is not None}
    plan = ActivePlan(unpainted_scans=arguments.unpainted_scans, seeds=tuple(arguments.seeds), **given)
    layout = {"images": arguments.images, "labels": arguments.labels}
    cases = find_labelled_cases(arguments.data, **layout, limit=arguments.limit)
    names = ("active.md", "active.csv", "active.jsonl", "asked.jsonl", "active_dice.png", "active_orders.png")
    refuse_among_scans(arguments, cases)
    outputs = [("the study", folder / name) for name in names]
    check_outputs(arguments, outputs, cases=cases, written_into=[folder / "models"])
    for name, value in _RECIPE.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    view = View(
        axis=arguments.axis,
        replace_nan=arguments.replace_nan,
        classes=tuple(arguments.classes),
        clicks=arguments.clicks or "none",
    )
    settings = training.settings_from(arguments)
    return ActiveStudy(folder, cases, plan, settings, view, overlap=arguments.overlap)
