"""Polygons as masks: a pixel belongs to one if its centre lies inside it or on its outline."""

from __future__ import annotations

import numpy as np

# Of a pixel: centres this close to the outline lie on it, whatever the last digits of the corners are.
_ON_OUTLINE = 2e-3


def inside_and_outline(corners: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The pixels whose centres lie inside a closed polygon, and those whose centres lie on its outline.

    Parameters
    ----------
    corners : ndarray, shape (n, 2): in pixels along the two axes of the mask, whose centres are whole numbers
    shape : of the mask; what reaches beyond it is cut off

    Returns
    -------
    inside, outline : ndarray of bool; what lies on the outline may be in either
    """
    rows, columns = shape
    # Even or odd: each edge turns the pixels right of it over. On from the end of one row goes the last column.
    turned = np.zeros((rows, columns + 1), bool)
    outline = np.zeros(shape, bool)
    for (row, column), (next_row, next_column) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        low, high = sorted((row, next_row))
        met = np.arange(max(np.ceil(low - _ON_OUTLINE), 0), min(np.floor(high + _ON_OUTLINE), rows - 1) + 1).astype(int)
        if high - low < _ON_OUTLINE:
            first, last = sorted((column, next_column))
            span = slice(max(int(np.ceil(first - _ON_OUTLINE)), 0), max(int(np.floor(last + _ON_OUTLINE)) + 1, 0))
            outline[met, span] = True
        else:
            crossing = column + (np.clip(met, low, high) - row) / (next_row - row) * (next_column - column)
            nearest = np.rint(crossing).astype(int)
            on = (np.abs(crossing - nearest) < _ON_OUTLINE) & (nearest >= 0) & (nearest < columns)
            outline[met[on], nearest[on]] = True
        if low < high:
            # Half open, so that a corner counts once.
            crossed = np.arange(max(np.ceil(low), 0), min(np.ceil(high), rows)).astype(int)
            crossing = column + (crossed - row) / (next_row - row) * (next_column - column)
            turned[crossed, np.clip(np.floor(crossing) + 1, 0, columns).astype(int)] ^= True
    return np.logical_xor.accumulate(turned, axis=1)[:, :columns], outline
