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

# Log odds of what is lost together, of a structure and of it on one plane: a constant, and factors of the log odds of
# what both lose and of their disagreement, of the log of how many corrected planes show the structure, of how many
# times smaller than `_SMALL_PIXELS` it is, of how much less its outlines lose as a whole than left-out planes show, of
# the share of its mean area that the plane shows, and of the planes to the next corrected one. Fitted on 482
# predictions of 18 data sets, on planes 278 of 11: every data set counts the same, and its real rough segmentations
# three times what is made up. Without the data set that is judged, real ones are .01 too high in the mean.
_JOINED = {"constant": 0.05, "both": 0.95, "differ": 0.12, "shown_on": -0.12, "small": 0.45, "off_alike": 0.17}
_JOINED_ON_PLANE = {"constant": -0.6, "both": 0.95, "differ": 0.1, "off_alike": 0.17, "area": -0.55, "away": 0.4}
_SMALL_PIXELS = 30
_FARTHEST_PLANES = 60

# Log odds of what is lost, added to those of what is expected; at the lower end at least this much is expected to be
# lost, for wrong places that no corrected plane shows are never known. Of planes the interval reaches up to 1: many a
# plane of a rough segmentation is wholly right.
VOLUME_INTERVAL = (-1.5, 1.0)
_LEAST_EXPECTED_LOST = 0.02
PLANE_INTERVAL = (-np.inf, 0.8)


@dataclass(frozen=True)
class Lost:
    """What is lost (1 - Dice, classes) by the corrected rough outlines, and by a prediction from painted planes.

    The latter also on each plane (planes, classes); NaN where it has none of a structure. `worthless` (classes,) are
    rough outlines that say nothing of a structure. `shown_on` (classes,) are the corrected planes that show a
    structure; one that shows little of it counts in part. `planes` (classes,) are those on which either of the two is.
    `off_alike` (classes,) is how much lower the log odds are of what shift and offset of a plane itself do not mend.
    """

    rough: np.ndarray
    predicted: np.ndarray
    predicted_per_plane: np.ndarray
    worthless: np.ndarray
    shown_on: np.ndarray
    planes: np.ndarray
    off_alike: np.ndarray

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
    odds = _log_odds(_held(*left_out, shown))
    off_alike = _log_odds(_held(*as_a_whole, shown)) - odds
    odds = odds + _OF_WHOLE * off_alike
    by_planes = _held(*left_out, shown, 0)
    taken_for_another = np.array([_taken_for_another(corrections, number) for number in numbers])
    rough = np.where(taken_for_another, by_planes, 1 / (1 + np.exp(-odds)))
    nowhere = np.array([not (corrections.rough == number).any() for number in numbers])
    worthless = np.where(nowhere, shown > 0, (shown >= _PLANES_OF_WORTHLESS) & (by_planes > _WORTHLESS))
    if predicted is None or predicted.expected_dice_per_structure is None:
        nothing = np.full((corrections.rough.shape[0], len(rough)), np.nan)
        return Lost(rough, np.ones(len(rough)), nothing, np.zeros(len(rough), bool), shown, planes, off_alike)
    per_plane = 1 - predicted.expected_dice_per_structure
    return Lost(rough, _of_volume(predicted.labels, per_plane), per_plane, worthless, shown, planes, off_alike)


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
    wrong, size = _disagreement(corrected, labels if predicted is None else predicted, annotation)
    where = np.zeros(len(labels), bool)
    where[annotation.unpainted_planes] = True
    of_all = {
        "both": _both(lost, lost.predicted, wrong.sum(axis=0), size.sum(axis=0)),
        "shown_on": np.log(lost.shown_on + _PLANES_OF_ALL),
        "small": np.maximum(0, np.log(_SMALL_PIXELS / np.maximum(1, _mean_area(size) / 2))),
    }
    of_volume = _lost_together(lost, _JOINED, wrong.sum(axis=0), size.sum(axis=0), of_all)
    on_plane = np.where(np.isfinite(lost.predicted_per_plane), lost.predicted_per_plane, lost.predicted)
    of_each = {
        "both": _both(lost, on_plane, wrong, size),
        "area": np.minimum(0, np.log(np.maximum(1, area) / np.maximum(1, _mean_area(area)))),
        "away": np.log(_away_planes(annotation).clip(1, _FARTHEST_PLANES)),
    }
    of_planes = _lost_together(lost, _JOINED_ON_PLANE, wrong, size, of_each)
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


def _disagreement(one: np.ndarray, other: np.ndarray, annotation: SparseAnnotation) -> tuple[np.ndarray, np.ndarray]:
    """Float (planes, classes): pixels on which two segmentations differ, and those on which they could."""
    count = annotation.class_count
    wrong, size = np.zeros((2, annotation.planes, count))
    for plane in annotation.unpainted_planes:
        first, second = one[plane], other[plane]
        agree = np.bincount(first[first == second], minlength=count + 1)[1:]
        size[plane] = _areas(first[None], count)[0] + _areas(second[None], count)[0]
        wrong[plane] = size[plane] - 2 * agree
    return wrong, size


def _interval(whole: float) -> tuple[float, float]:
    low, high = min(whole, 1 - _LEAST_EXPECTED_LOST), whole
    return float(shifted(np.array(low), VOLUME_INTERVAL)[0]), float(shifted(np.array(high), VOLUME_INTERVAL)[1])


def _lost_together(
    lost: Lost, factors: dict[str, float], wrong: np.ndarray, size: np.ndarray, told: dict[str, np.ndarray]
) -> np.ndarray:
    """What both lose as one: `factors` of what is `told`, and of how far the two disagree."""
    told = told | {
        "differ": np.where(lost.worthless, 0, _log_odds(wrong / np.maximum(1, size))),
        "off_alike": lost.off_alike,
    }
    odds = factors["constant"] + sum(factors[name] * value for name, value in told.items())
    return 1 / (1 + np.exp(-odds))


def _both(lost: Lost, predicted: np.ndarray, wrong: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Log odds of what two independent measurements lose together; the prediction alone where the outlines say nothing.

    What they disagree on one of them has wrong: together they lose no less than that.
    """
    promised = np.maximum(lost.rough + predicted, 1e-6)
    more = np.maximum(1, wrong / np.maximum(1, size) / promised)
    rough, prediction = np.minimum(lost.rough * more, 0.99), np.minimum(predicted * more, 0.99)
    both = rough * prediction / np.sqrt(rough**2 + prediction**2 + 1e-9)
    return _log_odds(np.where(lost.worthless, predicted, both))


def _mean_area(area: np.ndarray) -> np.ndarray:
    """float (classes,), over the planes that show a structure."""
    return area.sum(axis=0) / np.maximum(1, np.count_nonzero(area, axis=0))


def _away_planes(annotation: SparseAnnotation) -> np.ndarray:
    """float (planes, classes), to the next corrected plane of each structure."""
    places = np.arange(annotation.planes)[:, None]
    known = [annotation.complete_planes_of(number) for number in range(1, annotation.class_count + 1)]
    far = np.full(annotation.planes, np.inf)
    return np.stack([np.abs(places - np.array(one)).min(axis=1) if len(one) else far for one in known], axis=1)


def _areas(labels: np.ndarray, count: int) -> np.ndarray:
    return np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in labels]).astype(float)
