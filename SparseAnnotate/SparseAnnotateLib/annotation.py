"""What the expert gave: labels, and which voxels they are certain of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .errors import InputError

MAXIMUM_CLASSES = 255


@dataclass(frozen=True)
class LabelClass:
    """One structure: the value that its voxels have in files, its name, its colour (red, green, blue in 0..1).

    `details` holds what else the file says about it (a segmentation's ID, tags, terminology), to be written back.
    """

    value: int
    name: str
    color: tuple[float, float, float] | None = None
    details: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class SparseAnnotation:
    """Labels with the voxels that are certain, which is all that any kind of incomplete annotation says.

    Attributes
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
        0 is background, n is ``classes[n - 1]``; 0 wherever not known.
    known : ndarray of bool, same shape
    painted : ndarray of bool, shape (planes,)
        Planes that the expert went through, wholly or in part; an empty one counts.
    classes : tuple of LabelClass
    plane_range : (first, last)
        Outside these planes every structure is known to be absent. All planes if the expert did not say.
    class_ranges : mapping of class number (1, 2, ...) to (first, last)
        Narrower ranges of single structures, where the expert gave them.

    Build one with `from_painted_planes` and refine it with `with_range`, `with_partly_painted`, `with_box`, each of
    which returns a new annotation. Arrays are shared, never written to.
    """

    labels: np.ndarray
    known: np.ndarray
    painted: np.ndarray
    classes: tuple[LabelClass, ...]
    plane_range: tuple[int, int]
    class_ranges: Mapping[int, tuple[int, int]] = field(default_factory=dict)

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
        labels = _as_integers(labels)
        empty = _as_planes(empty, len(labels), "empty")
        painted_planes = _planes_with_labels(labels) if planes is None else _as_planes(planes, len(labels), "painted")
        painted = np.zeros(len(labels), bool)
        painted[painted_planes] = True
        filled = [plane for plane in empty if labels[plane].any()]
        if filled:
            raise InputError(
                f"plane {filled[0]} is said to be empty but holds labels: erase them or take it off the list"
            )
        painted[empty] = True
        classes = _classes_on(labels, painted) if classes is None else tuple(classes)
        compact = _compact(labels, painted, classes)
        known = np.broadcast_to(painted[:, None, None], labels.shape).copy()
        annotation = cls(compact, known, painted, classes, (0, len(labels) - 1))
        return annotation if plane_range is None else annotation.with_range(*plane_range)

    @classmethod
    def unpainted(cls, shape: tuple[int, int, int], classes: Sequence[LabelClass] = ()) -> SparseAnnotation:
        """An annotation of nothing yet, for the first suggestion."""
        return cls(
            np.zeros(shape, np.uint8),
            np.zeros(shape, bool),
            np.zeros(shape[0], bool),
            tuple(classes),
            (0, shape[0] - 1),
        )

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
        known = self.known.copy()
        known[:first] = True
        known[last + 1 :] = True
        return replace(self, known=known, plane_range=(first, last))

    def with_class_ranges(self, ranges: Mapping[int, tuple[int, int]]) -> SparseAnnotation:
        """Single structures (class numbers 1, 2, ...) end at planes of their own, inside the range of all."""
        for number, (first, last) in ranges.items():
            if not 1 <= number <= len(self.classes):
                raise InputError(f"a range is given for class {number}: classes are numbered 1 to {len(self.classes)}")
            name = self.classes[number - 1].name
            if not self.plane_range[0] <= first <= last <= self.plane_range[1]:
                raise InputError(
                    f"the range {first} to {last} of {name} is empty or leaves the range of all structures"
                )
            beyond = [p for p in self.painted_planes if not first <= p <= last and (self.labels[p] == number).any()]
            if beyond:
                raise InputError(
                    f"{name} is painted on plane {beyond[0]}, outside its range {first} to {last}: widen its range"
                )
        return replace(self, class_ranges=dict(ranges))

    def with_partly_painted(self, planes: Iterable[int]) -> SparseAnnotation:
        """On these planes only what carries a label is certain (Martin 2022).

        With several classes each labelled voxel is a negative for the others (class-mask fusion, MBCE); with one class
        only the positives are known (PBCE). Call it before `with_box`: it takes back all else that was known there.
        """
        planes = _as_planes(planes, self.planes, "partly painted")
        known, painted = self.known.copy(), self.painted.copy()
        first, last = self.plane_range
        inside = [plane for plane in planes if first <= plane <= last]
        known[inside] = self.labels[inside] > 0
        painted[planes] = True
        return replace(self, known=known, painted=painted)

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
        return replace(self, known=known)

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

    def to_values(self, labels: np.ndarray) -> np.ndarray:
        """Class numbers turned back into the values that files hold, in the smallest unsigned type that holds them."""
        values = np.array([0, *(c.value for c in self.classes)])
        return values.astype(np.min_scalar_type(int(values.max())))[labels]


def _as_integers(labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 3:
        raise InputError(f"the labels have {labels.ndim} axes: give one 3-D label map")
    if labels.dtype == bool:
        return labels.view(np.uint8)
    if labels.dtype.kind == "f":
        if not np.array_equal(labels, np.rint(labels)):
            raise InputError("the labels are not whole numbers: give a label map, not an image or probabilities")
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise InputError(f"the labels are of type {labels.dtype}: give whole numbers, 0 for background")
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise InputError("the labels hold negative values: use 0 for background and positive numbers for structures")
    return labels


def _as_planes(planes: Iterable[int], count: int, what: str) -> list[int]:
    planes = sorted({int(plane) for plane in planes})
    outside = [plane for plane in planes if not 0 <= plane < count]
    if outside:
        raise InputError(f"{what} plane {outside[0]} does not exist: planes are numbered 0 to {count - 1}")
    return planes


def _planes_with_labels(labels: np.ndarray) -> list[int]:
    return np.flatnonzero(labels.any(axis=(1, 2))).tolist()


def _classes_on(labels: np.ndarray, painted: np.ndarray) -> tuple[LabelClass, ...]:
    values = np.unique(labels[painted])
    values = values[values > 0]
    if len(values) > MAXIMUM_CLASSES:
        raise InputError(
            f"the labels hold {len(values)} classes, at most {MAXIMUM_CLASSES} can be handled: is this a label map?"
        )
    return tuple(LabelClass(int(value), f"class {value}") for value in values)


def _compact(labels: np.ndarray, painted: np.ndarray, classes: Sequence[LabelClass]) -> np.ndarray:
    """Values of files to class numbers; 0 on planes that are not painted."""
    if len(classes) > MAXIMUM_CLASSES:
        raise InputError(f"{len(classes)} classes are given, at most {MAXIMUM_CLASSES} can be handled")
    values = np.array([0, *(c.value for c in classes)])
    if len(set(values.tolist())) != len(values):
        raise InputError("two classes share a value, or one has the value 0, which is background: give each its own")
    order = np.argsort(values)
    ordered, numbers = values[order], order.astype(np.uint8)
    compact = np.zeros(labels.shape, np.uint8)
    # Plane by plane: positions take 8 bytes a voxel, 1.3 GB on 512x512x600.
    for plane in np.flatnonzero(painted):
        position = np.minimum(np.searchsorted(ordered, labels[plane]), len(values) - 1)
        found = ordered[position]
        if not np.array_equal(found, labels[plane]):
            stranger = labels[plane][found != labels[plane]].flat[0]
            raise InputError(f"the labels hold the value {stranger}, which is none of the classes: add it or erase it")
        compact[plane] = numbers[position]
    return compact
