"""Planes whose painting is expected to raise the Dice of the volume most."""

from __future__ import annotations

import numpy as np

from ..quality.expected import left_out_excess, quick_labels
from ..quality.features import PlaneFeatures, features_of
from ..quality.model import INTERPOLATED, log_odds, ratio_of
from ._active import ActiveSelector
from .base import SELECTORS, Suggestion
from .tapering import tapered_planes

_MODEL = INTERPOLATED


@SELECTORS.register
class ExpectedGainSelector(ActiveSelector):
    """Ours: the plane that, painted, is expected to raise the Dice of the volume most, one after the other.

    What is lost on each plane comes from the quality model. A painted plane loses nothing, and halves the way of its
    neighbours to a painted one: the model says what that is worth, large structures counting no more than small ones.
    Takes seconds: the planes between are interpolated, whichever predictor will be used.

    With nothing painted the planes lie closer together in the middle of the range, where structures are large.
    """

    name = "expected-gain"
    summary = "planes expected to raise the volume's Dice most; measured: better than keep-n"

    def _choose_first(self, volume, annotation, candidates, count, rng):
        # Planes that show nothing leave gaps to fill; structures that the scan cuts off at both ends do not taper.
        if annotation.painted_planes or annotation.plane_range == (0, volume.planes - 1):
            return super()._choose_first(volume, annotation, candidates, count, rng)
        planes = tapered_planes(annotation.plane_range, volume.planes, count)
        gaps = np.gradient(np.array(planes, float)) if count > 1 else np.array([float(len(candidates))])
        reason = "closer in the middle of the range, where structures are large"
        return [Suggestion(plane, float(gap), reason) for plane, gap in zip(planes, gaps, strict=True)]

    def _choose_by_prediction(self, volume, annotation, candidates, count, rng):  # noqa: ARG002
        spacing = volume.spacing_mm
        planes = annotation.unpainted_planes
        labels = quick_labels("shape", annotation, spacing, planes)
        other = quick_labels("nearest", annotation, spacing, planes)
        features = features_of(labels, annotation, spacing, planes, other)
        excess = left_out_excess(annotation, spacing, "shape", _MODEL)
        odds = _MODEL.log_odds(features) + _MODEL.left_out * excess.per_structure[features.structure]
        loss = _Loss(features, odds, annotation, spacing[0])
        # Two planes may gain more together than the first of them alone: what gains most is painted first all the same.
        return sorted((loss.take_best(candidates) for _ in range(count)), key=lambda s: -s.score)


class _Loss:
    """The Dice that is lost as planes get painted one after the other.

    Each row is a plane and a structure; `share` is how much of the mean Dice of the structures hangs on it.
    """

    def __init__(self, features: PlaneFeatures, odds: np.ndarray, annotation, step_mm: float):
        self._plane, self._odds, self._features, self._step_mm = features.plane, odds, features, step_mm
        area = features.radius_mm**2
        total = np.bincount(features.structure, area, minlength=annotation.class_count)
        self._share = area / total[features.structure] / max(1, np.count_nonzero(total))
        sources = np.array(annotation.source_planes)
        after = np.searchsorted(sources, features.plane)
        self._before = np.where(after > 0, sources[np.maximum(after - 1, 0)], -np.inf)
        self._after = np.where(after < len(sources), sources[np.minimum(after, len(sources) - 1)], np.inf)
        self._painted: set[int] = set()
        self._now = self._lost(self._before, self._after)

    def take_best(self, candidates: np.ndarray) -> Suggestion:
        """Paint the plane that gains most."""
        free = [int(plane) for plane in candidates if int(plane) not in self._painted]
        gains = [self._gain(plane) for plane in free]
        # Planes that gain alike (nothing is left to gain, say) are taken from the middle of the widest gap.
        best = free[max(range(len(free)), key=lambda n: (round(gains[n], 6), self._room(free[n], candidates)))]
        gain = self._gain(best)
        self._paint(best)
        return Suggestion(best, max(0.0, gain), f"expected to raise the Dice by {max(0.0, gain):.4f}")

    def _room(self, plane: int, candidates: np.ndarray) -> int:
        """How far the nearest plane is that is painted, or lies outside the range."""
        free = set(candidates.tolist()) - self._painted
        reach = 1
        while plane - reach in free and plane + reach in free:
            reach += 1
        return reach

    def _gain(self, plane: int) -> float:
        rows = np.flatnonzero((self._before < plane) & (plane < self._after) | (self._plane == plane))
        if not len(rows):
            return 0.0
        before, after = self._neighbours_with(plane, rows)
        then = self._lost(before, after, rows)
        then[self._plane[rows] == plane] = 0.0
        return float((self._share[rows] * (self._now[rows] - then)).sum())

    def _paint(self, plane: int) -> None:
        rows = np.flatnonzero((self._before < plane) & (plane < self._after))
        self._before[rows], self._after[rows] = self._neighbours_with(plane, rows)
        self._now[rows] = self._lost(self._before[rows], self._after[rows], rows)
        self._now[self._plane == plane] = 0.0
        self._painted.add(plane)

    def _neighbours_with(self, plane: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        before, after, own = self._before[rows], self._after[rows], self._plane[rows]
        return np.where(own > plane, np.maximum(before, plane), before), np.where(
            own < plane, np.minimum(after, plane), after
        )

    def _lost(self, before: np.ndarray, after: np.ndarray, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Dice lost on rows if these were their painted neighbours.

        The way changes as it is; how much the outlines change and differ is taken to grow with the way.
        """
        plane, features = self._plane[rows], self._features
        with np.errstate(divide="ignore"):
            way = self._step_mm / (1 / (plane - before) + 1 / (after - plane))
        old_way, radius = features.way_mm[rows], features.radius_mm[rows]
        ratio = np.clip(way / old_way, 1e-6, 1)
        end, was_end = np.isinf(before) | np.isinf(after), features.at_end[rows]
        odds = self._odds[rows].copy()
        odds += _MODEL.way * np.log(ratio)
        for weight, values in (
            (_MODEL.change, features.change[rows]),
            (_MODEL.from_nearest, features.from_nearest[rows]),
            (_MODEL.disagreement, features.disagreement[rows]),
        ):
            odds += weight * (log_odds(values * ratio) - log_odds(values))
        relative, old_relative = (np.log(np.maximum(w, 0.2) / np.maximum(radius, 0.2)) for w in (way, old_way))
        odds += _MODEL.end * (end * 1.0 - was_end) + _MODEL.end_way * (end * relative - was_end * old_relative)
        return ratio_of(odds)
