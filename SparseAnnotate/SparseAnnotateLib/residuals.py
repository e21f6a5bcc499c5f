"""How far an outline is off on one plane: moved to the side, too large or small as a whole, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Residuals are smoothed along the plane (standard deviation), for the next plane's outline lies a little beside it.
SMOOTHING_MM = 1.5

# Less than this is no shift.
_LEAST_SHIFT_PX = 0.1


@dataclass(frozen=True)
class Residual:
    """What brings one outline to another.

    Attributes
    ----------
    shift_px : float (2,), by how many rows and columns it is moved
    offset_mm : by how much it then lies further in or out as a whole
    local_mm : float32 (rows, columns), what is left of the difference of the signed distances
    both_shown : whether both outlines are on the plane; else nothing is known of it as a whole
    wrong_px : pixels that are wrong before, and those that still are once it is moved and lies further in or out
    of_px : pixels of both outlines together, then
    """

    shift_px: np.ndarray
    offset_mm: float
    local_mm: np.ndarray
    both_shown: bool
    wrong_px: tuple[int, int]
    of_px: int


def residual_of(wanted_mm: np.ndarray, given_mm: np.ndarray, spacing_mm: Sequence[float]) -> Residual:
    """The residual that brings an outline to the wanted one; both as signed distances (rows, columns), positive inside.

    `spacing_mm` is that of rows and columns. Shift and offset count for the share of the loss that they explain: a
    leak is neither.
    """
    from scipy import ndimage

    shift_px, offset_mm = np.zeros(2), 0.0
    both_shown = bool(min(wanted_mm.max(), given_mm.max()) > 0)
    if both_shown:
        shift_px = _shift_px(wanted_mm, given_mm)
    wanted, given = wanted_mm > 0, given_mm > 0
    given_mm = moved(given_mm, shift_px)
    if both_shown:
        offset_mm = _offset_mm(wanted_mm, given_mm, spacing_mm)
    whole = given_mm + np.float32(offset_mm) > 0
    wrong_px = tuple(int(np.count_nonzero(one ^ wanted)) for one in (given, whole))
    of_px = int(np.count_nonzero(whole) + np.count_nonzero(wanted))
    sigma = [SMOOTHING_MM / one for one in spacing_mm]
    local_mm = ndimage.gaussian_filter(wanted_mm - given_mm - np.float32(offset_mm), sigma)
    return Residual(shift_px, offset_mm, local_mm, both_shown, wrong_px, of_px)


def moved(distances_mm: np.ndarray, shift_px: np.ndarray) -> np.ndarray:
    """Distances (rows, columns) moved by so many rows and columns."""
    if np.abs(shift_px).max() < _LEAST_SHIFT_PX:
        return distances_mm
    from scipy import ndimage

    return ndimage.shift(distances_mm, shift_px, order=1, mode="nearest")


def lost(first: np.ndarray, second: np.ndarray) -> float:
    """1 - Dice of two masks."""
    return np.count_nonzero(first ^ second) / max(1, np.count_nonzero(first) + np.count_nonzero(second))


def _shift_px(wanted_mm: np.ndarray, given_mm: np.ndarray) -> np.ndarray:
    """The way from one centre to the other."""
    from scipy import ndimage

    shift_px = np.subtract(*(ndimage.center_of_mass(one > 0) for one in (wanted_mm, given_mm)))
    return shift_px * _explained(wanted_mm, given_mm, moved(given_mm, shift_px))


def _offset_mm(wanted_mm: np.ndarray, given_mm: np.ndarray, spacing_mm: Sequence[float]) -> float:
    """The median along the outlines."""
    outline = np.minimum(np.abs(wanted_mm), np.abs(given_mm)) < float(np.mean(spacing_mm))
    if not outline.any():
        return 0.0
    offset_mm = float(np.median((wanted_mm - given_mm)[outline]))
    return offset_mm * _explained(wanted_mm, given_mm, given_mm + np.float32(offset_mm))


def _explained(wanted_mm: np.ndarray, before_mm: np.ndarray, after_mm: np.ndarray) -> float:
    """The share of the loss that is gone."""
    before, after = (lost(one > 0, wanted_mm > 0) for one in (before_mm, after_mm))
    return max(0.0, 1 - after / before) if before else 0.0
