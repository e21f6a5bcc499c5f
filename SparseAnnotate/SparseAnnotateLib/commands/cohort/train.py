"""`sparse-annotate cohort train`: one network from many scans with a few painted planes each."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from ...cohort.model import NETWORKS, SUFFIX
from ...cohort.training.settings import LOSSES, OF_THE_NETWORK, OPTIMIZERS, TrainingSettings
from ...device import DEVICES
from ...errors import InputError
from ...learning.schedules import SCHEDULES
from .. import _arguments as shared
from .._outputs import check_outputs

INTERRUPTED = 130


def add_parser(subparsers) -> None:
    """Add the subcommand to those of `cohort`."""
    parser = subparsers.add_parser(
        "train",
        help="train a network on many partly painted scans",
        description="Train one network on many scans of which each has a few painted planes. Run the same command "
        "again to go on after an interruption. Several GPUs: torchrun --nproc-per-node N -m SparseAnnotateLib.cli "
        "cohort train ...",
    )
    shared.add_data_set(parser)
    parser.add_argument("-o", "--output", required=True, metavar=f"MODEL{SUFFIX}", help="the model to write")
    add_data(parser.add_argument_group("the scans"))
    add_network(parser.add_argument_group("the network"))
    add_training(parser.add_argument_group("training"))
    parser.add_argument("--again", action="store_true", help="start anew, even if a training was interrupted")
    parser.add_argument(
        "--again-from",
        metavar=f"MODEL{SUFFIX}",
        help="go on from the weights of this model, after more was painted; network and structures are the model's",
    )
    shared.add_seed(parser)
    shared.add_quiet(parser)
    parser.set_defaults(run=run)


def add_data(group) -> None:
    """The scans and how they are read: arguments that `cohort suggest` has too."""
    shared.add_files(group, "*/painted.seg.nrrd")
    shared.add_reading(group)
    group.add_argument("--limit", type=int, metavar="N", help="only the first N scans")
    group.add_argument(
        "--axis", choices=("auto", "i", "j", "k"), default="auto", help="annotation axis (default: auto)"
    )
    shared.add_replace_nan(group)
    group.add_argument(
        "--planes",
        metavar="TABLE.csv",
        help="which planes are painted: columns name, painted, partly, empty, range (a table of scans may have them "
        "itself); default: those that hold a label",
    )
    group.add_argument(
        "--done",
        nargs="+",
        default=[],
        metavar="TABLE.csv",
        help="of cohort suggest: every plane that it asks for was looked at, and what holds no label there is empty",
    )
    group.add_argument(
        "--ends-painted",
        action="store_true",
        help="the first and last painted plane of a scan without a range are the structures' ends: beyond, all is "
        "background (default: nothing is known there)",
    )


def add_network(group) -> None:
    """What the network is: arguments that `cohort evaluate` has too."""
    group.add_argument("--network", choices=NETWORKS, help="(default: attention-unet3d)")
    group.add_argument("--block", type=_three(int), metavar="P,R,C", help="voxels of a block (default: 48,128,128)")
    group.add_argument(
        "--spacing",
        dest="spacing_mm",
        type=_three(float),
        metavar="P,R,C",
        help="spacing in mm to which scans are resampled (default: their median)",
    )
    group.add_argument(
        "--channels", dest="base_channels", type=int, metavar="N", help="channels at full resolution (default: 16)"
    )
    group.add_argument("--depth", type=int, metavar="N", help="times that rows and columns are halved (default: 3)")
    group.add_argument(
        "--no-known-channel",
        dest="known_channel",
        action="store_false",
        default=None,
        help="do not show the network which voxels are known",
    )


def add_training(group) -> None:
    """How it is trained: likewise."""
    group.add_argument("--loss", choices=LOSSES, help="(default: dice)")
    group.add_argument("--optimisation", choices=tuple(SCHEDULES), help="(default: two-step)")
    group.add_argument("--optimizer", choices=OPTIMIZERS, help="(default: adamw)")
    group.add_argument("--restart-epochs", type=int, metavar="N", help="epochs between warm restarts (default: 60)")
    group.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="the highest rate (default: 5e-4 in two steps)"
    )
    group.add_argument("--batch-size", type=int, metavar="N", help="blocks in a step, in all processes (default: 8)")
    group.add_argument("--blocks-at-once", type=int, metavar="N", help="blocks in memory (default: as many as fit)")
    group.add_argument("--epochs", type=int, metavar="N", help="at most so many (default: 300)")
    group.add_argument("--blocks-per-epoch", type=int, metavar="N", help="(default: to cover the painted parts)")
    group.add_argument("--budget-s", type=float, metavar="S", help="seconds that training may take (default: no limit)")
    group.add_argument("--validation-share", type=float, metavar="SHARE", help="share of the scans (default: 0.2)")
    group.add_argument("--validation-scans", nargs="+", metavar="NAME", help="these scans validate, instead of a share")
    group.add_argument(
        "--no-augmentation",
        dest="augmentation",
        action="store_false",
        default=None,
        help="do not turn, scale and shift blocks, nor change intensities",
    )
    group.add_argument("--flips", action="store_true", default=None, help="mirror blocks, too, where anatomy allows")
    group.add_argument("--device", choices=DEVICES, help="where to compute (default: auto)")


def _three(kind):
    """A parser of three numbers with commas."""

    def parse(text: str):
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != 3:
            raise argparse.ArgumentTypeError(f"{text!r}: write three numbers with commas: planes, rows, columns")
        return values

    return parse


def settings_from(arguments: argparse.Namespace) -> TrainingSettings:
    """What was typed; the rest as it is by default."""
    names = TrainingSettings.__dataclass_fields__
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name, None) is not None}
    if arguments.validation_scans is not None:
        given["validation_scans"] = tuple(arguments.validation_scans)
    return TrainingSettings(**given)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the model; returns the exit code."""
    from ...cohort.training.distributed import started_by_torchrun
    from ...device import resolve_device
    from ...io import check_writable

    settings = settings_from(arguments)
    output = check_writable(arguments.output, (SUFFIX,))
    start = _start(arguments)
    with started_by_torchrun(resolve_device(settings.device)) as processes:
        if not processes.speaks:
            arguments.console.quiet = True
        scans = _labelled(arguments, scans_from(arguments, start and start.configuration.axis, unpainted=True))
        _check_outputs(arguments, output, [one.case for one in scans])
        folder = _training_folder(output, arguments.again, processes)
        try:
            code = _train(arguments, settings, scans, start, output, folder, processes)
        except KeyboardInterrupt:
            arguments.console.say(f"stopped; the last epoch is kept in {folder}: run the same command again to go on")
            return INTERRUPTED
        # Gloo ended a process hard that left while the first still wrote the model.
        processes.wait()
        return code


