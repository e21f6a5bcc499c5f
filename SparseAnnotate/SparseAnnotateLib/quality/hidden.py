"""Structures that the image does not show: `guided` knows less of them than it says, above all of thin ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..annotation import SparseAnnotation
from .appearance import half_thickness_mm
from .image_agreement import contrast_nearby
from .model import ratio_of

# Of `contrast_nearby`: shells of organs that the image does not show have .03 to .11, heart walls .13 to .32,
# vertebrae more.
_VISIBLE, _VISIBLE_STEP = 0.06, 0.03
# Log of the half thickness in radii of a disc with the same area.
_THIN, _THIN_STEP = -0.75, 0.15
# Of `contrast_nearby`, for structures of any thickness: organs of which an image shows nothing have .00 to .04.
# They were promised .11 too much, .05 so; no scan changes by more than .001 on average (OpenKBP, MSD, and 12 others).
_NOTHING, _NOTHING_STEP = 0.05, 0.01
# With more contrast in a wider surrounding it is not asked for.
_PERHAPS = 0.2
# In log-odds: where the image says nothing, `guided` loses more than interpolated outlines are expected to.
_WORSE = 0.8


def hiddenness(intensities: np.ndarray, annotation: SparseAnnotation, spacing_mm) -> np.ndarray:
    """How far each structure is thin and not to be seen, float (structures,), 0 to 1."""
    count, sources = annotation.class_count, annotation.source_planes
    painted = annotation.labels[sources]
    areas = np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in painted])
    thickness = half_thickness_mm(painted, count, spacing_mm[1:])
    radius = np.sqrt(np.maximum(areas, 1) * spacing_mm[1] * spacing_mm[2] / np.pi)
    thin = np.log(np.clip(thickness / radius, 0.02, 1))
    mean = (areas * thin).sum(axis=0) / np.maximum(areas.sum(axis=0), 1)
    hidden = ratio_of((_THIN - mean) / _THIN_STEP)
    for number in np.flatnonzero(hidden > 0.01):
        seen = contrast_nearby(annotation, intensities, int(number) + 1)
        hidden[number] *= 0.0 if np.isnan(seen) else ratio_of((_VISIBLE - seen) / _VISIBLE_STEP)
    return hidden


def unseen(intensities: np.ndarray, annotation: SparseAnnotation, contrast: np.ndarray) -> np.ndarray:
    """How far the image shows nothing of each structure, float (structures,), 0 to 1.

    Parameters
    ----------
    contrast : see `ImageAgreement`
    """
    found = np.zeros(annotation.class_count)
    for number in np.flatnonzero(contrast < _PERHAPS):
        seen = contrast_nearby(annotation, intensities, int(number) + 1)
        found[number] = 0.0 if np.isnan(seen) else ratio_of((_NOTHING - seen) / _NOTHING_STEP)
    return found


def shifts(hidden: np.ndarray, nothing: np.ndarray, own: Mapping[int, float], interpolated: np.ndarray) -> np.ndarray:
    """Log-odds to add to what each structure is expected to lose, float (structures,).

    Parameters
    ----------
    hidden, nothing : see `hiddenness` and `unseen`
    own : Dice that the predictor expects of each structure (its number from 0)
    interpolated : Dice to expect of each if its outlines were interpolated only, NaN where that is not known
    """
    shift = np.zeros(len(hidden))
    for number, dice in own.items():
        if np.isfinite(interpolated[number]):
            more = _odds(1 - interpolated[number]) - _odds(1 - dice)
            shift[number] = max(0.0, hidden[number] * (_WORSE + more), nothing[number] * more)
    return shift


def _odds(lost: float) -> float:
    lost = float(np.clip(lost, 0.003, 1))
    return float(np.log(lost / (1.003 - lost)))
