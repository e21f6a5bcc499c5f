"""Step 3, `patch` and `propagated`: labels fused over a disc by the similarity of image patches."""

from __future__ import annotations

import numpy as np

from .images import Images

PATCH_PIXELS = 5
SMOOTHINGS = (0, 1.5)
SIMILARITY_SCALE = 0.1
DISTANCE_SIGMA = 3.0

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
        fused = np.zeros((sources[0][1].shape[0], rows, columns), np.float32)
        target = self._channels(plane, PATCH_PIXELS // 2)
        prepared = [self._prepared(*source) for source in sources]
        height = max(16, _STRIP_BYTES // (4 * len(self._offsets) * columns * len(sources)))
        for top in range(0, rows, height):
            self._fuse_strip(target, prepared, top, min(rows, top + height), fused)
        fused[0] = 1 - fused[1:].sum(axis=0)
        return np.maximum(fused, 0, out=fused)

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

    def _fuse_strip(self, target, prepared, top: int, bottom: int, fused: np.ndarray) -> None:
        costs = [self._costs(target, channels, top, bottom) for channels, *_ in prepared]
        for cost, (*_, handicap) in zip(costs, prepared, strict=True):
            cost += handicap
        least = np.minimum.reduce([cost.min(axis=0) for cost in costs])
        total = np.zeros_like(least)
        for cost, (_, present, padded, _) in zip(costs, prepared, strict=True):
            weights = np.exp(np.subtract(least, cost, out=cost), out=cost)
            total += weights.sum(axis=0)
            if present:
                fused[present, top:bottom] += self._weighted(weights, padded[:, top : bottom + 2 * self._radius])
        fused[:, top:bottom] /= total

    def _costs(self, target: list[np.ndarray], source: list[np.ndarray], top: int, bottom: int) -> np.ndarray:
        """Cost of every offset, shape (offsets, bottom - top, columns)."""
        import cv2

        margin = PATCH_PIXELS // 2
        height, width = bottom - top + 2 * margin, target[0].shape[1]
        wanted = [channel[top : top + height] for channel in target]
        costs = np.empty((len(self._offsets), bottom - top, width - 2 * margin), np.float32)
        first, second, mean = (np.empty((height, width), np.float32) for _ in range(3))
        for number, (down, right) in enumerate(self._offsets):
            row, column = top + self._radius + down, self._radius + right
            window = (slice(row, row + height), slice(column, column + width))
            np.subtract(wanted[0], source[0][window], out=first)
            np.multiply(first, first, out=first)
            np.subtract(wanted[1], source[1][window], out=second)
            np.multiply(second, second, out=second)
            cv2.blur(np.add(first, second, out=first), (PATCH_PIXELS, PATCH_PIXELS), dst=mean)
            np.add(mean[margin:-margin, margin:-margin], self._penalty[number], out=costs[number])
        return costs

    def _weighted(self, weights: np.ndarray, padded: np.ndarray) -> np.ndarray:
        """Sum over offsets of the weight times the shifted probabilities."""
        _, height, width = weights.shape
        total = np.zeros((len(padded), height, width), np.float32)
        product = np.empty_like(total)
        for weight, (down, right) in zip(weights, self._offsets, strict=True):
            row, column = self._radius + down, self._radius + right
            np.multiply(weight, padded[:, row : row + height, column : column + width], out=product)
            total += product
        return total
