"""Structures that a prediction loses between two painted planes that hold them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..annotation import SparseAnnotation

# Less than this share of what the painted planes on both sides promise is nothing.
_NOTHING = 0.1


def sizes_px(labels: np.ndarray, class_count: int) -> np.ndarray:
    """Pixels of each structure on each plane, int (planes, classes)."""
    # Plane by plane: to count, NumPy makes 8 bytes of each voxel.
    return np.stack([np.bincount(plane.ravel(), minlength=class_count + 1)[1:] for plane in labels])


def vanished_px(labels: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """Voxels that a structure should have where next to nothing of it was predicted: float (planes, classes).

    Between two planes next to each other on which it was painted completely, and which both hold it, a structure is
    taken to go on, with an area between theirs. 0 wherever something was predicted, and beyond the painted planes.
    """
    areas = sizes_px(labels, annotation.class_count)
    missing = np.zeros(areas.shape)
    for number in range(1, annotation.class_count + 1):
        first, last = annotation.class_ranges.get(number, annotation.plane_range)
        area = areas[:, number - 1]
        for before, after in pairwise(annotation.complete_planes_of(number)):
            between = np.arange(before + 1, after)
            between = between[(between >= first) & (between <= last)]
            if not (len(between) and area[before] and area[after]):
                continue
            promised = np.interp(between, [before, after], [area[before], area[after]])
            missing[between, number - 1] = np.where(area[between] < _NOTHING * promised, promised, 0)
    return missing


def gaps_without(missing_px: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """Bool (planes, classes): outside of gaps between painted planes in which something vanished."""
    outside = np.ones(missing_px.shape, bool)
    for number in np.flatnonzero(missing_px.any(axis=0)):
        for before, after in pairwise(annotation.complete_planes_of(int(number) + 1)):
            outside[before + 1 : after, number] = not missing_px[before + 1 : after, number].any()
    return outside


def lasting_share(labels: np.ndarray, missing_px: np.ndarray) -> np.ndarray:
    """What is left of each structure's Dice over the volume, float (classes,): 2 TP / (P + T) with a larger T."""
    sizes = sizes_px(labels, missing_px.shape[1]).sum(axis=0)
    return sizes / np.maximum(sizes + missing_px.sum(axis=0) / 2, 1)


def lasting_per_plane(per_plane: np.ndarray, labels: np.ndarray, missing_px: np.ndarray) -> np.ndarray:
    """Expected Dice of each plane (NaN: nothing predicted), the structures that vanished there counted with 0."""
    told = per_plane.copy()
    for plane in np.flatnonzero(missing_px.any(axis=1)):
        there = len(
            set(np.unique(labels[plane]).tolist()) - {0} - set((np.flatnonzero(missing_px[plane]) + 1).tolist())
        )
        gone = np.count_nonzero(missing_px[plane])
        told[plane] = np.nan_to_num(told[plane]) * there / (there + gone)
    return told
