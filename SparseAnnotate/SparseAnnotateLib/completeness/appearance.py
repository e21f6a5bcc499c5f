"""Whether the image goes on where a structure was promised but has no voxel: it was left out there, or it is absent."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .outlines import Outlines

# What a structure lies in is the ring so many pixels away from its outlines.
AROUND = 6
_RING = (2, AROUND)
# A structure is absent where the pixels change so much towards what it lies in: the odds that one is brighter than one
# of the painted planes, less those that it is darker. It goes on where they change less than `_LIKE`.
_UNLIKE, _LIKE = 0.5, 0.2
# The image decides only where the structure differs so much from its surroundings: less is enough for its absence. Of
# 9,691 places that were only left out, 4 were taken for absent.
_CONTRAST_ABSENT, _CONTRAST = 0.2, 0.4
# The edge of the promised pixels is left out where so many remain: outlines move from plane to plane.
_PIXELS = 12
# A stray dab is smaller than these voxels and this share of the fullest plane, and looks like what is around it. Of 938
# paintings of the 42 volumes 61 end with so little, and 8 where it looks so.
_DAB, _DAB_SHARE = 25, 0.02


class Looks(NamedTuple):
    """What the image says of a structure between two planes that show it.

    Attributes
    ----------
    change : from the structure towards what it lies in, -1 to 1
    contrast : how much it differs from that on the painted planes, 0 to 1
    """

    change: float
    contrast: float

    @property
    def absent(self) -> bool:
        """Whether something else is seen there."""
        return self.contrast >= _CONTRAST_ABSENT and self.change > _UNLIKE

    @property
    def present(self) -> bool:
        """Whether the structure is seen there."""
        return self.contrast >= _CONTRAST and abs(self.change) < _LIKE


def looks_between(
    image: np.ndarray, outlines: Outlines, number: int, planes: list[int], below: int, above: int
) -> Looks | None:
    """How a structure (class number) looks on planes between two that show it; None where nothing lies around it.

    Parameters
    ----------
    image : ndarray of numbers, shape (planes, rows, columns)
    planes : the planes that were painted without it; the answer is the mean of all
    """
    return _looks(image, outlines, number, [(plane, None) for plane in planes], below, above)


def looks_beside(
    image: np.ndarray, outlines: Outlines, number: int, plane: int, below: int, above: int
) -> Looks | None:
    """How the promised pixels look that carry no label on a plane; None where they are few, or nothing is around."""
    return _looks(image, outlines, number, [(plane, outlines.unlabelled(plane))], below, above)


def _looks(image, outlines, number, planes, below, above) -> Looks | None:
    """See `looks_between`; `planes` with the pixels that count there, None for all."""
    place, ring, box = _places(outlines.on(number, below), outlines.on(number, above))
    if not ring.any():
        return None
    around = [np.sort(image[(end, *box)][ring]) for end in (below, above)]
    changes, contrasts = [], []
    for plane, only in planes:
        pixels = place if only is None else place & only[box]
        if only is not None and pixels.sum() < _PIXELS:
            return None
        here, *inside = (np.sort(image[(one, *box)][pixels]) for one in (plane, below, above))
        contrasts.append(np.mean([_above(*pair) for pair in zip(inside, around, strict=True)]))
        below_here, above_here = (-np.sign(contrasts[-1]) * _above(here, one) for one in inside)
        changes.append(min(below_here, above_here, key=abs) if below_here * above_here > 0 else 0.0)
    return Looks(float(np.mean(changes)), abs(float(np.mean(contrasts))))


def stray_ends(image: np.ndarray, labels: np.ndarray, painted: list[int]) -> list[int]:
    """Which of the first and the last painted plane, apart from the others, hold a dab in the midst of a structure."""
    pixels = [np.count_nonzero(labels[plane]) for plane in painted]
    most = min(_DAB, _DAB_SHARE * max(pixels, default=0))
    found = []
    for place, inner in ((0, 1), (-1, -2)):
        if len(painted) < 3 or not 0 < pixels[place] <= most or abs(painted[place] - painted[inner]) == 1:
            continue
        here, there = (contrast(image[painted[one]], labels[painted[one]] > 0) for one in (place, inner))
        if here < _LIKE and there >= _CONTRAST:
            found.append(painted[place])
    return found


def contrast(image: np.ndarray, outline: np.ndarray) -> float:
    """How much a plane's outline differs from what is around it, 0 to 1."""
    place, ring, box = _places(outline, outline)
    return abs(_above(np.sort(image[box][place]), np.sort(image[box][ring]))) if ring.any() else 0.0


def _places(below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[slice, slice]]:
    """The promised pixels, and those around both outlines, within a box."""
    from scipy import ndimage

    rows, columns = (np.flatnonzero((below | above).any(axis=axis)) for axis in (1, 0))
    box = tuple(slice(max(0, int(ones[0]) - _RING[1]), int(ones[-1]) + _RING[1] + 1) for ones in (rows, columns))
    below, above = below[box], above[box]
    place = below & above
    core = ndimage.binary_erosion(place)
    ring = _at_most(below | above, _RING[1] ** 2) & ~_at_most(below | above, _RING[0] ** 2 - 1)
    return core if core.sum() >= _PIXELS else place, ring, box


def _at_most(mask: np.ndarray, squared: int) -> np.ndarray:
    """Pixels whose squared distance from a mask is at most so much; a distance transform takes three times as long."""
    reach, (rows, columns) = math.isqrt(squared), mask.shape
    wide = [np.pad(mask, reach)]
    for step in range(1, reach + 1):
        wide.append(wide[-1].copy())
        wide[-1][:, step:] |= wide[0][:, :-step]
        wide[-1][:, :-step] |= wide[0][:, step:]
    near = np.zeros_like(mask)
    for step in range(-reach, reach + 1):
        near |= wide[math.isqrt(squared - step**2)][reach + step : reach + step + rows, reach : reach + columns]
    return near


def _above(values: np.ndarray, others: np.ndarray) -> float:
    """The share of pairs in which a value is larger than another, less that in which it is smaller; both sorted."""
    # Of sorted values the places are found five times as fast.
    places = np.searchsorted(others, values) + np.searchsorted(others, values, "right")
    return float(places.mean() / len(others) - 1)
