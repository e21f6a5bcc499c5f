"""Arguments that several subcommands share, and what they turn into."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re

import numpy as np

from ..device import DEVICES, resolve_device
from ..errors import InputError, require
from ..predictors import PREDICTORS
from ..selectors import SELECTORS
from ..selectors.base import count_for


def add_image(parser: argparse.ArgumentParser) -> None:
    """IMAGE and how to read it."""
    parser.add_argument("image", metavar="IMAGE", help="3-D image file, TIFF stack or DICOM folder")
    parser.add_argument(
        "--axis",
        choices=("auto", "i", "j", "k"),
        default="auto",
        help="annotation axis as stored in the file, k the slowest; default: auto, found from the labels, else the "
        "largest spacing (ties: last)",
    )
    add_replace_nan(parser)
    parser.add_argument(
        "--channel", type=int, metavar="N", help="of an image with several channels or times the one to take, from 0"
    )
    parser.add_argument(
        "--spacing",
        nargs=3,
        type=_length_mm,
        metavar=("I", "J", "K"),
        help="size of a voxel in mm along the file's axes, where the file does not say it (TIFF, pictures)",
    )


def add_replace_nan(parser) -> None:
    """--replace-nan."""
    parser.add_argument(
        "--replace-nan", type=finite, metavar="VALUE", help="replace NaN and infinite intensities by VALUE"
    )


def add_overlap(parser: argparse.ArgumentParser) -> None:
    """--overlap."""
    parser.add_argument(
        "--overlap",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share by which a window overlaps the next one (default: 0.5)",
    )


def image_from(arguments):
    """The image that the arguments of `add_image` name, to which the output, if there is one, can belong."""
    from ..io import check_dicom_output, read_image

    for name in ("labels", "reference"):
        other = getattr(arguments, name, None)
        if (
            other
            and os.path.exists(other)
            and os.path.exists(arguments.image)
            and os.path.samefile(other, arguments.image)
        ):
            raise InputError(f"{arguments.image} is given as the image and as the {name}: give two files")
    volume = read_image(
        arguments.image,
        arguments.axis,
        arguments.replace_nan,
        channel=arguments.channel,
        spacing_mm=arguments.spacing,
    )
    if getattr(arguments, "output", None):
        check_dicom_output(arguments.output, volume)
    return volume


def finite(text: str) -> float:
    """A number that is neither NaN nor infinite."""
    number = float(text)
    if number - number:
        raise argparse.ArgumentTypeError(f"{text} is NaN or infinite itself: write a number, such as 0")
    return number


def _length_mm(text: str) -> float:
    length = float(text)
    if not 0 < length < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no length: write millimetres above 0")
    return length


def add_range(parser: argparse.ArgumentParser, default: str) -> None:
    """--range FIRST LAST."""
    parser.add_argument(
        "--range",
        nargs=2,
        type=int,
        metavar=("FIRST", "LAST"),
        help=f"first and last plane of the structures (from 0), outside which there are none; default: {default}",
    )


def add_count(parser, *, required: bool = True, with_planes: bool = False) -> None:
    """--count N or --fraction F [--of range|volume], and --planes where wanted."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument("--count", type=int, metavar="N", help="how many planes")
    group.add_argument(
        "--fraction", type=float, metavar="F", help="share of planes, 0 to 1: max(2, round(F * planes)) of them"
    )
    if with_planes:
        group.add_argument("--planes", type=planes_from, metavar="3,9,..", help="just these planes, numbered from 0")
    parser.add_argument(
        "--of", choices=("range", "volume"), default="range", help="what --fraction is a share of (default: range)"
    )


def add_selector(parser: argparse.ArgumentParser, option: str = "--set") -> None:
    """--selector and its options."""
    names = SELECTORS.names()
    parser.add_argument(
        "--selector",
        choices=[*names, *SELECTORS.former_names()],
        default="cover",
        metavar="NAME",
        help=_choices(names, "cover"),
    )
    parser.add_argument(
        option,
        dest="selector_options",
        action="append",
        default=[],
        metavar="option=value",
        help="an option of the selector; may be repeated",
    )
    parser.add_argument(
        "--weights", metavar="PATH", help="pretrained weights, for selectors and networks that need them"
    )


def add_predictor(parser: argparse.ArgumentParser) -> None:
    """--predictor, its options and the device."""
    names = PREDICTORS.names()
    parser.add_argument("--predictor", choices=names, default="guided", metavar="NAME", help=_choices(names, "guided"))
    parser.add_argument(
        "--set",
        dest="predictor_options",
        action="append",
        default=[],
        metavar="option=value",
        help="an option of the predictor; may be repeated (`sparse-annotate info` lists them)",
    )
    parser.add_argument(
        "--start-from", metavar="MODEL", help="cohort model that the predictor starts from (see `cohort train`)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: auto)")


def add_data_set(parser: argparse.ArgumentParser) -> None:
    """A data set of scans with labels, in any layout that `find_labelled_cases` knows."""
    parser.add_argument(
        "data", metavar="DATA", help="folder, table (.csv), or dataset.json of the Decathlon or of nnU-Net"
    )


