"""Step 3, `patch` and `propagated`: labels fused over a disc by the similarity of image patches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .images import Images, kept_results

PATCH_PIXELS = 5
SMOOTHINGS = (0, 1.5)
SIMILARITY_SCALE = 0.1
DISTANCE_SIGMA = 3.0

# Probabilities above this are taken as certain.
CERTAIN = 0.999

# What is open is cut out in strips of so many rows, and packed side by side until it is as wide as this: half the time
# of strips of 64 rows one by one.
_STRIP_ROWS = 16
_PACK_COLUMNS = 1000

_MARGIN = PATCH_PIXELS // 2

# Columns without a structure that cost as much as a call.
_PAYING_GAP = 32


def disc_offsets(radius: int) -> list[tuple[int, int]]:
    """Row and column steps inside a disc."""
    steps = range(-radius, radius + 1)
    return [(row, column) for row in steps for column in steps if row * row + column * column <= radius * radius]


@dataclass(frozen=True)
class _Source:
    """A plane to fuse labels from; all arrays have a border wide enough for offsets and patches.

    Attributes
    ----------
    channels : its smoothings
    power : mean square of the patch around each pixel
    structures : class number -> its probabilities, float32, for those that it has, without background
    handicap : minus the logarithm of its share
    """

    channels: list[np.ndarray]
    power: np.ndarray
    structures: dict[int, np.ndarray]
    handicap: float

    def packed(self, pack: _Pack) -> _Source:
        """The same of the windows of a pack."""
        structures = {number: pack.of(probability) for number, probability in self.structures.items()}
        return _Source([pack.of(c) for c in self.channels], pack.of(self.power), structures, self.handicap)


@dataclass(frozen=True)
class _Pack:
    """Windows of a plane, all of the same height, side by side, each with its border.

    Attributes
    ----------
    windows : rows and columns of each
    border : pixels that arrays are wider than the plane, on each side
    """

    windows: list[tuple[slice, slice]]
    border: int

    def of(self, bordered: np.ndarray) -> np.ndarray:
        """What the windows show of a plane with its border."""
        wider = 2 * self.border
        cuts = [bordered[r.start : r.stop + wider, c.start : c.stop + wider] for r, c in self.windows]
        return np.concatenate(cuts, axis=1)

    def put(self, values: np.ndarray, where: np.ndarray, into: np.ndarray) -> None:
        """Back to the places of `into` (classes + 1, rows, columns) `where` they are asked for."""
        start = 0
        for window in self.windows:
            asked = where[window]
            rows, columns = asked.shape
            np.copyto(into[(slice(None), *window)], values[:, :rows, start : start + columns], where=asked)
            start += columns + 2 * self.border


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
        self._border = radius + _MARGIN
        self._penalty = [(r * r + c * c) / (2 * DISTANCE_SIGMA**2) for r, c in self._offsets]
        # A plane is looked at from both sides, and by its neighbours.
        self._appearance = kept_results(self._made_appearance, max(8, images.kept_planes // 3))

    def fuse(self, plane: int, sources: list[tuple[int, np.ndarray, float]]) -> np.ndarray:
        """Class probabilities of `plane`, shape (classes + 1, rows, columns).

        Parameters
        ----------
        sources : (plane, its probabilities of shape (classes + 1, rows, columns), its share)
        """
        fused = sources[0][1].astype(np.float32)
        target, _ = self._appearance(plane)
        prepared = [self._prepared(*source) for source in sources]
        open_pixels = self._open_pixels([probabilities for _, probabilities, _ in sources])
        for pack in self._packs(open_pixels):
            pack.put(self._fused(target, prepared, pack, len(fused)), open_pixels, fused)
        return fused

    def _open_pixels(self, sources: list[np.ndarray]) -> np.ndarray:
        """Where the disc holds more than one label, or an uncertain one: bool (rows, columns)."""
        import cv2

        labels = [most_probable(probabilities) for probabilities in sources]
        mixed = np.logical_or.reduce([label != labels[0] for label in labels])
        mixed |= np.logical_or.reduce([probabilities.max(axis=0) < CERTAIN for probabilities in sources])
        disc = np.ones((2 * self._radius + 1, 2 * self._radius + 1), np.uint8)
        varied = [cv2.dilate(label, disc) != cv2.erode(label, disc) for label in labels]
        return np.logical_or.reduce([cv2.dilate(mixed.view(np.uint8), disc).view(bool), *varied])

    def _packs(self, open_pixels: np.ndarray) -> Iterator[_Pack]:
        """All windows that hold an open pixel, packed."""
        windows, columns = [], 0
        for top in range(0, len(open_pixels), _STRIP_ROWS):
            strip = slice(top, top + _STRIP_ROWS)
            for run in runs(open_pixels[strip].any(axis=0), 2 * self._border):
                windows.append((strip, run))
                columns += run.stop - run.start
                if columns >= _PACK_COLUMNS:
                    yield _Pack(windows, self._border)
                    windows, columns = [], 0
        if windows:
            yield _Pack(windows, self._border)

    def _bordered(self, image: np.ndarray) -> np.ndarray:
        """A plane whose edge is repeated around it; below it ends with a whole strip."""
        import cv2

        border = self._border
        return cv2.copyMakeBorder(
            image, border, border + -len(image) % _STRIP_ROWS, border, border, cv2.BORDER_REPLICATE
        )

    def _made_appearance(self, plane: int) -> tuple[list[np.ndarray], np.ndarray]:
        """The two smoothings, so scaled that squared differences are in units of the similarity scale; the power."""
        import cv2

        scale = np.float32(SIMILARITY_SCALE**-0.5)
        channels = [self._bordered(self._images.smoothed(plane, sigma) * scale) for sigma in SMOOTHINGS]
        return channels, cv2.blur(sum(channel * channel for channel in channels), (PATCH_PIXELS, PATCH_PIXELS))

    def _prepared(self, plane: int, probabilities: np.ndarray, share: float) -> _Source:
        there = [number for number in range(1, len(probabilities)) if probabilities[number].any()]
        structures = {number: self._bordered(probabilities[number].astype(np.float32, copy=False)) for number in there}
        return _Source(*self._appearance(plane), structures, -float(np.log(max(share, 1e-6))))

    def _fused(self, target: list[np.ndarray], sources: list[_Source], pack: _Pack, classes: int) -> np.ndarray:
        """Probabilities (classes, rows, columns) of a pack; what lies between its windows means nothing."""
        here = slice(self._radius, -self._radius or None)
        wanted = [2 * pack.of(channel)[here, here] for channel in target]
        sources = [source.packed(pack) for source in sources]
        costs = [self._costs(wanted, source) for source in sources]
        least = np.minimum.reduce([cost.min(axis=0) for cost in costs])
        total = np.zeros_like(least)
        structures = np.zeros((classes, *least.shape), np.float32)
        for cost, source in zip(costs, sources, strict=True):
            weights = np.exp(np.subtract(least, cost, out=cost), out=cost)
            total += weights.sum(axis=0)
            for number, probability in source.structures.items():
                self._add_weighted(weights, probability, structures[number])
        structures /= total
        structures[0] = np.maximum(0, 1 - structures[1:].sum(axis=0))
        return structures

    def _costs(self, wanted: list[np.ndarray], source: _Source) -> np.ndarray:
        """Cost of every offset, less what they have in common: (offsets, rows, columns)."""
        import cv2

        # A quarter faster than cv2.blur, which sums in float64.
        box = np.full(PATCH_PIXELS, 1 / PATCH_PIXELS, np.float32)
        product, mean = np.empty_like(wanted[0]), np.empty_like(wanted[0])
        inner = mean[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        costs = np.empty((len(self._offsets), *inner.shape), np.float32)
        for cost, offset, penalty in zip(costs, self._offsets, self._penalty, strict=True):
            found = [self._moved(channel, offset, _MARGIN, product.shape) for channel in source.channels]
            cv2.multiply(wanted[0], found[0], dst=product)
            cv2.accumulateProduct(wanted[1], found[1], product)
            cv2.sepFilter2D(product, -1, box, box, dst=mean)
            power = self._moved(source.power, offset, 0, inner.shape)
            cv2.addWeighted(power, 1, inner, -1, penalty + source.handicap, dst=cost)
        return costs

    def _add_weighted(self, weights: np.ndarray, probability: np.ndarray, total: np.ndarray) -> None:
        """Add to `total` the sum over offsets of the weight times the shifted probability of a structure."""
        import cv2

        reach = np.ones((1, 2 * self._radius + 1), np.uint8)
        near = cv2.dilate(probability.any(axis=0).view(np.uint8)[None], reach)[0, self._border : -self._border]
        for run in runs(near, _PAYING_GAP):
            into = total[:, run]
            for weight, (down, right) in zip(weights, self._offsets, strict=True):
                shifted = self._moved(probability, (down, right + run.start), 0, into.shape)
                cv2.accumulateProduct(weight[:, run], shifted, into)

    def _moved(self, bordered: np.ndarray, offset: tuple[int, int], margin: int, shape: tuple[int, int]) -> np.ndarray:
        """What an offset finds of an array with a border, `margin` pixels of which are wanted too."""
        down, right = (self._border - margin + step for step in offset)
        return bordered[down : down + shape[0], right : right + shape[1]]


def most_probable(probabilities: np.ndarray) -> np.ndarray:
    """The first of the largest classes, uint8 (rows, columns): NumPy's argmax over the first axis, 20 times as fast."""
    highest, label = probabilities[0], np.zeros(probabilities.shape[1:], np.uint8)
    for number, values in enumerate(probabilities[1:], start=1):
        np.maximum(label, (values > highest).view(np.uint8) * np.uint8(number), out=label)
        highest = np.maximum(highest, values)
    return label


def runs(hit: np.ndarray, gap: int) -> list[slice]:
    """The stretches of True in bool (columns,), those taken together that are no farther than `gap` from each other."""
    places = np.flatnonzero(hit)
    if not len(places):
        return []
    jumps = np.flatnonzero(np.diff(places) > gap)
    starts, stops = [0, *(jumps + 1)], [*jumps, len(places) - 1]
    return [slice(int(places[a]), int(places[b]) + 1) for a, b in zip(starts, stops, strict=True)]
