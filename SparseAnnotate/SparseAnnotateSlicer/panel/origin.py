"""One question, in a line: who made the slices that stood in the segments before anybody painted here."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..session import initial


class OriginRow:
    """Shown while it is not answered; until then the slices count as painted."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        panel.on(ui.originExpertButton.clicked, self._expert)
        panel.on(ui.originProgramButton.clicked, self._program)

    @property
    def is_asking(self) -> bool:
        """Whether the question is open."""
        session = self._panel.session
        return session is not None and not session.ended and session.state.origin == initial.ASKED

    def _expert(self) -> None:
        initial.say_expert(self._panel.session)

    def _program(self) -> None:
        panel = self._panel
        with panel.busy():
            name = initial.say_program(panel.session)
            panel.refresh()
        count, edited = len(panel.present.pending), len(panel.session.state.edited)
        text = _("{count} slices are from a program: press Suggest for those to correct. {copy} keeps them all.")
        if edited:
            text = _(
                "{count} slices are from a program, and {edited} that you changed since are corrected: press Predict "
                "to bring that to the others. {copy} keeps them all."
            )
        panel.status.say(text.format(count=count, edited=edited, copy=name))

    def show(self) -> None:
        """Ask, or not."""
        panel, ui = self._panel, self._panel.ui
        ui.originFrame.setVisible(self.is_asking)
        for button in (ui.originExpertButton, ui.originProgramButton):
            panel.offer(button, panel.why_no_session() or panel.why_locked())
