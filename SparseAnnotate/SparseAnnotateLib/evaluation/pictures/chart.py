"""A sheet to draw on with OpenCV: text, images of planes, outlines and curves.

matplotlib does more, but costs whoever wants this one picture 80 MB; the report of `evaluate` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import MissingPackageError

_GRID, _INK = "#d8d8d8", "#000000"
# Drawn so many times as large, since OpenCV's thinnest smooth line is nearly two pixels wide.
_SCALE = 3
# OpenCV takes places in whole parts of a pixel, a power of two.
_SUBPIXEL_BITS = 4


def check_drawing() -> None:
    """Refuse an OpenCV that has no font to draw letters with.

    Raises
    ------
    MissingPackageError
        For one before 5.
    """
    import cv2

    if not hasattr(cv2, "FontFace"):
        raise MissingPackageError("the picture needs OpenCV 5 or later: pip install 'sparse-annotate[demo]'")


class Sheet:
    """A white picture; places and widths are in pixels, from the upper left, colours as in #0072b2.

    Parameters
    ----------
    size : (width, height)
    """

    def __init__(self, size: tuple[int, int]):
        import cv2

        self.size = size
        self._large = np.full((size[1] * _SCALE, size[0] * _SCALE, 3), 255, np.uint8)
        self._font = cv2.FontFace("sans")

    def save(self, path: Path) -> None:
        """Write it as PNG."""
        import cv2

        pixels = cv2.resize(self._large, self.size, interpolation=cv2.INTER_AREA)
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())

    def text(self, place, text: str, align: str = "left", *, size: int = 14, color: str = _INK) -> None:
        """One line of text; its middle is as high as the place, and its left, middle or right end there."""
        import cv2

        x, y = place
        x -= {"left": 0, "middle": 0.5, "right": 1}[align] * self.width_of(text, size=size)
        # Digits and capitals are .7 of the size high.
        baseline = round(x * _SCALE), round((y + 0.35 * size) * _SCALE)
        cv2.putText(self._large, text, baseline, _bgr(color), self._font, size * _SCALE, 400)

    def width_of(self, text: str, *, size: int = 14) -> float:
        """How many pixels wide the text is."""
        import cv2

        return cv2.getTextSize(self._large.shape[1::-1], text, (0, 0), self._font, size * _SCALE, 400)[2] / _SCALE

    def line(self, places, color: str, width: float = 1) -> None:
        """A line through all places."""
        import cv2

        thickness = max(1, round(width * _SCALE - 1))
        cv2.polylines(self._large, [_fixed(places)], False, _bgr(color), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)

    def dashes(self, places, color: str, width: float = 1, *, dash: float = 6, gap: float = 4) -> None:
        """A dashed line through all places, its dashes of equal length around the corners."""
        places = np.asarray(places, float)
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))])
        for start in np.arange(0, along[-1], dash + gap):
            stop = min(start + dash, along[-1])
            at = np.concatenate([[start], along[(along > start) & (along < stop)], [stop]])
            self.line(np.stack([np.interp(at, along, axis) for axis in places.T], axis=1), color, width)

    def rectangle(self, box, color: str) -> None:
        """A filled rectangle: left, top, right, bottom."""
        left, top, right, bottom = box
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color)

    def polygon(self, places, color: str) -> None:
        """A filled polygon."""
        import cv2

        cv2.fillPoly(self._large, [_fixed(places)], _bgr(color), cv2.LINE_AA, _SUBPIXEL_BITS)

    def image(self, plane: np.ndarray, spacing_mm, box, window) -> tuple[float, float, float, float]:
        """A gray image, as large as fits into the box (left, top, width, height), centred; its rows run upwards.

        Parameters
        ----------
        plane : ndarray, shape (rows, columns)
        spacing_mm : of its rows and columns
        window : the intensities that are black and white

        Returns
        -------
        tuple of float
            Left and top, and how many pixels wide and high one voxel is.
        """
        import cv2

        left, top, width, height = box
        rows_mm, columns_mm = np.multiply(plane.shape, spacing_mm)
        factor = min(width / columns_mm, height / rows_mm)
        size = max(1, round(columns_mm * factor)), max(1, round(rows_mm * factor))
        low, high = window
        gray = np.clip((plane[::-1] - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
        x, y = round(left + (width - size[0]) / 2), round(top + (height - size[1]) / 2)
        large = cv2.resize(gray, (size[0] * _SCALE, size[1] * _SCALE), interpolation=cv2.INTER_CUBIC)
        there = slice(y * _SCALE, (y + size[1]) * _SCALE), slice(x * _SCALE, (x + size[0]) * _SCALE)
        self._large[there] = large[:, :, None]
        return x, y, size[0] / plane.shape[1], size[1] / plane.shape[0]

    def outlines(self, mask: np.ndarray, corner, color: str, width: float) -> None:
        """The outlines of a structure, through its outer voxels, on an image whose corner `image` said."""
        import cv2

        found, _ = cv2.findContours(mask[::-1].astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        left, top, right, down = corner
        for one in found:
            places = (one[:, 0] + 0.5) * (right, down) + (left, top)
            self.line(np.concatenate([places, places[:1]]), color, width)


def _fixed(places) -> np.ndarray:
    # OpenCV's (0, 0) is the middle of the first pixel, ours is its corner.
    return np.round((np.asarray(places, float) * _SCALE - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _bgr(color: str) -> tuple[int, int, int]:
    return int(color[5:7], 16), int(color[3:5], 16), int(color[1:3], 16)


def draw_curves(sheet: Sheet, box, curves: Sequence[tuple], x: tuple[str, float, float], y: tuple[str, float, float]):
    """Axes with a grid and a legend, and in them curves.

    Parameters
    ----------
    box : left, top, width, height of the axes without what is written beside them
    curves : (name, x, y, color, "line", "dashes" or "marks"); where y is not a number, a curve is interrupted
    x, y : what is written beside the axis, its lowest and its highest value
    """
    left, top, width, height = box
    (x_name, x_low, x_high), (y_name, y_low, y_high) = x, y

    def place(x_value, y_value):
        across = left + (x_value - x_low) / (x_high - x_low) * width
        return across, top + (y_high - y_value) / (y_high - y_low) * height

    for value in _ticks(x_low, x_high, 10):
        across, _ = place(value, y_low)
        sheet.line([(across, top), (across, top + height)], _GRID)
        sheet.text((across, top + height + 14), f"{value:g}", "middle", size=13)
    for value in _ticks(y_low, y_high, 5):
        _, down = place(x_low, value)
        sheet.line([(left, down), (left + width, down)], _GRID)
        sheet.text((left - 8, down), f"{value:.2f}", "right", size=13)
    sheet.text((left + width / 2, top + height + 32), x_name, "middle")
    sheet.text((left - 46, top + height / 2), y_name, "right")
    frame = [(left, top), (left + width, top), (left + width, top + height), (left, top + height), (left, top)]
    sheet.line(frame, _INK)
    for _, x_values, y_values, color, kind in curves:
        _draw_curve(sheet, [place(*pair) for pair in zip(x_values, y_values, strict=True)], color, kind)
    _draw_names(sheet, box, curves)


def _draw_curve(sheet: Sheet, places: list, color: str, kind: str) -> None:
    if kind == "marks":
        for x, y in places:
            sheet.polygon([(x, y), (x - 5, y - 8), (x + 5, y - 8)], color)
        return
    whole = np.isfinite(places).all(axis=1)
    for piece in np.split(np.arange(len(places)), np.flatnonzero(np.diff(whole)) + 1):
        if len(piece) > 1 and whole[piece[0]]:
            draw = sheet.line if kind == "line" else sheet.dashes
            draw([places[n] for n in piece], color, 1.5)


def _draw_names(sheet: Sheet, box, curves: Sequence[tuple]) -> None:
    left, top, width, height = box
    widths = [sheet.width_of(name, size=13) + 64 for name, *_ in curves]
    start, middle = left + (width - sum(widths)) / 2, top + height - 20
    sheet.rectangle((start - 8, middle - 12, start + sum(widths) - 16, middle + 12), "#ffffff")
    for (name, _, _, color, kind), room in zip(curves, widths, strict=True):
        line = [(start, middle), (start + 30, middle)]
        _draw_curve(sheet, [(start + 15, middle + 4)] if kind == "marks" else line, color, kind)
        sheet.text((start + 38, middle), name, size=13)
        start += room


def _ticks(low: float, high: float, most: int) -> np.ndarray:
    """At most so many round numbers from `low` to `high`."""
    exact = (high - low) / most
    power = 10.0 ** np.floor(np.log10(exact))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= exact * (1 - 1e-9))
    # Nothing is added but to -0, which would be written with its sign.
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step + 0.0
