"""Step 6: rows to learn from, made by leaving painted planes out."""

from __future__ import annotations

import numpy as np

from .priors import Priors

# Leaving a plane out doubles the gap: its distances are also given moved half and three quarters towards the truth.
MIXES = (1.0, 0.5, 0.25)
MIXES_OF_ENDS_WITH_FEW_PLANES = (0.25,)
FEW_PLANES = 5

MAXIMUM_ROWS = 30_000


def mixes(at_end: bool, few_planes: bool) -> tuple[float, ...]:
    """How much of the priors remains in each copy of a left-out plane."""
    return MIXES_OF_ENDS_WITH_FEW_PLANES if at_end and few_planes else MIXES


def sampled(priors: Priors, quota: int, rng: np.random.Generator) -> np.ndarray:
    """Places in the band of at most `quota` pixels."""
    count = len(priors.band)
    return np.arange(count) if count <= quota else np.sort(rng.choice(count, quota, replace=False))
