"""What the active selectors share: they look at a prediction, or choose first planes without one."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import numpy as np

from ..annotation import SparseAnnotation
from ..volume import Volume
from .base import SelectorBase, Suggestion
from .keep_n import KeepNSelector

if TYPE_CHECKING:
    from ..predictors import Prediction


class ActiveSelector(SelectorBase):
    """Asks for planes by what a prediction from those painted so far looks like.

    `last_prediction` may be set to the newest prediction of this annotation, so that none has to be made again; what it
    does not fit is not used. With no structure painted yet the planes are evenly spaced (as in Zhang 2019), unless the
    selector knows better.
    """

    is_active = True

    def __init__(self, options=None):
        super().__init__(options)
        self.last_prediction: Prediction | None = None

    def _choose(self, volume, annotation, candidates, count, rng):
        if not annotation.labels[annotation.painted].any():
            return self._choose_first(volume, annotation, candidates, count, rng)
        return self._choose_by_prediction(volume, annotation, candidates, count, rng)

    def _choose_first(self, volume, annotation, candidates, count, rng) -> list[Suggestion]:
        """As `_choose`, with no structure painted yet."""
        return KeepNSelector()._choose(volume, annotation, candidates, count, rng)

    @abc.abstractmethod
    def _choose_by_prediction(
        self,
        volume: Volume,
        annotation: SparseAnnotation,
        candidates: np.ndarray,
        count: int,
        rng: np.random.Generator,
    ) -> list[Suggestion]:
        """As `_choose`, with a structure painted somewhere; the strongest suggestion first."""

    def _fitting_prediction(self, annotation: SparseAnnotation) -> Prediction | None:
        """The last prediction, if it is one of this annotation as it is now."""
        last = self.last_prediction
        if last is None or last.labels.shape != annotation.labels.shape:
            return None
        painted = annotation.complete_planes
        return last if np.array_equal(last.labels[painted], annotation.labels[painted]) else None


def spread_out(
    scores: np.ndarray, candidates: np.ndarray, taken: list[int], count: int, reach: float
) -> list[tuple[int, float]]:
    """The planes with the highest scores, none next to another: what is taken lowers the scores around it.

    Parameters
    ----------
    scores : at least 0, one for each candidate
    candidates : plane numbers, ascending
    taken : planes that are painted already
    count : how many
    reach : planes within which a plane's score is lowered by 1 - exp(-(distance / reach)^2)

    Returns
    -------
    (plane, lowered score), the highest first
    """
    left = scores.astype(float).copy()
    for plane in taken:
        left *= _lowered(candidates, plane, reach)
    chosen = []
    free = np.ones(len(candidates), bool)
    for _ in range(count):
        best = int(np.argmax(np.where(free, left, -1.0)))
        chosen.append((int(candidates[best]), float(left[best])))
        free[best] = False
        left *= _lowered(candidates, candidates[best], reach)
    return chosen


def _lowered(candidates: np.ndarray, plane: int, reach: float) -> np.ndarray:
    return 1 - np.exp(-(((candidates - plane) / max(reach, 1e-6)) ** 2))


def natural_reach(annotation: SparseAnnotation, count: int) -> float:
    """A third of the distance that planes have when `count` more are painted evenly."""
    first, last = annotation.plane_range
    return (last - first + 1) / (int(annotation.painted[first : last + 1].sum()) + count) / 3
