"""Several models' segmentations of one scan, made one: each counts as far as the corrected planes bear it out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .annotation import SparseAnnotation
from .corrections import DEEPEST_MM, cut_distance_mm, labels_of
from .distances import bounding_box

# What a model loses on few corrected pixels is held by this much, as if on so many pixels.
_USUALLY_LOST, _PIXELS = 0.15, 100

_MARGIN_PIXELS = 3


@dataclass(frozen=True)
class Combined:
    """What several rough segmentations make together.

    Attributes
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
        Class numbers.
    weights : float (models, classes), sums of 1 over the models
    agreement : mean Dice of two of them
    doubt : ndarray of float16, shape (planes, rows, columns)
        The share of them that say something else.
    """

    labels: np.ndarray
    weights: np.ndarray
    agreement: float
    doubt: np.ndarray


def combined(roughs: Sequence[np.ndarray], annotation: SparseAnnotation, spacing_mm: Sequence[float]) -> Combined:
    """Average the signed distances of each structure's outlines, with weights of the inverse squared odds of its loss.

    Parameters
    ----------
    roughs : of uint8 (planes, rows, columns), class numbers of the annotation
    annotation : its complete planes say what each of them loses; without any they count alike
    """
    count = annotation.class_count
    weights = np.stack([_odds_of_lost(rough, annotation) for rough in roughs]) ** -2
    weights /= weights.sum(axis=0)
    shown = np.logical_or.reduce([rough.any(axis=0) for rough in roughs])
    region = bounding_box(shown, _MARGIN_PIXELS) or (slice(0, 1), slice(0, 1))
    labels = np.zeros_like(roughs[0])
    for plane in range(annotation.planes):
        parts = [rough[(plane, *region)] for rough in roughs]
        if all(np.array_equal(parts[0], part) for part in parts[1:]):
            labels[(plane, *region)] = parts[0]
            continue
        distances = np.full((count, *parts[0].shape), -DEEPEST_MM, np.float32)
        for number in np.unique(np.stack(parts)):
            if number:
                maps = [cut_distance_mm(part == number, spacing_mm) for part in parts]
                distances[number - 1] = np.tensordot(weights[:, number - 1].astype(np.float32), np.stack(maps), 1)
        labels[(plane, *region)] = labels_of(distances)
    doubt = np.mean([rough != labels for rough in roughs], axis=0, dtype=np.float16)
    return Combined(labels, weights, _agreement(roughs, count), doubt)


def _odds_of_lost(rough: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    odds = np.ones(annotation.class_count)
    for number in range(1, annotation.class_count + 1):
        planes = annotation.complete_planes_of(number)
        found, truth = rough[planes] == number, annotation.labels[planes] == number
        size = np.count_nonzero(found) + np.count_nonzero(truth)
        lost = (np.count_nonzero(found ^ truth) + _USUALLY_LOST * _PIXELS) / (size + _PIXELS)
        odds[number - 1] = lost / max(1e-3, 1 - lost)
    return odds


def _agreement(roughs: Sequence[np.ndarray], count: int) -> float:
    dice = []
    for one, other in itertools.combinations(roughs, 2):
        for number in range(1, count + 1):
            a, b = one == number, other == number
            size = np.count_nonzero(a) + np.count_nonzero(b)
            if size:
                dice.append(2 * np.count_nonzero(a & b) / size)
    return float(np.mean(dice)) if dice else 1.0
