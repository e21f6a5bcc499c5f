"""The baseline `full`: a predictor that is given all planes (Payer 2023: the overfitting upper bound).

Predictors never change painted planes, so that nothing could be measured on them. Therefore every plane of the range is
given three times, one after the other, and the middle one of each three is not painted: the predictor learns from every
plane, and predicts a copy of each. A network without an interpolation prior (``unet:prior=none``) then shows how much
of the reference it can hold at all; whatever interpolates outlines copies them and gets a Dice of 1.
"""

from __future__ import annotations

import numpy as np

from ...annotation import SparseAnnotation
from ...predictors import Prediction, PredictorBase, run
from ...volume import Volume
from .expert import SimulatedExpert
from .loading import LoadedCase


def predict_from_all_planes(case: LoadedCase, predictor: PredictorBase) -> Prediction:
    """The prediction of every plane by a predictor that learned from every plane."""
    first, last = case.expert.plane_range
    volume, expert = case.volume, case.expert
    planes = last - first + 1
    tripled = Volume.from_array(
        np.repeat(volume.intensities[first : last + 1], 3, axis=0), (volume.spacing_mm[0] / 3, *volume.spacing_mm[1:])
    )
    annotation = _annotation(expert, first, last, planes)
    prediction = run(predictor, tripled, annotation)
    labels = np.zeros_like(expert.reference)
    labels[first : last + 1] = prediction.labels[1::3]
    return Prediction(labels, expected_dice=prediction.expected_dice, details=prediction.details)


def _annotation(expert: SimulatedExpert, first: int, last: int, planes: int) -> SparseAnnotation:
    labels = np.repeat(expert.reference[first : last + 1], 3, axis=0)
    labels[1::3] = 0
    painted = np.ones(3 * planes, bool)
    painted[1::3] = False
    known = np.broadcast_to(painted[:, None, None], labels.shape).copy()
    return SparseAnnotation(labels, known, painted, expert.classes, (0, 3 * planes - 1))
