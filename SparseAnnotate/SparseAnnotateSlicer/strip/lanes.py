"""The ranges of single structures, as thin lines under the bars: where each lies, and what the mouse meets. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Under the bars, which are lower by this much with several structures, so that the strip keeps its height.
HEIGHT = 12
_THICKEST = 3


@dataclass(frozen=True)
class Lane:
    """One structure.

    Attributes
    ----------
    segment_id, name : of its segment
    color : "#rrggbb"
    first, last : its planes; None for an end that nobody gave
    """

    segment_id: str
    name: str
    color: str
    first: int | None = None
    last: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether both ends are there."""
        return self.first is not None and self.last is not None


def rows_of(lanes: Sequence[Lane], selected: str) -> list[tuple[Lane, int, int]]:
    """Each lane with its top, counted from that of all lanes, and its thickness in pixels.

    With five or more the selected one is thicker than the others. There is room for twelve, or for nine of which one is
    selected: of more structures the first ones, and the selected one.
    """
    chosen = next((one for one in lanes if one.segment_id == selected), None)
    if len(lanes) * 3 <= HEIGHT or chosen is None:
        lanes = lanes[:HEIGHT]
        pitch = min(_THICKEST + 1, HEIGHT // max(1, len(lanes)))
        return [(lane, number * pitch, max(1, pitch - 1)) for number, lane in enumerate(lanes)]
    room = HEIGHT - _THICKEST - 1
    others = [one for one in lanes if one is not chosen][:room]
    shown = [one for one in lanes if one is chosen or one in others]
    pitch, top, rows = room // len(others), 0, []
    for lane in shown:
        thickness = _THICKEST if lane is chosen else 1
        rows.append((lane, top, thickness))
        top += thickness + 1 if lane is chosen else pitch
    return rows


def lane_at(lanes: Sequence[Lane], selected: str, y: float) -> Lane | None:
    """The lane nearest to a place, in pixels below the top of all lanes; None without lanes."""
    rows = rows_of(lanes, selected)
    return min(rows, key=lambda row: abs(row[1] + (row[2] - 1) / 2 - y))[0] if rows else None
