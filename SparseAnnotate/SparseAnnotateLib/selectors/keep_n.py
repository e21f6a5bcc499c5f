"""Evenly spaced planes, the default."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from fractions import Fraction

from .base import SELECTORS, SelectorBase, Suggestion


@SELECTORS.register
class KeepNSelector(SelectorBase):
    """Evenly spaced planes, centred in the range; new ones split the widest gaps that painted planes left.

    With nothing painted in a range of L planes, plane i of m is floor(first + (i + 0.5) L / m). Each further plane
    goes where the distance between neighbouring painted or suggested planes is largest; the planes that fall into
    one gap split it evenly. An end of the range counts as half a distance, as in the formula above.
    """

    name = "keep-n"
    summary = "planes evenly spaced over the range, filling the widest gaps first"

    def _choose(self, volume, annotation, candidates, count, rng):  # noqa: ARG002
        first, last = annotation.plane_range
        painted = [plane for plane in annotation.painted_planes if first <= plane <= last]
        gaps = _gaps(first, last, painted)
        shares = _shares(gaps, count)
        suggestions = []
        for gap, share in zip(gaps, shares, strict=True):
            reason = f"splits a gap of {gap.free} unpainted planes" if painted else "evenly spaced"
            suggestions += [Suggestion(plane, float(gap.distance(share)), reason) for plane in gap.split(share)]
        return suggestions


@dataclass(frozen=True)
class _Gap:
    """The free planes between two painted ones, or between one and an end of the range.

    Plane p covers p to p + 1, so that a painted plane lies at p + 1/2. Fractions, because a rounding error would move
    a plane.
    """

    start: Fraction
    end: Fraction
    open_start: bool
    open_end: bool
    free: int

    def distance(self, planes: int) -> Fraction:
        """Between neighbours once `planes` split the gap evenly, in planes; an open end counts as half of one."""
        parts = planes + 1 - Fraction(self.open_start + self.open_end, 2)
        # Open at both ends and nothing in it: wider than any other, and the only one.
        return (self.end - self.start) / parts if parts else 2 * (self.end - self.start)

    def split(self, planes: int) -> list[int]:
        offset = Fraction(1, 2) if self.open_start else 1
        step = self.distance(planes)
        return [math.floor(self.start + (n + offset) * step) for n in range(planes)]


def _gaps(first: int, last: int, painted: list[int]) -> list[_Gap]:
    """All gaps of the range that hold a free plane, ascending; `painted` ascending and inside the range."""
    half = Fraction(1, 2)
    starts = [Fraction(first), *(plane + half for plane in painted)]
    ends = [*(plane + half for plane in painted), Fraction(last + 1)]
    fences = [first - 1, *painted, last + 1]
    gaps = []
    for n, (start, end) in enumerate(zip(starts, ends, strict=True)):
        free = fences[n + 1] - fences[n] - 1
        if free:
            gaps.append(_Gap(start, end, n == 0, n == len(painted), free))
    return gaps


def _shares(gaps: list[_Gap], count: int) -> list[int]:
    """How many planes each gap gets: one at a time, to the gap whose planes lie farthest apart, ties to the first."""
    shares = [0] * len(gaps)
    widest_first = [(-gap.distance(0), number) for number, gap in enumerate(gaps)]
    heapq.heapify(widest_first)
    for _ in range(count):
        _, number = heapq.heappop(widest_first)
        shares[number] += 1
        if shares[number] < gaps[number].free:
            heapq.heappush(widest_first, (-gaps[number].distance(shares[number]), number))
    return shares
