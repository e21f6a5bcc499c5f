"""What the image shows between two painted planes, and on neither of them: what comes and goes there.

A vertebra between two discs, a rung between two planes that cut the rails, a bead that ends: on some planes more looks
like the structure than was predicted, or part of what was predicted does not. What looks alike on a painted plane next
to it, and is not the structure there, does not count.
"""

from __future__ import annotations

import functools
from bisect import bisect_left

import numpy as np

from .structure_seen import StructureSeen, moved


def comes_and_goes(structure: StructureSeen, planes: list[int]) -> dict[int, tuple[int, int, int, int]]:
    """What was predicted of a structure against what the image shows, by plane.

    Parameters
    ----------
    structure : after it has learned
    planes : those on which it was predicted, in order

    Returns
    -------
    Pixels on each plane that look like it where it was not predicted, and that do not where it was; on which it may go
    on, though they do not look like it, because another plane between the same painted ones does: those near it, and
    all that are connected with them
    """
    found: dict[int, tuple[int, int, int, int]] = {}
    gaps: dict[int, list[int]] = {}
    for plane in planes:
        gaps.setdefault(bisect_left(structure.painted, plane), []).append(plane)
    # A painted plane ends one gap and begins the next.
    at_end = functools.lru_cache(1)(structure.against)
    for gap, inside in gaps.items():
        ends = structure.painted[max(gap - 1, 0) : gap + 1]
        found |= _of_gap(structure, [at_end(plane) for plane in ends], inside)
    return found


def _of_gap(
    structure: StructureSeen, seen_at_ends: list[tuple[np.ndarray, ...]], planes: list[int]
) -> dict[int, tuple[int, int, int, int]]:
    known = [np.any([_wider(one[kind]) for one in seen_at_ends], axis=0) for kind in (0, 1)]
    before = [structure.empty(), structure.empty()]
    counts = np.zeros((len(planes), 2), int)
    anywhere, close = structure.empty(), structure.empty()
    for row, plane in enumerate(planes):
        *masks, near = structure.against(plane)
        masks = [moved(mask & ~old, "MORPH_OPEN") for mask, old in zip(masks, known, strict=True)]
        # Seen on two planes next to each other: on one it may be noise.
        more, less = (mask & _wider(last) for mask, last in zip(masks, before, strict=True))
        sums = np.count_nonzero(more & near), np.count_nonzero(less)
        counts[max(row - 1, 0) : row + 1] = np.maximum(counts[max(row - 1, 0) : row + 1], sums)
        anywhere, close, before = anywhere | more, close | (more & near), masks
    found = {}
    for plane, seen in zip(planes, counts.tolist(), strict=True):
        free = structure.free(plane)
        found[plane] = (*seen, *(int(np.count_nonzero(mask & free)) for mask in (close, anywhere)))
    return found


def _wider(mask: np.ndarray) -> np.ndarray:
    return moved(mask, "MORPH_DILATE")
