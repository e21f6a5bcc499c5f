"""Slicer's own morphological contour interpolator behind the predictor `morphology`."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from SparseAnnotateLib.predictors.morphology import Morphology

from .volumes import image_array


def slicer_interpolation(labels: np.ndarray) -> np.ndarray:
    """Fill the empty planes of `labels` (planes, rows, columns; uint8), as `itk_interpolation` does."""
    interpolator = slicer.vtkITKMorphologicalContourInterpolator()
    interpolator.SetInputData(identity_image(labels))
    # Its other settings stay those of Slicer's Fill between slices; ITK's package has the distance transform on, which
    # gave other labels to 2.5 % of the voxels of a small example. vtk's third axis is the planes.
    interpolator.SetAxis(2)
    interpolator.Update()
    return image_array(interpolator.GetOutput()).astype(np.uint8)


def use_slicers_interpolator() -> bool:
    """Make `morphology` run Slicer's filter in this process, where Slicer has it; returns whether it has.

    Workers are other processes: in them ITK's own package does it, where it is installed.
    """
    if not hasattr(slicer, "vtkITKMorphologicalContourInterpolator"):
        return False
    Morphology.backend = staticmethod(slicer_interpolation)
    return True


def identity_image(array: np.ndarray):
    """A vtkImageData of (k, j, i), uint8, without a place in space; of its own memory."""
    image = vtk.vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image_array(image)[:] = array
    return image
