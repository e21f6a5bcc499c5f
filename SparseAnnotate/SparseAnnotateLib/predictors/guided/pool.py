"""Step 4: the priors averaged, as a logarithmic opinion pool."""

from __future__ import annotations

import numpy as np

from .priors import Priors, normalised_exponential, softmax_of_distances

# Fitted by maximum likelihood; see docs/guided.md.
INSIDE = {"cubic": 0.19, "chain": 0.1, "patch": 0.12, "propagated": 0.5}
BEYOND_ENDS = {"cubic": 0.1, "chain": 0.45, "patch": 0.15, "propagated": 0.15}

_LEAST_PROBABILITY = 1e-3


def log_priors(priors: Priors, pixel_mm: float) -> dict[str, np.ndarray]:
    """Log probabilities (classes + 1, pixels) of every prior, bounded from below."""
    made = {name: softmax_of_distances(getattr(priors, name), pixel_mm) for name in ("linear", "cubic", "chain")}
    made |= {"patch": priors.patch, "propagated": priors.propagated}
    return {name: np.log(np.clip(p, _LEAST_PROBABILITY, 1)) for name, p in made.items()}


def pooled(priors: Priors, pixel_mm: float, allowed: np.ndarray) -> np.ndarray:
    """softmax of the sum of w_k log p_k over the `allowed` classes (classes + 1), shape (classes + 1, pixels)."""
    weights = BEYOND_ENDS if priors.bracket.at_end else INSIDE
    logs = log_priors(priors, pixel_mm)
    logits = sum(np.float32(weight) * logs[name] for name, weight in weights.items())
    logits[~allowed] = -np.inf
    return normalised_exponential(logits)
