"""Fibres and sheets of up to three pixels, which planes at their own size blur away.

The priors average over offsets and planes; of a fibre of one pixel a third is left then, everywhere under one half. So
where all structures are thin each is predicted alone: on planes magnified three times where the image shows it, and by
moving its outlines from plane to plane (`displaced`) where the image does not tell it from what lies around, or takes
their side (`either`); docs/measurements/guided.md has how good that is. Small organs beside large ones (`beside`) are
not predicted so: what lies around them tells more (head and neck, 12 structures on 3 to 17 planes: all lost, .02 to
.38).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ...annotation import SparseAnnotation
from ...distances import bounding_box
from ...quality.appearance import is_shown
from ...quality.expected import expected_quality
from ...structures import of_structures
from ...volume import Volume
from ..base import Prediction, Progress
from .displaced import Displaced, displaced, interpolated_outlines
from .distance_maps import inscribed_radius_mm
from .either import is_better_displaced, is_painted_twice, stands_still

# The largest disc that fits into a structure, on the painted plane where it is thickest: three pixels across.
THIN_RADIUS_PIXELS = 2.0

# Of two pixels across and less; those of three lose nothing at their own size where the image shows them.
MAGNIFIED_RADIUS_PIXELS = 1.1
MAGNIFICATION = 3
_MAGNIFIED_PIXELS = 1 << 20

# How clearly the image must show a structure: the difference of the mean intensities inside and around, in standard
# deviations, times the root of its pixels there. Oblique fibres of one pixel at 3 lose .15 against `shape`.
_DISCERNIBLE = 8.0

_AROUND_PIXELS = 3
MARGIN_PIXELS = 24

Predict = Callable[[Volume, SparseAnnotation], Iterator[Progress | Prediction]]


def thin_structures(annotation: SparseAnnotation) -> dict[int, float]:
    """The structures' class numbers and largest radii in pixels, if all are thin on every painted plane; else none."""
    found = thin_among(annotation)
    painted = set(np.unique(annotation.labels[annotation.source_planes]).tolist()) - {0}
    return {} if painted - set(found) else found


def thin_among(annotation: SparseAnnotation) -> dict[int, float]:
    """Class numbers and largest radii in pixels of the structures that are thin on every painted plane.

    Of pixels, however long and wide they are: it is pixels over which the priors average.
    """
    found = {}
    for number in range(1, annotation.class_count + 1):
        radius = 0.0
        for plane in annotation.source_planes:
            mask = annotation.labels[plane] == number
            if mask.any():
                radius = max(radius, inscribed_radius_mm(np.pad(mask, 1), (1.0, 1.0)))
            if radius > THIN_RADIUS_PIXELS:
                break
        if 0 < radius <= THIN_RADIUS_PIXELS:
            found[number] = radius
    return found


def predicted_thin(
    predict: Predict, volume: Volume, annotation: SparseAnnotation, thin: dict[int, float]
) -> Iterator[Progress | Prediction]:
    """Structure after structure, each alone, by `predict` or by interpolation; the later one keeps what two claim."""
    labels = np.zeros(volume.shape, np.uint8)
    alone = {}
    for done, (number, radius) in enumerate(thin.items()):
        part = of_structures(annotation, (number,), volume.spacing_mm, estimate_ranges=False)
        for step in _predicted(predict, volume, part, radius, len(thin) == 1):
            if isinstance(step, Prediction):
                alone[number] = step
            else:
                yield replace(step, fraction=(done + step.fraction) / len(thin), preview=None)
        labels[alone[number].labels == 1] = number
    yield _together(labels, alone, annotation)


def _predicted(
    predict: Predict, volume: Volume, annotation: SparseAnnotation, radius: float, alone: bool
) -> Iterator[Progress | Prediction]:
    """One thin structure, by `predict` and by what its painted planes alone say, whichever is better."""
    moved = displaced(annotation, interpolated_outlines(annotation, volume.spacing_mm), 1, volume.spacing_mm)
    hidden = not (is_discernible(volume, annotation) or is_shown(volume.intensities, annotation, 1))
    if hidden or (is_painted_twice(annotation, 1) and stands_still(annotation, 1)):
        yield Progress("moving outlines", 1.0)
        yield _told(moved, volume, annotation)
        return
    rows, columns = bounding_box(annotation.labels[annotation.source_planes].any(axis=0), MARGIN_PIXELS)
    region = (slice(None), rows, columns)
    pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
    fits = radius <= MAGNIFIED_RADIUS_PIXELS and pixels * MAGNIFICATION**2 <= _MAGNIFIED_PIXELS
    times = MAGNIFICATION if fits else 1
    with contextlib.closing(predict(*_magnified(volume, annotation, region, times))) as steps:
        for step in steps:
            if isinstance(step, Prediction):
                labels = np.zeros(volume.shape, np.uint8)
                labels[region] = _reduced(step.labels, times)
                if _is_better_displaced(volume, annotation, labels, moved, step.expected_dice, alone):
                    yield _told(moved, volume, annotation)
                else:
                    yield replace(step, labels=labels, probabilities=None)
                return
            yield replace(step, preview=None)


