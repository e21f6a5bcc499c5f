"""How wrong a corrected rough segmentation is, and a prediction: what decides which of the two leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import Corrections
from ..prediction import Prediction
from ..quality.expected import shifted

# The weight of the prediction is this times the squared ratio of the odds of what is lost: that of two measurements by
# their inverse squared errors, and less, for `guided` promises more than it keeps where the rough outlines are good.
# Of 333 predictions of 11 data sets the power, fitted without the data set that is judged, came out at 2.2 to 2.6. It
# counts as often as there are corrected planes that show the structure: what both lose is then known better, and of
# 323 predictions of 12 data sets three fall more than .02 below the better of the two, and five without it.
_WEIGHT = float(np.exp(-2.4))
_POWER = 2.0

# What is lost on few corrected planes is held by what all structures lose, as if on a fifth of a plane. A plane that
# shows little of a structure, as where it ends, says little of it.
_PLANES_OF_ALL = 0.2

_LEAST_LOST = 0.003

# Rough outlines that lose more than this on corrected planes, as where two structures are taken for each other, say
# nothing of a structure, and the prediction decides however little it promises.
_WORTHLESS = 0.9
_PLANES_OF_WORTHLESS = 0.5
_ALL_TO_PREDICTED = 1e6

# Of what is lost together: a factor, and the powers of the odds of what both lose and of their disagreement. Real rough
# segmentations and made-up ones count equally.
_JOINED = (0.49, 0.51, 0.14)

# Log-odds of what is lost, added to those of what is expected: 80 % of 387 predictions of 11 data sets lie in that of
# volumes (92 % of the real rough ones). Many a plane of a rough segmentation is wholly right, so that of planes reaches
# up to 1: with .8 and 1.5 below, 87 and 93 % of 4866 planes of six volumes lie in it, 76 and 91 % of the real ones.
VOLUME_INTERVAL = (-1.8, 0.8)
PLANE_INTERVAL = (-np.inf, 1.0)


@dataclass(frozen=True)
class Lost:
    """What is lost (1 - Dice, classes) by the corrected rough outlines, and by a prediction from painted planes.

    The latter also on each plane (planes, classes); NaN where it has none of a structure. `worthless` (classes,) are
    rough outlines that say nothing of a structure. `shown_on` (classes,) are the corrected planes that show a
    structure; one that shows little of it counts in part.
    """

    rough: np.ndarray
    predicted: np.ndarray
    predicted_per_plane: np.ndarray
    worthless: np.ndarray
    shown_on: np.ndarray

    def weight_of_predicted(self) -> np.ndarray:
        """float (classes,): factor on the prediction's log odds; that of the rough one's distance in pixels is .5."""
        weights = _WEIGHT * (self.shown_on + _PLANES_OF_ALL) * (_odds(self.rough) / _odds(self.predicted)) ** _POWER
        return np.where(self.worthless, _ALL_TO_PREDICTED, weights)


def told_lost(corrections: Corrections, predicted: Prediction | None) -> Lost:
    """The rough one: corrected planes, each left out. The prediction: what it says of itself."""
    numbers = range(1, corrections.class_count + 1)
    of_planes = [corrections.lost(number) for number in numbers]
    wrong = np.array([one.sum() for one, _ in of_planes], float)
    size = np.array([one.sum() for _, one in of_planes], float)
    shown = np.array([_planes_shown(corrections, number) for number in numbers])
    of_all = (wrong.sum() + 3) / (size.sum() + 30)
    rough = (shown * wrong / np.maximum(1, size) + _PLANES_OF_ALL * of_all) / (shown + _PLANES_OF_ALL)
    nowhere = np.array([not (corrections.rough == number).any() for number in numbers])
    worthless = np.where(nowhere, shown > 0, (shown >= _PLANES_OF_WORTHLESS) & (rough > _WORTHLESS))
    if predicted is None or predicted.expected_dice_per_structure is None:
        nothing = np.full((corrections.rough.shape[0], len(rough)), np.nan)
        return Lost(rough, np.ones(len(rough)), nothing, np.zeros(len(rough), bool), shown)
    per_plane = 1 - predicted.expected_dice_per_structure
    return Lost(rough, _of_volume(predicted.labels, per_plane), per_plane, worthless, shown)


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
    of_volume = _joined_lost(lost.rough, lost.predicted, wrong.sum(axis=0) / np.maximum(1, size.sum(axis=0)))
    per_plane = np.where(np.isfinite(lost.predicted_per_plane), lost.predicted_per_plane, lost.predicted)
    of_planes = _joined_lost(lost.rough, per_plane, wrong / np.maximum(1, size))
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
    interval = None if whole is None else tuple(shifted(np.array(whole), VOLUME_INTERVAL).tolist())
    return Told(told, per_structure, shifted(told, PLANE_INTERVAL), whole, interval, by_name)


def _joined_lost(rough: np.ndarray, predicted: np.ndarray, disagreement: np.ndarray) -> np.ndarray:
    """What two measurements lose together, and the more the less they agree; least squares of 333 predictions."""
    both = rough * predicted / np.sqrt(rough**2 + predicted**2 + 1e-9)
    odds = _JOINED[0] * _odds(both) ** _JOINED[1] * _odds(disagreement) ** _JOINED[2]
    return odds / (1 + odds)


def _areas(labels: np.ndarray, count: int) -> np.ndarray:
    return np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in labels]).astype(float)
