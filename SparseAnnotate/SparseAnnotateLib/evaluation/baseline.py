"""The baseline `full`: a predictor that is given all planes (Payer 2023: the overfitting upper bound).

Predictors never change painted planes, so that nothing could be measured on them. Therefore every plane of the range is
given twice, one after the other, and only the first of each two is painted: the predictor learns from every plane, and
predicts a copy of each. A network without an interpolation prior (``unet:prior=none``) then shows how much of the
reference it can hold at all; whatever interpolates outlines copies them and gets a Dice of 1.
"""

from __future__ import annotations

import numpy as np

from ..annotation import SparseAnnotation
from ..predictors import Prediction, PredictorBase, run
from ..volume import Volume
from .expert import SimulatedExpert
from .loading import LoadedCase


def predict_from_all_planes(case: LoadedCase, predictor: PredictorBase) -> Prediction:
    """The prediction of every plane by a predictor that learned from every plane."""
    first, last = case.expert.plane_range
    volume, expert = case.volume, case.expert
    planes = last - first + 1
    doubled = Volume.from_array(
        np.repeat(volume.intensities[first : last + 1], 2, axis=0), (volume.spacing_mm[0] / 2, *volume.spacing_mm[1:])
    )
    annotation = _annotation(expert, first, last, planes)
    prediction = run(predictor, doubled, annotation)
    labels = np.zeros_like(expert.reference)
    labels[first : last + 1] = prediction.labels[1::2]
    return Prediction(labels, expected_dice=prediction.expected_dice, details=prediction.details)


def _annotation(expert: SimulatedExpert, first: int, last: int, planes: int) -> SparseAnnotation:
    labels = np.repeat(expert.reference[first : last + 1], 2, axis=0)
    labels[1::2] = 0
    painted = np.zeros(2 * planes, bool)
    painted[::2] = True
    known = np.broadcast_to(painted[:, None, None], labels.shape).copy()
    return SparseAnnotation(labels, known, painted, expert.classes, (0, 2 * planes - 1))
