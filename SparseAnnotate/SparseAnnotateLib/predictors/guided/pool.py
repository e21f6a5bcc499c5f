"""Step 4: the priors averaged, as a logarithmic opinion pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .priors import MORE_PRIORS, Priors
from .probabilities import normalised_exponential, softmax_of_distances

PRIOR_NAMES = ("cubic", "chain", "patch", "propagated")

# In this order; by maximum likelihood on the human-labelled cases, see docs/measurements/guided.md.
INSIDE = np.array([0.15, 0.1, 0.13, 0.5])
BEYOND_ENDS = np.array([0.05, 0.45, 0.15, 0.2])

_LEAST_PROBABILITY = 1e-3

# Left-out planes that it takes to adapt the weights, and how strongly one of them holds them where they were: with
# 1 / planes as the weight of the squared change, pixels fit better in 16 of 20 volumes of six data sets.
PLANES_TO_ADAPT = 2
_HOLD = 1.0
_PIXELS_TO_ADAPT = 20_000


def log_priors(priors: Priors, pixel_mm: float) -> np.ndarray:
    """Log probabilities of the priors, bounded from below: (priors, classes + 1, pixels)."""
    distances = (priors.cubic, priors.chain)
    made = [*(softmax_of_distances(d, pixel_mm) for d in distances), priors.patch, priors.propagated]
    return np.log(np.clip(np.stack([*made, *priors.more.values()]), np.float32(_LEAST_PROBABILITY), 1))


def pooled(logs: np.ndarray, weights: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """softmax of the sum of w_k log p_k over the `allowed` classes (classes + 1), shape (classes + 1, pixels)."""
    logits = np.tensordot(weights.astype(np.float32), logs.astype(np.float32), 1)
    logits[~allowed] = -np.inf
    return normalised_exponential(logits)


def default_weights(at_end: bool, network: float | None = None, cohort: float | None = None) -> np.ndarray:
    """The weights that serve on average.

    Parameters
    ----------
    network : the share of the network that has seen many volumes, where it is asked
    cohort : the weight of a cohort model, where there is one
    """
    weights = BEYOND_ENDS if at_end else INSIDE
    if network is not None:
        weights = np.append((1 - network) * weights, network)
    return weights if cohort is None else np.append(weights, cohort)


def names_of_priors(network: bool, cohort: bool) -> tuple[str, ...]:
    """Of those in the pool, in the order of their weights."""
    there = {"network": network, "cohort": cohort}
    return *PRIOR_NAMES, *(name for name in MORE_PRIORS if there[name])


def adapted_weights(
    samples: Sequence[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator, default: np.ndarray = INSIDE
) -> np.ndarray:
    """The weights that serve this volume: maximum a posteriori around the `default` ones.

    Parameters
    ----------
    samples : for each left-out plane between two others the log priors (priors, classes + 1, pixels) and the truth
    """
    samples = [(logs, truth) for logs, truth in samples if len(truth)]
    if len(samples) < PLANES_TO_ADAPT:
        return default
    from scipy.optimize import minimize

    share = _PIXELS_TO_ADAPT // len(samples)
    chosen = [rng.permutation(len(truth))[:share] for _, truth in samples]
    logs = np.concatenate([logs[..., some] for (logs, _), some in zip(samples, chosen, strict=True)], axis=-1)
    truth = np.concatenate([truth[some] for (_, truth), some in zip(samples, chosen, strict=True)])
    hold = _HOLD / len(samples)
    found = minimize(
        _loss_and_slope,
        default,
        args=(logs.astype(np.float64), truth.astype(np.intp), hold, default),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 2)] * len(default),
    )
    return found.x


def _loss_and_slope(
    weights: np.ndarray, logs: np.ndarray, truth: np.ndarray, hold: float, default: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean cross entropy plus the squared change of the weights, and its gradient."""
    probabilities = normalised_exponential(np.tensordot(weights, logs, 1))
    pixels = np.arange(len(truth))
    loss = -np.log(probabilities[truth, pixels]).mean() + hold * ((weights - default) ** 2).sum()
    probabilities[truth, pixels] -= 1
    slope = np.tensordot(logs, probabilities, ((1, 2), (0, 1))) / len(truth)
    return float(loss), slope + 2 * hold * (weights - default)
