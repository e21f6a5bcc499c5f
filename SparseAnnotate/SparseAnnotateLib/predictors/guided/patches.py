"""Step 3, `patch` and `propagated`: labels fused over a disc by the similarity of image patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...distances import bounding_box
from .images import Images

PATCH_PIXELS = 5
SMOOTHINGS = (0, 1.5)
SIMILARITY_SCALE = 0.1
DISTANCE_SIGMA = 3.0

# Probabilities above this are taken as certain.
CERTAIN = 0.999

# Work on strips of rows: high enough for OpenCV, and costs of all offsets stay near the processor.
_STRIP_ROWS = 64

# Columns of a strip that cost as much as one more window.
_PAYING_GAP = 32


def disc_offsets(radius: int) -> list[tuple[int, int]]:
    """Row and column steps inside a disc."""
    steps = range(-radius, radius + 1)
    return [(row, column) for row in steps for column in steps if row * row + column * column <= radius * radius]


@dataclass(frozen=True)
class _Source:
    """A plane to fuse labels from, padded so that every offset lies inside.

    Attributes
    ----------
    channels : its smoothings, padded for offsets and patches
    power : mean square of the patch around each pixel, padded for offsets
    structures : the classes that it has, without background
    boxes : for each of these the rows and columns of the plane that any offset can bring it to
    probabilities : float32 (structures, rows, columns), padded for offsets
    handicap : minus the logarithm of its share
    """

    channels: list[np.ndarray]
    power: np.ndarray
    structures: list[int]
    boxes: list[tuple[slice, slice]]
    probabilities: np.ndarray
    handicap: float


class PatchSearch:
    """Non-local label fusion (Coupe et al., NeuroImage 2011) within a disc, over two scales of the image.

    The weight of offset o is exp(-SSD / 0.1 - |o|^2 / 18): the mean squared difference of 5 x 5 patches on two
    smoothings of the z-scored image, and a preference for staying in place. Of SSD = |a|^2 + |b|^2 - 2 ab the first
    term is the same for all offsets and sources, and drops out of the weighted mean.
    """

    def __init__(self, images: Images, radius: int):
        self._images = images
        self._offsets = disc_offsets(radius)
        self._radius = radius
        self._penalty = [(r * r + c * c) / (2 * DISTANCE_SIGMA**2) for r, c in self._offsets]

    def fuse(self, plane: int, sources: list[tuple[int, np.ndarray, float]]) -> np.ndarray:
        """Class probabilities of `plane`, shape (classes + 1, rows, columns).

        Parameters
        ----------
        sources : (plane, its probabilities of shape (classes + 1, rows, columns), its share)
        """
        fused = sources[0][1].astype(np.float32)
        target = self._channels(plane, PATCH_PIXELS // 2)
        prepared = [self._prepared(*source) for source in sources]
        open_pixels = self._open_pixels([probabilities for _, probabilities, _ in sources])
        for top in range(0, len(open_pixels), _STRIP_ROWS):
            strip = slice(top, min(len(open_pixels), top + _STRIP_ROWS))
            for run in runs(open_pixels[strip].any(axis=0)):
                self._fuse_window(target, prepared, (strip, run), fused)
        return fused

    def _open_pixels(self, sources: list[np.ndarray]) -> np.ndarray:
        """Where the disc holds more than one label, or an uncertain one: bool (rows, columns)."""
        import cv2

        labels = [probabilities.argmax(axis=0).astype(np.uint8) for probabilities in sources]
        mixed = np.logical_or.reduce([label != labels[0] for label in labels])
        mixed |= np.logical_or.reduce([probabilities.max(axis=0) < CERTAIN for probabilities in sources])
        disc = np.ones((2 * self._radius + 1, 2 * self._radius + 1), np.uint8)
        varied = [cv2.dilate(label, disc) != cv2.erode(label, disc) for label in labels]
        return np.logical_or.reduce([cv2.dilate(mixed.view(np.uint8), disc).view(bool), *varied])

    def _channels(self, plane: int, margin: int) -> list[np.ndarray]:
        """The two smoothings, scaled so that their squared difference is in units of the similarity scale."""
        import cv2

        scale = np.float32(SIMILARITY_SCALE**-0.5)
        smooth = [self._images.smoothed(plane, sigma) * scale for sigma in SMOOTHINGS]
        return [cv2.copyMakeBorder(c, margin, margin, margin, margin, cv2.BORDER_REPLICATE) for c in smooth]

    def _prepared(self, plane: int, probabilities: np.ndarray, share: float) -> _Source:
        import cv2

        margin = PATCH_PIXELS // 2
        channels = self._channels(plane, self._radius + margin)
        power = cv2.blur(sum(channel * channel for channel in channels), (PATCH_PIXELS, PATCH_PIXELS))
        boxes = {number: bounding_box(probabilities[number] > 0) for number in range(1, len(probabilities))}
        boxes = {number: box for number, box in boxes.items() if box is not None}
        edge = ((0, 0), (self._radius, self._radius), (self._radius, self._radius))
        return _Source(
            channels=channels,
            power=power[margin:-margin, margin:-margin],
            structures=list(boxes),
            boxes=[self._reach(box) for box in boxes.values()],
            probabilities=np.pad(probabilities[list(boxes)], edge, mode="edge"),
            handicap=-float(np.log(max(share, 1e-6))),
        )

    def _reach(self, box: tuple[slice, ...]) -> tuple[slice, slice]:
        """A box with all places that an offset can bring its pixels to; at the plane's edge it has been repeated."""
        rows, columns = (slice(max(0, side.start - self._radius), side.stop + self._radius) for side in box)
        return rows, columns

    def _fuse_window(self, target, sources: list[_Source], window: tuple[slice, slice], fused: np.ndarray) -> None:
        costs = [self._costs(target, source, window) for source in sources]
        least = np.minimum.reduce([cost.min(axis=0) for cost in costs])
        total = np.zeros_like(least)
        structures = np.zeros((len(fused), *least.shape), np.float32)
        for cost, source in zip(costs, sources, strict=True):
            weights = np.exp(np.subtract(least, cost, out=cost), out=cost)
            total += weights.sum(axis=0)
            self._add_weighted(weights, source, window, structures)
        structures /= total
        structures[0] = np.maximum(0, 1 - structures[1:].sum(axis=0))
        fused[(slice(None), *window)] = structures

    def _costs(self, target: list[np.ndarray], source: _Source, window: tuple[slice, slice]) -> np.ndarray:
        """Cost of every offset in a window of the plane, less what they have in common: (offsets, rows, columns)."""
        import cv2

        margin = PATCH_PIXELS // 2
        wanted = [2 * channel[_moved(window, 0, 0, 2 * margin)] for channel in target]
        # A quarter faster than cv2.blur, which sums in float64.
        box = np.full(PATCH_PIXELS, 1 / PATCH_PIXELS, np.float32)
        product, mean = np.empty_like(wanted[0]), np.empty_like(wanted[0])
        inner = mean[margin:-margin, margin:-margin]
        costs = np.empty((len(self._offsets), *inner.shape), np.float32)
        for number, (down, right) in enumerate(self._offsets):
            down, right = self._radius + down, self._radius + right
            found = [channel[_moved(window, down, right, 2 * margin)] for channel in source.channels]
            cv2.multiply(wanted[0], found[0], dst=product)
            cv2.accumulateProduct(wanted[1], found[1], product)
            cv2.sepFilter2D(product, -1, box, box, dst=mean)
            power = source.power[_moved(window, down, right, 0)]
            cv2.addWeighted(power, 1, inner, -1, self._penalty[number] + source.handicap, dst=costs[number])
        return costs

    def _add_weighted(
        self, weights: np.ndarray, source: _Source, window: tuple[slice, slice], total: np.ndarray
    ) -> None:
        """Add to `total`, for each class, the sum over offsets of the weight times the shifted probability."""
        import cv2

        for number, box, probability in zip(source.structures, source.boxes, source.probabilities, strict=True):
            common = [
                slice(max(a.start, b.start), max(a.start, b.start, min(a.stop, b.stop)))
                for a, b in zip(window, box, strict=True)
            ]
            here = tuple(slice(c.start - w.start, c.stop - w.start) for c, w in zip(common, window, strict=True))
            into = total[number][here]
            if not into.size:
                continue
            for weight, (down, right) in zip(weights, self._offsets, strict=True):
                shifted = probability[_moved(common, self._radius + down, self._radius + right, 0)]
                cv2.accumulateProduct(weight[here], shifted, into)


def runs(hit: np.ndarray) -> list[slice]:
    """The stretches of True in bool (columns,), those taken together that are so near that parting does not pay."""
    places = np.flatnonzero(hit)
    if not len(places):
        return []
    jumps = np.flatnonzero(np.diff(places) > _PAYING_GAP)
    starts, stops = [0, *(jumps + 1)], [*jumps, len(places) - 1]
    return [slice(int(places[a]), int(places[b]) + 1) for a, b in zip(starts, stops, strict=True)]


def _moved(window: tuple[slice, slice], down: int, right: int, larger: int) -> tuple[slice, slice]:
    """A window shifted, and larger at its lower end."""
    rows, columns = window
    return (
        slice(rows.start + down, rows.stop + down + larger),
        slice(columns.start + right, columns.stop + right + larger),
    )
