"""Row 4: which slices to paint, and the way from one to the next."""

from __future__ import annotations

import time

import qt
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import JobFailedError
from SparseAnnotateLib.selectors import SELECTORS
from SparseAnnotateLib.selectors.base import count_for

from ..session.initial import initial_of
from ..session.planes import PlaneState
from ..session.state import SessionState
from . import packages, structures
from .choice import Choice
from .planes import to_paint
from .selecting import QUICK, QUICK_AT_FIRST, Selection
from .status import duration

SLICES, PERCENT = "slices", "percent"
_POLL_MS = 100
# What to ask once something is predicted.
_MORE = "cover"


class SuggestRow:
    """Asks a selector, and leads through what it suggested."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        self._selectors = Choice(panel, ui.selectorCombo, SELECTORS, SessionState().selector)
        self._fill_units()
        self._selection: Selection | None = None
        self._asked: tuple = ()
        self._started = 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(lambda: panel.attempt(self._poll, quietly=True))
        panel.on(ui.suggestButton.clicked, self.press)
        panel.on(ui.nextButton.clicked, self.next)
        panel.on(ui.previousButton.clicked, self.previous)
        panel.on(ui.emptyButton.clicked, lambda: self._mark("empty", ui.emptyButton.checked))
        panel.on(ui.partlyButton.clicked, lambda: self._mark("partly", ui.partlyButton.checked))
        panel.on(ui.countUnitCombo.currentIndexChanged, self._unit_chosen)

    def _fill_units(self) -> None:
        combo = self._panel.ui.countUnitCombo
        combo.blockSignals(True)
        combo.addItem(_("slices"), SLICES)
        combo.addItem(_("% of range"), PERCENT)
        combo.blockSignals(False)

    def _unit_chosen(self) -> None:
        if self._panel.parameters is not None:
            self._panel.parameters.countUnit = self._unit()

    def _unit(self) -> str:
        combo = self._panel.ui.countUnitCombo
        return combo.itemData(combo.currentIndex)

    def follow(self, session) -> None:
        """Show what the session was asked for last."""
        self._selectors.choose(session.state.selector)
        combo = self._panel.ui.countUnitCombo
        combo.setCurrentIndex(max(0, combo.findData(self._panel.parameters.countUnit)))

    @property
    def is_running(self) -> bool:
        """Whether slices are being chosen."""
        return self._selection is not None

    def offer_more(self) -> None:
        """Something is predicted: from now on ask a selector that looks at that, unless one is chosen already."""
        if not self._selectors.cls.is_active:
            self._selectors.choose(_MORE)

    def press(self) -> None:
        """Suggest, or cancel what is being chosen."""
        if self.is_running:
            self.close()
            self._panel.status.say(_("Cancelled: nothing has changed."))
        else:
            self.suggest()

    def suggest(self) -> None:
        """Suggest slices, and go to the first of them; a selector that takes long runs in a process of its own."""
        panel, session, selector = self._panel, self._panel.session, self._selectors.name
        packages.ensure(self._selectors.cls)
        count = self._count()
        start = session.start_for(selector)
        at_first = selector == QUICK_AT_FIRST and start is None and not structures.used(panel.present)
        if selector in QUICK or at_first:
            self._show_suggested(session.suggest(count, selector))
            return
        with panel.busy():
            panel.refresh()
            request = {"selector": selector, "options": {}, "count": count, "seed": session.state.seed}
            annotation = session.annotation(panel.present, selector=selector)
            made = None if start is None else initial_of(session, annotation.classes)
            self._selection = Selection(session.volume, annotation, request, made)
        self._asked, self._started = (session, selector, count), time.monotonic()
        self._timer.start()

    def _poll(self) -> None:
        if self._selection is None or self._asked[0].ended:
            self.close()
        elif self._selection.is_running():
            told = {"selector": self._asked[1], "time": duration(time.monotonic() - self._started)}
            self._panel.status.say(_("{selector} compares the slices, {time}").format(**told))
            self._panel.status.show()
        else:
            self._panel.attempt(self._finish)

    def _finish(self) -> None:
        session, selector, count = self._asked
        classes = self._selection.classes
        try:
            chosen = self._selection.result()
        except JobFailedError as error:
            raise InputError(str(error)) from error
        finally:
            self.close()
        session.state.selector, session.state.selector_options, session.state.count = selector, {}, count
        chosen = session.take_suggestions(chosen, classes=classes)
        if session is self._panel.session:
            self._show_suggested(chosen)

    def close(self) -> None:
        """End what is running."""
        self._timer.stop()
        if self._selection is not None:
            self._selection.close()
        self._selection = None

    def _show_suggested(self, chosen) -> None:
        panel, session = self._panel, self._panel.session
        panel.refresh()
        waiting = to_paint(session, panel.present)
        if waiting:
            panel.jump(waiting[0])
        if not chosen:
            panel.status.say(_("Every slice of the range is painted: there is nothing to suggest."))

    def _count(self) -> int:
        number, session = self._panel.ui.countSpin.value, self._panel.session
        if self._unit() == SLICES:
            return number
        first, last = session.plane_range or (0, session.volume.planes - 1)
        return count_for(min(number, 100) / 100, last - first + 1)

    def next(self) -> None:
        """Go to the next suggested slice that is not painted; after the last one to the first."""
        self._step(1)

    def previous(self) -> None:
        """Go to the one before; before the first one to the last."""
        self._step(-1)

    def _step(self, step: int) -> None:
        panel = self._panel
        if self._why_no_step():
            raise InputError(self._why_no_step())
        # What was painted just now may not have been looked at yet.
        panel.refresh()
        waiting = set(to_paint(panel.session, panel.present))
        order = [one[0] for one in panel.session.state.suggestions]
        start = order.index(panel.plane) if panel.plane in order else (-1 if step > 0 else 0)
        around = [order[(start + step * n) % len(order)] for n in range(1, len(order) + 1)]
        target = next((plane for plane in around if plane in waiting), None)
        if target is None:
            panel.status.say(_("All suggested slices are painted: press Predict."))
        else:
            panel.jump(target)

    def _mark(self, mark: str, on: bool) -> None:
        panel = self._panel
        panel.session.mark(panel.plane, mark if on else None)
        panel.refresh()

    def _why_no_step(self) -> str:
        panel = self._panel
        if panel.session is None or panel.session.state.suggestions:
            return panel.why_no_session()
        return _("Nothing is suggested yet: press Suggest.")

    def show(self) -> None:
        """Offer what can be done, and say where we are."""
        panel, ui, session = self._panel, self._panel.ui, self._panel.session
        no_session = panel.why_no_session()
        busy = _("Wait for the slices that are being chosen, or cancel that.") if self.is_running else ""
        for widget in (ui.selectorCombo, ui.countSpin, ui.countUnitCombo):
            tooltip = self._selectors.tooltip if widget is ui.selectorCombo else None
            panel.offer(widget, no_session or busy, tooltip)
        panel.offer(ui.suggestButton, no_session)
        more = session is not None and bool(session.state.predicted and session.state.suggestions)
        ui.suggestButton.setText(_("Cancel") if self.is_running else _("Suggest more") if more else _("Suggest"))
        for button in (ui.previousButton, ui.nextButton):
            panel.offer(button, self._why_no_step())
        ui.positionLabel.setText(self._position())
        ui.positionLabel.setToolTip(self._why_here())
        state = self._state()
        reason = panel.why_no_plane() or panel.why_locked()
        holds_labels = state in (PlaneState.PAINTED, PlaneState.ACCEPTED)
        not_empty = _("This slice holds labels: erase them first.") if holds_labels else ""
        panel.offer(ui.emptyButton, reason or not_empty)
        panel.offer(ui.partlyButton, reason)
        ui.emptyButton.setChecked(state is PlaneState.EMPTY)
        ui.partlyButton.setChecked(state is PlaneState.PARTLY)

    def _state(self) -> PlaneState | None:
        panel = self._panel
        return None if panel.present is None or panel.plane is None else panel.present.states[panel.plane]

    def _position(self) -> str:
        """Such as: slice 23, 3 of 8."""
        panel = self._panel
        if panel.session is None or panel.plane is None:
            return ""
        planes = [one[0] for one in panel.session.state.suggestions]
        if panel.plane not in planes:
            return _("slice {slice}").format(slice=panel.plane)
        place = {"slice": panel.plane, "number": planes.index(panel.plane) + 1, "count": len(planes)}
        return _("slice {slice}, {number} of {count}").format(**place)

    def _why_here(self) -> str:
        """Why the slice that is shown was suggested, and what to paint there; empty for another one."""
        panel = self._panel
        if panel.session is None or panel.present is None:
            return ""
        why = [one[2] for one in panel.session.state.suggestions if one[0] == panel.plane]
        told = structures.to_paint_words(panel.session, panel.present, panel.plane) if why else ""
        return "\n".join(filter(None, (*why, told)))
