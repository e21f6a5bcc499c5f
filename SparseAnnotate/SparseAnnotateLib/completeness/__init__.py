"""What counts as painted where the expert did not say it: told from the labels (docs/painted.md)."""

from .axis import along_painted_axis
from .said import Said, named_planes, understand
from .understanding import Understood, understood

__all__ = ["Said", "Understood", "along_painted_axis", "named_planes", "understand", "understood"]