def _start(arguments):
    """The model that the training goes on from, if any.

    Raises
    ------
    InputError
        Where it would be overwritten, or another network is asked for.
    """
    from ...cohort.model import load_model

    if arguments.again_from is None:
        return None
    start = load_model(arguments.again_from)
    for name in OF_THE_NETWORK:
        asked, there = getattr(arguments, name), getattr(start.configuration, name)
        if asked is not None and asked != there:
            raise InputError(
                f"the {name.replace('_', ' ')} of {arguments.again_from} is {there}, {asked} is asked for: leave that "
                "option out, or train anew without --again-from"
            )
    return start


def _labelled(arguments, scans: list) -> list:
    """Those that have labels; the others are told, for `cohort suggest` takes them from the same folder or table.

    Raises
    ------
    InputError
        Where none has labels.
    """
    there = [one for one in scans if one.case.labels is not None]
    without = [one.name for one in scans if one.case.labels is None]
    if not there:
        raise InputError(f"none of the {len(scans)} scans in {arguments.data} has labels: paint some planes first")
    if without:
        arguments.console.say(f"note: left out, for they have no labels yet: {', '.join(without)}")
    return there


def scans_from(arguments, axis: str | None, *, unpainted: bool = False) -> list:
    """The scans that the arguments of `add_data` name.

    Parameters
    ----------
    axis : of a model, for where none was given
    unpainted : whether scans without labels are among them
    """
    from ...evaluation.datasets.table import class_names_from
    from ...evaluation.grid.planner import View
    from .cases import find_painted_cases, with_done

    try:
        names = class_names_from(arguments.class_names)
    except ValueError as error:
        raise InputError(f"--class-names: {error}") from error
    cases = find_painted_cases(
        arguments.data,
        planes=arguments.planes,
        unpainted=unpainted,
        images=arguments.images,
        labels=arguments.labels,
        channel=arguments.channel,
        class_names=names,
        limit=arguments.limit,
    )
    view = View(axis=axis if axis and arguments.axis == "auto" else arguments.axis, replace_nan=arguments.replace_nan)
    cases = [replace(case, view=view, ends_painted=arguments.ends_painted) for case in cases]
    return with_done(cases, arguments.done, arguments.console.say) if arguments.done else cases


