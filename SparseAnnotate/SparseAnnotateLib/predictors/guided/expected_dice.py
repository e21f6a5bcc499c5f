"""Step 11: the Dice that the probabilities promise, and what can be expected of it."""

from __future__ import annotations

import numpy as np

# Neighbouring pixels are wrong together, and priors are surer than they should be: this much more Dice is lost than the
# probabilities promise. What the pool does on painted planes left out, the number of these, of structures, their size,
# the gaps, how alike painted neighbours are, and how small the painted ends, told no more (92 predictions of 11 data
# sets, each judged without its own). Half as much again of what is missing (1 - 1.5 (1 - e)), the same where much is
# promised, told .12 of structures that are promised .41, and have .5: 29 of 550 were told .1 too little, 16 are so.
POWER = 1.5

# With many structures a probability below this counts as nothing: a hundredth here and there added up to more than the
# size of a small one, which was promised .45 for .74. With few it tells of what may have been missed: correlation of
# expected and true Dice of 92 predictions .943 where it never counts, .935 where it always does, .959 so.
_COUNTED_FROM = 0.02
_MANY_STRUCTURES = 9

# A single plane loses more than its share, above all where little is lost: bias over 6036 planes .000, without +.025.
_PLANE_POWER = 0.9


class ExpectedDice:
    """Expected Dice, per class, per plane and for the volume.

    The probabilities promise e = 2 sum p[label] / (count + sum p), certain voxels counting in full. What is told is
    e^1.5.
    """

    def __init__(self, planes: int, class_count: int):
        self._overlap = np.zeros((planes, class_count + 1))
        self._predicted = np.zeros((planes, class_count + 1))
        self._expected = np.zeros((planes, class_count + 1))
        self._is_predicted = np.zeros(planes, bool)
        self._counted_from = _COUNTED_FROM if class_count >= _MANY_STRUCTURES else 0

    def add_certain(self, plane: int, labels: np.ndarray) -> None:
        """Count pixels whose label is certain."""
        counts = np.bincount(labels.ravel(), minlength=self._overlap.shape[1])
        for table in (self._overlap, self._predicted, self._expected):
            table[plane] += counts

    def add(self, plane: int, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Count predicted pixels: `labels` (pixels,), `probabilities` (classes + 1, pixels)."""
        self._is_predicted[plane] = True
        self._overlap[plane] += self._sums(labels, probabilities)
        self._predicted[plane] += np.bincount(labels, minlength=self._overlap.shape[1])
        counted = np.where(probabilities >= self._counted_from, probabilities, 0)
        self._expected[plane] += counted.sum(axis=1, dtype=np.float64)

    def relabel(self, plane: int, before: np.ndarray, after: np.ndarray, probabilities: np.ndarray) -> None:
        """Predicted pixels that were counted with other labels."""
        classes = self._overlap.shape[1]
        self._overlap[plane] += self._sums(after, probabilities) - self._sums(before, probabilities)
        self._predicted[plane] += np.bincount(after, minlength=classes) - np.bincount(before, minlength=classes)

    def _sums(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        own = np.take_along_axis(probabilities, labels[None].astype(np.intp), axis=0)[0]
        return np.bincount(labels, weights=own, minlength=self._overlap.shape[1])

    def per_plane(self) -> np.ndarray:
        """float32 (planes,): mean over the classes on the plane; NaN where nothing was predicted."""
        dice = self._per_plane_and_class()
        counted = np.isfinite(dice)
        mean = np.where(counted, dice, 0).sum(axis=1) / np.maximum(1, counted.sum(axis=1))
        lost = (1 - mean) ** _PLANE_POWER
        return np.where(self._is_predicted & counted.any(axis=1), 1 - lost, np.nan).astype(np.float32)

    def per_structure(self) -> np.ndarray:
        """float32 (planes, classes): of each class on each plane; NaN where none of it was predicted."""
        dice = self._per_plane_and_class()
        lost = (1 - dice) ** _PLANE_POWER
        return np.where(self._is_predicted[:, None], 1 - lost, np.nan).astype(np.float32)

    def _per_plane_and_class(self) -> np.ndarray:
        told = kept(_dice(self._overlap, self._predicted + self._expected))
        return np.where(self._predicted > 0, told, np.nan)[:, 1:]

    def promised(self) -> np.ndarray:
        """Dice over the volume of each structure as the probabilities have it; NaN where there is none of it."""
        size = (self._predicted + self._expected).sum(axis=0)[1:]
        return np.where(size > 1, _dice(self._overlap.sum(axis=0)[1:], size), np.nan)

    def per_class(self) -> np.ndarray:
        """Expected Dice over the volume of each structure; NaN where there is none of it."""
        return kept(self.promised())


def kept(promised: np.ndarray) -> np.ndarray:
    """The Dice to expect where so much is promised."""
    return np.clip(promised, 0, 1) ** POWER


def _dice(overlap: np.ndarray, size: np.ndarray) -> np.ndarray:
    return 2 * overlap / np.maximum(size, 1e-6)
