"""Label maps as files hold them: structures with their values, and the way from values to class numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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

    @classmethod
    def unnamed(cls, value: int) -> LabelClass:
        """A structure to which nobody gave a name."""
        return cls(value, f"class {value}")

    @property
    def is_unnamed(self) -> bool:
        """Whether nobody gave it a name."""
        return self.name == self.unnamed(self.value).name


def as_integers(labels: np.ndarray) -> np.ndarray:
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


def as_planes(planes: Iterable[int], count: int, what: str) -> list[int]:
    planes = sorted({int(plane) for plane in planes})
    outside = [plane for plane in planes if not 0 <= plane < count]
    if outside:
        raise InputError(f"{what} plane {outside[0]} does not exist: planes are numbered 0 to {count - 1}")
    return planes


def planes_with_labels(labels: np.ndarray) -> list[int]:
    return np.flatnonzero(labels.any(axis=(1, 2))).tolist()


def classes_on(labels: np.ndarray, painted: np.ndarray) -> tuple[LabelClass, ...]:
    values = np.unique(labels[painted])
    values = values[values > 0]
    if len(values) > MAXIMUM_CLASSES:
        raise InputError(
            f"the labels hold {len(values)} classes, at most {MAXIMUM_CLASSES} can be handled: is this a label map?"
        )
    return tuple(LabelClass.unnamed(int(value)) for value in values)


def compact(labels: np.ndarray, painted: np.ndarray, classes: Sequence[LabelClass]) -> np.ndarray:
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


def as_values(numbers: np.ndarray, classes: Sequence[LabelClass]) -> np.ndarray:
    """The reverse of `compact`, in the smallest unsigned type that holds the values."""
    values = np.array([0, *(one.value for one in classes)])
    kind = np.min_scalar_type(int(values.max()))
    # As Slicer numbers them: a copy takes a tenth of the time.
    same = numbers.dtype == np.uint8 and np.array_equal(values, np.arange(len(values)))
    return numbers.astype(kind) if same else values.astype(kind)[numbers]
