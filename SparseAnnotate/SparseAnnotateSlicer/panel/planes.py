"""What the panel knows about planes, without any widget."""

from __future__ import annotations

import textwrap
from functools import lru_cache

import numpy as np
from slicer.i18n import tr as _

from ..scene.plane_geometry import PlaneGeometry
from ..session.planes import PlaneState, Present
from ..strip.model import StripPlane
from . import structures

# Of bold letters of 15 points: a view of 424 pixels, as there are on a screen of 1366, holds some more.
_BADGE_LETTERS = 40
PENDING = (PlaneState.TO_PAINT, PlaneState.PREDICTED, PlaneState.OPEN)


def to_paint(session, present: Present) -> list[int]:
    """Suggested planes that are neither painted nor accepted, in their order.

    A part of a plane is not all, nor is a plane on which a structure that the suggestion names is not complete.
    """
    planes = [one[0] for one in session.state.suggestions]
    waiting = present.parts - {*present.planes(PlaneState.ACCEPTED)}
    begun = [one for one in planes if present.states[one] is PlaneState.PAINTED]
    waiting |= {one for one in begun if structures.still_to_paint(session, present, one)}
    return [plane for plane in planes if present.states[plane] in PENDING or plane in waiting]


def predicted(present: Present) -> list[int]:
    """Planes whose prediction waits for a decision."""
    return list(present.pending)


def order_to_check(session, present: Present) -> list[int]:
    """Predicted planes, those first on which most is expected to be wrong, in mm2.

    The plane of the lowest Dice is most often one on which a structure just begins: a few pixels. Where a predictor
    gives no expected Dice, the farther from a painted plane the earlier.
    """
    painted = np.array(present.painted)

    def key(plane):
        distance = np.abs(painted - plane).min() if len(painted) else 0
        wrong = session.review.expected_wrong_mm2(plane)
        return wrong is None, -(wrong or 0.0), -distance, plane

    return sorted(predicted(present), key=key)


def dice_by_structure(session, plane: int) -> list[tuple[float, str]]:
    """Expected Dice and name of each structure predicted on a plane, the worst first."""
    segmentation, of = session.segmentation_node.GetSegmentation(), session.state.expected_dice_of
    there = [one for one in of if plane in of[one] and segmentation.GetSegment(one) is not None]
    return sorted((of[one][plane], segmentation.GetSegment(one).GetName()) for one in there)


def worst_of(session, plane: int) -> str:
    """Such as: left kidney .20, others .95; empty where fewer than two structures are told apart."""
    told = dice_by_structure(session, plane)
    if len(told) < 2:
        return ""
    return _worst_of(tuple(told))


def not_shown(session, plane: int) -> str:
    """Such as: the image does not show left kidney; empty where it shows all that is predicted on a plane."""
    unseen = session.state.not_shown
    there = sorted(name for _dice, name in dice_by_structure(session, plane) if name in unseen) if unseen else ()
    return _("the image does not show {names}").format(names=structures.listed(there)) if there else ""


@lru_cache(maxsize=4096)
def _worst_of(told: tuple[tuple[float, str], ...]) -> str:
    """Kept, for Slicer takes a tenth of a millisecond to translate one."""
    (worst, name), others = told[0], [dice for dice, _name in told[1:]]
    text = _("{name} {worst}, others {rest}") if len(others) > 1 else _("{name} {worst}, {other} {rest}")
    rest = sum(others) / len(others)
    return text.format(name=name, worst=short(worst), rest=short(rest), other=told[1][1])


def short(dice: float) -> str:
    """A Dice without its zero: .91."""
    return f"{dice:.2f}".lstrip("0") or "0"


def _dice_shown(session, plane: int, segment_id: str) -> float | None:
    """Of the selected segment where several are told apart, else of the plane."""
    state = session.state
    if len(state.expected_dice_of) > 1 and segment_id in state.expected_dice_of:
        return state.expected_dice_of[segment_id].get(plane)
    return state.expected_dice.get(plane)


