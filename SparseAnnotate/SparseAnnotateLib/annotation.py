"""What the expert gave: labels, and which voxels they are certain of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .errors import InputError
from .known_voxels import crossed_by, known_on, uncrossed_labels
from .label_map import (
    MAXIMUM_CLASSES,
    LabelClass,
    as_integers,
    as_planes,
    as_values,
    classes_on,
    compact,
    planes_with_labels,
)

__all__ = ["MAXIMUM_CLASSES", "LabelClass", "SparseAnnotation"]


@dataclass(frozen=True)
class SparseAnnotation:
    """Labels with the voxels that are certain, which is all that any kind of incomplete annotation says.

    Attributes
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
        0 is background, n is ``classes[n - 1]``; 0 wherever not known.
    known : ndarray of bool, same shape
    painted : ndarray of bool, shape (planes,)
        Planes that the expert went through for at least one structure, wholly or in part; an empty one counts.
    classes : tuple of LabelClass
    plane_range : (first, last)
        Outside these planes every structure is known to be absent. All planes if the expert did not say.
    class_ranges : mapping of class number (1, 2, ...) to (first, last)
        Narrower ranges of single structures, where the expert gave them.
    complete : ndarray of bool, shape (planes, classes)
        Whether a structure was painted completely on a plane: a voxel without a label there is not this structure, but
        may be another one that is not complete. By default every structure is, on each painted plane that is known
        whole.
    painted_along : mapping of array axis (1: rows, 2: columns) to indices
        Planes of another axis that were painted completely, object and background (Cicek 2016).
    box : (first, last) corners, or None
        Outside it every structure is known to be absent.

    Build one with `from_painted_planes` and refine it with `with_range`, `with_complete`, `with_partly_painted`,
    `with_painted_along`, `with_box`, each of which returns a new annotation. Arrays are shared, never written to.
    What a voxel can be is answered in one place, `possible`: nothing is stored per voxel and class.
    """

    labels: np.ndarray
    known: np.ndarray
    painted: np.ndarray
    classes: tuple[LabelClass, ...]
    plane_range: tuple[int, int]
    class_ranges: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    complete: np.ndarray = None  # type: ignore[assignment]
    painted_along: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    box: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None

    def __post_init__(self):
        if self.complete is None:
            whole = self.painted.copy()
            whole[whole] = self.known[whole].all(axis=(1, 2))
            object.__setattr__(self, "complete", np.repeat(whole[:, None], len(self.classes), axis=1))

    @classmethod
    def from_painted_planes(
        cls,
        labels: np.ndarray,
        planes: Iterable[int] | None = None,
        *,
        empty: Iterable[int] = (),
        classes: Sequence[LabelClass] | None = None,
        plane_range: tuple[int, int] | None = None,
    ) -> SparseAnnotation:
        """An annotation whose painted planes are painted completely.

        Parameters
        ----------
        labels : array of integers, shape (planes, rows, columns)
            The values of `classes`; what stands on planes that are not painted is ignored.
        planes : painted planes; by default those that hold a label
        empty : further painted planes on which the expert saw that there is nothing
        classes : by default one for each value that occurs on a painted plane
        plane_range : see `with_range`

        Raises
        ------
        InputError
            For labels that are no integers, more than 255 classes, values outside `classes`, planes out of bounds.
        """
        labels = as_integers(labels)
        empty = as_planes(empty, len(labels), "empty")
        painted_planes = planes_with_labels(labels) if planes is None else as_planes(planes, len(labels), "painted")
        painted = np.zeros(len(labels), bool)
        painted[painted_planes] = True
        filled = [plane for plane in empty if labels[plane].any()]
        if filled:
            raise InputError(
                f"plane {filled[0]} is said to be empty but holds labels: erase them or take it off the list"
            )
        painted[empty] = True
        classes = classes_on(labels, painted) if classes is None else tuple(classes)
        numbers = compact(labels, painted, classes)
        known = np.zeros(labels.shape, bool)
        known[painted] = True
        annotation = cls(numbers, known, painted, classes, (0, len(labels) - 1))
        return annotation if plane_range is None else annotation.with_range(*plane_range)

    @classmethod
    def unpainted(cls, shape: tuple[int, int, int], classes: Sequence[LabelClass] = ()) -> SparseAnnotation:
        """An annotation of nothing yet, for the first suggestion."""
        nothing = np.zeros(shape, np.uint8), np.zeros(shape, bool), np.zeros(shape[0], bool)
        return cls(*nothing, tuple(classes), (0, shape[0] - 1))

    def with_range(self, first: int, last: int) -> SparseAnnotation:
        """Every voxel of the planes before `first` and after `last` is known background (Specktor-Fadida 2023)."""
        first, last = int(first), int(last)
        if first > last:
            raise InputError(f"the range {first} to {last} is empty: the first plane must not come after the last one")
        if first < 0 or last >= self.planes:
            raise InputError(
                f"the range {first} to {last} leaves the volume: planes are numbered 0 to {self.planes - 1}"
            )
        outside = [plane for plane in self.painted_planes if not first <= plane <= last and self.labels[plane].any()]
        if outside:
            raise InputError(
                f"plane {outside[0]} is painted but lies outside the range {first} to {last}: "
                "widen the range or erase the plane"
            )
        ranged = replace(self, plane_range=(first, last))
        known = known_on(ranged, [plane for plane in self._incomplete_planes() if first <= plane <= last])
        known[:first] = known[last + 1 :] = True
        return replace(ranged, known=known)

    def with_class_ranges(self, ranges: Mapping[int, tuple[int, int]]) -> SparseAnnotation:
        """Single structures (class numbers 1, 2, ...) end at planes of their own, inside the range of all."""
        for number, (first, last) in ranges.items():
            if not 1 <= number <= len(self.classes):
                raise InputError(f"a range is given for class {number}: classes are numbered 1 to {len(self.classes)}")
            name = self.classes[number - 1].name
            if not self.plane_range[0] <= first <= last <= self.plane_range[1]:
                raise InputError(
                    f"the range {first} to {last} of {name} is empty or leaves the range of all: widen that one"
                )
            beyond = [p for p in self.painted_planes if not first <= p <= last and (self.labels[p] == number).any()]
            if beyond:
                raise InputError(
                    f"{name} is painted on plane {beyond[0]}, outside its range {first} to {last}: widen its range"
                )
        return replace(self, class_ranges=dict(ranges))._known_anew(self._incomplete_planes())

    def with_complete(self, planes: Mapping[int, Iterable[int]]) -> SparseAnnotation:
        """Some structures (class numbers 1, 2, ...) were painted completely on these planes, and on no others.

        Their voxels elsewhere stay certain (slivers of a brush, strokes of another view), but nothing follows from
        them: a plane on which no structure is complete is not a painted one. Structures that are not named stay as
        they are.

        Raises
        ------
        InputError
            For a class or a plane that does not exist.
        """
        complete = self.complete.copy()
        for number, ones in planes.items():
            if not 1 <= number <= len(self.classes):
                raise InputError(f"there is no class {number}: classes are numbered 1 to {len(self.classes)}")
            complete[:, number - 1] = False
            complete[as_planes(ones, self.planes, f"{self.classes[number - 1].name}: painted"), number - 1] = True
        changed = np.flatnonzero((complete != self.complete).any(axis=1))
        painted = np.where(np.isin(np.arange(self.planes), changed), complete.any(axis=1), self.painted)
        return replace(self, complete=complete, painted=painted)._known_anew(changed)

    def with_partly_painted(self, planes: Iterable[int]) -> SparseAnnotation:
        """On these planes only what carries a label is certain (Martin 2022).

        With several classes each labelled voxel is a negative for the others (class-mask fusion, MBCE); with one class
        only the positives are known (PBCE). Call it before `with_box`: it takes back all else that was known there.
        """
        planes = as_planes(planes, self.planes, "partly painted")
        painted, complete = self.painted.copy(), self.complete.copy()
        painted[planes], complete[planes] = True, False
        return replace(self, painted=painted, complete=complete)._known_anew(planes)

    def with_painted_along(self, axis: int, planes: Iterable[int], labels: np.ndarray) -> SparseAnnotation:
        """Planes of another axis were painted completely: every voxel of them is known, object and background.

        Parameters
        ----------
        axis : 1 for planes that are one row of each plane, 2 for one column
        planes : their rows or columns
        labels : array of integers of the whole volume's shape, the values of `classes`; read on these planes only

        Raises
        ------
        InputError
            For planes that do not exist, or labels there that are none of the classes or contradict what is known.
        """
        planes = as_planes(planes, self.labels.shape[axis], f"painted along axis {axis}:") if axis in (1, 2) else ()
        kept, known = crossed_by(self, axis, planes, labels)
        along = {**self.painted_along, axis: tuple(sorted({*self.painted_along.get(axis, ()), *planes}))}
        return replace(self, labels=kept, known=known, painted_along=along)

    def without_painted_along(self) -> SparseAnnotation:
        """As if no plane of another axis had been painted; what the painted planes hold stays."""
        labels = uncrossed_labels(self) if self.painted_along else self.labels
        return (
            replace(self, labels=labels, painted_along={})._known_anew(self.open_planes) if self.painted_along else self
        )

    def with_box(self, first: Sequence[int], last: Sequence[int]) -> SparseAnnotation:
        """Every voxel outside a box, drawn by anyone, is known background (Martin 2022).

        Parameters
        ----------
        first, last : (plane, row, column) of two opposite corners, both inside the box
        """
        if any(low > high for low, high in zip(first, last, strict=True)):
            raise InputError("the box is empty: its first corner must not lie after its last one")
        if any(low < 0 or high >= size for low, high, size in zip(first, last, self.labels.shape, strict=True)):
            raise InputError("the box leaves the volume: clip it to the image")
        inside = tuple(slice(low, high + 1) for low, high in zip(first, last, strict=True))
        known = np.ones_like(self.known)
        known[inside] = self.known[inside]
        labelled = np.count_nonzero(self.labels)
        if labelled != np.count_nonzero(self.labels[inside]):
            raise InputError("a painted structure reaches out of the box: enlarge the box")
        (p0, r0, c0), (p1, r1, c1) = map(int, first), map(int, last)
        return replace(self, known=known, box=((p0, r0, c0), (p1, r1, c1)))

    @property
    def planes(self) -> int:
        """Number of planes of the volume."""
        return self.labels.shape[0]

    @property
    def painted_planes(self) -> list[int]:
        """The planes that the expert went through, ascending."""
        return np.flatnonzero(self.painted).tolist()

    @property
    def complete_planes(self) -> list[int]:
        """The painted planes of which every voxel is known, ascending."""
        return [plane for plane in self.painted_planes if self.known[plane].all()]

    @property
    def source_planes(self) -> list[int]:
        """The painted planes inside the range that others are predicted from: the complete ones, else all of them."""
        first, last = self.plane_range
        return [plane for plane in self.complete_planes or self.painted_planes if first <= plane <= last]

    @property
    def unpainted_planes(self) -> list[int]:
        """The planes inside the range that nobody painted, ascending."""
        first, last = self.plane_range
        return [plane for plane in range(first, last + 1) if not self.painted[plane]]

    @property
    def open_planes(self) -> list[int]:
        """The planes inside the range that are not painted, or not for all structures, ascending."""
        first, last = self.plane_range
        whole = set(self.complete_planes)
        return [plane for plane in range(first, last + 1) if plane not in whole]

    def complete_planes_of(self, number: int) -> list[int]:
        """The planes on which a structure (class number 1, 2, ...) was painted completely, ascending."""
        return np.flatnonzero(self.complete[:, number - 1]).tolist()

    def shown_planes_of(self, number: int) -> list[int]:
        """The planes that hold a voxel of a structure, completely painted or not, ascending."""
        return [p for p in np.flatnonzero(self.labels.any(axis=(1, 2))).tolist() if (self.labels[p] == number).any()]

    @property
    def class_count(self) -> int:
        """Number of structures, background not counted."""
        return len(self.classes)

    def allowed_classes(self, plane: int) -> np.ndarray:
        """bool (classes + 1,): which labels can occur on a plane, by the ranges; background always can."""
        allowed = np.ones(self.class_count + 1, bool)
        if not self.plane_range[0] <= plane <= self.plane_range[1]:
            allowed[1:] = False
        for number, (first, last) in self.class_ranges.items():
            allowed[number] &= first <= plane <= last
        return allowed

    def open_classes(self, plane: int) -> np.ndarray:
        """bool (classes + 1,): what a voxel of a plane whose label is not known can be; background always."""
        is_open = self.allowed_classes(plane)
        is_open[1:] &= ~self.complete[plane]
        return is_open

    def possible(self, plane: int) -> np.ndarray:
        """bool (classes + 1, rows, columns): which classes each voxel of a plane can have.

        A known voxel has one; any other can be the background and every structure that is not complete on the plane
        and whose range reaches it. Losses, predictors and selectors all ask here, or `open_classes`.
        """
        possible = np.repeat(self.open_classes(plane), self.labels[plane].size).reshape(-1, *self.labels.shape[1:])
        known = self.known[plane]
        possible[:, known] = np.arange(self.class_count + 1)[:, None] == self.labels[plane][known]
        return possible

    def _incomplete_planes(self) -> list[int]:
        return sorted(set(self.painted_planes) - set(self.complete_planes))

    def _known_anew(self, planes: Iterable[int]) -> SparseAnnotation:
        planes = [plane for plane in planes if self.plane_range[0] <= plane <= self.plane_range[1]]
        return replace(self, known=known_on(self, planes)) if planes else self

    def to_values(self, labels: np.ndarray) -> np.ndarray:
        """Class numbers turned back into the values that files hold, in the smallest unsigned type that holds them."""
        return as_values(labels, self.classes)
