"""The prediction in the scene: a segmentation of its own, on the volume's grid, never the expert's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk
from SparseAnnotateLib.volume import Volume

from .segments import BINARY_LABELMAP, read_segments
from .volumes import ijk_to_ras, image_array
from .writing import matrix_from, oriented_image

_KIND_TAG = "SparseAnnotate.Kind"
# Painted planes are shown by the expert's segmentation, filled by half as Slicer does; predicted ones are paler inside
# and as clear at their outlines.
_FILL_OPACITY, _OUTLINE_OPACITY = 0.2, 1.0


def add_preview(segmentation_node, volume_node):
    """An empty preview of a segmentation: under the volume's transform, beside the segmentation in the hierarchy.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    scene = segmentation_node.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{segmentation_node.GetName()} prediction")
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetOpacity2DFill(_FILL_OPACITY)
    node.GetDisplayNode().SetOpacity2DOutline(_OUTLINE_OPACITY)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    _put_beside(node, segmentation_node, volume_node)
    return node


def _put_beside(node, *others) -> None:
    """Under the subject-hierarchy parent of the first of the others that has one. (Without Qt nodes have no items.)"""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    items = [hierarchy.GetItemByDataNode(other) for other in others] if hierarchy is not None else []
    item = next((one for one in items if one), 0)
    if not item:
        return
    own = hierarchy.GetItemByDataNode(node)
    if own:
        hierarchy.SetItemParent(own, hierarchy.GetItemParent(item))
    else:
        hierarchy.CreateItem(hierarchy.GetItemParent(item), node)


def show(
    node,
    volume_node,
    volume: Volume,
    labels: Sequence[np.ndarray],
    segmentation_node,
    segment_ids: Sequence[str],
    planes: Sequence[int] | None = None,
) -> None:
    """Make a preview hold these labels: segment n has the ID, name and colour of ``segment_ids[n - 1]``.

    Parameters
    ----------
    labels : of each plane, uint8 (rows, columns)
    planes : those that may differ from what it holds; by default all
    """
    segmentation, original = node.GetSegmentation(), segmentation_node.GetSegmentation()
    if put_in_place(node, volume_node, volume, labels, segmentation_node, segment_ids, planes):
        follow(node, segmentation_node)
        return
    image = oriented_image(volume.to_file_order(np.stack(labels)), matrix_from(ijk_to_ras(volume_node)))
    was_modifying = node.StartModify()
    segmentation.RemoveAllSegments()
    for number, segment_id in enumerate(segment_ids, start=1):
        source = original.GetSegment(segment_id)
        if source is None:
            continue
        segment = slicer.vtkSegment()
        segment.SetName(source.GetName())
        segment.SetColor(source.GetColor())
        segment.SetTag(_KIND_TAG, "predicted")
        segment.SetLabelValue(number)
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segmentation.AddSegment(segment, segment_id)
    node.EndModify(was_modifying)


def put_in_place(node, volume_node, volume: Volume, labels, segmentation_node, segment_ids, planes=None) -> bool:
    """Change the labels of segments that are there already; whether that could be done. Parameters as of `show`.

    Removing and adding segments takes Slicer several times as long, with their items and display properties.
    """
    layer = _layer_of(node, volume_node, segmentation_node, segment_ids)
    if layer is None:
        return False
    held = volume.to_planes(image_array(layer))
    changed = False
    for plane in range(len(labels)) if planes is None else planes:
        wanted = labels[plane]
        if not np.array_equal(held[plane], wanted):
            held[plane], changed = wanted, True
    if changed:
        layer.GetPointData().GetScalars().Modified()
        layer.Modified()
        # Slicer's slice views draw anew when a node or a segment changes, not for labels alone.
        node.GetDisplayNode().Modified()
    return True


def _layer_of(node, volume_node, segmentation_node, segment_ids: Sequence[str]):
    """The one layer of a preview that holds these segments, numbered in this order, on the volume's grid; else None."""
    segmentation, original = node.GetSegmentation(), segmentation_node.GetSegmentation()
    wanted = [one for one in segment_ids if original.GetSegment(one) is not None]
    if not wanted or list(segmentation.GetSegmentIDs()) != wanted or segmentation.GetNumberOfLayers() != 1:
        return None
    layer = segmentation.GetSegment(wanted[0]).GetRepresentation(BINARY_LABELMAP)
    numbers = [segmentation.GetSegment(one).GetLabelValue() for one in wanted]
    matrix = vtk.vtkMatrix4x4()
    layer.GetImageToWorldMatrix(matrix)
    same_grid = layer.GetExtent() == volume_node.GetImageData().GetExtent() and np.allclose(
        slicer.util.arrayFromVTKMatrix(matrix), ijk_to_ras(volume_node)
    )
    return layer if same_grid and numbers == [segment_ids.index(one) + 1 for one in wanted] else None


def follow(node, segmentation_node) -> None:
    """Give the preview's segments the names and colours that the expert's have now."""
    segmentation, original = node.GetSegmentation(), segmentation_node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        segment, source = segmentation.GetSegment(segment_id), original.GetSegment(segment_id)
        if source is not None and (segment.GetName(), segment.GetColor()) != (source.GetName(), source.GetColor()):
            segment.SetName(source.GetName())
            segment.SetColor(source.GetColor())


def labels_of(node, volume_node, volume: Volume, segment_ids: Sequence[str]) -> np.ndarray:
    """What a preview holds, as class numbers by ``segment_ids``; uint8 (planes, rows, columns)."""
    present = set(node.GetSegmentation().GetSegmentIDs())
    there = [segment_id for segment_id in segment_ids if segment_id in present]
    numbers = np.zeros(len(there) + 1, np.uint8)
    numbers[1:] = [segment_ids.index(segment_id) + 1 for segment_id in there]
    return numbers[read_segments(node, volume_node, volume, there).labels]
