"""Segments to labels on a volume's grid.

Segments are brought onto the grid by Slicer's own resampling (nearest neighbour), through the transforms between the
two nodes: voxel for voxel where they were painted on this grid and nothing but linear transforms lies between; as well
as resampling can elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import slicer
import vtk
from SparseAnnotateLib.annotation import MAXIMUM_CLASSES, LabelClass
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import Volume

from .volumes import image_array, string_array

# Up to so many values it is faster to look for each than to count all (512x512: 10 us each against 0.3 ms).
_FEW_VALUES = 16
BINARY_LABELMAP = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()


@dataclass(frozen=True)
class Overlap:
    """Two segments that share voxels: names, the later one being the one that counts there."""

    earlier: str
    later: str
    voxels: int


@dataclass(frozen=True)
class SegmentLayers:
    """Segments on a volume's grid, none of them hidden behind another.

    Attributes
    ----------
    layers : arrays of uint8 (planes, rows, columns), 0 or the class number n of ``segment_ids[n - 1]``
        As few as hold all segments without overlap, in the order in which Slicer keeps them.
    segment_ids, names : one a class
    """

    shape: tuple[int, int, int]
    layers: tuple[np.ndarray, ...]
    segment_ids: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def labels(self) -> np.ndarray:
        """uint8 (planes, rows, columns), never to be written to: one class a voxel.

        Where segments overlap the later one counts, as in Slicer's own export to a label map.
        """
        if len(self.layers) == 1:
            return self.layers[0]
        labels = np.zeros(self.shape, np.uint8)
        for layer in self.layers:
            np.maximum(labels, layer, out=labels)
        return labels

    @cached_property
    def overlaps(self) -> tuple[Overlap, ...]:
        """Every two segments that share voxels."""
        voxels: dict[tuple[int, int], int] = {}
        for one, other in combinations(self.layers, 2):
            both = (one > 0) & (other > 0)
            first, second = one[both], other[both]
            pairs, counts = np.unique(
                np.stack([np.minimum(first, second), np.maximum(first, second)]), axis=1, return_counts=True
            )
            for (earlier, later), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
                voxels[earlier, later] = voxels.get((earlier, later), 0) + count
        return tuple(Overlap(self.names[a - 1], self.names[b - 1], n) for (a, b), n in sorted(voxels.items()))

    def masks(self, plane: int) -> Iterator[tuple[str, np.ndarray]]:
        """The segments that are present on a plane, as ID and bool (rows, columns)."""
        for layer in self.layers:
            for number in values_of(layer[plane]):
                yield self.segment_ids[number - 1], layer[plane] == number


def values_of(labels: np.ndarray) -> list[int]:
    """The values other than 0 that occur in an array of uint8; np.unique takes 100 times as long (512x512: 40 ms)."""
    highest = int(labels.max(initial=0))
    if highest <= _FEW_VALUES:
        return [value for value in range(1, highest + 1) if (labels == value).any()]
    return (np.flatnonzero(np.bincount(labels.ravel())[1:]) + 1).tolist()


def read_segments(segmentation_node, volume_node, volume: Volume, segment_ids: Sequence[str] | None = None):
    """Read segments onto a volume's grid, shown or hidden, from whatever layers, extents and grids they lie on.

    Parameters
    ----------
    segmentation_node : vtkMRMLSegmentationNode
    volume_node, volume : the volume whose grid counts, as a node and as read from it
    segment_ids : in the order of the class numbers; by default all of them, in their order

    Returns
    -------
    SegmentLayers

    Raises
    ------
    InputError
        For more than 255 segments, or segments that are surfaces only.
    """
    segmentation = segmentation_node.GetSegmentation()
    segment_ids = tuple(segmentation.GetSegmentIDs() if segment_ids is None else segment_ids)
    if len(segment_ids) > MAXIMUM_CLASSES:
        raise InputError(f"{segmentation_node.GetName()} has {len(segment_ids)} segments: choose at most 255")
    numbers = {segment_id: number for number, segment_id in enumerate(segment_ids, start=1)}
    names = tuple(segmentation.GetSegment(segment_id).GetName() for segment_id in segment_ids)
    layers = [
        _read_layer(segmentation_node, volume_node, volume, {one: numbers[one] for one in together})
        for together in _layers_of(segmentation_node, numbers)
    ]
    return SegmentLayers(volume.shape, tuple(layers), segment_ids, names)


def fingerprint(segmentation_node, volume_node, segment_ids: Sequence[str]) -> tuple:
    """Changes whenever what `read_segments` gives may have changed: of voxels VTK's own time stamps tell it."""
    segmentation = segmentation_node.GetSegmentation()
    segments = []
    for segment_id in segment_ids:
        segment = segmentation.GetSegment(segment_id)
        layer = segment.GetRepresentation(BINARY_LABELMAP)
        stamp = None if layer is None else (layer.GetMTime(), _scalars_time(layer), layer.GetAddressAsString(""))
        segments.append((segment_id, segment.GetName(), segment.GetLabelValue(), stamp))
    transforms = [node.GetParentTransformNode() for node in (segmentation_node, volume_node)]
    times = [None if one is None else one.GetTransformToWorldMTime() for one in transforms]
    return tuple(segments), tuple(times), segmentation.GetSourceRepresentationName()


