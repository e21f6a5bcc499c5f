"""How far a rough segmentation is off on corrected planes, carried to the planes between them.

On a corrected plane it is known how each outline is off (`residuals`). That is interpolated along the planes, as
outlines are for `shape`, and brought to the rough outlines.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from .annotation import SparseAnnotation
from .distances import bounding_box, signed_distance_mm
from .prediction import Prediction
from .residuals import Residual, moved, residual_of

# Distances are cut here: what lies deeper has no say about the outline.
DEEPEST_MM = 8.0

# How far from its corrected plane the local residual holds, in planes (by exp(-distance / reach)), and which share of
# shift and offset holds everywhere. Which of these serves a structure is seen when corrected planes are left out, and
# on planes near them; nothing is carried where that is best. The usual is taken unless another loses 5 % less.
REACHES_PLANES = (1.0, 2.0, 4.0, 8.0, 16.0, 1000.0)
OVERALL_SHARES = (0.0, 0.5, 1.0)
NOTHING = (0.0, 0.0)
USUAL = (2.0, 1.0)
CHOICES = (NOTHING, *itertools.product(REACHES_PLANES, OVERALL_SHARES))
_HARDLY_MORE = 1.05

# A predictor knows what is on planes near corrected ones, the better the nearer and the more Dice it expects (to this
# power). Of 700 structures of 9 data sets corrected outlines lose .085 so, and .107 with planes left out alone.
_NEAR_PLANES = 4.0
_TRUST_POWER = 2.0
_LEAST_WEIGHT = 0.02

# Where a structure is on a corrected plane of one of the two only, its end is wrong there, and little is told of the
# planes beside it (the range of hippocampi: -.054 in the worst case with the reach of the others, -.006 so).
_REACH_AT_END_PLANES = 1.0

# One corrected plane tells by how far an outline lies to the side or too far out, and not what is wrong on its own spot
# far away: carried farther than this, a leak that meets it comes everywhere (-.035 in the worst of 123 predictions from
# one plane, -.016 so, mean +.0007).
_REACH_OF_ONE_PLANE = 4.0

# If shift and offset explain more than this of all that is wrong, every outline is off alike, and they go on in full
# where a corrected plane shows one of the two outlines only; else that plane counts as one without a shift. (Of what is
# wrong in made-up shifts and outlines too large or small they explain .69 to 1, of 20 real rough ones .58 at most.)
_MOSTLY_EXPLAINED = 0.65

_MARGIN_PIXELS = 12


class Corrections:
    """The outlines of a rough segmentation, moved as the corrected planes say.

    Parameters
    ----------
    rough : ndarray of uint8, shape (planes, rows, columns)
        Class numbers of the annotation.
    annotation : its complete planes are the corrected ones, structure by structure
    spacing_mm : of planes, rows and columns
    predicted : what a predictor makes of the corrected planes alone, where there is any

    Attributes
    ----------
    region : the (rows, columns) outside which nothing is labelled
    carried : class number -> (reach in planes, share of shift and offset)
    """

    def __init__(
        self,
        rough: np.ndarray,
        annotation: SparseAnnotation,
        spacing_mm: Sequence[float],
        predicted: Prediction | None = None,
    ):
        self._spacing_mm = tuple(spacing_mm)
        shown = rough.any(axis=0) | annotation.labels.any(axis=0)
        self.region = tuple(bounding_box(shown, _MARGIN_PIXELS) or (slice(0, 1), slice(0, 1)))
        self.rough = rough[(slice(None), *self.region)]
        self.truth = annotation.labels[(slice(None), *self.region)]
        self.class_count = annotation.class_count
        self._annotation = annotation
        self.corrected = {n: annotation.complete_planes_of(n) for n in range(1, self.class_count + 1)}
        self._residuals: dict[tuple[int, int], Residual] = {}
        self._kept: dict[tuple[int, int], np.ndarray] = {}
        self.carried = {number: self._best(number, predicted) for number in self.corrected}

    def distances_mm(self, plane: int, number: int, without: Sequence[int] = ()) -> np.ndarray:
        """Signed distance (rows, columns) of one structure, positive inside, as if `without` were not corrected."""
        return next(self._carried_mm(plane, number, [self.carried[number]], without))

    def stack_mm(self, plane: int, without: Sequence[int] = ()) -> np.ndarray:
        """float32 (classes, rows, columns); structures that cannot be on the plane are as far away as can be."""
        allowed = self._annotation.allowed_classes(plane)
        far = np.full(self.rough.shape[1:], -DEEPEST_MM, np.float32)
        return np.stack(
            [
                self.distances_mm(plane, number, without) if allowed[number] else far
                for number in range(1, self.class_count + 1)
            ]
        )

    def labels(self, plane: int, without: Sequence[int] = ()) -> np.ndarray:
        """uint8 (rows, columns) of the region."""
        return labels_of(self.stack_mm(plane, without))

    def lost(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels that are wrong on each corrected plane where it is left out, and those that could be.

        With what is carried or with nothing, whatever loses less: the next corrected plane is far away.
        """
        wrong, size = np.zeros((2, 2, len(self.corrected[number])), int)
        for place, plane in enumerate(self.corrected[number]):
            truth = self.truth[plane] == number
            for which, one in enumerate(self._carried_mm(plane, number, [self.carried[number], NOTHING], [plane])):
                wrong[which, place] = np.count_nonzero((one > 0) ^ truth)
                size[which, place] = np.count_nonzero(one > 0) + np.count_nonzero(truth)
        least = int(wrong.sum(axis=1).argmin())
        return wrong[least], size[least]

    def lost_as_a_whole(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """As `lost`, but no plane is left out, and only its shift and offset are used: what these cannot mend."""
        found = [self._residual(plane, number) for plane in self.corrected[number]]
        return np.array([one.wrong_px[1] for one in found], int), np.array([one.of_px for one in found], int)

    def _carried_mm(
        self, plane: int, number: int, choices: Sequence[tuple[float, float]], without: Sequence[int] = (), box=...
    ) -> Iterator[np.ndarray]:
        """Signed distances (rows, columns) of one structure, with what each choice carries to the plane."""
        rough_mm = self._rough_mm(plane, number)[box]
        known = [p for p in self.corrected[number] if p not in without]
        sources = [
            (abs(plane - source), np.float32(share), self._residual(source, number))
            for source, share in shares(plane, known)
        ]
        telling = shares(plane, self._tell_of_whole(known, number))
        of_whole = [(share, self._residual(source, number)) for source, share in telling]
        as_a_whole = {}
        for reach, of_overall in choices:
            if not reach or not sources:
                yield rough_mm
                continue
            if of_overall not in as_a_whole:
                shift_px = of_overall * sum(share * one.shift_px for share, one in of_whole)
                offset_mm = of_overall * sum(share * one.offset_mm for share, one in of_whole)
                as_a_whole[of_overall] = moved(rough_mm, shift_px) + np.float32(offset_mm)
            value = as_a_whole[of_overall]
            for distance, share, one in sources:
                holds = reach if one.both_shown else min(reach, _REACH_AT_END_PLANES)
                value = value + share * np.float32(np.exp(-distance / holds)) * one.local_mm[box]
            yield value

    def _tell_of_whole(self, corrected: list[int], number: int) -> list[int]:
        """The corrected planes from which shift and offset are carried."""
        both = [plane for plane in corrected if self._residual(plane, number).both_shown]
        return both if both and self._are_off_alike else corrected

    @functools.cached_property
    def _are_off_alike(self) -> bool:
        """Whether shift and offset explain most of what is wrong, of all structures together."""
        found = [self._residual(plane, number) for number, planes in self.corrected.items() for plane in planes]
        before, after = np.sum([(0, 0), *(one.wrong_px for one in found if one.both_shown)], axis=0)
        return bool(before - after > _MOSTLY_EXPLAINED * before)

    def _best(self, number: int, predicted: Prediction | None) -> tuple[float, float]:
        """What loses least on corrected planes left out, and on planes near them, if the predictor is right there."""
        if not self.corrected[number]:
            return NOTHING
        near = self._nearby(number, predicted)
        wanted = {plane: predicted.labels[(plane, *self.region)] == number for plane, _ in near}
        wanted |= {plane: self.truth[plane] == number for plane in self.corrected[number]}
        shown = np.logical_or.reduce([(self.rough == number).any(axis=0), *wanted.values()])
        box = bounding_box(shown, _MARGIN_PIXELS) or (slice(0, 1), slice(0, 1))
        choices = CHOICES
        if len(self.corrected[number]) == 1:
            choices = [one for one in CHOICES if one[0] <= _REACH_OF_ONE_PLANE]
        wrong = np.zeros(len(choices))
        for plane, weight in (*((plane, 1.0) for plane in self.corrected[number]), *near):
            found = self._carried_mm(plane, number, choices, [plane], box)
            wrong += weight * np.array([np.count_nonzero((one > 0) ^ wanted[plane][box]) for one in found])
        wrong[choices.index(USUAL)] /= _HARDLY_MORE
        return choices[int(wrong.argmin())]

    def _nearby(self, number: int, predicted: Prediction | None) -> list[tuple[int, float]]:
        """Planes near corrected ones, and how much what is predicted there counts."""
        if predicted is None or predicted.expected_dice_per_structure is None:
            return []
        corrected = np.array(self.corrected[number])
        told = np.nan_to_num(predicted.expected_dice_per_structure[:, number - 1]).clip(0, 1)
        away = np.abs(np.arange(len(told))[:, None] - corrected).min(axis=1)
        weights = np.exp(-away / _NEAR_PLANES) * told**_TRUST_POWER
        return [(p, float(weights[p])) for p in np.flatnonzero((weights > _LEAST_WEIGHT) & (away > 0)).tolist()]

    def _residual(self, plane: int, number: int) -> Residual:
        if (plane, number) not in self._residuals:
            truth_mm = self.cut_distance_mm(self.truth[plane] == number)
            found = residual_of(truth_mm, self._rough_mm(plane, number), self._spacing_mm[1:])
            self._residuals[plane, number] = found
        return self._residuals[plane, number]

    def _rough_mm(self, plane: int, number: int) -> np.ndarray:
        """Kept for corrected planes, which are asked for again and again."""
        if (plane, number) in self._kept:
            return self._kept[plane, number]
        distances = self.cut_distance_mm(self.rough[plane] == number)
        if plane in self.corrected[number]:
            self._kept[plane, number] = distances
        return distances

    def cut_distance_mm(self, mask: np.ndarray) -> np.ndarray:
        """`cut_distance_mm` on a plane of this volume."""
        return cut_distance_mm(mask, self._spacing_mm)


def cut_distance_mm(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """Signed distance on a plane, cut at `DEEPEST_MM`; what is not there is as far away as can be.

    `spacing_mm` is that of planes, rows and columns.
    """
    if not mask.any():
        return np.full(mask.shape, -DEEPEST_MM, np.float32)
    return np.clip(signed_distance_mm(mask, spacing_mm[1:]), -DEEPEST_MM, DEEPEST_MM)


def labels_of(distances_mm: np.ndarray) -> np.ndarray:
    """The structure (class number) that reaches deepest at each pixel; 0 outside all of them."""
    best = distances_mm.argmax(axis=0)
    inside = np.take_along_axis(distances_mm, best[None], axis=0)[0] > 0
    return np.where(inside, best + 1, 0).astype(np.uint8)


def shares(plane: int, corrected: Sequence[int]) -> list[tuple[int, float]]:
    """The corrected planes next to a plane on both sides, and how much each of them counts."""
    below = max((p for p in corrected if p <= plane), default=None)
    above = min((p for p in corrected if p >= plane), default=None)
    if below is None or above is None:
        return [(one, 1.0) for one in (below, above) if one is not None]
    if below == above:
        return [(below, 1.0)]
    share = (plane - below) / (above - below)
    return [(below, 1 - share), (above, share)]
