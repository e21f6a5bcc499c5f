"""One image, its planes stacked along the axis that is annotated."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

import numpy as np

from .errors import InputError

AXES = ("i", "j", "k")

# Arrays in file order are (k, j, i). Each entry moves them to (plane, row, column) without mirroring.
_TO_PLANES = {"k": (0, 1, 2), "j": (1, 0, 2), "i": (2, 0, 1)}

# Spacings that differ by less than this share are ties: scanners write 0.9999998 for 1.
_SPACING_TOLERANCE = 1e-3


@dataclass(frozen=True)
class ImageGeometry:
    """Where an image lies in the patient, as its file says: all in the order i, j, k, in mm, LPS.

    Attributes
    ----------
    size : tuple of int, voxels along i, j, k
    spacing_mm, origin_mm : tuple of float
    direction : tuple of 9 float, row-major 3 x 3 direction cosines
    header : bytes or None
        The header of the file that it was read from, where the format rounds these numbers (NIfTI, NRRD): a result
        written in the same format repeats it, so that no bit changes.
    files : tuple of str
        The files of the planes along k, in that order, or the one that holds all of them; () where there is no need:
        a DICOM result refers to them, and slices of labels are matched with them by name.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    header: bytes | None = field(default=None, compare=False, repr=False)
    files: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def difference(self, other: ImageGeometry, tolerance: float = 1e-3) -> str | None:
        """What differs from another grid by more than `tolerance` (of a voxel or a cosine); None if nothing does."""
        if self.size != other.size:
            return f"size {_times(self.size)} against {_times(other.size)}"
        voxel = min(self.spacing_mm)
        for name in ("spacing_mm", "origin_mm"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if not np.allclose(mine, theirs, rtol=0, atol=tolerance * voxel):
                return f"{name.removesuffix('_mm')} {_listed(mine)} against {_listed(theirs)} mm"
        if not np.allclose(self.direction, other.direction, rtol=0, atol=tolerance):
            return f"direction {_listed(self.direction)} against {_listed(other.direction)}"
        return None


def _times(size) -> str:
    return "x".join(str(n) for n in size)


def _listed(values) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def resolve_axis(axis: str, spacing_mm: tuple[float, float, float]) -> str:
    """The annotation axis: `axis` itself, or for ``auto`` the one with the largest spacing, ties to the last.

    Parameters
    ----------
    axis : {"auto", "i", "j", "k"}
    spacing_mm : spacing along i, j, k
    """
    if axis in AXES:
        return axis
    if axis != "auto":
        raise InputError(f"unknown annotation axis {axis!r}: choose auto, i, j or k")
    largest = max(spacing_mm)
    return AXES[max(n for n in range(3) if spacing_mm[n] >= largest * (1 - _SPACING_TOLERANCE))]


@dataclass(frozen=True)
class Volume:
    """Intensities as a stack of planes, with the way back to the file.

    Attributes
    ----------
    intensities : ndarray of float32, shape (planes, rows, columns)
    spacing_mm : distance between planes, rows and columns
    geometry : the file's grid
    axis : {"i", "j", "k"}
        The axis of the file that became the plane axis; of the other two, the slower one became the rows.
    """

    intensities: np.ndarray
    spacing_mm: tuple[float, float, float]
    geometry: ImageGeometry
    axis: str = "k"

    @classmethod
    def from_file_order(cls, array: np.ndarray, geometry: ImageGeometry, axis: str = "auto") -> Volume:
        """Build from an array in file order (k, j, i); nothing is resampled or mirrored.

        Raises
        ------
        InputError
            For anything but three axes of real, finite numbers.
        """
        if array.ndim != 3:
            raise InputError(f"the image has {array.ndim} axes: give one 3-D volume")
        if array.dtype.kind not in "biuf":
            raise InputError(f"the image holds {array.dtype} values: convert it to one real number a voxel")
        if tuple(reversed(array.shape)) != tuple(geometry.size):
            raise InputError(
                f"the array has {_times(reversed(array.shape))} voxels, its geometry {_times(geometry.size)}"
            )
        if 0 in array.shape:
            raise InputError("the image holds no voxel: check the file")
        i_mm, j_mm, k_mm = (float(s) for s in geometry.spacing_mm)
        spacing = (i_mm, j_mm, k_mm)
        if not all(np.isfinite(s) and s > 0 for s in spacing):
            raise InputError(f"the image's spacing is {_listed(spacing)} mm: set a positive one in its header")
        axis = resolve_axis(axis, spacing)
        with np.errstate(over="ignore"):
            intensities = np.ascontiguousarray(array.transpose(_TO_PLANES[axis]), dtype=np.float32)
        _refuse_too_large(array)
        _refuse_non_finite(intensities)
        _refuse_lost(array)
        plane_mm, row_mm, column_mm = (spacing[::-1][n] for n in _TO_PLANES[axis])
        return cls(intensities, (plane_mm, row_mm, column_mm), geometry, axis)

    @classmethod
    def from_array(cls, intensities: np.ndarray, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
        """Build from planes in memory, shape (planes, rows, columns), spacing in the same order."""
        intensities = np.asarray(intensities)
        k_mm, j_mm, i_mm = (float(s) for s in spacing_mm)
        geometry = ImageGeometry(tuple(reversed(intensities.shape)), (i_mm, j_mm, k_mm))
        return cls.from_file_order(intensities, geometry, axis="k")

    def along(self, axis: str) -> Volume:
        """The same image with another annotation axis ("i", "j" or "k")."""
        if axis == self.axis:
            return self
        return type(self).from_file_order(self.in_file_order(self.intensities), self.geometry, axis)

    def to_planes(self, array: np.ndarray) -> np.ndarray:
        """A view of an array in file order (k, j, i), or (k, j, i, components), as (plane, row, column, ...)."""
        return array.transpose(*_TO_PLANES[self.axis], *range(3, array.ndim))

    def in_file_order(self, array: np.ndarray) -> np.ndarray:
        """A view of an array of (plane, row, column, ...) in the file's own order (k, j, i, ...)."""
        back = np.argsort(_TO_PLANES[self.axis])
        return array.transpose(*back, *range(3, array.ndim))

    def to_file_order(self, array: np.ndarray) -> np.ndarray:
        """An array of (plane, row, column, ...) in the file's own order (k, j, i, ...), contiguous."""
        return np.ascontiguousarray(self.in_file_order(array))

    @property
    def axes(self) -> tuple[str, ...]:
        """The file's axes ("i", "j", "k") that became planes, rows and columns."""
        return tuple("kji"[axis] for axis in _TO_PLANES[self.axis])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows, columns."""
        return self.intensities.shape

    @property
    def planes(self) -> int:
        """Number of planes along the annotation axis."""
        return self.shape[0]

    @cached_property
    def constant_planes(self) -> np.ndarray:
        """bool (planes,): planes on which every voxel has the same intensity."""
        low, high = self.intensities.min(axis=(1, 2)), self.intensities.max(axis=(1, 2))
        return low == high


def _refuse_lost(array: np.ndarray) -> None:
    """Numbers that become 0 in 32 bits, or so coarse that fewer than 256 steps lie between the ends."""
    if array.dtype.itemsize < 4:
        return
    low, high = min(part.min().item() for part in array), max(part.max().item() for part in array)
    largest = max(-low, high)
    if 0 < largest < np.finfo(np.float32).tiny:
        raise InputError(
            f"the image holds values up to {largest:.3g}, which are too small for 32-bit numbers: multiply them and "
            "save it again"
        )
    few_steps = 0 < high - low < 256 * np.spacing(np.float32(largest))
    if few_steps and any((part.astype(np.float32).astype(part.dtype) != part).any() for part in array):
        raise InputError(
            f"the image's values differ too little ({high - low:.3g} at {largest:.10g}) to be told by 32-bit numbers: "
            "subtract the smallest and save it again"
        )


def _refuse_too_large(array: np.ndarray) -> None:
    """Doubles may hold numbers that become infinite in 32 bits."""
    if array.dtype.kind != "f" or array.dtype.itemsize <= 4:
        return
    largest = max(float(np.max(np.abs(part), initial=0, where=np.isfinite(part))) for part in array)
    if largest > float(np.finfo(np.float32).max):
        raise InputError(
            f"the image holds values up to {largest:.3g}, which are too large for 32-bit numbers: divide them and save "
            "it again"
        )


def _refuse_non_finite(intensities: np.ndarray) -> None:
    # Plane by plane: a mask of the whole of 512x512x600 would cost another 157 MB.
    bad = sum(int(plane.size - np.isfinite(plane).sum()) for plane in intensities)
    if bad:
        refuse_non_finite(bad)


def refuse_non_finite(voxels: int) -> NoReturn:
    """Raise the InputError for an image of which so many voxels are NaN or infinite."""
    raise InputError(
        f"the image holds {voxels} voxels that are NaN or infinite: "
        "replace them (on the command line: --replace-nan VALUE)"
    )
