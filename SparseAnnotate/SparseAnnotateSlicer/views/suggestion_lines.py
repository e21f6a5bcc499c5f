"""Planes as lines in the views that cut them: one model node of rectangles, one a plane."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import vtk

from ..scene.nodes import remove_marked, remove_with_helpers
from ..scene.volumes import ijk_to_ras

_ATTRIBUTE = "SparseAnnotate.Lines"
# As the arrows onto planes to paint in the slice strip, light enough for dark images.
_COLOR, _THICKNESS_PIXELS = (0.94, 0.54, 0.82), 2


def add_lines(volume_node, axis: int, planes: Sequence[int], view_node_ids: Sequence[str]):
    """Draw planes of a volume (axis 0, 1, 2 for i, j, k) in some views; returns the vtkMRMLModelNode.

    It lies under the volume's transform, is neither listed nor saved, and replaces any that was left behind.
    """
    scene = volume_node.GetScene()
    remove_marked(scene, "vtkMRMLModelNode", _ATTRIBUTE)
    node = scene.CreateNodeByClass("vtkMRMLModelNode")
    node.UnRegister(None)
    node.SetName("SparseAnnotate planes to paint")
    node.SetAttribute(_ATTRIBUTE, "yes")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetSelectable(False)
    node.SetAndObservePolyData(_rectangles(volume_node, axis, planes))
    scene.AddNode(node)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    _show(node, view_node_ids)
    return node


def remove_lines(node) -> None:
    """Take such a node out of its scene, if it is still in one."""
    if node is not None and node.GetScene() is not None:
        remove_with_helpers(node)


def _show(node, view_node_ids: Sequence[str]) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetColor(*_COLOR)
    display.SetVisibility2D(True)
    display.SetVisibility3D(False)
    display.SetSliceIntersectionThickness(_THICKNESS_PIXELS)
    for view_node_id in view_node_ids:
        display.AddViewNodeID(view_node_id)


def _rectangles(volume_node, axis: int, planes: Sequence[int]):
    """The outlines of planes up to the outer faces of their voxels, as vtkPolyData in the volume's coordinates."""
    size = np.array(volume_node.GetImageData().GetDimensions())
    matrix = ijk_to_ras(volume_node)
    across = [one for one in range(3) if one != axis]
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    for plane in planes:
        cells.InsertNextCell(4)
        for ends in product((0, 1), repeat=2):
            # Around the rectangle, not across it.
            ends = (ends[0], ends[1] ^ ends[0])
            ijk = np.ones(4)
            ijk[axis] = plane
            ijk[across] = [end * size[one] - 0.5 for end, one in zip(ends, across, strict=True)]
            cells.InsertCellPoint(points.InsertNextPoint((matrix @ ijk)[:3]))
    outlines = vtk.vtkPolyData()
    outlines.SetPoints(points)
    outlines.SetPolys(cells)
    return outlines
