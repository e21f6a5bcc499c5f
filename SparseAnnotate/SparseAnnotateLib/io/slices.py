"""Numbered slices, each a picture of its own: in which order they stack, and what their names tell of missing ones."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import tiff
from .found import Found, as_itk_type, listed

_log = logging.getLogger(__name__)

LOSSY = (".jpg", ".jpeg")
SUFFIXES = (*tiff.SUFFIXES, ".png", *LOSSY, ".bmp")

# Pictures that are not read; one that is called as a slice would be missing.
_OTHER_PICTURES = (".gif", ".webp", ".heic", ".avif", ".jp2", ".j2k", ".jxl", ".pgm", ".pnm", ".tga", ".exr")

_ORIENTATION = 274  # the tag of it
_ALIKE = {".tiff": ".tif", ".jpeg": ".jpg"}
_WHOLE, _DECIMAL = r"\d+", r"\d+(?:\.\d+)?"


def slices_in(folder: Path) -> list[Path]:
    """The pictures in a folder, by name."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")


def read_slices(
    folder: Path, files: Sequence[Path], *, labels: bool = False, image_files: Sequence[Path | str] = ()
) -> Found:
    """Read the slices of one volume.

    Parameters
    ----------
    labels : refuse JPEG, and read a palette's numbers instead of its colours
    image_files : of labels: the files of the image's planes. Where the labels are fewer, they are matched by name.

    Raises
    ------
    InputError
        Where they differ in format, size, kind or (images) type of number, where a number is missing, or where they
        match no plane.
    """
    formats = sorted({_ALIKE.get(file.suffix.lower(), file.suffix.lower()) for file in files})
    if len(formats) > 1:
        raise InputError(f"{folder} holds slices of several formats ({', '.join(formats)}): keep one of them")
    _refuse_unread_slices(folder, files)
    if labels and formats[0] in LOSSY:
        raise InputError(f"{folder} holds labels as JPEG, which changes their values: save them as PNG or TIFF")
    painted = None
    if labels and len(image_files) > 1:
        planes = planes_of(folder, files, [Path(file) for file in image_files])
        files = [file for _, file in sorted(zip(planes, files, strict=True))]
        painted = tuple(sorted(planes))
        if len(painted) < len(image_files):
            _log.warning("%s holds slices for %d of %d planes: these are painted", folder, len(files), len(image_files))
    else:
        files = in_order(folder, files)
        if len(files) < 2:
            raise InputError(f"{folder} holds one slice only: give the folder that holds all slices")
    array = _stacked(folder, files, painted, len(image_files), labels)
    turned = [file.name for file in files if not tiff.is_tiff(file) and _asks_to_be_turned(file)]
    if turned:
        _log.warning("%s: slices that ask to be shown turned are taken as they are stored (%s)", folder, listed(turned))
    spacing = (*tiff.pixel_spacing_mm(files[0]), None) if tiff.is_tiff(files[0]) else (None, None, None)
    partly = painted is not None and len(painted) < len(image_files)
    return Found(array, spacing, files=tuple(files), painted=painted if partly else None)


def _refuse_unread_slices(folder: Path, files: Sequence[Path]) -> None:
    stems = {file.stem.lower() for file in files}
    kinds = {re.sub(_WHOLE, "#", stem) for stem in stems}
    for other in sorted(folder.iterdir()):
        stem = other.stem.lower()
        named_as_one = "#" in (kind := re.sub(_WHOLE, "#", stem)) and kind in kinds and stem not in stems
        if named_as_one and other.suffix.lower() in _OTHER_PICTURES and other.name[0] != ".":
            raise InputError(
                f"{other} is called as a slice, but {other.suffix} is not read: save it as {files[0].suffix}"
            )


