"""Draws the slice strip: shapes tell the states apart, colours only help, in light and in dark palettes.

Painted planes are the tallest bars, solid, lower where only the selected structure is complete there, with a dot above
where only others are; planes seen to be empty are hollow, with a ring; planes painted in part are
half filled, with a half filled disc; planes to paint are hollow, with an arrow onto them. Predicted ones are the higher
the better their expected Dice (hatched where nobody knows it, notched below 0.8, twice below 0.7), accepted ones
likewise, hollow, with a tick. With several structures a thin line a structure lies under the bars: its range, dotted
where nobody said one; the handles are the selected one's. All is drawn with
filled rectangles, paths and plain text, whose arguments PythonQt cannot mistake for others.
"""

from __future__ import annotations

from dataclasses import dataclass

import qt

from ..session.planes import PlaneState
from . import lanes
from .model import Bar, Mark, StripModel

HEIGHT = 66
# From the top: the signs, the bars, and below them the range with its handles and slice numbers.
MARKS, BARS = 12, 36
BASE = MARKS + BARS
_HANDLE_WIDTH, _FONT_PIXELS = 7, 10
# Of a line that is not known from end to end: how far apart its dots are, and how long the end is that was given.
_DOTS, _STUB = 6, 9
# Okabe and Ito's palette, told apart by colour-blind readers, its blue in three shades, lighter on dark ground. For
# expected Dice from the first number on: 0.8 and 0.9 are what readers of segmentation papers call good and very good.
_DICE_LIGHT = ((0.95, "#0072B2"), (0.9, "#3F9BD3"), (0.8, "#93CDF1"), (0.7, "#E69F00"), (-1.0, "#D55E00"))
_DICE_DARK = ((0.95, "#2F8FD6"), (0.9, "#6DB5E8"), (0.8, "#B5DFF8"), (0.7, "#E69F00"), (-1.0, "#E8691A"))


@dataclass(frozen=True)
class Colors:
    """The colours of a strip on a light or a dark ground, as QColor."""

    ground: object
    text: object
    faint: object
    to_paint: object
    accepted: object
    dice: tuple

    @classmethod
    def of(cls, palette) -> Colors:
        """Those that go with a QPalette."""
        ground, text = palette.color(qt.QPalette.Base), palette.color(qt.QPalette.Text)
        dark = ground.lightness() < 128
        dice = _DICE_DARK if dark else _DICE_LIGHT
        return cls(
            ground=ground,
            text=text,
            faint=qt.QColor("#6E6E6E" if dark else "#B4B4B4"),
            to_paint=qt.QColor("#F08AD0" if dark else "#A8207F"),
            accepted=qt.QColor("#1FC496" if dark else "#009E73"),
            dice=tuple((least, qt.QColor(name)) for least, name in dice),
        )

    def of_dice(self, dice: float | None):
        """The colour of an expected Dice."""
        return next(color for least, color in self.dice if (0.75 if dice is None else dice) >= least)


