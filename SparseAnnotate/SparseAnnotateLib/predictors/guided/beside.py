"""Thin structures beside large ones: predicted with all others, or moved between their planes, as the image decides.

What lies around a small organ tells much (optic nerves and chiasm lose without it); of a fibre beside a large organ, or
in it, planes at their own size leave little. Which it is no rule of size tells, but the image does where it shows the
structure (`either`). Where it does not show it, a prediction has only chance to go by.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...annotation import SparseAnnotation
from ...distances import nearest_other
from ...quality.appearance import is_shown
from ...quality.expected import expected_quality
from ...volume import Volume
from ..base import Prediction, Progress
from .displaced import Displaced, displaced, interpolated_outlines
from .either import changes_too_much, is_better_displaced, is_painted_twice, stands_still
from .hidden import moved_where_hidden


def predicted_beside(
    predict: Callable, volume: Volume, annotation: SparseAnnotation, thin: list[int]
) -> Iterator[Progress | Prediction]:
    """All structures by `predict`, but those of `thin` (class numbers) moved between planes that are better so.

    Of those that are not, what the image does not tell from one neighbour is moved beside that one (`hidden`).
    """
    with contextlib.closing(predict(volume, annotation)) as steps:
        for step in steps:
            if isinstance(step, Prediction):
                prediction = step
                break
            yield step
    interpolated = interpolated_outlines(annotation, volume.spacing_mm)
    lacks, outlines_lack = (_lacking(labels, annotation) for labels in (prediction.labels, interpolated))
    better = {}
    for number in thin:
        if is_painted_twice(annotation, number):
            moved = displaced(annotation, interpolated, number, volume.spacing_mm)
            too_much = changes_too_much(lacks[number - 1], outlines_lack[number - 1])
            if not _is_better(volume, annotation, number, prediction, moved.mask, too_much):
                moved = moved_where_hidden(prediction, moved, volume, annotation, number)
            if moved is not None:
                better[number] = moved
    yield _with_displaced(prediction, volume, annotation, better) if better else prediction


def _is_better(
    volume: Volume, annotation: SparseAnnotation, number: int, prediction: Prediction, moved: np.ndarray, too_much: bool
) -> bool:
    """Whether a structure is to be where it was moved; `too_much` where it changes too much between its planes."""
    predicted, moved = (mask & ~annotation.known for mask in (prediction.labels == number, moved))
    if np.array_equal(predicted, moved):
        return False
    if stands_still(annotation, number) or not is_shown(volume.intensities, annotation, number):
        return True
    if too_much:
        return False
    expected = prediction.details["expected_dice_per_class"].get(annotation.classes[number - 1].name)
    told = {"spacing_mm": volume.spacing_mm, "expected_dice": expected}
    return is_better_displaced(volume.intensities, annotation, number, predicted, moved, **told)


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


def _with_displaced(
    prediction: Prediction, volume: Volume, annotation: SparseAnnotation, better: dict[int, Displaced]
) -> Prediction:
    """The prediction in which some structures are where a mask of their own has them, and nowhere else."""
    labels = _replaced(prediction.labels, annotation, better)
    quality = expected_quality(Prediction(labels), annotation, volume.spacing_mm, "shape", volume.intensities)
    told = dict(prediction.details["expected_dice_per_class"])
    per_structure = np.array(prediction.expected_dice_per_structure)
    for number, moved in better.items():
        per_plane, whole = moved.told(quality.per_structure[:, number - 1], annotation, number)
        if whole is not None:
            told[annotation.classes[number - 1].name] = round(whole, 4)
        per_structure[:, number - 1] = per_plane
    counted = np.isfinite(per_structure)
    mean = np.nansum(per_structure, axis=1) / np.maximum(counted.sum(axis=1), 1)
    probabilities = prediction.probabilities
    if probabilities is not None:
        changed = labels != prediction.labels
        for value, plane in enumerate(probabilities):
            plane[changed] = labels[changed] == value
    names = [annotation.classes[one - 1].name for one in better]
    return replace(
        prediction,
        labels=labels,
        expected_dice=float(np.mean(list(told.values()))),
        expected_dice_per_structure=per_structure,
        expected_dice_per_plane=np.where(counted.any(axis=1), mean, np.nan).astype(np.float32),
        details={**prediction.details, "expected_dice_per_class": told, "interpolated": names},
    )


def _replaced(labels: np.ndarray, annotation: SparseAnnotation, better: dict[int, Displaced]) -> np.ndarray:
    """Labels with these masks; what a structure leaves is what the nearest other pixel of its plane is."""
    labels = labels.copy()
    for plane in annotation.open_planes:
        here = labels[plane]
        left = np.isin(here, list(better)) & ~annotation.known[plane]
        if left.any():
            here[left] = nearest_other(here, left)[left]
        for number, moved in better.items():
            here[moved.mask[plane] & ~annotation.known[plane]] = number
    return labels
