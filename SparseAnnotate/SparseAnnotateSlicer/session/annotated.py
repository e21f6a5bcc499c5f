"""A volume, its segments and what was said about them, as the scene keeps it; what a session is built on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import Volume

from ..scene.segments import SegmentLayers, fingerprint, read_segments
from ..scene.volumes import geometry_of, volume_from_node
from .completeness import complete_structures
from .mirrored import grid_of
from .node import ATTRIBUTE, BOX, PREVIEW, SEGMENTATION, VOLUME
from .painted import NOTHING, PlaneContents, contents_of, without_removed
from .planes import PlaneState, Present
from .state import SessionState


class AnnotatedVolume:
    """What the node of a session refers to and remembers; it reads the scene and writes nothing but that node.

    Attributes
    ----------
    node : vtkMRMLScriptedModuleNode that holds it
    state : SessionState; call `save` after changing it
    ended : whether the session is over, as after its volume was removed
    """

    def __init__(self, node, state: SessionState):
        self.node, self.state = node, state
        self.scene = node.GetScene()
        self.ended = False
        self._contents = PlaneContents(state.contents)
        self._volume: tuple[Any, Volume] | None = None
        self._layers: tuple[tuple, SegmentLayers, list[str]] | None = None
        self._complete: tuple[tuple, np.ndarray] | None = None

    @property
    def volume_node(self):
        """vtkMRMLScalarVolumeNode, or None once it is gone."""
        return self.node.GetNodeReference(VOLUME)

    @property
    def segmentation_node(self):
        """The expert's vtkMRMLSegmentationNode, or None once it is gone."""
        return self.node.GetNodeReference(SEGMENTATION)

    @property
    def preview_node(self):
        """The vtkMRMLSegmentationNode that shows what is predicted and neither accepted nor rejected; None without."""
        return self.node.GetNodeReference(PREVIEW)

    @preview_node.setter
    def preview_node(self, node) -> None:
        self.node.SetNodeReferenceID(PREVIEW, None if node is None else node.GetID())

    @property
    def box_node(self):
        """The vtkMRMLMarkupsROINode outside of which there is no structure; None without."""
        return self.node.GetNodeReference(BOX)

    @box_node.setter
    def box_node(self, node) -> None:
        self.node.SetNodeReferenceID(BOX, None if node is None else node.GetID())

    @property
    def volume(self) -> Volume:
        """The intensities; read again only after the image or its grid changed."""
        key = self.volume_key()
        if self._volume is None or self._volume[0] != key:
            self._volume = (key, volume_from_node(self.volume_node, self.state.axis))
        return self._volume[1]

    def volume_key(self) -> tuple:
        """Changes when the image, its grid or the axis does."""
        self.check_not_ended()
        image = self.volume_node.GetImageData()
        return image.GetMTime(), geometry_of(self.volume_node), self.state.axis

    @property
    def segment_ids(self) -> list[str]:
        """The segments that are annotated and still there, in the segmentation's order."""
        there = list(self.segmentation_node.GetSegmentation().GetSegmentIDs())
        chosen = self.state.segment_ids
        return there if chosen is None else [segment_id for segment_id in there if segment_id in chosen]

    def look(self) -> Present:
        """Read the segmentation: what it holds, and in which state every plane is."""
        self.check_not_ended()
        layers, contents = self._read()
        states = [self._state_of(plane, content) for plane, content in enumerate(contents)]
        complete = self._complete_in(layers, contents, states)
        painted = [plane for plane, one in enumerate(states) if one is PlaneState.PAINTED]
        parts = [one for one in painted if not self._is_said(one) and not complete[one].any()]
        for plane in parts:
            states[plane] = PlaneState.PARTLY
        pending = [] if self.preview_node is None else sorted({*self.state.predicted} & {*parts})
        pending += [plane for plane, one in enumerate(states) if one is PlaneState.PREDICTED]
        return Present(layers, contents, states, complete, frozenset(parts), tuple(sorted(pending)))

    def _read(self) -> tuple[SegmentLayers, list[str]]:
        """The segments and what each plane holds; read again only after something in them changed."""
        ids = self.segment_ids
        key = (
            self.volume_key(),
            self.state.rows_reversed,
            self.segmentation_node.GetID(),
            fingerprint(self.segmentation_node, self.volume_node, ids),
        )
        if self._layers is None or self._layers[0] != key:
            layers = read_segments(self.segmentation_node, self.volume_node, self.volume, ids)
            self._layers = key, layers, contents_of(layers, rows_reversed=self.state.rows_reversed)
        return self._layers[1], self._layers[2]

    def _is_said(self, plane: int) -> bool:
        """Whether the user called a plane painted, or corrected it: then it is complete, however little it holds."""
        state = self.state
        corrected = plane in state.accepted or plane in state.corrected
        return plane in state.marks or (corrected and plane not in state.strokes)

    def _complete_in(self, layers, contents: list[str], states: list[PlaneState]) -> np.ndarray:
        """Which segments are complete on which planes; told anew only after something changed."""
        state, ids = self.state, layers.segment_ids
        painted = [plane for plane, one in enumerate(states) if one is PlaneState.PAINTED]
        said = [plane for plane in painted if self._is_said(plane)]
        ranges = {ids.index(one) + 1: ends for one, ends in state.segment_ranges.items() if one in ids}
        key = (ids, [contents[plane] for plane in painted], painted, said, state.strokes, ranges)
        if self._complete is None or self._complete[0] != key:
            told = sorted({*painted} - ({*state.strokes} - {*state.marks}))
            self._complete = key, complete_structures(layers.labels, len(ids), told, said, ranges)
        complete = self._complete[1].copy()
        complete[[plane for plane, one in enumerate(states) if one is PlaneState.EMPTY]] = True
        return complete

    def _state_of(self, plane: int, content: str) -> PlaneState:
        state, mark = self.state, self.state.marks.get(plane)
        if mark == "partly":
            return PlaneState.PARTLY
        if mark == "empty" and content == NOTHING:
            return PlaneState.EMPTY
        if mark is not None or not self._contents.is_unpainted(plane, content, self.segment_ids):
            return PlaneState.PAINTED
        if self.is_accepted(plane, content):
            return PlaneState.ACCEPTED
        if state.plane_range is not None and not state.plane_range[0] <= plane <= state.plane_range[1]:
            return PlaneState.OUTSIDE
        if plane in state.predicted and self.preview_node is not None:
            return PlaneState.PREDICTED
        return PlaneState.TO_PAINT if plane in {one[0] for one in state.suggestions} else PlaneState.OPEN

    def is_accepted(self, plane: int, content: str) -> bool:
        """Whether a plane holds what was accepted there; not if all of that went with its segments."""
        accepted = self.state.accepted.get(plane)
        if accepted is None:
            return False
        left = without_removed(accepted, self.segment_ids)
        return left == content and (left != NOTHING or accepted == NOTHING)

    def remember(self, planes: Iterable[int], contents: list[str]) -> None:
        """These contents of these planes do not make them painted."""
        self._contents.add(planes, contents)
        self.save()

    def save(self) -> None:
        """Write the state into the node, which is saved with the scene."""
        self.check_not_ended()
        self.state.grid = grid_of(self.volume_node)
        self.node.SetAttribute(ATTRIBUTE, self.state.to_json())

    def check_not_ended(self) -> None:
        """Raise InputError once a node that the session needs is gone."""
        if self.ended or self.is_orphan():
            raise InputError("the volume or the segmentation of this session is gone: start a new one")

    def is_orphan(self) -> bool:
        """Whether a node that the session needs has left the scene."""
        return self.node.GetScene() is None or self.volume_node is None or self.segmentation_node is None
