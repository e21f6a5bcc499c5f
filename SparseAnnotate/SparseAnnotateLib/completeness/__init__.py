"""What counts as painted where the expert did not say it: inferred from the labels (docs/design/painted.md).

- `said`: what an expert did say, by options or columns of a table; `understanding`: labels to an annotation.
- `axis`: along which axis was painted; `crossing`: planes of another axis that were painted, too.
- `own_planes`: structures painted on planes of their own; `appearance`: whether the image shows them elsewhere.
- `slivers`: what a tool left on a plane, `skirts`: a large brush around planes.
- `scribbles`: structures that are as thin as strokes everywhere.
- `outlines`: what all of them are measured with.
- `sentences`: what was understood, in words, for the user to see.

May be imported here: the ground and `distances`.
"""

from .axis import along_painted_axis
from .said import Said, check_ranges, named_planes, understand, union
from .sentences import planes_named, some_of
from .understanding import Understood, understood

__all__ = [
    "Said",
    "Understood",
    "along_painted_axis",
    "check_ranges",
    "named_planes",
    "planes_named",
    "some_of",
    "understand",
    "understood",
    "union",
]
