"""Thin structures beside large ones: predicted with all others, or interpolated, as painted planes decide.

What lies around a small organ tells much (optic nerves and chiasm lose without it); of a fibre beside a large organ, or
in it, planes at their own size leave little. Which it is no rule of size tells. Painted planes that are left out do:
around the thin structures all are predicted without them, once for each half. And so does what a prediction leaves of a
structure between two planes that hold it, which says more of oblique fibres: at twice the gap nobody finds those. What
looks as all around it does is interpolated at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...annotation import SparseAnnotation
from ...distances import bounding_box
from ...metrics import confusion_per_plane, dice_from_confusion
from ...quality.appearance import is_unseen
from ...quality.expected import expected_quality, quick_labels
from ...quality.left_out import groups_to_leave_out, without_planes
from ...volume import Volume
from ..base import Prediction, Progress
from .thin import MARGIN_PIXELS, cut_out

# Of planes left out, interpolation has to find so much, and so much more than the prediction, for both are measured on
# few planes; or nearly all of it: what does not move is not to be done better.
_LEAST, _CLEARLY, _ALL = 0.3, 0.02, 0.97

# It is interpolated, too, where the prediction lacks this share of what the painted planes on both sides promise, and
# interpolation less by as much as `_LESS`.
_LACKING = 0.2
_LESS = 0.1

# What predicting all structures takes of the time; the rest is for the planes left out.
_TOGETHER_END = 0.6


def predicted_beside(
    predict: Callable, volume: Volume, annotation: SparseAnnotation, thin: list[int]
) -> Iterator[Progress | Prediction]:
    """All structures by `predict`, but those of `thin` (class numbers) interpolated that are better so.

    `predict` takes a third argument, the planes that are wanted.
    """
    with contextlib.closing(predict(volume, annotation)) as steps:
        for step in steps:
            if isinstance(step, Prediction):
                prediction = step
                break
            yield replace(step, fraction=_TOGETHER_END * step.fraction)
    interpolated = quick_labels("shape", annotation, volume.spacing_mm, annotation.open_planes)
    interpolated = np.where(annotation.known, annotation.labels, interpolated)
    lacks, would_lack = (_lacking(labels, annotation) for labels in (prediction.labels, interpolated))
    better = [
        number
        for number in thin
        if is_unseen(volume.intensities, annotation, number)
        or (lacks[number - 1] > _LACKING and would_lack[number - 1] < lacks[number - 1] - _LESS)
    ]
    others = [number for number in thin if number not in better]
    if others:
        better += yield from _better_interpolated(predict, volume, annotation, others)
    yield _with_interpolated(prediction, volume, annotation, interpolated, better) if better else prediction


def _better_interpolated(
    predict: Callable, volume: Volume, annotation: SparseAnnotation, thin: list[int]
) -> Iterator[Progress]:
    """Progress, while planes are left out; returns the class numbers of which interpolation does better there."""
    near = np.isin(annotation.labels[annotation.source_planes], thin).any(axis=0)
    cut, known = cut_out(volume, annotation, (slice(None), *bounding_box(near, MARGIN_PIXELS)))
    # Beyond the last painted plane the two differ in other ways.
    ends = {known.source_planes[0], known.source_planes[-1]}
    between = ([plane for plane in group if plane not in ends] for group in groups_to_leave_out(known))
    groups = [group for group in between if group]
    confusion = {"together": 0, "interpolated": 0}
    for done, planes in enumerate(groups):
        rest = without_planes(known, planes)
        found = {"interpolated": quick_labels("shape", rest, cut.spacing_mm, planes)}
        with contextlib.closing(predict(cut, rest, planes)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    found["together"] = step.labels
                    break
                share = (done + step.fraction) / len(groups)
                yield Progress("predicting painted planes", _TOGETHER_END + (1 - _TOGETHER_END) * share)
        for name, labels in found.items():
            counted = confusion_per_plane(labels[planes], known.labels[planes], known.class_count)
            confusion[name] = confusion[name] + counted.sum(axis=0)
    if not groups:
        return []
    dice = {name: dice_from_confusion(counted) for name, counted in confusion.items()}
    found, gain = dice["interpolated"], dice["interpolated"] - dice["together"]
    worth = (found >= _ALL) | ((found >= _LEAST) & (gain > _CLEARLY))
    return [number for number in thin if worth[number - 1]]


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
