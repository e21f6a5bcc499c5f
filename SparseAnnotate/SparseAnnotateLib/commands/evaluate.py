"""`sparse-annotate evaluate`: every selector with every predictor on a whole data set."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from ..errors import InputError, require
from . import _arguments as shared
from ._evaluation_progress import evaluation_progress
from ._outputs import check_outputs, refuse_among_scans
from .simulate import add_clicks

EXIT_DONE, EXIT_SOME_FAILED, EXIT_INTERRUPTED = 0, 1, 130


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "evaluate",
        help="compare selectors and predictors on a data set that has reference labels",
        description="Simulate the annotation of every case with every selector and predictor, and write a report. Run "
        "the same command again to go on after an interruption: only what is missing is done.",
    )
    shared.add_data_set(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder for the results and the report")
    _add_data(parser.add_argument_group("the data set"))
    _add_grid(parser.add_argument_group("the grid"))
    _add_execution(parser.add_argument_group("execution"))
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def _add_data(group) -> None:
    shared.add_files(group, "*/seg.nii.gz")
    shared.add_reading(group)
    group.add_argument("--limit", type=int, metavar="N", help="only the first N cases")


def _add_grid(group) -> None:
    default = _defaults()
    method = "NAME[:option=value,...]"
    group.add_argument(
        "--selectors",
        nargs="+",
        metavar=method,
        help="'all' for all; full: all planes are painted; own-planes: see below (default: cover)",
    )
    group.add_argument(
        "--own-planes",
        action="store_true",
        help="also paint every structure on evenly spaced planes of its own, as many as for all together",
    )
    group.add_argument("--predictors", nargs="+", metavar=method, help="'all' for all (default: nearest shape guided)")
    group.add_argument("--fractions", nargs="+", type=float, metavar="F", help="shares of planes (default: 0.1 0.2)")
    group.add_argument("--of", choices=("range", "volume"), help="what --fractions are shares of (default: range)")
    group.add_argument("--seeds", nargs="+", type=int, metavar="N", help="(default: 0)")
    group.add_argument("--axis", dest="axes", nargs="+", choices=("auto", "i", "j", "k"), help="(default: auto)")
    add_clicks(group)
    group.add_argument(
        "--classes", nargs="+", metavar="CLASS", help="only these structures, by value or name (default: all)"
    )
    group.add_argument(
        "--crop-random", type=int, metavar="PX", help="cut out a random square of PX pixels, one for each seed"
    )
    group.add_argument("--largest-megavoxels", type=float, metavar="M", help="leave out larger cases")
    shared.add_replace_nan(group)
    group.add_argument("--weights", metavar="PATH", help="pretrained weights, for selectors that need them")
    group.add_argument("--start-from", metavar="MODEL", help="cohort model to start from, for predictors that can")
    group.add_argument(
        "--initial", metavar="FOLDER", help="start from segmentations that a program made, CASE.nii.gz in this folder"
    )
    group.add_argument("--device", choices=shared.DEVICES, help="where to compute (default: auto)")
    group.add_argument(
        "--grid", metavar="FILE.json", help=f"a list of grids, to be done in this order, which set {', '.join(default)}"
    )


def _add_execution(group) -> None:
    group.add_argument("--workers", type=int, metavar="N", help="processes (default: one a core, as memory allows)")
    group.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="use the Dask cluster of this scheduler")
    group.add_argument("--retry-failed", action="store_true", help="try again what failed before")
    group.add_argument("--report-only", action="store_true", help="only write the report of what is there")
    group.add_argument("--plan", action="store_true", help="only say how much there is to do")


def run(arguments: argparse.Namespace) -> int:
    """Plan, do what is missing, write the report; returns the exit code."""
    from ..evaluation.evaluate import plan, results_file
    from ..evaluation.grid.planner import check_initial
    from ..evaluation.grid.store import ResultStore
    from ..evaluation.report.write import FILES as REPORT_FILES
    from ..io.writing import make_folder
    from ..jobs.job import import_plugins

    console, folder = arguments.console, Path(arguments.output)
    import_plugins()
    _check(arguments)
    cases = [] if arguments.report_only else _cases(arguments)
    refuse_among_scans(arguments, cases)
    files = (results_file(folder), *(folder / name for name in REPORT_FILES))
    check_outputs(arguments, [("the file", path) for path in files], cases=cases)
    asked = None if arguments.report_only else blocks(arguments)  # what is wrong in it leaves no folder behind
    check_initial(asked or (), cases)
    if asked is not None:
        _check_files(arguments, asked)
    make_folder(folder)
    store = ResultStore(results_file(folder))
    try:
        if arguments.report_only:
            return _report(arguments, store, folder)
        planned = plan(store, cases, asked, retry_failed=arguments.retry_failed)
        console.say(f"{len(cases)} cases, {len(planned.tasks)} tasks, {len(planned.missing)} of them still to do")
        if arguments.plan:
            return EXIT_DONE
        if not _execute(arguments, store, planned.missing):
            console.say("stopped; what is done is kept: run the same command again to go on")
            return EXIT_INTERRUPTED
        return _report(arguments, store, folder, {task.key for task in planned.tasks})
    finally:
        store.close()


def _cases(arguments):
    from ..evaluation.datasets import find_labelled_cases

    return find_labelled_cases(
        arguments.data,
        images=arguments.images,
        labels=arguments.labels,
        channel=arguments.channel,
        class_names=_class_names(arguments.class_names),
        limit=arguments.limit,
    )


def _check(arguments) -> None:
    if arguments.workers is not None and arguments.workers < 1:
        raise InputError(f"--workers {arguments.workers}: ask for at least 1")
    if arguments.workers is not None and arguments.scheduler is not None:
        raise InputError("--workers starts processes here, --scheduler uses a cluster that is there: give one of them")
    if not arguments.plan:
        require("matplotlib", extra="evaluate", purpose="the report")


def _check_files(arguments, asked) -> None:
    """Refuse weights and models that are not there, and those that no method would take."""
    methods = {one for block in asked for one in (*block.selectors, *block.predictors) if one.method_class}
    for option in ("weights", "start_from"):
        if getattr(arguments, option) is None:
            continue
        if not any(option in one.method_class.Options.__dataclass_fields__ for one in methods):
            named = ", ".join(sorted(one.name for one in methods))
            raise InputError(f"none of {named} takes --{option.replace('_', '-')}: leave it out")
    for one in methods:
        one.create().options.check_files()


def _class_names(text: str):
    from ..evaluation.datasets.table import class_names_from

    try:
        return class_names_from(text)
    except ValueError as error:
        raise InputError(f"--class-names: {error}") from error


def _defaults() -> dict[str, Any]:
    return {
        "selectors": ["cover"],
        "predictors": ["nearest", "shape", "guided"],
        "fractions": [0.1, 0.2],
        "of": "range",
        "seeds": [0],
        "axes": ["auto"],
        "classes": [],
        "clicks": "all",
        "crop_random": None,
        "largest_megavoxels": None,
        "replace_nan": None,
        "initial": None,
    }


def blocks(arguments: argparse.Namespace):
    """The grid that the arguments, or the file that they name, ask for; what the file does not say, they do."""
    from ..evaluation.grid.methods import OWN_PLANES, Method
    from ..evaluation.grid.planner import blocks_from

    if arguments.own_planes:
        arguments.selectors = [*(arguments.selectors or _defaults()["selectors"]), OWN_PLANES]
    given = {name: getattr(arguments, name) for name in _defaults() if getattr(arguments, name) is not None}
    # One file fits one network: those of predictors are set one by one, as their options.
    common = {
        "selector": {"weights": arguments.weights, "device": arguments.device},
        "predictor": {"device": arguments.device, "start_from": _absolute(arguments.start_from)},
    }
    entries = [{}] if arguments.grid is None else _read_grid(arguments.grid)
    defaults = {**_defaults(), **given}
    expanded = [_with_all({**entry}) for entry in entries] if isinstance(entries, list) else entries
    return blocks_from(expanded, _with_all(defaults), lambda kind, text: Method.parse(kind, text, common[kind]))


def _absolute(path: str | None) -> str | None:
    """Workers may run in another folder."""
    return None if path is None else os.path.abspath(path)


def _with_all(entry: Any) -> Any:
    """The names that `all` stands for, and the folder of `initial` as workers find it."""
    from ..predictors import PREDICTORS
    from ..selectors import SELECTORS

    if isinstance(entry, dict):
        if isinstance(entry.get("initial"), str):
            entry["initial"] = _absolute(entry["initial"])
        for kind, registry in (("selectors", SELECTORS), ("predictors", PREDICTORS)):
            names = entry.get(kind)
            if isinstance(names, list) and "all" in names:
                others = [name for name in names if name != "all"]
                entry[kind] = [*(name for name in registry.names() if name not in others), *others]
    return entry


def _read_grid(path: str) -> Any:
    from ..io.tables import text_of

    try:
        return json.loads(text_of(Path(path).read_bytes()))
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}): see docs/guide/evaluate.md for an example") from error


def _execute(arguments, store, missing) -> bool:
    """Do the tasks; False where the user stopped it."""
    from ..evaluation.evaluate import execute, open_pool

    if not missing:
        return True
    workers = arguments.workers or os.cpu_count() or 1
    try:
        with (
            open_pool(workers, arguments.scheduler, missing) as pool,
            evaluation_progress(arguments.console, len(missing)) as show,
        ):
            execute(missing, store, pool, retry_failed=arguments.retry_failed, on_progress=show)
    except KeyboardInterrupt:
        return False
    return True


def _report(arguments, store, folder: Path, keys=None) -> int:
    from ..evaluation.report import write_report

    written = write_report(store, folder, keys)
    for line in written.lines:
        arguments.console.out(line)
    return EXIT_SOME_FAILED if written.failed else EXIT_DONE
