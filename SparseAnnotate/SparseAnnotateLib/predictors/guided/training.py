"""Step 6: rows to learn from, made by leaving painted planes out."""

from __future__ import annotations

import numpy as np

from .distance_maps import label_distances
from .priors import PROBABILITIES, Priors
from .probabilities import softened

# Leaving a plane out doubles the gap: its distances are also given moved half and three quarters towards the truth.
MIXES = (1.0, 0.5, 0.25)
MIXES_OF_ENDS_WITH_FEW_PLANES = (0.25,)
FEW_PLANES = 5

# Kept of all left-out planes; of these, the trees of a class see at most MAXIMUM_ROWS of classifier.py.
KEPT_ROWS = 60_000


def mixes(at_end: bool, few_planes: bool) -> tuple[float, ...]:
    """How much of the priors remains in each copy of a left-out plane."""
    return MIXES_OF_ENDS_WITH_FEW_PLANES if at_end and few_planes else MIXES


def sampled(priors: Priors, quota: int, rng: np.random.Generator) -> np.ndarray:
    """Places in the band of at most `quota` pixels."""
    count = len(priors.band)
    return np.arange(count) if count <= quota else np.sort(rng.choice(count, quota, replace=False))


def sharper_probabilities(
    whole: Priors, priors: Priors, truth: np.ndarray, share: float, spacing_mm: tuple[float, float]
) -> dict[str, np.ndarray]:
    """Patch, propagated and network moved towards the truth in distance space, as uncertain as before.

    Parameters
    ----------
    whole, priors : of all uncertain pixels of a left-out plane, and of some of these
    truth : signed distances in mm (classes + 1, pixels) of the latter
    share : how much of the priors remains
    """
    made = {}
    pixel_mm = float(np.mean(spacing_mm))
    for name in (*PROBABILITIES, "network"):
        if getattr(whole, name) is None:
            continue
        labels = whole.base.copy()
        labels.ravel()[whole.band] = getattr(whole, name).argmax(axis=0)
        distances = label_distances(labels, len(truth) - 1, spacing_mm)
        mixed = share * distances.reshape(len(distances), -1)[:, priors.band] + (1 - share) * truth
        made[name] = softened(mixed, getattr(priors, name).max(axis=0), pixel_mm)
    return made
