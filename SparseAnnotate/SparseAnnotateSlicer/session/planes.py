"""What a plane is to the user at one moment."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..scene.segments import SegmentLayers


class PlaneState(enum.Enum):
    """What the slice strip shows of a plane."""

    OUTSIDE = "outside the range"
    OPEN = "open"
    TO_PAINT = "to paint"
    PAINTED = "painted"
    EMPTY = "confirmed empty"
    PARTLY = "partly painted"
    PREDICTED = "predicted"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Present:
    """What the segmentation holds at one moment.

    Attributes
    ----------
    layers : the session's segments on the volume's grid
    contents : of every plane, see `painted`
    states : of every plane
    given : uint8 (planes, rows, columns), the labels of the user's; 0 where they are ours, or nobody's
    shown : bool (planes, segments), whether the user painted anything of a segment on a plane
    complete : bool (planes, segments), whether a segment was painted completely on a plane
    slivers : by segment ID, the planes that hold too little of it to count
    along : rows (1) and columns (2) that were painted completely, in another view
    parts : planes that hold slivers or strokes of another view: known there, and complete for no segment
    incomplete : painted planes on which a segment that is painted elsewhere is not complete
    pending : planes whose prediction waits for a decision; those in `parts` and `incomplete`, too
    thin : segment IDs of structures that may be scribbles everywhere
    dabs : first or last painted planes that may hold a stray dab only
    """

    layers: SegmentLayers
    contents: list[str]
    states: list[PlaneState]
    given: np.ndarray
    shown: np.ndarray
    complete: np.ndarray
    slivers: Mapping[str, tuple[int, ...]]
    along: Mapping[int, tuple[int, ...]]
    parts: frozenset[int]
    incomplete: frozenset[int]
    pending: tuple[int, ...]
    thin: tuple[str, ...] = ()
    dabs: tuple[int, ...] = ()

    def planes(self, *states: PlaneState) -> list[int]:
        """The planes in one of these states."""
        return [plane for plane, state in enumerate(self.states) if state in states]

    @property
    def painted(self) -> list[int]:
        """The planes that the user painted for any segment, or called empty or partly painted."""
        painted = self.planes(PlaneState.PAINTED, PlaneState.EMPTY, PlaneState.PARTLY)
        return [plane for plane in painted if plane not in self.parts]

    @property
    def whole(self) -> list[int]:
        """The painted planes on which nothing is left to predict: none of them is ever changed by us."""
        return [plane for plane in self.painted if plane not in self.incomplete]

    @property
    def around(self) -> frozenset[int]:
        """The planes that may be predicted around what the user painted, of which not a voxel is ever changed."""
        return self.parts | self.incomplete
