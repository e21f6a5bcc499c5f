"""How much Dice a plane has lost, from its features: a logistic regression, and what left-out planes add to it.

The numbers come from ``python Testing/benchmarks/quality.py``; docs/measurements/quality.md tells how well they do
on volumes that they were not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .features import PlaneFeatures

# Ratios are cut here before their logarithm is taken: one pixel in a hundred is noise.
_SMALLEST_RATIO = 0.01
_SMALLEST_MM = 0.2

# So many left-out planes of a structure count as much as what is known without them.
SHRINKAGE = 5.0


@dataclass(frozen=True)
class Model:
    """Coefficients of the features for the log-odds of the Dice that is lost on a plane.

    Attributes
    ----------
    way : of log(way_mm / radius_mm): how far to the painted planes, in sizes of the structure
    change, from_nearest, disagreement : of the log-odds of these features
    size : of log(radius_mm / 5 mm)
    thin : of log(half_thickness_mm / radius_mm): 0 for discs, negative for bands and shells
    unlike : of `PlaneFeatures.unlike`
    gone : of nothing being predicted where a painted neighbour has the structure
    end, end_way : of painted planes being on one side only, and of `way` then
    left_out : of what left-out planes of this volume lost more than expected, in log-odds
    left_out_mean : what left-out planes lose more than others with the same features, for they leave wider gaps
    plane_interval, volume_interval : log-odds to add for the 10th and the 90th percentile (of volumes, which are few,
        the 7th and the 93rd: 80 of 100 of those of other data sets lie between)
    """

    intercept: float
    way: float
    change: float
    from_nearest: float
    disagreement: float
    size: float
    thin: float
    unlike: float
    gone: float
    end: float
    end_way: float
    left_out: float
    left_out_mean: float
    plane_interval: tuple[float, float]
    volume_interval: tuple[float, float]

    def log_odds(self, features: PlaneFeatures) -> np.ndarray:
        """Log-odds of the Dice lost, one for each row, before left-out planes are asked."""
        way = log_way(features)
        terms = (
            (self.way, way),
            (self.change, log_odds(features.change)),
            (self.from_nearest, log_odds(features.from_nearest)),
            (self.disagreement, log_odds(np.nan_to_num(features.disagreement))),
            (self.size, np.log(np.maximum(features.radius_mm, 0.3) / 5)),
            (self.thin, thinness(features)),
            (self.unlike, np.nan_to_num(features.unlike)),
            (self.gone, features.area_px == 0),
            (self.end, features.at_end),
            (self.end_way, features.at_end * way),
        )
        total = np.full(len(features), self.intercept)
        for weight, values in terms:
            total += weight * values
        return total


def log_way(features: PlaneFeatures) -> np.ndarray:
    """Log of the way to the painted planes in radii of the structure."""
    return np.log(np.maximum(features.way_mm, _SMALLEST_MM) / np.maximum(features.radius_mm, _SMALLEST_MM))


def thinness(features: PlaneFeatures) -> np.ndarray:
    """Log of the half thickness in radii of a disc with the same area: 0 for discs, negative for bands and shells."""
    ratio = np.maximum(features.half_thickness_mm, 0.1) / np.maximum(features.radius_mm, _SMALLEST_MM)
    return np.log(np.clip(ratio, 0.02, 1))


def log_odds(ratio: np.ndarray, smallest: float = _SMALLEST_RATIO) -> np.ndarray:
    """Log-odds of a ratio that may be 0 or 1."""
    cut = np.clip(ratio, smallest, 1)
    return np.log(cut / (1 + smallest - cut))


def ratio_of(odds: np.ndarray) -> np.ndarray:
    """The ratio that log-odds stand for."""
    return 1 / (1 + np.exp(-odds))


def shifted(dice: np.ndarray, shifts: tuple[float, float]) -> np.ndarray:
    """An interval: lower and upper end for each Dice, shape (..., 2): log-odds added to those of what is lost."""
    odds = odds_lost(dice)
    return np.stack([1 - ratio_of(odds + shift) for shift in reversed(shifts)], axis=-1).astype(np.float32)


def odds_lost(dice) -> np.ndarray:
    """Log-odds of what a Dice lacks, of which a little is always left and never all."""
    lost = np.clip(1 - np.asarray(dice, float), 1e-4, 1 - 1e-4)
    return np.log(lost / (1 - lost))


def widened(interval: tuple[float, float], unknown: float) -> tuple[float, float]:
    """Ends of an interval, in log-odds of what is lost, where structures are unknown so far, 0 to 1."""
    smaller, larger = interval
    return smaller, larger + unknown * max(DOUBTFUL_END - larger, 0)


class LeftOut:
    """What the left-out planes of a volume lost more than the model expected, structure by structure.

    Parameters
    ----------
    excess : log-odds, one for each left-out plane and structure
    structure : which one
    count : number of structures
    """

    def __init__(self, excess: np.ndarray, structure: np.ndarray, count: int):
        everywhere = excess.sum() / (len(excess) + SHRINKAGE)
        sums = np.bincount(structure, excess, minlength=count)
        numbers = np.bincount(structure, minlength=count)
        # A structure with few left-out planes is taken to be as hard as the others of its volume.
        self.per_structure = (sums + SHRINKAGE * everywhere) / (numbers + SHRINKAGE)

    @classmethod
    def nothing(cls, count: int) -> LeftOut:
        """Of a volume on which no plane can be left out."""
        return cls(np.zeros(0), np.zeros(0, int), count)


# For what `guided` says itself to expect, after the image was asked.
GUIDED_PLANE_INTERVAL = (-1.1, 0.65)
# Of volumes with at most so many painted planes, and of others, by ``python Testing/benchmarks/told.py fit``: beyond
# what is told if `REACH` of what may go on does or does not, in log-odds. All of it would be .05 wider on average.
FEW_PLANES, GUIDED_INTERVALS, REACH = 3, ((-0.49, 0.55), (-0.55, 0.38)), 0.7
# The larger end of volumes with few planes whose structures nobody can know between them (see `doubts`).
DOUBTFUL_END = 0.98

# Of `shape`, and of everything else that has no model of its own.
INTERPOLATED = Model(
    intercept=-0.8, way=0.57, change=0.23, from_nearest=0.11, disagreement=0.11, size=-0.1, thin=-1.03, unlike=0.63,
    gone=-0.12, end=-0.24, end_way=-0.05, left_out=0.17, left_out_mean=0.23, plane_interval=(-1.06, 0.71),
    volume_interval=(-0.45, 0.48),
)  # fmt: skip
NEAREST = Model(
    intercept=-0.6, way=0.56, change=0.16, from_nearest=0.01, disagreement=0.15, size=-0.11, thin=-0.96, unlike=0.52,
    gone=-0.4, end=-0.17, end_way=-0.04, left_out=0.16, left_out_mean=0.46, plane_interval=(-1.06, 0.8),
    volume_interval=(-0.48, 0.34),
)  # fmt: skip
