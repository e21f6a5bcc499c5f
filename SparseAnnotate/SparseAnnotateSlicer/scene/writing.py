"""Label maps into segments, by Slicer's own segment editor logic: masks and overwriting as set, one undo step a write.

Only planes that are named change, and only voxels that differ. What else lies in the segmentation stays: names,
colours, terminology and status of every segment, and, unless the editor is set to overwrite them, the voxels of others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import Volume

from .segments import (
    BINARY_LABELMAP,
    SegmentLayers,
    grid_to_segmentation,
    is_linear_between,
    merged_labelmap,
    read_segments,
)
from .volumes import image_array

# As many as Slicer's segment editor keeps by itself; a state shares all layers that did not change.
_UNDO_STATES = 10
# In voxels: what matrix products leave.
_ROUNDING = 1e-3
_Logic = slicer.vtkSlicerSegmentEditorLogic
_ADD, _REMOVE = _Logic.ModificationModeAdd, _Logic.ModificationModeRemove
_Segmentations = slicer.vtkSlicerSegmentationsModuleLogic


class SegmentWriter:
    """Writes labels of a volume's planes into the segments of one segmentation.

    Parameters
    ----------
    segmentation_node, volume_node : the segmentation, and the volume on whose grid the labels lie
    editor_node : vtkMRMLSegmentEditorNode whose mask and overwrite mode count, as they do for the user's brush; by
        default one of our own that masks nothing and overwrites no other segment
    save_state : called once before every write, to make it undoable; in Slicer's window the ``saveStateForUndo`` of the
        editor widget, whose history and keys then undo it. By default this object keeps a history: `undo`, `redo`.
    """

    def __init__(self, segmentation_node, volume_node, editor_node=None, save_state: Callable[[], Any] | None = None):
        self.segmentation_node, self.volume_node = segmentation_node, volume_node
        self._own_editor = editor_node is None
        self.editor_node = self._add_editor_node() if editor_node is None else editor_node
        self._history = slicer.vtkSegmentationHistory()
        self._history.SetMaximumNumberOfStates(_UNDO_STATES)
        self._history.SetSegmentation(segmentation_node.GetSegmentation())
        self._save_state = self._history.SaveState if save_state is None else save_state
        self._logic = _Logic()
        self._logic.SetMRMLScene(segmentation_node.GetScene())
        self._logic.SetSegmentEditorNode(self.editor_node)

    def _add_editor_node(self):
        scene = self.segmentation_node.GetScene()
        node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetName("SparseAnnotate writer")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
        node = scene.AddNode(node)
        node.SetAndObserveSegmentationNode(self.segmentation_node)
        node.SetAndObserveSourceVolumeNode(self.volume_node)
        return node

    def close(self) -> None:
        """Take our own editor node out of the scene."""
        self._logic.SetSegmentEditorNode(None)
        scene = self.editor_node.GetScene() if self._own_editor else None
        if scene is not None:
            scene.RemoveNode(self.editor_node)

    @property
    def can_undo(self) -> bool:
        """Whether the history of our own holds a state before the present one."""
        return bool(self._history.IsRestorePreviousStateAvailable())

    @property
    def can_redo(self) -> bool:
        """Whether the history of our own holds a state after the present one."""
        return bool(self._history.IsRestoreNextStateAvailable())

    def undo(self) -> bool:
        """Take the last write back; False if there is none, or `save_state` was given: then its owner undoes."""
        return self.can_undo and bool(self._history.RestorePreviousState())

    def redo(self) -> bool:
        """Do again what was undone last."""
        return self.can_redo and bool(self._history.RestoreNextState())

    def write(
        self,
        volume: Volume,
        labels: np.ndarray,
        planes: Iterable[int],
        segment_ids: Sequence[str],
        present: SegmentLayers | None = None,
        keep: np.ndarray | None = None,
    ) -> list[int]:
        """Make these planes hold these labels, in one undoable step.

        Parameters
        ----------
        labels : uint8 (planes, rows, columns), n standing for ``segment_ids[n - 1]``; other planes are not looked at
        planes : those that change
        present : what the segments hold now, where it has just been read
        keep : bool, the shape of the labels: voxels of those planes that stay as they are

        Returns
        -------
        list of int
            The planes on which a voxel had to change; with none nothing is written and no state saved.

        Raises
        ------
        InputError
            Where the segmentation cannot hold this grid's voxels; nothing has changed then.
        """
        if present is None:
            present = read_segments(self.segmentation_node, self.volume_node, volume, segment_ids)
        planes = np.array(sorted(set(planes)), dtype=int)
        free = True if keep is None else ~keep[planes]
        changes = [
            _Change(number, *(one & free for one in _difference(present, labels, planes, number)))
            for number in _numbers(segment_ids)
        ]
        changes = [change for change in changes if change.any]
        if not changes:
            return []
        self._check_can_hold()
        self._save_state()
        with self._one_event(), self._unchanged_status(), self._selection():
            self._align()
            for change in changes:
                self._modify(volume, planes, segment_ids[change.number - 1], change.removed, _REMOVE)
            for change in changes:
                self._modify(volume, planes, segment_ids[change.number - 1], change.added, _ADD)
        touched = np.logical_or.reduce([(one.removed | one.added).any(axis=(1, 2)) for one in changes])
        return planes[touched].tolist()

    def _modify(self, volume: Volume, planes: np.ndarray, segment_id: str, mask: np.ndarray, mode: int) -> None:
        """Add or remove the voxels of `mask`, which is bool (len(planes), rows, columns)."""
        if not mask.any():
            return
        self.editor_node.SetSelectedSegmentID(segment_id)
        modifier = self._modifier(volume, planes, mask)
        self._logic.ModifySegmentByLabelmap(self.segmentation_node, segment_id, modifier, mode, False, False)

    def _modifier(self, volume: Volume, planes: np.ndarray, mask: np.ndarray):
        """The part of the grid that holds what changes: of the whole one each segment took 0.26 s at 257x257x140."""
        rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((0, 2), (0, 1)))
        box = [slice(int(one[0]), int(one[-1]) + 1) for one in (planes, rows, columns)]
        part = np.zeros([one.stop - one.start for one in box], np.uint8)
        part[planes - planes[0]] = mask[:, box[1], box[2]]
        starts = {axis: one.start for axis, one in zip(volume.axes, box, strict=True)}
        return oriented_image(volume.to_file_order(part), self._grid(), [starts[axis] for axis in "kji"])

    def _grid(self):
        return grid_to_segmentation(self.volume_node, self.segmentation_node)

    def _check_can_hold(self) -> None:
        name = self.segmentation_node.GetName()
        if self.segmentation_node.GetSegmentation().GetSourceRepresentationName() != BINARY_LABELMAP:
            raise InputError(f"{name} keeps its segments as surfaces: make binary labelmap its source representation")
        if not is_linear_between(self.volume_node, self.segmentation_node):
            advice = "harden the transform, or put both under the same one"
            raise InputError(f"a warping transform lies between the volume and the segmentation {name}: {advice}")
        if any(self._reaches_beyond(image) for _, image in self._layers_elsewhere()):
            advice = "crop its segments to the volume, or use a segmentation of this volume"
            raise InputError(f"{name} lies on another grid than the volume and reaches beyond it: {advice}")

    def _layers_elsewhere(self) -> list:
        """Layers whose voxels are not those of the volume: their numbers and images."""
        grid = oriented_image(np.zeros((1, 1, 1), np.uint8), self._grid())
        segmentation = self.segmentation_node.GetSegmentation()
        layers = range(segmentation.GetNumberOfLayers(BINARY_LABELMAP))
        images = [(layer, segmentation.GetLayerDataObject(layer, BINARY_LABELMAP)) for layer in layers]
        match = slicer.vtkOrientedImageDataResample.DoGeometriesMatch
        return [(layer, image) for layer, image in images if not image.IsEmpty() and not match(grid, image)]

    def _reaches_beyond(self, image) -> bool:
        """Whether the middle of a labelled voxel lies outside the volume."""
        kji = np.argwhere(image_array(image))
        if not len(kji):
            return False
        to_world, to_grid = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(to_world)
        vtk.vtkMatrix4x4.Invert(self._grid(), to_grid)
        matrix = slicer.util.arrayFromVTKMatrix(to_grid) @ slicer.util.arrayFromVTKMatrix(to_world)
        ijk = (kji[:, ::-1] + image.GetExtent()[::2]) @ matrix[:3, :3].T + matrix[:3, 3]
        last = np.array(self.volume_node.GetImageData().GetDimensions()) - 1
        return bool((ijk < -0.5 - _ROUNDING).any() or (ijk > last + 0.5 + _ROUNDING).any())

    def _align(self) -> None:
        """Bring every layer onto the volume's voxels: what is read there stays as it is, bit for bit."""
        segmentation = self.segmentation_node.GetSegmentation()
        for layer, image in self._layers_elsewhere():
            segment_ids = segmentation.GetSegmentIDsForLayer(layer, BINARY_LABELMAP)
            values = {one: segmentation.GetSegment(one).GetLabelValue() for one in segment_ids}
            image.DeepCopy(merged_labelmap(self.segmentation_node, self.volume_node, values))
        self.segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(self.volume_node)

    @contextlib.contextmanager
    def _one_event(self):
        """The node tells its observers once, after the write."""
        was_modifying = self.segmentation_node.StartModify()
        try:
            yield
        finally:
            self.segmentation_node.EndModify(was_modifying)

    @contextlib.contextmanager
    def _unchanged_status(self):
        """The editor logic takes a segment that is not started for started; whether it is stays the user's word."""
        segmentation = self.segmentation_node.GetSegmentation()
        segments = [segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()]
        statuses = [_Segmentations.GetSegmentStatus(segment) for segment in segments]
        yield
        for segment, status in zip(segments, statuses, strict=True):
            if _Segmentations.GetSegmentStatus(segment) != status:
                _Segmentations.SetSegmentStatus(segment, status)

    @contextlib.contextmanager
    def _selection(self):
        """Masks depend on the selected segment; the user's selection comes back."""
        selected = self.editor_node.GetSelectedSegmentID()
        try:
            yield
        finally:
            self.editor_node.SetSelectedSegmentID(selected)


