"""Starting from a rough segmentation: it leads where it is good, and the predictor where that is better.

Of each structure on each plane two things are told before anything is mixed. How wrong the corrected rough outlines
are: from the corrected planes, each left out. How wrong a prediction from the corrected planes alone is: from the rough
segmentation itself, which is interpolated from these very planes and compared with what it is between them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import Corrections, labels_of
from ..errors import InputError
from ..initial import Initial
from ..interpolation import fill
from ..prediction import Prediction, Progress
from ..same_grid import check_same_grid
from ..structures import of_structures, structure_groups
from ..volume import Volume
from .base import PredictorBase

# A prediction loses this much of what interpolation does, and all of it with one corrected plane: 0.4 to 0.8 differ by
# .005 in the mean of 84 predictions of six data sets, but their worst with one plane is -.065 to -.019.
_OF_INTERPOLATION = 0.7
_OF_INTERPOLATION_OF_ONE = 1.0

# What interpolation loses is smoothed over neighbouring planes (standard deviation): rough outlines are restless.
_SMOOTHING_PLANES = 1.5

# Of structures that the corrected planes hardly show, all of them together tell how wrong they are, as if on so many
# pixels.
_PIXELS_OF_ALL = 20

_PREDICTED = 0.9


def predicted_from(
    predictor: PredictorBase, volume: Volume, annotation: SparseAnnotation, initial: Initial
) -> Iterator[Progress | Prediction]:
    """Predict from a rough segmentation and the planes on which it was corrected; as `PredictorBase.predict`.

    Without a corrected plane the rough segmentation comes back, and no Dice is expected of it.

    Raises
    ------
    InputError
        Where image, annotation and rough segmentation do not fit.
    """
    check_same_grid(volume, annotation)
    if not isinstance(predictor, PredictorBase):
        raise InputError(f"the predictor {predictor.name} cannot start from a segmentation: choose guided")
    if initial.labels.shape != volume.shape:
        mine, theirs = ("x".join(map(str, shape)) for shape in (volume.shape, initial.labels.shape))
        raise InputError(f"image ({mine}) and initial segmentation ({theirs}) lie on different grids: resample it")
    rough = _within_ranges(initial.of_classes(annotation.classes), annotation)
    if not annotation.painted.any():
        yield predictor.keep_promises(Prediction(rough, details={"initial": {"corrected_planes": 0}}), annotation)
        return
    corrections = Corrections(rough, annotation, volume.spacing_mm)
    predicted = None
    inside = with_shown_range(annotation, rough)
    if any(inside.labels[plane].any() for plane in inside.complete_planes):
        helped = predictor.starting_from(Initial(rough, annotation.classes))
        with contextlib.closing(helped.predict(volume, inside)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    predicted = step
                    break
                yield replace(step, fraction=_PREDICTED * step.fraction)
    yield Progress("joining it with the initial segmentation", _PREDICTED)
    errors = told_errors(corrections, rough, annotation, volume.spacing_mm)
    labels = _joined(corrections, errors, annotation, predicted)
    told = errors.expected(labels, annotation)
    yield predictor.keep_promises(
        Prediction(
            labels,
            expected_dice_per_plane=told.per_plane,
            expected_dice_per_structure=told.per_structure,
            expected_dice=told.whole,
            details={
                "initial": {
                    "corrected_planes": len(annotation.painted_planes),
                    "reach_planes": corrections.reach_planes,
                    "overall_share": corrections.overall_share,
                },
                "expected_dice_per_class": told.by_name,
            },
        ),
        annotation,
    )


def _within_ranges(rough: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """Nothing outside the ranges, which the expert clicked."""
    rough = rough.copy()
    for plane in range(annotation.planes):
        allowed = annotation.allowed_classes(plane)
        if not allowed.all():
            rough[plane][~allowed[rough[plane]]] = 0
    return rough


def with_shown_range(annotation: SparseAnnotation, rough: np.ndarray) -> SparseAnnotation:
    """Where nobody clicked a range: from the first to the last plane that shows anything, rough or corrected."""
    if annotation.plane_range != (0, annotation.planes - 1):
        return annotation
    shown = np.where(annotation.painted[:, None, None], annotation.labels, rough).any(axis=(1, 2))
    shown |= annotation.labels.any(axis=(1, 2))
    places = np.flatnonzero(shown)
    return annotation.with_range(int(places[0]), int(places[-1])) if len(places) else annotation


@dataclass(frozen=True)
class Errors:
    """What is lost (1 - Dice) by the corrected rough outlines (classes,), and by a prediction (planes, classes).

    Structures that are `absent` (bool, classes) from the rough segmentation are the prediction's.
    """

    rough: np.ndarray
    predicted: np.ndarray
    absent: np.ndarray

    def share_of_predicted(self) -> np.ndarray:
        """The weight (planes, classes) of the prediction: as those of two measurements that are off independently."""
        sharpness = _SHARPNESS[0] + _SHARPNESS[1] * np.minimum(self.rough[None], self.predicted)
        rough, predicted = self.rough[None] ** sharpness, self.predicted**sharpness
        share = rough / (rough + predicted + 1e-9)
        share[:, self.absent] = 1
        return share

    def expected(self, labels: np.ndarray, annotation: SparseAnnotation) -> _Told:
        """The Dice to expect: what two independent measurements lose together."""
        rough, predicted = np.where(self.absent, 1, self.rough)[None], self.predicted
        lost = np.clip(_LOST * rough * predicted / np.sqrt(rough**2 + predicted**2 + 1e-9), 0, 1)
        lost[annotation.complete] = 0
        area = np.stack([np.bincount(one.ravel(), minlength=annotation.class_count + 1)[1:] for one in labels])
        per_structure = np.where((area > 0) & ~annotation.complete, 1 - lost, np.nan).astype(np.float32)
        counted = np.isfinite(per_structure)
        mean = np.where(counted, per_structure, 0).sum(axis=1) / np.maximum(1, counted.sum(axis=1))
        per_plane = np.where(counted.any(axis=1), mean, np.nan).astype(np.float32)
        total = area.sum(axis=0)
        per_class = np.where(total > 0, 1 - (lost * area).sum(axis=0) / np.maximum(1, total), np.nan)
        names = [one.name for one in annotation.classes]
        by_name = {n: round(float(d), 4) for n, d in zip(names, per_class, strict=True) if np.isfinite(d)}
        whole = float(np.nanmean(per_class)) if by_name else None
        return _Told(per_plane, per_structure, whole, by_name)


# Outlines that lie apart have no mean: the more both are wrong, the more sharply one of them is chosen.
_SHARPNESS = (2.0, 4.0)

# Two measurements that are off in the same way lose more than independent ones: by 1.22 in 96 predictions.
_LOST = 1.2


@dataclass(frozen=True)
class _Told:
    per_plane: np.ndarray
    per_structure: np.ndarray
    whole: float | None
    by_name: dict[str, float]


def told_errors(corrections: Corrections, rough: np.ndarray, annotation: SparseAnnotation, spacing_mm) -> Errors:
    """See the file's first lines."""
    count = annotation.class_count
    lost = [corrections.lost(number) for number in range(1, count + 1)]
    wrong = np.array([one.sum() for one, _ in lost], float)
    size = np.array([one.sum() for _, one in lost], float)
    of_all = wrong.sum() / max(1.0, size.sum())
    rough_lost = (wrong + _PIXELS_OF_ALL * of_all) / (size + _PIXELS_OF_ALL)
    absent = np.bincount(rough.ravel(), minlength=count + 1)[1:] == 0
    factor = _OF_INTERPOLATION if len(annotation.painted_planes) > 1 else _OF_INTERPOLATION_OF_ONE
    return Errors(rough_lost, factor * _lost_by_interpolation(rough, annotation, spacing_mm), absent)


