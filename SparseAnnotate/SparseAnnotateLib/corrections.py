"""How far a rough segmentation is off on corrected planes, carried to the planes between them.

On a corrected plane it is known by how many millimetres each outline is off: the residual of the signed distances.
It is interpolated along the planes, as outlines are for `shape`, and added to the distances of the rough outlines.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from .annotation import SparseAnnotation
from .distances import bounding_box, signed_distance_mm

# Distances are cut at this many times the inscribed radius' usual share: what lies deeper has no say about the outline.
DEEPEST_MM = 8.0

# Residuals are smoothed along the plane (standard deviation), for the next plane's outline lies a little beside it.
SMOOTHING_MM = 1.5

# How far from its corrected plane a residual holds, in planes (by exp(-distance / reach)), and which share of what an
# outline is off as a whole holds everywhere. Which of these serves a structure is seen when corrected planes are left
# out; nothing is carried where that is best.
REACHES_PLANES = (1.0, 2.0, 4.0, 8.0, 16.0, 1000.0)
OVERALL_SHARES = (0.0, 0.5, 1.0)
NOTHING = (0.0, 0.0)

# With one corrected plane there is nothing to leave out.
OF_ONE_PLANE = (3.0, 1.0)

# A plane left out is twice as far from the others as those to predict are, and few tell little: of all that lose hardly
# more than the best the reach nearest to the usual is taken, and the loss of all structures counts as half of the own.
_HARDLY_MORE = 1.05
_USUAL_REACH_PLANES = 4.0
_OF_ALL = 0.5

# Where a structure is on a corrected plane of one of the two only, its end is wrong there, and little is told of the
# planes beside it (the range of hippocampi: -.054 in the worst case with the reach of the others, -.006 so).
_REACH_AT_END_PLANES = 1.0

_MARGIN_PIXELS = 12


class Corrections:
    """The outlines of a rough segmentation, moved as the corrected planes say.

    Parameters
    ----------
    rough : ndarray of uint8, shape (planes, rows, columns)
        Class numbers of the annotation.
    annotation : its complete planes are the corrected ones, structure by structure
    spacing_mm : of planes, rows and columns

    Attributes
    ----------
    region : the (rows, columns) outside which nothing is labelled
    carried : class number -> (reach in planes, share of what the outline is off as a whole)
    """

    def __init__(self, rough: np.ndarray, annotation: SparseAnnotation, spacing_mm: Sequence[float], region=None):
        self._spacing_mm = tuple(spacing_mm)
        if region is None:
            shown = rough.any(axis=0) | annotation.labels.any(axis=0)
            region = bounding_box(shown, _MARGIN_PIXELS) or (slice(0, 1), slice(0, 1))
        self.region = tuple(region)
        self.rough = rough[(slice(None), *self.region)]
        self._truth = annotation.labels[(slice(None), *self.region)]
        self.class_count = annotation.class_count
        self._annotation = annotation
        self.corrected = {n: annotation.complete_planes_of(n) for n in range(1, self.class_count + 1)}
        self._residuals: dict[tuple[int, int], tuple[float, np.ndarray]] = {}
        self._kept: dict[tuple[int, int], np.ndarray] = {}
        self._same: dict[tuple[int, int], bool] = {}
        self.carried = dict.fromkeys(self.corrected, NOTHING)
        self.carried = self._best()

    def distances_mm(self, plane: int, number: int, without: Sequence[int] = ()) -> np.ndarray:
        """Signed distance (rows, columns) of one structure, positive inside, as if `without` were not corrected."""
        value = self._rough_mm(plane, number)
        reach, of_overall = self.carried[number]
        if not reach:
            return value
        for source, share in shares(plane, [p for p in self.corrected[number] if p not in without]):
            overall, local = self._residual(source, number)
            holds = reach if self._same[source, number] else min(reach, _REACH_AT_END_PLANES)
            fading = np.float32(np.exp(-abs(plane - source) / holds))
            value = value + np.float32(share) * (np.float32(of_overall) * overall + fading * local)
        return value

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
        """Pixels that are wrong on each corrected plane where it is left out, and those that could be."""
        wrong, size = [], []
        for plane in self.corrected[number]:
            found = self.distances_mm(plane, number, [plane]) > 0
            truth = self._truth[plane] == number
            wrong.append(np.count_nonzero(found ^ truth))
            size.append(np.count_nonzero(found) + np.count_nonzero(truth))
        return np.array(wrong), np.array(size)

    def _best(self) -> dict[int, tuple[float, float]]:
        """For each structure the reach and the share that lose least on corrected planes left out."""
        if max(map(len, self.corrected.values()), default=0) < 2:
            return dict.fromkeys(self.corrected, OF_ONE_PLANE)
        choices = [NOTHING, *itertools.product(REACHES_PLANES, OVERALL_SHARES)]
        lost = {}
        for choice in choices:
            self.carried = dict.fromkeys(self.corrected, choice)
            lost[choice] = np.array([self.lost(number)[0].sum() for number in self.corrected], float)
        of_nothing = lost[NOTHING]
        best = {}
        for place, number in enumerate(self.corrected):
            # A structure on one corrected plane is told by the others.
            own = len(self.corrected[number]) > 1
            cost = {
                one: own * each[place] + _OF_ALL * of_nothing[place] * each.sum() / max(1.0, of_nothing.sum())
                for one, each in lost.items()
            }
            least = min(cost.values())
            good = [one for one in choices if cost[one] <= _HARDLY_MORE * least]
            best[number] = min(good, key=lambda one: (_unusual(one[0]), cost[one]))
        return best

    def _residual(self, plane: int, number: int) -> tuple[float, np.ndarray]:
        """Millimetres by which the outline is off as a whole, and what is left of it at each pixel."""
        if (plane, number) not in self._residuals:
            from scipy import ndimage

            truth, rough = self.cut_distance_mm(self._truth[plane] == number), self._rough_mm(plane, number)
            residual = truth - rough
            same = min(truth.max(), rough.max()) > 0
            overall = self._overall_mm(truth, rough) if same else 0.0
            sigma = [SMOOTHING_MM / one for one in self._spacing_mm[1:]]
            self._same[plane, number] = bool(same)
            self._residuals[plane, number] = overall, ndimage.gaussian_filter(residual - overall, sigma)
        return self._residuals[plane, number]

    def _overall_mm(self, truth: np.ndarray, rough: np.ndarray) -> float:
        """The median along the outlines, times the share of the loss that it explains: a leak is no bias."""
        outline = np.minimum(np.abs(truth), np.abs(rough)) < float(np.mean(self._spacing_mm[1:]))
        if not outline.any():
            return 0.0
        overall = float(np.median((truth - rough)[outline]))
        before, after = (_lost(one > 0, truth > 0) for one in (rough, rough + overall))
        return overall * max(0.0, 1 - after / before) if before else 0.0

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


def _unusual(reach_planes: float) -> float:
    return abs(float(np.log(max(reach_planes, 0.1) / _USUAL_REACH_PLANES)))


def _lost(first: np.ndarray, second: np.ndarray) -> float:
    return np.count_nonzero(first ^ second) / max(1, np.count_nonzero(first) + np.count_nonzero(second))


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
