"""How the scans of a cohort fit together: their axes, grids and structures, without their voxels."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..annotation import LabelClass
from ..errors import InputError
from ..volume import ImageGeometry
from .model import CohortConfiguration
from .preprocessing import prepared_shape
from .scans import CohortScan


@dataclass(frozen=True)
class ScanFacts:
    """What is needed of a scan to see how it fits to the others, without its voxels."""

    name: str
    axis: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    classes: tuple[LabelClass, ...]
    painted_planes: int
    labelled: bool
    orientation: str

    @classmethod
    def of(cls, scan: CohortScan) -> ScanFacts:
        """Those of a loaded scan."""
        volume, annotation = scan.volume, scan.annotation
        return cls(
            scan.name,
            volume.axis,
            volume.shape,
            volume.spacing_mm,
            annotation.classes,
            len(annotation.painted_planes),
            bool(annotation.labels.any()),
            orientation_of(volume.geometry),
        )


def orientation_of(geometry: ImageGeometry) -> str:
    """Where i, j and k go to, each in a letter: LPS for an image whose axes go left, posterior and superior."""
    direction = np.reshape(geometry.direction, (3, 3))
    axes = np.abs(direction).argmax(axis=0)
    return "".join("LPS"[axis] if direction[axis, n] > 0 else "RAI"[axis] for n, axis in enumerate(axes))


def different_orientations(scans: Sequence[ScanFacts]) -> str | None:
    """A note where scans are stored in different ways: what is left in one is right in the other to a network."""
    found: dict[str, list[str]] = {}
    for scan in scans:
        found.setdefault(scan.orientation, []).append(scan.name)
    if len(found) == 1:
        return None
    ways = "; ".join(f"{way}: {len(names)}, {names[0]} for one" for way, names in sorted(found.items()))
    return f"scans are stored in different orientations ({ways}): the network sees them mirrored; reorient them alike"


@dataclass(frozen=True)
class Structures:
    """The structures of a cohort: the same if their names are.

    A label map without names has "class 3": this is the structure with the value 3, whatever it is called where it has
    a name.

    Attributes
    ----------
    classes : in the order of their values; of two structures with the same value, the second got a free one
    names_by_value : what nameless ones are called
    numbers : of each name the class's; by default their order in `classes`
    """

    classes: tuple[LabelClass, ...]
    names_by_value: Mapping[int, str]
    numbers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, scans: Sequence[ScanFacts]) -> Structures:
        """Those of all scans.

        Raises
        ------
        InputError
            For no scan, two scans or two structures of the same name, different axes, or nothing painted.
        """
        _check(scans)
        names = _names_by_value(scans)
        found: dict[str, LabelClass] = {}
        for one in (one for scan in scans for one in scan.classes):
            name = _called(one, names)
            found.setdefault(name, replace(one, name=name))
        return cls(_with_own_values(list(found.values())), names)

    def as_learnt(self, configuration: CohortConfiguration) -> Structures:
        """The structures of a model, as those of these scans: all of them, each in the model's place.

        Raises
        ------
        InputError
            Where the model has not learnt one of the scans' structures.
        """
        channels = channels_of(configuration, self.classes)
        numbers = {one.name: channel for one, channel in zip(self.classes, channels, strict=True)}
        return Structures(classes_of(configuration), self.names_by_value, numbers)

    def renumbered(self, scan: CohortScan) -> CohortScan:
        """The scan with these structures instead of its own."""
        numbers = self.numbers or {one.name: number for number, one in enumerate(self.classes, 1)}
        own = (numbers[_called(one, self.names_by_value)] for one in scan.annotation.classes)
        table = np.array([0, *own], np.uint8)
        ranges = {int(table[number]): ends for number, ends in scan.annotation.class_ranges.items()}
        labels = table[scan.annotation.labels]
        before = scan.annotation.complete
        # What the scan's file does not even name is absent from planes that were painted for all that it names.
        complete = np.repeat(before.all(axis=1, keepdims=True) & scan.annotation.painted[:, None], len(self.classes), 1)
        complete[:, table[1:] - 1] = before
        annotation = replace(
            scan.annotation, labels=labels, classes=self.classes, class_ranges=ranges, complete=complete
        )
        return replace(scan, annotation=annotation)


def _check(scans: Sequence[ScanFacts]) -> None:
    if not scans:
        raise InputError("no scan is given: give at least one with painted planes")
    names = [scan.name for scan in scans]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InputError(f"two scans are called {double}: give them names of their own")
    for scan in scans:
        if scan.axis != scans[0].axis:
            raise InputError(
                f"the planes of {scan.name} lie along {scan.axis}, those of {scans[0].name} along "
                f"{scans[0].axis}: give the annotation axis with --axis"
            )
        if not scan.painted_planes:
            raise InputError(f"nothing is painted in {scan.name}: paint a plane, or leave the scan out")
        own = [one.name for one in scan.classes]
        if len(set(own)) < len(own):
            raise InputError(f"two structures of {scan.name} share a name: rename one")
    if not any(scan.labelled for scan in scans):
        raise InputError("no scan holds a painted structure: paint some planes")


def _is_nameless(one: LabelClass) -> bool:
    return re.fullmatch(r"class \d+", one.name) is not None


def _called(one: LabelClass, names_by_value: Mapping[int, str]) -> str:
    return names_by_value.get(one.value, one.name) if _is_nameless(one) else one.name


def _names_by_value(scans: Sequence[ScanFacts]) -> dict[int, str]:
    """What the structures are called where they have names; values that mean different structures are left out."""
    found: dict[int, set[str]] = {}
    for one in (one for scan in scans for one in scan.classes if not _is_nameless(one)):
        found.setdefault(one.value, set()).add(one.name)
    return {value: names.pop() for value, names in found.items() if len(names) == 1}


def _with_own_values(classes: list[LabelClass]) -> tuple[LabelClass, ...]:
    taken: set[int] = set()
    result = []
    for one in sorted(classes, key=lambda one: one.value):
        value = next(number for number in itertools.count(one.value) if number not in taken)
        taken.add(value)
        result.append(replace(one, value=value))
    return tuple(sorted(result, key=lambda one: one.value))


def median_spacing(scans: Sequence[ScanFacts]) -> tuple[float, float, float]:
    """The middle one of the spacings of planes, of rows and of columns, in mm."""
    return tuple(float(value) for value in np.median([scan.spacing_mm for scan in scans], axis=0))


def block_for(
    scans: Sequence[ScanFacts], spacing_mm: tuple[float, float, float], block: Sequence[int], stride: Sequence[int]
) -> tuple[int, int, int]:
    """The block, no larger than the largest scan on the common spacing, and a multiple of the network's stride."""
    shapes = [prepared_shape(scan.shape, scan.spacing_mm, spacing_mm) for scan in scans]
    largest = np.max(shapes, axis=0)
    sizes = zip(block, largest, stride, strict=True)
    return tuple(int(-(-min(wanted, most) // step) * step) for wanted, most, step in sizes)


def channels_of(configuration: CohortConfiguration, classes: Sequence[LabelClass]) -> list[int]:
    """For each structure of an annotation the network's output that stands for it: of its name, else of its value.

    Raises
    ------
    InputError
        Where the network has not learnt one of the structures.
    """
    found = []
    by_name = {name.casefold(): n for n, name in enumerate(configuration.class_names, 1)}
    by_value = {value: n for n, value in enumerate(configuration.class_values, 1)}
    named = all(one.name.casefold() in by_name for one in classes)
    for one in classes:
        number = by_name.get(one.name.casefold()) if named else by_value.get(one.value)
        if number is None:
            known = ", ".join(
                f"{name} ({v})" for name, v in zip(configuration.class_names, configuration.class_values, strict=True)
            )
            raise InputError(
                f"the cohort model has not learnt {one.name} ({one.value}): it knows {known}; use another model, or "
                "none"
            )
        found.append(number)
    return found


def classes_of(configuration: CohortConfiguration) -> tuple[LabelClass, ...]:
    """The structures that a model knows, as a label file holds them."""
    pairs = zip(configuration.class_values, configuration.class_names, strict=True)
    return tuple(LabelClass(value, name) for value, name in pairs)
