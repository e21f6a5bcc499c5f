"""Networks overfitted to the painted planes of one volume (Payer 2023): `unet`, `deeplabv3plus`, `manet`.

Each is a file that names an architecture of segmentation_models_pytorch; `predictor` is the way from a volume to
labels that they share, `options` what may be chosen, `prior` what a cohort model says beforehand.
Losses, training and pretrained weights stand below, in `learning`. Networks of a cohort are trained in `cohort`.
"""

from . import deeplabv3plus, manet, unet

__all__ = ["deeplabv3plus", "manet", "unet"]
