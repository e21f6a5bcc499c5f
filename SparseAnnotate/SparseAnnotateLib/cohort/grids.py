"""Back from a network's grid to a scan's own: voxels of different size that fill the same box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..errors import InputError
from .preprocessing import linear_weights

Region = tuple[slice, slice, slice]

# A grid with so much larger or smaller voxels shows something else than the network has learnt.
LARGEST_SPACING_RATIO = 3.0


def check_spacing(spacing_mm: Sequence[float], wanted_mm: Sequence[float], name: str | None = None) -> None:
    """Refuse a scan whose voxels are of quite another size than those that a network has learnt from.

    Raises
    ------
    InputError
        Where a side is more than `LARGEST_SPACING_RATIO` times as long or as short.
    """
    whose = "the image's" if name is None else f"{name}:"
    for side, here, there in zip(("planes", "rows", "columns"), spacing_mm, wanted_mm, strict=True):
        if not 1 / LARGEST_SPACING_RATIO <= here / there <= LARGEST_SPACING_RATIO:
            raise InputError(
                f"{whose} {side} lie {here:.3g} mm apart, the cohort model has learnt from {there:.3g} mm: check "
                "the spacing in the image's header, or use a model of such scans"
            )


def counterpart(region: Region, shape: Sequence[int], other: Sequence[int], margin: Sequence[int]) -> Region:
    """The voxels of the grid `other` that cover a region of the grid `shape`, and `margin` more on each side."""
    sides = []
    for side, size, there, more in zip(region, shape, other, margin, strict=True):
        scale = there / size
        first, last = int(np.floor(side.start * scale)) - more, int(np.ceil(side.stop * scale)) + more
        sides.append(slice(max(0, first), min(there, max(last, first + 1))))
    return tuple(sides)


class WayBack:
    """Planes of a part of the network's grid, one after the other, to planes of a region of the scan's own.

    Linear; where the scan's voxels are larger, a mean over what they cover.

    Parameters
    ----------
    shape, network_shape : of the whole grids, which fill the same box
    region, network_region : the parts
    """

    def __init__(self, shape: Sequence[int], region: Region, network_shape: Sequence[int], network_region: Region):
        sides = zip(shape, region, network_shape, network_region, strict=True)
        self._planes, self._rows, self._columns = (
            _restricted(linear_weights(there, size), side, part) for size, side, there, part in sides
        )

    def planes(self, arriving: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The region's planes float32 (..., rows, columns) from the part's; as few as possible are held at once."""
        held: dict[int, np.ndarray] = {}
        numbered = enumerate(arriving)
        for weights in self._planes:
            used = np.flatnonzero(weights)
            while used[-1] not in held:
                number, plane = next(numbered)
                held[number] = plane
            held = {number: plane for number, plane in held.items() if number >= used[0]}
            mixed = sum(weights[number] * held[number] for number in used)
            yield self._rows @ mixed @ self._columns.T


def _restricted(weights: np.ndarray, wanted: slice, given: slice) -> np.ndarray:
    """Weights (new, old) for a part of the new voxels from a part of the old ones; each row sums to 1."""
    part = weights[wanted, given]
    return part / part.sum(axis=1, keepdims=True)
