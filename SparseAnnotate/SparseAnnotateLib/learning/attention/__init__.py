"""The 3-D U-Net with channel and spatial attention of Zhang 2019, and how it is trained on known voxels.

`network` builds it, with or without attention; `training` is its recipe. `predictors.attention_unet3d` trains it on one
volume, `cohort` on many.
"""
