"""What the slice strip shows, and where: planes, the window on them, bars and marks. No Qt, no pixels drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..session.planes import PlaneState
from .lanes import Lane

# Left and right of the bars, so that the handles of the range have room at both ends of the volume.
MARGIN = 10
# Around the range: planes to see that it ends there, and to drag it out to.
_LEAST_AROUND, _SHARE_AROUND = 3, 0.15
# A bar narrower than this has no gap to the next one, which would be most of it.
_GAP_FROM = 3.0
# What the user does with planes is seen, however many there are: these bars are never narrower (pixels).
_LEAST_WIDTH = 3
_MARK_WIDTH = 11
# Of several planes in one pixel the one that matters most is shown.
_IMPORTANCE = (
    PlaneState.OUTSIDE,
    PlaneState.OPEN,
    PlaneState.ACCEPTED,
    PlaneState.PREDICTED,
    PlaneState.PAINTED,
    PlaneState.EMPTY,
    PlaneState.PARTLY,
    PlaneState.TO_PAINT,
)
_RANK = {state: rank for rank, state in enumerate(_IMPORTANCE)}
_GIVEN = (PlaneState.PAINTED, PlaneState.EMPTY, PlaneState.PARTLY, PlaneState.TO_PAINT)
_MARKED = (PlaneState.TO_PAINT, PlaneState.PARTLY, PlaneState.EMPTY, PlaneState.ACCEPTED)
_LOW, _UNKNOWN = 0.15, 0.5
# Expected Dice are mostly above 0.8: heights run from here to 1, so that good and very good can be told apart.
_LOWEST_DICE = 0.5


@dataclass(frozen=True)
class StripPlane:
    """One plane of the annotation axis.

    Attributes
    ----------
    index : from 0, its place in the list given to `StripModel`
    slice_number : as shown to the user
    position_mm : along the axis, as the slice view shows it
    reason : why it was suggested, or ""
    expected_dice : 0..1, of a predicted or accepted plane; None where nobody knows
    interval : of the expected Dice, lower and upper end, or None
    corrected : painted on top of a prediction
    structures : the worst of several structures and the others, in words, or ""
    of_all : whether a painted plane is complete for all structures, not only for the selected one
    elsewhere : whether the plane is painted, but not for the selected structure
    """

    index: int
    slice_number: int
    position_mm: float
    state: PlaneState
    reason: str = ""
    expected_dice: float | None = None
    interval: tuple[float, float] | None = None
    structures: str = ""
    of_all: bool = True
    elsewhere: bool = False
    corrected: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar in pixels; its height is a share of the room. `dice` is None where it is not known; see StripPlane."""

    x: int
    width: int
    height: float
    state: PlaneState
    dice: float | None = None
    of_all: bool = True


@dataclass(frozen=True)
class Mark:
    """A sign above the bar of a plane, centred at x (pixels); PAINTED for one that other structures are painted on."""

    x: float
    state: PlaneState


