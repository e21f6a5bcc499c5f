"""How well two segmentations agree: Dice, and distances in mm.

Conventions for empty masks, everywhere in this module:

- both empty: NaN; means over classes or planes leave it out (there was nothing to find, and nothing was found);
- one of them empty: Dice 0, and every distance is the diagonal of the volume (of the plane for 2-D measures), as in
  the BraTS challenges: the worst that can happen, yet finite, so that means stay comparable.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# A k-d tree of the surface, asked only for voxels that lie apart, was faster than an exact distance map in 8 of 9
# structures; Testing/benchmarks/metrics_speed.py compares them.
_TREE_OPTIONS = {"compact_nodes": False, "balanced_tree": False}


@dataclass(frozen=True)
class Distances:
    """Distances between two masks in mm; all NaN if both are empty, all the diagonal if one is.

    Attributes
    ----------
    hausdorff_mm : the largest distance of a voxel of one mask to the other mask
    hausdorff95_mm : 95th percentile of the distances between surfaces, the larger of both directions (Maier-Hein 2024);
        more than `hausdorff_mm` at times, which asks how far a voxel is from a whole mask, not from its surface
    average_hausdorff_mm : mean over the voxels of A of the distance to B, and the other way round, averaged
        (Payer 2023; Aydin 2021, eq. 2); voxels inside the other mask count with 0
    balanced_average_hausdorff_mm : the same with both sums divided by the reference's voxels (Aydin 2021, eq. 3)
    assd_mm : average symmetric surface distance: both directions' distances between surfaces, pooled (Heimann 2009)
    """

    hausdorff_mm: float
    hausdorff95_mm: float
    average_hausdorff_mm: float
    balanced_average_hausdorff_mm: float
    assd_mm: float


def confusion_per_plane(labels: np.ndarray, reference: np.ndarray, class_count: int) -> np.ndarray:
    """How many voxels of reference class r got label l, plane by plane.

    Parameters
    ----------
    labels, reference : ndarray of class numbers 0..class_count, shape (planes, rows, columns)

    Returns
    -------
    ndarray of int64, shape (planes, class_count + 1, class_count + 1); [plane, r, l]
    """
    _check_same_shape(labels, reference)
    size = class_count + 1
    counts = np.empty((len(labels), size, size), np.int64)
    for plane, (ours, theirs) in enumerate(zip(labels, reference, strict=True)):
        pairs = theirs.astype(np.int64) * size + ours
        counts[plane] = np.bincount(pairs.ravel(), minlength=size * size).reshape(size, size)
    return counts


def dice_from_confusion(confusion: np.ndarray) -> np.ndarray:
    """Dice of each class from counts of shape (..., classes + 1, classes + 1); shape (..., classes), NaN if absent."""
    both = np.diagonal(confusion, axis1=-2, axis2=-1)[..., 1:]
    total = confusion.sum(axis=-1)[..., 1:] + confusion.sum(axis=-2)[..., 1:]
    return np.divide(2 * both, total, out=np.full(both.shape, np.nan), where=total > 0)


def dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """Dice coefficient of two boolean masks of any shape; NaN if both are empty."""
    _check_same_shape(mask, reference)
    total = np.count_nonzero(mask) + np.count_nonzero(reference)
    return 2 * np.count_nonzero(mask & reference) / total if total else float("nan")


def dice_per_class(labels: np.ndarray, reference: np.ndarray, class_count: int) -> np.ndarray:
    """Dice of each class over the whole volume, shape (classes,); NaN where neither has the class."""
    return dice_from_confusion(confusion_per_plane(labels, reference, class_count).sum(axis=0))


def dice_per_plane(labels: np.ndarray, reference: np.ndarray, class_count: int) -> np.ndarray:
    """Dice of each class on each plane, shape (planes, classes); NaN where neither has the class."""
    return dice_from_confusion(confusion_per_plane(labels, reference, class_count))


def mean_of(values: ArrayLike, axis: int | None = None) -> Any:
    """Mean that leaves NaN out; NaN where nothing is left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        numbers = np.asarray(values)
        return np.nanmean(numbers, axis=axis) if numbers.size else float("nan")


