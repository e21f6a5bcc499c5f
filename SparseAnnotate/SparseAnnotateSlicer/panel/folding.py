"""What is not needed now folds away by itself, so that the tools of the segment editor stay in sight on a laptop.

A click on a row's name shows or hides it, until what is needed changes. No Qt.
"""

from __future__ import annotations

from slicer.i18n import tr as _

ROWS = ("range", "suggest", "paint", "predict", "review")
# Below their row, and gone with it.
_BELOW = {"predict": ("optionsFrame", "startFromFrame", "modelsFrame", "logText")}


class Folding:
    """Shows the rows that are needed at this stage of an annotation, and those that the user asked for."""

    def __init__(self, panel):
        self._panel = panel
        self._needed: dict[str, bool] = {}
        self._said: dict[str, bool] = {}
        self._worked_in: set[str] = set()
        for row in ROWS:
            panel.on(self._tab(row).clicked, lambda row=row: self._say(row))

    def _tab(self, row: str):
        return getattr(self._panel.ui, f"{row}Tab")

    def _say(self, row: str) -> None:
        tab = self._tab(row)
        self._said[row] = bool(tab.checked)
        if self._needed.get(row) and not tab.checked:
            # "Suggest" and "Predict" are names of rows and of buttons in them: who meant the button has just lost it.
            self._panel.status.say(_("The row is folded: a click on {name} shows it again.").format(name=tab.text))

    def works_in(self, row: str) -> None:
        """The user does something in a row: opened by a click, it stays although *Predict* comes back with that.

        *Clear* folded the row *Range* away, and the next click, meant for *From*, was one on *Predict*.
        """
        self._worked_in.add(row)

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
            changed = {row for row in ROWS if needed[row] != self._needed.get(row)}
            comes_back = changed == {"predict"} and needed["predict"]
            self._worked_in = self._worked_in if comes_back else set()
            self._said = {row: True for row in self._worked_in if self._said.get(row)}
            self._needed = needed
        for row in ROWS:
            shown = self._said.get(row, needed[row])
            getattr(self._panel.ui, f"{row}Frame").setVisible(shown)
            self._tab(row).setChecked(shown)
            self._tab(row).setVisible(self._panel.session is not None)
            for name in _BELOW.get(row, ()) if not shown else ():
                getattr(self._panel.ui, name).setVisible(False)
