"""Taking accepts and rejects back where no segment editor keeps the history."""

from __future__ import annotations

from dataclasses import dataclass

from SparseAnnotateLib.errors import InputError

from .annotated import AnnotatedVolume


@dataclass(frozen=True)
class _Step:
    """One thing that can be undone: what was accepted and rejected before and after, and whether it was a write.

    `contents` are those of all planes before and after a write.
    """

    before: tuple[dict[int, str], list[int]]
    after: tuple[dict[int, str], list[int]]
    contents: tuple[list[str], list[str]] | None = None


class History:
    """What was accepted and rejected since the last prediction."""

    def __init__(self, session: AnnotatedVolume):
        self._session = session
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to do again."""
        return bool(self._redo)

    def clear(self) -> None:
        """Forget all of it."""
        self._undo, self._redo = [], []

    def marks(self) -> tuple[dict[int, str], list[int]]:
        """What is accepted, and what is predicted and not rejected."""
        return dict(self._session.state.accepted), list(self._session.state.predicted)

    def done(self, before: tuple, contents: tuple[list[str], list[str]] | None = None) -> None:
        """Something was done: `before` are the marks, `contents` those of the planes before and after a write."""
        self._undo.append(_Step(before, self.marks(), contents))
        self._redo = []

    def move(self, review, *, back: bool) -> None:
        """Take the last step of a `Review` back, or do again what was taken back last.

        Raises
        ------
        InputError
            Where there is none, or something was painted since, which would be lost; or where the editor keeps the
            history, which then undoes.
        """
        source, target = (self._undo, self._redo) if back else (self._redo, self._undo)
        if not source:
            raise InputError("there is nothing to undo" if back else "there is nothing to do again")
        step = source[-1]
        if step.contents is not None:
            self._move_segmentation(review, step, back=back)
        accepted, predicted = step.before if back else step.after
        self._session.state.accepted, self._session.state.predicted = dict(accepted), list(predicted)
        target.append(source.pop())
        review.refresh()

    def _move_segmentation(self, review, step: _Step, *, back: bool) -> None:
        before, after = step.contents
        if before == after:
            return
        if review.save_state is not None:
            raise InputError("the segment editor keeps the history: undo there")
        if self._session.read_contents() != (after if back else before):
            raise InputError("planes were painted since, which this would take back: erase or paint them by hand")
        writer = review.ready_writer()
        moved = writer.undo() if back else writer.redo()
        if not moved:
            raise InputError("this is too long ago to be undone")
