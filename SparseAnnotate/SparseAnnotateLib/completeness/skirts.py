"""What a large sphere brush left around painted planes: outlines that fall at once, and go on within each other."""

from __future__ import annotations

import itertools

import numpy as np

from .outlines import PROMISED_PIXELS, Outlines

# The plane beside a painted one holds at most so much of it, on both sides: real outlines of two planes so alike that
# they lie within each other do not lose so much from one to the next.
_FALLS_TO = 0.8
# So little of what two painted planes promise, by their common pixels or their areas, is held by one at least beside
# them; a real outline holds nearly all.
_HELD = 0.8


def skirts_of(outlines: Outlines, number: int) -> set[int]:
    """The planes around painted ones that hold only what a brush left there; none unless all planes are either.

    A structure (class number 1, 2, ...) of two painted planes at least: a single one may be a small ball.
    """
    area, shown = outlines.area[:, number - 1], outlines.shown(number)
    peaks = [plane for plane in shown if _is_peak(area, plane)]
    alone = [plane for plane in shown if not {plane - 1, plane + 1} & set(shown)]
    painted = sorted({*peaks, *alone})
    around = set(itertools.chain(*(_around(outlines, number, peak) for peak in peaks)))
    if around | set(painted) != set(shown):
        return set()
    for low, high in itertools.pairwise(painted):
        for plane in {low + 1, high - 1} & around:
            promise = outlines.promise(number, plane, low, high)
            expected = np.interp(plane, (low, high), (area[low], area[high]))
            if promise.clear and min(promise.held, area[plane] / expected) < _HELD:
                return around
    return set()


def _is_peak(area: np.ndarray, plane: int) -> bool:
    beside = [one for one in (plane - 1, plane + 1) if 0 <= one < len(area)]
    return bool(area[plane] >= PROMISED_PIXELS and all(0 < area[one] <= _FALLS_TO * area[plane] for one in beside))


def _around(outlines: Outlines, number: int, peak: int) -> set[int]:
    """The planes on both sides of a peak, as far as each lies inside the one before."""
    area, found = outlines.area[:, number - 1], set()
    for step in (-1, 1):
        plane = peak + step
        while outlines.is_within(number, plane, plane - step) and area[plane] <= area[plane - step]:
            found.add(plane)
            plane += step
    return found