def distances(mask: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> Distances:
    """All distances between two masks, exact Euclidean.

    Parameters
    ----------
    mask, reference : ndarray of bool, same shape, 2-D or 3-D
    spacing_mm : along the axes of the arrays
    """
    _check_same_shape(mask, reference)
    if not (mask.any() and reference.any()):
        return _of_empty(mask, reference, spacing_mm)
    mask, reference = _cropped(mask, reference)
    there, surface_there = _directed(mask, reference, spacing_mm)
    back, surface_back = _directed(reference, mask, spacing_mm)
    mask_voxels, reference_voxels = np.count_nonzero(mask), np.count_nonzero(reference)
    surfaces = surface_there.sum() + surface_back.sum()
    return Distances(
        hausdorff_mm=float(max(there.max(initial=0), back.max(initial=0))),
        hausdorff95_mm=float(max(np.percentile(surface_there, 95), np.percentile(surface_back, 95))),
        average_hausdorff_mm=float((there.sum() / mask_voxels + back.sum() / reference_voxels) / 2),
        balanced_average_hausdorff_mm=float((there.sum() + back.sum()) / reference_voxels / 2),
        assd_mm=float(surfaces / (len(surface_there) + len(surface_back))),
    )


def assd_per_plane(mask: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """2-D ASSD in mm on each plane (Specktor-Fadida 2023), shape (planes,); see the module for empty planes."""
    _check_same_shape(mask, reference)
    values = np.full(len(mask), np.nan)
    for plane in np.flatnonzero((mask | reference).any(axis=(1, 2))):
        values[plane] = distances(mask[plane], reference[plane], spacing_mm[1:]).assd_mm
    return values


def surface(mask: np.ndarray) -> np.ndarray:
    """The voxels of a mask of which a face neighbour (4 in 2-D, 6 in 3-D) is not in it, or lies outside the image."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        ahead, behind = _shifts(mask.ndim, axis)
        inner[ahead] &= mask[behind]
        inner[behind] &= mask[ahead]
        edges = np.moveaxis(inner, axis, 0)
        edges[0] = edges[-1] = False
    return mask & ~inner


def _shifts(dimensions: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    before = (slice(None),) * axis
    after = (slice(None),) * (dimensions - axis - 1)
    return (*before, slice(1, None), *after), (*before, slice(None, -1), *after)


def _check_same_shape(mask: np.ndarray, reference: np.ndarray) -> None:
    if mask.shape != reference.shape:
        raise InputError(
            f"labels {mask.shape} and reference {reference.shape} differ in shape: compare them on one grid"
        )


def _of_empty(mask: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> Distances:
    one = bool(mask.any() or reference.any())
    value = float(np.linalg.norm(np.multiply(mask.shape, spacing_mm))) if one else float("nan")
    return Distances(value, value, value, value, value)


def _cropped(mask: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both masks in the bounding box of their union, with a voxel around it for the surfaces' sake."""
    from .distances import bounding_box

    box = bounding_box(mask | reference)
    return np.pad(mask[box], 1), np.pad(reference[box], 1)


def _directed(source: np.ndarray, target: np.ndarray, spacing_mm: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Distances to `target` of the voxels of `source` outside it, and between the surfaces, from source to target.

    The nearest voxel of a mask to a voxel outside it lies on its surface: one tree serves both.
    """
    from scipy.spatial import KDTree

    target_surface = surface(target)
    source_surface = surface(source)
    asked = (source_surface | (source & ~target)) & ~target_surface
    points = np.argwhere(asked)
    tree = KDTree(np.argwhere(target_surface) * spacing_mm, **_TREE_OPTIONS)
    found = tree.query(points * spacing_mm, workers=-1)[0]
    at = tuple(points.T)
    on_surface = np.zeros(np.count_nonzero(source_surface))
    apart = found[source_surface[at]]
    on_surface[: len(apart)] = apart  # the others lie on both surfaces: 0
    return found[~target[at]], on_surface


@dataclass(frozen=True)
class Agreement:
    """A prediction against its reference; NaN where there is nothing to compare.

    Attributes
    ----------
    dice_all : whole volume, mean over the classes of the reference
    dice_unpainted : the unpainted planes inside the range only, mean over the classes that either has there
    dice_per_class : ndarray, shape (classes,); whole volume
    dice_per_plane : ndarray, shape (planes, classes)
    distances_per_class : one for each class of the reference, None for others
    """

    dice_all: float
    dice_unpainted: float
    dice_per_class: np.ndarray
    dice_per_plane: np.ndarray
    distances_per_class: tuple[Distances | None, ...]

    def mean_distance(self, name: str) -> float:
        """Mean over the classes of the reference of one field of `Distances`."""
        return float(mean_of([getattr(one, name) for one in self.distances_per_class if one is not None]))


def compare(
    labels: np.ndarray,
    reference: np.ndarray,
    class_count: int,
    spacing_mm: Sequence[float],
    unpainted_planes: Sequence[int],
) -> Agreement:
    """Everything that an evaluation reports about one prediction.

    Parameters
    ----------
    labels, reference : ndarray of class numbers 0..class_count, shape (planes, rows, columns)
    spacing_mm : between planes, rows, columns
    unpainted_planes : the planes inside the range that the predictor had to find on its own
    """
    confusion = confusion_per_plane(labels, reference, class_count)
    per_class = dice_from_confusion(confusion.sum(axis=0))
    present = confusion.sum(axis=(0, 2))[1:] > 0
    unpainted = dice_from_confusion(confusion[list(unpainted_planes)].sum(axis=0))
    return Agreement(
        dice_all=float(mean_of(per_class[present])),
        dice_unpainted=float(mean_of(unpainted)),
        dice_per_class=per_class,
        dice_per_plane=dice_from_confusion(confusion),
        distances_per_class=tuple(
            distances(labels == number, reference == number, spacing_mm) if there else None
            for number, there in enumerate(present, 1)
        ),
    )