def paint(painter, model: StripModel, colors: Colors, width: int, hint: str) -> None:
    """Draw a strip, `width` pixels wide and `HEIGHT` high; without planes the hint."""
    painter.fillRect(0, 0, width, BASE, colors.ground)
    font = qt.QFont(painter.font())
    font.setPixelSize(_FONT_PIXELS)
    painter.setFont(font)
    if not model.planes:
        painter.setPen(qt.QPen(colors.text))
        painter.drawText(8, BASE // 2 + 8, hint)
        return
    base = base_of(model)
    for bar in model.bars(width):
        _paint_bar(painter, bar, colors, base)
    _paint_lanes(painter, model, width)
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    for mark in model.marks(width):
        _paint_mark(painter, mark, colors)
    painter.setRenderHint(qt.QPainter.Antialiasing, False)
    _paint_range(painter, model, colors, width)
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    _paint_current(painter, model, colors, width, base)
    _paint_numbers(painter, model, colors, width)


def base_of(model: StripModel) -> int:
    """Where the bars stand, in pixels from the top: with several structures above the lines of their ranges."""
    return BASE - (lanes.HEIGHT if model.lanes else 0)


def _paint_bar(painter, bar: Bar, colors: Colors, base: int) -> None:
    height = round((base - MARKS) * bar.height)
    top = base - height
    if bar.state is PlaneState.OUTSIDE:
        painter.fillRect(bar.x, base - 2, bar.width, 2, colors.faint)
    elif bar.state is PlaneState.OPEN:
        painter.fillRect(bar.x, top, bar.width, height, colors.faint)
    elif bar.state is PlaneState.PREDICTED:
        _paint_predicted(painter, bar, (top, base), colors)
    elif bar.state is PlaneState.ACCEPTED:
        _paint_accepted(painter, bar, top, height, colors)
    elif bar.state is PlaneState.TO_PAINT:
        _paint_frame(painter, bar, (MARKS, base), colors.to_paint, colors.ground)
    else:
        _paint_given(painter, bar, colors, base)


def _paint_predicted(painter, bar: Bar, ends: tuple[int, int], colors: Colors) -> None:
    color, (top, base) = colors.of_dice(bar.dice), ends
    if bar.dice is not None:
        painter.fillRect(bar.x, top, bar.width, base - top, color)
        for line in _notches(bar.dice):
            painter.fillRect(bar.x, base - line, bar.width, 2, colors.ground)
        return
    color = colors.dice[1][1]
    for line in range(top, base, 4):
        painter.fillRect(bar.x, line, bar.width, 2, color)


def _notches(dice: float) -> tuple[int, ...]:
    """Gaps in a bar, in pixels above its foot: one below 0.8, two below 0.7, for those who see the colours alike."""
    return () if dice >= 0.8 else (5,) if dice >= 0.7 else (5, 9)


def _paint_accepted(painter, bar: Bar, top: int, height: int, colors: Colors) -> None:
    """A frame, where there is room for one: a predicted bar is solid."""
    painter.fillRect(bar.x, top, bar.width, height, colors.accepted)
    if bar.width >= 5 and height >= 6:
        painter.fillRect(bar.x + 2, top + 2, bar.width - 4, height - 2, colors.ground)


def _paint_given(painter, bar: Bar, colors: Colors, base: int) -> None:
    """Painted, empty and partly painted planes: up to the top of the strip."""
    top = 1 if bar.state is PlaneState.PAINTED and bar.of_all else MARKS
    if bar.state is PlaneState.PAINTED:
        painter.fillRect(bar.x, top, bar.width, base - top, colors.text)
        return
    _paint_frame(painter, bar, (top, base), colors.text, colors.ground)
    if bar.state is PlaneState.PARTLY:
        half = (base - top) // 2
        painter.fillRect(bar.x, base - half, bar.width, half, colors.text)


def _paint_frame(painter, bar: Bar, ends: tuple[int, int], color, inside) -> None:
    """A hollow bar; its lines are as thick as leaves something hollow."""
    line, (top, base) = 2 if bar.width >= 7 else 1, ends
    painter.fillRect(bar.x, top, bar.width, base - top, color)
    painter.fillRect(bar.x + line, top + line, bar.width - 2 * line, base - top - 2 * line, inside)


def _paint_lanes(painter, model: StripModel, width: int) -> None:
    """A thin line a structure in its colour; dotted as far as nobody said where it begins or ends."""
    for lane, top, thickness in lanes.rows_of(model.lanes, model.selected):
        color, y = qt.QColor(lane.color), base_of(model) + 1 + top
        left, right = (round(x) for x in model.pixels_of(lane, width))
        if lane.is_whole:
            painter.fillRect(left, y, right - left, thickness, color)
            continue
        for x in range(left, right, _DOTS):
            painter.fillRect(x, y, 2, thickness, color)
        for end, x in ((lane.first, left), (lane.last, right - _STUB)):
            if end is not None:
                painter.fillRect(x, y, _STUB, thickness, color)


def _paint_mark(painter, mark: Mark, colors: Colors) -> None:
    x = mark.x
    if mark.state is PlaneState.TO_PAINT:
        painter.fillPath(_triangle(x, MARKS - 1, 5, -8), qt.QBrush(colors.to_paint))
    elif mark.state is PlaneState.PAINTED:
        painter.fillRect(round(x) - 2, 1, 4, 4, colors.text)
    elif mark.state is PlaneState.ACCEPTED:
        painter.strokePath(_tick(x, MARKS - 4), _pen(colors.accepted, 2))
    else:
        ring = qt.QPainterPath()
        ring.addEllipse(x - 3.5, 2.0, 7.0, 7.0)
        painter.strokePath(ring, _pen(colors.text, 1.5))
        if mark.state is PlaneState.PARTLY:
            half = qt.QPainterPath()
            half.moveTo(x - 3.5, 5.5)
            half.arcTo(x - 3.5, 2.0, 7.0, 7.0, 180.0, 180.0)
            half.closeSubpath()
            painter.fillPath(half, qt.QBrush(colors.text))


def _paint_range(painter, model: StripModel, colors: Colors, width: int) -> None:
    """A line under the planes of the range with a handle at either end; paler where nobody has said the range."""
    left, right = (round(x) for x in model.handles(width))
    lane = model.lane
    said = colors.text if lane is None else qt.QColor(lane.color)
    given = [colors.faint if end is None else said for end in model.held]
    painter.fillRect(0, BASE, width, 1, colors.faint)
    painter.fillRect(left, BASE + 1, right - left, 3, said if None not in model.held else colors.faint)
    for x, color in zip((left - _HANDLE_WIDTH, right), given, strict=True):
        painter.fillRect(x, BASE + 1, _HANDLE_WIDTH, HEIGHT - BASE - 3, color)
        painter.fillRect(x + 2, BASE + 5, 1, HEIGHT - BASE - 11, colors.ground)
        painter.fillRect(x + 4, BASE + 5, 1, HEIGHT - BASE - 11, colors.ground)


def _paint_current(painter, model: StripModel, colors: Colors, width: int, base: int) -> None:
    """A frame around the plane in the view and an arrow below it; an arrow at the edge for a plane out of sight."""
    if model.current is None:
        return
    first, last = model.window
    middle = model.middle_of(model.current, width)
    if not first <= model.current <= last:
        x = 1.0 if model.current < first else width - 1.0
        painter.fillPath(_sideways(x, base / 2, 7.0 if x < 2 else -7.0), qt.QBrush(colors.text))
        return
    half = max(2.0, model.slot_width(width) / 2) + 0.5
    for grow, color in ((1.5, colors.ground), (0.0, colors.text)):
        frame = qt.QPainterPath()
        frame.addRect(middle - half - grow, 0.5, 2 * (half + grow), base - 0.5)
        painter.strokePath(frame, _pen(color, 1.5))
    painter.fillPath(_triangle(middle, BASE + 3, 7, 8), qt.QBrush(colors.ground))
    painter.fillPath(_triangle(middle, BASE + 4, 5, 7), qt.QBrush(colors.text))


def _paint_numbers(painter, model: StripModel, colors: Colors, width: int) -> None:
    """Slice numbers of the current plane and of both ends, where there is room for them."""
    first, last = model.ends_of(model.lane)
    left, right = model.handles(width)
    taken = [(left - _HANDLE_WIDTH, left), (right, right + _HANDLE_WIDTH)]
    wanted = [(first, [(left + 3, 0)]), (last, [(right - 3, 1)])]
    current = model.current
    if current is not None and model.window[0] <= current <= model.window[1]:
        middle = model.middle_of(current, width)
        taken.append((middle - 6, middle + 6))
        wanted = [(current, [(middle + 9, 0), (middle - 9, 1)]), *(one for one in wanted if one[0] != current)]
    painter.setPen(qt.QPen(colors.text))
    for plane, places in wanted:
        text = str(model.planes[plane].slice_number)
        long = _text_width(painter, text)
        # Right of a place, or left of it.
        spans = [(x - end * long, x - end * long + long) for x, end in places]
        span = next((one for one in spans if _is_free(one, taken, width)), None)
        if span is not None:
            taken.append(span)
            painter.drawText(round(span[0]), HEIGHT - 3, text)


def _is_free(span: tuple[float, float], taken: list[tuple[float, float]], width: int) -> bool:
    inside = span[0] >= 0 and span[1] <= width
    return inside and all(span[1] + 2 <= one[0] or one[1] + 2 <= span[0] for one in taken)


def _text_width(painter, text: str) -> int:
    return painter.fontMetrics().boundingRect(text).width()


def _pen(color, width: float):
    pen = qt.QPen(color)
    pen.setWidthF(width)
    return pen


def _triangle(x: float, tip: float, half_width: float, height: float):
    """A triangle with its tip at (x, tip); a positive height goes down from it."""
    path = qt.QPainterPath()
    path.moveTo(x, tip)
    path.lineTo(x - half_width, tip + height)
    path.lineTo(x + half_width, tip + height)
    path.closeSubpath()
    return path


def _sideways(x: float, y: float, width: float):
    """A triangle with its tip at (x, y) that points left for a positive width, else right."""
    path = qt.QPainterPath()
    path.moveTo(x, y)
    path.lineTo(x + width, y - 6.0)
    path.lineTo(x + width, y + 6.0)
    path.closeSubpath()
    return path


def _tick(x: float, y: float):
    path = qt.QPainterPath()
    path.moveTo(x - 4.0, y - 1.5)
    path.lineTo(x - 1.0, y + 1.5)
    path.lineTo(x + 4.0, y - 4.5)
    return path
