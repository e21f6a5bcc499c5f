"""Row 6: from the prediction to the user's segments, the worst slice first."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError

from ..scene import preview
from ..session.initial import check_as_it_is
from ..session.painted import NOTHING
from ..session.planes import PlaneState
from .planes import order_to_check, predicted
from .surface import Surface


class ReviewRow:
    """Shows what is predicted, accepts and rejects it."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        self._shown: tuple = ()
        # What was said, and the planes and the state that it is about.
        self._claim = ("", frozenset(), PlaneState.ACCEPTED)
        panel.on(ui.nextToCheckButton.clicked, self.next_to_check)
        panel.on(ui.acceptButton.clicked, self.accept)
        panel.on(ui.acceptAllButton.clicked, self.accept_all)
        panel.on(ui.rejectButton.clicked, self.reject)
        panel.on(ui.peekButton.toggled, lambda: None)
        ui.opacitySlider.valueChanged.connect(lambda value: self._fill(value))
        self._soon = qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(lambda: panel.attempt(self._follow, keep_message=True))
        self._add_menu()
        self.surface = Surface(panel)

    def _add_menu(self) -> None:
        button = self._panel.ui.rejectButton
        menu = qt.QMenu(button)
        self.reject_all_action = menu.addAction(_("Reject all slices"))
        self._panel.on(self.reject_all_action.triggered, self.reject_all)
        button.setMenu(menu)

    @property
    def peeks(self) -> bool:
        """Whether the user asked to see the prediction on slices that are still to be painted."""
        return bool(self._panel.ui.peekButton.checked)

    def follow_soon(self) -> None:
        """Let the preview follow what was accepted between two events: what is written counts at once."""
        self._soon.start()

    def _follow(self) -> None:
        session = self._panel.session
        if session is not None and not session.ended:
            session.review.refresh()
            self._panel.refresh()

    def keep_preview(self) -> None:
        """After a look at the segmentation: what was painted since leaves the preview, and counts as corrected."""
        panel, session, present = self._panel, self._panel.session, self._panel.present
        state = session.state
        message, planes, claimed = self._claim
        if not planes <= set(present.planes(claimed)):
            panel.status.withdraw(message)
        self.surface.follow()
        if session.preview_node is None:
            return
        preview.follow(session.preview_node, session.segmentation_node)
        corrected = {plane for plane in state.accepted if present.states[plane] is PlaneState.PAINTED}
        # After an undo what was painted in part waits again, as it was painted.
        corrected -= {*present.pending}
        # What was right as it was is painted, not corrected.
        corrected -= {plane for plane, content in state.checked.items() if present.contents[plane] == content}
        new = corrected - set(state.corrected)
        if new:
            state.corrected = sorted({*state.corrected, *corrected})
            session.save()
        if new and panel.strokes.drawn & new:
            text = _("Slice {slice} is corrected. Ctrl+Z undoes the stroke, a second Ctrl+Z removes the written slice.")
            self.say_of(text.format(slice=min(panel.strokes.drawn & new)), new, PlaneState.PAINTED)
        shown = (session.node.GetID(), session.review.predictions, tuple(predicted(present)))
        if shown != self._shown:
            panel.present = session.review.refresh()
            self._shown = shown
            self._fill(panel.ui.opacitySlider.value)
        self.surface.update()

    def say_of(self, message: str, planes, state: PlaneState) -> None:
        """Say what is withdrawn as soon as one of the planes is not in this state any more, as after an undo."""
        self._claim = (message, frozenset(planes) & set(self._panel.present.planes(state)), state)
        self._panel.status.say(message)

    def _fill(self, percent: int) -> None:
        session = self._panel.session
        if session is not None and not session.ended and session.preview_node is not None:
            session.preview_node.GetDisplayNode().SetOpacity2DFill(percent / 100)

    def next_to_check(self) -> None:
        """Go to the predicted slice that should be the worst; pressed again there, to the next worst."""
        panel = self._panel
        panel.refresh()
        order = order_to_check(panel.session, panel.present)
        if not order:
            panel.status.say(_("Every predicted slice is accepted, corrected or rejected."))
            return
        place = order.index(panel.plane) + 1 if panel.plane in order else 0
        panel.jump(order[place % len(order)])

    def accept(self) -> None:
        """Write the prediction of the slice that is shown."""
        self._accept([self._panel.plane])

    def accept_all(self) -> None:
        """Write all that is predicted, in one step that can be undone."""
        self._accept(None)

    def _accept(self, planes) -> None:
        panel, session = self._panel, self._panel.session
        looked_at = session.initial_node is not None and planes is not None and planes[0] in panel.to_paint()
        with panel.busy():
            accepted = session.review.accept(planes, refresh=False)
            if looked_at:
                check_as_it_is(session, planes[0])
            panel.present = session.look()
        self.follow_soon()
        if looked_at:
            text = _("Slice {slice} is right as it is, and counts as painted. Ctrl+Z undoes that.")
            self.say_of(text.format(slice=planes[0]), planes, panel.present.states[planes[0]])
        elif planes is None:
            message = _("{count} slices accepted. Ctrl+Z undoes that.").format(count=len(accepted))
            self.say_of(message, accepted, PlaneState.ACCEPTED)
        elif accepted and panel.present.contents[accepted[0]] == NOTHING:
            message = _("Slice {slice} is accepted as empty: nothing was written. Reject undoes that.")
            self.say_of(message.format(slice=accepted[0]), accepted, PlaneState.ACCEPTED)

    def reject(self) -> None:
        """Drop the prediction of the slice that is shown; of an empty one that was accepted, its acceptance."""
        panel = self._panel
        if panel.plane in panel.present.pending:
            panel.session.review.reject([panel.plane])
        else:
            panel.session.take_back(panel.plane)
        panel.refresh()

    def reject_all(self) -> None:
        """Drop all that is predicted and not accepted."""
        if self._why_nothing():
            raise InputError(self._why_nothing())
        count = len(self._panel.session.review.reject())
        self._panel.refresh()
        self._panel.status.say(_("The prediction of {count} slices is dropped.").format(count=count))

    def show(self) -> None:
        """Offer what can be done."""
        panel, ui = self._panel, self._panel.ui
        nothing = self._why_nothing()
        here = nothing or panel.why_no_plane() or self._why_not_here()
        for button in (ui.nextToCheckButton, ui.acceptAllButton):
            panel.offer(button, nothing)
        panel.offer(ui.acceptButton, here)
        panel.offer(ui.rejectButton, "" if self._is_accepted_empty() else here)
        for widget in (ui.peekButton, ui.opacitySlider):
            panel.offer(widget, nothing)
        panel.offer(ui.surfaceButton, panel.why_no_session() or self._why_no_surface())

    def _why_nothing(self) -> str:
        panel = self._panel
        if panel.session is None or panel.present is None:
            return panel.why_no_session()
        if panel.session.preview_node is None:
            return _("Nothing is predicted yet: press Predict.")
        return "" if predicted(panel.present) else _("Every predicted slice is accepted, corrected or rejected.")

    def _is_accepted_empty(self) -> bool:
        """Of what was not written the editor's history knows nothing."""
        present, plane = self._panel.present, self._panel.plane
        if present is None or plane is None:
            return False
        return present.states[plane] is PlaneState.ACCEPTED and present.contents[plane] == NOTHING

    def _why_no_surface(self) -> str:
        return "" if self._panel.session.state.predicted else _("Nothing is predicted yet: press Predict.")

    def _why_not_here(self) -> str:
        panel = self._panel
        if panel.plane in panel.present.pending:
            return ""
        return _("This slice is not predicted: Next to check leads to one that is.")
