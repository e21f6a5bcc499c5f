"""Structures that the image tells from what lies around them: what is expected of them follows how far it agrees.

Their outlines are uncertain pixel by pixel, and a thin or branched one has many pixels at its outline. So probabilities
promise little of membranes, shells and chess boards, though the image shows them all along. Where it shows them, two
judges are asked: what was said, and the image; of their log-odds a weighted sum is taken, if more is expected by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from .image_agreement import ImageAgreement
from .model import ratio_of
from .told import Told

# Half way between an image that tells nothing and one that tells; where other structures lie next to it, intensities do
# not tell to which of them a pixel belongs; and where a structure may go on unseen, what is seen is not all.
_CONTRAST, _CONTRAST_STEP = 0.6, 0.05
_EXPOSED, _EXPOSED_STEP = 0.8, 0.04
_UNSEEN, _UNSEEN_STEP = 0.3, 0.06
# What is lost is never less; and an image that agrees wholly still leaves so much open.
_LEAST_LOST, _LEAST_OPEN = 0.004, 0.01


@dataclass(frozen=True)
class Judges:
    """Of the log-odds of what is lost: what is always added, and the weights of what was said and of the image."""

    always: float
    said: float
    image: float

    def shifts(self, said: np.ndarray, agreed: np.ndarray, tells: np.ndarray) -> np.ndarray:
        """Log-odds to add to what is lost; never above 0, for what an image lowers is lowered already.

        Parameters
        ----------
        said, agreed : Dice that is expected, and that the image agrees with
        tells : how far the image tells where the structure is, 0 to 1
        """
        return np.minimum(self.weighed(said, agreed, tells), 0)

    def weighed(self, said: np.ndarray, agreed: np.ndarray, tells: np.ndarray) -> np.ndarray:
        """The same, also where it is above 0."""
        lost, open_ = log_odds(1 - said), log_odds(np.maximum(1 - agreed, _LEAST_OPEN))
        return tells * (self.always + self.said * lost + self.image * open_ - lost)


# By ``python Testing/benchmarks/told.py fit``; of those that look at the image, and of interpolated outlines, which are
# expected by outlines alone: where the image tells more, only it is asked.
JUDGES = Judges(always=0.31, said=0.71, image=0.4)
OUTLINE_JUDGES = Judges(always=0.34, said=0.0, image=0.92)


def agreed_shifts(
    judges: Judges, told: Told, least: Told, most: Told, image: ImageAgreement, annotation: SparseAnnotation
) -> np.ndarray:
    """Log-odds to add to what each structure is expected to lose, float (structures,).

    Parameters
    ----------
    told, least, most : what is expected, and that if all or nothing of what may go on does
    """
    names = [one.name for one in annotation.classes]
    said, all_goes_on, nothing = (
        np.array([one.per_class.get(n, np.nan) for n in names]) for one in (told, least, most)
    )
    unseen = log_odds(1 - all_goes_on) - log_odds(1 - nothing)
    shifts = judges.shifts(said, image.most_per_structure(), tells(image.contrast, image.exposed, unseen))
    return np.nan_to_num(shifts)


def tells(contrast: np.ndarray, exposed: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """How far the image alone tells where a structure is, 0 to 1.

    Parameters
    ----------
    contrast, exposed : see `ImageAgreement`
    unseen : log-odds of what is lost from nothing of what may go on to all of it
    """
    shown = ratio_of((np.nan_to_num(contrast) - _CONTRAST) / _CONTRAST_STEP)
    free = ratio_of((np.nan_to_num(exposed) - _EXPOSED) / _EXPOSED_STEP)
    return shown * free * ratio_of((_UNSEEN - np.nan_to_num(unseen * (1 - contrast))) / _UNSEEN_STEP)


def log_odds(lost: np.ndarray) -> np.ndarray:
    """Of a lost share, of which a little is always left."""
    lost = np.clip(lost, _LEAST_LOST, 1 - _LEAST_LOST)
    return np.log(lost / (1 - lost))
