"""How wrong a corrected rough segmentation is, and a prediction: what decides which of the two leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import Corrections
from ..prediction import Prediction
from ..quality.model import shifted

# The log of the weight of the prediction is -1.75 + 2.75 lo(rough) - 2 lo(predicted) + 1.5 log(n + .2); lo is the log
# odds of what is lost, n the number of corrected planes that show the structure: what both lose is then known better.
# Up to 1.25 from -1 it is -1, where both count about as much, and beyond that 1.25 nearer: few planes hardly tell who
# is better. Of 473 predictions of 16 data sets none falls more than .02 below the better of the two; with weights
# chosen without the data set that is judged one to three do (a hippocampus -.03), and the gain is the same.
_LOG_WEIGHT = -1.75
_POWER_ROUGH = 2.75
_POWER_PREDICTED = 2.0
_POWER_PLANES = 1.5
_UNDECIDED = -1.0
_SURELY_BETTER = 1.25

# What is lost on few corrected planes is held by what all structures lose, as if on a fifth of a plane, and pixels by
# so many. A plane that shows little of a structure, as where it ends, says little of it; but it counts half a plane at
# least in how well both are known.
_PLANES_OF_ALL = 0.2
_PIXELS_HOLDING = 60

# Most of a structure is another one in the rough segmentation, as where left and right are taken for each other.
_TAKEN_FOR_ANOTHER = 0.5

# Left-out planes tell what rough outlines lose, and, for so much, what shift and offset of the plane itself do not mend
# (log odds): outlines that are off alike everywhere lose less than one left-out plane shows, the real ones do not.
_OF_WHOLE = 0.27

_LEAST_LOST = 0.003

# Rough outlines that lose more than this on corrected planes, as where two structures are taken for each other, say
# nothing of a structure, and the prediction decides however little it promises.
_WORTHLESS = 0.9
_PLANES_OF_WORTHLESS = 0.5
_ALL_TO_PREDICTED = 1e6

# Of what is lost together: a factor, and the powers of the odds of what both lose, of their disagreement, and of the
# number of corrected planes that show the structure. Real rough segmentations and made-up ones count equally (least
# squares of 473 predictions of 16 data sets; without the data set that is judged the mean is off by .005 at most).
_JOINED = (0.92, 0.95, 0.10, -0.22)
_JOINED_ON_PLANE = (0.96, 0.96, 0.17, 0.0)

# Log-odds of what is lost, added to those of what is expected; at the lower end at least this much is expected to be
# lost, for wrong places that no corrected plane shows are never known. Of planes the interval reaches up to 1: many a
# plane of a rough segmentation is wholly right.
VOLUME_INTERVAL = (-2.2, 1.0)
_LEAST_EXPECTED_LOST = 0.02
PLANE_INTERVAL = (-np.inf, 1.0)


@dataclass(frozen=True)
class Lost:
    """What is lost (1 - Dice, classes) by the corrected rough outlines, and by a prediction from painted planes.

    The latter also on each plane (planes, classes); NaN where it has none of a structure. `worthless` (classes,) are
    rough outlines that say nothing of a structure. `shown_on` (classes,) are the corrected planes that show a
    structure; one that shows little of it counts in part. `planes` (classes,) are those on which either of the two is.
    """

    rough: np.ndarray
    predicted: np.ndarray
    predicted_per_plane: np.ndarray
    worthless: np.ndarray
    shown_on: np.ndarray
    planes: np.ndarray

    def weight_of_predicted(self) -> np.ndarray:
        """float (classes,): factor on the prediction's log odds; that of the rough one's distance in pixels is .5."""
        better = _POWER_ROUGH * _log_odds(self.rough) - _POWER_PREDICTED * _log_odds(self.predicted)
        known = np.log((self.shown_on + self.planes) / 2 + _PLANES_OF_ALL)
        told = _LOG_WEIGHT + better + _POWER_PLANES * known - _UNDECIDED
        told = np.sign(told) * np.maximum(0, np.abs(told) - _SURELY_BETTER)
        return np.where(self.worthless, _ALL_TO_PREDICTED, np.exp(_UNDECIDED + told))


def told_lost(corrections: Corrections, predicted: Prediction | None) -> Lost:
    """The rough one: corrected planes, each left out. The prediction: what it says of itself."""
    numbers = range(1, corrections.class_count + 1)
    shown = np.array([_planes_shown(corrections, number) for number in numbers])
    lost = [corrections.lost(number) for number in numbers]
    left_out, planes = _sums(lost), np.array([np.count_nonzero(size) for _, size in lost], float)
    as_a_whole = _sums([corrections.lost_as_a_whole(number) for number in numbers])
    odds = (1 - _OF_WHOLE) * _log_odds(_held(*left_out, shown)) + _OF_WHOLE * _log_odds(_held(*as_a_whole, shown))
    by_planes = _held(*left_out, shown, 0)
    taken_for_another = np.array([_taken_for_another(corrections, number) for number in numbers])
    rough = np.where(taken_for_another, by_planes, 1 / (1 + np.exp(-odds)))
    nowhere = np.array([not (corrections.rough == number).any() for number in numbers])
    worthless = np.where(nowhere, shown > 0, (shown >= _PLANES_OF_WORTHLESS) & (by_planes > _WORTHLESS))
    if predicted is None or predicted.expected_dice_per_structure is None:
        nothing = np.full((corrections.rough.shape[0], len(rough)), np.nan)
        return Lost(rough, np.ones(len(rough)), nothing, np.zeros(len(rough), bool), shown, planes)
    per_plane = 1 - predicted.expected_dice_per_structure
    return Lost(rough, _of_volume(predicted.labels, per_plane), per_plane, worthless, shown, planes)


def _sums(of_planes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Wrong pixels of each structure, and pixels that could be."""
    return tuple(np.array([pair[which].sum() for pair in of_planes], float) for which in (0, 1))


