"""The planes in view, shown before everything else is known: with the trees of the last prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...annotation import SparseAnnotation
from ...volume import Volume
from ..memory import Memory, digest
from .classifier import Corrector
from .features import moved
from .gaps import Gap
from .output import Output
from .planes import PlaneResult, PlaneWorker

# Of the planes around the one in view, at most: what a reader scrolls through before the rest is there.
PLANES_SHOWN = 16


@dataclass(frozen=True)
class Learnt:
    """What a prediction learnt of all painted planes; `begins` is the first row and column of its region."""

    corrector: Corrector
    pool_weights: np.ndarray
    end_weights: np.ndarray
    class_weights: np.ndarray
    begins: tuple[int, int]


class Sketch:
    """Planes around the one in view, decided by what was learnt when fewer, or other, planes were painted.

    What is shown is soon replaced; no result depends on it. Where nothing was learnt of these structures in this image,
    nothing is sketched.

    Attributes
    ----------
    planes : those that it waits for; none where there is nothing to show
    """

    def __init__(
        self,
        volume: Volume,
        annotation: SparseAnnotation,
        worker: PlaneWorker,
        memory: Memory | None,
        planes: Sequence[int],
    ):
        self._volume, self._annotation, self._worker = volume, annotation, worker
        self._memory = memory
        self._key = None if memory is None else digest("learnt", worker.sees(), repr(annotation.classes))
        self._learnt: Learnt | None = None if memory is None or not planes else memory.recall(self._key)
        self._found: dict[int, PlaneResult] = {}
        self.planes = list(planes) if self._learnt is not None else []

    def with_plane(self, result: PlaneResult) -> Iterator[tuple[int, np.ndarray]]:
        """One more plane is there; yields planes with their labels (rows, columns) once all are that it waits for."""
        if result.rows is None or result.plane not in self.planes:
            return
        self._found[result.plane] = result
        if len(self._found) == len(self.planes):
            yield from self._shown()
            self.planes, self._found = [], {}

    def _shown(self) -> Iterator[tuple[int, np.ndarray]]:
        learnt = self._learnt
        weights = learnt.pool_weights, learnt.end_weights
        output = Output(self._volume, self._annotation, self._worker, *weights, keep_probabilities=False)
        found = [self._found[plane] for plane in self.planes]
        down, right = (now - before for now, before in zip(_beginning(self._worker), learnt.begins, strict=True))
        trees = learnt.corrector.predict([moved(result.rows, down, right) for result in found])
        for result, probabilities in zip(found, trees, strict=True):
            output.add(result, probabilities)
        yield from output.decide(map, self.planes, learnt.class_weights)

    def keep(self, corrector: Corrector, output: Output) -> None:
        """Remember what was learnt now, for the next prediction."""
        if self._memory is not None:
            learnt = Learnt(
                corrector, output.pool_weights, output.end_weights, output.class_weights, _beginning(self._worker)
            )
            self._memory.keep(self._key, learnt, corrector.nbytes, always=True)


def _beginning(worker: PlaneWorker) -> tuple[int, int]:
    return tuple(one.start for one in worker.region)


def planes_in_view(gaps: Sequence[Gap], in_view: int | None, unpainted: set[int]) -> list[int]:
    """Unpainted planes of the gaps that hold the plane in view or end at it, the nearest first."""
    if in_view is None:
        return []
    beside = [gap for gap in gaps if in_view in (gap.below, gap.above) or gap.first <= in_view <= gap.last]
    planes = {plane for gap in beside for plane in range(gap.first, gap.last + 1)} & unpainted
    return sorted(planes, key=lambda plane: (abs(plane - in_view), plane))[:PLANES_SHOWN]


def nearest_first(gaps: Sequence[Gap], in_view: int | None) -> list[Gap]:
    """The gaps, those around the plane in view first."""
    if in_view is None:
        return list(gaps)
    return sorted(gaps, key=lambda gap: max(gap.first - 1 - in_view, in_view - gap.last - 1, 0))
