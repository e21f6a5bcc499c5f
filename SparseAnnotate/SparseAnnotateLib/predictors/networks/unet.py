"""`unet`: a U-Net (Ronneberger 2015) overfitted to the painted planes of one volume (Payer 2023)."""

from __future__ import annotations

from ..base import PREDICTORS
from .predictor import NetworkPredictor


@PREDICTORS.register
class Unet(NetworkPredictor):
    """Trains segmentation_models_pytorch's U-Net on the painted planes of this volume alone."""

    name = "unet"
    summary = "Trains a U-Net on the painted planes alone, within a time budget."
    architecture = "Unet"
