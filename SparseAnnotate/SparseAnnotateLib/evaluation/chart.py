"""A sheet to draw on with Pillow: text, images of planes, outlines and curves.

matplotlib does more, but costs whoever wants this one picture 80 MB; the report of `evaluate` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

# Pillow's lines have hard edges, so everything is drawn this many times as large.
_SCALE = 3
_GRID, _INK = "#d8d8d8", "#000000"


class Sheet:
    """A white picture; places and widths are in its pixels, from the upper left.

    Parameters
    ----------
    size : (width, height)
    """

    def __init__(self, size: tuple[int, int]):
        from PIL import Image, ImageDraw

        self.size = size
        self._large = Image.new("RGB", (size[0] * _SCALE, size[1] * _SCALE), "white")
        self._pen = ImageDraw.Draw(self._large)

    def save(self, path: Path) -> None:
        """Write it as PNG."""
        from PIL import Image

        self._large.resize(self.size, Image.Resampling.BOX).save(path, "png", optimize=True)

    def text(self, place, text: str, anchor: str = "la", *, size: float = 14, color: str = _INK) -> None:
        """One line of text; `anchor` is Pillow's: left, middle or right, then ascender, middle or baseline."""
        from PIL import ImageFont

        font = ImageFont.load_default(size * _SCALE)
        self._pen.text(self._place(place), text, fill=color, font=font, anchor=anchor)

    def width_of(self, text: str, *, size: float = 14) -> float:
        """How many pixels wide the text is."""
        from PIL import ImageFont

        return ImageFont.load_default(size * _SCALE).getlength(text) / _SCALE

    def line(self, places, color: str, width: float) -> None:
        """A line through all places."""
        self._pen.line([self._place(place) for place in places], color, round(width * _SCALE), joint="curve")

    def dashes(self, places, color: str, width: float, *, dash: float = 6, gap: float = 3) -> None:
        """A dashed line through all places, its dashes of equal length around the corners."""
        places = np.asarray(places, float)
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))])
        for start in np.arange(0, along[-1], dash + gap):
            stop = min(start + dash, along[-1])
            at = np.concatenate([[start], along[(along > start) & (along < stop)], [stop]])
            self.line(np.stack([np.interp(at, along, axis) for axis in places.T], axis=1), color, width)

    def rectangle(self, box, color: str) -> None:
        """A filled rectangle: left, top, right, bottom."""
        self._pen.rectangle([*self._place(box[:2]), *self._place(box[2:])], fill=color)

    def triangle(self, place, color: str, size: float = 5) -> None:
        """A filled triangle that stands with its tip on the place."""
        x, y = place
        corners = [(x, y), (x - size, y - 1.6 * size), (x + size, y - 1.6 * size)]
        self._pen.polygon([self._place(corner) for corner in corners], fill=color)

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
        from PIL import Image

        left, top, width, height = box
        rows_mm, columns_mm = np.multiply(plane.shape, spacing_mm)
        factor = min(width / columns_mm, height / rows_mm)
        size = max(1, round(columns_mm * factor)), max(1, round(rows_mm * factor))
        low, high = window
        gray = np.clip((plane[::-1] - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
        large = Image.fromarray(gray).resize((size[0] * _SCALE, size[1] * _SCALE), Image.Resampling.NEAREST)
        corner = left + (width - size[0]) // 2, top + (height - size[1]) // 2
        self._large.paste(large, (corner[0] * _SCALE, corner[1] * _SCALE))
        return (*corner, size[0] / plane.shape[1], size[1] / plane.shape[0])

    def outlines(self, mask: np.ndarray, corner, color: str, width: float) -> None:
        """The outlines of a structure on an image that `image` drew and said the corner of: along the voxels' edges."""
        left, top, right, down = corner
        padded = np.pad(mask[::-1], 1)
        for axis in (0, 1):
            before, after = (
                (padded[:-1, 1:-1], padded[1:, 1:-1]) if axis == 0 else (padded[1:-1, :-1], padded[1:-1, 1:])
            )
            for row, column in np.argwhere(before != after).tolist():
                end = (row, column + 1) if axis == 0 else (row + 1, column)
                places = [(left + x * right, top + y * down) for y, x in ((row, column), end)]
                self.line(places, color, width)

    def _place(self, place) -> tuple[int, int]:
        return round(float(place[0]) * _SCALE), round(float(place[1]) * _SCALE)


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
        sheet.line([(across, top), (across, top + height)], _GRID, 0.7)
        sheet.text((across, top + height + 6), f"{value:g}", "ma", size=13)
    for value in _ticks(y_low, y_high, 5):
        _, down = place(x_low, value)
        sheet.line([(left, down), (left + width, down)], _GRID, 0.7)
        sheet.text((left - 6, down), f"{value:.2f}", "rm", size=13)
    sheet.text((left + width / 2, top + height + 24), x_name, "ma")
    sheet.text((left - 44, top + height / 2), y_name, "rm")
    frame = [(left, top), (left + width, top), (left + width, top + height), (left, top + height), (left, top)]
    sheet.line(frame, _INK, 0.8)
    for _, x_values, y_values, color, kind in curves:
        _draw_curve(sheet, [place(*pair) for pair in zip(x_values, y_values, strict=True)], color, kind)
    _draw_names(sheet, box, curves)


def _draw_curve(sheet: Sheet, places: list, color: str, kind: str) -> None:
    if kind == "marks":
        for place in places:
            sheet.triangle(place, color)
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
    sheet.rectangle((start - 8, middle - 12, start + sum(widths) - 16, middle + 12), "white")
    for (name, _, _, color, kind), room in zip(curves, widths, strict=True):
        line = [(start, middle), (start + 30, middle)]
        _draw_curve(sheet, [(start + 15, middle + 4)] if kind == "marks" else line, color, kind)
        sheet.text((start + 38, middle), name, "lm", size=13)
        start += room


def _ticks(low: float, high: float, most: int) -> np.ndarray:
    """At most so many round numbers from `low` to `high`."""
    exact = (high - low) / most
    power = 10.0 ** np.floor(np.log10(exact))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= exact * (1 - 1e-9))
    # Nothing is added but to -0, which would be written with its sign.
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step + 0.0
