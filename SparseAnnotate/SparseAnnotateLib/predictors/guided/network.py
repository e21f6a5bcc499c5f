"""What a network that has seen many volumes says of a plane, as one more prior.

It sees what the other priors say about one structure, and the image, and corrects their pool. It has learnt on made-up
volumes (`Testing/prior_network`), so it knows no organ, only how priors are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...annotation import SparseAnnotation
from .convolutions import STEP_PIXELS, Network, halved
from .distance_maps import DistanceMaps, shrink
from .flow import AdjacentFlow
from .images import Images, kept_results
from .pool import default_weights, log_priors, pooled
from .priors import Bracket, Priors, Sides
from .probabilities import margin_to_rest

# Up to how many painted planes and structures there is such a prior: with more planes the trees know this volume
# better, and it lost on a brain of 10 structures (-.016 at 5 %).
MOST_PAINTED_PLANES = 5
MOST_STRUCTURES = 4

# Distances are clipped here; farther pixels say nothing about the border.
NEAR_PIXELS = 8.0
_DISTANCE_UNIT_PIXELS = 4.0

# Of a window around the uncertain pixels.
MARGIN_PIXELS = 8

# Larger windows are looked at through pixels twice as wide.
MOST_PIXELS = 4096

# A structure is looked at where the pool doubts it as much as this.
_DOUBT = 0.02
_LEAST_PROBABILITY = np.float32(0.0025)
_MOST_LOGITS = np.float32(6)

# The largest value in a map, where the pool is among the maps, and in which unit.
_LARGEST = np.float32(6)
POOL_MAP = 11
LOGIT_UNIT = np.float32(3)

_PLACE_UNITS = 1, 0.4, 0.4, 1

# Of how often each brightness occurs in a structure and around it.
_BINS = 24
_BIN_SMOOTHING = np.array([0.06, 0.24, 0.4, 0.24, 0.06])


def may_help(annotation: SparseAnnotation) -> bool:
    """Whether so little is painted."""
    return len(annotation.source_planes) <= MOST_PAINTED_PLANES and annotation.class_count <= MOST_STRUCTURES


@dataclass(frozen=True)
class View:
    """A structure in its window of a plane, as the network is to see it.

    Attributes
    ----------
    number : of the structure
    window : rows and columns
    maps : float32 (13, rows, columns)
    place : of the plane among the painted ones, (4,)
    coarsening : 2 where the network sees the means of 2 x 2 pixels, else 1
    """

    number: int
    window: tuple[slice, slice]
    maps: np.ndarray
    place: np.ndarray
    coarsening: int


class NetworkPrior:
    """Looks at one structure after the other, each in a window around its uncertain pixels."""

    def __init__(
        self,
        network: Network,
        images: Images,
        maps: DistanceMaps,
        labels: dict[int, np.ndarray],
        flow: AdjacentFlow,
        pixel_mm: float,
        plane_range: tuple[int, int],
        most_pixels: float = MOST_PIXELS,
        margin_pixels: int = MARGIN_PIXELS,
    ):
        self._network, self._images, self._maps, self._labels = network, images, maps, labels
        self._flow, self._pixel_mm, self._plane_range = flow, pixel_mm, plane_range
        self._most_pixels, self._margin_pixels = most_pixels, margin_pixels
        self._margins = kept_results(self._made_margins, 4)
        self._looks = kept_results(self._made_looks, 4 * maps.class_count)

    def of(self, sides: Sides, priors: Priors, linear: np.ndarray, patch: np.ndarray) -> np.ndarray:
        """Probabilities float32 (classes + 1, pixels of the band).

        Parameters
        ----------
        priors : the others; the cubic one is not looked at, for it depends on more than two painted planes
        linear, patch : of the whole plane, (classes + 1, rows, columns)
        """
        shape, band = priors.base.shape, priors.band
        rows, columns = np.divmod(band, shape[1])
        pool = self._pool(priors)
        found = np.clip(pool, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        for view in self.views(sides, priors, linear, patch, pool):
            inside = np.flatnonzero(_within(rows, view.window[0]) & _within(columns, view.window[1]))
            at = rows[inside] - view.window[0].start, columns[inside] - view.window[1].start
            found[view.number, inside] = self._answer(view)[at]
        found[0] = np.maximum(1 - found[1:].sum(axis=0), _LEAST_PROBABILITY)
        return found / found.sum(axis=0)

    def _pool(self, priors: Priors) -> np.ndarray:
        """What the others say together, (classes + 1, pixels of the band)."""
        logs = log_priors(replace(priors, cubic=priors.linear, network=None, cohort=None), self._pixel_mm)
        return pooled(logs, default_weights(priors.bracket.at_end), np.ones(logs.shape[1], bool))

    def views(
        self, sides: Sides, priors: Priors, linear: np.ndarray, patch: np.ndarray, pool: np.ndarray | None = None
    ) -> Iterator[View]:
        """What there is to see of each structure that the other priors doubt; also what the network learns from."""
        base, band = priors.base, priors.band
        pool = self._pool(priors) if pool is None else pool
        linear = margin_to_rest(linear)
        rows, columns = np.divmod(band, base.shape[1])
        for number in range(1, len(pool)):
            asked = np.flatnonzero(np.abs(pool[number] - 0.5) <= 0.5 - _DOUBT)
            if not len(asked):
                continue
            window = _window(rows[asked], columns[asked], base.shape, self._margin_pixels)
            whole = (base == number).astype(np.float32)
            whole.ravel()[band] = pool[number]
            own = (number, *window)
            coarsening = 1 if linear[own].size <= self._most_pixels else 2
            seen = self._seen(number, sides, window, linear[own], patch[own], whole[window], coarsening)
            yield View(number, window, seen, _place(sides.bracket, self._plane_range), coarsening)

    def _answer(self, view: View) -> np.ndarray:
        """The structure's probability (rows, columns) in its window: the pool's logit, corrected."""
        import cv2

        rows, columns = view.maps.shape[1:]
        step = STEP_PIXELS * view.coarsening
        sizes = [(0, -size % step) for size in (rows, columns)]
        padded = np.pad(view.maps, ((0, 0), *sizes), mode="edge")
        if view.coarsening == 1:
            correction = self._network(padded, view.place)
        else:
            correction = cv2.resize(self._network(halved(padded), view.place), None, fx=2, fy=2)
        logits = LOGIT_UNIT * view.maps[POOL_MAP] + correction[:rows, :columns]
        return 1 / (1 + np.exp(-np.clip(logits, -_MOST_LOGITS, _MOST_LOGITS)))

    def _seen(
        self,
        number: int,
        sides: Sides,
        window,
        linear: np.ndarray,
        patch: np.ndarray,
        pool: np.ndarray,
        coarsening: int,
    ) -> np.ndarray:
        """The maps (13, rows, columns) of a structure in a window, as the network has learnt to see them."""
        chains = [self._seen_from(self._margin(number, sides, s), f, window) for s, f in _pairs(sides)]
        distances = [np.clip(d / (coarsening * self._pixel_mm), -NEAR_PIXELS, NEAR_PIXELS) for d in (*chains, linear)]
        # In the order that the weights were learnt in.
        images = [self._images.smoothed(sides.bracket.plane + step, 0)[window] for step in (0, -1, 1)]
        images += [self._seen_from(self._images.smoothed(s, 0), f, window) for s, f in _pairs(sides)]
        border = np.max(distances, axis=0) > -NEAR_PIXELS
        border &= np.min(distances, axis=0) < NEAR_PIXELS
        around = images[0][border] if border.any() else images[0]
        mean, deviation = around.mean(), around.std() + np.float32(1e-3)
        pool = np.clip(pool, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        maps = [
            *((image - mean) / deviation for image in images),
            *(2 * carried[(number, *window)] - 1 for carried in sides.carried),
            *(distance / np.float32(_DISTANCE_UNIT_PIXELS) for distance in distances),
            2 * patch - 1,
            np.log(pool / (1 - pool)) / LOGIT_UNIT,
            self._likeness(number, sides, window),
        ]
        return np.clip(np.stack(maps), -_LARGEST, _LARGEST).astype(np.float32)

    def _seen_from(self, image: np.ndarray, flow: np.ndarray, window) -> np.ndarray:
        """A window of a plane, seen through the flow to it."""
        rows, columns = (np.arange(one.start, one.stop, dtype=np.float32) for one in window)
        column, row = columns + flow[(*window, 0)], rows[:, None] + flow[(*window, 1)]
        return self._flow.sample(image, column, row)

    def _margin(self, number: int, sides: Sides, source: int) -> np.ndarray:
        cap = None if sides.cap_mm is None else tuple(sides.cap_mm.tolist())
        return self._margins(source, cap)[number]

    def _made_margins(self, source: int, cap_mm: tuple[float, ...] | None) -> np.ndarray:
        """By how much each class's distance on a painted plane exceeds that of the others, mm."""
        maps = self._maps.of_plane(source)
        return margin_to_rest(maps if cap_mm is None else shrink(maps, np.array(cap_mm, np.float32)))

    def _likeness(self, number: int, sides: Sides, window) -> np.ndarray:
        """Half the log ratio of how often a brightness occurs in the structure and around it on the painted planes."""
        smooth = self._images.smoothed(sides.bracket.plane, 1)[window]
        low, high, table = self._looks(number, sides.sources)
        return table[_binned(smooth, low, high)]

    def _made_looks(self, number: int, sources: tuple[int, int]) -> tuple[float, float, np.ndarray]:
        brightness, inside = [], []
        for source in sources:
            near = self._maps.of_plane(source)[number] > -NEAR_PIXELS * self._pixel_mm
            brightness.append(self._images.smoothed(source, 1)[near])
            inside.append(self._labels[source][near] == number)
        brightness, inside = np.concatenate(brightness), np.concatenate(inside)
        if inside.sum() < 5 or (~inside).sum() < 5:
            return 0.0, 1.0, np.zeros(_BINS, np.float32)
        low, high = np.percentile(brightness, [1, 99])
        shares = [
            np.convolve(np.bincount(_binned(brightness[which], low, high), minlength=_BINS), _BIN_SMOOTHING, "same")
            / which.sum()
            for which in (inside, ~inside)
        ]
        return float(low), float(high), (np.log((shares[0] + 0.01) / (shares[1] + 0.01)) / 2).astype(np.float32)


