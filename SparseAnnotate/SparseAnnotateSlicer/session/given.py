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
    partly, state = present.planes(PlaneState.PARTLY), session.state
    painted = [*present.planes(PlaneState.PAINTED), *partly]
    used, labels = _used_classes(present, painted)
    annotation = SparseAnnotation.from_painted_planes(
        labels,
        painted,
        empty=present.planes(PlaneState.EMPTY),
        classes=classes_of(session.segmentation_node, used),
    )
    if state.plane_range is not None:
        annotation = annotation.with_range(*state.plane_range)
    numbers = {segment_id: number for number, segment_id in enumerate(used, start=1)}
    ranges = {numbers[one]: ends for one, ends in state.segment_ranges.items() if one in numbers}
    annotation = annotation.with_class_ranges(ranges)
    if partly:
        annotation = annotation.with_partly_painted(partly)
    if session.box_node is None:
        return annotation
    return annotation.with_box(*box_of(session.box_node, session.volume_node, session.volume))


def _used_classes(present: Present, planes: list[int]) -> tuple[list[str], np.ndarray]:
    """The segments that occur on these planes, and all labels renumbered to them."""
    labels = present.layers.labels
    occurring = sorted({number for plane in planes for number in values_of(labels[plane])})
    numbers = np.zeros(256, np.uint8)
    numbers[occurring] = np.arange(1, len(occurring) + 1)
    return [present.layers.segment_ids[number - 1] for number in occurring], numbers[labels]
