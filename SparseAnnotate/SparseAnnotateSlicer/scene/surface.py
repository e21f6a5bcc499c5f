"""Labels as smooth surfaces in the 3-D views: a segmentation of its own, not listed, saved or drawn in slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
from SparseAnnotateLib.volume import Volume

from . import preview
from .nodes import remove_with_helpers

_ATTRIBUTE = "SparseAnnotate.Surface"
_CLOSED_SURFACE = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
# Slicer's default, 0.5, leaves the steps of thick slices.
_SMOOTHING = 0.7


def add_surface(segmentation_node, volume_node):
    """An empty node for surfaces, under the volume's transform, in place of any that was left behind.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    scene = segmentation_node.GetScene()
    for number in reversed(range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))):
        old = scene.GetNthNodeByClass(number, "vtkMRMLSegmentationNode")
        if old.GetAttribute(_ATTRIBUTE):
            remove_with_helpers(old)
    node = scene.CreateNodeByClass("vtkMRMLSegmentationNode")
    node.UnRegister(None)
    node.SetName(f"{segmentation_node.GetName()} surface")
    node.SetAttribute(_ATTRIBUTE, "yes")
    node.SetSaveWithScene(False)
    node.SetSelectable(False)
    scene.AddNode(node)
    # Not before: Slicer looks for the item in the subject hierarchy that it makes of nodes that are listed.
    node.SetHideFromEditors(True)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetSaveWithScene(False)
    node.GetDisplayNode().SetVisibility2D(False)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    return node


def show(node, volume_node, volume: Volume, labels: np.ndarray, segmentation_node, segment_ids: Sequence[str]) -> None:
    """Make such a node show labels, uint8 (planes, rows, columns), n standing for ``segment_ids[n - 1]``."""
    segmentation = node.GetSegmentation()
    was_modifying = node.StartModify()
    preview.show(node, volume_node, volume, labels, segmentation_node, segment_ids)
    segmentation.SetConversionParameter("Smoothing factor", str(_SMOOTHING))
    node.CreateClosedSurfaceRepresentation()
    display = node.GetDisplayNode()
    display.SetPreferredDisplayRepresentationName3D(_CLOSED_SURFACE)
    display.SetVisibility3D(True)
    node.EndModify(was_modifying)