def _scalars_time(layer) -> int:
    scalars = layer.GetPointData().GetScalars()
    return 0 if scalars is None else scalars.GetMTime()


def _layers_of(segmentation_node, wanted) -> list[list[str]]:
    """The wanted segments, those together that share a layer and therefore cannot overlap."""
    segmentation = segmentation_node.GetSegmentation()
    if not wanted or not segmentation.GetNumberOfSegments():
        return []
    if not segmentation.ContainsRepresentation(BINARY_LABELMAP):
        advice = "create its binary labelmap representation in the module Segmentations"
        raise InputError(f"the segmentation {segmentation_node.GetName()} consists of surfaces only: {advice}")
    count = segmentation.GetNumberOfLayers(BINARY_LABELMAP)
    layers = [segmentation.GetSegmentIDsForLayer(layer, BINARY_LABELMAP) for layer in range(count)]
    chosen = [[segment_id for segment_id in layer if segment_id in wanted] for layer in layers]
    return [layer for layer in chosen if layer]


def _read_layer(segmentation_node, volume_node, volume: Volume, numbers: dict[str, int]) -> np.ndarray:
    array = layer_on_same_grid(segmentation_node, volume_node, numbers)
    if array is None:
        array = image_array(merged_labelmap(segmentation_node, volume_node, numbers))
    return np.ascontiguousarray(volume.to_planes(array), dtype=np.uint8)


def layer_on_same_grid(segmentation_node, volume_node, values: Mapping[str, int]) -> np.ndarray | None:
    """What `merged_labelmap` gives, uint8 (k, j, i), copied from a layer that lies on the volume's grid; else None.

    The usual case: Slicer resamples it all the same, 1 s for each layer of 512x512x100, this takes 0.1 s.
    """
    segmentation = segmentation_node.GetSegmentation()
    layer = segmentation.GetSegment(next(iter(values))).GetRepresentation(BINARY_LABELMAP)
    if layer.IsEmpty():
        return np.zeros(volume_node.GetImageData().GetDimensions()[::-1], np.uint8)
    extent, whole = layer.GetExtent(), volume_node.GetImageData().GetExtent()
    inside = all(whole[n] <= extent[n] and extent[n + 1] <= whole[n + 1] for n in (0, 2, 4))
    filled = all(extent[n] <= extent[n + 1] for n in (0, 2, 4))
    if any(whole[::2]) or not (inside and filled) or not _on_grid(layer, segmentation_node, volume_node):
        return None
    array = np.zeros(volume_node.GetImageData().GetDimensions()[::-1], np.uint8)
    part = tuple(slice(extent[n], extent[n + 1] + 1) for n in (4, 2, 0))
    labels = image_array(layer)
    for segment_id, value in values.items():
        array[part][labels == segmentation.GetSegment(segment_id).GetLabelValue()] = value
    return array


