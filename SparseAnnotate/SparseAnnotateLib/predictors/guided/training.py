"""Step 6: rows to learn from, made by leaving painted planes out."""

from __future__ import annotations

import numpy as np

from .pool import softmax_of_distances
from .priors import Priors

# Leaving a plane out doubles the gap: its distances are also given moved half and three quarters towards the truth.
MIXES = (1.0, 0.5, 0.25)
MIXES_OF_ENDS_WITH_FEW_PLANES = (0.25,)
FEW_PLANES = 5

MAXIMUM_ROWS = 60_000


def mixes(at_end: bool, few_planes: bool) -> tuple[float, ...]:
    """How much of the priors remains in each copy of a left-out plane."""
    return MIXES_OF_ENDS_WITH_FEW_PLANES if at_end and few_planes else MIXES


def sampled(priors: Priors, quota: int, rng: np.random.Generator) -> np.ndarray:
    """Places in the band of at most `quota` pixels."""
    count = len(priors.band)
    return np.arange(count) if count <= quota else np.sort(rng.choice(count, quota, replace=False))


def sharper(
    probabilities: np.ndarray, distances: np.ndarray, true_distances: np.ndarray, share: float, pixel_mm: float
):
    """Probabilities moved towards the truth in distance space, keeping their uncertainty; all (classes + 1, pixels).

    `distances` are those of the most probable labels.
    """
    moved = softmax_of_distances(share * distances + (1 - share) * true_distances, 0.7 * pixel_mm)
    doubt = np.float32(0.6) * (1 - probabilities.max(axis=0))
    return moved * (1 - doubt) + doubt / len(probabilities)
