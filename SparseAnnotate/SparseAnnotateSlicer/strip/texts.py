"""The states of planes, and what hovering says, in the user's language. No Qt."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..session.planes import PlaneState
from .lanes import Lane
from .model import StripPlane

_PREDICTED = (PlaneState.PREDICTED, PlaneState.ACCEPTED)


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


def planeText(plane: StripPlane) -> str:
    """What hovering over a plane says: number, position, state, and why or how good."""
    lines = [_("Slice {number}, {position} mm").format(number=plane.slice_number, position=f"{plane.position_mm:.1f}")]
    corrected = plane.corrected and plane.state is PlaneState.PAINTED
    lines.append(_("corrected") if corrected else stateTexts()[plane.state])
    if plane.expected_dice is not None and plane.state in _PREDICTED:
        lines.append(_("expected Dice {dice}").format(dice=f"{plane.expected_dice:.2f}"))
        if plane.interval is not None:
            low, high = (f"{end:.2f}" for end in plane.interval)
            lines[-1] += " " + _("(probably {low} to {high})").format(low=low, high=high)
    if plane.structures and plane.state in _PREDICTED:
        lines.append(plane.structures)
    if plane.reason and plane.state is PlaneState.TO_PAINT:
        lines.append(_("suggested: {reason}").format(reason=plane.reason))
    elif plane.reason and (plane.elsewhere or plane.state in (PlaneState.PARTLY, PlaneState.PAINTED)):
        lines.append(plane.reason)
    return "\n".join(lines)


def laneText(lane: Lane) -> str:
    """What hovering over the line of a structure says."""
    if lane.is_whole:
        text = _("{name}: slices {first} to {last}. Its ends can be dragged.")
        return text.format(name=lane.name, first=lane.first, last=lane.last)
    if lane.first is not None:
        return _("{name}: from slice {slice} on. Its last slice is missing.").format(name=lane.name, slice=lane.first)
    if lane.last is not None:
        return _("{name}: up to slice {slice}. Its first slice is missing.").format(name=lane.name, slice=lane.last)
    return _("{name} has no range yet. Drag an end, or press K and L.").format(name=lane.name)


def handleText(lane: Lane | None, end: str, *, given: bool) -> str:
    """What hovering over a handle says: of a structure's range, or of that of all."""
    if lane is not None:
        text = _("Drag: first slice of {name}") if end == "first" else _("Drag: last slice of {name}")
        return text.format(name=lane.name)
    if not given:
        return _("Drag: where the structure ends")
    return _("Drag: first slice of the structure") if end == "first" else _("Drag: last slice of the structure")
