"""The simulated expert: knows the whole truth and paints what it is asked to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from ...annotation import LabelClass, SparseAnnotation
from ...errors import InputError
from .effort import Effort, effort_of

Clicks = Literal["none", "all", "structures"]
CLICKS: tuple[str, ...] = get_args(Clicks)


class SimulatedExpert:
    """Clicks where structures begin and end, and paints planes exactly as the reference has them.

    Parameters
    ----------
    reference : array of integers, shape (planes, rows, columns)
        Labels of the whole scan, as values of `classes`.
    classes : by default one for each value that occurs
    clicks : {"all", "structures", "none"}
        Whether the first and last plane of all structures together are clicked, or of each structure, or none.

    Attributes
    ----------
    classes : those that occur in the reference
    reference : ndarray of uint8, class numbers
    true_range : (first, last), the planes of all structures
    plane_range : (first, last), what is known of them; all planes if nothing is clicked
    class_ranges : class number to (first, last), what is known of each structure

    Raises
    ------
    InputError
        For a reference without any label.
    """

    def __init__(self, reference: np.ndarray, classes: Sequence[LabelClass] | None = None, clicks: Clicks = "all"):
        complete = SparseAnnotation.from_painted_planes(reference, range(len(reference)), classes=classes)
        present = np.flatnonzero(np.bincount(complete.labels.ravel(), minlength=complete.class_count + 1)[1:]) + 1
        if not len(present):
            raise InputError("the reference holds no label: give the label map of the whole scan")
        self.classes = tuple(complete.classes[number - 1] for number in present)
        renumbered = np.zeros(complete.class_count + 1, np.uint8)
        renumbered[present] = np.arange(1, len(present) + 1)
        self.reference = renumbered[complete.labels]
        self.clicks = clicks
        with_labels = [np.flatnonzero((self.reference == n).any(axis=(1, 2))) for n in range(1, len(self.classes) + 1)]
        ranges = {number: (int(planes[0]), int(planes[-1])) for number, planes in enumerate(with_labels, 1)}
        self.true_range = min(first for first, _ in ranges.values()), max(last for _, last in ranges.values())
        self.plane_range = (0, len(reference) - 1) if clicks == "none" else self.true_range
        self.class_ranges = ranges if clicks == "structures" else {}

    def paint(self, planes: Iterable[int], *, clicked: bool = True) -> SparseAnnotation:
        """The annotation after the clicks, unless there are none, and painting these planes; with none, the clicks."""
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
        return self._with_clicks(annotation) if clicked else annotation

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
        return self._with_clicks(annotation.with_complete(planes))

    def paint_along(self, annotation: SparseAnnotation, axis: int, planes: Iterable[int]) -> SparseAnnotation:
        """The annotation with planes of another array axis (1: rows, 2: columns) painted completely, too."""
        values = annotation.to_values(self.reference)
        return annotation.with_painted_along(axis, planes, values)

    def effort_of(self, annotation: SparseAnnotation, spacing_mm: tuple[float, float, float]) -> Effort:
        """What an annotation of this expert's cost; planes along other axes are not counted."""
        clicks = {"none": 0, "all": 2, "structures": 2 * len(self.classes)}[self.clicks]
        return effort_of(annotation.labels[annotation.painted_planes], len(self.classes), clicks, spacing_mm)

    def _with_clicks(self, annotation: SparseAnnotation) -> SparseAnnotation:
        return annotation.with_range(*self.plane_range).with_class_ranges(self.class_ranges)
