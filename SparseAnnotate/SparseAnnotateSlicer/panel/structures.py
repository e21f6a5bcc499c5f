"""What was understood of each structure, slice by slice: for the strip, the badge and the line. No widget."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from slicer.i18n import tr as _
from SparseAnnotateLib.cut_ends import cut_ends

from ..scene.plane_geometry import PlaneGeometry
from ..session.planes import PlaneState, Present
from ..strip.lanes import Lane

# Slices and structures that are named in a line; of more, only their number is.
_NAMED = 5


class Shown(NamedTuple):
    """A slice as it is for one structure.

    Attributes
    ----------
    of_all : whether it is complete for all structures, where it is for this one
    elsewhere : whether it is painted, but not for this structure
    reason : why the slice does not count for it, or ""
    """

    state: PlaneState
    of_all: bool = True
    elsewhere: bool = False
    reason: str = ""


def names(session, segment_ids) -> list[str]:
    """The names of segments."""
    segmentation = session.segmentation_node.GetSegmentation()
    return [segmentation.GetSegment(one).GetName() for one in segment_ids]


def lanes(session) -> list[Lane]:
    """The range of each of several segments, in the colour that it is shown with."""
    ids, state = session.segment_ids, session.state
    segmentation = session.segmentation_node.GetSegmentation()
    if len(ids) < 2:
        return []
    segments = [segmentation.GetSegment(one) for one in ids]
    ends = [state.segment_ranges.get(one) or state.half_ranges.get(one) or (None, None) for one in ids]
    return [
        Lane(one, segment.GetName(), _hex(segment.GetColor()), *both)
        for one, segment, both in zip(ids, segments, ends, strict=True)
    ]


def _hex(color) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)


def used(present: Present) -> list[str]:
    """The segments that are painted on any slice."""
    return [one for one, shown in zip(present.layers.segment_ids, present.shown.any(axis=0), strict=True) if shown]


def shown_for(session, present: Present, plane: int, segment_id: str) -> Shown:
    """What the strip shows of a slice while a structure is selected; of all together where only that one is painted."""
    state, of_all = present.states[plane], plane not in present.incomplete
    others = _others(session, present, plane)
    here = plane in present.around or state is PlaneState.PAINTED
    if not here or segment_id not in present.layers.segment_ids or not {*used(present)} - {segment_id}:
        return Shown(state, of_all, reason=others or _why_part(session, present, plane))
    column = present.layers.segment_ids.index(segment_id)
    said = session.state.segment_marks.get(segment_id, {}).get(plane)
    # What is painted nowhere is missing here, too; the labels cannot tell that it was looked for.
    if present.complete[plane, column] and (said or segment_id in used(present)) and plane not in present.parts:
        return Shown(PlaneState.PAINTED, of_all, reason=others)
    accepted = session.is_accepted(plane, present.contents[plane])
    if present.shown[plane, column] and not accepted:
        return Shown(PlaneState.PARTLY, reason=_why_part(session, present, plane, segment_id))
    rest = PlaneState.ACCEPTED if accepted else PlaneState.PREDICTED if plane in present.pending else PlaneState.OPEN
    return Shown(rest, elsewhere=True, reason=others or _("painted for other structures"))


def complete_for(session, present: Present, plane: int) -> list[str]:
    """The names of the structures that are complete on a slice, of those that are painted anywhere."""
    ids = present.layers.segment_ids
    return names(session, [one for one in used(present) if present.complete[plane, ids.index(one)]])


def still_to_paint(session, present: Present, plane: int) -> list[str]:
    """The segments that a suggestion names for a slice and that are not complete there yet."""
    wanted, _optional = session.state.suggested_structures.get(plane, ((), ()))
    return _left(session, present, plane, wanted)


def _left(session, present: Present, plane: int, segment_ids) -> list[str]:
    there = [one for one in segment_ids if one in present.layers.segment_ids]
    return [one for one in there if not session.is_painted_for(present, plane, one)]


def to_paint_names(session, present: Present, plane: int) -> tuple[str, str]:
    """The structures to paint on a suggested slice, and the optional ones, in words; empty where it names none."""
    wanted, optional = session.state.suggested_structures.get(plane, ((), ()))
    if len(present.layers.segment_ids) < 2:
        return "", ""
    left = still_to_paint(session, present, plane)
    there = _left(session, present, plane, optional) if left or not wanted else []
    return listed(names(session, left)), listed(names(session, there))


def to_paint_words(session, present: Present, plane: int) -> str:
    """Such as: to paint: pancreas and kidney; optional: liver. Empty where the suggestion names no structures."""
    left, optional = to_paint_names(session, present, plane)
    text = _("to paint: {names}") if session.initial_node is None else _("to correct: {names}")
    parts = [text.format(names=left)] if left else []
    parts += [_("optional: {names}").format(names=optional)] if optional else []
    return "; ".join(parts)


def _others(session, present: Present, plane: int) -> str:
    if plane not in present.incomplete:
        return ""
    return _("painted for {names} only").format(names=listed(complete_for(session, present, plane)))


def _why_part(session, present: Present, plane: int, segment_id: str = "") -> str:
    """Why a slice counts as painted in part though nobody called it so."""
    if plane not in present.around:
        return ""
    if session.state.segment_marks.get(segment_id, {}).get(plane) is False:
        return _("you said that it is not complete")
    if present.along and plane in present.parts:
        return _("crossed by {slices}: kept, but not complete").format(slices=along_text(session, present))
    if plane in session.state.strokes:
        return _("a part of what was painted on another slice: kept, but not complete")
    return _("far less than on the painted slices around it: kept, but not complete")


def along_text(session, present: Present) -> str:
    """Such as: 1 sagittal slice, 2 coronal slices; empty without planes of other axes that are painted completely."""
    parts = []
    for axis, ones in sorted(present.along.items()):
        text = _("{count} {view} slice") if len(ones) == 1 else _("{count} {view} slices")
        parts.append(text.format(count=len(ones), view=view_of(session, axis)))
    return ", ".join(parts)


def view_of(session, axis: int) -> str:
    """How slices along rows (1) or columns (2) are called: sagittal, coronal or axial, whichever is nearest."""
    letter = session.volume.axes[axis]
    normal = np.abs(PlaneGeometry.of(session.volume_node, letter).normal)
    return (_("sagittal"), _("coronal"), _("axial"))[int(np.argmax(normal))]


def understood(session, present: Present) -> str:
    """What was understood where it is not the same for all structures; empty where every slice counts for all.

    Such as: liver on 5 slices, spleen on 4 others; slivers of liver on slices 11, 13 do not count. And what looks as if
    it was not meant: scribbles, a stray dab.
    """
    parts = [_own(session, present)]
    slivers: dict[tuple[int, ...], list[str]] = {}
    for segment_id, planes in present.slivers.items():
        left = tuple(one for one in planes if not present.complete[one, present.layers.segment_ids.index(segment_id)])
        if left:
            slivers.setdefault(left, []).extend(names(session, [segment_id]))
    for planes, ones in slivers.items():
        text = _("slivers of {names} on {slices} do not count")
        parts.append(text.format(names=listed(ones), slices=_slices(planes)))
    if present.along:
        parts.append(_("{slices} painted completely").format(slices=along_text(session, present)))
    if present.thin:
        text = _("{names} at most 3 pixels thick everywhere: press Partly on slices that only hold scribbles")
        parts.append(text.format(names=listed(names(session, present.thin))))
    if present.dabs:
        text = _("a few voxels on {slices}: erase them, or press Partly there, if they are a stray dab")
        parts.append(text.format(slices=_slices(present.dabs)))
    parts += _cut_off(session, present)
    return "; ".join(part for part in parts if part)


def _cut_off(session, present: Present) -> list[str]:
    """Segments that were clicked to end on one slice: predictors keep their size up to there."""
    if session.plane_range is None:
        return []
    ranges = session.state.segment_ranges.values()
    text = _("{count} segments end on slice {slice}: taken to be cut off there, so they do not taper")
    found = cut_ends(ranges, session.plane_range, len(present.states), present.painted)
    return [text.format(count=one.count, slice=one.plane) for one in found]


def _own(session, present: Present) -> str:
    """On how many slices each structure is complete, where these are not the same ones."""
    ids = present.layers.segment_ids
    groups: dict[tuple[int, ...], list[str]] = {}
    for segment_id in used(present):
        planes = tuple(np.flatnonzero(present.complete[:, ids.index(segment_id)]).tolist())
        groups.setdefault(planes, []).extend(names(session, [segment_id]))
    if len(groups) < 2:
        return ""
    if len(groups) > _NAMED:
        return _("{count} structures on slices of their own").format(count=sum(map(len, groups.values())))
    parts, seen = [], set()
    for planes, ones in groups.items():
        if seen and planes and not seen & {*planes}:
            text = _("{names} on {count} others")
        else:
            text = _("{names} on {count} slice") if len(planes) == 1 else _("{names} on {count} slices")
        parts.append(text.format(names=listed(ones), count=len(planes)))
        seen |= {*planes}
    return ", ".join(parts)


def _slices(planes: tuple[int, ...]) -> str:
    if len(planes) == 1:
        return _("slice {slice}").format(slice=planes[0])
    if len(planes) > _NAMED:
        return _("{count} slices ({first} to {last})").format(count=len(planes), first=planes[0], last=planes[-1])
    return _("slices {slices}").format(slices=", ".join(map(str, planes)))


def listed(ones: list[str]) -> str:
    """Names in a sentence."""
    if len(ones) > _NAMED:
        return _("{count} structures").format(count=len(ones))
    if len(ones) < 2:
        return "".join(ones)
    return _("{names} and {last}").format(names=", ".join(ones[:-1]), last=ones[-1])
