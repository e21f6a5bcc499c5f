"""From a prediction to the expert's segmentation: show it, accept it, reject it, take that back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from SparseAnnotateLib.errors import InputError

from ..scene import preview
from ..scene.nodes import remove_with_helpers
from ..scene.writing import SegmentWriter
from .annotated import AnnotatedVolume
from .expected import remember_expected, wrong_mm2
from .history import History
from .numbers import changed_planes, painted_on_top
from .painted import NOTHING
from .planes import PlaneState, Present
from .predicted import PredictedLabels, ShownLabels

if TYPE_CHECKING:
    from SparseAnnotateLib.predictors import Prediction


class Review:
    """What the user does with a session's prediction.

    The preview holds the planes that are predicted and neither painted, accepted nor rejected; `refresh` keeps it so
    after the user painted or undid something. The expert's segmentation changes on `accept` only, in one undoable step,
    and on planes only that nobody painted.

    Attributes
    ----------
    labels : `PredictedLabels`
    predictions : how many were shown
    editor_node, save_state : see `SegmentWriter`; in Slicer's window set both to those of the embedded editor
    """

    def __init__(self, session: AnnotatedVolume):
        self._session = session
        self.editor_node = None
        self.save_state: Callable[[], Any] | None = None
        self._writer: SegmentWriter | None = None
        self.labels = PredictedLabels(session)
        self.predictions = 0
        # What the preview was made of last, and the planes that it shows, with what is painted where it goes around.
        self._previewed: tuple | None = None
        self._in_preview: dict[int, str] = {}
        self._history = History(session)

    def show(
        self,
        prediction: Prediction,
        segment_ids: Sequence[str],
        plane_range: tuple[int, int],
        *,
        only: Collection[int] | None = None,
        keeps_accepted: bool = False,
    ) -> None:
        """Put a new prediction into the preview, in place of an older one.

        Parameters
        ----------
        segment_ids : one a class of the prediction
        plane_range : the planes that it was made for
        only : of the planes that were predicted before, those to replace; by default all
        keeps_accepted : what was accepted stays so; else it is to be reviewed again
        """
        session, state = self._session, self._session.state
        painted = set(session.look().whole)
        before = [] if session.preview_node is None else state.predicted
        kept = [] if only is None else [plane for plane in before if plane not in only]
        self.labels.replace(prediction.labels, segment_ids, kept)
        self.predictions += 1
        self._history.clear()
        state.predicted = [plane for plane in range(plane_range[0], plane_range[1] + 1) if plane not in painted]
        state.predicted_segments = list(segment_ids)
        if not keeps_accepted:
            state.accepted, state.accepted_beside = {}, {}
        remember_expected(state, prediction, kept)
        if session.preview_node is None:
            session.preview_node = preview.add_preview(session.segmentation_node, session.volume_node)
        self.refresh()

    def show_planes(self, planes: Mapping[int, np.ndarray], segment_ids: Sequence[str]) -> None:
        """Show new labels of planes that are predicted already, before those of the others are there.

        Nothing is shown where the new labels are those of other segments than are shown.

        Parameters
        ----------
        planes : by plane, uint8 (rows, columns)
        """
        session, ids = self._session, list(segment_ids)
        present = session.look()
        if session.preview_node is None or ids != session.state.predicted_segments:
            return
        pending = {*self._in_preview} & {*self._pending(present)} & {*planes}
        for plane in pending:
            self.labels.put(plane, planes[plane])
        shown = ShownLabels(self.labels.all(), pending, present)
        node, volume_node, painted = session.preview_node, session.volume_node, session.segmentation_node
        preview.put_in_place(node, volume_node, session.volume, shown, painted, ids, sorted(pending))

    def refresh(self) -> Present:
        """Make the preview show what is still to be reviewed; call it after the user painted or undid something."""
        session, state = self._session, self._session.state
        present = session.look()
        pending = self._pending(present)
        shows = {plane: present.contents[plane] if plane in present.around else "" for plane in pending}
        made_of = (session.preview_node, self.predictions, [*state.predicted_segments])
        if session.preview_node is not None and (made_of, shows) != (self._previewed, self._in_preview):
            changed = {plane for plane, _content in self._in_preview.items() ^ shows.items()}
            labels = ShownLabels(self.labels.all(), pending, present)
            same, self._previewed, self._in_preview = made_of == self._previewed, made_of, shows
            preview.show(
                session.preview_node,
                session.volume_node,
                session.volume,
                labels,
                session.segmentation_node,
                state.predicted_segments,
                sorted(changed) if same else None,
            )
        session.save()
        return present

    def _pending(self, present: Present) -> list[int]:
        """Planes that are predicted and neither painted, accepted nor rejected."""
        painted, contents = set(present.whole), present.contents
        waiting = [
            plane
            for plane in self._session.state.predicted
            if plane not in painted and present.states[plane] is not PlaneState.ACCEPTED
        ]
        return [one for one in waiting if contents[one] == NOTHING or not self._session.is_accepted(one, contents[one])]

    def accept(self, planes: Iterable[int] | None = None, *, refresh: bool = True) -> list[int]:
        """Write predicted planes into the expert's segmentation, by default all, in one undoable step.

        Planes that were painted or rejected in the meantime are passed over. The preview follows at once unless
        `refresh` is False: then call the method of this name later.

        Returns
        -------
        list of int
            The planes that are accepted now.

        Raises
        ------
        InputError
            Where nothing is predicted, or the segmentation cannot be written.
        """
        session, state = self._session, self._session.state
        present = self._look_at_preview()
        pending = self._pending(present)
        wanted = pending if planes is None else sorted(set(pending) & set(planes))
        there = [segment_id for segment_id in state.predicted_segments if segment_id in session.segment_ids]
        around = [plane for plane in wanted if plane in present.around]
        before, ours = self._history.marks(), sorted({*wanted} - {*around})
        keep = np.zeros(session.volume.shape, bool)
        keep[around] = present.given[around] > 0
        session.remember(ours, present.contents)
        layers = present.layers if there == [*present.layers.segment_ids] else None
        self.ready_writer().write(
            session.volume,
            self.labels.in_numbers_of(there, wanted),
            wanted,
            there,
            layers,
            keep=keep if around else None,
        )
        contents = session.read_contents()
        session.remember(ours, contents)
        session.remember_by_hand(around, present, contents)
        state.accepted |= {plane: contents[plane] for plane in wanted}
        filled = [plane for plane in wanted if contents[plane] != NOTHING]
        empty = [plane for plane in wanted if contents[plane] == NOTHING]
        state.accepted_beside |= dict.fromkeys(empty, filled[0]) if filled else {}
        self._history.done(before, (present.contents, contents))
        if refresh:
            self.refresh()
        return wanted

    def everything(self, present: Present) -> np.ndarray:
        """What is painted, accepted, and predicted: uint8 (planes, rows, columns), numbers of the segments."""
        labels = present.layers.labels.copy()
        pending, session = self._pending(present), self._session
        if pending and session.preview_node is not None:
            ids = list(present.layers.segment_ids)
            predicted = self.labels.in_numbers_of(ids, pending)[pending]
            labels[pending] = np.where(labels[pending] > 0, labels[pending], predicted)
        return labels

    def predicted_area(self, plane: int) -> int:
        """Pixels of a plane that the prediction gives to any structure."""
        return int(np.count_nonzero(self.labels.all()[plane]))

    def expected_wrong_mm2(self, plane: int) -> float | None:
        """See `expected.wrong_mm2`."""
        area_mm2 = float(np.prod(self._session.volume.spacing_mm[1:]))
        return wrong_mm2(self._session.state, plane, self.labels.all()[plane], area_mm2)

    def merge(self, planes: list[int], before: Present, now: Present, undo: Callable, redo: Callable) -> None:
        """Put what was just painted onto predicted planes on top of their prediction, as if that was accepted first.

        Parameters
        ----------
        planes : predicted before, painted now
        undo, redo : of the history that `save_state` saves to. Where the strokes are its last step it holds two steps
            afterwards: what was accepted, and the strokes.
        """
        session = self._session
        # The last step may hold more than these planes, as a script's does: then it stays as it is.
        if changed_planes(before, now) <= {*planes}:
            undo()
            undone = session.read_contents()
            if undone == before.contents:
                self.accept(planes)
            elif undone != now.contents:
                redo()
        there = [one for one in session.state.predicted_segments if one in session.segment_ids]
        labels = painted_on_top(self.labels.in_numbers_of(there, planes), there, planes, now)
        self.ready_writer().write(session.volume, labels, planes, there)
        session.state.corrected = sorted({*session.state.corrected, *planes})
        session.save()

    def reject(self, planes: Iterable[int] | None = None) -> list[int]:
        """Drop predicted planes, by default all that are not accepted; returns them.

        Raises
        ------
        InputError
            Where nothing is predicted.
        """
        state, before = self._session.state, self._history.marks()
        pending = self._pending(self._look_at_preview())
        rejected = pending if planes is None else sorted(set(pending) & set(planes))
        self.labels.all()
        state.predicted = [plane for plane in state.predicted if plane not in rejected]
        self._history.done(before)
        self.refresh()
        return rejected

    def _look_at_preview(self) -> Present:
        if self._session.preview_node is None:
            raise InputError("nothing is predicted: predict first")
        return self._session.look()

    @property
    def can_undo(self) -> bool:
        """Whether there is an accept or a reject to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an accept or a reject to do again."""
        return self._history.can_redo

    def undo(self) -> None:
        """Take the last accept or reject back; see `History.move`."""
        self._history.move(self, back=True)

    def redo(self) -> None:
        """Do again what was undone last; raises as `undo` does."""
        self._history.move(self, back=False)

    def ready_writer(self) -> SegmentWriter:
        if self._writer is None:
            session = self._session
            self._writer = SegmentWriter(
                session.segmentation_node, session.volume_node, self.editor_node, self.save_state
            )
        return self._writer

    def clear(self) -> None:
        """Drop the prediction and its preview; what was accepted stays in the segmentation."""
        session = self._session
        node, session.preview_node = session.preview_node, None
        if node is not None:
            remove_with_helpers(node)
        self.labels.clear()
        self._history.clear()
        session.state.predicted, session.state.expected_dice, session.state.expected_dice_of = [], {}, {}
        session.state.expected_dice_interval, session.state.not_shown = {}, []

    def close(self) -> None:
        """Let go of the scene."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
