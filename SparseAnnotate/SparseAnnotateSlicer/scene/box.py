"""A markups ROI as a box of voxels."""

from __future__ import annotations

from itertools import product

import numpy as np
import slicer
import vtk
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import Volume

from .volumes import ijk_to_ras

# In voxels: a face that lies on the middle of a voxel includes it, whatever rounding did.
_ROUNDING = 1e-4


def box_of(roi_node, volume_node, volume: Volume) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The voxels whose middles lie in the smallest box of whole voxels around an ROI, turned and transformed as it is.

    Returns
    -------
    first, last : (plane, row, column) of two opposite corners

    Raises
    ------
    InputError
        Where the ROI holds no voxel of the volume.
    """
    ijk = _corners_ijk(roi_node, volume_node)
    last_voxel = np.array(volume.geometry.size) - 1
    first = np.maximum(np.ceil(ijk.min(axis=0) - _ROUNDING), 0).astype(int)
    last = np.minimum(np.floor(ijk.max(axis=0) + _ROUNDING), last_voxel).astype(int)
    if (first > last).any():
        raise InputError(f"the box {roi_node.GetName()} holds no voxel of the volume: move it onto the image")
    order = in_plane_order(volume)
    return tuple(first[order].tolist()), tuple(last[order].tolist())


def in_plane_order(volume: Volume) -> list[int]:
    """Which of i, j, k (0, 1, 2) are the planes, the rows and the columns."""
    return [3 - axis for axis in volume.to_planes(np.empty((1, 2, 3))).shape]


def _corners_ijk(roi_node, volume_node) -> np.ndarray:
    """The eight corners of an ROI in voxels of a volume, through all transforms, float (8, 3)."""
    size = roi_node.GetSize()
    to_world = slicer.util.arrayFromVTKMatrix(roi_node.GetObjectToWorldMatrix())
    from_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, volume_node.GetParentTransformNode(), from_world)
    to_ijk = np.linalg.inv(ijk_to_ras(volume_node))
    corners = []
    for signs in product((-0.5, 0.5), repeat=3):
        world = to_world @ [*(sign * length for sign, length in zip(signs, size, strict=True)), 1.0]
        corners.append((to_ijk @ [*from_world.TransformPoint(world[:3]), 1.0])[:3])
    return np.array(corners)
