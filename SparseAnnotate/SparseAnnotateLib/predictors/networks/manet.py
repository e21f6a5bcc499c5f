"""`manet`: a MAnet (Fan 2020) overfitted to the painted planes of one volume (Payer 2023)."""

from __future__ import annotations

from ..base import PREDICTORS
from .predictor import NetworkPredictor


@PREDICTORS.register
class MAnet(NetworkPredictor):
    """Trains segmentation_models_pytorch's MAnet on the painted planes of this volume alone."""

    name = "manet"
    summary = "Trains MAnet on the painted planes alone: a U-Net with attention; heavy."
    architecture = "MAnet"
