"""What a plane is to the user at one moment."""

from __future__ import annotations

import enum
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
    complete : bool (planes, segments), whether a segment was painted completely on a plane
    parts : planes that hold slivers or strokes of another view: known there, and complete for no segment
    pending : planes whose prediction waits for a decision; those in `parts`, too
    """

    layers: SegmentLayers
    contents: list[str]
    states: list[PlaneState]
    complete: np.ndarray
    parts: frozenset[int]
    pending: tuple[int, ...]

    def planes(self, *states: PlaneState) -> list[int]:
        """The planes in one of these states."""
        return [plane for plane, state in enumerate(self.states) if state in states]

    @property
    def painted(self) -> list[int]:
        """The planes that the user painted, or called empty or partly painted: none of them is ever changed by us.

        Of `parts` only the voxels are the user's; around them a plane may be predicted and accepted.
        """
        painted = self.planes(PlaneState.PAINTED, PlaneState.EMPTY, PlaneState.PARTLY)
        return [plane for plane in painted if plane not in self.parts]
