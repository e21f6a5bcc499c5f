"""A volume node to the library's Volume and back: intensities, grid, voxel numbers to places, label maps.

The volume node's own grid is what counts: its planes are annotated and everything else is brought onto them. A
transform above the volume (linear or not) moves the whole grid and changes nothing here.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import ImageGeometry, Volume
from vtkmodules.util.numpy_support import vtk_to_numpy

# Slicer's RAS against the library's LPS: both axes that lie in an axial plane point the other way.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def volume_from_node(node, axis: str = "auto") -> Volume:
    """The intensities of a scalar volume node, copied, with the grid that it has in its own coordinate system.

    Parameters
    ----------
    node : vtkMRMLScalarVolumeNode, with any IJK-to-RAS matrix
    axis : {"auto", "i", "j", "k"}, the annotation axis; see `Volume`

    Raises
    ------
    InputError
        Where there is no image, or one that cannot be used.
    """
    if node is None or node.GetImageData() is None or not node.GetImageData().GetNumberOfPoints():
        raise InputError(f"the volume {_name(node)} holds no image: load it, or choose another one")
    if node.GetImageData().GetNumberOfScalarComponents() != 1:
        raise InputError(f"the volume {node.GetName()} has several values a voxel: convert it to a scalar volume")
    # float32 along k would be a view of the node's own memory, which the user may change while a job runs.
    array = slicer.util.arrayFromVolume(node)
    volume = Volume.from_file_order(array, geometry_of(node), axis)
    if np.shares_memory(volume.intensities, array):
        volume = Volume(volume.intensities.copy(), volume.spacing_mm, volume.geometry, volume.axis)
    return volume


def geometry_of(node) -> ImageGeometry:
    """The grid of a volume node in LPS, without the transforms above the node."""
    matrix = _RAS_TO_LPS @ ijk_to_ras(node)
    axes = matrix[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    return ImageGeometry(
        size=tuple(node.GetImageData().GetDimensions()),
        spacing_mm=tuple(spacing.tolist()),
        origin_mm=tuple(matrix[:3, 3].tolist()),
        direction=tuple((axes / spacing).ravel().tolist()),
    )


def ijk_to_ras(node) -> np.ndarray:
    """float (4, 4): voxel numbers (i, j, k) to RAS in the node's own coordinate system."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def image_array(image) -> np.ndarray:
    """A view of a vtkImageData of one value a voxel, (k, j, i)."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def add_label_volume(volume_node, volume: Volume, labels: np.ndarray, name: str):
    """Put a label map of (planes, rows, columns) into the scene, on the grid and under the transform of a volume node.

    Returns
    -------
    vtkMRMLLabelMapVolumeNode
    """
    node = volume_node.GetScene().AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    node.CopyOrientation(volume_node)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    slicer.util.updateVolumeFromArray(node, volume.to_file_order(labels))
    return node


def string_array(values):
    """A vtkStringArray."""
    array = vtk.vtkStringArray()
    for value in values:
        array.InsertNextValue(value)
    return array


def _name(node) -> str:
    return "" if node is None else node.GetName()
