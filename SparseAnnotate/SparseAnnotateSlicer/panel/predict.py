"""Row 5: predict in a process of its own, with progress, log and cancel."""

from __future__ import annotations

import time

import qt
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner, JobCancelledError, JobFailedError, ResidentRunner
from SparseAnnotateLib.predictors import PREDICTORS

from ..scene.interpolator import use_slicers_interpolator
from ..session import prediction
from ..session.expected import comes_and_goes
from ..session.live import Basis
from ..session.planes import PlaneState
from . import packages, structures
from .choice import Choice
from .models import MODULES, StartFrom
from .options import OptionsForm
from .status import duration

POLL_MS = 100
# Between the steps of showing a result.
_STEP_MS = 1
# A step a poll, in this process: no longer than needed for Slicer to draw in between.
_INLINE_POLL_MS = 5
# Those that Slicer's own filters run, in this process, a gap between painted planes at a time.
_INLINE = ("morphology",)


class PredictRow:
    """Starts one prediction at a time and follows it."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        self._running: prediction.RunningPrediction | None = None
        self._started, self._cancelling, self._last_line = 0.0, False, ""
        # What it rests on, and whether one that starts by itself takes its place.
        self._rests_on: Basis | None = None
        self._superseded = False
        self._finishing, self._seconds = None, 0.0
        self._warned: tuple[str, int] | None = None
        self._runners: dict[str, object] = {}
        self._predictors = Choice(panel, ui.predictorCombo, PREDICTORS, "guided")
        self._form = OptionsForm(ui.optionsFrame.layout())
        self._models = StartFrom(panel)
        self._timer = qt.QTimer()
        self._timer.timeout.connect(lambda: panel.attempt(self._poll, quietly=True))
        for widget in (ui.optionsFrame, ui.logText, ui.progressBar):
            widget.setVisible(False)
        panel.on(ui.predictButton.clicked, self.press)
        panel.on(ui.optionsButton.toggled, lambda: None)
        ui.logButton.toggled.connect(lambda: ui.logText.setVisible(ui.logButton.checked))

    @property
    def is_running(self) -> bool:
        """Whether something is being predicted."""
        return self._running is not None

    def is_running_for(self, session) -> bool:
        """Whether it is this session's planes that are predicted."""
        return self._running is not None and self._running.session is session

    @property
    def cls(self) -> type:
        """The chosen predictor's class."""
        return self._predictors.cls

    @property
    def is_inline(self) -> bool:
        """Whether the chosen predictor runs in this process."""
        return self._predictors.name in _INLINE

    def rests_on(self, session) -> Basis | None:
        """What is being predicted of a session rests on; None if nothing is."""
        return self._rests_on if self.is_running_for(session) else None

    def supersede(self, session) -> None:
        """One that starts by itself is to take the place of what is being predicted of this session."""
        if self.is_running_for(session) and not self._cancelling:
            self._superseded = True
            self.press()

    def follow(self, session) -> None:
        """Show what the session was predicted with last."""
        self._predictors.choose(session.state.predictor)
        self._show_options(session.state.predictor_options)
        self._models.look()
        self._models.follow(session)

    def _show_options(self, values) -> None:
        self._form.show(self._predictors.cls.Options, values)

    def press(self) -> None:
        """Predict, or cancel what is being predicted."""
        if self.is_running:
            self._cancelling = True
            self._running.handle.cancel()
        else:
            self._start()

    def _start(self) -> None:
        panel, name = self._panel, self._predictors.name
        starting = self._models.options(self._predictors.cls)
        packages.ensure(self._predictors.cls, MODULES if starting else ())
        with panel.busy():
            panel.live.stop()
            panel.refresh()
            options = {**self.options(), **starting}
            self._rests_on, self._superseded = Basis.of(panel.session, panel.present), False
            self._running = prediction.submit(panel.session, self.runner(name), name, options, panel.plane)
        panel.ui.logText.clear()
        self._log(_("{predictor} on {volume}").format(predictor=name, volume=panel.session.volume_node.GetName()))
        self._started, self._cancelling, self._last_line = time.monotonic(), False, ""
        panel.ui.progressBar.setValue(0)
        self._show_progress(_("starting"), None)
        self._timer.setInterval(_INLINE_POLL_MS if name in _INLINE else POLL_MS)
        self._timer.start()

    def options(self) -> dict:
        """What is set for the chosen predictor."""
        if self._form.cls is not self._predictors.cls.Options:
            self._show_options({})
        return self._form.values()

    def runner(self, name: str):
        """What runs a predictor: one worker that stays for all of them, but this process for Slicer's own filters."""
        inline = name in _INLINE and use_slicers_interpolator()
        kind = InlineRunner if inline else ResidentRunner
        if kind.__name__ not in self._runners:
            self._runners[kind.__name__] = kind()
        return self._runners[kind.__name__]

    def prepare(self) -> None:
        """A prediction will come: start its worker."""
        self.runner("").prepare()

    def _poll(self) -> None:
        running = self._running
        if running is None:
            self._timer.stop()
            return
        state = running.poll()
        for event in running.handle.events():
            self._show_event(event)
        if state.ended:
            self._timer.setInterval(_STEP_MS)
            if self._finishing is None:
                self._finishing, self._seconds = running.finishing(), time.monotonic() - self._started
            self._go_on()

    def _go_on(self) -> None:
        """One of the steps in which a result is shown, so that Slicer never stands still for long."""
        try:
            next(self._finishing)
        except StopIteration as end:
            self._warned = comes_and_goes(end.value)
            for sentence in end.value.details.get("warnings", ()):
                self._log(sentence)
            self._end(None)
        except Exception as error:  # noqa: BLE001 - raised again, where it is told
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._timer.stop()
        self._finishing = None
        self._panel.attempt(lambda: self._finish(error))

    def _finish(self, failed: Exception | None) -> None:
        panel, running = self._panel, self._running
        self._running = None
        seconds = self._seconds
        try:
            if isinstance(failed, InputError | JobCancelledError) and self._is_superseded(running.session):
                return
            if failed is not None:
                raise failed
        except JobCancelledError as error:
            if running.session.ended:
                self.rest()
                raise InputError(_("The scene was closed: the prediction was cancelled.")) from error
            panel.status.say(_("Cancelled: nothing has changed."))
        except JobFailedError as error:
            self._log(error.details)
            raise InputError(str(error)) from error
        else:
            panel.live.predicted(running.session, self._rests_on)
            running.session.state.prediction_s = seconds
            running.session.save()
            panel.suggest.offer_more()
            panel.status.say(self._told(running.session, seconds))
            panel.refresh()
            if running.session is panel.session:
                # It is told until some of it is painted, accepted or rejected.
                pending = panel.present.planes(PlaneState.PREDICTED)
                panel.review.say_of(self._told(running.session, seconds), pending, PlaneState.PREDICTED)
        finally:
            panel.refresh()

    def _is_superseded(self, session) -> bool:
        """Whether one that starts by itself takes its place: then its end says nothing."""
        return self._superseded or (not self._cancelling and self._panel.live.takes_over(session, self._rests_on))

    def _told(self, session, seconds: float) -> str:
        told = {"count": len(session.state.predicted), "time": duration(seconds)}
        if session is not self._panel.session:
            return _("{volume}: {count} slices predicted in {time}.").format(
                volume=session.volume_node.GetName(), **told
            )
        if session.state.expected_dice_volume is None:
            return _("{count} slices predicted in {time}.").format(**told)
        told["dice"] = f"{session.state.expected_dice_volume:.2f}"
        if self._warned is not None:
            # The slice that it names comes before the worst one.
            text = _(
                "{count} slices predicted in {time}, expected Dice {dice}. {name} may come and go: see slice {slice}."
            )
            return text.format(name=self._warned[0], slice=self._warned[1], **told)
        if session.state.not_shown:
            names = structures.listed(session.state.not_shown)
            text = _(
                "{count} slices predicted in {time}, expected Dice {dice}. The image does not show {names}: paint more."
            )
            return text.format(names=names, **told)
        text = _("{count} slices predicted in {time}, expected Dice {dice}. Press Next to check for the worst.")
        return text.format(**told)

    def _show_event(self, event) -> None:
        line = ": ".join(part for part in (event.stage, event.message) if part)
        if line and line != self._last_line:
            self._log(f"{event.elapsed_s:7.1f} s  {line}")
            self._last_line = line
        if event.stage:
            self._panel.ui.progressBar.setValue(round(1000 * event.fraction))
            self._show_progress(event.stage, event.remaining_s)

    def _show_progress(self, stage: str, remaining_s: float | None) -> None:
        elapsed = duration(time.monotonic() - self._started)
        text = _("{stage}, {elapsed}").format(stage=stage, elapsed=elapsed)
        if remaining_s is not None:
            text = _("{stage}, {elapsed}, {remaining} left").format(
                stage=stage, elapsed=elapsed, remaining=duration(remaining_s)
            )
        self._panel.ui.progressBar.setFormat(text)

    def _log(self, text: str) -> None:
        if text:
            self._panel.ui.logText.appendPlainText(text)

    def show(self) -> None:
        """Offer what can be done."""
        panel, ui, running = self._panel, self._panel.ui, self.is_running
        ui.predictorCombo.setVisible(not running)
        ui.optionsButton.setVisible(not running)
        ui.progressBar.setVisible(running)
        ui.optionsFrame.setVisible(ui.optionsButton.checked and not running)
        ui.logText.setVisible(ui.logButton.checked)
        if self._form.cls is not self._predictors.cls.Options:
            self._show_options({})
        self._models.show(self._predictors.cls, running=running)
        panel.offer(ui.predictorCombo, "", self._predictors.tooltip)
        if running:
            ui.predictButton.setText(_("Cancelling") if self._cancelling else _("Cancel"))
            reason = _("It ends at its next step.") if self._cancelling else ""
            panel.offer(ui.predictButton, reason, _("Stop predicting; nothing changes."))
        else:
            ui.predictButton.setText(_("Predict"))
            panel.offer(ui.predictButton, self._why_not(), _predict_tip())

    def _why_not(self) -> str:
        panel = self._panel
        if panel.session is None or panel.present is None:
            return panel.why_no_session()
        if not panel.present.painted and panel.session.initial_node is not None:
            return _("No slice is corrected: correct at least one, or accept one that is right as it is.")
        if not panel.present.painted:
            return _("No slice is painted: paint at least one.")
        return ""

    def rest(self) -> None:
        """No session is worked on: a worker that waits for its next prediction ends."""
        for runner in self._runners.values():
            if isinstance(runner, ResidentRunner):
                runner.dismiss()

    def close(self) -> None:
        """End what is running and leave nothing behind."""
        self._timer.stop()
        self._running = self._finishing = None
        for runner in self._runners.values():
            runner.close()
        self._runners = {}


def _predict_tip() -> str:
    return _("Predict the slices that are not painted. Slicer stays usable meanwhile.")
