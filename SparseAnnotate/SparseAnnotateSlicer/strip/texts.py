"""The states of planes in the user's language."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..session.planes import PlaneState


def stateTexts() -> dict[PlaneState, str]:
    """The states in the user's language."""
    return {
        PlaneState.OUTSIDE: _("outside the range"),
        PlaneState.OPEN: _("open"),
        PlaneState.TO_PAINT: _("to paint"),
        PlaneState.PAINTED: _("painted"),
        PlaneState.EMPTY: _("confirmed to be empty"),
        PlaneState.PARTLY: _("painted in part"),
        PlaneState.PREDICTED: _("predicted"),
        PlaneState.ACCEPTED: _("accepted"),
    }