def _on_grid(layer, segmentation_node, volume_node) -> bool:
    if not is_linear_between(volume_node, segmentation_node):
        return False
    matrix = vtk.vtkMatrix4x4()
    layer.GetImageToWorldMatrix(matrix)
    given, wanted = map(slicer.util.arrayFromVTKMatrix, (matrix, grid_to_segmentation(volume_node, segmentation_node)))
    # In voxels: what is nearest does not change where they are a hundredth apart at the farthest corner.
    voxels = np.linalg.solve(wanted, given) - np.eye(4)
    return bool(np.abs(voxels @ (*volume_node.GetImageData().GetDimensions(), 1)).max() < 0.01)


def merged_labelmap(segmentation_node, volume_node, values: Mapping[str, int]):
    """Segments resampled onto a volume's grid by Slicer (nearest neighbour), as a vtkOrientedImageData.

    Slicer's own function for it takes a chain of linear transforms for a warp and resamples twice (5.12.3), which moves
    voxels where the two nodes are turned against each other; so the grid is given in the segmentation's coordinates.

    Parameters
    ----------
    values : the value of each segment, by ID
    """
    image, values_array = slicer.vtkOrientedImageData(), vtk.vtkIntArray()
    for value in values.values():
        values_array.InsertNextValue(value)
    mode = slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY
    if is_linear_between(volume_node, segmentation_node):
        grid = slicer.vtkOrientedImageData()
        grid.SetExtent(volume_node.GetImageData().GetExtent())
        grid.SetGeometryFromImageToWorldMatrix(grid_to_segmentation(volume_node, segmentation_node))
        segmentation_node.GenerateMergedLabelmapForAllSegments(image, mode, grid, string_array(values), values_array)
    else:
        slicer.vtkSlicerSegmentationsModuleLogic.GenerateMergedLabelmapInReferenceGeometry(
            segmentation_node, volume_node, string_array(values), mode, image, values_array
        )
    if image.GetDimensions() != volume_node.GetImageData().GetDimensions():
        raise InputError(f"Slicer cannot bring {segmentation_node.GetName()} onto the volume: check its transforms")
    return image


def is_linear_between(volume_node, segmentation_node) -> bool:
    """Whether no warp lies between two nodes; under the same warp there is none."""
    between = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        volume_node.GetParentTransformNode(), segmentation_node.GetParentTransformNode(), between
    )
    return slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(between)


def grid_to_segmentation(volume_node, segmentation_node):
    """vtkMatrix4x4 from a volume's voxel numbers to a segmentation's coordinates; no warp must lie between the two."""
    matrix, between = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    transforms = volume_node.GetParentTransformNode(), segmentation_node.GetParentTransformNode()
    if transforms[0] is not transforms[1]:
        slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(*transforms, between)
        vtk.vtkMatrix4x4.Multiply4x4(between, matrix, matrix)
    return matrix


def classes_of(segmentation_node, segment_ids: Sequence[str]) -> tuple[LabelClass, ...]:
    """A class a segment, valued 1, 2, ...; its `details` are what a .seg.nrrd says: ID, terminology and status."""
    segmentation = segmentation_node.GetSegmentation()
    classes = []
    for number, segment_id in enumerate(segment_ids, start=1):
        segment = segmentation.GetSegment(segment_id)
        color = tuple(float(part) for part in segment.GetColor())
        details = {"ID": segment_id, "Tags": _tags(segment)}
        classes.append(LabelClass(number, segment.GetName(), color, details))
    return tuple(classes)


def _tags(segment) -> str:
    """Terminology and status as a .seg.nrrd writes them. (Python cannot list the names of further tags.)"""
    status = slicer.vtkSlicerSegmentationsModuleLogic.GetStatusTagName()
    tags = []
    for name in (segment.GetTerminologyEntryTagName(), status):
        value = vtk.mutable("")
        if segment.GetTag(name, value):
            tags.append(f"{name}:{value}|")
    return "".join(tags)
