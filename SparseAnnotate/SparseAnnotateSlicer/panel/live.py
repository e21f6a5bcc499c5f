"""As I paint: the prediction follows the brush, half a second after the last stroke on a slice that is complete.

Painting never waits for it: it runs in the worker that stays, what is shown changes between two strokes, and what was
superseded or refused says nothing.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Generator

import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import JobCancelledError, JobFailedError

from ..session.live import Basis, LivePrediction, is_due, submit_live
from . import packages
from .blind import show_where_allowed

logger = logging.getLogger(__name__)

_SETTING = "SparseAnnotate/AsIPaint"
_POLL_MS = 50
# Between two drawings of planes that come one by one, each of three views; the plane in view waits for nothing.
_DRAW_S = 0.25
# Between the steps of showing a result.
_STEP_MS = 1
# While a stroke is being made.
_HOLD_MS = 100


class Live:
    """The check box of the row *Predict*, and what it starts."""

    def __init__(self, panel):
        self._panel, self._check = panel, panel.ui.liveCheck
        self._check.setChecked(slicer.util.settingsValue(_SETTING, False, converter=slicer.util.toBool))
        panel.on(self._check.toggled, self._switch)
        panel.on(panel.ui.predictorCombo.currentIndexChanged, self.look)
        # What the last prediction of each session rests on.
        self._last: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        # The sketch, if there is one, and the prediction; and those that were told to end.
        self._running: list[LivePrediction] = []
        self._superseded: list[LivePrediction] = []
        self._started = self._drawn = 0.0
        self._planes: dict = {}
        self._finishing: Generator | None = None
        # Why the last one came to nothing; what it rested on is not tried again, of a worker that died once more.
        self._why = ""
        self._refused: Basis | None = None
        self._died: Basis | None = None
        self._soon, self._timer = qt.QTimer(), qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(lambda: panel.attempt(self._start, quietly=True))
        self._timer.timeout.connect(lambda: panel.attempt(self._poll, quietly=True))

    @property
    def is_on(self) -> bool:
        """Whether predictions start by themselves."""
        return bool(self._check.checked) and not self._why_never()

    @property
    def is_running(self) -> bool:
        """Whether one is on its way."""
        return bool(self._running)

    @property
    def is_waiting(self) -> bool:
        """Whether one is on its way, or about to start."""
        return self.is_running or bool(self._soon.active) or self._panel.watch.is_waiting

    def _why_never(self) -> str:
        """Why the chosen predictor cannot follow the brush; empty if it can."""
        cls = self._panel.predict.cls
        if "torch" in cls.needs or self._panel.predict.is_inline:
            return _("{name} takes too long for that: choose guided.").format(name=cls.name)
        return ""

    def _switch(self) -> None:
        if self._check.checked:
            try:
                packages.ensure(self._panel.predict.cls)
            except InputError:
                self._set_checked(False)
                raise
        qt.QSettings().setValue(_SETTING, bool(self._check.checked))
        if not self._check.checked:
            self._drop()
            return
        session, self._refused = self._panel.session, None
        if session is not None and not session.state.predicted:
            self._last.pop(session, None)
        self.look()

    def _set_checked(self, checked: bool) -> None:
        self._check.blockSignals(True)
        self._check.setChecked(checked)
        self._check.blockSignals(False)

    def follow(self, session) -> None:
        """A session was taken up: nothing starts before something is painted."""
        if session not in self._last and (session.state.predicted or self._panel.present.painted):
            self._last[session] = Basis.of(session, self._panel.present)

    def predicted(self, session, rests_on: Basis) -> None:
        """A prediction of a session was shown."""
        self._last[session] = rests_on

    def is_outdated(self) -> bool:
        """Whether what the last prediction of the session rests on was changed since, as a painted slice was."""
        session, present = self._panel.session, self._panel.present
        last = self._last.get(session)
        return last is not None and not last.holds_in(Basis.of(session, present))

    def takes_over(self, session, rests_on: Basis) -> bool:
        """Whether what was painted since some prediction began is predicted by itself."""
        if not self._is_possible() or session is not self._panel.session:
            return False
        return Basis.of(session, session.look()) != rests_on

    def look(self) -> None:
        """After a look at the segmentation, or at another slice: drop what is void, start what is due."""
        if not self._is_possible():
            return
        if self._running and not self._running[-1].holds():
            self._drop()
        if self._is_due():
            self._soon.start(0)

    def _is_possible(self) -> bool:
        panel = self._panel
        return self.is_on and panel.session is not None and not panel.session.ended and panel.present is not None

    def _is_due(self) -> bool:
        panel, session, present = self._panel, self._panel.session, self._panel.present
        now = Basis.of(session, present)
        last = self._running[-1].rests_on if self._running else panel.predict.rests_on(session)
        last = self._last.get(session) if last is None else last
        return now != self._refused and is_due(session, present, last, now, panel.to_paint(), panel.plane)

    def _start(self) -> None:
        panel, session = self._panel, self._panel.session
        if not self._is_possible() or panel.watch.is_waiting or not self._is_due():
            return
        if panel.strokes.is_under_way:
            self._soon.start(_HOLD_MS)
            return
        if panel.predict.is_running:
            # Its end looks again.
            panel.predict.supersede(session)
            return
        self._drop()
        predict, cls = panel.predict, panel.predict.cls
        try:
            missing = packages.missing(cls)
            if missing:
                raise InputError(_("{name} lacks packages: press Predict to install them.").format(name=cls.name))
            runner, last = predict.runner(cls.name), self._last.get(session)
            self._running = submit_live(session, runner, cls.name, predict.options(), panel.plane, last)
        except InputError as error:
            self._refuse(str(error), Basis.of(session, panel.present))
            return
        self._started = time.monotonic()
        self._why, self._planes = "", {}
        self._timer.start(_POLL_MS)
        self.show()

    def _drop(self) -> None:
        """What is on its way is superseded: it ends at its next step, and says nothing."""
        for one in self._running:
            one.handle.cancel()
        self._superseded += self._running
        self._running, self._planes = [], {}
        if self._finishing is not None:
            self._finishing.close()
            self._finishing = None
        self.show()

    def _poll(self) -> None:
        for one in [one for one in self._superseded if one.handle.poll().ended]:
            one.handle.close()
            self._superseded.remove(one)
        if not self._running:
            if not self._superseded:
                self._timer.stop()
                self._rest()
            return
        running = self._running[0]
        state = running.poll()
        for event in running.handle.events():
            if event.preview is not None:
                self._planes[event.preview[0]] = event.preview[1]
        if self._panel.strokes.is_under_way:
            return
        if state.ended:
            self._timer.setInterval(_STEP_MS)
            self._go_on(running)
        elif self._panel.plane in self._planes or (self._planes and time.monotonic() - self._drawn > _DRAW_S):
            planes, self._planes, self._drawn = self._planes, {}, time.monotonic()
            running.show_planes(planes)

    def _go_on(self, running: LivePrediction) -> None:
        """One of the steps in which a result is shown, so that Slicer never stands still for long."""
        if self._finishing is None:
            self._finishing = running.finishing()
        try:
            next(self._finishing)
        except StopIteration:
            self._end(running)
        except JobCancelledError:
            self._end(running, shown=False)
        except JobFailedError as error:
            self._end(running, shown=False)
            self._failed(running, error)
        except InputError as error:
            self._end(running, shown=False)
            if running.holds():
                self._refuse(str(error), running.rests_on)
        except Exception:
            self._end(running, shown=False)
            self._refused = running.rests_on
            raise
        else:
            # What is to be painted blind is hidden before anything is drawn.
            show_where_allowed(self._panel)

    def _end(self, running: LivePrediction, *, shown: bool = True) -> None:
        panel, session = self._panel, running.session
        self._finishing, self._planes = None, {}
        self._timer.setInterval(_POLL_MS)
        self._running.remove(running)
        if shown:
            if not self._running:
                session.state.prediction_s = time.monotonic() - self._started
                self.predicted(session, running.rests_on)
                panel.suggest.offer_more()
            session.save()
            panel.refresh()
            panel.show()
        elif not self._running:
            self.show()
            self.look()

    def _failed(self, running: LivePrediction, error: JobFailedError) -> None:
        """A worker that died costs nothing but time: once more in a new one, then it is told."""
        if self._running:
            # The sketch: the prediction itself is on its way.
            return
        logger.warning("a live prediction failed: %s\n%s", error, error.details)
        if self._died == running.rests_on:
            self._refused = running.rests_on
            raise InputError(str(error)) from error
        self._died = running.rests_on
        self.look()

    def _refuse(self, why: str, rests_on: Basis) -> None:
        self._why, self._refused = why, rests_on
        self.show()

    def stop(self) -> None:
        """The session leaves the panel: what is on its way for it ends."""
        self._soon.stop()
        self._drop()

    def _rest(self) -> None:
        if self._panel.session is None:
            self._panel.predict.rest()

    def close(self) -> None:
        """The runners end, and with them what they run."""
        self._soon.stop()
        self._timer.stop()
        self._running, self._superseded, self._finishing = [], [], None

    def show(self) -> None:
        """Offer it, and say whether one is on its way."""
        panel = self._panel
        self._check.setText(_("as I paint …") if self._running else _("as I paint"))
        why = self._why_never()
        tip = _("Predict by itself, half a second after the last stroke on a slice that is complete.")
        panel.offer(self._check, why, f"{tip}\n\n{self._why}" if self._why and not why else tip)
