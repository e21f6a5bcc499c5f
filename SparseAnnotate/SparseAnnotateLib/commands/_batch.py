"""`sparse-annotate predict` over many cases, or on a cluster."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError
from ._outputs import check_outputs, refuse_folder_of_cases


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to run, and how to treat a folder or table of cases."""
    group = parser.add_argument_group("many cases, and clusters")
    group.add_argument("--workers", type=int, metavar="N", help="predict N cases at a time, on a local Dask cluster")
    group.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="predict on the Dask cluster of this scheduler")
    group.add_argument("--format", metavar=".SUFFIX", help="their format (default: .nii.gz)")
    group.add_argument(
        "--again", action="store_true", help="predict all cases, also those whose result is there (default: go on)"
    )


def refuse_options_of_many_cases(arguments: argparse.Namespace) -> None:
    """Raise InputError where one case is given, and what only many can have."""
    for name, asked in (
        ("workers", arguments.workers is not None),
        ("format", arguments.format is not None),
        ("again", arguments.again),
    ):
        if asked:
            raise InputError(f"--{name} is for many cases: give a folder or a table of cases without LABELS")


def run_one(arguments: argparse.Namespace, predictor, volume, annotation, show, initial=None):
    """The prediction of one case: in this process, or with --scheduler on a cluster."""
    from .. import jobs, predictors
    from ..jobs.batch import open_runner
    from ..quality.expected import with_expected_quality

    job = jobs.Job(predictor.name, volume, annotation, predictor.options, str(arguments.image), initial)
    if arguments.scheduler is None and initial is not None:
        return jobs.run_job(jobs.InlineRunner(), job, show)
    if arguments.scheduler is None:
        prediction = predictors.run(predictor, volume, annotation, show)
        return with_expected_quality(prediction, annotation, volume.spacing_mm, predictor.name, volume.intensities)
    with open_runner(arguments.scheduler) as runner:
        return jobs.run_job(runner, job, show)


def run_batch(arguments: argparse.Namespace, predictor) -> int:
    """Predict the cases of the folder or table `arguments.image` into the folder `arguments.output`.

    Returns
    -------
    int
        0 where every case has its result, 1 where one failed; the reasons stand at the end and in cases.csv.
    """
    from ..io import check_writable
    from ..io.itk import uncaptured_stderr
    from ..jobs import batch, cases

    refuse_folder_of_cases(arguments)
    console, output = arguments.console, Path(arguments.output)
    shared = {
        "predictor": predictor.name,
        "options": predictor.options.to_dict(),
        "axis": arguments.axis,
        "replace_nan": arguments.replace_nan,
    }
    reading = {"channel": arguments.channel, "spacing_mm": arguments.spacing}
    shared |= {name: value for name, value in reading.items() if value is not None}
    found = cases.find_cases(
        Path(arguments.image), output, suffix=f".{(arguments.format or 'nii.gz').removeprefix('.')}", **shared
    )
    settings = {name: value for name, value in shared.items() if name != "options"} | shared["options"]
    outputs = [(f"the result of {case.name},", case.output) for case in found]
    outputs += [("the table", output / "cases.csv"), ("the settings", output / "batch.json")]
    check_outputs(arguments, outputs, cases=found)
    cases.refuse_folders_in_names(found)
    for case in found:
        check_writable(case.output, folder_is_made=True)
    cases.refuse_missing([case for case in found if arguments.again or not case.finished])
    cases.refuse_image_as_labels(found)
    batch.keep_to_settings(output, settings, again=arguments.again, results=[case.output for case in found])
    check_writable(found[0].output)
    console.say(f"{len(found)} case{'s' * (len(found) != 1)} from {arguments.image}")
    numbers = iter(range(1, len(found) + 1))

    def show(outcome: batch.Outcome) -> None:
        with uncaptured_stderr():  # the next case is read meanwhile
            if outcome.state != "skipped":
                console.say(f"{next(numbers)}: {outcome.case.name} {outcome.state} ({outcome.seconds:.1f} s)")
            for sentence in outcome.understood:
                console.say(f"   {outcome.case.name}: {sentence}")
            for sentence in outcome.warnings:
                console.say(f"   {outcome.case.name}: warning: {sentence}")

    with batch.open_runner(arguments.scheduler, arguments.workers) as runner:
        outcomes = batch.predict_cases(found, runner, show, again=arguments.again)
    batch.write_table(outcomes, output / "cases.csv")
    for line in batch.summary(outcomes):
        console.out(line)
    return batch.exit_code(outcomes)
