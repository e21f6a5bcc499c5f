"""Planes that a predictor is least sure of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ._active import ActiveSelector, natural_reach, spread_out
from .base import SELECTORS, SelectorOptions, Suggestion


@dataclass(frozen=True, kw_only=True)
class UncertaintyOptions(SelectorOptions):
    """Options of `uncertainty`.

    Attributes
    ----------
    predictor : whose probabilities are asked
    diversity : planes next to each other, or to painted ones, are not taken together
    stratified : ask for planes class by class in turn, so that small structures get theirs (as ClaSP PE does)
    noise : strength of chance in the order of planes, fading as more is painted (as in ClaSP PE); 0 for none
    """

    predictor: str = "guided"
    diversity: bool = True
    stratified: bool = False
    noise: float = 0.0

    def validate(self):
        """Raise InputError for what makes no sense."""
        super().validate()
        if self.noise < 0:
            raise InputError(f"noise is {self.noise:g}: give 0 or more")


@SELECTORS.register
class UncertaintySelector(ActiveSelector):
    """The planes with the highest cross entropy of the prediction with itself, summed over the plane (Zhang 2019)."""

    name = "uncertainty"
    summary = "planes that the predictor is least sure of, far apart; measured: better than keep-n at 20 % painted"
    Options = UncertaintyOptions
    options: UncertaintyOptions

    def _choose_by_prediction(self, volume, annotation, candidates, count, rng):
        entropy = _entropy(self._prediction(volume, annotation, rng), candidates)
        if not self.options.stratified:
            entropy = entropy.sum(axis=1, keepdims=True)
        scores = self._noisy(entropy, annotation, rng)
        reach = natural_reach(annotation, count) if self.options.diversity else 0.0
        first, last = annotation.plane_range
        taken = [plane for plane in annotation.painted_planes if first <= plane <= last]
        if self.options.stratified:
            chosen = _in_turn(scores, candidates, taken, count, reach)
        else:
            chosen = spread_out(scores[:, 0], candidates, taken, count, reach)
        return [Suggestion(plane, score, f"unsure of about {score:.0f} pixels") for plane, score in chosen]

    def _prediction(self, volume, annotation, rng):
        from ..predictors import PREDICTORS, run

        last = self._fitting_prediction(annotation)
        if last is not None and last.probabilities is not None:
            return last
        cls = PREDICTORS.get(self.options.predictor)
        if not cls.gives_probabilities:
            raise InputError(
                f"uncertainty: the predictor {cls.name} gives no probabilities: choose another one, such as guided"
            )
        seed = int(rng.integers(2**31))
        return run(PREDICTORS.create(cls.name, {"keep_probabilities": True, "seed": seed}), volume, annotation)

    def _noisy(self, scores: np.ndarray, annotation, rng) -> np.ndarray:
        """Each score times a random factor, whose spread fades to nothing as the range gets painted."""
        first, last = annotation.plane_range
        left = 1 - annotation.painted[first : last + 1].mean()
        return scores * np.exp(self.options.noise * left * rng.gumbel(size=(len(scores), 1)))


def _entropy(prediction, candidates: np.ndarray) -> np.ndarray:
    """Entropy in bits, summed over the pixels that each class (background first) won, shape (candidates, classes + 1).

    An undecided pixel between two classes counts 1: the sum reads as a number of pixels.
    """
    sums = np.zeros((len(candidates), len(prediction.probabilities)))
    for row, plane in enumerate(candidates):
        probabilities = prediction.probabilities[:, plane].astype(np.float32)
        entropy = -(probabilities * np.log2(np.maximum(probabilities, 1e-6))).sum(axis=0)
        labels = prediction.labels[plane]
        sums[row] = np.bincount(labels.ravel(), entropy.ravel(), minlength=sums.shape[1])
    return np.maximum(sums, 0)


def _in_turn(scores, candidates, taken, count, reach) -> list[tuple[int, float]]:
    """Planes class by class, each class's most uncertain one; background has no turn."""
    chosen: list[tuple[int, float]] = []
    free = np.ones(len(candidates), bool)
    for number in range(count):
        own = scores[free][:, 1 + number % (scores.shape[1] - 1)]
        blocked = [*taken, *(plane for plane, _ in chosen)]
        ((plane, score),) = spread_out(own, candidates[free], blocked, 1, reach)
        chosen.append((plane, score))
        free[np.searchsorted(candidates, plane)] = False
    return sorted(chosen, key=lambda pair: -pair[1])