@dataclass
class StripModel:
    """The planes, the range, where the user is, and which part of it all is in sight.

    Attributes
    ----------
    plane_range : first and last plane, or None
    current : the plane in the slice view, or None
    whole : show all planes, not only the range and what is around it
    lanes : the range of each structure, where there are several
    selected : segment ID of the one whose ends the handles are; "" for the range of all
    """

    planes: Sequence[StripPlane] = ()
    plane_range: tuple[int, int] | None = None
    current: int | None = None
    whole: bool = False
    lanes: Sequence[Lane] = ()
    selected: str = ""
    _reach: tuple[int, int] | None = field(default=None, repr=False)

    @property
    def window(self) -> tuple[int, int]:
        """First and last plane in sight; (0, -1) without planes."""
        last = len(self.planes) - 1
        if self._reach is not None:
            return self._reach
        if self.plane_range is None or self.whole:
            return 0, last
        start, stop = self.plane_range
        around = max(_LEAST_AROUND, math.ceil(_SHARE_AROUND * (stop - start + 1)))
        return max(0, start - around), min(last, stop + around)

    def hold_window(self) -> None:
        """Keep what is in sight while an end of the range is dragged; see `let_window_go`."""
        self._reach = self.window

    def widen_window(self, plane: int) -> None:
        """While the window is held: bring a plane into sight."""
        first, last = self.window
        self._reach = min(first, plane), max(last, plane)

    def let_window_go(self) -> None:
        """From now on the window follows the range again."""
        self._reach = None

    def slot_width(self, width: int) -> float:
        """Pixels a plane, of a strip so many pixels wide."""
        first, last = self.window
        return max(1.0, width - 2 * MARGIN) / max(1, last - first + 1)

    def left_of(self, plane: int, width: int) -> float:
        """Pixel where a plane begins; also for planes out of sight."""
        return MARGIN + (plane - self.window[0]) * self.slot_width(width)

    def middle_of(self, plane: int, width: int) -> float:
        """Pixel in the middle of a plane."""
        return self.left_of(plane, width) + self.slot_width(width) / 2

    def plane_at(self, x: float, width: int, *, beyond: bool = False) -> int | None:
        """The plane at a pixel: the nearest one in sight, or with `beyond` also one out of sight; None without any."""
        if not self.planes:
            return None
        first, last = (0, len(self.planes) - 1) if beyond else self.window
        plane = self.window[0] + math.floor((x - MARGIN) / self.slot_width(width))
        return min(max(plane, first), last)

    def bars(self, width: int) -> list[Bar]:
        """All bars in the order in which to draw them: what the user gave comes last, above its neighbours."""
        slot = self.slot_width(width)
        bars = [self._bar(planes, column, slot) for column, planes in self._columns(width)]
        return sorted(bars, key=lambda bar: bar.state in _GIVEN)

    def _columns(self, width: int) -> Iterator[tuple[float, list[StripPlane]]]:
        """Planes that share a place, with their left end: one a plane, or all of one pixel."""
        first, last = self.window
        if self.slot_width(width) >= 1:
            for plane in range(first, last + 1):
                yield self.left_of(plane, width), [self.planes[plane]]
            return
        columns: dict[int, list[StripPlane]] = {}
        for plane in range(first, last + 1):
            columns.setdefault(math.floor(self.left_of(plane, width)), []).append(self.planes[plane])
        yield from columns.items()

    def _bar(self, planes: list[StripPlane], left: float, slot: float) -> Bar:
        shown = max(planes, key=_urgency)
        x, end = round(left), round(left + max(1.0, slot))
        width = max(1, end - x - (slot >= _GAP_FROM))
        if shown.state in _GIVEN and width < _LEAST_WIDTH:
            x, width = x - (_LEAST_WIDTH - width) // 2, _LEAST_WIDTH
        return Bar(x, width, _height(shown), shown.state, shown.expected_dice, shown.of_all)

    def marks(self, width: int) -> list[Mark]:
        """The signs above the bars, none over another one: of neighbours the first, the more urgent kind first."""
        placed: list[Mark] = []
        taken: set[int] = set()
        for state in _MARKED:
            if state is PlaneState.ACCEPTED:
                # Ticks are many; painted planes, which reach up to here, are not to be crossed out by them.
                taken.update(self._pixels_of(PlaneState.PAINTED, width))
            for middle in self._middles(state, width):
                pixels = range(round(middle - _MARK_WIDTH / 2), round(middle + _MARK_WIDTH / 2))
                if taken.isdisjoint(pixels):
                    taken.update(pixels)
                    placed.append(Mark(middle, state))
        first, last = self.window
        placed += [
            Mark(self.middle_of(plane, width), PlaneState.PAINTED)
            for plane in range(first, last + 1)
            if self.planes[plane].elsewhere and self.planes[plane].state is not PlaneState.TO_PAINT
        ]
        return placed

    def _middles(self, state: PlaneState, width: int) -> Iterator[float]:
        first, last = self.window
        here = (plane for plane in range(first, last + 1) if self.planes[plane].state is state)
        return (self.middle_of(plane, width) for plane in here)

    def _pixels_of(self, state: PlaneState, width: int) -> Iterator[int]:
        half = max(_LEAST_WIDTH, self.slot_width(width)) / 2
        for middle in self._middles(state, width):
            yield from range(round(middle - half), round(middle + half))

    @property
    def lane(self) -> Lane | None:
        """The selected structure's; None where the handles are those of the range of all."""
        return next((one for one in self.lanes if one.segment_id == self.selected), None)

    @property
    def held(self) -> tuple[int | None, int | None]:
        """The planes at the handles; None for an end that nobody gave."""
        lane = self.lane
        return (lane.first, lane.last) if lane is not None else self.plane_range or (None, None)

    def ends_of(self, lane: Lane | None) -> tuple[int, int]:
        """First and last plane of a structure, or of all: else where all of them end, or what is in sight does."""
        around = self.plane_range or self.window
        first, last = self.held if lane is None else (lane.first, lane.last)
        return around[0] if first is None else first, around[1] if last is None else last

    def handles(self, width: int) -> tuple[float, float] | None:
        """Pixels of both ends of the range; of all planes in sight where nobody said any; None without planes."""
        return self.pixels_of(self.lane, width) if self.planes else None

    def pixels_of(self, lane: Lane | None, width: int) -> tuple[float, float]:
        """Pixels of both ends of a structure's range, or of that at the handles."""
        first, last = self.ends_of(lane)
        return self.left_of(first, width), self.left_of(last + 1, width)

    def range_with(self, end: str, plane: int) -> tuple[int, int]:
        """The range after its end "first" or "last" was moved to a plane; the ends do not pass each other."""
        first, last = self.plane_range or (0, len(self.planes) - 1)
        return (min(plane, last), last) if end == "first" else (first, max(plane, first))

    def move_end(self, end: str, plane: int) -> int:
        """Move an end of the range at the handles to a plane, or as near as the other one lets it; returns where."""
        lane = self.lane
        if lane is None:
            self.plane_range = self.range_with(end, plane)
            return self.plane_range[end == "last"]
        if end == "first":
            plane = plane if lane.last is None else min(plane, lane.last)
        else:
            plane = plane if lane.first is None else max(plane, lane.first)
        moved = replace(lane, **{end: plane})
        self.lanes = [moved if one.segment_id == self.selected else one for one in self.lanes]
        return plane


def _urgency(plane: StripPlane) -> tuple[int, float]:
    """Of several planes in one pixel the highest is shown: of predicted ones the worst."""
    return _RANK[plane.state], -(1.0 if plane.expected_dice is None else plane.expected_dice)


def _height(plane: StripPlane) -> float:
    if plane.state in _GIVEN:
        return 1.0
    if plane.state in (PlaneState.PREDICTED, PlaneState.ACCEPTED):
        if plane.expected_dice is None:
            return _UNKNOWN
        return min(1.0, max(_LOW, (plane.expected_dice - _LOWEST_DICE) / (1.0 - _LOWEST_DICE)))
    return _LOW if plane.state is PlaneState.OPEN else 0.0
