"""What the user gave, as the library takes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.completeness import union

from ..scene.box import box_of
from ..scene.segments import classes_of, values_of
from .annotated import AnnotatedVolume
from .planes import PlaneState, Present


def annotation_of(
    session: AnnotatedVolume,
    present: Present,
    *,
    to_paint: bool = False,
    made: Collection[str] = (),
    told: Mapping[str, tuple[int, int]] | None = None,
) -> SparseAnnotation:
    """The painted planes, ranges and box of a session; its classes are the segments that occur on painted planes.

    Parameters
    ----------
    to_paint : with the segments that are painted nowhere yet, too, if a range was said or nothing is painted at all
    made : segments that a program made, which is corrected: they are there, whether painted or not
    told : by segment ID, first and last plane where the user did not say them

    Raises
    ------
    InputError
        Where ranges, box and painted planes contradict each other.
    """
    state = session.state
    said = [plane for plane in present.planes(PlaneState.PARTLY) if plane not in present.parts]
    partly = [plane for plane in said if not present.complete[plane].any()]
    painted = sorted({*present.planes(PlaneState.PAINTED), *said, *present.parts})
    used, labels = _used_classes(present, painted)
    new = [one for one in session.segment_ids if one not in used and (to_paint or one in made)]
    if used and not state.segment_ranges:
        # A segment that stands there empty, as Slicer makes them, does not ask for slices.
        new = [one for one in new if one in made]
    used = [*used, *new]
    _leave_out(labels, present, used, session)
    annotation = SparseAnnotation.from_painted_planes(
        labels,
        painted,
        empty=present.planes(PlaneState.EMPTY),
        classes=classes_of(session.segmentation_node, used),
    )
    numbers = {segment_id: number for number, segment_id in enumerate(used, start=1)}
    annotation = _with_complete(annotation, present, {one: number for one, number in numbers.items() if one not in new})
    looked_at = {numbers[one]: _looked_at(session, present, one, made=one in made) for one in new}
    annotation = annotation.with_complete(looked_at)
    annotation = _with_ranges(annotation, session, numbers, told or {})
    if partly:
        annotation = annotation.with_partly_painted(partly)
    for axis, planes in present.along.items():
        annotation = annotation.with_painted_along(axis, planes, labels)
    if session.box_node is None:
        return annotation
    return annotation.with_box(*box_of(session.box_node, session.volume_node, session.volume))


def _leave_out(labels: np.ndarray, present: Present, used: list[str], session: AnnotatedVolume) -> None:
    """Outside a range a part of a stroke counts as nothing: a sphere brush leaves some behind the ends."""
    of_all = session.plane_range
    for plane in present.parts:
        if of_all is not None and not of_all[0] <= plane <= of_all[1]:
            labels[plane] = 0
        for segment_id, (first, last) in session.state.segment_ranges.items():
            if segment_id in used and not first <= plane <= last:
                labels[plane][labels[plane] == used.index(segment_id) + 1] = 0


def _with_complete(annotation: SparseAnnotation, present: Present, numbers: dict[str, int]) -> SparseAnnotation:
    """Every structure on its own planes, where these are not all the painted ones."""
    column = {segment_id: number for number, segment_id in enumerate(present.layers.segment_ids)}
    wanted = annotation.complete.copy()
    for segment_id, number in numbers.items():
        wanted[:, number - 1] &= present.complete[:, column[segment_id]]
    differ = np.flatnonzero((wanted != annotation.complete).any(axis=0))
    return annotation.with_complete({int(one) + 1: np.flatnonzero(wanted[:, one]).tolist() for one in differ})


def _with_ranges(
    annotation: SparseAnnotation, session: AnnotatedVolume, numbers: Mapping[str, int], told: Mapping
) -> SparseAnnotation:
    """With what the user said of all and of single segments, and of others what is told."""
    said = {numbers[one]: ends for one, ends in session.state.segment_ranges.items() if one in numbers}
    others = {numbers[one]: ends for one, ends in told.items() if one in numbers and numbers[one] not in said}
    for number, ends in others.items():
        others[number] = union([ends, *((plane, plane) for plane in annotation.shown_planes_of(number))])
    ranges = said | others
    if session.plane_range is not None:
        first, last = session.plane_range
        annotation = annotation.with_range(first, last)
        ranges = {number: (max(ends[0], first), min(ends[1], last)) for number, ends in ranges.items()}
    elif others:
        painted = ((plane, plane) for plane in annotation.painted_planes)
        annotation = annotation.with_range(*union([*ranges.values(), *painted]))
    return annotation.with_class_ranges({number: ends for number, ends in ranges.items() if ends[0] <= ends[1]})


def _looked_at(session: AnnotatedVolume, present: Present, segment_id: str, *, made: bool) -> list[int]:
    """The planes on which a segment that is painted nowhere counts as seen.

    Where its range says that it is there it was not painted, unless the user says so; else it was, wherever nothing
    else is left to paint. What a program `made` was taken off a plane on which it is not.
    """
    marks = session.state.segment_marks.get(segment_id, {})
    said = {plane for plane, complete in marks.items() if complete} | {*present.planes(PlaneState.EMPTY)}
    if made or segment_id not in session.state.segment_ranges:
        said |= {*present.whole}
    return sorted(said - {plane for plane, complete in marks.items() if not complete})


def _used_classes(present: Present, planes: list[int]) -> tuple[list[str], np.ndarray]:
    """The segments that occur on these planes, and the labels there renumbered to them; 0 on all others."""
    labels = present.given
    occurring = sorted({number for plane in planes for number in values_of(labels[plane])})
    numbers = np.zeros(256, np.uint8)
    numbers[occurring] = np.arange(1, len(occurring) + 1)
    renumbered = np.zeros_like(labels)
    for plane in planes:
        renumbered[plane] = numbers[labels[plane]]
    return [present.layers.segment_ids[number - 1] for number in occurring], renumbered
