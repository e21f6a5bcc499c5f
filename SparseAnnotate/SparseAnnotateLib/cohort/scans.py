"""The scans of a cohort: their structures matched by name, then images and what is known of them on one spacing."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..errors import InputError
from ..volume import Volume
from .model import CohortConfiguration
from .preprocessing import nearest_indices, prepared_image, prepared_shape

# Voxels of a structure that blocks are drawn around; a scan may have millions.
_MOST_VOXELS = 10_000


@dataclass(frozen=True)
class CohortScan:
    """One scan with what an expert painted of it.

    Only what the annotation knows is learnt from: where the range is known (`with_range`), the planes beyond it are
    background.
    """

    name: str
    volume: Volume
    annotation: SparseAnnotation

    def load(self) -> CohortScan:
        """Itself, for it is in memory already."""
        return self


class ScanSource(Protocol):
    """A scan that is read where it is looked at, so that not all of a cohort's images need to be in memory."""

    name: str

    def load(self) -> CohortScan:
        """Read it; called twice."""


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

    @classmethod
    def of(cls, scan: CohortScan) -> ScanFacts:
        """Those of a loaded scan."""
        volume, annotation = scan.volume, scan.annotation
        painted, labelled = len(annotation.painted_planes), bool(annotation.labels.any())
        return cls(scan.name, volume.axis, volume.shape, volume.spacing_mm, annotation.classes, painted, labelled)


@dataclass(frozen=True)
class Structures:
    """The structures of a cohort: the same if their names are.

    A label map without names has "class 3": this is the structure with the value 3, whatever it is called where it has
    a name.

    Attributes
    ----------
    classes : in the order of their values; of two structures with the same value, the second got a free one
    names_by_value : what nameless ones are called
    """

    classes: tuple[LabelClass, ...]
    names_by_value: Mapping[int, str]

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

    def renumbered(self, scan: CohortScan) -> CohortScan:
        """The scan with these structures instead of its own."""
        numbers = {one.name: number for number, one in enumerate(self.classes, 1)}
        own = (numbers[_called(one, self.names_by_value)] for one in scan.annotation.classes)
        table = np.array([0, *own], np.uint8)
        ranges = {int(table[number]): ends for number, ends in scan.annotation.class_ranges.items()}
        labels = table[scan.annotation.labels]
        annotation = replace(scan.annotation, labels=labels, classes=self.classes, class_ranges=ranges)
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


@dataclass(frozen=True)
class PreparedScan:
    """A scan on the common spacing; arrays have the shape (planes, rows, columns).

    Attributes
    ----------
    image : float16, normalised
    labels : uint8, 0 wherever not known
    known : bool
    anchors : planes that are painted, and those next to the range's ends, which are known to be empty
    voxels : some voxels (count, 3) of each structure that is painted
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    anchors: np.ndarray
    voxels: tuple[np.ndarray, ...]

    @property
    def fingerprint(self) -> str:
        """The same for the same scan, painted in the same way and prepared in the same way."""
        digest = hashlib.blake2b(repr(self.image.shape).encode(), digest_size=16)
        for array in (self.image, self.labels, self.known):
            for plane in array:
                digest.update(np.ascontiguousarray(plane))
        return digest.hexdigest()


def prepared(scan: CohortScan, configuration: CohortConfiguration, seed: int) -> PreparedScan:
    """Normalise and resample one scan; its classes are the cohort's already."""
    volume, annotation = scan.volume, scan.annotation
    image = prepared_image(volume.intensities, volume.spacing_mm, configuration)
    labels, known = resampled_annotation(annotation, image.shape)
    voxels = _structure_voxels(labels, annotation.class_count, np.random.default_rng([seed, 1]))
    return PreparedScan(scan.name, image, labels, known, _anchors(annotation, image.shape[0]), voxels)


def resampled_annotation(annotation: SparseAnnotation, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and known voxels on another grid of the same box: those of the nearest voxel.

    Where planes become fewer none that is painted gets lost: a new plane takes the nearest painted one that it covers.
    """
    rows, columns = (nearest_indices(old, new) for old, new in zip(annotation.labels.shape[1:], shape[1:], strict=True))
    where = np.ix_(plane_sources(annotation, shape[0]), rows, columns)
    return annotation.labels[where], annotation.known[where]


def plane_sources(annotation: SparseAnnotation, new: int) -> np.ndarray:
    """The plane that each of `new` planes is taken from."""
    old = annotation.planes
    nearest = nearest_indices(old, new)
    painted = np.flatnonzero(annotation.painted)
    if not len(painted):
        return nearest
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    distance = np.abs(centres[:, None] - painted)
    closest = distance.argmin(axis=1)
    covered = distance[np.arange(new), closest] <= max(1.0, old / new) / 2
    return np.where(covered, painted[closest], nearest)


def _anchors(annotation: SparseAnnotation, new: int) -> np.ndarray:
    """Planes of the new grid that hold something worth learning."""
    wanted = annotation.painted.copy()
    first, last = annotation.plane_range
    for border in (first - 1, last + 1):
        if 0 <= border < annotation.planes:
            wanted[border] = True
    return np.flatnonzero(wanted[plane_sources(annotation, new)])


def _structure_voxels(labels: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Evenly drawn voxels of each structure, plane by plane in memory."""
    found = []
    for number in range(1, count + 1):
        flat = np.concatenate([np.flatnonzero(plane == number) + i * plane.size for i, plane in enumerate(labels)])
        if len(flat) > _MOST_VOXELS:
            flat = np.sort(rng.choice(flat, _MOST_VOXELS, replace=False))
        if len(flat):
            found.append(np.stack(np.unravel_index(flat, labels.shape), axis=1).astype(np.int32))
    return tuple(found)


def block_for(
    scans: Sequence[ScanFacts], spacing_mm: tuple[float, float, float], block: Sequence[int], stride: Sequence[int]
) -> tuple[int, int, int]:
    """The block, no larger than the largest scan on the common spacing, and a multiple of the network's stride."""
    shapes = [prepared_shape(scan.shape, scan.spacing_mm, spacing_mm) for scan in scans]
    largest = np.max(shapes, axis=0)
    sizes = zip(block, largest, stride, strict=True)
    return tuple(int(-(-min(wanted, most) // step) * step) for wanted, most, step in sizes)