def _beside(output: Path) -> Path:
    return output.with_name(output.name[: -len(SUFFIX)] + ".training")


def _check_outputs(arguments, output: Path, cases) -> None:
    folder = _beside(output)
    outputs = [("the model", output), *(("the log", folder / name) for name in ("log.csv", "log.png", "checkpoint.pt"))]
    check_outputs(arguments, outputs, cases=cases, removed=[folder] if arguments.again else [])


def _training_folder(output: Path, again: bool, processes) -> Path:
    """Beside the model, for checkpoints and logs."""
    folder = _beside(output)
    if processes.speaks:
        if again and folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
    processes.wait()
    return folder


def _train(arguments, settings, scans, start, output: Path, folder: Path, processes) -> int:
    from ...cohort.model import save_model
    from ...cohort.training.cohort import prepare
    from ...cohort.training.trainer import Trainer

    console = arguments.console
    cohort = prepare(scans, settings, start)
    trainer = Trainer(cohort, settings, start=start, folder=folder, processes=processes)
    if start is not None:
        before = start.training_summary.get("painted_planes")
        known = "" if before is None else f", which had learnt from {before} painted planes"
        console.say(f"going on from the weights of {arguments.again_from}{known}")
    _describe(console, trainer)
    for epoch in trainer.run():
        console.say(_line(epoch, trainer.epochs))
    if processes.speaks:
        save_model(trainer.model(), output)
        console.say(
            f"{output}: the weights after epoch {trainer.model().training_summary['best_epoch']}; logs in {folder}"
        )
    return 0


def _describe(console, trainer) -> None:
    cohort, settings = trainer.cohort, trainer.settings
    configuration = cohort.configuration
    for note in cohort.notes:
        console.say(f"note: {note}")
    console.say(
        f"{len(cohort.training)} scans to learn from with {cohort.painted_planes} painted planes, "
        f"{len(cohort.validation)} to validate with; structures: {', '.join(configuration.class_names)}"
    )
    spacing, block = (
        " x ".join(f"{v:.4g}" for v in values) for values in (configuration.spacing_mm, configuration.block)
    )
    console.say(
        f"blocks of {block} voxels at {spacing} mm, {settings.batch_size} a step, {trainer.steps_per_epoch} "
        f"step{'s' * (trainer.steps_per_epoch > 1)} an epoch, on {trainer.device}"
    )
    if trainer.device == "cpu":
        minutes = trainer.epochs * trainer.modelled_seconds_per_epoch() / 60
        console.say(
            f"{trainer.epochs} epoch{'s' * (trainer.epochs > 1)}: about {max(1, minutes):.0f} min on two cores"
            + ("" if settings.budget_s else ": --budget-s, a smaller --block or fewer --channels make it shorter")
        )
    if trainer.history:
        console.say(f"going on after epoch {len(trainer.history)}")


def _line(epoch, epochs: int) -> str:
    dice = "" if epoch.mean_dice is None else f", Dice of validation scans {epoch.mean_dice:.3f}"
    marks = (" (best)" if epoch.best else "") + (" (second step begins)" if epoch.restarted else "")
    return f"epoch {epoch.number} of {epochs}: loss {epoch.loss:.4f}{dice}{marks}"
