"""Contours of one structure on one plane as a mask: holes, parts that overlap, and what lies beyond the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ..polygons import inside_and_outline

# How much larger than the image contours may be that reach beyond it.
_FARTHEST = 5
# A contour with this share of its pixels inside a larger one is a hole in it; holes are drawn over the edge by a pixel.
_HOLE = 0.9


@dataclass(frozen=True)
class Contour:
    """A closed polygon: `corners` (n, 2) in pixels; `is_exclusive` where it turns over what others hold (XOR)."""

    corners: np.ndarray
    is_exclusive: bool


@dataclass(frozen=True)
class Filled:
    """A plane's `mask`; how many pixels its contours hold `beyond` it, how many are there twice, or hold no pixel."""

    mask: np.ndarray
    beyond: int
    twice: int
    void: int


def filled(contours: Sequence[Contour], shape: tuple[int, int], name: str) -> Filled:
    """The contours of a structure on a plane together.

    A contour inside another one is a hole, and one inside the hole an island; contours that overlap in part, and one
    that is there twice, hold what any of them does, unless they say that they exclude each other.

    Raises
    ------
    InputError
        Where they reach farther beyond the image than a scan's do.
    """
    every = np.concatenate([contour.corners for contour in contours])
    low = np.minimum(np.floor(every.min(axis=0)), 0).astype(int)
    high = np.maximum(np.ceil(every.max(axis=0)) + 1, shape).astype(int)
    if (high - low > _FARTHEST * np.array(shape)).any():
        raise InputError(f"contours of {name} reach far beyond the image: give the scan that they were drawn on")
    parts = [inside_and_outline(contour.corners - low, tuple(high - low)) for contour in contours]
    masks = [inside | outline for inside, outline in parts]
    if any(contour.is_exclusive for contour in contours):
        whole, twice = np.logical_xor.reduce(masks), 0
    else:
        whole, twice = _nested(masks, [outline for _, outline in parts])
    inner = whole[-low[0] : shape[0] - low[0], -low[1] : shape[1] - low[1]]
    beyond = int(np.count_nonzero(whole) - np.count_nonzero(inner))
    return Filled(inner, beyond, twice, sum(not mask.any() for mask in masks))


def _nested(masks: Sequence[np.ndarray], outlines: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """From the largest to the smallest: what lies inside turns over, all else is added; and what is there twice.

    The outline of a hole belongs to the structure, as every outline does: programs that trace masks (rt-utils) draw it
    through the pixels around the hole.
    """
    whole = np.zeros(masks[0].shape, bool)
    larger: list[np.ndarray] = []
    twice = 0
    for number in sorted(range(len(masks)), key=lambda one: np.count_nonzero(masks[one]), reverse=True):
        mask = masks[number]
        pixels = np.count_nonzero(mask)
        if pixels and any(np.array_equal(mask, other) for other in larger):
            twice += 1
            continue
        if any(np.count_nonzero(mask & other) >= _HOLE * pixels for other in larger):
            whole = (whole ^ mask) | (whole & outlines[number])
        else:
            whole |= mask
        larger.append(mask)
    return whole, twice
