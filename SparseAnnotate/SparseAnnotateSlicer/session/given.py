"""What the user gave, as the library takes it."""

from __future__ import annotations

import numpy as np
from SparseAnnotateLib.annotation import SparseAnnotation

from ..scene.box import box_of
from ..scene.segments import classes_of, values_of
from .annotated import AnnotatedVolume
from .planes import PlaneState, Present


def annotation_of(session: AnnotatedVolume, present: Present) -> SparseAnnotation:
    """The painted planes, ranges and box of a session; its classes are the segments that occur on painted planes.

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
    _leave_out(labels, present, used, state)
    annotation = SparseAnnotation.from_painted_planes(
        labels,
        painted,
        empty=present.planes(PlaneState.EMPTY),
        classes=classes_of(session.segmentation_node, used),
    )
    numbers = {segment_id: number for number, segment_id in enumerate(used, start=1)}
    annotation = _with_complete(annotation, present, numbers)
    if state.plane_range is not None:
        annotation = annotation.with_range(*state.plane_range)
    ranges = {numbers[one]: ends for one, ends in state.segment_ranges.items() if one in numbers}
    annotation = annotation.with_class_ranges(ranges)
    if partly:
        annotation = annotation.with_partly_painted(partly)
    for axis, planes in present.along.items():
        annotation = annotation.with_painted_along(axis, planes, labels)
    if session.box_node is None:
        return annotation
    return annotation.with_box(*box_of(session.box_node, session.volume_node, session.volume))


def _leave_out(labels: np.ndarray, present: Present, used: list[str], state) -> None:
    """Outside a range a part of a stroke counts as nothing: a sphere brush leaves some behind the ends."""
    for plane in present.parts:
        if state.plane_range is not None and not state.plane_range[0] <= plane <= state.plane_range[1]:
            labels[plane] = 0
        for segment_id, (first, last) in state.segment_ranges.items():
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


def _used_classes(present: Present, planes: list[int]) -> tuple[list[str], np.ndarray]:
    """The segments that occur on these planes, and all labels renumbered to them."""
    labels = present.given
    occurring = sorted({number for plane in planes for number in values_of(labels[plane])})
    numbers = np.zeros(256, np.uint8)
    numbers[occurring] = np.arange(1, len(occurring) + 1)
    return [present.layers.segment_ids[number - 1] for number in occurring], numbers[labels]
