"""What the network learns from: planes of made-up volumes, seen as `guided` sees them, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from made_up import made_up
from SparseAnnotateLib import SparseAnnotation, Volume
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.predictors.guided.gaps import brackets_of, gaps_of
from SparseAnnotateLib.predictors.guided.network import POOL_MAP, NetworkPrior, View
from SparseAnnotateLib.predictors.guided.planes import PlaneWorker

SIDE = 80
SAMPLES_A_VOLUME = 24
# As many painted planes as `guided` asks its network with.
PAINTED = (2, 2, 2, 2, 3, 3, 4, 5)
PAINTED_HARDER = (2, 2, 2, 2, 3, 3, 4, 5, 7, 9)

# Maps as whole numbers, which takes a quarter of the memory.
UNITS = 20
LINEAR_MAP = 9


@dataclass(frozen=True)
class Sample:
    """Maps int8 (13, SIDE, SIDE), in units of 1 / UNITS; the plane's place in the gap (4,); the truth, bool."""

    maps: np.ndarray
    place: np.ndarray
    truth: np.ndarray


class _Views:
    """A prior that keeps what the network would see."""

    def __init__(self, prior: NetworkPrior):
        self._prior = prior
        self.last: list = []

    def of(self, sides, priors, linear, patch) -> np.ndarray:
        self.last = list(self._prior.views(sides, priors, linear, patch))
        return priors.patch


def samples(seed: int, margin_pixels: int, harder: bool = False) -> list[Sample]:
    """Of one made-up volume; none where nothing can be painted in it.

    Parameters
    ----------
    margin_pixels : around what is doubted; beyond it the edge is repeated
    harder : see `made_up`
    """
    rng = np.random.default_rng(seed)
    volume = made_up(rng, harder)
    labels = volume.labels
    if labels.max() > 1 and rng.random() < 0.6:
        labels = (labels == rng.integers(1, labels.max() + 1)).astype(np.uint8)
    occupied = np.flatnonzero(labels.any(axis=(1, 2)))
    if len(occupied) < 5:
        return []
    first, last = int(occupied[0]), int(occupied[-1])
    painted = _painted(rng, first, last, PAINTED_HARDER if harder else PAINTED)
    unpainted = [plane for plane in range(first, last + 1) if plane not in painted]
    if not labels[painted].any() or not unpainted:
        return []
    classes = tuple(LabelClass(number, f"structure {number}") for number in range(1, labels.max() + 1))
    annotation = SparseAnnotation.from_painted_planes(labels, painted, classes=classes, plane_range=(first, last))
    count = min(SAMPLES_A_VOLUME // len(classes), len(unpainted))
    chosen = set(rng.choice(unpainted, count, replace=False).tolist())
    scan = Volume.from_array(volume.image, (volume.thickness, 1.0, 1.0))
    return [
        _cut_out(rng, view, labels[(plane, *region)][view.window] == view.number)
        for plane, region, view in _views(scan, annotation, chosen, margin_pixels)
    ]


def _painted(rng: np.random.Generator, first: int, last: int, counts: tuple[int, ...]) -> list[int]:
    """Evenly spaced, or anywhere."""
    planes = last - first + 1
    count = min(planes // 2, int(rng.choice(counts)))
    if rng.random() < 0.7:
        return sorted({first + int((n + 0.5) * planes / count) for n in range(count)})
    return sorted(rng.choice(np.arange(first, last + 1), count, replace=False).tolist())


def _views(scan: Volume, annotation: SparseAnnotation, chosen: set[int], margin_pixels: int) -> Iterator[tuple]:
    """Plane, region and view of each structure on the chosen planes."""
    worker = PlaneWorker(scan, annotation, 0)
    parts = worker._images, worker._maps, worker.labels, worker._flow, worker._pixel_mm
    prior = NetworkPrior(None, *parts, annotation.plane_range, most_pixels=np.inf, margin_pixels=margin_pixels)
    worker._maker._network = seen = _Views(prior)
    for gap in gaps_of(worker.sources, annotation.plane_range):
        wanted = [plane for plane in range(gap.first, gap.last + 1) if plane in chosen]
        if not wanted:
            continue
        ways = (gap.below, gap.upward()), (gap.above, gap.downward())
        below, above = ({} if s is None else worker.carry(s, t, worker.steps(s, t)) for s, t in ways)
        for plane in wanted:
            worker.priors(brackets_of(gap)[plane], below.get(plane), above.get(plane))
            yield from ((plane, worker.region, view) for view in seen.last)


def _cut_out(rng: np.random.Generator, view: View, truth: np.ndarray) -> Sample:
    """A square around a place between the middle of the border and any of its pixels."""
    maps = view.maps
    border = (np.abs(maps[LINEAR_MAP]) < 1.5) | truth
    rows, columns = np.nonzero(border if border.any() else np.ones_like(border))
    chosen, half = rng.integers(len(rows)), SIDE // 2
    row, column = (int((places.mean() + places[chosen]) / 2) for places in (rows, columns))
    square = slice(row, row + SIDE), slice(column, column + SIDE)
    maps = np.pad(maps, ((0, 0), (half, half), (half, half)), mode="edge")[(slice(None), *square)]
    truth = np.pad(truth, half, mode="edge")[square]
    return Sample(np.round(maps * UNITS).astype(np.int8), view.place, truth.copy())


class Stream:
    """Samples of the last `most` volumes, of those whose seed is at least `first`."""

    def __init__(self, most: int, first: int, margin_pixels: int, harder: bool):
        self._most, self._first, self._how = most, first, (margin_pixels, harder)
        self._samples: dict[int, list[Sample]] = {}

    def have(self, volumes: int) -> None:
        """Have those of so many seeds that are to be had."""
        end = self._first + volumes
        kept = range(max(self._first, end - self._most), end)
        for seed in kept:
            if seed not in self._samples:
                self._samples[seed] = samples(seed, *self._how)
        self._samples = {seed: found for seed, found in self._samples.items() if seed in kept}

    def draw(self, rng: np.random.Generator) -> Sample:
        """Any volume, any of its samples; hopeless ones (Dice of the pool below .2) less often."""
        volumes = [found for found in self._samples.values() if found]
        for _ in range(20):
            found = volumes[rng.integers(len(volumes))]
            sample = found[rng.integers(len(found))]
            pool = sample.maps[POOL_MAP] > 0
            hopeful = 2 * (pool & sample.truth).sum() >= 0.2 * (pool.sum() + sample.truth.sum())
            if hopeful or rng.random() < 0.3:
                break
        return sample