def _pairs(sides: Sides) -> list[tuple[int, np.ndarray]]:
    return list(zip(sides.sources, sides.flows, strict=True))


def _binned(brightness: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip(((brightness - low) / (high - low + 1e-6) * _BINS).astype(int), 0, _BINS - 1)


def _place(bracket: Bracket, plane_range: tuple[int, int]) -> np.ndarray:
    """-1 at the plane below, 1 at the one above; how far the nearer and the farther are, as logarithms; 0.

    Beyond the last painted plane 0, how far it and the first empty plane are, as logarithms; 1.
    """
    near, far = bracket.gap_planes
    if bracket.at_end:
        first, last = plane_range
        to_empty = (last if bracket.above is None else first) - bracket.plane
        place = 0, np.log2(near), np.log2(abs(to_empty) + 1), 1
    else:
        place = 2 * bracket.share - 1, np.log2(near), np.log2(far), 0
    return np.array(place, np.float32) * np.array(_PLACE_UNITS, np.float32)


def _window(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], margin: int) -> tuple[slice, slice]:
    """The box of some pixels and a margin, begun at a multiple of STEP_PIXELS."""
    return tuple(
        slice(
            max(0, int(places.min()) - margin) // STEP_PIXELS * STEP_PIXELS,
            min(size, int(places.max()) + 1 + margin),
        )
        for places, size in zip((rows, columns), shape, strict=True)
    )


def _within(places: np.ndarray, one: slice) -> np.ndarray:
    return (places >= one.start) & (places < one.stop)
