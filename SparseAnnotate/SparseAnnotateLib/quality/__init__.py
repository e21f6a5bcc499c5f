"""How good a prediction is: agreement of two of them, and the Dice to expect, plane by plane.

- `agreement`: P-DSC and P-accuracy (Zhang 2019).
- `left_out`: the annotation without some painted planes, whose truth is known.
- `features`, `model`, `expected`: from the way to the painted planes, and how hard this volume was where planes were
  left out, to an expected Dice with an interval (docs/design/quality.md).
- `appearance`: how thick structures are, and whether the image shows them; `hidden`: those that are thin and not shown.
- `unlike`: planes that do not look like the painted ones where a structure was predicted.
- `vanished`: structures that are lost between two planes that hold them.

May be imported here: the ground, `distances`, `interpolation`, `metrics`. It is told a predictor's name and what that
predicted; it never runs one.
"""

from .agreement import agreement_per_plane, p_accuracy, p_dsc

__all__ = ["agreement_per_plane", "p_accuracy", "p_dsc"]
