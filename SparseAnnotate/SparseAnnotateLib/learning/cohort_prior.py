"""A cohort network's probabilities beside the interpolated outlines, as a network's prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .priors import ShapePrior

if TYPE_CHECKING:
    from torch import Generator, Tensor

# No probability says more than so many logits, as in `ShapePrior`.
_LIMIT_LOGITS = 5.0

# Of outlines and cohort, before the painted planes have spoken; and how strongly one of them holds the weights there.
_WEIGHTS = np.array([1.0, 0.5])
_HOLD = 0.25
_PIXELS = 20_000

# Outlines of a left-out plane come from gaps twice as wide: half of the way to the truth makes them as good as others.
_SHARE_OF_OUTLINES = 0.5


class CohortPrior:
    """Logits w0 * outlines + w1 * log p, and the channels of both; what the painted planes contradict weighs little.

    The weights are those that make the painted planes likeliest, each seen through outlines that are made without it
    and through the cohort network, which knows none of them: a model that is wrong here gets a weight of about 0.

    Parameters
    ----------
    shape : the outlines
    probabilities : float16 (structures + 1, planes, rows, columns) of the working region
    first : number of the first of these planes in the volume
    """

    def __init__(self, shape: ShapePrior, probabilities: np.ndarray, first: int, device: str):
        import torch

        self.device, self._shape, self._first = device, shape, first
        self.channels = shape.channels + len(probabilities) - 1
        self._probabilities = torch.from_numpy(np.ascontiguousarray(probabilities))
        self.weights = self._fitted()

    def of(self, planes: Tensor, training: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Channels and logits; see `priors.Prior`."""
        import torch

        channels, outlines = self._shape.of(planes, training)
        probabilities = self._of_planes(planes)
        channels = torch.cat([channels, 2 * probabilities[:, 1:] - 1], 1)
        return channels, self.weights[0] * outlines + self.weights[1] * _log(probabilities)

    def _of_planes(self, planes: Tensor) -> Tensor:
        numbers = (planes - self._first).clamp(0, self._probabilities.shape[1] - 1)
        return self._probabilities[:, numbers].movedim(1, 0).to(self.device).float()

    def _fitted(self) -> list[float]:
        samples = [self._sample(int(plane)) for plane in self._shape.sources]
        samples = [(logs, truth) for logs, truth in samples if len(truth)]
        if len(self._shape.sources) < 2 or not samples:
            return _WEIGHTS.tolist()
        from scipy.optimize import minimize

        logs = np.concatenate([logs for logs, _ in samples], axis=-1).astype(np.float64)
        truth = np.concatenate([truth for _, truth in samples]).astype(np.intp)
        hold = _HOLD / len(samples)
        bounds = [(0.1, 2), (0, 2)]
        found = minimize(_loss_and_slope, _WEIGHTS, (logs, truth, hold), "L-BFGS-B", jac=True, bounds=bounds)
        return found.x.tolist()

    def _sample(self, plane: int) -> tuple[np.ndarray, np.ndarray]:
        """Logits (2, structures + 1, pixels) of outlines and cohort where they are not sure together, and the truth."""
        import torch

        outlines = self._shape.left_out_logits(plane, _SHARE_OF_OUTLINES)
        cohort = _log(self._of_planes(torch.tensor([plane])))[0]
        labels, known = self._shape.truth(plane)
        sure = (outlines.softmax(0).max(0).values > 0.98) & (cohort.exp().max(0).values > 0.98)
        sure &= outlines.argmax(0) == cohort.argmax(0)
        places = np.flatnonzero((known & ~sure.cpu().numpy()).ravel())
        most = max(1, _PIXELS // len(self._shape.sources))
        places = places[:: max(1, math.ceil(len(places) / most))]
        logs = torch.stack([outlines, cohort]).flatten(2)[..., torch.from_numpy(places)]
        return logs.cpu().numpy(), labels.ravel()[places]


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(min=math.exp(-_LIMIT_LOGITS)).log()


def _loss_and_slope(weights: np.ndarray, logs: np.ndarray, truth: np.ndarray, hold: float) -> tuple[float, np.ndarray]:
    """Mean cross entropy plus the squared change of the weights, and its gradient."""
    logits = np.tensordot(weights, logs, 1)
    logits -= logits.max(axis=0)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=0)
    pixels = np.arange(len(truth))
    change = weights - _WEIGHTS
    loss = -np.log(np.maximum(probabilities[truth, pixels], 1e-12)).mean() + hold * (change**2).sum()
    probabilities[truth, pixels] -= 1
    return float(loss), np.tensordot(logs, probabilities, ((1, 2), (0, 1))) / len(truth) + 2 * hold * change
