"""The values of a label map: whole numbers, few enough for structures, with 0 for background."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..label_map import MAXIMUM_CLASSES

_log = logging.getLogger(__name__)

# A value this near to a whole number stands for it; one that is farther does so where no other value does.
_NEARLY_WHOLE, _LEAST_CERTAIN = 0.05, 0.25
# What lies farther from a 0 that stands beside it exactly is no 0: labels divided by 255 begin at .0039.
_NOTHING = 1e-3

# A label map with more structures than this whose labelled neighbours differ in most places is an image.
_FEW_STRUCTURES, _FEW_PAIRS = 20, 500

NOT_FINITE = "the labels hold NaN or infinite values: give a label map"


def as_unsigned(array: np.ndarray, path: str | Path) -> np.ndarray:
    """Whole numbers of any type, in the smallest unsigned type that holds them, without a large copy in between."""
    if array.dtype.kind == "u":
        return array
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(NOT_FINITE)
    if low < -_NEARLY_WHOLE:
        raise InputError("the labels hold negative values: use 0 for background and positive numbers for structures")
    if high >= 2**32:
        raise InputError(f"the labels hold the value {high:g}: give a label map")
    whole = np.empty(array.shape, np.min_scalar_type(int(np.rint(high))))
    values: dict[float, int] = {}
    for source, target in zip(array, whole, strict=True):
        if array.dtype.kind == "f":
            rounded = np.rint(source)
            values = _inexact(source, rounded, values)
            source = rounded
        target[...] = source
    if values and high > 0 and not whole.any():
        raise InputError(
            f"the labels are all nearly 0 (up to {high:.3g}), so none of them would be left: correct the scale in "
            "their header (scl_slope), or save them unscaled"
        )
    if values:
        _log.warning("%s: %s", path, _said_of_scaled(values))
    return whole


def _inexact(source: np.ndarray, rounded: np.ndarray, before: dict[float, int]) -> dict[float, int]:
    """The values that are not whole, with the whole numbers they stand for, and those found `before`.

    A header's slope of, say, 12 / 255 turns the label 2 into 1.976, everywhere: one value for one label.

    Raises
    ------
    InputError
        Where it is not clear for which number a value stands.
    """
    off = source != rounded
    if not off.any():
        return before
    found, first = np.unique(source[off], return_index=True)
    numbers = rounded[off][first].astype(np.int64).tolist()
    pairs = dict(zip(found.tolist(), numbers, strict=True))
    merged = {**before, **pairs}
    near = max(abs(value - number) for value, number in pairs.items()) <= _NEARLY_WHOLE
    several = len(set(merged.values())) < len(merged) or np.isin(numbers, source[~off]).any()
    lost = any(number == 0 and abs(value) > _NOTHING for value, number in pairs.items()) and (source[~off] == 0).any()
    distances = [abs(value - number) for value, number in pairs.items()]
    if max(distances) <= _NOTHING and len(merged) > MAXIMUM_CLASSES:
        merged = _farthest(merged)
    if (
        lost
        or len(merged) > MAXIMUM_CLASSES
        or (not near and (several or max(distances) > _LEAST_CERTAIN or 0 in numbers))
    ):
        raise InputError("the labels are not whole numbers: give a label map, not an image or probabilities")
    return merged


def _farthest(pairs: dict[float, int]) -> dict[float, int]:
    """Of each whole number the value farthest from it: noise in the last digits gives every voxel another one."""
    farthest: dict[int, float] = {}
    for value, number in pairs.items():
        if abs(value - number) >= abs(farthest.get(number, number) - number):
            farthest[number] = value
    return {value: number for number, value in farthest.items()}


def _said_of_scaled(values: dict[float, int]) -> str:
    value, number = max(values.items(), key=lambda pair: abs(pair[0] - pair[1]))
    digits = next(count for count in (6, 9, 12, 17) if float(f"{value:.{count}g}") != number)
    return (
        f"the labels lost their exactness, as by a scale in their header (such as {value:.{digits}g} for {number}): "
        "they were brought back to whole numbers"
    )


def values_of(array: np.ndarray, path: str | Path) -> list[int]:
    """The values above 0 that occur, ascending; a line says so where there is no 0, the background.

    Raises
    ------
    InputError
        Where there are as many as an image has.
    """
    values, pixels = _counted(array)
    _refuse_image(array, len(values))
    if values and sum(pixels) == array.size:
        most = int(np.argmax(pixels))
        _log.warning(
            "%s holds no 0, which stands for background, so all of it is taken as structures: if %d (%.0f %% of the "
            "voxels) is the background, save it as 0",
            path,
            values[most],
            100 * pixels[most] / array.size,
        )
    elif values and 2 * max(pixels) > array.size and (around := _value_around(array)):
        _log.warning(
            "%s: %d is on most voxels and all around, as a background is: if it is the background, save it as 0",
            path,
            around,
        )
    return values


def _value_around(array: np.ndarray) -> int:
    """The value that all voxels on the sides of a volume have; 0 where they differ."""
    sides = [side for axis in range(array.ndim) for side in (array.take(0, axis), array.take(-1, axis))]
    value = int(sides[0].flat[0])
    return value if all((side == value).all() for side in sides) else 0


def _refuse_image(array: np.ndarray, count: int) -> None:
    """An image given as labels has as many "structures" as it has grey values, and neighbours that differ."""
    if count > MAXIMUM_CLASSES:
        raise InputError(
            f"the labels hold {count} different values, at most {MAXIMUM_CLASSES} structures can be handled: is this "
            "the image? Give a label map"
        )
    if count < _FEW_STRUCTURES:
        return
    pairs = differ = 0
    for part in array:
        here, there = part[:, 1:], part[:, :-1]
        both = (here > 0) & (there > 0)
        pairs += np.count_nonzero(both)
        differ += np.count_nonzero(both & (here != there))
    if differ > pairs / 2 and pairs > _FEW_PAIRS:
        raise InputError(
            f"the labels hold {count} different values that change from voxel to voxel, as an image does: give a label "
            "map"
        )


def _counted(array: np.ndarray) -> tuple[list[int], list[int]]:
    """The values above 0, ascending, and their voxels; plane by plane, for sorting 512x512x600 would take seconds."""
    found: dict[int, int] = {}
    for part in array:
        if not part.any():
            continue
        if array.dtype.itemsize <= 2:
            counts = np.bincount(part.ravel())
            values = np.flatnonzero(counts)
            counts = counts[values]
        else:
            values, counts = np.unique(part, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            found[value] = found.get(value, 0) + count
    values = sorted(found.keys() - {0})
    return values, [found[value] for value in values]