def strip_planes(session, present: Present, segment_id: str = "") -> list[StripPlane]:
    """Every plane as the strip shows it; suggested ones are to be painted, also where something is predicted.

    Expected Dice are those of the selected segment where several structures are predicted.
    """
    one_of_several = len(state_of := session.state.expected_dice_of) > 1 and segment_id in state_of
    state, wanted = session.state, set(to_paint(session, present))
    reasons = {plane: reason for plane, _score, reason in state.suggestions}
    positions_mm = PlaneGeometry.of(session.volume_node, state.axis).positions_mm()
    shown = [structures.shown_for(session, present, plane, segment_id) for plane in range(len(present.states))]
    return [
        StripPlane(
            index=plane,
            slice_number=plane,
            position_mm=positions_mm[plane],
            state=PlaneState.TO_PAINT if plane in wanted else one.state,
            reason=_why_wanted(session, present, plane, reasons) if plane in wanted else one.reason,
            expected_dice=_dice_shown(session, plane, segment_id),
            interval=None if one_of_several else state.expected_dice_interval.get(plane),
            structures="\n".join(filter(None, (worst_of(session, plane), not_shown(session, plane)))),
            of_all=one.of_all,
            elsewhere=one.elsewhere,
            corrected=plane in state.corrected,
        )
        for plane, one in enumerate(shown)
    ]


def _why_wanted(session, present: Present, plane: int, reasons: dict[int, str]) -> str:
    """Why a slice is suggested, and below that what to paint there."""
    return "\n".join(filter(None, (reasons.get(plane, ""), structures.to_paint_words(session, present, plane))))


def badge(session, present: Present, plane: int | None) -> str:
    """A few words about a plane, to stand in the slice view, in lines that fit into one on a laptop."""
    lines = _badge(session, present, plane).split("\n")
    return "\n".join(part for line in lines for part in textwrap.wrap(line, _BADGE_LETTERS))


def _badge(session, present: Present, plane: int | None) -> str:
    if plane is None or not 0 <= plane < len(present.states):
        return ""
    suggested = [one[0] for one in session.state.suggestions]
    if plane in to_paint(session, present):
        told = _("to paint, {number} of {count}")
        told = told if session.initial_node is None else _("to correct, {number} of {count}")
        text = told.format(number=suggested.index(plane) + 1, count=len(suggested))
        left, optional = structures.to_paint_names(session, present, plane)
        lines = [f"{text}: {left}" if left else text]
        lines += [_("optional: {names}").format(names=optional)] if optional else []
        if session.initial_node is not None:
            # What is suspected to be wrong.
            lines += [reason for one, _score, reason in session.state.suggestions if one == plane]
        return "\n".join(lines)
    state = present.states[plane]
    dice = session.state.expected_dice.get(plane)
    if plane in present.pending and dice is not None:
        part = _part_words(session, present, plane) if plane in present.parts else ""
        part = _painted_words(session, present, plane) if plane in present.incomplete else part
        text = _("{part}, predicted, {dice}") if part else _("predicted, {dice}")
        return text.format(part=part, dice=worst_of(session, plane) or short(dice))
    if plane in present.incomplete and session.is_accepted(plane, present.contents[plane]):
        return _("accepted")
    if state is PlaneState.PAINTED and plane in session.state.corrected and plane not in present.incomplete:
        return _("corrected")
    words = {
        PlaneState.PAINTED: _painted_words(session, present, plane),
        PlaneState.EMPTY: _("empty"),
        PlaneState.PARTLY: _part_words(session, present, plane),
        PlaneState.PREDICTED: _("from a program") if session.state.shown_from else _("predicted"),
        PlaneState.ACCEPTED: _("accepted"),
    }
    return words.get(state, "")


def _painted_words(session, present: Present, plane: int) -> str:
    if plane not in present.incomplete:
        return _("painted")
    return _("painted for {names} only").format(
        names=structures.listed(structures.complete_for(session, present, plane))
    )


def _part_words(session, present: Present, plane: int) -> str:
    if present.along and plane in present.parts:
        return _("crossed by {slices}").format(slices=structures.along_text(session, present))
    return _("partly painted")
