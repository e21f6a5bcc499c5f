"""Where structures are cut off inside the scan: they end there because nobody goes on, and do not taper."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from .annotation import SparseAnnotation

# So many structures do not taper to one plane by chance. Counted at the ends of the range of all, on 33 scans of
# shared/data and 13 of newborn brains, each along all three axes: where two structures end together they have .03 of
# their largest area there (median of 47 ends). Three do at 5 ends. At 4 of these, in 2 data sets, each has .49 to 1.0
# of it (the base of two hearts, the highest painted plane of two abdomens); the fifth is a brain along another axis.
TOGETHER = 3


@dataclass(frozen=True)
class CutEnd:
    """The plane on which `count` structures are cut off, and the first one beyond it."""

    plane: int
    beyond: int
    count: int


def cut_ends(
    ranges: Iterable[tuple[int, int]], plane_range: tuple[int, int], planes: int, painted: Container[int]
) -> list[CutEnd]:
    """Where structures are cut off inside the scan.

    That is where three structures or more were clicked to end on the same plane, which is not painted, and none ends
    beyond it.

    Parameters
    ----------
    ranges : first and last plane of each structure, as clicked
    plane_range : of all structures
    planes : of the scan
    painted : planes
    """
    clicked, found = list(ranges), []
    for side, step, edge in ((0, -1, 0), (1, 1, planes - 1)):
        end = plane_range[side]
        count = sum(one[side] == end for one in clicked)
        if count >= TOGETHER and end != edge and end not in painted:
            found.append(CutEnd(end, end + step, count))
    return found


def cut_ends_of(annotation: SparseAnnotation) -> list[CutEnd]:
    """Where its structures are cut off inside the scan."""
    ranges = annotation.class_ranges.values()
    return cut_ends(ranges, annotation.plane_range, annotation.planes, annotation.painted_planes)


def planes_beyond_cuts(annotation: SparseAnnotation) -> frozenset[int]:
    """The first planes beyond the ends at which structures are cut off inside the scan."""
    return frozenset(one.beyond for one in cut_ends_of(annotation))
