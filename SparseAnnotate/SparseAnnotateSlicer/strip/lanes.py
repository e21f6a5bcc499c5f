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

    There is room for twelve: of more structures the first ones, and the selected one.
    """
    if len(lanes) > HEIGHT:
        shown = [*lanes[: HEIGHT - 1], next((one for one in lanes[HEIGHT - 1 :] if one.segment_id == selected), None)]
        lanes = [*shown[:-1], shown[-1] or lanes[HEIGHT - 1]]
    pitch = min(_THICKEST + 1, HEIGHT // max(1, len(lanes)))
    return [(lane, number * pitch, max(1, pitch - 1)) for number, lane in enumerate(lanes)]


def lane_at(lanes: Sequence[Lane], selected: str, y: float) -> Lane | None:
    """The lane nearest to a place, in pixels below the top of all lanes; None without lanes."""
    rows = rows_of(lanes, selected)
    return min(rows, key=lambda row: abs(row[1] + (row[2] - 1) / 2 - y))[0] if rows else None
