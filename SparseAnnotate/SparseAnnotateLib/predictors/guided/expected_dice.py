"""Step 9: the Dice that the probabilities promise."""

from __future__ import annotations

import numpy as np

# The Dice lost is larger than the probabilities say, for errors of neighbouring pixels go together. Over 47 predictions
# of nine data sets 1.3 leaves a mean error of .031 and a bias of -.001; fitted without the data set that it is judged
# on: .033 and +.017.
OPTIMISM = 1.3


class ExpectedDice:
    """Expected Dice, per class, per plane and for the volume.

    The probabilities promise e = 2 sum p[label] / (count + sum p), known voxels counting as certain. What is told is
    1 - 1.3 (1 - e).
    """

    def __init__(self, planes: int, class_count: int):
        self._overlap = np.zeros((planes, class_count + 1))
        self._predicted = np.zeros((planes, class_count + 1))
        self._expected = np.zeros((planes, class_count + 1))
        self._is_predicted = np.zeros(planes, bool)

    def add_certain(self, plane: int, labels: np.ndarray) -> None:
        """Count pixels whose label is certain."""
        counts = np.bincount(labels.ravel(), minlength=self._overlap.shape[1])
        for table in (self._overlap, self._predicted, self._expected):
            table[plane] += counts

    def add(self, plane: int, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Count predicted pixels: `labels` (pixels,), `probabilities` (classes + 1, pixels)."""
        self._is_predicted[plane] = True
        classes = self._overlap.shape[1]
        own = np.take_along_axis(probabilities, labels[None].astype(np.intp), axis=0)[0]
        self._overlap[plane] += np.bincount(labels, weights=own, minlength=classes)
        self._predicted[plane] += np.bincount(labels, minlength=classes)
        self._expected[plane] += probabilities.sum(axis=1, dtype=np.float64)

    def per_plane(self) -> np.ndarray:
        """float32 (planes,): mean over the classes on the plane; NaN where nothing was predicted."""
        dice = np.where(self._predicted > 0, self._dice(self._overlap, self._predicted + self._expected), np.nan)[:, 1:]
        counted = np.isfinite(dice)
        mean = np.where(counted, dice, 0).sum(axis=1) / np.maximum(1, counted.sum(axis=1))
        return np.where(self._is_predicted & counted.any(axis=1), mean, np.nan).astype(np.float32)

    def per_class(self) -> np.ndarray:
        """Expected Dice over the volume of each structure; NaN where there is none of it."""
        size = (self._predicted + self._expected).sum(axis=0)[1:]
        return np.where(size > 1, self._dice(self._overlap.sum(axis=0)[1:], size), np.nan)

    @staticmethod
    def _dice(overlap: np.ndarray, size: np.ndarray) -> np.ndarray:
        promised = 2 * overlap / np.maximum(size, 1e-6)
        return np.clip(1 - OPTIMISM * (1 - promised), 0, 1)
