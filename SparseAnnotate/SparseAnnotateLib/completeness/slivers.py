"""Planes that hold far less of a structure than its painted neighbours promise: what a tool left there."""

from __future__ import annotations

import itertools

import numpy as np

from .appearance import looks_beside
from .outlines import PROMISED_PIXELS, Outlines
from .skirts import skirts_of

# A neighbour that promises more holds at least so many times the pixels.
_LARGER = 2
# The share of the promised pixels below which a plane is a sliver, by its distance from the nearer neighbour: real
# outlines change little from one plane to the next, and more over several; less than for one is enough where the image
# shows that the structure goes on beside what is labelled.
_HELD = {1: 0.4, 2: 0.2, 3: 0.1, 4: 0.05, 5: 0.05}
# Slivers between a plane and its neighbour do not count as distance, unless the plane holds so much more than they do:
# then it was painted, and they are what the tool left on both sides of it.
_PEAK = 1.4
# One plane that holds so many times more than any of at least so many others is the only one that was painted, if they
# go on from plane to plane and none holds so many times what most of them do.
_LARGEST, _BESIDE_ONE, _ALIKE = 5, 4, 3
# The first and the last planes of a structure taper by nature: they are slivers only where so many others were found.
_OTHERS = 2


def slivers_on(outlines: Outlines, image: np.ndarray | None = None) -> np.ndarray:
    """Bool (planes, classes): whether a plane has only a sliver of a structure; `image` has the labels' shape."""
    left, whole = np.zeros(outlines.area.shape, bool), np.zeros(outlines.area.shape, bool)
    for number in range(1, left.shape[1] + 1):
        left[slivers_of(outlines, number, image), number - 1] = True
        whole[_held_planes(outlines, number, left[:, number - 1]), number - 1] = True
    # Where a tool left a sliver of one structure it left one of the others: also of those of which the painted planes
    # are too far from each other to promise anything.
    shown = outlines.area > 0
    tool = left.any(axis=1) & (left.sum(axis=1) > whole.sum(axis=1))
    for plane, column in np.argwhere(tool[:, None] & shown & ~left):
        left[plane, column] = any(_grows(outlines.area[:, column], tool, plane, step) for step in (-1, 1))
    return left


def _held_planes(outlines: Outlines, number: int, left: np.ndarray) -> list[int]:
    """The planes that hold what the next ones that are no slivers promise of a structure."""
    painted = [plane for plane in outlines.shown(number) if not left[plane]]
    held = []
    for below, plane, above in zip(painted, painted[1:], painted[2:], strict=False):
        promise = outlines.promise(number, plane, below, above)
        if promise.clear and promise.held >= _HELD[1]:
            held.append(plane)
    return held


def _grows(area: np.ndarray, tool: np.ndarray, plane: int, step: int) -> bool:
    """Whether a structure goes on, plane by plane, to one that was painted and holds more of it."""
    other = plane + step
    while 0 <= other < len(area) and area[other] and tool[other]:
        other += step
    return 0 <= other < len(area) and bool(area[other] > area[plane])


def slivers_of(outlines: Outlines, number: int, image: np.ndarray | None = None) -> list[int]:
    """The planes on which a structure (class number 1, 2, ...) has only a sliver, ascending."""
    shown = outlines.shown(number)
    if len(shown) < 3:
        return []
    painted, found = _mirrored(outlines, number, shown)
    found |= (skirts_of(outlines, number) | _beside_one(outlines, number, shown)) - painted
    anchors: set[int] = set()
    while True:
        new = {}
        for plane in shown:
            if plane not in found and (ends := _promising(outlines, number, shown, plane, found, image)):
                new[plane] = ends
        if not new:
            break
        found |= set(new)
        anchors |= set(itertools.chain(*new.values()))
    anchors -= found
    if len(found) >= _OTHERS and anchors:
        found |= _beyond(outlines, number, min(anchors), -1) | _beyond(outlines, number, max(anchors), 1)
    return sorted(found)


def _beside_one(outlines: Outlines, number: int, shown: list[int]) -> set[int]:
    """What a stroke in another view left on all planes but the only one that was painted."""
    area = outlines.area[:, number - 1]
    *others, largest = sorted(shown, key=lambda plane: area[plane])
    if len(others) < _BESIDE_ONE or shown[-1] - shown[0] > len(others):
        return set()
    most = area[others[-1]]
    alone = area[largest] >= _LARGEST * most and most <= _ALIKE * np.median(area[others])
    return set(others) if alone else set()


