"""Step 3, `patch` and `propagated`: labels fused over a disc by the similarity of image patches."""

from __future__ import annotations

import numpy as np

from .images import Images

PATCH_PIXELS = 5
SMOOTHINGS = (0, 1.5)
SIMILARITY_SCALE = 0.1
DISTANCE_SIGMA = 3.0

# Probabilities above this are taken as certain.
_CERTAIN = 0.999

# Work on strips of rows: costs of all offsets of a strip (float32) stay in the processor's caches.
_STRIP_BYTES = 8 << 20


def disc_offsets(radius: int) -> list[tuple[int, int]]:
    """Row and column steps inside a disc."""
    steps = range(-radius, radius + 1)
    return [(row, column) for row in steps for column in steps if row * row + column * column <= radius * radius]


class PatchSearch:
    """Non-local label fusion (Coupe et al., NeuroImage 2011) within a disc, over two scales of the image.

    The weight of offset o is exp(-SSD / 0.1 - |o|^2 / 18): the mean squared difference of 5 x 5 patches on two
    smoothings of the z-scored image, and a preference for staying in place.
    """

    def __init__(self, images: Images, radius: int):
        self._images = images
        self._offsets = disc_offsets(radius)
        self._radius = radius
        self._penalty = [np.float32((r * r + c * c) / (2 * DISTANCE_SIGMA**2)) for r, c in self._offsets]

    def fuse(self, plane: int, sources: list[tuple[int, np.ndarray, float]]) -> np.ndarray:
        """Class probabilities of `plane`, shape (classes + 1, rows, columns).

        Parameters
        ----------
        sources : (plane, its probabilities of shape (classes + 1, rows, columns), its share)
        """
        rows, columns = self._images.shape
        fused = sources[0][1].astype(np.float32)
        target = self._channels(plane, PATCH_PIXELS // 2)
        prepared = [self._prepared(*source) for source in sources]
        open_pixels = self._open_pixels([probabilities for _, probabilities, _ in sources])
        height = max(16, _STRIP_BYTES // (4 * len(self._offsets) * columns * len(sources)))
        for top in range(0, rows, height):
            bottom = min(rows, top + height)
            hit = np.flatnonzero(open_pixels[top:bottom].any(axis=0))
            if len(hit):
                window = slice(top, bottom), slice(int(hit[0]), int(hit[-1]) + 1)
                self._fuse_window(target, prepared, window, fused)
        return fused

    def _open_pixels(self, sources: list[np.ndarray]) -> np.ndarray:
        """Where the disc holds more than one label, or an uncertain one: bool (rows, columns)."""
        import cv2

        labels = [probabilities.argmax(axis=0).astype(np.uint8) for probabilities in sources]
        mixed = np.logical_or.reduce([label != labels[0] for label in labels])
        mixed |= np.logical_or.reduce([probabilities.max(axis=0) < _CERTAIN for probabilities in sources])
        disc = np.ones((2 * self._radius + 1, 2 * self._radius + 1), np.uint8)
        varied = [cv2.dilate(label, disc) != cv2.erode(label, disc) for label in labels]
        return np.logical_or.reduce([cv2.dilate(mixed.view(np.uint8), disc).view(bool), *varied])

    def _channels(self, plane: int, margin: int) -> list[np.ndarray]:
        """The two smoothings, scaled so that their squared difference is in units of the similarity scale."""
        import cv2

        scale = np.float32(SIMILARITY_SCALE**-0.5)
        smooth = [self._images.smoothed(plane, sigma) * scale for sigma in SMOOTHINGS]
        return [cv2.copyMakeBorder(c, margin, margin, margin, margin, cv2.BORDER_REPLICATE) for c in smooth]

    def _prepared(self, plane: int, probabilities: np.ndarray, share: float):
        """The source's channels, the structures that it has, their padded probabilities, and the log of its share."""
        present = [number for number in range(1, len(probabilities)) if probabilities[number].any()]
        edge = ((0, 0), (self._radius, self._radius), (self._radius, self._radius))
        padded = np.pad(probabilities[present], edge, mode="edge")
        return (
            self._channels(plane, self._radius + PATCH_PIXELS // 2),
            present,
            padded,
            np.float32(-np.log(max(share, 1e-6))),
        )

    def _fuse_window(self, target, prepared, window: tuple[slice, slice], fused: np.ndarray) -> None:
        costs = [self._costs(target, channels, window) for channels, *_ in prepared]
        for cost, (*_, handicap) in zip(costs, prepared, strict=True):
            cost += handicap
        least = np.minimum.reduce([cost.min(axis=0) for cost in costs])
        total = np.zeros_like(least)
        structures = np.zeros((len(fused), *least.shape), np.float32)
        for cost, (_, present, padded, _) in zip(costs, prepared, strict=True):
            weights = np.exp(np.subtract(least, cost, out=cost), out=cost)
            total += weights.sum(axis=0)
            if present:
                structures[present] += self._weighted(weights, padded, window)
        structures /= total
        structures[0] = np.maximum(0, 1 - structures[1:].sum(axis=0))
        fused[(slice(None), *window)] = structures

    def _costs(self, target: list[np.ndarray], source: list[np.ndarray], window: tuple[slice, slice]) -> np.ndarray:
        """Cost of every offset in a window of the plane, shape (offsets, rows, columns)."""
        import cv2

        margin = PATCH_PIXELS // 2
        wanted = [channel[_moved(window, 0, 0, 2 * margin)] for channel in target]
        first, second, mean = (np.empty_like(wanted[0]) for _ in range(3))
        inner = (slice(margin, -margin), slice(margin, -margin))
        costs = np.empty((len(self._offsets), *mean[inner].shape), np.float32)
        for number, (down, right) in enumerate(self._offsets):
            place = _moved(window, self._radius + down, self._radius + right, 2 * margin)
            np.subtract(wanted[0], source[0][place], out=first)
            np.multiply(first, first, out=first)
            np.subtract(wanted[1], source[1][place], out=second)
            np.multiply(second, second, out=second)
            cv2.blur(np.add(first, second, out=first), (PATCH_PIXELS, PATCH_PIXELS), dst=mean)
            np.add(mean[inner], self._penalty[number], out=costs[number])
        return costs

    def _weighted(self, weights: np.ndarray, padded: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
        """Sum over offsets of the weight times the shifted probabilities."""
        total = np.zeros((len(padded), *weights.shape[1:]), np.float32)
        product = np.empty_like(total)
        for weight, (down, right) in zip(weights, self._offsets, strict=True):
            place = _moved(window, self._radius + down, self._radius + right, 0)
            np.multiply(weight, padded[(slice(None), *place)], out=product)
            total += product
        return total


def _moved(window: tuple[slice, slice], down: int, right: int, larger: int) -> tuple[slice, slice]:
    """A window shifted, and larger at its lower end."""
    rows, columns = window
    return (
        slice(rows.start + down, rows.stop + down + larger),
        slice(columns.start + right, columns.stop + right + larger),
    )
