"""Small volumes and segmentations in the scene, for the tests."""

import numpy as np
import slicer
import vtk
from SparseAnnotateSlicer.scene.volumes import ijk_to_ras, volume_from_node

OBLIQUE = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]])
GRIDS = {
    "plain": (np.eye(3), (1.0, 1.0, 1.0)),
    "lps": (np.diag([-1.0, -1.0, 1.0]), (0.7, 0.7, 3.0)),
    "mirrored": (np.diag([1.0, -1.0, -1.0]), (0.5, 0.6, 3.0)),
    "left-handed": (np.diag([-1.0, 1.0, 1.0]), (0.5, 0.6, 0.7)),
    "sagittal": (np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]), (0.4, 0.4, 3.0)),
    "oblique": (OBLIQUE, (0.9, 0.8, 3.0)),
    "oblique mirrored": (OBLIQUE * [1, 1, -1], (0.9, 0.8, 3.0)),
}


def matrix_of(array):
    matrix = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            matrix.SetElement(row, column, array[row, column])
    return matrix


def add_volume(scene, shape=(6, 7, 8), grid="plain", name="CT", dtype=np.int16):
    """A volume of (k, j, i) = shape whose voxels are all different."""
    directions, spacing = GRIDS[grid]
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.arange(np.prod(shape), dtype=dtype).reshape(shape))
    matrix = np.eye(4)
    matrix[:3, :3] = directions * spacing
    matrix[:3, 3] = (-12.5, 20.25, 7.0)
    node.SetIJKToRASMatrix(matrix_of(matrix))
    return node


def add_segmentation(scene, volume_node, names=("liver", "tumour"), name="Segmentation"):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    for number, segment_name in enumerate(names):
        segment = slicer.vtkSegment()
        segment.SetName(segment_name)
        segment.SetColor(1.0, number / max(1, len(names)), 0.25)
        node.GetSegmentation().AddSegment(segment)
    return node


def ids_of(segmentation_node):
    return list(segmentation_node.GetSegmentation().GetSegmentIDs())


def paint(segmentation_node, segment_id, volume_node, mask):
    """What the user's brush leaves: `mask` is bool or 0/1 of (k, j, i) in the volume's grid."""
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        np.ascontiguousarray(mask, np.uint8), segmentation_node, segment_id, volume_node
    )


def seen_by_slicer(segmentation_node, segment_id, volume_node):
    """Slicer's own answer to what a segment holds on the volume's grid, bool (k, j, i)."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation_node, segment_id, volume_node).astype(bool)


def add_linear_transform(scene, node, shift=(3.0, -4.0, 5.0), turn=None, about=(0.0, 0.0, 0.0)):
    """Put a transform above a node that turns space about a point, then shifts it."""
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    if turn is not None:
        matrix[:3, :3] = turn
    matrix[:3, 3] = np.array(shift) + about - matrix[:3, :3] @ about
    transform.SetMatrixTransformToParent(matrix_of(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def middle_of(volume_node):
    """RAS of the middle of a volume, in its own coordinates."""
    i, j, k = volume_node.GetImageData().GetDimensions()
    return (ijk_to_ras(volume_node) @ ((i - 1) / 2, (j - 1) / 2, (k - 1) / 2, 1.0))[:3]


def add_warp(scene, *nodes):
    """A transform that bends space by some millimetres."""
    transform = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for x, y, z, shift in ((-20, 0, 0, 0), (0, 25, 0, 2), (0, 0, 30, -2), (5, 22, 12, 1), (-12, 20, 7, 0.5)):
        source.InsertNextPoint(x, y, z)
        target.InsertNextPoint(x + shift, y - shift, z + shift / 2)
    warp = vtk.vtkThinPlateSplineTransform()
    warp.SetBasisToR()
    warp.SetSourceLandmarks(source)
    warp.SetTargetLandmarks(target)
    transform.SetAndObserveTransformToParent(warp)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def volume_of(node, axis="k"):
    return volume_from_node(node, axis)


def preview_labels(session):
    """What the preview holds, as Slicer sees it: labels (k, j, i)."""
    labels = np.zeros(session.volume_node.GetImageData().GetDimensions()[::-1], np.uint8)
    for segment_id in ids_of(session.preview_node):
        number = session.segment_ids.index(segment_id) + 1
        labels[seen_by_slicer(session.preview_node, segment_id, session.volume_node)] = number
    return labels
