"""What tells how far to trust a predicted plane: numbers of each unpainted plane and structure."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box
from ..metrics import confusion_per_plane, dice_from_confusion
from .appearance import brightness, half_thickness_mm

# The mean over all structures and planes of 42 volumes; where it is more, it counts as this many.
TYPICALLY_UNLIKE = 0.41
_MOST_UNLIKE = 5.0
# Of the painted planes' standard deviation.
_LEAST_SPREAD = 0.05


@dataclass(frozen=True)
class PlaneFeatures:
    """One row for each plane asked for and structure that is predicted there or painted next to it.

    Attributes
    ----------
    plane, structure : int; the structure's number counts from 0
    area_px : predicted pixels
    radius_mm : of the disc with the mean area of the prediction and the painted planes next to it
    distance_mm : to the nearest painted plane
    way_mm : distances to the painted planes on both sides, combined like two resistances side by side; beyond the ends
        the distance to the one there is
    position : 0 at the painted plane before, 1 at the one after; beyond the ends the way to the end of the range
    at_end : bool, painted planes on one side only
    change : 1 - Dice of the painted planes on both sides with each other; beyond the ends 1
    from_nearest : 1 - Dice of the prediction with the nearest painted plane
    disagreement : 1 - Dice of the prediction with another predictor's; NaN where there is none
    half_thickness_mm : mean of the prediction's and of the painted planes' next to it: the radius of a disc, half of
        the width of a band
    unlike : how far its mean intensity is from that of the painted planes next to it, in their standard deviations; NaN
        where nothing is predicted
    """

    plane: np.ndarray
    structure: np.ndarray
    area_px: np.ndarray
    radius_mm: np.ndarray
    distance_mm: np.ndarray
    way_mm: np.ndarray
    position: np.ndarray
    at_end: np.ndarray
    change: np.ndarray
    from_nearest: np.ndarray
    disagreement: np.ndarray
    half_thickness_mm: np.ndarray
    unlike: np.ndarray

    def __len__(self) -> int:
        return len(self.plane)

    @classmethod
    def none(cls) -> PlaneFeatures:
        """Of no plane."""
        return cls(
            **{one.name: np.zeros(0, int if one.name in ("plane", "structure") else float) for one in fields(cls)}
        )


def features_of(
    labels: np.ndarray,
    annotation: SparseAnnotation,
    spacing_mm: tuple[float, float, float],
    planes: list[int],
    other: np.ndarray | None = None,
    intensities: np.ndarray | None = None,
) -> PlaneFeatures:
    """Features of predicted planes.

    Parameters
    ----------
    labels : the prediction, class numbers, shape (planes, rows, columns)
    annotation : what it was made from
    spacing_mm : between planes, rows, columns
    planes : the predicted planes to look at, none of them painted
    other : another predictor's labels, or None
    intensities : the image, shape (planes, rows, columns); where there is none, `unlike` is what it is on average
    """
    planes = np.asarray(planes, dtype=int)
    sources = np.asarray(annotation.source_planes, dtype=int)
    before, after = _neighbours(planes, sources)
    box = bounding_box((annotation.labels[sources] > 0).any(axis=0) | (labels[planes] > 0).any(axis=0)) or (...,)
    count = annotation.class_count
    predicted = labels[(planes, *box)]
    painted_before = annotation.labels[(sources[np.maximum(before, 0)], *box)]
    painted_after = annotation.labels[(sources[np.minimum(after, len(sources) - 1)], *box)]
    has_before, has_after = before >= 0, after < len(sources)
    to_before = np.where(has_before, planes - sources[np.maximum(before, 0)], np.inf) * spacing_mm[0]
    to_after = np.where(has_after, sources[np.minimum(after, len(sources) - 1)] - planes, np.inf) * spacing_mm[0]
    nearest_is_before = to_before <= to_after
    areas = np.stack([_areas(one, count) for one in (predicted, painted_before, painted_after)])
    sides = np.stack([np.ones_like(has_before), has_before, has_after])[:, :, None]
    mean_area = (areas * sides).sum(axis=0) / sides.sum(axis=0)
    change = np.where((has_before & has_after)[:, None], _apart(painted_before, painted_after, count), 1.0)
    nearest = np.where(nearest_is_before[:, None, None], painted_before, painted_after)
    allowed = np.stack([annotation.allowed_classes(plane)[1:] for plane in planes])
    there = allowed & (mean_area > 0)
    row, structure = np.nonzero(there)
    next_to = np.maximum(before, 0), np.minimum(after, len(sources) - 1)
    table = {
        "half_thickness_mm": _thickness(predicted, annotation.labels[(sources, *box)], next_to, count, spacing_mm[1:]),
        "unlike": np.full(there.shape, TYPICALLY_UNLIKE)
        if intensities is None
        else _unlike(labels, annotation, planes, next_to, intensities),
        "area_px": areas[0],
        "radius_mm": np.sqrt(mean_area * spacing_mm[1] * spacing_mm[2] / np.pi),
        "change": change,
        "from_nearest": _apart(predicted, nearest, count),
        "disagreement": np.full(there.shape, np.nan)
        if other is None
        else _apart(predicted, other[(planes, *box)], count),
    }
    each = {
        "plane": planes,
        "distance_mm": np.minimum(to_before, to_after),
        "way_mm": 1 / (1 / to_before + 1 / to_after),
        "position": _positions(planes, to_before, to_after, annotation.plane_range, spacing_mm[0]),
        "at_end": ~(has_before & has_after),
    }
    columns = {name: values[row, structure] for name, values in table.items()}
    columns |= {name: values[row] for name, values in each.items()}
    return PlaneFeatures(structure=structure, **columns)


def _thickness(predicted, painted, next_to, count: int, spacing_mm) -> np.ndarray:
    """Mean over the prediction and the painted planes on both sides, of those that have the structure."""
    sides = half_thickness_mm(painted, count, spacing_mm)
    all_three = np.stack([half_thickness_mm(predicted, count, spacing_mm), *(sides[one] for one in next_to)])
    there = (all_three > 0).sum(axis=0)
    return np.divide(all_three.sum(axis=0), there, out=np.zeros(there.shape), where=there > 0)


def _unlike(labels, annotation: SparseAnnotation, planes, next_to, intensities: np.ndarray) -> np.ndarray:
    count, sources = annotation.class_count, annotation.source_planes
    predicted, _ = brightness(intensities, labels, planes, count)
    means, spreads = brightness(intensities, annotation.labels, sources, count)
    least = _LEAST_SPREAD * float(intensities[sources].std())
    wander = _mean_of((means - _mean_of(means)) ** 2) ** 0.5
    mean, spread = (_mean_of(np.stack([one[side] for side in next_to])) for one in (means, spreads))
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(predicted - mean) / (np.nan_to_num(spread) + np.nan_to_num(wander) + least)
    # Of an image that is the same everywhere nothing can be said.
    return np.clip(np.where(np.isfinite(predicted) & ~np.isfinite(apart), TYPICALLY_UNLIKE, apart), 0, _MOST_UNLIKE)


def _mean_of(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis, of what is no NaN; NaN where nothing is."""
    there = np.isfinite(values).sum(axis=0)
    return np.divide(np.nansum(values, axis=0), there, out=np.full(there.shape, np.nan), where=there > 0)


def _neighbours(planes: np.ndarray, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which painted plane comes before each plane, and which after: -1, or their number, where there is none."""
    after = np.searchsorted(sources, planes)
    return after - 1, after


def _areas(labels: np.ndarray, count: int) -> np.ndarray:
    """Pixels of each structure on each plane, shape (planes, structures)."""
    return np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in labels])


def _apart(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    """1 - Dice of each structure on each plane; 0 where neither has it, for they agree."""
    return 1 - np.nan_to_num(dice_from_confusion(confusion_per_plane(first, second, count)), nan=1.0)


def _positions(planes, to_before, to_after, plane_range, step_mm) -> np.ndarray:
    """Between two painted planes 0 to 1; beyond the ends from the painted plane (0) to the first empty one (1)."""
    with np.errstate(invalid="ignore"):
        beyond_first = to_after / (to_after + (planes - plane_range[0] + 1) * step_mm)
        beyond_last = to_before / (to_before + (plane_range[1] + 1 - planes) * step_mm)
        between = to_before / (to_before + to_after)
    return np.where(np.isinf(to_before), beyond_first, np.where(np.isinf(to_after), beyond_last, between))
