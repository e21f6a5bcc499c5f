"""Thin structures beside large ones: predicted with all others, or interpolated, as the image decides.

What lies around a small organ tells much (optic nerves and chiasm lose without it); of a fibre beside a large organ, or
in it, planes at their own size leave little. Which it is no rule of size tells, but the image does where it shows the
structure: where the two differ, what looks like it. Where it does not show it, a prediction has only chance to go by.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...annotation import SparseAnnotation
from ...quality.appearance import is_shown, side_taken
from ...quality.expected import expected_quality, quick_labels
from ...volume import Volume
from ..base import Prediction, Progress

# Interpolation that lacks more than this of what the painted planes on both sides promise, and so much more than the
# prediction does, is none.
_NEARLY_NOTHING, _FAR_MORE = 0.5, 0.3

# What is so alike on neighbouring painted planes, by their Dice, does not move, and is not to be done better.
_STANDS_STILL = 0.97

# Where the prediction lacks so much of it, and interpolation less by `_LESS`, or finds so much more than what little
# was found, the image need not take its side as clearly: what is interpolated a little off does not look right either.
_LACKING = 0.2
_LESS, _MORE_FOUND = 0.1, 0.15
_SIDE, _SIDE_OF_MORE = 0.5, 0.4


def predicted_beside(
    predict: Callable, volume: Volume, annotation: SparseAnnotation, thin: list[int]
) -> Iterator[Progress | Prediction]:
    """All structures by `predict`, but those of `thin` (class numbers) interpolated that are better so."""
    with contextlib.closing(predict(volume, annotation)) as steps:
        for step in steps:
            if isinstance(step, Prediction):
                prediction = step
                break
            yield step
    interpolated = quick_labels("shape", annotation, volume.spacing_mm, annotation.open_planes)
    interpolated = np.where(annotation.known, annotation.labels, interpolated)
    lacks, would_lack = (_lacking(labels, annotation) for labels in (prediction.labels, interpolated))
    better = []
    for number in thin:
        there, then = lacks[number - 1], would_lack[number - 1]
        if then > _NEARLY_NOTHING and then > there + _FAR_MORE:
            continue
        side = _SIDE_OF_MORE if _lacks_more(there, then) else _SIDE
        if _is_better_interpolated(volume, annotation, (prediction.labels, interpolated), number, side):
            better.append(number)
    yield _with_interpolated(prediction, volume, annotation, interpolated, better) if better else prediction


def _lacks_more(lacks: float, would_lack: float) -> bool:
    """Whether a prediction lacks so much more of a structure than its interpolation would; by what both find."""
    return lacks > _LACKING and would_lack < lacks - min(_LESS, _MORE_FOUND * (1 - lacks))


def _is_better_interpolated(
    volume: Volume, annotation: SparseAnnotation, two_labels: tuple[np.ndarray, np.ndarray], number: int, side: float
) -> bool:
    """What the image says, if it shows the structure; docs/design/guided.md has how often it is right."""
    masks = [(labels == number) & ~annotation.known for labels in two_labels]
    if np.array_equal(*masks):
        return False
    painted = annotation.labels[annotation.source_planes] == number
    painted = painted[painted.any(axis=(1, 2))]
    if len(painted) < 2:
        return False  # there is nothing to interpolate to
    common, areas = (painted[1:] & painted[:-1]).sum(), painted.sum(axis=(1, 2))
    if 2 * common >= _STANDS_STILL * (areas[1:].sum() + areas[:-1].sum()):
        return True
    if is_shown(volume.intensities, annotation, number):
        return side_taken(volume.intensities, annotation, number, *masks) > side
    return True


def _lacking(labels: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """What is missing of the area that two painted planes promise for those between, as a share (structures,)."""
    count = annotation.class_count
    areas = np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in labels])
    share = np.zeros(count)
    for number in range(count):
        promised = missing = 0.0
        for before, after in pairwise(annotation.complete_planes_of(number + 1)):
            if areas[before, number] and areas[after, number]:
                between = np.arange(before + 1, after)
                wanted = np.interp(between, [before, after], areas[[before, after], number])
                promised += wanted.sum()
                missing += np.maximum(wanted - areas[between, number], 0).sum()
        share[number] = missing / promised if promised else 0.0
    return share


def _with_interpolated(
    prediction: Prediction,
    volume: Volume,
    annotation: SparseAnnotation,
    interpolated: np.ndarray,
    numbers: list[int],
) -> Prediction:
    """The prediction in which some structures are where their interpolation is, and nowhere else."""
    labels = prediction.labels
    theirs = np.isin(interpolated, numbers)
    left = np.isin(labels, numbers) & ~theirs
    labels = np.where(theirs | left, interpolated, labels)
    quality = expected_quality(Prediction(labels), annotation, volume.spacing_mm, "shape", volume.intensities)
    told = dict(prediction.details["expected_dice_per_class"])
    per_structure = np.array(prediction.expected_dice_per_structure)
    for number in numbers:
        if np.isfinite(quality.per_class[number - 1]):
            told[annotation.classes[number - 1].name] = round(float(quality.per_class[number - 1]), 4)
        per_structure[:, number - 1] = quality.per_structure[:, number - 1]
    counted = np.isfinite(per_structure)
    mean = np.nansum(per_structure, axis=1) / np.maximum(counted.sum(axis=1), 1)
    probabilities = prediction.probabilities
    if probabilities is not None:
        changed = labels != prediction.labels
        for value, plane in enumerate(probabilities):
            plane[changed] = labels[changed] == value
    names = [annotation.classes[one - 1].name for one in numbers]
    return replace(
        prediction,
        labels=labels,
        expected_dice=float(np.mean(list(told.values()))),
        expected_dice_per_structure=per_structure,
        expected_dice_per_plane=np.where(counted.any(axis=1), mean, np.nan).astype(np.float32),
        details={**prediction.details, "expected_dice_per_class": told, "interpolated": names},
    )