def _held(wrong: np.ndarray, size: np.ndarray, shown: np.ndarray, pixels: int = _PIXELS_HOLDING) -> np.ndarray:
    """What each structure loses, the more like what all lose the fewer planes and pixels show it."""
    of_all = (wrong.sum() + 3) / (size.sum() + 30)
    counts = shown * size / np.maximum(1, size + pixels)
    return (counts * wrong / np.maximum(1, size) + _PLANES_OF_ALL * of_all) / (counts + _PLANES_OF_ALL)


def _taken_for_another(corrections: Corrections, number: int) -> bool:
    """Whether most of a structure is another one in the rough segmentation: then the others say nothing of its loss."""
    planes = corrections.corrected[number]
    there = corrections.rough[planes][corrections.truth[planes] == number]
    return bool(np.count_nonzero((there > 0) & (there != number)) > _TAKEN_FOR_ANOTHER * max(1, len(there)))


def _planes_shown(corrections: Corrections, number: int) -> float:
    """On how many corrected planes a structure is; one that shows less than its mean area counts in part."""
    area = np.count_nonzero(corrections.rough == number, axis=(1, 2))
    truth = np.count_nonzero(corrections.truth[corrections.corrected[number]] == number, axis=(1, 2))
    usual = area[area > 0].mean() if area.any() else truth.max(initial=1)
    return float(np.minimum(1, (truth + area[corrections.corrected[number]]) / 2 / usual).sum())


