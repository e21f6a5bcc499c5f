"""What a plane is to the user at one moment."""

from __future__ import annotations

import enum
from dataclasses import dataclass

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
    """

    layers: SegmentLayers
    contents: list[str]
    states: list[PlaneState]

    def planes(self, *states: PlaneState) -> list[int]:
        """The planes in one of these states."""
        return [plane for plane, state in enumerate(self.states) if state in states]

    @property
    def painted(self) -> list[int]:
        """The planes that the user painted, wholly, partly or as empty: none of them is ever changed by us."""
        return self.planes(PlaneState.PAINTED, PlaneState.EMPTY, PlaneState.PARTLY)