def add_files(group, labels: str) -> None:
    """Which files of a folder are images and which are labels, with an example of the latter."""
    group.add_argument("--images", metavar="PATTERN", help="images in the folder, such as '*/t1.nii.gz'")
    group.add_argument("--labels", metavar="PATTERN", help=f"their labels, such as '{labels}'")


def add_reading(group) -> None:
    """How the files of a data set are read."""
    group.add_argument(
        "--channel",
        type=int,
        metavar="N",
        help="which channel of images with several, from 0 (default: the first of 4-D images)",
    )
    group.add_argument(
        "--class-names",
        default="",
        metavar="'1=liver; 2=tumour'",
        help="names of structures, instead of the data set's own",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """--seed."""
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (default: 0)")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """--quiet."""
    parser.add_argument("--quiet", "-q", action="store_true", help="show results and errors only")


def _choices(names, default: str) -> str:
    return f"{', '.join(names)} (default: {default})"


def planes_from(text: str) -> list[int]:
    """Plane numbers from "3,17,29", "3 17 29" or "3-7,12"."""
    planes: list[int] = []
    for part in text.replace(",", " ").split():
        match = re.fullmatch(r"(\d{1,7})(?:-(\d{1,7}))?", part)
        if match is None:
            raise argparse.ArgumentTypeError(f"{part!r} is no plane number: write 3,17,29 or 3-7,12")
        first, last = match[1], match[2] or match[1]
        named = range(int(first), int(last) + 1)
        if not named:
            raise argparse.ArgumentTypeError(f"{part!r} names no plane: write {last}-{first}")
        planes.extend(named)
    if not planes:
        raise argparse.ArgumentTypeError("it names no plane: write 3,17,29 or 3-7,12, or leave the option out")
    return planes


def pairs_from(texts: list[str]) -> dict[str, str]:
    """Options by name from ["name=value", ...]."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} sets nothing: write option=value")
        pairs[name.strip()] = value.strip()
    return pairs


def selector_from(arguments):
    """The selector that the arguments name."""
    cls = SELECTORS.get(arguments.selector)
    return _checked(SELECTORS.create(arguments.selector, _with_common(arguments, cls, "selector")))


def predictor_from(arguments, **defaults):
    """The predictor that the arguments name; `defaults` hold where --set does not say otherwise."""
    cls = PREDICTORS.get(arguments.predictor)
    defaults = {"seed": getattr(arguments, "seed", 0), "device": arguments.device, **defaults}
    return _checked(PREDICTORS.create(arguments.predictor, {**defaults, **_with_common(arguments, cls, "predictor")}))


def _checked(method):
    """A selector or predictor whose files, packages and device are there, as far as that is told at once."""
    method.options.check_files()
    for name in method.needs:
        if importlib.util.find_spec(name) is None:
            require(name, extra=method.extra, purpose=f"{method.name}")
    device = getattr(method.options, "device", "auto")
    if device != "auto":
        resolve_device(device)
    return method


def _with_common(arguments, cls: type, kind: str) -> dict[str, str]:
    """The options given with --set; --device and --weights too, where the class has them."""
    options = pairs_from(getattr(arguments, f"{kind}_options"))
    known = set(cls.Options.__dataclass_fields__)
    names = ["device", "weights"]
    start_from = getattr(arguments, "start_from", None) if kind == "predictor" else None
    if start_from is not None:
        if "start_from" not in known:
            raise InputError(f"the predictor {cls.name} cannot start from a model: choose {_able_to_start()}")
        # Workers may run in another folder.
        options.setdefault("start_from", os.path.abspath(start_from))
    # One file cannot hold the weights of two networks: where the selector takes them, they are its own.
    selector = getattr(arguments, "selector", None) if kind == "predictor" else None
    if selector and "weights" in SELECTORS.get(selector).Options.__dataclass_fields__:
        names.remove("weights")
    for name in names:
        value = getattr(arguments, name, None)
        if value is not None and name in known:
            options.setdefault(name, value)
    return options


def _able_to_start() -> str:
    classes = [PREDICTORS.get(name) for name in PREDICTORS.names()]
    return ", ".join(cls.name for cls in classes if "start_from" in cls.Options.__dataclass_fields__)


def count_from(arguments, plane_range: tuple[int, int], planes: int) -> int:
    """The number of planes that --count or --fraction asks for."""
    if arguments.count is not None:
        if arguments.count < 1:
            raise InputError(f"--count {arguments.count}: ask for at least 1 plane")
        return arguments.count
    inside = plane_range[1] - plane_range[0] + 1
    return count_for(arguments.fraction, inside if arguments.of == "range" else planes)


def warn_of_constant_planes(console, volume, plane_range: tuple[int, int]) -> None:
    """Say so where planes inside the range hold a single intensity."""
    first, last = plane_range
    constant = first + np.flatnonzero(volume.constant_planes[first : last + 1])
    if len(constant):
        console.say(
            f"note: {len(constant)} of {last - first + 1} planes of the range hold one intensity only (the first is "
            f"{constant[0]}), so the image cannot tell them apart: narrow the range if they lie outside the structures"
        )
