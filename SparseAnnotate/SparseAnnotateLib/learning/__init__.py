"""Everything that learns with torch and is not yet a predictor: networks, losses, training, pretrained weights.

- `region`, `planes`, `patches`: what a network sees of a volume, in 2-D and in 3-D.
- `priors`, `cohort_prior`: what is said of a plane beforehand, as channels and as logits.
- `networks`, `attention/`: the architectures; `pretrained/`: weights from elsewhere.
- `losses`: on known voxels only, so that every kind of incomplete annotation is learnt from in the same way.
- `augmentation`, `schedules`, `training`, `inference`: one training on one volume; `budget`, `memory`: on this device.
- `expected_dice`: what probabilities promise.

Two floors use it: `predictors.networks` and `predictors.attention_unet3d` train on one volume, `cohort` on many.

May be imported here: the ground (`annotation`, `volume`, `errors`, ...), `distances`, `interpolation`, `metrics`.
Nothing of predictors, selectors or cohorts: what is shared with them stands below. torch is imported inside functions.
"""
