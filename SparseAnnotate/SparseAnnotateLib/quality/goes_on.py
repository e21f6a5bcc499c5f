"""Whether structures go on where they may: they do where the image comes back between planes, and not where it changes.

Vertebrae, ribs and lobes in a row look alike on two painted planes, and the image between is another one. Then most of
what may go on there does, and intensities that tell the structure in part only (marrow looks like what is around it)
tell little of it. Where the image changes on the way from one plane to the next, as at most organs, little of it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from .agreed import log_odds
from .model import ratio_of
from .told import Told

# Of `came_back`, half way: the image comes back, or it does not. Most organs have -.4 to -.9, vertebrae between two
# planes that lie alike 0 to .9.
_BACK, _BACK_STEP = 0.1, 0.05
_ALONG, _ALONG_STEP = -0.3, 0.1
# Of the contrast: what the image tells better than this it shows where it goes on, too; worse, it shows nothing.
_TELLS, _HARDLY, _TELLS_STEP = 0.68, 0.2, 0.03


@dataclass(frozen=True)
class Weights:
    """Of the log-odds from what is told to all of what may go on, and to nothing of it."""

    comes_back: float
    changes: float

    def shifts(
        self, told: np.ndarray, least: np.ndarray, most: np.ndarray, back: np.ndarray, contrast: np.ndarray
    ) -> np.ndarray:
        """Log-odds to add to what each structure is expected to lose, float (structures,).

        Parameters
        ----------
        told, least, most : Dice that is expected, and that if all of what may go on does, or nothing
        back : see `came_back`; NaN where nothing is known, and nothing is added
        contrast : see `ImageAgreement`
        """
        lost = log_odds(1 - told)
        all_goes_on, nothing = np.maximum(log_odds(1 - least) - lost, 0), np.maximum(lost - log_odds(1 - most), 0)
        back = np.asarray(back, float)
        with np.errstate(over="ignore"):
            comes = ratio_of((back - _BACK) / _BACK_STEP) * ratio_of((_TELLS - contrast) / _TELLS_STEP)
            changes = ratio_of((_ALONG - back) / _ALONG_STEP)
        return np.nan_to_num(self.comes_back * comes * all_goes_on - self.changes * changes * nothing)


# By ``python Testing/benchmarks/told.py fit``; of guided.
WEIGHTS = Weights(comes_back=0.43, changes=0.56)


def goes_on_shifts(
    told: Told, least: Told, most: Told, back: np.ndarray, contrast: np.ndarray, annotation: SparseAnnotation
) -> np.ndarray:
    """See `Weights.shifts`."""
    names = [one.name for one in annotation.classes]
    dice = (np.array([one.per_class.get(name, np.nan) for name in names]) for one in (told, least, most))
    return WEIGHTS.shifts(*dice, back, contrast)


def doubts(back: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """How far nobody can know what each structure does between its painted planes, float (structures,), 0 to 1.

    The image has changed and come back, and tells the structure in part only.
    """
    told_in_part = ratio_of((contrast - _HARDLY) / _TELLS_STEP) * ratio_of((_TELLS + 0.1 - contrast) / _TELLS_STEP)
    return np.nan_to_num(ratio_of((back - _BACK) / _BACK_STEP) * told_in_part)
