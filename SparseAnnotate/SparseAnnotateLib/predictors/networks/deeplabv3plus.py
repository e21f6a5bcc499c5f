"""`deeplabv3plus`: a DeepLabV3+ (Chen 2018) overfitted to the painted planes of one volume (Payer 2023)."""

from __future__ import annotations

from ..base import PREDICTORS
from .predictor import NetworkPredictor


@PREDICTORS.register
class DeepLabV3Plus(NetworkPredictor):
    """Trains segmentation_models_pytorch's DeepLabV3+ on the painted planes of this volume alone."""

    name = "deeplabv3plus"
    summary = "Trains DeepLabV3+ on the painted planes alone: wide context, softer outlines."
    architecture = "DeepLabV3Plus"
