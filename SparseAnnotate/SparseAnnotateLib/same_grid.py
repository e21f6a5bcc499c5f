"""Image and labels that belong together lie on one grid."""

from __future__ import annotations

from .annotation import SparseAnnotation
from .errors import InputError
from .volume import Volume


def check_same_grid(volume: Volume, annotation: SparseAnnotation) -> None:
    """Raise InputError unless image and annotation have the same number of planes, rows and columns."""
    if volume.shape != annotation.labels.shape:
        mine, theirs = ("x".join(map(str, shape)) for shape in (volume.shape, annotation.labels.shape))
        raise InputError(
            f"image ({mine}) and labels ({theirs} planes, rows, columns) lie on different grids: "
            "resample the labels onto the image"
        )
