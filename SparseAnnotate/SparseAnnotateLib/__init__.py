"""SparseAnnotate: segment a 3-D scan by painting a few of its planes.

The library never imports Slicer. Arrays are (plane, row, column), lengths are in mm, plane numbers start at 0.
"""

from .annotation import LabelClass, SparseAnnotation
from .errors import InputError, MissingPackageError
from .predictors import PREDICTORS, Prediction, Progress, run
from .selectors import SELECTORS, Suggestion
from .volume import ImageGeometry, Volume

__version__ = "0.1.0"

__all__ = [
    "PREDICTORS",
    "SELECTORS",
    "ImageGeometry",
    "InputError",
    "LabelClass",
    "MissingPackageError",
    "Prediction",
    "Progress",
    "SparseAnnotation",
    "Suggestion",
    "Volume",
    "run",
]
