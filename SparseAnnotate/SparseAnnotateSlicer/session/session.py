"""One annotation: a volume, a segmentation, and everything that was said, suggested and predicted about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.selectors import SELECTORS, Suggestion
from SparseAnnotateLib.selectors.correcting import planes_to_correct
from SparseAnnotateLib.volume import resolve_axis

from ..scene.nodes import remove_with_helpers
from ..scene.volumes import geometry_of, volume_from_node
from .annotated import AnnotatedVolume
from .given import annotation_of
from .initial import ask_if_made, ends_of, initial_of, segments_of
from .mirrored import follow
from .node import ATTRIBUTE, VOLUME, add_session_node, is_whole, session_nodes
from .painted import NOTHING, PlaneContents
from .planes import PlaneState, Present
from .ranges import set_range_of_all
from .review import Review
from .state import SessionState, options_as_json
from .watching import watch


class AnnotationSession(AnnotatedVolume):
    """A running annotation; everything it knows is kept in a node of the scene, so that it survives saving.

    Use `start`, `restore` or `all_in`. `close` lets go of the scene and leaves everything in it; `end` removes the
    session's own nodes. Removing the volume, the segmentation or the session's node ends it, too: `ended` says so.

    Attributes
    ----------
    node, state : see `AnnotatedVolume`
    review : accepting, rejecting and undoing what was predicted
    """

    def __init__(self, node, state: SessionState):
        super().__init__(node, state)
        self.review = Review(self)
        self._observers = list(watch(self))

    @classmethod
    def start(cls, volume_node, segmentation_node, axis: str = "auto", segment_ids: Iterable[str] | None = None):
        """Begin on a volume and a segmentation, new or half painted: planes that hold labels count as painted.

        Raises
        ------
        InputError
            For a volume that cannot be annotated, or segments that cannot be read.
        """
        volume = volume_from_node(volume_node, axis)
        state = SessionState(axis=volume.axis, segment_ids=None if segment_ids is None else list(segment_ids))
        node = add_session_node(volume_node, segmentation_node, state.to_json())
        session = cls(node, state)
        session._volume = (session.volume_key(), volume)
        try:
            ask_if_made(session, session.look())
            session.save()
        except InputError:
            session.end()
            raise
        return session

    @classmethod
    def restore(cls, node):
        """Take up the session that a node holds, as after loading a scene.

        Raises
        ------
        InputError
            Where the node holds none, a newer or a damaged one, or its volume or segmentation is gone.
        """
        text = node.GetAttribute(ATTRIBUTE)
        if not text:
            raise InputError(f"the node {node.GetName()} holds no session: start one")
        if not is_whole(node):
            raise InputError("the volume or the segmentation of this session is gone: start a new one")
        state = SessionState.from_json(text)
        follow(state, node.GetNodeReference(VOLUME))
        return cls(node, state)

    @classmethod
    def all_in(cls, scene) -> list[AnnotationSession]:
        """The sessions of a scene; those that have lost their volume or segmentation are passed over."""
        return [cls.restore(node) for node in session_nodes(scene) if is_whole(node)]

    def set_range(self, first: int, last: int, segment_id: str | None = None) -> None:
        """First and last plane as clicked: of all segments (see `ranges.set_range_of_all`), or of one.

        Raises
        ------
        InputError
            For an empty range, planes that do not exist, or a range of all that leaves nothing of that of one.
        """
        if not 0 <= first <= last < self.volume.planes:
            numbers = f"planes are numbered 0 to {self.volume.planes - 1}"
            raise InputError(f"the range {first} to {last} is empty or leaves the volume: {numbers}")
        if segment_id is None:
            set_range_of_all(self.state, int(first), int(last))
        else:
            self.state.half_ranges.pop(segment_id, None)
            self.state.segment_ranges[segment_id] = (int(first), int(last))
        self.save()

    def clear_range(self, segment_id: str | None = None) -> None:
        """Take a range back."""
        if segment_id is None:
            self.state.plane_range = None
        else:
            self.state.segment_ranges.pop(segment_id, None)
            self.state.half_ranges.pop(segment_id, None)
        self.save()

    def mark(self, plane: int, mark: str | None) -> None:
        """Say that a plane is "painted", "partly" painted or seen to be "empty"; None takes it back.

        Raises
        ------
        InputError
            For a plane that does not exist, or one that is said to be empty but holds labels.
        """
        if not 0 <= plane < self.volume.planes:
            raise InputError(f"plane {plane} does not exist: planes are numbered 0 to {self.volume.planes - 1}")
        if mark not in (None, "painted", "partly", "empty"):
            raise InputError(f"unknown mark {mark!r}: choose painted, partly or empty")
        if mark == "empty" and self.read_contents()[plane] != NOTHING:
            raise InputError(f"plane {plane} is said to be empty but holds labels: erase them first")
        if mark is None:
            self.state.marks.pop(plane, None)
        else:
            self.state.marks[plane] = mark
        for said in self.state.segment_marks.values():
            said.pop(plane, None)
        self.save()

    def mark_segment(self, plane: int, segment_id: str, complete: bool | None) -> None:
        """Say whether a plane is painted completely for one segment; None takes it back.

        Raises
        ------
        InputError
            For a plane that nobody painted.
        """
        if complete is not None and self.look().states[plane] not in (PlaneState.PAINTED, PlaneState.PARTLY):
            raise InputError(f"plane {plane} is not painted: paint it, or say that it is empty")
        said = self.state.segment_marks.setdefault(segment_id, {})
        if complete is None:
            said.pop(plane, None)
        else:
            said[plane] = complete
        self.save()

    def say_strokes(self, parts: Iterable[int], whole: Iterable[int]) -> None:
        """Say which planes hold nothing of the user but a part of a stroke made elsewhere, and which more than that.

        What such a plane holds is certain, and nothing follows from it: it may be suggested, predicted and accepted.
        """
        strokes = ({*self.state.strokes} | {*parts}) - {*whole}
        if sorted(strokes) != self.state.strokes:
            self.state.strokes = sorted(strokes)
            self.save()

    def release(self, planes: Iterable[int]) -> None:
        """Say that what stands on these planes was not painted by an expert, as of another program: it may change."""
        planes = list(planes)
        for plane in planes:
            for said in (self.state.marks, self.state.by_hand, *self.state.segment_marks.values()):
                said.pop(plane, None)
        self.state.strokes = [plane for plane in self.state.strokes if plane not in planes]
        self.remember(planes, self.read_contents())

    def take_back(self, plane: int) -> None:
        """Forget that a plane was accepted that held nothing: no history can tell that of a write of nothing."""
        self.state.accepted.pop(plane, None)
        self.state.accepted_beside.pop(plane, None)
        self.save()

    def annotation(self, present: Present | None = None, *, selector: str = "") -> SparseAnnotation:
        """What the user gave so far, see `given.annotation_of`; as a selector takes it, or a predictor."""
        present = self.look() if present is None else present
        if self.start_for(selector) is not None:
            selector = ""
        tells_structures = bool(selector) and SELECTORS.get(selector).tells_structures
        told = ends_of(self) if selector else {}
        return annotation_of(self, present, to_paint=tells_structures, made=segments_of(self), told=told)

    def start_for(self, selector: str):
        """The segmentation of a program, where the default selector is to say what to correct of it; else None."""
        return self.initial_node if selector and SELECTORS.get(selector).tells_structures else None

    def suggest(
        self,
        count: int | None = None,
        selector: str | None = None,
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> list[Suggestion]:
        """Ask a selector for planes to paint; what is not given stays as it was the last time.

        Suggestions that are painted by now stay on the list; those that are not make way for the new ones.
        InputError where the selector cannot work here.
        """
        state = self.state
        state.count = state.count if count is None else int(count)
        state.seed = state.seed if seed is None else int(seed)
        if selector is not None:
            state.selector, state.selector_options = selector, {}
        if options is not None:
            state.selector_options = options_as_json(options)
        present = self.look()
        selector, rng = SELECTORS.create(state.selector, state.selector_options), np.random.default_rng(state.seed)
        annotation = self.annotation(present, selector=selector.name)
        if self.start_for(selector.name) is None:
            chosen = selector.select(self.volume, annotation, state.count, rng)
        else:
            start = initial_of(self, annotation.classes)
            chosen = planes_to_correct(self.volume, annotation, start, state.count)
        return self.take_suggestions(chosen, present, annotation.classes)

    def take_suggestions(
        self,
        chosen: Iterable[Suggestion],
        present: Present | None = None,
        classes: Sequence[LabelClass] = (),
    ) -> list[Suggestion]:
        """Put suggestions in place of those that are not painted.

        Planes on which by now nothing is left to paint are left out; those painted for other structures are not.

        Parameters
        ----------
        classes : of the annotation that they were chosen for, whose numbers their structures are
        """
        present, state = self.look() if present is None else present, self.state
        ids = [one.details.get("ID", "") for one in classes]

        def is_left(one: Suggestion) -> bool:
            wanted = [ids[number - 1] for number in one.structures] if ids else []
            unpainted = [segment_id for segment_id in wanted if not self.is_painted_for(present, one.plane, segment_id)]
            return one.plane not in present.whole or bool(unpainted)

        new = [one for one in chosen if is_left(one)]
        left = {*present.painted} - {one.plane for one in new}
        done = [one for one in state.suggestions if one[0] in left]
        state.suggestions = done + [(one.plane, float(one.score), one.reason) for one in new]
        state.suggested_structures = {
            one.plane: tuple([ids[n - 1] for n in ones] for ones in (one.structures, one.optional))
            for one in new
            if ids and (one.structures or one.optional)
        }
        self.save()
        return new

    def suggestions(self, present: Present | None = None) -> list[tuple[Suggestion, PlaneState]]:
        """All suggestions with what became of them, in the order in which to paint them."""
        states = (self.look() if present is None else present).states
        return [(Suggestion(*one), states[one[0]]) for one in self.state.suggestions]

    def set_axis(self, axis: str) -> None:
        """Annotate along another axis; all that was said about planes is forgotten, what is painted stays painted.

        Raises
        ------
        InputError
            For an unknown axis.
        """
        axis = resolve_axis(axis, geometry_of(self.volume_node).spacing_mm)
        if axis != self.state.axis:
            self.review.clear()
            old = self.state
            kept = ("segment_ids", "selector", "selector_options", "count", "seed", "predictor", "predictor_options")
            self.state = SessionState(axis=axis, **{name: getattr(old, name) for name in kept})
            self._contents = PlaneContents(self.state.contents)
            self.save()

    def close(self) -> None:
        """Let go of the scene; everything stays in it, to be restored."""
        self.ended = True
        for tag in self._observers:
            self.scene.RemoveObserver(tag)
        self._observers = []
        self.review.close()

    def end(self) -> None:
        """Take the session, with its preview, out of the scene; the expert's segmentation stays as it is."""
        preview, node = self.preview_node, self.node
        self.close()
        if preview is not None:
            remove_with_helpers(preview)
        if node.GetScene() is not None:
            self.scene.RemoveNode(node)