def _of_volume(labels: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Mean over the planes, weighed by area; 1 for what is predicted nowhere."""
    count = lost.shape[1]
    area = _areas(labels, count)
    area[~np.isfinite(lost)] = 0
    total = area.sum(axis=0)
    return np.where(total > 0, (np.nan_to_num(lost) * area).sum(axis=0) / np.maximum(1, total), 1.0)


def _odds(lost: np.ndarray) -> np.ndarray:
    lost = np.clip(lost, _LEAST_LOST, 1 - _LEAST_LOST)
    return lost / (1 - lost)


def _log_odds(lost: np.ndarray) -> np.ndarray:
    return np.log(_odds(lost))


def clicked_on(annotation: SparseAnnotation, plane: int, number: int) -> bool:
    """Whether the expert said that the structure is on the plane: inside its own range, or the only structure's."""
    if number in annotation.class_ranges:
        first, last = annotation.class_ranges[number]
    elif annotation.class_count == 1 and annotation.plane_range != (0, annotation.planes - 1):
        first, last = annotation.plane_range
    else:
        return False
    return first <= plane <= last


@dataclass(frozen=True)
class Told:
    """The Dice to expect, as in `Prediction`; an interval holds it in 80 of 100 cases."""

    per_plane: np.ndarray
    per_structure: np.ndarray
    interval_per_plane: np.ndarray
    whole: float | None
    interval: tuple[float, float] | None
    by_name: dict[str, float]


def told_dice(
    lost: Lost, corrected: np.ndarray, predicted: np.ndarray | None, labels: np.ndarray, annotation: SparseAnnotation
) -> Told:
    """The Dice to expect of the two joined.

    Parameters
    ----------
    corrected, predicted, labels : uint8 (planes, rows, columns)
        The rough segmentation with corrections carried on, the prediction, and both joined.
    """
    count = annotation.class_count
    area = _areas(labels, count)
    wrong, size = np.zeros((2, len(labels), count))
    for plane in annotation.unpainted_planes:
        one, other = corrected[plane], labels[plane] if predicted is None else predicted[plane]
        agree = np.bincount(one[one == other], minlength=count + 1)[1:]
        size[plane] = _areas(one[None], count)[0] + _areas(other[None], count)[0]
        wrong[plane] = size[plane] - 2 * agree
    where = np.zeros(len(labels), bool)
    where[annotation.unpainted_planes] = True
    differ = wrong.sum(axis=0) / np.maximum(1, size.sum(axis=0))
    of_volume = _joined_lost(lost.rough, lost.predicted, differ, lost.shown_on, _JOINED)
    per_plane = np.where(np.isfinite(lost.predicted_per_plane), lost.predicted_per_plane, lost.predicted)
    differ = wrong / np.maximum(1, size)
    of_planes = _joined_lost(lost.rough, per_plane, differ, lost.shown_on, _JOINED_ON_PLANE)
    per_structure = np.where(where[:, None] & (area > 0), 1 - of_planes, np.nan).astype(np.float32)
    shown = np.isfinite(per_structure)
    mean = np.nansum(per_structure, axis=1) / np.maximum(1, shown.sum(axis=1))
    told = np.where(shown.any(axis=1), mean, np.nan).astype(np.float32)
    total = area.sum(axis=0)
    share = area[where].sum(axis=0) / np.maximum(1, total)
    per_class = np.where(total > 0, 1 - of_volume * share, np.nan)
    names = [one.name for one in annotation.classes]
    by_name = {n: round(float(d), 4) for n, d in zip(names, per_class, strict=True) if np.isfinite(d)}
    whole = float(np.nanmean(per_class)) if by_name else None
    interval = None if whole is None else _interval(whole)
    return Told(told, per_structure, shifted(told, PLANE_INTERVAL), whole, interval, by_name)


def _interval(whole: float) -> tuple[float, float]:
    low, high = min(whole, 1 - _LEAST_EXPECTED_LOST), whole
    return float(shifted(np.array(low), VOLUME_INTERVAL)[0]), float(shifted(np.array(high), VOLUME_INTERVAL)[1])


def _joined_lost(
    rough: np.ndarray,
    predicted: np.ndarray,
    disagreement: np.ndarray,
    shown_on: np.ndarray,
    constants: tuple[float, float, float, float],
) -> np.ndarray:
    """What two measurements lose together, and the more the less they agree."""
    both = rough * predicted / np.sqrt(rough**2 + predicted**2 + 1e-9)
    factor, of_both, of_disagreement, of_planes = constants
    odds = factor * _odds(both) ** of_both * _odds(disagreement) ** of_disagreement
    odds = odds * (shown_on + _PLANES_OF_ALL) ** of_planes
    return odds / (1 + odds)


def _areas(labels: np.ndarray, count: int) -> np.ndarray:
    return np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in labels]).astype(float)