def _promising(
    outlines: Outlines, number: int, shown: list[int], plane: int, found: set[int], image: np.ndarray | None
) -> tuple[int, int] | None:
    """The neighbours that make a plane a sliver; None where it is none."""
    area = outlines.area[:, number - 1]
    ends = _larger(area, [one for one in shown if one not in found], plane)
    if ends is None:
        return None
    between = range(ends[0] + 1, plane), range(plane + 1, ends[1])
    steps = min(1 + sum(one not in found or area[plane] > _PEAK * area[one] for one in ones) for ones in between)
    promise = outlines.promise(number, plane, *ends)
    if not promise.clear or promise.held >= _HELD[1]:
        return None
    if promise.held < _HELD.get(steps, 0):
        return ends
    looks = None if image is None else looks_beside(image, outlines, number, plane, *ends)
    return ends if looks is not None and looks.present else None


def _larger(area: np.ndarray, shown: list[int], plane: int) -> tuple[int, int] | None:
    """The nearest planes below and above that hold clearly more; on one side more is enough, where it tapers."""
    clearly = _nearest(plane, [one for one in shown if area[one] >= _LARGER * area[plane]])
    more = _nearest(plane, [one for one in shown if area[one] > area[plane]])
    below, above = (one if one is not None else other for one, other in zip(clearly, more, strict=True))
    return None if clearly == (None, None) or below is None or above is None else (below, above)


def _nearest(plane: int, others: list[int]) -> tuple[int | None, int | None]:
    below, above = [one for one in others if one < plane], [one for one in others if one > plane]
    return (below[-1] if below else None), (above[0] if above else None)


def _mirrored(outlines: Outlines, number: int, shown: list[int]) -> tuple[set[int], set[int]]:
    """Painted planes, and what a sphere brush left before and behind them: the same outline on both sides.

    Two such planes of it at least: a single ball looks so, too. As far as the brush reached from one of them it reached
    from the others, where each plane lies within the one before: at the border of the volume there is but one side.
    """
    reach = _reach_of_brush(outlines, number, shown)
    if not any(outlines.promise(number, low, low, high).clear for low, high in itertools.pairwise(reach)):
        return set(), set()
    found = set()
    for plane, step in reach.items():
        found |= set(range(plane - step, plane + step + 1))
        for sign in (-1, 1):
            for other in range(plane + sign * (step + 1), plane + sign * (max(reach.values()) + 1), sign):
                if not outlines.is_within(number, other, other - sign):
                    break
                found.add(other)
    return set(reach), found - set(reach)


def _reach_of_brush(outlines: Outlines, number: int, shown: list[int]) -> dict[int, int]:
    """On how many planes before and behind it each plane is followed by the same outlines: real ones never are."""
    area, reach = outlines.area[:, number - 1], {}
    for plane in shown:
        step = 0
        while _same_around(outlines, number, plane, step + 1):
            step += 1
        if step and not np.array_equal(outlines.on(number, plane), outlines.on(number, plane + step)):
            reach[plane] = step
    # Halfway between two planes painted with one brush both sides are alike, too.
    for low, high in itertools.combinations(sorted(reach), 2):
        middle = (low + high) // 2
        if (low + high) % 2 == 0 and middle in reach and area[middle] < min(area[low], area[high]):
            del reach[middle]
    return reach


def _same_around(outlines: Outlines, number: int, plane: int, step: int) -> bool:
    before, behind = plane - step, plane + step
    if before < 0 or behind >= outlines.planes:
        return False
    pixels = outlines.area[[before, behind], number - 1]
    return bool(pixels[0] == pixels[1] >= PROMISED_PIXELS) and np.array_equal(
        outlines.on(number, before), outlines.on(number, behind)
    )


def _beyond(outlines: Outlines, number: int, anchor: int, step: int) -> set[int]:
    """Slivers next to the outermost plane that is none, away from the others."""
    outline = outlines.on(number, anchor)
    found: set[int] = set()
    plane = anchor + step
    while 0 <= plane < outlines.planes and outlines.area[plane, number - 1]:
        if (outlines.on(number, plane) & outline).sum() >= _HELD[1] * outline.sum():
            break
        found.add(plane)
        plane += step
    return found