def _stacked(folder: Path, files: Sequence[Path], planes: Sequence[int] | None, count: int, labels: bool) -> np.ndarray:
    first = _read(files[0], labels)
    stack = np.zeros((len(files) if planes is None else count, *first.shape), first.dtype)
    for place, file in zip(range(len(files)) if planes is None else planes, files, strict=True):
        one = first if file == files[0] else _read(file, labels)
        if one.shape != first.shape:
            raise InputError(
                f"{files[0].name} and {file.name} in {folder} differ in size: keep the slices of one volume only"
            )
        if one.dtype != stack.dtype:
            # Some programs save an empty slice with fewer bits; 0 is 0 in all of them. The 1 of one bit is anything.
            comparable = labels and bool not in (one.dtype, stack.dtype)
            if not comparable and one.any() and stack.any():
                kinds = ["1-bit" if kind.kind == "b" else str(kind) for kind in (one.dtype, stack.dtype)]
                raise InputError(
                    f"{file.name} in {folder} holds {kinds[0]} numbers, those before it {kinds[1]}, so their "
                    f"{'labels' if labels else 'grey values'} do not compare: save all slices alike"
                )
            stack = stack.astype(np.promote_types(one.dtype, stack.dtype))
        stack[place] = one
    return as_itk_type(stack, folder)


def _read(file: Path, labels: bool) -> np.ndarray:
    if tiff.is_tiff(file):
        return _but_bits(tiff.read_plane(file, labels=labels), file)
    from PIL import Image

    try:
        with Image.open(file) as picture:
            if labels and picture.format in ("JPEG", "MPO"):
                raise InputError(f"{file} is a JPEG, which changes labels: save them as PNG or TIFF")
            grey = picture.mode in ("1", "L", "I", "F") or picture.mode.startswith("I;16")
            if picture.mode == "LA":
                return np.ascontiguousarray(_opaque(np.asarray(picture), file))
            if not grey and not (picture.mode == "P" and labels):
                raise InputError(f"{file} is a colour image: save it in grey")
            array = np.asarray(picture)
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file} cannot be read, it may be damaged or truncated: get a fresh copy of it") from error
    return _but_bits(array, file)


def _but_bits(array: np.ndarray, file: Path) -> np.ndarray:
    """As `as_itk_type`, but single bits stay what they are: next to other slices they are told."""
    return array if array.dtype == bool else as_itk_type(array, file)


def _asks_to_be_turned(file: Path) -> bool:
    from PIL import Image

    with Image.open(file) as picture:
        return picture.getexif().get(_ORIENTATION, 1) not in (0, 1)


def _opaque(array: np.ndarray, file: Path) -> np.ndarray:
    """Grey values without the transparency that some programs add, which says nothing where it is the same all over."""
    if (array[..., 1] != array[0, 0, 1]).any():
        raise InputError(f"{file} is transparent in parts, whose grey is not known: save it without transparency")
    return array[..., 0]


def in_order(folder: Path, files: Sequence[Path]) -> list[Path]:
    """The files in the order of the number that counts their planes: slice2 before slice10.

    Raises
    ------
    InputError
        Where a number is missing, or the names are of several series, channels or times.
    """
    if len(files) < 2:
        return list(files)
    _refuse_several_series(folder, files)
    numbers = counter(files)
    if numbers is None:
        if not re.search(_WHOLE, files[0].stem):
            _log.warning("the slices in %s have no numbers: they are taken in the order of their names", folder)
            return sorted(files, key=lambda file: file.name.lower())
        raise InputError(
            f"no number in the names of the slices in {folder} counts them ({listed([file.name for file in files])}): "
            "keep the slices of one volume only, one channel at one time"
        )
    order = np.argsort(numbers)
    steps = np.diff(np.array(numbers)[order])
    usual = steps.min()
    gap = np.flatnonzero(steps > usual * 1.5)
    if len(gap):
        before, after = files[order[gap[0]]].name, files[order[gap[0] + 1]].name
        raise InputError(f"{folder}: slices are missing between {before} and {after}: find them, or leave no gap")
    if usual > 1 and usual == int(usual):
        _log.warning(
            "the numbers of the slices in %s differ by %d: look whether slices are missing; if they were left out on "
            "purpose, the spacing is that of those that are there",
            folder,
            usual,
        )
    return [files[number] for number in order]


