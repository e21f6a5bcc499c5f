"""From a prediction to the expert's segmentation: show it, accept it, reject it, take that back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from SparseAnnotateLib.errors import InputError

from ..scene import preview
from ..scene.nodes import remove_with_helpers
from ..scene.writing import SegmentWriter
from .annotated import AnnotatedVolume
from .expected import remember_expected, wrong_mm2
from .numbers import changed_planes, painted_on_top, renumbered
from .painted import NOTHING
from .planes import PlaneState, Present

if TYPE_CHECKING:
    from SparseAnnotateLib.predictors import Prediction


@dataclass(frozen=True)
class _Step:
    """One thing that can be undone: what was accepted and rejected before and after, and whether it was a write.

    `contents` are those of all planes before and after a write.
    """

    before: tuple[dict[int, str], list[int]]
    after: tuple[dict[int, str], list[int]]
    contents: tuple[list[str], list[str]] | None = None


class Review:
    """What the user does with a session's prediction.

    The preview holds the planes that are predicted and neither painted, accepted nor rejected; `refresh` keeps it so
    after the user painted or undid something. The expert's segmentation changes on `accept` only, in one undoable step,
    and on planes only that nobody painted.

    Attributes
    ----------
    predictions : how many were shown
    editor_node, save_state : see `SegmentWriter`; in Slicer's window set both to those of the embedded editor
    """

    def __init__(self, session: AnnotatedVolume):
        self._session = session
        self.editor_node = None
        self.save_state: Callable[[], Any] | None = None
        self._writer: SegmentWriter | None = None
        self._labels: np.ndarray | None = None
        self.predictions = 0
        # What the preview was made of last, and the planes that it shows, with what is painted where it goes around.
        self._previewed: tuple | None = None
        self._in_preview: dict[int, str] = {}
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []

    def show(self, prediction: Prediction, segment_ids: Sequence[str], plane_range: tuple[int, int]) -> None:
        """Put a new prediction into the preview, in place of an older one.

        Parameters
        ----------
        segment_ids : one a class of the prediction
        plane_range : the planes that it was made for
        """
        session, state = self._session, self._session.state
        self._labels = prediction.labels
        self.predictions += 1
        self._undo, self._redo = [], []
        painted = set(session.look().whole)
        state.predicted = [plane for plane in range(plane_range[0], plane_range[1] + 1) if plane not in painted]
        state.predicted_segments = list(segment_ids)
        state.accepted, state.accepted_beside = {}, {}
        remember_expected(state, prediction)
        if session.preview_node is None:
            session.preview_node = preview.add_preview(session.segmentation_node, session.volume_node)
        self.refresh()

    def refresh(self) -> Present:
        """Make the preview show what is still to be reviewed; call it after the user painted or undid something."""
        session, state = self._session, self._session.state
        present = session.look()
        pending = self._pending(present)
        shows = {plane: present.contents[plane] if plane in present.around else "" for plane in pending}
        made_of = (session.preview_node, self.predictions, [*state.predicted_segments])
        if session.preview_node is not None and (made_of, shows) != (self._previewed, self._in_preview):
            predicted = self._predicted_labels()
            changed = {plane for plane, _content in self._in_preview.items() ^ shows.items()}
            labels = np.zeros(session.volume.shape, np.uint8)
            labels[pending] = predicted[pending]
            around = [plane for plane in pending if plane in present.around]
            labels[around] = np.where(present.given[around] > 0, 0, labels[around])
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

    def _predicted_labels(self) -> np.ndarray:
        """The whole prediction; after loading a scene what its preview shows, which is all that was to be reviewed."""
        session = self._session
        if self._labels is None:
            self._labels = preview.labels_of(
                session.preview_node, session.volume_node, session.volume, session.state.predicted_segments
            )
        return self._labels

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
        before, ours = self._marks(), sorted({*wanted} - {*around})
        keep = np.zeros(session.volume.shape, bool)
        keep[around] = present.given[around] > 0
        session.remember(ours, present.contents)
        layers = present.layers if there == [*present.layers.segment_ids] else None
        self.ready_writer().write(
            session.volume, self._in_numbers_of(there, wanted), wanted, there, layers, keep=keep if around else None
        )
        contents = session.read_contents()
        session.remember(ours, contents)
        session.remember_by_hand(around, present, contents)
        state.accepted |= {plane: contents[plane] for plane in wanted}
        filled = [plane for plane in wanted if contents[plane] != NOTHING]
        empty = [plane for plane in wanted if contents[plane] == NOTHING]
        state.accepted_beside |= dict.fromkeys(empty, filled[0]) if filled else {}
        self._done(_Step(before, self._marks(), (present.contents, contents)))
        if refresh:
            self.refresh()
        return wanted

    def _in_numbers_of(self, segment_ids: list[str], planes: list[int]) -> np.ndarray:
        """Predicted labels, 0 on all but these planes, numbered by these segments; of others nothing is left."""
        return renumbered(self._predicted_labels(), self._session.state.predicted_segments, segment_ids, planes)

    def everything(self, present: Present) -> np.ndarray:
        """What is painted, accepted, and predicted: uint8 (planes, rows, columns), numbers of the segments."""
        labels = present.layers.labels.copy()
        pending, session = self._pending(present), self._session
        if pending and session.preview_node is not None:
            ids = list(present.layers.segment_ids)
            predicted = self._in_numbers_of(ids, pending)[pending]
            labels[pending] = np.where(labels[pending] > 0, labels[pending], predicted)
        return labels

    def predicted_area(self, plane: int) -> int:
        """Pixels of a plane that the prediction gives to any structure."""
        return int(np.count_nonzero(self._predicted_labels()[plane]))

    def expected_wrong_mm2(self, plane: int) -> float | None:
        """See `expected.wrong_mm2`."""
        area_mm2 = float(np.prod(self._session.volume.spacing_mm[1:]))
        return wrong_mm2(self._session.state, plane, self._predicted_labels()[plane], area_mm2)

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
        labels = painted_on_top(self._in_numbers_of(there, planes), there, planes, now)
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
        state, before = self._session.state, self._marks()
        pending = self._pending(self._look_at_preview())
        rejected = pending if planes is None else sorted(set(pending) & set(planes))
        self._predicted_labels()
        state.predicted = [plane for plane in state.predicted if plane not in rejected]
        self._done(_Step(before, self._marks()))
        self.refresh()
        return rejected

    def _look_at_preview(self) -> Present:
        if self._session.preview_node is None:
            raise InputError("nothing is predicted: predict first")
        return self._session.look()

    @property
    def can_undo(self) -> bool:
        """Whether there is an accept or a reject to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is an accept or a reject to do again."""
        return bool(self._redo)

    def undo(self) -> None:
        """Take the last accept or reject back.

        Raises
        ------
        InputError
            Where there is none, or something was painted since, which would be lost; or where the editor keeps the
            history, which then undoes.
        """
        self._move(self._undo, self._redo, back=True)

    def redo(self) -> None:
        """Do again what was undone last; raises as `undo` does."""
        self._move(self._redo, self._undo, back=False)

    def _move(self, source: list[_Step], target: list[_Step], *, back: bool) -> None:
        if not source:
            raise InputError("there is nothing to undo" if back else "there is nothing to do again")
        step = source[-1]
        if step.contents is not None:
            self._move_segmentation(step, back=back)
        accepted, predicted = step.before if back else step.after
        self._session.state.accepted, self._session.state.predicted = dict(accepted), list(predicted)
        target.append(source.pop())
        self.refresh()

    def _move_segmentation(self, step: _Step, *, back: bool) -> None:
        before, after = step.contents
        if before == after:
            return
        if self.save_state is not None:
            raise InputError("the segment editor keeps the history: undo there")
        if self._session.read_contents() != (after if back else before):
            raise InputError("planes were painted since, which this would take back: erase or paint them by hand")
        writer = self.ready_writer()
        moved = writer.undo() if back else writer.redo()
        if not moved:
            raise InputError("this is too long ago to be undone")

    def _marks(self) -> tuple[dict[int, str], list[int]]:
        return dict(self._session.state.accepted), list(self._session.state.predicted)

    def _done(self, step: _Step) -> None:
        self._undo.append(step)
        self._redo = []

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
        self._labels = None
        self._undo, self._redo = [], []
        session.state.predicted, session.state.expected_dice, session.state.expected_dice_of = [], {}, {}
        session.state.expected_dice_interval = {}

    def close(self) -> None:
        """Let go of the scene."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
