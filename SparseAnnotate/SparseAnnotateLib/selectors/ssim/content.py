"""The part of planes that is not background, which is all that the similarity of two planes has to be computed on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW = 7
LOST = WINDOW - 1
C1, _C2 = 0.01**2, 0.03**2
# numpy's window means are population moments; scikit-image corrects covariances to samples by 49/48. Here C2 is
# divided by it instead, which leaves the quotient as it is.
C2_POPULATION = _C2 * (WINDOW**2 - 1) / WINDOW**2


@dataclass(frozen=True)
class Scale:
    """How intensities are counted: from the centre, in data ranges."""

    centre: float
    data_range: float

    def __call__(self, values):
        return (values - self.centre) / self.data_range

    @property
    def zero(self) -> float:
        """What to add to get the true intensity, in data ranges."""
        return self.centre / self.data_range


@dataclass(frozen=True)
class Box:
    """Rows and columns of windows, each numbered by its upper left pixel; first and one past the last."""

    rows: tuple[int, int] = (0, 0)
    columns: tuple[int, int] = (0, 0)

    @property
    def area(self) -> int:
        """How many windows it holds."""
        return max(0, self.rows[1] - self.rows[0]) * max(0, self.columns[1] - self.columns[0])

    def __and__(self, other: Box) -> Box:
        """The windows in both."""
        return Box(_common(self.rows, other.rows), _common(self.columns, other.columns))

    def __or__(self, other: Box) -> Box:
        """The smallest box around both."""
        if not self.area or not other.area:
            return self if self.area else other
        return Box(_around(self.rows, other.rows), _around(self.columns, other.columns))


def _common(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])


def _around(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return min(one[0], other[0]), max(one[1], other[1])


@dataclass(frozen=True)
class Content:
    """Planes, and where each of them is not background.

    Background is what has the value of the first plane's corner. Where a plane is background its windows have no
    variance, and their similarity to those of another plane follows from that plane alone. So a pair has to be
    computed only where the boxes of both overlap: on a brain (BRATS, 155 planes of 240x240) that is a sixth of the
    pixels. An image without any background is just computed whole.

    Attributes
    ----------
    planes : float32 (N, rows, columns), cropped to the columns that any of them needs
    boxes : the windows of each plane that are not wholly background
    background : intensity
    """

    planes: np.ndarray
    boxes: tuple[Box, ...]
    background: float

    @classmethod
    def of(cls, planes: np.ndarray, background: float) -> Content:
        """Find the content of planes, or of a strip of rows of them, at least as large as a window."""
        boxes = [_box_of(plane != background) for plane in planes]
        whole = hull(boxes)
        first, last = whole.columns
        cropped = planes[:, :, first : last + LOST] if whole.area else planes[:, :, :0]
        moved = tuple(Box(box.rows, (box.columns[0] - first, box.columns[1] - first)) for box in boxes)
        return cls(cropped, moved, background)


def background_of(planes: np.ndarray) -> float:
    """The intensity that counts as background."""
    return float(planes[0, 0, 0]) if planes.size else 0.0


def hull(boxes) -> Box:
    """The smallest box around all that are not empty."""
    around = Box()
    for box in boxes:
        around |= box
    return around


def _box_of(filled: np.ndarray) -> Box:
    return Box(_touched(filled.any(axis=1)), _touched(filled.any(axis=0)))


def _touched(filled: np.ndarray) -> tuple[int, int]:
    """First and one past the last window that holds any of the `filled` positions; (0, 0) if none does."""
    positions = np.flatnonzero(filled)
    if not len(positions):
        return 0, 0
    return max(0, int(positions[0]) - LOST), min(len(filled) - LOST, int(positions[-1]) + 1)
