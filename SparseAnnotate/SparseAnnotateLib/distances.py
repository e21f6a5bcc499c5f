"""Signed distances of structures drawn on planes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def signed_distance_mm(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """Exact Euclidean distance to the outline of a structure on one plane, positive inside.

    The outline runs between pixels: half a pixel (along the finer direction) is taken off both sides, so that the
    values of the last pixel inside and the first one outside are of equal size.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        Neither empty nor, if a meaningful value is wanted everywhere, full: a full mask gives infinity.
    spacing_mm : distance between rows and between columns

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    half_pixel = np.float32(0.5 * min(spacing_mm))
    inside = _distance_to_zero(mask, spacing_mm)
    outside = _distance_to_zero(~mask, spacing_mm)
    return np.where(mask, inside - half_pixel, half_pixel - outside)


def _distance_to_zero(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """Distance of each True pixel to the nearest False one, 0 on False ones."""
    row_mm, column_mm = spacing_mm
    try:
        import cv2
    except ImportError:  # as in Slicer before anything is installed
        cv2 = None  # type: ignore[assignment]
    if cv2 is None or abs(row_mm - column_mm) > 1e-6 * row_mm:
        from scipy import ndimage

        return ndimage.distance_transform_edt(mask, sampling=spacing_mm).astype(np.float32)

    # Exact on a square grid like SciPy's, and 20 times as fast (240x240: 0.3 against 6 ms).
    pixels = cv2.distanceTransform(np.ascontiguousarray(mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Its roots are off by the last bit where its result happens to lie at an odd address, but their squares are whole.
    squares = np.rint(np.square(pixels, dtype=np.float64)).astype(np.float32)
    return np.sqrt(squares, out=squares) * np.float32(row_mm)


def bounding_box(mask: np.ndarray, margin: int = 0) -> tuple[slice, ...] | None:
    """The smallest box that holds every True voxel, `margin` voxels wider on every side; None if there is none."""
    box = []
    for axis, size in enumerate(mask.shape):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        if not len(hit):
            return None
        box.append(slice(max(0, int(hit[0]) - margin), min(size, int(hit[-1]) + 1 + margin)))
    return tuple(box)


def nearest_other(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Labels of a plane (rows, columns), in a mask those of the nearest pixel outside it."""
    from scipy.ndimage import distance_transform_edt

    if mask.all():
        return np.zeros_like(labels)
    return labels[tuple(distance_transform_edt(mask, return_distances=False, return_indices=True))]
