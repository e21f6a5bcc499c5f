"""How good a prediction is: agreement of two of them, and the Dice to expect, plane by plane.

- `agreement`: P-DSC and P-accuracy (Zhang 2019).
- `left_out`: the annotation without some painted planes, whose truth is known, and what interpolation makes of them.
- `features`, `model`, `expected`: from the way to the painted planes, and how hard this volume was where planes were
  left out, to an expected Dice with an interval (docs/design/quality.md).
- `appearance`: how thick structures are, and whether the image shows them; `hidden`: those that it does not show.
- `image_agreement`: how far the image, whose intensities are known from painted planes, agrees with a prediction.
- `structure_seen`: one structure in the image, learned on painted planes; `between`: what comes and goes between them.
- `agreed`: where the image tells a structure, what is expected of it follows how far it agrees.
- `comes_back`: how far the image changes between painted planes and comes back, where interpolated outlines are wrong.
- `goes_on`: whether structures go on where they may, by how far the image comes back.
- `vanished`: structures that are lost between two planes that hold them.
- `told`: the expected Dice as it is reported, and what lowers it; `warned`: the warnings, in sentences.

May be imported here: the ground, `completeness`, `distances`, `interpolation`, `metrics`. It gets a predictor's name
and its prediction; it never runs a predictor.
"""

from .agreement import agreement_per_plane, p_accuracy, p_dsc

__all__ = ["agreement_per_plane", "p_accuracy", "p_dsc"]
