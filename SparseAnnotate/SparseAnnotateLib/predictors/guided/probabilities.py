"""Probabilities and margins of classes at pixels; the first axis is the class."""

from __future__ import annotations

import numpy as np


def softmax_of_distances(distances_mm: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Signed distances (classes + 1, ...) as probabilities that fall off within a pixel."""
    return normalised_exponential(np.clip(distances_mm / np.float32(pixel_mm), -30, 30))


def normalised_exponential(logits: np.ndarray) -> np.ndarray:
    """Softmax over the first axis."""
    logits = np.exp(logits - logits.max(axis=0))
    logits /= logits.sum(axis=0)
    return logits


def softened(distances_mm: np.ndarray, certainty: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Distances (classes + 1, ...) as probabilities, doubted as much as those that they came from (`certainty`)."""
    doubt = np.float32(0.6) * (1 - certainty)
    return softmax_of_distances(distances_mm, 0.7 * pixel_mm) * (1 - doubt) + doubt / len(distances_mm)


def margin_to_rest(values: np.ndarray) -> np.ndarray:
    """Each class's value minus the largest of the others, shape as `values` (classes + 1, ...)."""
    highest, second = largest_two(values)
    return values - np.where(values >= highest, second, highest)


def largest_two(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and second largest over classes, without sorting."""
    highest = values[0].copy()
    second = np.full_like(highest, -np.inf)
    for value in values[1:]:
        np.maximum(second, np.minimum(highest, value), out=second)
        np.maximum(highest, value, out=highest)
    return highest, second
