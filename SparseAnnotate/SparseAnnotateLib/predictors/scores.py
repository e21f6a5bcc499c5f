"""Scores of structures at each pixel, positive inside: of rough outlines and of a prediction, and both as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import Corrections, labels_of
from ..prediction import Prediction
from .image_votes import ImageVotes
from .odd_ends import planes_beyond
from .rivals import Lost, clicked_on

# A pixel this deep inside an outline is as sure as can be; a probability is never taken for surer than this.
_DEEPEST_PIXELS = 4.0
_LEAST_PROBABILITY = 0.01
_SUREST_LOG_ODDS = float(np.log(1 / _LEAST_PROBABILITY - 1))

# Where the prediction alone decides on one structure, its surest counts as much as the deepest of another's outline:
# else a structure that it never saw loses to it (one of a fetal brain .91).
_LIKE_OUTLINES = np.float32(_DEEPEST_PIXELS / 2 / _SUREST_LOG_ODDS)

# Scores are log odds times this. Of 73 predictions of 6 data sets, real rough ones and made-up ones, it makes the
# reference as likely as 3 does (3: better where the rough one is good), and likelier than 1 or 2 / 3.
_LOG_ODDS = 2.0


@dataclass(frozen=True)
class Joined:
    """Rough outlines and a prediction as one.

    Attributes
    ----------
    labels : uint8 (planes, rows, columns), at each pixel the structure whose score is highest
    probabilities : float16 (classes + 1, planes, rows, columns), or None if not asked for
    """

    labels: np.ndarray
    probabilities: np.ndarray | None


def corrected_labels(corrections: Corrections, annotation: SparseAnnotation, pixel_mm: float) -> np.ndarray:
    """uint8 (planes, rows, columns), what the corrected rough outlines alone say inside the range."""
    labels = np.zeros_like(annotation.labels)
    for plane in range(annotation.plane_range[0], annotation.plane_range[1] + 1):
        labels[(plane, *corrections.region)] = labels_of(_of_outlines(corrections, plane, pixel_mm))
    return labels


def joined_scores(
    corrections: Corrections,
    lost: Lost,
    annotation: SparseAnnotation,
    predicted: Prediction | None,
    votes: ImageVotes | None,
    pixel_mm: float,
    keep_probabilities: bool,
) -> Joined:
    """Each structure's mean score, weighed by how wrong outlines and prediction are, and by what the image says."""
    count = annotation.class_count
    labels = np.zeros_like(annotation.labels)
    probabilities = None
    if keep_probabilities:
        probabilities = np.zeros((count + 1, *labels.shape), np.float16)
        probabilities[0] = 1
    weights = lost.weight_of_predicted()
    if votes is not None:
        weights = weights * votes.weight_of_predicted()
    unseen = [number - 1 for number in range(1, count + 1) if _is_unseen(corrections, number)]
    beyond = {number: planes_beyond(corrections, predicted, number) for number in range(1, count + 1)}
    first, last = annotation.plane_range
    for plane in range(first, last + 1):
        place = (plane, *corrections.region)
        scores = _of_outlines(corrections, plane, pixel_mm)
        on_pixels = np.float32(1) if votes is None else votes.on_plane(plane, scores)
        # What no corrected plane tells of, the prediction takes for something else.
        not_known = (scores[unseen] > 0).any(axis=0)
        for number in range(1, count + 1) if predicted is not None else ():
            own = scores[number - 1].copy()
            log_odds = _log_odds(predicted, place, number, corrections, pixel_mm)
            # Where the expert says that it is there and the rough one does not have it, the prediction decides.
            missing = not (own > 0).any() and clicked_on(annotation, plane, number)
            if missing or plane in beyond[number]:
                both = _LIKE_OUTLINES * log_odds
            else:
                weight = np.float32(weights[number - 1]) * on_pixels
                both = (own + weight * log_odds) / (1 + weight / _LIKE_OUTLINES)
            scores[number - 1] = np.where(not_known, np.minimum(own, both), both)
        labels[place] = labels_of(scores)
        if probabilities is not None:
            probabilities[(slice(None), *place)] = _probabilities(scores)
    if probabilities is not None:
        for number, values in enumerate(probabilities):
            values[annotation.known] = annotation.labels[annotation.known] == number
    return Joined(labels, probabilities)


def _of_outlines(corrections: Corrections, plane: int, pixel_mm: float) -> np.ndarray:
    """float32 (classes, rows, columns), half the distance to the corrected rough outline in pixels."""
    return np.clip(corrections.stack_mm(plane) / pixel_mm, -_DEEPEST_PIXELS, _DEEPEST_PIXELS) / 2


def _is_unseen(corrections: Corrections, number: int) -> bool:
    """Whether a structure of the rough segmentation is on no corrected plane, as painted or as the rough one has it."""
    planes = corrections.corrected[number]
    shown = (corrections.rough[planes] == number).any() or (corrections.truth[planes] == number).any()
    return not shown and bool((corrections.rough == number).any())


def _probabilities(scores: np.ndarray) -> np.ndarray:
    """(classes + 1, rows, columns), background first."""
    odds = np.exp(_LOG_ODDS * np.concatenate([np.zeros_like(scores[:1]), scores]))
    return odds / odds.sum(axis=0)


def _log_odds(predicted: Prediction, place, number: int, corrections: Corrections, pixel_mm: float) -> np.ndarray:
    """float32 (rows, columns), against the likeliest other; without probabilities by the distance to the outline."""
    if predicted.probabilities is None:
        distance = corrections.cut_distance_mm(predicted.labels[place] == number)
        return np.clip(distance / pixel_mm, -_SUREST_LOG_ODDS, _SUREST_LOG_ODDS).astype(np.float32)
    chances = predicted.probabilities[(slice(None), *place)].astype(np.float32)
    own, others = chances[number], np.delete(chances, number, axis=0).max(axis=0)
    own, others = np.log(np.stack([own, others]).clip(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY))
    return own - others
