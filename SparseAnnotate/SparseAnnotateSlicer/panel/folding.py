"""What is not needed now folds away by itself, so that the tools of the segment editor stay in sight on a laptop.

A click on a row's name shows or hides it, until what is needed changes. No Qt.
"""

from __future__ import annotations

ROWS = ("range", "suggest", "paint", "predict", "review")
# Below their row, and gone with it.
_BELOW = {"range": ("segmentRangesFrame",), "predict": ("optionsFrame", "startFromFrame", "modelsFrame", "logText")}


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
        state, running = session.state, panel.predict.is_running
        waiting = bool(panel.to_paint())
        suggested, painted = bool(state.suggestions), bool(present.painted)
        predicted, pending = bool(state.predicted), bool(present.pending)
        return {
            "range": state.plane_range is None and not suggested and not predicted,
            "suggest": (not suggested and not predicted) or panel.suggest.is_running,
            "paint": waiting or (suggested and not predicted),
            "predict": running or (painted and not (waiting and pending)),
            "review": pending,
        }

    def show(self) -> None:
        """Show and hide the rows."""
        needed = self.needed()
        self._said = {row: said for row, said in self._said.items() if needed[row] == self._needed.get(row)}
        self._needed = needed
        for row in ROWS:
            shown = self._said.get(row, needed[row])
            getattr(self._panel.ui, f"{row}Frame").setVisible(shown)
            self._tab(row).setChecked(shown)
            for name in _BELOW.get(row, ()) if not shown else ():
                getattr(self._panel.ui, name).setVisible(False)
