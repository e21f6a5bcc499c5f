"""What the panel knows about planes, without any widget."""

from __future__ import annotations

import numpy as np
from slicer.i18n import tr as _

from ..scene.plane_geometry import PlaneGeometry
from ..session.planes import PlaneState, Present
from ..strip.model import StripPlane

PENDING = (PlaneState.TO_PAINT, PlaneState.PREDICTED, PlaneState.OPEN)


def to_paint(session, present: Present) -> list[int]:
    """Suggested planes that are neither painted nor accepted, in their order; a part of a plane is not all."""
    planes = [one[0] for one in session.state.suggestions]
    return [plane for plane in planes if present.states[plane] in PENDING or plane in present.parts]


def predicted(present: Present) -> list[int]:
    """Planes whose prediction waits for a decision."""
    return list(present.pending)


def order_to_check(session, present: Present) -> list[int]:
    """Predicted planes, those first that are expected to be the worst.

    Where a predictor gives no expected Dice, the farther from a painted plane the earlier.
    """
    dice, painted = session.state.expected_dice, np.array(present.painted)

    def key(plane):
        distance = np.abs(painted - plane).min() if len(painted) else 0
        return dice.get(plane, 2.0), -distance, plane

    return sorted(predicted(present), key=key)


def strip_planes(session, present: Present) -> list[StripPlane]:
    """Every plane as the strip shows it; suggested ones are to be painted, also where something is predicted."""
    state, wanted = session.state, set(to_paint(session, present))
    reasons = {plane: reason for plane, _score, reason in state.suggestions}
    geometry = PlaneGeometry.of(session.volume_node, state.axis)
    return [
        StripPlane(
            index=plane,
            slice_number=plane,
            position_mm=geometry.position_mm(plane),
            state=PlaneState.TO_PAINT if plane in wanted else one,
            reason=_part(session, plane) if plane in present.parts and plane not in wanted else reasons.get(plane, ""),
            expected_dice=state.expected_dice.get(plane),
            interval=state.expected_dice_interval.get(plane),
        )
        for plane, one in enumerate(present.states)
    ]


def _part(session, plane: int) -> str:
    """Why a plane counts as painted in part though nobody called it so."""
    if plane in session.state.strokes:
        return _("a part of what was painted elsewhere: known here, not complete")
    return _("far less than the painted slices around promise: known here, not complete")


def badge(session, present: Present, plane: int | None) -> str:
    """A few words about a plane, to stand in the slice view."""
    if plane is None or not 0 <= plane < len(present.states):
        return ""
    suggested = [one[0] for one in session.state.suggestions]
    if plane in to_paint(session, present):
        return _("to paint, {number} of {count}").format(number=suggested.index(plane) + 1, count=len(suggested))
    state = present.states[plane]
    dice = session.state.expected_dice.get(plane)
    if plane in present.pending and dice is not None:
        text = _("partly painted, predicted, {dice}") if plane in present.parts else _("predicted, {dice}")
        return text.format(dice=f"{dice:.2f}".lstrip("0"))
    words = {
        PlaneState.PAINTED: _("painted"),
        PlaneState.EMPTY: _("empty"),
        PlaneState.PARTLY: _("partly painted"),
        PlaneState.PREDICTED: _("predicted"),
        PlaneState.ACCEPTED: _("accepted"),
    }
    return words.get(state, "")