def _lost_by_interpolation(rough: np.ndarray, annotation: SparseAnnotation, spacing_mm) -> np.ndarray:
    """1 - Dice (planes, classes) of the rough segmentation interpolated from its own corrected planes, with itself."""
    from scipy import ndimage

    lost = np.ones((annotation.planes, annotation.class_count))
    inside = with_shown_range(annotation, rough)
    for numbers in structure_groups(inside):
        alone = of_structures(inside, numbers, spacing_mm)
        inner = np.zeros(annotation.class_count + 1, np.uint8)
        inner[list(numbers)] = np.arange(1, len(numbers) + 1)
        mine = inner[rough]
        painted = alone.painted[:, None, None]
        sparse = replace(alone, labels=np.where(painted, mine, 0).astype(np.uint8))
        if not alone.painted.any():
            continue
        found = np.zeros_like(rough)
        for _ in fill(found, sparse, spacing_mm):
            pass
        np.copyto(found, mine, where=painted)
        for place, number in enumerate(numbers, start=1):
            a, b = found == place, mine == place
            wrong, size = ((a ^ b).sum(axis=(1, 2)), a.sum(axis=(1, 2)) + b.sum(axis=(1, 2)))
            smooth = [ndimage.gaussian_filter1d(one.astype(float), _SMOOTHING_PLANES) for one in (wrong, size)]
            # Where the rough segmentation has nothing and interpolation neither, nothing is told.
            shown = smooth[1] >= 1
            lost[shown, number - 1] = smooth[0][shown] / smooth[1][shown]
    return lost


def _joined(
    corrections: Corrections, errors: Errors, annotation: SparseAnnotation, predicted: Prediction | None
) -> np.ndarray:
    """Labels: signed distances of both, weighed by how wrong they are."""
    labels = np.zeros(annotation.labels.shape, np.uint8)
    share = errors.share_of_predicted().astype(np.float32)
    first, last = annotation.plane_range
    for plane in range(first, last + 1):
        place = (plane, *corrections.region)
        distances = corrections.stack_mm(plane)
        if predicted is not None:
            found = predicted.labels[place]
            for number in range(1, annotation.class_count + 1):
                weight = share[plane, number - 1]
                other = corrections.cut_distance_mm(found == number)
                distances[number - 1] += weight * (other - distances[number - 1])
        labels[place] = labels_of(distances)
    return labels
