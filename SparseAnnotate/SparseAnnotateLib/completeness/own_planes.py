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
    holes = np.zeros_like(shown)
    for number in range(1, shown.shape[1] + 1):
        for plane in _holes(outlines, shown, number, ranges.get(number)):
            holes[plane, number - 1] = True
    joint = shown.T.astype(int) @ shown
    one_way = holes.T.astype(int) @ shown
    apart = one_way + one_way.T
    believed = (apart >= np.maximum(_HOLES, _SHARE * joint)) | ((apart > 0) & (joint == 0))
    accepted = holes & ((believed.astype(int) @ shown.T).T > 0)
    one_way = accepted.T.astype(int) @ shown
    apart = one_way + one_way.T
    # A structure without a voxel counts as absent where any structure that was painted there goes with it.
    together = shown.astype(int) @ (apart <= joint).astype(int) > 0
    complete = shown | (together & ~accepted & (outlines.area == 0))
    doubtful = [(int(number) + 1, int(plane)) for plane, number in np.argwhere(holes & ~accepted)]
    return Painted(complete, tuple(doubtful))


def _holes(outlines: Outlines, shown: np.ndarray, number: int, clicked: tuple[int, int] | None) -> list[int]:
    """The planes through which a structure must pass and on which it has no voxel, though others have."""
    own = np.flatnonzero(shown[:, number - 1])
    others = np.flatnonzero(shown.any(axis=1) & (outlines.area[:, number - 1] == 0))
    found = []
    for plane in others:
        after = np.searchsorted(own, plane)
        if 0 < after < len(own):
            if outlines.promise(number, plane, own[after - 1], own[after]).clear:
                found.append(int(plane))
        elif clicked is not None and clicked[0] <= plane <= clicked[1]:
            found.append(int(plane))
    return found
