"""Labels as smooth surfaces in the 3-D views: a segmentation of its own, not listed, saved or drawn in slices."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import slicer
from SparseAnnotateLib.volume import Volume

from . import preview
from .nodes import remove_marked
from .segments import BINARY_LABELMAP
from .volumes import ijk_to_ras
from .writing import matrix_from, oriented_image

_ATTRIBUTE = "SparseAnnotate.Surface"
_CLOSED_SURFACE = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
# Slicer's default, 0.5, leaves the steps of thick slices.
_SMOOTHING = 0.7
# Points of a structure's surface: Slicer smooths 42,000 of a liver in 0.13 s, as many as this in less than 0.05 s.
_POINTS = 15_000


def add_surface(segmentation_node, volume_node):
    """An empty node for surfaces, under the volume's transform, in place of any that was left behind.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    scene = segmentation_node.GetScene()
    remove_marked(scene, "vtkMRMLSegmentationNode", _ATTRIBUTE)
    node = scene.CreateNodeByClass("vtkMRMLSegmentationNode")
    node.UnRegister(None)
    node.SetName(f"{segmentation_node.GetName()} surface")
    node.SetAttribute(_ATTRIBUTE, "yes")
    node.SetSaveWithScene(False)
    node.SetSelectable(False)
    scene.AddNode(node)
    # Not before: Slicer looks for the item in the subject hierarchy that it makes of nodes that are listed.
    node.SetHideFromEditors(True)
    node.GetSegmentation().SetSourceRepresentationName(_CLOSED_SURFACE)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility2D(False)
    display.SetPreferredDisplayRepresentationName3D(_CLOSED_SURFACE)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    return node


def show(node, volume_node, volume: Volume, labels: np.ndarray, segmentation_node, segment_ids: Sequence[str]) -> None:
    """Make such a node show labels, uint8 (planes, rows, columns), n standing for ``segment_ids[n - 1]``."""
    for _step in showing(node, volume_node, volume, labels, segmentation_node, segment_ids):
        pass


def showing(
    node, volume_node, volume: Volume, labels: np.ndarray, segmentation_node, segment_ids: Sequence[str]
) -> Generator[None, None, None]:
    """The same a structure at a time, between which Slicer can draw; the node changes in the last step."""
    array, made = volume.in_file_order(labels), []
    for number, segment_id in enumerate(segment_ids, start=1):
        source = segmentation_node.GetSegmentation().GetSegment(segment_id)
        mask = array == number
        if source is None or not mask.any():
            continue
        made.append((segment_id, _surface_segment(mask, ijk_to_ras(volume_node))))
        yield
    if node.GetScene() is None:
        return
    was_modifying = node.StartModify()
    node.GetSegmentation().RemoveAllSegments()
    for segment_id, segment in made:
        node.GetSegmentation().AddSegment(segment, segment_id)
    preview.follow(node, segmentation_node)
    node.GetDisplayNode().SetVisibility3D(True)
    node.EndModify(was_modifying)


def _surface_segment(mask: np.ndarray, matrix: np.ndarray):
    """A vtkSegment with the smoothed surface of a mask, bool (k, j, i), and nothing else."""
    ends = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    first = [int(one[0]) for one in ends]
    part = mask[tuple(slice(int(one[0]), int(one[-1]) + 1) for one in ends)]
    part, factors = _coarsened(part, np.linalg.norm(matrix[:3, 2::-1], axis=0))
    grid = np.diag([*factors[::-1], 1.0])
    grid[:3, 3] = [start + (factor - 1) / 2 for start, factor in zip(first[::-1], factors[::-1], strict=True)]
    segment, segmentation = slicer.vtkSegment(), slicer.vtkSegmentation()
    segment.AddRepresentation(BINARY_LABELMAP, oriented_image(part.astype(np.uint8), matrix_from(matrix @ grid)))
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    segmentation.AddSegment(segment, "surface")
    segmentation.SetConversionParameter("Smoothing factor", str(_SMOOTHING))
    segmentation.CreateRepresentation(_CLOSED_SURFACE)
    segment.RemoveRepresentation(BINARY_LABELMAP)
    return segment


def _coarsened(mask: np.ndarray, spacing_mm: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """A mask of so few voxels that its surface has no more than `_POINTS`, and how many voxels each of its own takes.

    The finest axis is halved first: the surface shows a shape, which needs no finer steps than the slices are apart.
    """
    factors, counts = [1, 1, 1], mask.astype(np.uint16)
    while _crossings(mask) > _POINTS:
        axis = int(np.argmin(spacing_mm * factors))
        if counts.shape[axis] < 2:
            break
        even = np.moveaxis(counts, axis, 0)
        halves = even[::2].copy()
        halves[: len(even) // 2] += even[1::2]
        counts = np.moveaxis(halves, 0, axis)
        factors[axis] *= 2
        mask = 2 * counts >= np.prod(factors)
    return mask, factors


def _crossings(mask: np.ndarray) -> int:
    """Neighbours of which one is labelled: so many points the surface has."""
    return sum(int(np.count_nonzero(np.diff(np.pad(mask, 1), axis=axis))) for axis in range(3))
