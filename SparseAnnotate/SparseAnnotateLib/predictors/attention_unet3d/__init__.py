"""`attention-unet3d`: a 3-D U-Net whose two heads tell, by how far they agree, where it is wrong (Zhang 2019).

`options` is what may be chosen, `recipe` what follows from it on a GPU and on the CPU, `predictor` the prediction
itself. The network and its training stand below, in `learning.attention`: a cohort trains the same one.
"""

from .options import AttentionUnet3dOptions
from .predictor import AttentionUnet3d

__all__ = ["AttentionUnet3d", "AttentionUnet3dOptions"]
