"""Where structures are cut off inside the scan: they end there because nobody goes on, and do not taper."""

from __future__ import annotations

from .annotation import SparseAnnotation

# So many structures do not taper to one plane by chance. Counted at the ends of the range of all, on 33 scans of
# shared/data and 13 of newborn brains, each along all three axes: where two structures end together they have .03 of
# their largest area there (median of 47 ends). Three do at 5 ends. At 4 of these, in 2 data sets, each has .49 to 1.0
# of it (the base of two hearts, the highest painted plane of two abdomens); the fifth is a brain along another axis.
TOGETHER = 3


def planes_beyond_cuts(annotation: SparseAnnotation) -> frozenset[int]:
    """The first planes beyond ends at which structures are cut off inside the scan.

    That is where three structures or more were clicked to end on the same plane, which is not painted, and none ends
    beyond it.
    """
    ranges, found = list(annotation.class_ranges.values()), set()
    for side, step, edge in ((0, -1, 0), (1, 1, annotation.planes - 1)):
        end = annotation.plane_range[side]
        if end != edge and not annotation.painted[end] and sum(one[side] == end for one in ranges) >= TOGETHER:
            found.add(end + step)
    return frozenset(found)
