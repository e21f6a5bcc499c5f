"""Planes of another axis that were painted completely, told from the lines that they leave on all planes they cross."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import InputError

# A crossing plane leaves lines one voxel wide: so many voxels, most of what the row or column holds.
_VOXELS, _MOST = 50, 0.5
# It is complete where it holds what the painted planes on both sides promise: each structure, on so large a share of at
# least so many voxels. A stroke in another view does not.
_HELD, _PROMISED = 0.9, 20


def crossing_planes(labels: np.ndarray) -> dict[int, tuple[int, ...]]:
    """The rows (axis 1) and columns (axis 2) that are painted completely on all planes.

    Parameters
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns), class numbers
    """
    # On planes that hold nothing there is nothing to count, and most of a sparsely painted volume is such planes.
    held = labels[labels.any(axis=(1, 2))]
    lines = {axis: found for axis in (1, 2) if (found := _lines(held, axis))}
    if not lines:
        return {}
    painted = np.flatnonzero(without_lines(labels, lines).any(axis=(1, 2)))
    complete = {
        axis: tuple(one for one in ones if _is_complete(np.take(labels, one, axis), painted))
        for axis, ones in lines.items()
    }
    return {axis: ones for axis, ones in complete.items() if ones}


def line_planes(labels: np.ndarray) -> dict[int, tuple[int, ...]]:
    """The rows (axis 1) and columns (axis 2) that hold lines one voxel wide, painted completely or not."""
    return {axis: found for axis in (1, 2) if (found := _lines(labels, axis))}


def strokes_on(labels: np.ndarray, count: int) -> np.ndarray:
    """Bool (planes, structures): what only lines of another view show, beside planes that hold more than lines.

    On a plane that holds nothing else, or of a structure that has no other voxel anywhere and is shown on such a plane.
    """
    strokes = np.zeros((len(labels), count), bool)
    pixels = np.count_nonzero(labels, axis=(1, 2))
    # Two lines that cross hold no more; most files have no such plane, and need no search for lines.
    lines = line_planes(labels) if ((pixels > 0) & (pixels < sum(labels.shape[1:]))).any() else {}
    if not lines:
        return strokes
    rest = without_lines(labels, lines)
    emptied = (pixels > 0) & ~rest.any(axis=(1, 2))
    if not emptied.any() or not rest.any():
        return strokes
    for axis, ones in lines.items():
        np.moveaxis(rest, axis, 0)[list(ones)] = 0
    for number in range(1, count + 1):
        shown = (labels == number).any(axis=(1, 2))
        only_lines = (shown & emptied).any() and not (rest == number).any()
        strokes[:, number - 1] = shown if only_lines else shown & emptied
    return strokes


def refuse_mere_lines(labels: np.ndarray, along: Mapping[int, Sequence[int]], axes: Sequence[str]) -> None:
    """Refuse planes that are said to be painted, but hold nothing beside the lines of planes that they cross."""
    painted = np.flatnonzero(without_lines(labels, along).any(axis=(1, 2)))
    for axis, ones in along.items():
        for one in ones:
            plane = np.take(labels, one, axis)
            if plane[painted].any() and not np.delete(plane, painted, 0).any() and _promises(plane, painted):
                raise InputError(
                    f"plane {one} along {axes[axis]} is said to be painted, but holds nothing between the painted "
                    "planes that it crosses: paint it, or take it off the list"
                )


def _promises(plane: np.ndarray, painted: np.ndarray) -> bool:
    """Whether lines of painted planes, shape (planes, voxels of a line), promise something of those between."""
    if len(painted) == 1:
        return np.count_nonzero(plane[painted]) >= _PROMISED
    pairs = ((low, high) for low, high in itertools.pairwise(painted) if high - low > 1)
    return any((plane[low] == plane[high])[plane[low] > 0].any() for low, high in pairs)


def without_lines(labels: np.ndarray, lines: Mapping[int, Sequence[int]]) -> np.ndarray:
    """Labels without those of planes that hold nothing but lines of crossing planes."""
    rest = labels.copy()
    for axis, ones in lines.items():
        np.moveaxis(rest, axis, 0)[list(ones)] = 0
    full = rest.any(axis=(1, 2))
    rest[full] = labels[full]
    return rest


def _lines(labels: np.ndarray, axis: int) -> tuple[int, ...]:
    """Rows or columns of which most labelled voxels have no labelled neighbour beside them."""
    across = np.moveaxis(labels, axis, 0)
    nothing = np.zeros(across.shape[1:], bool)
    found, before, here = [], nothing, across[0] > 0
    for one in range(len(across)):
        behind = across[one + 1] > 0 if one + 1 < len(across) else nothing
        alone = np.count_nonzero(here & ~before & ~behind)
        if alone >= max(_VOXELS, _MOST * np.count_nonzero(here)):
            found.append(one)
        before, here = here, behind
    return tuple(found)


def _is_complete(plane: np.ndarray, painted: np.ndarray) -> bool:
    """Whether a crossing plane, shape (planes, voxels of a line), holds what painted planes promise between them."""
    seen = False
    for number in np.unique(plane[plane > 0]).tolist():
        promised = held = 0
        for below, above in itertools.pairwise(painted):
            both = (plane[below] == number) & (plane[above] == number)
            promised += int(both.sum()) * int(above - below - 1)
            held += int((plane[below + 1 : above, both] == number).sum())
        if len(painted) == 1:
            promised, held = _beside(plane == number, painted[0])
        if promised >= _PROMISED:
            if held < _HELD * promised:
                return False
            seen = True
    return seen


def _beside(plane: np.ndarray, painted: int) -> tuple[int, int]:
    """Of a single painted plane: how much it promises of the lines next to it, and what the fuller one holds."""
    line = plane[painted]
    beside = [plane[one] for one in (painted - 1, painted + 1) if 0 <= one < len(plane)]
    return int(line.sum()), max((int((one & line).sum()) for one in beside), default=0)
