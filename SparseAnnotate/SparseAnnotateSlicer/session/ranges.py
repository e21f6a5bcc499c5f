"""First and last plane of each segment, from two clicks or from another segmentation; that of all follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from SparseAnnotateLib.errors import InputError

from ..scene.segments import read_segments
from .annotated import AnnotatedVolume
from .state import SessionState

# As Slicer names a segment that is added.
_DEFAULT_NAME = re.compile(r"Segment[ _]\d+")


def set_range_of_all(state: SessionState, first: int, last: int) -> None:
    """Nothing lies outside these planes: ranges of single segments that reach out of them end there, too.

    Raises
    ------
    InputError
        Where nothing would be left of a segment's range.
    """
    cut = {one: (max(first, ends[0]), min(last, ends[1])) for one, ends in state.segment_ranges.items()}
    gone = [state.segment_ranges[one] for one, ends in cut.items() if ends[0] > ends[1]]
    if gone:
        there = f"{gone[0][0]} to {gone[0][1]}"
        raise InputError(f"a segment has the range {there}, outside {first} to {last}: clear or change that first")
    state.plane_range, state.segment_ranges = (first, last), cut


def set_end(session: AnnotatedVolume, segment_id: str, plane: int, *, first: bool) -> bool:
    """One end of a segment's range as clicked; its range counts once both are.

    Ends that were clicked the wrong way round are taken the right way round. An end that moves beyond the other one of
    a range that was whole takes that one's place: the other one has to be clicked again.

    Returns
    -------
    bool
        Whether this made the range whole.
    """
    state = session.state
    whole = state.segment_ranges.get(segment_id)
    ends = list(whole or state.half_ranges.get(segment_id, (None, None)))
    ends[0 if first else 1] = plane
    if None not in ends and ends[0] > ends[1]:
        ends = [ends[1], ends[0]] if whole is None else [plane, None] if first else [None, plane]
    if None in ends:
        state.segment_ranges.pop(segment_id, None)
        state.half_ranges[segment_id] = tuple(ends)
    else:
        state.half_ranges.pop(segment_id, None)
        state.segment_ranges[segment_id] = tuple(ends)
    session.save()
    return whole is None and None not in ends


def without_range(session: AnnotatedVolume) -> list[str]:
    """The segments whose range nobody gave, in their order."""
    return [one for one in session.segment_ids if one not in session.state.segment_ranges]


def ranges_in(
    session: AnnotatedVolume, segmentation_node, matches: Mapping[str, str] | None = None
) -> dict[str, tuple[int, int]]:
    """First and last plane of the session's segments in another segmentation, or in its own.

    Parameters
    ----------
    segmentation_node : anywhere in the scene; its segments are brought onto the planes by Slicer
    matches : session's segment ID to that of the other one; by default those with the same name

    Raises
    ------
    InputError
        Where no segment has the name of one of the session's, or none of these lies inside the volume.
    """
    matches = same_names(session, segmentation_node) if matches is None else matches
    ours = session.segmentation_node.GetSegmentation()
    if not matches:
        theirs = segmentation_node.GetSegmentation()
        lists = (_names(ours, session.segment_ids), _names(theirs, theirs.GetSegmentIDs()))
        raise InputError(
            f"no segment of {segmentation_node.GetName()} ({lists[1]}) is named as one of yours ({lists[0]}): "
            "name them alike"
        )
    layers = read_segments(segmentation_node, session.volume_node, session.volume, list(matches.values()))
    found = {}
    for number, segment_id in enumerate(matches, start=1):
        planes = np.flatnonzero(np.any([(layer == number).any(axis=(1, 2)) for layer in layers.layers], axis=0))
        if len(planes):
            found[segment_id] = (int(planes[0]), int(planes[-1]))
    if not found:
        raise InputError(
            f"the segments of {segmentation_node.GetName()} are empty, or lie outside "
            f"{session.volume_node.GetName()}: choose a segmentation of this scan"
        )
    return found


def same_names(session: AnnotatedVolume, segmentation_node) -> dict[str, str]:
    """The session's segments and those of another segmentation with the same names, upper and lower case alike."""
    ours, theirs = session.segmentation_node.GetSegmentation(), segmentation_node.GetSegmentation()
    if ours is theirs:
        return {one: one for one in session.segment_ids}
    by_name = {theirs.GetSegment(one).GetName().casefold(): one for one in reversed(list(theirs.GetSegmentIDs()))}
    names = {one: ours.GetSegment(one).GetName().casefold() for one in session.segment_ids}
    return {one: by_name[name] for one, name in names.items() if name in by_name}


def _names(segmentation, segment_ids: Sequence[str]) -> str:
    names = [segmentation.GetSegment(one).GetName() for one in segment_ids]
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "none"


def add_segments_of(session: AnnotatedVolume, segmentation_node) -> int:
    """Add the segments of another segmentation, empty, where the session has none but new ones that nobody named.

    Returns
    -------
    int
        How many there are now by those names; 0 where there was something to keep.
    """
    ours, theirs = session.segmentation_node.GetSegmentation(), segmentation_node.GetSegmentation()
    ids = session.segment_ids
    is_new = all(_DEFAULT_NAME.fullmatch(ours.GetSegment(one).GetName()) for one in ids)
    if ours is theirs or not is_new or same_names(session, segmentation_node) or any(session.look().contents):
        return 0
    for number, other in enumerate(theirs.GetSegmentIDs()):
        source = theirs.GetSegment(other)
        segment_id = ids[number] if number < len(ids) else ours.AddEmptySegment("", source.GetName())
        ours.GetSegment(segment_id).SetName(source.GetName())
        ours.GetSegment(segment_id).SetColor(source.GetColor())
        if session.state.segment_ids is not None and segment_id not in session.state.segment_ids:
            session.state.segment_ids.append(segment_id)
    return theirs.GetNumberOfSegments()
