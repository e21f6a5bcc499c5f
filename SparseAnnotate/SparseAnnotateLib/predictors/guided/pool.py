"""Step 4: the priors averaged, as a logarithmic opinion pool."""

from __future__ import annotations

import numpy as np

from .priors import Priors

# Fitted by maximum likelihood; see docs/guided.md.
INSIDE = {"cubic": 0.19, "chain": 0.18, "patch": 0.14, "propagated": 0.42}
BEYOND_ENDS = {"cubic": 0.24, "chain": 0.46, "patch": 0.24, "propagated": 0.05}

_LEAST_PROBABILITY = 1e-3


def softmax_of_distances(distances_mm: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Signed distances (classes + 1, pixels) as probabilities that fall off within a pixel."""
    exponents = np.clip(distances_mm / np.float32(pixel_mm), -30, 30)
    return _normalised_exponential(exponents)


def _normalised_exponential(logits: np.ndarray) -> np.ndarray:
    logits = np.exp(logits - logits.max(axis=0))
    logits /= logits.sum(axis=0)
    return logits


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
    return _normalised_exponential(logits)
