"""What a predictor yields: how far it is, and last the prediction."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Progress:
    """How far a prediction is: the stage's name, the fraction of all work done in 0..1, and a message.

    `preview`, where a predictor has one to show, is a plane's number and its labels so far.
    """

    stage: str
    fraction: float
    message: str = ""
    preview: tuple[int, np.ndarray] | None = None


@dataclass(frozen=True)
class Prediction:
    """Labels for every voxel, and how good they are expected to be.

    Attributes
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
        Class numbers; the expert's own wherever they are known.
    probabilities : ndarray of float16, shape (classes + 1, planes, rows, columns), or None if not asked for
    expected_dice_per_plane : ndarray of float32, shape (planes,), or None
        Mean over the classes on the plane; NaN where nothing was predicted.
    expected_dice : float or None
        Over the whole volume, mean over classes.
    expected_dice_interval_per_plane : ndarray of float32, shape (planes, 2), or None
    expected_dice_interval : (low, high) or None
        Where the true Dice lies in 80 of 100 cases (see `quality.expected`).
    details : what a predictor wants to report, as JSON can hold it
    expected_dice_per_structure : ndarray of float32, shape (planes, classes), or None
        Of each structure on each plane; NaN where none of it was predicted.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None = None
    expected_dice_per_plane: np.ndarray | None = None
    expected_dice: float | None = None
    expected_dice_interval_per_plane: np.ndarray | None = None
    expected_dice_interval: tuple[float, float] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    expected_dice_per_structure: np.ndarray | None = None


# What a predictor is: it yields how far it is, and last the prediction. Closing it cancels.
Steps = Generator[Progress | Prediction, None, None]
