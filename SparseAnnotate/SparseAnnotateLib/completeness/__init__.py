"""What counts as painted where the expert did not say it: told from the labels (docs/painted.md)."""

from .axis import along_painted_axis
from .understanding import Understood, understood

__all__ = ["Understood", "along_painted_axis", "understood"]
