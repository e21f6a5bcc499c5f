"""A volume, its segments and what was said about them, as the scene keeps it; what a session is built on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import Volume

from ..scene.segments import SegmentLayers, fingerprint, read_segments, values_of
from ..scene.volumes import geometry_of, volume_from_node
from . import by_hand
from .completeness import Told, told_from
from .mirrored import grid_of
from .node import ATTRIBUTE, BOX, INITIAL, PREVIEW, SEGMENTATION, VOLUME
from .painted import NOTHING, PlaneContents, contents_of, without_removed
from .planes import PlaneState, Present
from .state import SessionState, range_of_all


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
        self._completeness: tuple[tuple, Told] | None = None
        self._present: tuple[tuple, Present] | None = None

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
    def initial_node(self):
        """The vtkMRMLSegmentationNode of a program to start from, see `initial`; None without."""
        return self.node.GetNodeReference(INITIAL)

    @initial_node.setter
    def initial_node(self, node) -> None:
        self.node.SetNodeReferenceID(INITIAL, None if node is None else node.GetID())

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

    def read_contents(self) -> list[str]:
        """What every plane holds now, see `painted`; a third of the time that a whole look takes."""
        self.check_not_ended()
        return self._read()[1]

    @property
    def plane_range(self) -> tuple[int, int] | None:
        """First and last plane of all segments, see `range_of_all`; None where nobody said."""
        return range_of_all(self.state, self.segment_ids)

    def look(self) -> Present:
        """What the segmentation holds, and in which state every plane is; read again only after something changed."""
        self.check_not_ended()
        layers, contents = self._read()
        key = (self._layers[0], self.state.to_json(), self.preview_node is None)
        if self._present is None or self._present[0] != key:
            self._present = key, self._understood(layers, contents)
        return self._present[1]

    def _understood(self, layers: SegmentLayers, contents: list[str]) -> Present:
        mixed = self._mixed(contents)
        first, last = self.plane_range or (0, len(contents) - 1)
        states = [
            self._state_of(plane, content, plane in mixed, inside=first <= plane <= last)
            for plane, content in enumerate(contents)
        ]
        states = [self._with_its_neighbour(plane, contents, states) for plane in range(len(contents))]
        given = self._given(layers, contents, states, mixed)
        told = self._told_from(given, layers.segment_ids, contents, states, mixed)
        complete = self._complete(told, layers.segment_ids, states)
        parts = frozenset(
            plane
            for plane, one in enumerate(states)
            if one is PlaneState.PAINTED and not self._is_said(plane, mixed) and not complete[plane].any()
        )
        whole = [plane for plane in self._painted(states) if plane not in parts]
        shown = np.zeros_like(complete)
        for plane in self._painted(states):
            shown[plane, [number - 1 for number in values_of(given[plane])]] = True
        incomplete = frozenset(plane for plane in whole if not complete[plane, shown.any(axis=0)].all())
        for plane in parts:
            accepted = self.is_accepted(plane, contents[plane])
            states[plane] = PlaneState.ACCEPTED if accepted else PlaneState.PARTLY
        slivers = {layers.segment_ids[number - 1]: planes for number, planes in told.slivers.items()}
        return Present(
            layers=layers,
            contents=contents,
            states=states,
            given=given,
            shown=shown,
            complete=complete,
            slivers=slivers,
            along=told.along,
            parts=parts,
            incomplete=incomplete,
            pending=self._pending(states, contents, parts | incomplete),
            thin=tuple(layers.segment_ids[number - 1] for number in told.thin),
            dabs=told.dabs,
        )

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

    @staticmethod
    def _painted(states: list[PlaneState]) -> list[int]:
        return [plane for plane, one in enumerate(states) if one is PlaneState.PAINTED]

    def _pending(self, states: list[PlaneState], contents: list[str], around: frozenset[int]) -> tuple[int, ...]:
        """Planes whose prediction waits for a decision, also around what was painted."""
        waiting = [] if self.preview_node is None else {*self.state.predicted} & around
        waiting = [plane for plane in waiting if not self.is_accepted(plane, contents[plane])]
        waiting += [plane for plane, one in enumerate(states) if one is PlaneState.PREDICTED]
        return tuple(sorted(waiting))

    def _mixed(self, contents: list[str]) -> dict[int, dict[str, str]]:
        """Planes that hold what the user painted and what we wrote, with what is the user's."""
        state, ids = self.state, self.segment_ids
        asked = [plane for plane in state.by_hand if state.marks.get(plane) != "painted"]
        found = {plane: by_hand.remembered(state.by_hand, plane, contents[plane], ids) for plane in asked}
        return {plane: packed for plane, packed in found.items() if packed is not None}

    def _given(self, layers, contents: list[str], states: list[PlaneState], mixed) -> np.ndarray:
        """The labels that are the user's, see `Present.given`."""
        given = layers.labels
        held = (PlaneState.PAINTED, PlaneState.PARTLY)
        ours = [plane for plane, one in enumerate(states) if one not in held and contents[plane] != NOTHING]
        if not ours and not mixed:
            return given
        given = given.copy()
        given[ours] = 0
        reverse = self.state.rows_reversed
        for plane, packed in mixed.items():
            given[plane] = by_hand.unpack(packed, given.shape[1:], layers.segment_ids, rows_reversed=reverse)
        return given

    def _is_said(self, plane: int, mixed) -> bool:
        """Whether the user called a plane painted, or corrected it: then it is complete, however little it holds."""
        state = self.state
        corrected = plane in state.accepted or plane in state.corrected
        return (
            plane in state.marks
            or plane in state.checked
            or (corrected and plane not in state.strokes and plane not in mixed)
        )

    def _told_from(self, given, ids, contents: list[str], states: list[PlaneState], mixed) -> Told:
        """What the labels tell; anew only after something changed."""
        state, painted = self.state, self._painted(states)
        said = [plane for plane in painted if self._is_said(plane, mixed)]
        ranges = {ids.index(one) + 1: ends for one, ends in state.segment_ranges.items() if one in ids}
        held, strokes = [contents[plane] for plane in painted], list(state.strokes)
        key = (self.volume_key(), ids, held, painted, said, strokes, ranges, mixed)
        if self._completeness is None or self._completeness[0] != key:
            strokes = {*painted} & ({*state.strokes} - {*state.marks})
            image = self.volume.intensities
            self._completeness = key, told_from(given, len(ids), {*painted} - strokes, said, ranges, strokes, image)
        return self._completeness[1]

    def _complete(self, told: Told, ids, states: list[PlaneState]) -> np.ndarray:
        """What is inferred from the labels, overruled by what the user said."""
        complete = told.complete.copy()
        complete[[plane for plane, one in enumerate(states) if one is PlaneState.EMPTY]] = True
        for segment_id, said in self.state.segment_marks.items():
            for plane, is_complete in said.items() if segment_id in ids else ():
                if states[plane] in (PlaneState.PAINTED, PlaneState.PARTLY):
                    complete[plane, ids.index(segment_id)] = is_complete
        return complete

    def _state_of(self, plane: int, content: str, mixed: bool, *, inside: bool) -> PlaneState:
        state, mark = self.state, self.state.marks.get(plane)
        if mark == "partly":
            return PlaneState.PARTLY
        if mark == "empty" and content == NOTHING:
            return PlaneState.EMPTY
        if mark is not None or mixed or not self._contents.is_unpainted(plane, content, self.segment_ids):
            return PlaneState.PAINTED
        if content != NOTHING and state.checked.get(plane) == content:
            return PlaneState.PAINTED
        if self.is_accepted(plane, content):
            return PlaneState.ACCEPTED
        if not inside:
            return PlaneState.OUTSIDE
        if plane in state.predicted and self.preview_node is not None:
            return PlaneState.PREDICTED
        return PlaneState.TO_PAINT if plane in {one[0] for one in state.suggestions} else PlaneState.OPEN

    def _with_its_neighbour(self, plane: int, contents: list[str], states: list[PlaneState]) -> PlaneState:
        """An accepted plane that holds nothing tells nothing of an undo: one that was accepted with it does."""
        state, beside = states[plane], self.state.accepted_beside.get(plane)
        if state is not PlaneState.ACCEPTED or beside is None or contents[plane] != NOTHING:
            return state
        undone = states[beside] is not PlaneState.ACCEPTED and self._contents.is_unpainted(
            beside, contents[beside], self.segment_ids
        )
        predicted = plane in self.state.predicted and self.preview_node is not None
        return (PlaneState.PREDICTED if predicted else PlaneState.OPEN) if undone else state

    def is_painted_for(self, present: Present, plane: int, segment_id: str) -> bool:
        """Whether nothing is left to paint of a segment on a plane.

        One that is painted nowhere is missing on every plane, unless the user says that it was looked for.
        """
        ids = present.layers.segment_ids
        if present.states[plane] not in (PlaneState.PAINTED, PlaneState.EMPTY) or plane in present.parts:
            return False
        said = self.state.segment_marks.get(segment_id, {}).get(plane)
        seen = said or present.states[plane] is PlaneState.EMPTY
        column = ids.index(segment_id)
        return bool(present.complete[plane, column]) and bool(seen or present.shown[:, column].any())

    def is_accepted(self, plane: int, content: str) -> bool:
        """Whether a plane holds what was accepted there; not if all of that went with its segments."""
        accepted = self.state.accepted.get(plane)
        if accepted is None:
            return False
        left = without_removed(accepted, self.segment_ids)
        return left == content and (left != NOTHING or accepted == NOTHING)

    def remember_by_hand(self, planes: Iterable[int], before: Present, after: list[str]) -> None:
        """What the user painted on these planes stays theirs in the content that they have now; the rest is ours."""
        ids, reverse = before.layers.segment_ids, self.state.rows_reversed
        for plane in planes:
            packed = by_hand.pack(before.given[plane], ids, rows_reversed=reverse)
            by_hand.remember(self.state.by_hand, plane, (before.contents[plane], after[plane]), packed)
        self.save()

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
