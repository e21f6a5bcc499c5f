"""Scans as the network sees them: normalised, on the common spacing; and the way back.

Grids are matched by the corners of their voxels: both cover the same box, and a scan whose size does not change is not
touched.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..learning.region import normalized

if TYPE_CHECKING:
    from .model import CohortConfiguration


def prepared_image(
    intensities: np.ndarray, spacing_mm: Sequence[float], configuration: CohortConfiguration
) -> np.ndarray:
    """Clipped, brought to mean 0 and standard deviation 1, and resampled to the configuration's spacing.

    Parameters
    ----------
    intensities : shape (planes, rows, columns)
    spacing_mm : its own, in the same order

    Returns
    -------
    ndarray of float16, shape `prepared_shape`
    """
    image = normalized(intensities, configuration.clip_percentiles)
    shape = prepared_shape(intensities.shape, spacing_mm, configuration.spacing_mm)
    return image if shape == image.shape else resampled_to(image, shape).astype(np.float16)


def prepared_shape(
    shape: Sequence[int], spacing_mm: Sequence[float], target_mm: Sequence[float]
) -> tuple[int, int, int]:
    """Planes, rows and columns of a scan on another spacing, at least 1 of each."""
    sizes = zip(shape, spacing_mm, target_mm, strict=True)
    return tuple(max(1, round(size * own / target)) for size, own, target in sizes)


def resampled_to(array: np.ndarray, shape: Sequence[int], order: int = 1) -> np.ndarray:
    """The last three axes resampled to `shape`.

    Parameters
    ----------
    array : shape (..., planes, rows, columns)
    order : 1 is linear, and averages over what one voxel covers where it shrinks; the result is float32.
        0 takes the nearest voxel, and keeps the type.
    """
    # Planes last: the others go slab by slab, so that only what is left of them is copied as a whole.
    for axis, size in sorted(zip((-3, -2, -1), shape, strict=True), reverse=True):
        if array.shape[axis] == size:
            continue
        if order == 0:
            array = np.take(array, nearest_indices(array.shape[axis], size), axis)
        else:
            array = _along(array, axis, linear_weights(array.shape[axis], size))
    return array if order == 0 else array.astype(np.float32, copy=False)


def _along(array: np.ndarray, axis: int, weights: np.ndarray) -> np.ndarray:
    """`weights` (new, old) applied along an axis, one slab of the array at a time: float32 of all would be a copy."""
    if axis == -3:
        flat = array.reshape(*array.shape[:-2], -1)
        return (weights @ flat.astype(np.float32, copy=False)).reshape(
            *array.shape[:-3], len(weights), *array.shape[-2:]
        )
    slabs = array.reshape(-1, *array.shape[-2:])
    new = (len(weights), array.shape[-1]) if axis == -2 else (array.shape[-2], len(weights))
    result = np.empty((len(slabs), *new), np.float32)
    for slab, target in zip(slabs, result, strict=True):
        slab = slab.astype(np.float32, copy=False)
        np.matmul(weights, slab, out=target) if axis == -2 else np.matmul(slab, weights.T, out=target)
    return result.reshape(*array.shape[:-2], *new)


def nearest_indices(old: int, new: int) -> np.ndarray:
    """Of each of `new` voxels the one of `old` that its centre lies in."""
    return ((np.arange(new) + 0.5) * old / new).astype(int)


@functools.lru_cache(64)
def linear_weights(old: int, new: int) -> np.ndarray:
    """float32 (new, old): linear interpolation, as wide as a new voxel where it is larger than an old one.

    Beyond the last voxel's centre it goes on with that voxel.
    """
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    width = max(1.0, old / new)
    distance = np.abs(np.clip(centres, 0, old - 1)[:, None] - np.arange(old))
    weights = np.maximum(0, 1 - distance / width)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
