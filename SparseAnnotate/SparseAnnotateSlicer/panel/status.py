"""The last line of the panel: what went wrong, or what was done, or how far the annotation is."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..session.planes import PlaneState
from .planes import predicted
from .structures import to_paint_words, understood


class Status:
    """One line of text; an error stays until the user does something else."""

    def __init__(self, panel):
        self._panel, self._label = panel, panel.ui.statusLabel
        self._message, self._is_error = "", False

    @property
    def error(self) -> str:
        """What went wrong last; empty if nothing did."""
        return self._message if self._is_error else ""

    def say(self, message: str) -> None:
        """Say what was done."""
        self._message, self._is_error = message, False

    def withdraw(self, message: str) -> None:
        """Forget what was said, if it was this."""
        if self._message == message:
            self.clear()

    def complain(self, message: str) -> None:
        """Say what went wrong."""
        self._message, self._is_error = message[:1].upper() + message[1:], True

    def clear(self) -> None:
        """Forget what was said."""
        self._message, self._is_error = "", False

    def show(self) -> None:
        """Write the line."""
        text = f"\N{WARNING SIGN} {self._message}" if self._is_error else self._message or self.summary()
        if self._label.text != text:
            self._label.setText(text)
            self._label.setToolTip(self.summary())

    def summary(self) -> str:
        """How much was painted, corrected, predicted and accepted, how good it should be, and how long it took."""
        session, present = self._panel.session, self._panel.present
        if session is None or present is None:
            return ""
        state = session.state
        corrected = len(set(state.corrected) & set(present.painted))
        parts = [_("{count} painted").format(count=len(present.painted) - corrected)]
        if corrected:
            parts.append(_("{count} corrected").format(count=corrected))
        waiting, accepted = len(predicted(present)), len(present.planes(PlaneState.ACCEPTED))
        if waiting or (state.predicted and not accepted):
            text = _("{count} from a program") if state.shown_from else _("{count} predicted")
            parts.append(text.format(count=waiting))
        if accepted:
            parts.append(_("{count} accepted").format(count=accepted))
        if state.predicted and state.expected_dice_volume is not None:
            parts.append(expected(state))
        if state.predicted and state.prediction_s is not None:
            parts.append(duration(state.prediction_s))
        here = to_paint_words(session, present, plane) if (plane := self._panel.plane) in self._panel.to_paint() else ""
        told = (f"{one[:1].upper()}{one[1:]}" for one in (here, understood(session, present)))
        return ". ".join(filter(None, (", ".join(parts), *told)))


def expected(state) -> str:
    """The expected Dice of the whole volume, and where it probably lies."""
    dice = f"{state.expected_dice_volume:.2f}"
    if state.expected_dice_volume_interval is None:
        return _("expected Dice {dice}").format(dice=dice)
    low, high = (f"{end:.2f}" for end in state.expected_dice_volume_interval)
    return _("expected Dice {dice} ({low} to {high})").format(dice=dice, low=low, high=high)


def duration(seconds: float) -> str:
    """A time as people say it."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return _("{seconds} s").format(seconds=seconds)
    return _("{minutes} min {seconds} s").format(minutes=seconds // 60, seconds=seconds % 60)
