"""Which voxels of a plane are certain: the one place that derives it from what the expert said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from .errors import InputError
from .label_map import LabelClass, as_integers, compact


class Given(Protocol):
    """What the known voxels follow from; a `SparseAnnotation`, which has them all."""

    @property
    def labels(self) -> np.ndarray: ...
    @property
    def known(self) -> np.ndarray: ...
    @property
    def painted(self) -> np.ndarray: ...
    @property
    def complete(self) -> np.ndarray: ...
    @property
    def classes(self) -> Sequence[LabelClass]: ...
    @property
    def painted_along(self) -> Mapping[int, Sequence[int]]: ...
    @property
    def box(self) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None: ...
    def open_classes(self, plane: int) -> np.ndarray: ...


def known_on(annotation: Given, planes: Iterable[int]) -> np.ndarray:
    """The known voxels of the volume, those on `planes` (inside the range) derived anew.

    A voxel is known where it carries a label, where no structure is open any more (each is complete on the plane, or
    ends before it), on a plane of another axis that is painted completely, and outside the box.
    """
    known = copied(annotation.known)
    outside = _outside_box(annotation)
    for plane in planes:
        closed = annotation.complete[plane].any() and not annotation.open_classes(plane)[1:].any()
        known[plane] = True if annotation.painted[plane] and closed else annotation.labels[plane] > 0
        for axis, ones in annotation.painted_along.items():
            np.moveaxis(known[plane], axis - 1, 0)[list(ones)] = True
        if outside is not None and annotation.box is not None:
            first, last = annotation.box
            known[plane] |= outside if first[0] <= plane <= last[0] else True
    return known


def copied(known: np.ndarray) -> np.ndarray:
    """A copy in which planes without a known voxel, most before a range is said, cost neither time nor memory."""
    copy = np.zeros(known.shape, bool)
    for plane in np.flatnonzero(known.any(axis=(1, 2))):
        copy[plane] = known[plane]
    return copy


def _outside_box(annotation: Given) -> np.ndarray | None:
    """Bool (rows, columns): outside the box on the planes that it reaches; None without a box."""
    if annotation.box is None:
        return None
    (_, *first), (_, *last) = annotation.box
    outside = np.ones(annotation.labels.shape[1:], bool)
    outside[tuple(slice(low, high + 1) for low, high in zip(first, last, strict=True))] = False
    return outside


def crossed_by(
    annotation: Given, axis: int, planes: Sequence[int], labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and known voxels after planes of another axis were painted; see `SparseAnnotation.with_painted_along`."""
    if axis not in (1, 2):
        raise InputError(f"axis {axis} is not one of the other axes: give 1 (rows) or 2 (columns)")
    if labels.shape != annotation.labels.shape:
        raise InputError("the labels of the planes along another axis have another shape than the annotation")
    across = np.moveaxis(as_integers(labels), axis, 0)
    rows = list(planes)
    numbers = compact(across, np.isin(np.arange(len(across)), rows), annotation.classes)[rows]
    kept, known = annotation.labels.copy(), annotation.known.copy()
    kept_across, known_across = np.moveaxis(kept, axis, 0), np.moveaxis(known, axis, 0)
    before = known_across[planes]
    if np.any(numbers[before] != kept_across[planes][before]):
        raise InputError(
            "what is painted on a plane of another axis contradicts what is known there "
            "(another painted plane, a range or the box): correct one of them"
        )
    kept_across[planes], known_across[planes] = numbers, True
    return kept, known


def uncrossed_labels(annotation: Given) -> np.ndarray:
    """The labels without those that planes of another axis gave to planes that are not painted."""
    labels = annotation.labels.copy()
    for axis, ones in annotation.painted_along.items():
        np.moveaxis(labels, axis, 1)[np.ix_(np.flatnonzero(~annotation.painted), np.array(ones))] = 0
    return labels
