"""What a reader hands on: voxels, where they lie as far as the file says, and which files hold the planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Found:
    """A volume as a reader of our own finds it.

    Attributes
    ----------
    array : ndarray, shape (k, j, i), of a type that SimpleITK knows
    spacing_mm : along i, j, k; None where the format or the file does not say it
    origin_mm, direction : as in `ImageGeometry`
    placed : whether the file says where the volume lies in space; pictures and TIFF stacks do not
    files : the files that hold the planes along k, in their order; one file that holds all of them stands alone
    painted : of labels, the planes along k that there is a file for, where not every plane of the image has one
    """

    array: np.ndarray
    spacing_mm: tuple[float | None, float | None, float | None] = (None, None, None)
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    placed: bool = False
    files: tuple[Path, ...] = ()
    painted: tuple[int, ...] | None = None

    @property
    def assumed_spacing_mm(self) -> tuple[float, float, float]:
        """The spacing with what is not said filled in: pixels of 1 mm, planes as far apart as the pixels are wide."""
        i, j, k = self.spacing_mm
        i, j = i or j or 1.0, j or i or 1.0
        return i, j, k or max(i, j)


def said_of_spacing(found: Found, source: Path | str) -> str | None:
    """The line that tells the user which spacing was taken where the file does not say it; None where it does."""
    missing = [axis for axis, spacing in zip("ijk", found.spacing_mm, strict=True) if not spacing]
    if not missing:
        return None
    taken = " x ".join(f"{spacing:.4g}" for spacing in found.assumed_spacing_mm)
    what = "how far apart its planes are" if missing == ["k"] else "its spacing"
    return f"{source} does not say {what}: voxels of {taken} mm are assumed; if that is wrong give --spacing I J K"


def as_itk_type(array: np.ndarray, source: Path | str) -> np.ndarray:
    """An array in the machine's byte order and of a type that SimpleITK has.

    Raises
    ------
    InputError
        For complex numbers and whatever else is no real number.
    """
    if array.dtype.kind == "b":
        return np.ascontiguousarray(array, np.uint8)
    if array.dtype.kind == "c":
        raise InputError(f"{source} holds complex numbers: save its magnitude and give that")
    if array.dtype.kind not in "iuf":
        raise InputError(f"{source} holds {array.dtype} values: save it with one real number a voxel")
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        return np.ascontiguousarray(array, np.float32)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def listed(names: Sequence[str], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
