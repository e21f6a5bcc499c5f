"""Step 1: the region that the painted structures lie in, and its planes, clipped and normalised."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence

import numpy as np

from ...annotation import SparseAnnotation
from ...volume import Volume
from ..memory import Memory, digest

# Room for what the unpainted planes add around the painted structures.
MARGIN_PIXELS = 12

# The region begins and ends at multiples of this: one more painted plane moves the box of all structures in half of the
# cases, and nothing that was computed for another region can be recalled; like this in a fifth (173 paintings).
# (35 predictions of 18 volumes at 5, 10 and 20 %: +.0001, between -.0026 and +.0029.)
REGION_STEP_PIXELS = 16

CLIP_PERCENTILES = (0.5, 99.5)

# Percentiles of a regular sample of this many voxels differ from the exact ones by far less than the noise.
_SAMPLE_VOXELS = 1_000_000

# Smoothed planes that are kept, in bytes: neighbours ask for the same ones within a few planes.
_CACHE_BYTES = 256 << 20

DEVIATION_WINDOW = 5


def structure_region(annotation: SparseAnnotation) -> tuple[slice, slice]:
    """Rows and columns of the bounding box of all painted labels, with a margin, in steps that it seldom leaves."""
    labelled = annotation.labels[annotation.source_planes].any(axis=0)
    return tuple(_in_steps(one, size) for one, size in zip(with_margin(labelled), labelled.shape, strict=True))


def _in_steps(place: slice, size: int) -> slice:
    step = REGION_STEP_PIXELS
    return slice(place.start // step * step, min(size, -(-place.stop // step) * step))


def with_margin(labelled: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the bounding box of what is labelled, with a margin; all where nothing is."""
    return tuple(_extent(labelled.any(axis=axis), MARGIN_PIXELS) for axis in (1, 0))


def _extent(occupied: np.ndarray, margin: int) -> slice:
    places = np.flatnonzero(occupied)
    if not len(places):
        return slice(0, len(occupied))
    return slice(max(0, int(places[0]) - margin), min(len(occupied), int(places[-1]) + margin + 1))


def kept_results(method: Callable, most: int) -> Callable:
    """The bound method, with its last `most` results kept for as long as its object lives, and no longer.

    A cache that holds the bound method would hold its object too, a circle that waits for the garbage collector: a
    worker of `evaluate` grew by 250 MB with each abdomen.
    """
    reference = weakref.WeakMethod(method)
    return functools.lru_cache(maxsize=most)(lambda *arguments: reference()(*arguments))


class Images:
    """Planes of one region, clipped to percentiles, z-scored, and smoothed on request.

    A large constant background (the lowest value, where it fills over a fifth of the volume) does not count in the
    statistics, which a `memory` keeps.
    """

    def __init__(self, volume: Volume, region: tuple[slice, slice], memory: Memory | None = None):
        self._planes = volume.intensities[(slice(None), *region)]
        self.shape = self._planes.shape[1:]
        self._low, self._high, self._mean, self._deviation = _remembered_statistics(volume.intensities, memory)
        self.kept_planes = max(24, _CACHE_BYTES // max(1, 4 * self.shape[0] * self.shape[1]))
        self._smoothed = kept_results(self._made_smoothed, self.kept_planes)

    @property
    def normalised_range(self) -> tuple[float, float]:
        """Lowest and highest value that a normalised plane can have."""
        return tuple(float((bound - self._mean) / self._deviation) for bound in (self._low, self._high))

    def smoothed(self, plane: int, sigma: float) -> np.ndarray:
        """A plane, shape (rows, columns), smoothed by a Gaussian of `sigma` pixels; planes beyond the ends repeat."""
        return self._smoothed(plane, sigma)

    def _made_smoothed(self, plane: int, sigma: float) -> np.ndarray:
        import cv2

        plane = self.nearest_plane(plane)
        if sigma:
            return cv2.GaussianBlur(self.smoothed(plane, 0), (0, 0), sigma)
        return self._normalised(plane)

    def nearest_plane(self, plane: int) -> int:
        """The plane itself, or the last one before it where the volume ends."""
        return min(max(plane, 0), len(self._planes) - 1)

    def _normalised(self, plane: int) -> np.ndarray:
        clipped = np.clip(self._planes[plane], self._low, self._high)
        return (clipped - self._mean) / self._deviation

    def edges(self, plane: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
        """Gradient magnitude (Sobel) and Laplacian of a smoothed plane."""
        import cv2

        smooth = self.smoothed(plane, sigma)
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        return cv2.magnitude(across, down), cv2.Laplacian(smooth, cv2.CV_32F)

    def deviation(self, plane: int) -> np.ndarray:
        """Standard deviation in the window around each pixel of a plane."""
        import cv2

        raw, window = self.smoothed(plane, 0), (DEVIATION_WINDOW, DEVIATION_WINDOW)
        mean, square = cv2.blur(raw, window), cv2.blur(raw * raw, window)
        return np.sqrt(np.maximum(square - mean * mean, 0))


def _remembered_statistics(intensities: np.ndarray, memory: Memory | None) -> tuple[np.float32, ...]:
    if memory is None:
        return _statistics(intensities)
    key = digest("statistics", memory.digest_of_image(intensities))
    return memory.made(key, lambda: _statistics(intensities))


def _statistics(intensities: np.ndarray) -> tuple[np.float32, ...]:
    step = max(1, round((intensities.size / _SAMPLE_VOXELS) ** (1 / 3)))
    # Sorting 2.4 million takes NumPy 8 ms, their percentiles 43.
    sample = np.sort(intensities[::step, ::step, ::step], axis=None)
    background = int(np.searchsorted(sample, sample[0], side="right"))
    if 0.2 < background / len(sample) < 1:
        sample = sample[background:]
    low, high = _percentiles(sample, CLIP_PERCENTILES)
    first = int(np.searchsorted(sample, low, side="right"))
    inside = np.clip(sample[first if first < len(sample) else 0 :], low, high)
    return tuple(np.float32(value) for value in (low, high, inside.mean(), inside.std() + 1e-6))


def _percentiles(ascending: np.ndarray, percentiles: Sequence[float]) -> list[np.float64]:
    """Those of sorted numbers, interpolated linearly."""
    places = [percentile / 100 * (len(ascending) - 1) for percentile in percentiles]
    ends = [ascending[int(place) : int(place) + 2].astype(np.float64) for place in places]
    return [end[0] + (end[-1] - end[0]) * (place % 1) for place, end in zip(places, ends, strict=True)]
