"""Planes that hold far less of a structure than its painted neighbours promise: what a tool left there."""

from __future__ import annotations

import itertools

import numpy as np

from .outlines import Outlines

# A neighbour that promises more holds at least so many times the pixels.
_LARGER = 2
# The share of the promised pixels below which a plane is a sliver, by its distance from the nearer neighbour: real
# outlines change little from one plane to the next, and more over several.
_HELD = {1: 0.4, 2: 0.2, 3: 0.1, 4: 0.05, 5: 0.05}
# The first and the last planes of a structure taper by nature: they are slivers only where others were found.
_HELD_AT_ENDS, _OTHERS = 0.3, 2


def slivers_of(outlines: Outlines, number: int) -> list[int]:
    """The planes on which a structure (class number 1, 2, ...) has only a sliver, ascending."""
    shown = outlines.shown(number)
    area = outlines.area[:, number - 1]
    promised = {}
    for plane in shown:
        below, above = _larger(area, shown, plane)
        if below is None or above is None:
            continue
        promise = outlines.promise(number, plane, below, above)
        if promise.clear and promise.held < _HELD[1]:
            promised[plane] = below, above, promise.held
    found = _connected(promised)
    if len(found) >= _OTHERS:
        found |= _at_ends(outlines, number, shown, found)
    return sorted(found)


def _larger(area: np.ndarray, shown: list[int], plane: int) -> tuple[int | None, int | None]:
    """The nearest planes below and above that hold clearly more."""
    larger = [other for other in shown if area[other] >= _LARGER * area[plane]]
    below = [other for other in larger if other < plane]
    above = [other for other in larger if other > plane]
    return (below[-1] if below else None), (above[0] if above else None)


def _connected(promised: dict[int, tuple[int, int, float]]) -> set[int]:
    """Those that are slivers for their distance, over which planes that are slivers themselves do not count."""
    found: set[int] = set()
    while True:
        new = set()
        for plane, (below, above, held) in promised.items():
            steps = min(
                1 + sum(between not in found for between in range(*ends))
                for ends in ((below + 1, plane), (plane + 1, above))
            )
            if plane not in found and held < _HELD.get(steps, 0):
                new.add(plane)
        if not new:
            return found
        found |= new


def _at_ends(outlines: Outlines, number: int, shown: list[int], found: set[int]) -> set[int]:
    """Slivers before the first and after the last plane that is none, next to it."""
    rest = [plane for plane in shown if plane not in found]
    new: set[int] = set()
    for ordered, step in ((rest, 1), (rest[::-1], -1)):
        for plane, inner in itertools.pairwise(ordered):
            outline = outlines.on(number, inner)
            if plane + step != inner or (outlines.on(number, plane) & outline).sum() >= _HELD_AT_ENDS * outline.sum():
                break
            new.add(plane)
    return new
