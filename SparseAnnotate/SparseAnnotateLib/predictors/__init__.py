"""Predictors: labels for the voxels that are not known. One file, or one package, a predictor.

- `base`: what every predictor is, and the promises that it keeps for all (known voxels come back unchanged, ...).
- `groups`, `crossing`: structures painted on planes of their own, and planes painted along another axis.
- `memory`: what was computed before, found again by what it was computed from.
- `initial`: any of them started from a rough segmentation, which the painted planes correct (docs/design/initial.md);
  `rivals`: which of the two leads; `image_votes`: what the image says of them; `odd_ends`: where the rough
  one stops too early; `scores`: both as one.
- `nearest`, `shape`, `morphology`: interpolate, and learn nothing.
- `networks/`: networks overfitted to one volume. `attention_unet3d/`: the 3-D network of Zhang 2019, likewise.
- `guided/`: ours, the default: learns from the painted planes how to correct interpolations (docs/design/guided.md).

Networks of many scans are not here but in `cohort`; a predictor may begin with one (`--start-from`).

May be imported here: `cohort`, `learning`, `quality`, and what is below. Never a selector: what both need stands on the
ground (`prediction`, `same_grid`, `registry`). A new file that registers a class is found by its name.
"""

from .base import PREDICTORS, Prediction, Predictor, PredictorBase, PredictorOptions, Progress, run

__all__ = ["PREDICTORS", "Prediction", "Predictor", "PredictorBase", "PredictorOptions", "Progress", "run"]