def _refuse_several_series(folder: Path, files: Sequence[Path]) -> None:
    kinds: dict[str, Path] = {}
    for file in files:
        kinds.setdefault(re.sub(_WHOLE, "#", file.stem.lower()), file)
    if len(kinds) > 1 and any("#" in kind for kind in kinds) and not _all_counted_by_decimals(files):
        first, second = list(kinds.values())[:2]
        raise InputError(
            f"{folder} holds slices of several series ({first.name} and {second.name}): keep those of one volume only"
        )


def _all_counted_by_decimals(files: Sequence[Path]) -> bool:
    """Positions in mm, of which some are whole: z5 after z2.5."""
    return len({re.sub(_DECIMAL, "#", file.stem.lower()) for file in files}) == 1


def counter(files: Sequence[Path]) -> list[float] | None:
    """The number that counts the planes in each file's name: it differs in all of them, and evenly if one does."""
    found = None
    for pattern in (_WHOLE, _DECIMAL):
        fields = [[float(number) for number in re.findall(pattern, file.stem)] for file in files]
        if len({len(row) for row in fields}) > 1 or not fields[0]:
            continue
        for column in reversed(list(zip(*fields, strict=True))):
            if len(set(column)) < len(column):
                continue
            steps = np.diff(sorted(column))
            if np.allclose(steps, steps[0], atol=1e-6):
                return list(column)
            found = found or list(column)
    return found


def planes_of(folder: Path, files: Sequence[Path], image_files: Sequence[Path]) -> list[int]:
    """Which plane of the image each slice of labels belongs to: by the whole name, else by the number in it.

    Raises
    ------
    InputError
        Where the names do not tell.
    """
    stems = {file.stem.lower(): plane for plane, file in enumerate(image_files)}
    planes = [stems.get(file.stem.lower()) for file in files]
    if len(stems) == len(image_files) and None not in planes and len(set(planes)) == len(planes):
        return planes
    if len(files) == len(image_files) and all(plane is None for plane in planes):
        order = in_order(folder, files)
        return [order.index(file) for file in files]
    by_number = _planes_by_number(files, image_files)
    if by_number is None:
        of_plane = {plane: file for file, plane in zip(files, planes, strict=True) if plane is not None}
        for file in files:
            begun = [plane for plane, own in of_plane.items() if own != file and _goes_on_as(file.stem, own.stem)]
            if begun and file not in of_plane.values():
                raise InputError(f"{of_plane[begun[0]]} and {file.name} are labels of one slice: keep one of them")
        strange = next((file for file, plane in zip(files, planes, strict=True) if plane is None), files[0])
        raise InputError(
            f"{strange} cannot be matched with a slice of the image by its name: call it as that slice "
            f"({image_files[0].stem}{strange.suffix} for the first), or give labels for all {len(image_files)} slices"
        )
    return by_number


def _goes_on_as(name: str, slice_name: str) -> bool:
    """Whether a name is that of a slice and more: ``s002_mask``, not ``s0021``."""
    return re.fullmatch(re.escape(slice_name) + r"[^0-9].*", name, re.IGNORECASE) is not None


def _planes_by_number(files: Sequence[Path], image_files: Sequence[Path]) -> list[int] | None:
    numbers = counter(image_files)
    if numbers is None:
        return None
    by_number = {number: plane for plane, number in enumerate(numbers)}
    found = []
    for pattern in (_WHOLE, _DECIMAL):
        fields = [[float(number) for number in re.findall(pattern, file.stem)] for file in files]
        if len({len(row) for row in fields}) > 1:
            continue
        for column in zip(*fields, strict=True):
            planes = [by_number.get(number) for number in column]
            if None not in planes and len(set(planes)) == len(planes) and planes not in found:
                found.append(planes)
    return found[0] if len(found) == 1 else None