def _is_better_displaced(
    volume: Volume,
    annotation: SparseAnnotation,
    labels: np.ndarray,
    moved: Displaced,
    expected_dice: float | None,
    alone: bool,
) -> bool:
    masks = (mask & ~annotation.known for mask in (labels == 1, moved.mask))
    told = {"spacing_mm": volume.spacing_mm, "expected_dice": expected_dice, "alone": alone}
    return is_better_displaced(volume.intensities, annotation, 1, *masks, **told)


def _told(moved: Displaced, volume: Volume, annotation: SparseAnnotation) -> Prediction:
    labels = moved.mask.astype(np.uint8)
    quality = expected_quality(Prediction(labels), annotation, volume.spacing_mm, "shape", volume.intensities)
    per_plane, whole = moved.told(quality.per_plane, annotation, 1)
    return Prediction(labels, expected_dice_per_plane=per_plane, expected_dice=whole)


def is_discernible(volume: Volume, annotation: SparseAnnotation) -> bool:
    """Whether the image tells a structure from what lies around it on the painted planes."""
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _AROUND_PIXELS + 1,) * 2)
    inside, around = [], []
    for plane in annotation.source_planes:
        mask = annotation.labels[plane] == 1
        near = cv2.dilate(mask.view(np.uint8), disc).view(bool) & ~mask
        inside.append(volume.intensities[plane][mask])
        around.append(volume.intensities[plane][near])
    inside, around = np.concatenate(inside), np.concatenate(around)
    spread = np.sqrt((inside.var() + around.var()) / 2)
    pixels = len(inside) / len(annotation.source_planes)
    return bool(abs(inside.mean() - around.mean()) * np.sqrt(pixels) > _DISCERNIBLE * spread)


def _magnified(volume: Volume, annotation: SparseAnnotation, region, times: int) -> tuple[Volume, SparseAnnotation]:
    import cv2

    def larger(array: np.ndarray) -> np.ndarray:
        return np.repeat(np.repeat(array[region], times, axis=1), times, axis=2)

    image = volume.intensities[region]
    if times > 1:
        image = np.stack([cv2.resize(one, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR) for one in image])
    spacing_mm = (volume.spacing_mm[0], *(one / times for one in volume.spacing_mm[1:]))
    labels, known = larger(annotation.labels), larger(annotation.known)
    return Volume.from_array(image, spacing_mm), replace(annotation, labels=labels, known=known, box=None)


def _reduced(labels: np.ndarray, times: int) -> np.ndarray:
    """A pixel belongs to the structure where at least half of it does."""
    planes, rows, columns = labels.shape
    cells = labels.reshape(planes, rows // times, times, columns // times, times)
    return (2 * cells.sum(axis=(2, 4), dtype=np.uint16) >= times * times).astype(np.uint8)


def _together(labels: np.ndarray, alone: dict[int, Prediction], annotation: SparseAnnotation) -> Prediction:
    """One prediction, with what each structure's own says to expect; certain probabilities, for there are no others."""
    said = {number: one for number, one in alone.items() if one.expected_dice is not None}
    per_class = {annotation.classes[number - 1].name: round(one.expected_dice, 4) for number, one in said.items()}
    planes = np.array([one.expected_dice_per_plane for one in said.values()])
    counted = np.isfinite(planes).sum(axis=0)
    mean = np.divide(np.nansum(planes, axis=0), counted, out=np.full(len(labels), np.nan), where=counted > 0)
    certain = np.arange(annotation.class_count + 1)[:, None, None, None] == labels
    return Prediction(
        labels,
        probabilities=certain.astype(np.float16),
        expected_dice_per_plane=mean.astype(np.float32) if said else None,
        expected_dice=float(np.mean(list(per_class.values()))) if said else None,
        details={"expected_dice_per_class": per_class, "predicted_alone": list(per_class)},
    )
