"""How far two segmentations of a volume agree, plane by plane (Zhang 2019): the better, the more they are right."""

from __future__ import annotations

import numpy as np

from ..annotation import SparseAnnotation
from ..errors import InputError


def p_dsc(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """P-DSC: the Dice of one segmentation with the other on each plane (Zhang 2019, eq. 2), all structures as one.

    Parameters
    ----------
    first, second : ndarray of class numbers, shape (planes, rows, columns)

    Returns
    -------
    ndarray of float64, shape (planes,); 1 where both find nothing: they agree
    """
    _check(first, second)
    values = np.ones(len(first))
    for plane, (a, b) in enumerate(zip(first > 0, second > 0, strict=True)):
        size = np.count_nonzero(a) + np.count_nonzero(b)
        if size:
            values[plane] = 2 * np.count_nonzero(a & b) / size
    return values


def p_accuracy(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """P-accuracy: structure voxels with the same label in both, of all that both find (Zhang 2019, eq. 4).

    For several classes; with one it is P-DSC. Background does not count: its agreement mostly depends on its size.

    Returns
    -------
    ndarray of float64, shape (planes,); 1 where both find nothing: they agree
    """
    _check(first, second)
    shares = np.ones(len(first))
    for plane, (a, b) in enumerate(zip(first, second, strict=True)):
        size = np.count_nonzero(a) + np.count_nonzero(b)
        if size:
            shares[plane] = 2 * np.count_nonzero((a > 0) & (a == b)) / size
    return shares


def agreement_per_plane(first: np.ndarray, second: np.ndarray, class_count: int) -> np.ndarray:
    """Zhang's measure for as many classes: P-DSC for one structure, P-accuracy for several."""
    return p_dsc(first, second) if class_count == 1 else p_accuracy(first, second)


def nothing_found(first: np.ndarray, second: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """Bool (planes,): planes inside the range, not painted, on which neither segmentation finds anything."""
    empty = ~(first.any(axis=(1, 2)) | second.any(axis=(1, 2))) & ~annotation.painted
    start, end = annotation.plane_range
    empty[:start] = empty[end + 1 :] = False
    return empty


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise InputError(
            f"the segmentations {first.shape} and {second.shape} differ in shape: compare them on one grid"
        )
