"""The part of the planes that a network works on, and its intensities, normalised."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box

Box = tuple[slice, slice]

# Normalised intensities are cut here, in standard deviations: metal and vessels stay bright without ruling the rest.
_LIMIT = 5.0

# Percentiles of this many voxels have an error far below a grey level of any scanner, and take 20 ms instead of 5 s.
_PERCENTILE_VOXELS = 500_000
_PERCENTILE_PLANES = 32


@dataclass(frozen=True)
class Working:
    """The part of a plane that is worked on, and how many times it is magnified."""

    box: Box
    zoom: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the box, before magnification."""
        rows, columns = self.box
        return rows.stop - rows.start, columns.stop - columns.start

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns as the network sees them, without padding."""
        return tuple(max(1, round(length * self.zoom)) for length in self.shape)


def working_region(annotation: SparseAnnotation, *, margin: int, smallest_side: int, stride: int) -> Working:
    """The box of the painted labels, `margin` pixels wider, magnified where it is smaller than `smallest_side`.

    Widened further, where the image allows, to a multiple of the network's `stride`: real pixels instead of padding.
    Where labels are missing from partly painted planes, the margin is a third of the box; but never is the box larger
    than what holds every unknown voxel and every label (with a box drawn by hand: that one, and the margin).
    """
    first, last = annotation.plane_range
    inside = slice(first, last + 1)
    labelled = annotation.labels[inside].any(axis=0)
    box = bounding_box(labelled)
    if box is None:
        box = (slice(0, labelled.shape[0]), slice(0, labelled.shape[1]))
    around = margin
    if len(annotation.complete_planes) < int(annotation.painted.sum()):
        around = max(margin, max(side.stop - side.start for side in box) // 3)
    box = _widened(box, around, labelled.shape)
    open_box = bounding_box(labelled | ~annotation.known[inside].all(axis=0), margin)
    if open_box is not None:
        box = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, open_box, strict=True))
    longest = max(side.stop - side.start for side in box)
    zoom = min(4.0, max(1.0, smallest_side / longest))
    return Working(_to_stride(box, zoom, stride, labelled.shape), zoom)


def _widened(box: Box, margin: int, shape: tuple[int, int]) -> Box:
    return tuple(
        slice(max(0, s.start - margin), min(size, s.stop + margin)) for s, size in zip(box, shape, strict=True)
    )


def _to_stride(box: Box, zoom: float, stride: int, shape: tuple[int, int]) -> Box:
    sides = []
    for side, size in zip(box, shape, strict=True):
        length = side.stop - side.start
        wanted = min(size, int(math.ceil(length * zoom / stride) * stride / zoom))
        start = min(max(0, side.start - (wanted - length) // 2), size - wanted)
        sides.append(slice(start, start + wanted))
    return tuple(sides)


def normalized(intensities: np.ndarray, percentiles: tuple[float, float] = (0.5, 99.5)) -> np.ndarray:
    """Clipped at two percentiles, mean 0 and standard deviation 1; float16, for it is only looked at."""
    some = intensities[:: max(1, len(intensities) // _PERCENTILE_PLANES)].reshape(-1)
    # An odd step, so that rows of a power of two do not alias into a few columns.
    sample = some[:: max(1, some.size // _PERCENTILE_VOXELS) | 1]
    low, high = np.percentile(sample, percentiles)
    clipped = np.clip(sample, low, high)
    mean, deviation = float(clipped.mean()), float(clipped.std()) or 1.0
    result = np.empty(intensities.shape, np.float16)
    for plane, target in zip(intensities, result, strict=True):
        target[:] = np.clip((np.clip(plane, low, high) - mean) / deviation, -_LIMIT, _LIMIT)
    return result
