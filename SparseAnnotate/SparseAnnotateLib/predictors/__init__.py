"""Predictors: labels for the voxels that are not known."""

from .base import PREDICTORS, Prediction, Predictor, PredictorBase, PredictorOptions, Progress, run

__all__ = ["PREDICTORS", "Prediction", "Predictor", "PredictorBase", "PredictorOptions", "Progress", "run"]
