"""`nearest`: every plane looks like the painted plane next to it."""

from __future__ import annotations

import numpy as np

from .base import PREDICTORS, Prediction, PredictorBase, Progress


@PREDICTORS.register
class Nearest(PredictorBase):
    """Copies the nearest painted plane; of two equally near ones the first (the baseline of Payer 2023)."""

    name = "nearest"
    summary = "Copies the nearest painted plane. The baseline that everything else must beat."
    gives_probabilities = False

    def _predict(self, volume, annotation):  # noqa: ARG002
        yield Progress("copying planes", 0.0)
        painted = np.array(annotation.source_planes)
        labels = np.zeros_like(annotation.labels)
        for plane in annotation.open_planes:
            labels[plane] = annotation.labels[painted[np.argmin(np.abs(painted - plane))]]
        yield Prediction(labels)
