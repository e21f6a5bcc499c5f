"""The simulated expert: knows the whole truth and paints what it is asked to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...annotation import LabelClass, SparseAnnotation
from ...errors import InputError


class SimulatedExpert:
    """Clicks the first and last plane of the structures and paints planes exactly as the reference has them.

    Parameters
    ----------
    reference : array of integers, shape (planes, rows, columns)
        Labels of the whole scan, as values of `classes`.
    classes : by default one for each value that occurs

    Attributes
    ----------
    classes : those that occur in the reference
    reference : ndarray of uint8, class numbers
    plane_range : (first, last), the planes clicked

    Raises
    ------
    InputError
        For a reference without any label.
    """

    def __init__(self, reference: np.ndarray, classes: Sequence[LabelClass] | None = None):
        complete = SparseAnnotation.from_painted_planes(reference, range(len(reference)), classes=classes)
        present = np.flatnonzero(np.bincount(complete.labels.ravel(), minlength=complete.class_count + 1)[1:]) + 1
        if not len(present):
            raise InputError("the reference holds no label: give the label map of the whole scan")
        self.classes = tuple(complete.classes[number - 1] for number in present)
        renumbered = np.zeros(complete.class_count + 1, np.uint8)
        renumbered[present] = np.arange(1, len(present) + 1)
        self.reference = renumbered[complete.labels]
        with_labels = np.flatnonzero(self.reference.any(axis=(1, 2)))
        self.plane_range = int(with_labels[0]), int(with_labels[-1])

    def paint(self, planes: Iterable[int]) -> SparseAnnotation:
        """The annotation after clicking the range and painting these planes; with none, just the clicks."""
        annotation = SparseAnnotation(
            np.zeros_like(self.reference),
            np.zeros(self.reference.shape, bool),
            np.zeros(len(self.reference), bool),
            self.classes,
            (0, len(self.reference) - 1),
        )
        planes = sorted(set(planes))
        outside = [plane for plane in planes if not self.plane_range[0] <= plane <= self.plane_range[1]]
        if outside:
            first, last = self.plane_range
            raise InputError(f"plane {outside[0]} lies outside the structures' range {first} to {last}: leave it out")
        annotation.labels[planes] = self.reference[planes]
        annotation.known[planes] = True
        annotation.painted[planes] = True
        annotation.complete[planes] = True
        return annotation.with_range(*self.plane_range)

    def own_planes(self, count: int) -> dict[int, list[int]]:
        """Evenly spaced planes of each structure (class number), so many in its own range, or all where it has fewer.

        Plane i of m in a range of L planes is floor(first + (i + 0.5) L / m), as `keep-n` takes them.
        """
        chosen = {}
        for number in range(1, len(self.classes) + 1):
            shown = np.flatnonzero((self.reference == number).any(axis=(1, 2)))
            first, length = int(shown[0]), int(shown[-1] - shown[0]) + 1
            parts = min(count, length)
            chosen[number] = [first + (2 * part + 1) * length // (2 * parts) for part in range(parts)]
        return chosen

    def paint_structures(self, planes: Mapping[int, Iterable[int]]) -> SparseAnnotation:
        """The annotation after clicking the range and painting each structure (class number) on planes of its own.

        A plane is complete for the structures that were painted there, and says nothing of the others.
        """
        labels = np.zeros_like(self.reference)
        painted = np.zeros(len(labels), bool)
        for number, ones in planes.items():
            painted[list(ones)] = True
            for plane in ones:
                labels[plane][self.reference[plane] == number] = number
        nothing = np.zeros((len(labels), len(self.classes)), bool)
        annotation = SparseAnnotation(labels, labels > 0, painted, self.classes, (0, len(labels) - 1), complete=nothing)
        return annotation.with_complete(planes).with_range(*self.plane_range)

    def paint_along(self, annotation: SparseAnnotation, axis: int, planes: Iterable[int]) -> SparseAnnotation:
        """The annotation with planes of another array axis (1: rows, 2: columns) painted completely, too."""
        values = annotation.to_values(self.reference)
        return annotation.with_painted_along(axis, planes, values)
