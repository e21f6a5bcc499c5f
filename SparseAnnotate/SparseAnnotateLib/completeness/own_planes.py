"""Structures painted on planes of their own: which planes say nothing of a structure that has no voxel there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .outlines import Outlines

# Two structures were painted apart where one is missing on planes of the other so often, and so large a share of the
# planes that show both; or once, where no plane shows both.
_HOLES = 2
_SHARE = 0.05
# The whole file was painted structure by structure where promised holes are so many, for a hundred pairs of a structure
# and a plane that shows it. With all structures on common planes there is no such hole in the 42 volumes.
_SHARE_OF_FILE = 0.1


@dataclass(frozen=True)
class Painted:
    """Which planes say something of a structure.

    Attributes
    ----------
    complete : bool (planes, classes), on the planes that show anything
    doubtful : (class number, plane) of single holes, which count as absent
    """

    complete: np.ndarray
    doubtful: tuple[tuple[int, int], ...] = ()


def own_planes(outlines: Outlines, shown: np.ndarray, ranges: Mapping[int, tuple[int, int]]) -> Painted:
    """Which structures are complete on which planes.

    Parameters
    ----------
    shown : bool (planes, classes), structures that a plane shows, slivers left out
    ranges : first and last plane of structures (class numbers) where they were clicked
    """
    promised, inside = np.zeros_like(shown), np.zeros_like(shown)
    for number in range(1, shown.shape[1] + 1):
        inside[:, number - 1] = _inside(shown[:, number - 1], ranges.get(number))
        for plane in np.flatnonzero(shown.any(axis=1) & inside[:, number - 1] & (outlines.area[:, number - 1] == 0)):
            promised[plane, number - 1] = _is_promised(outlines, shown, number, int(plane))
    joint = shown.T.astype(int) @ shown
    if promised.sum() >= max(1, _SHARE_OF_FILE * shown.sum()):
        holes = inside & (outlines.area == 0)
        apart = _both_ways(holes, shown)
        accepted, is_apart = promised, (apart > joint) | (joint == 0)
    else:
        apart = _both_ways(promised, shown)
        believed = (apart >= np.maximum(_HOLES, _SHARE * joint)) | ((apart > 0) & (joint == 0))
        accepted = promised & ((shown.astype(int) @ believed.T.astype(int)) > 0)
        is_apart = _both_ways(accepted, shown) > joint
    # A structure without a voxel counts as absent where any structure that was painted there goes with it.
    together = shown.astype(int) @ (~is_apart).astype(int) > 0
    complete = shown | (together & ~accepted & (outlines.area == 0))
    doubtful = [(int(number) + 1, int(plane)) for plane, number in np.argwhere(promised & ~accepted)]
    return Painted(complete, tuple(doubtful))


def _both_ways(holes: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """How often one of two structures is missing on a plane that shows the other, (classes, classes)."""
    one_way = holes.T.astype(int) @ shown
    return one_way + one_way.T


def _inside(shown: np.ndarray, clicked: tuple[int, int] | None) -> np.ndarray:
    """Bool (planes,): from the first plane that shows a structure to the last, or as clicked."""
    inside = np.zeros_like(shown)
    ends = np.flatnonzero(shown)[[0, -1]] if shown.any() else (1, 0)
    first, last = ends if clicked is None else clicked
    inside[first : last + 1] = True
    return inside


def _is_promised(outlines: Outlines, shown: np.ndarray, number: int, plane: int) -> bool:
    """Whether a structure must pass through a plane: by the outlines around, or because its range was clicked."""
    own = np.flatnonzero(shown[:, number - 1])
    after = int(np.searchsorted(own, plane))
    if not 0 < after < len(own):
        return True
    return outlines.promise(number, plane, int(own[after - 1]), int(own[after])).clear
