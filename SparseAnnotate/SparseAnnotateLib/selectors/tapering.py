"""The first planes, where nothing is known but where the structures begin and end."""

from __future__ import annotations

import numpy as np


def tapered_planes(plane_range: tuple[int, int], planes: int, count: int) -> list[int]:
    """Planes closer together where structures are large: in the middle of their range.

    Structures taper towards where they end; an ellipsoid's section at the share t of its range has an area that goes
    with t (1 - t). Samples between which one interpolates linearly lie best with the density of the cube root of what
    an error costs there (Panter and Dite 1951), which in Dice is the area. Where the range ends with the scan the
    structures are cut off rather than tapering, and t or 1 - t there counts as 1: cut off at both sides the planes are
    evenly spaced.

    Parameters
    ----------
    plane_range : first and last plane of the structures
    planes : of the whole scan
    count : how many, at most as many as the range has

    Returns
    -------
    Plane numbers, ascending, all different.
    """
    first, last = plane_range
    length = last - first + 1
    share = (np.arange(length) + 0.5) / length
    area = np.ones(length)
    if first > 0:
        area *= share
    if last < planes - 1:
        area *= 1 - share
    reached = np.concatenate([[0], np.cumsum(_density(np.cbrt(area), count))])
    place = np.interp(np.arange(count) + 0.5, reached, np.arange(length + 1))
    # A rounding error would move a plane.
    return (first + np.floor(np.round(place, 9)).astype(int)).tolist()


def _density(weight: np.ndarray, count: int) -> np.ndarray:
    """In proportion to `weight` and of this sum, at most one on each plane."""
    density = weight * count / weight.sum()
    while (density > 1 + 1e-9).any():
        full = density >= 1
        density[full] = 1
        density[~full] *= (count - full.sum()) / density[~full].sum()
    return density
