"""Of a thin structure: the prediction, or what its painted planes alone say of it (`displaced`).

The image decides, where it shows the structure. How many voxels of a mask lie inside is told by their intensities, as a
mixture of those inside and around on the painted planes; from both masks' shares follow the Dice of either. What the
painted planes say has not looked at the image, so what the image says of it is unbiased; a prediction has chosen what
looks right. So where it lacks much of the structure it needs to be clearly better, and elsewhere so does the other.
Where the image shows it faintly, chance alone makes a prediction look better: if it is not so beyond the error, the
painted planes themselves tell, each left out and made from those around it. Where none can be, the better one wins.
"""

from __future__ import annotations

import numpy as np

from ...annotation import SparseAnnotation
from ...quality.appearance import share_inside, unlikeness
from .displaced import left_out_dice

# What is so alike on neighbouring painted planes, by their Dice, does not move, and is not to be done better.
_STANDS_STILL = 0.97

# A prediction with less than this share of the area lacks much. By how much more Dice it has to be better then, beside
# one standard error; and by how much the painted planes have to be, where it does not.
_LACKS, _CLEARLY, _AT_LEAST = 0.8, 0.05, 0.03

# What is less unlike its surroundings (1 where they have no intensity in common) is faint. There a prediction is better
# for certain from so many standard errors on (one side of 95 %).
_FAINT, _SURELY = 0.85, 1.65

# By how much one left-out plane has to be better moved than the prediction says of itself; several, by less each.
_OF_ONE_PLANE = 0.05

# Interpolated outlines that lack more than this of what the planes promise, and so much more than the prediction does,
# belong to what changes too much between its planes.
_NEARLY_NOTHING, _FAR_MORE = 0.5, 0.3


def stands_still(annotation: SparseAnnotation, number: int) -> bool:
    """Whether neighbouring painted planes hardly differ."""
    painted = _painted(annotation, number)
    common, areas = (painted[1:] & painted[:-1]).sum(), painted.sum(axis=(1, 2))
    return bool(2 * common >= _STANDS_STILL * (areas[1:].sum() + areas[:-1].sum()))


def is_painted_twice(annotation: SparseAnnotation, number: int) -> bool:
    """Whether there is anything between two planes to be told by them."""
    return len(_painted(annotation, number)) > 1


def changes_too_much(lacks: float, outlines_lack: float) -> bool:
    """Whether outlines find hardly anything of what a prediction finds; shares of what is missing (`_lacking`)."""
    return outlines_lack > _NEARLY_NOTHING and outlines_lack > lacks + _FAR_MORE


def is_better_displaced(
    intensities: np.ndarray,
    annotation: SparseAnnotation,
    number: int,
    predicted: np.ndarray,
    moved: np.ndarray,
    *,
    spacing_mm: tuple[float, float, float],
    expected_dice: float | None,
    alone: bool = False,
) -> bool:
    """Whether a mask by the painted planes alone (`moved`) is to be taken, not the one that was `predicted`.

    Parameters
    ----------
    predicted, moved : bool, shape of the volume; of voxels that are not known
    expected_dice : that the prediction says of itself
    alone : whether nothing else is painted
    """
    only = predicted & ~moved
    inside, error = share_inside(intensities, annotation, number, moved)
    theirs, _ = share_inside(intensities, annotation, number, predicted)
    beside, _ = share_inside(intensities, annotation, number, only)
    area, area_predicted = np.count_nonzero(moved), np.count_nonzero(predicted)
    whole = max(inside * area + beside * np.count_nonzero(only), 1e-9)
    dice = 2 * inside * area / (area + whole)
    dice_predicted = min(1.0, 2 * theirs * area_predicted / (area_predicted + whole))
    if dice_predicted <= dice + _SURELY * error and expected_dice is not None:
        left_out = left_out_dice(annotation, number, spacing_mm)
        if not left_out and dice_predicted <= dice + (not is_painted_twice(annotation, number)) * error:
            return True
        if left_out and unlikeness(intensities, annotation, number) < _FAINT:
            told = _told_by(left_out)
            if (_between_painted(annotation, number, told) if alone else told) >= expected_dice:
                return True
    if area_predicted < _LACKS * area:
        return bool(2 * min(1.0, inside + error) * area / (area + whole) + _CLEARLY >= dice_predicted)
    return bool(dice - _AT_LEAST >= dice_predicted)


def painted_planes_bear_out(
    annotation: SparseAnnotation, number: int, spacing_mm: tuple[float, float, float], expected_dice: float
) -> bool:
    """Whether left-out planes are moved as well as a prediction says of itself."""
    left_out = left_out_dice(annotation, number, spacing_mm)
    return bool(left_out) and _told_by(left_out) >= expected_dice


def _told_by(left_out: list[float]) -> float:
    return float(np.mean(left_out)) - _OF_ONE_PLANE / len(left_out)


def _between_painted(annotation: SparseAnnotation, number: int, left_out: float) -> float:
    """The Dice of all planes: of gaps half as wide as those around a left-out one, half as much is missing.

    Not beside other structures, which help a prediction: optic nerves lost .05 by this.
    """
    first, last = annotation.class_ranges.get(number, annotation.plane_range)
    painted = len(annotation.complete_planes_of(number)) / (last - first + 1)
    return 1 - (1 - painted) * (1 - left_out) / 2


def _painted(annotation: SparseAnnotation, number: int) -> np.ndarray:
    painted = annotation.labels[annotation.source_planes] == number
    return painted[painted.any(axis=(1, 2))]