class _Change:
    """The voxels that one class loses and gains, bool (planes that change, rows, columns)."""

    def __init__(self, number: int, removed: np.ndarray, added: np.ndarray):
        self.number, self.removed, self.added = number, removed, added

    @property
    def any(self) -> bool:
        return bool(self.removed.any() or self.added.any())


def _numbers(segment_ids) -> range:
    return range(1, len(segment_ids) + 1)


def _difference(present: SegmentLayers, labels: np.ndarray, planes: np.ndarray, number: int):
    before = np.zeros((len(planes), *present.shape[1:]), bool)
    for layer in present.layers:
        before |= layer[planes] == number
    after = labels[planes] == number
    return before & ~after, after & ~before


def oriented_image(array: np.ndarray, matrix, first=(0, 0, 0)):
    """A vtkOrientedImageData of its own memory.

    Parameters
    ----------
    array : uint8 (k, j, i)
    matrix : vtkMatrix4x4 from voxel numbers to world
    first : numbers (k, j, i) of the first voxel
    """
    image = slicer.vtkOrientedImageData()
    ends = [(start, start + size - 1) for start, size in zip(first, array.shape, strict=True)]
    image.SetExtent(*(number for one in reversed(ends) for number in one))
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image_array(image)[:] = array
    image.SetGeometryFromImageToWorldMatrix(matrix)
    return image


def matrix_from(array: np.ndarray):
    """A vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(array.ravel().tolist())
    return matrix
