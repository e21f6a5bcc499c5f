"""What is not needed now folds away by itself, so that the tools of the segment editor stay in sight on a laptop.

A click on a row's name shows or hides it, until what is needed changes. No Qt.
"""

from __future__ import annotations

ROWS = ("range", "suggest", "paint", "predict", "review")
# Below their row, and gone with it.
_BELOW = {"predict": ("optionsFrame", "startFromFrame", "modelsFrame", "logText")}


class Folding:
    """Shows the rows that are needed at this stage of an annotation, and those that the user asked for."""

    def __init__(self, panel):
        self._panel = panel
        self._needed: dict[str, bool] = {}
        self._said: dict[str, bool] = {}
        for row in ROWS:
            panel.on(self._tab(row).clicked, lambda row=row: self._say(row))

    def _tab(self, row: str):
        return getattr(self._panel.ui, f"{row}Tab")

    def _say(self, row: str) -> None:
        self._said[row] = bool(self._tab(row).checked)

    def needed(self) -> dict[str, bool]:
        """What can be done now, or has to be done next."""
        panel, session, present = self._panel, self._panel.session, self._panel.present
        if session is None or present is None or session.ended:
            return dict.fromkeys(ROWS, False)
        if panel.origin.is_asking:
            return dict.fromkeys(ROWS, False)
        state, running = session.state, panel.predict.is_running
        waiting = bool(panel.to_paint())
        changed_since = bool({*present.painted} & {*state.predicted}) or (
            bool(state.predicted) and panel.live.is_outdated()
        )
        suggested, painted = bool(state.suggestions), bool(present.painted)
        predicted, pending = bool(state.predicted), bool(present.pending)
        # What a program made is there from the beginning; which of it to correct is asked next.
        # While slices wait to be corrected they are accepted where they are right: the row for that comes first.
        corrects = session.initial_node is not None
        # What predicts by itself needs no row for it, and no row comes or goes with each stroke.
        live = panel.live.is_on
        begins = corrects and not painted
        return {
            # Both stay until something is suggested or painted: nothing is to move under the mouse between two clicks.
            "range": not suggested and not predicted and (session.plane_range is None or not painted),
            "suggest": (not suggested and (not predicted or begins)) or panel.suggest.is_running,
            "paint": waiting or (suggested and not predicted),
            "predict": running
            or (painted and not live and (not pending or changed_since) and not (corrects and waiting)),
            "review": pending or (live and painted),
        }

    def show(self) -> None:
        """Show and hide the rows."""
        needed = self.needed()
        if needed != self._needed:
            self._needed, self._said = needed, {}
        for row in ROWS:
            shown = self._said.get(row, needed[row])
            getattr(self._panel.ui, f"{row}Frame").setVisible(shown)
            self._tab(row).setChecked(shown)
            self._tab(row).setVisible(self._panel.session is not None)
            for name in _BELOW.get(row, ()) if not shown else ():
                getattr(self._panel.ui, name).setVisible(False)
