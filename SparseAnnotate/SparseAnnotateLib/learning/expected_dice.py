"""The Dice that a network expects of its own labels."""

from __future__ import annotations

import numpy as np

from ..annotation import SparseAnnotation


class ExpectedDice:
    """The Dice that probabilities predict: 2 sum p[label] / (count + sum p) per class (docs/design/guided.md).

    A network that knows its few planes by heart is sure of itself: read this as an order of planes, not a value.
    """

    def __init__(self, annotation: SparseAnnotation):
        shape = (annotation.planes, annotation.class_count)
        self.overlap, self.total = np.zeros(shape), np.zeros(shape)
        self.predicted = np.zeros(annotation.planes, bool)
        for plane in annotation.complete_planes:
            count = np.bincount(annotation.labels[plane].ravel(), minlength=shape[1] + 1)[1:]
            self.overlap[plane], self.total[plane] = count, 2 * count

    def add(self, planes, probabilities, winners) -> None:
        """Take the probabilities (batch, classes + 1, rows, columns) of planes, and the labels that win."""
        self.predicted[planes] = True
        for number in range(1, probabilities.shape[1]):
            probability, won = probabilities[:, number], winners == number
            self.overlap[planes, number - 1] = (probability * won).sum((1, 2)).cpu().numpy()
            self.total[planes, number - 1] = (probability.sum((1, 2)) + won.sum((1, 2))).cpu().numpy()

    def result(self) -> tuple[np.ndarray, float]:
        """Per plane (NaN where nothing was predicted) and over the volume, each the mean over classes."""
        # A class that has not as much as a tenth of a pixel of probability is absent: it has no Dice there.
        present = self.total > 0.1
        dice = np.where(present, 2 * self.overlap / np.maximum(self.total, 1e-9), np.nan)
        per_plane = np.full(len(dice), np.nan, np.float32)
        some = present.any(axis=1) & self.predicted
        per_plane[some] = np.nanmean(dice[some], axis=1)
        per_plane[self.predicted & ~some] = 1.0
        total = self.total.sum(axis=0)
        whole = np.where(total > 0, 2 * self.overlap.sum(axis=0) / np.maximum(total, 1e-9), 1.0)
        return per_plane, float(whole.mean())
