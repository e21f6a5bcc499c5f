"""A picture (SVG) of boxes in rows. An arrow leads from a box to one in a row below it, around the boxes between."""

from collections.abc import Mapping
from html import escape
from itertools import pairwise

_LETTER, _LINE, _PAD = 7.2, 17, 9  # pixels
_BETWEEN, _ROW = 26, 46
_WAY = 10  # width of an arrow that passes a row


def svg(boxes: Mapping[str, list[str]], arrows: set[tuple[str, str]]) -> str:
    """Boxes with lines of text, by their names. The arrows form no circle."""
    below = {box: sorted(other for one, other in arrows if one == box) for box in boxes}
    level = _levels(below)
    # A box stands as high as those allow that lead to it, so that arrows are short.
    for box in sorted(boxes, key=level.__getitem__, reverse=True):
        above = [level[one] for one, other in arrows if other == box]
        level[box] = min(above) - 1 if above and below[box] else level[box]
    ways = {(one, other): _way(one, other, level) for one, other in sorted(arrows)}
    links = {pair for way in ways.values() for pair in pairwise(way)}
    rows: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for box in boxes:
        rows[level[box]].append(box)
    for way in ways.values():
        for number, name in enumerate(way[1:-1], 1):
            rows[level[way[0]] - number].append(name)
    width = {name: max(map(len, text)) * _LETTER + 2 * _PAD for name, text in boxes.items()}
    x = _places(rows, links, {name: width.get(name, _WAY) for row in rows for name in row})
    height = [max(len(boxes.get(name, [""])) for name in row) * _LINE + 2 * _PAD for row in rows]
    # y of each row's middle, the first row at the bottom
    total = sum(height) + _ROW * len(rows)
    y = [total - sum(height[:n]) - n * _ROW - height[n] / 2 - _ROW / 2 for n in range(len(rows))]
    place = {name: (x[name], y[number]) for number, row in enumerate(rows) for name in row}
    size = {box: (width[box], len(text) * _LINE + 2 * _PAD) for box, text in boxes.items()}
    right = max(x[box] + width[box] / 2 for box in boxes) + _BETWEEN
    lines = [_line([place[name] for name in way], size[one][1], size[other][1]) for (one, other), way in ways.items()]
    lines += [_box(boxes[box], place[box], size[box]) for box in boxes]
    return "\n".join([_HEAD.format(width=round(right), height=round(total)), *lines, "</svg>", ""])


_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 font-family="sans-serif" font-size="13" text-anchor="middle">
<rect width="{width}" height="{height}" fill="#fff"/>"""


def _levels(below: Mapping[str, list[str]]) -> dict[str, int]:
    found: dict[str, int] = {}

    def level(box: str) -> int:
        if box not in found:
            found[box] = 1 + max(map(level, below[box]), default=-1)
        return found[box]

    for box in below:
        level(box)
    return found


def _way(one: str, other: str, level: Mapping[str, int]) -> list[str]:
    return [one, *(f"{one}>{other}@{row}" for row in range(level[one] - 1, level[other], -1)), other]


def _places(rows: list[list[str]], links: set[tuple[str, str]], width: Mapping[str, float]) -> dict[str, float]:
    """Middles of all that stands in the rows: each near what it is linked with, beside its neighbours."""
    beside: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for one, other in sorted(links):
        beside[one].append(other)
        beside[other].append(one)
    x: dict[str, float] = {}
    for row in rows:
        _set_apart(row, {name: float(number * 150) for number, name in enumerate(row)}, width, x)
    for turn in range(40):
        for row in rows if turn % 2 else rows[::-1]:
            wanted = {name: sum(x[one] for one in beside[name]) / max(1, len(beside[name])) for name in row}
            row.sort(key=wanted.__getitem__)
            _set_apart(row, wanted, width, x)
    left = min(x[name] - width[name] / 2 for name in x) - _BETWEEN
    return {name: value - left for name, value in x.items()}


def _set_apart(row: list[str], wanted: Mapping[str, float], width: Mapping[str, float], x: dict[str, float]) -> None:
    """As near as possible to where they want to be, in this order, without touching."""
    groups: list[tuple[float, list[str]]] = []
    for name in row:
        group = (wanted[name], [name])
        while groups and groups[-1][0] + _long(groups[-1][1], width) / 2 > group[0] - _long(group[1], width) / 2:
            middle, others = groups.pop()
            both = others + group[1]
            group = ((middle * len(others) + group[0] * len(group[1])) / len(both), both)
        groups.append(group)
    for middle, names in groups:
        left = middle - _long(names, width) / 2
        for name in names:
            x[name] = left + (width[name] + _BETWEEN) / 2
            left += width[name] + _BETWEEN


def _long(names: list[str], width: Mapping[str, float]) -> float:
    return sum(width[name] + _BETWEEN for name in names)


def _line(points: list[tuple[float, float]], above: float, beneath: float) -> str:
    """A smooth arrow from the lower edge of the first box through the rows to the upper edge of the last."""
    points = [(points[0][0], points[0][1] + above / 2), *points[1:-1], (points[-1][0], points[-1][1] - beneath / 2)]
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        half = (y1 - y0) / 2
        path += f"C{x0:.0f} {y0 + half:.0f} {x1:.0f} {y1 - half:.0f} {x1:.0f} {y1:.0f}"
    x, y = points[-1]
    tip = f'<path d="M{x - 4:.0f} {y - 9:.0f}h8l-4 9z" fill="#667"/>'
    return f'<path d="{path}" fill="none" stroke="#667"/>{tip}'


def _box(text: list[str], middle: tuple[float, float], size: tuple[float, float]) -> str:
    (x, y), (width, height) = middle, size
    first = y - (len(text) - 1) * _LINE / 2 + 4.5
    words = "".join(
        f'<text x="{x:.0f}" y="{first + n * _LINE:.0f}">{escape(line)}</text>' for n, line in enumerate(text)
    )
    corner = f'x="{x - width / 2:.0f}" y="{y - height / 2:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect {corner} rx="4" fill="#eef3fb" stroke="#456"/>{words}'
