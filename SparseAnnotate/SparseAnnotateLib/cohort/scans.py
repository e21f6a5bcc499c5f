"""The scans of a cohort: images and what is known of them, on one spacing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..annotation import SparseAnnotation
from ..volume import Volume
from .model import CohortConfiguration
from .preprocessing import nearest_indices, prepared_image

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
class PreparedScan:
    """A scan on the common spacing; arrays have the shape (planes, rows, columns).

    Attributes
    ----------
    image : float16, normalised
    labels : uint8, 0 wherever not known
    known : bool
    open_classes : bool (planes, classes + 1), what a voxel whose label is not known can be
    anchors : planes that are painted, and those next to the range's ends, which are known to be empty
    voxels : some voxels (count, 3) of each structure that is painted
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    open_classes: np.ndarray
    anchors: np.ndarray
    voxels: tuple[np.ndarray, ...]

    @property
    def fingerprint(self) -> str:
        """The same for the same scan, painted in the same way and prepared in the same way."""
        digest = hashlib.blake2b(repr(self.image.shape).encode(), digest_size=16)
        for array in (self.image, self.labels, self.known):
            for plane in array:
                digest.update(np.ascontiguousarray(plane))
        digest.update(np.ascontiguousarray(self.open_classes))
        return digest.hexdigest()


def prepared(scan: CohortScan, configuration: CohortConfiguration, seed: int) -> PreparedScan:
    """Normalise and resample one scan; its classes are the cohort's already."""
    volume, annotation = scan.volume, scan.annotation
    image = prepared_image(volume.intensities, volume.spacing_mm, configuration)
    labels, known = resampled_annotation(annotation, image.shape)
    voxels = _structure_voxels(labels, annotation.class_count, np.random.default_rng([seed, 1]))
    planes = plane_sources(annotation, image.shape[0])
    is_open = np.stack([annotation.open_classes(int(plane)) for plane in planes])
    return PreparedScan(scan.name, image, labels, known, is_open, _anchors(annotation, image.shape[0]), voxels)


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
