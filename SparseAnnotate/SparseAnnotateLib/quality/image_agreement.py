"""How far the image agrees with a prediction: what intensities alone would make of each plane.

What comes and goes between painted planes (vertebrae, ribs, stacked parts) no painted plane tells; the image may. On
the painted planes it is learned how a structure's intensities differ from those around it; the rest is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from .between import comes_and_goes
from .structure_seen import StructureSeen

# Where the image tells a structure so well from what is around it: seen from the one likeness on, absent below the
# other.
TELLING = 0.4
_SEEN, _UNSEEN = 0.6, 0.25
# What lies around a thin structure, in radii and pixels.
_NEARBY = (0.5, 12)
# Below this contrast what is seen is chance.
_LEAST_CONTRAST = 0.35
_SEEN_FROM, _SEEN_STEP = 0.45, 0.03


@dataclass(frozen=True)
class ImageAgreement:
    """What intensities make of a prediction; arrays (planes, structures), NaN on planes that were not asked for.

    Attributes
    ----------
    predicted_px : pixels of the structure
    expected_px : the sum of its probabilities by intensity alone, where it is or may be
    agreed_px : that sum over what was predicted
    likeness : how far what was predicted looks like the structure: 0 as what lies around it does, 1 as it does
    place_px, place_likeness : the same of the pixels where the painted planes on both sides put it, and their number
    painted_dice : of the probabilities with what was painted, (structures,); NaN where nothing can be said
    expected_share : the sum of the probabilities on painted planes, in shares of the pixels there, (structures,)
    contrast : how much likelier a pixel is by its intensity inside than around, (structures,)
    painted_px : pixels of the structure on painted planes, (structures,)
    exposed : the share of its outline on predicted planes that no other structure lies next to, (structures,)
    more_px, less_px : pixels that look like it where it was not predicted, and that do not where it was, on two planes
        next to each other and on no painted plane beside them
    goes_on_px : pixels on which it may go on, because it was seen there on other planes of the same gap
    reaches_px : the same with all that is connected with them, however far
    """

    predicted_px: np.ndarray
    expected_px: np.ndarray
    agreed_px: np.ndarray
    likeness: np.ndarray
    place_px: np.ndarray
    place_likeness: np.ndarray
    painted_dice: np.ndarray
    expected_share: np.ndarray
    contrast: np.ndarray
    painted_px: np.ndarray
    exposed: np.ndarray
    more_px: np.ndarray
    less_px: np.ndarray
    goes_on_px: np.ndarray
    reaches_px: np.ndarray

    def most_per_structure(self) -> np.ndarray:
        """The Dice over the volume that the image agrees with, float (structures,); 1 where it says nothing."""
        predicted, expected, agreed = (
            np.nansum(one, axis=0) for one in (self.predicted_px, self.expected_px, self.agreed_px)
        )
        most = self._most(predicted, expected, agreed)
        # What was painted is right, and counts twice, as in the Dice: once predicted, and once true.
        with np.errstate(invalid="ignore", divide="ignore"):
            true = expected / self.expected_share
            size, painted = predicted + np.where(np.isfinite(true), true, predicted), 2 * self.painted_px
            whole = (most * size + painted) / (size + painted)
        return np.where(np.isfinite(whole), whole, 1.0)

    def most_per_plane(self) -> np.ndarray:
        """The same of each plane, float (planes, structures)."""
        return self._most(self.predicted_px, self.expected_px, self.agreed_px)

    def _most(self, predicted: np.ndarray, expected: np.ndarray, agreed: np.ndarray) -> np.ndarray:
        """Agreement in shares of that on painted planes; the less intensities tell, the less it counts."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = 2 * agreed / (predicted + expected) / self.painted_dice
            most = np.clip(share, 0, 1) ** np.clip(self.contrast, 0, 1)
        return np.where(np.isfinite(most) & (predicted > 0), most, 1.0)

    def missed_px(self) -> np.ndarray:
        """Where nothing of a structure was predicted, and the image shows it: pixels, float (planes, structures)."""
        told = self.contrast >= TELLING
        with np.errstate(invalid="ignore"):
            seen = told & (self.predicted_px == 0) & (self.place_likeness > _SEEN)
        return np.where(seen, self.place_px, 0)

    def doubtful_px(self) -> np.ndarray:
        """Pixels on which each structure may go on, the fewer the better the image tells: (planes, structures).

        `goes_on_px` in shares of how unlikely it is that the image would show it there.
        """
        return self.goes_on_px * self._not_chance() * (1 - np.nan_to_num(self.contrast))

    def possible_px(self) -> np.ndarray:
        """All pixels on which it may be."""
        return self.reaches_px * self._not_chance()

    def _not_chance(self) -> np.ndarray:
        return 1 / (1 + np.exp((_SEEN_FROM - np.nan_to_num(self.contrast)) / _SEEN_STEP))

    def unlike(self) -> np.ndarray:
        """Where a structure was predicted and the image shows something else: bool (planes, structures)."""
        with np.errstate(invalid="ignore"):
            return (self.contrast >= TELLING) & (self.likeness < _UNSEEN)


def image_agreement(labels: np.ndarray, annotation: SparseAnnotation, intensities: np.ndarray) -> ImageAgreement:
    """Compare a prediction with the image.

    Parameters
    ----------
    labels : class numbers, shape (planes, rows, columns)
    annotation : what it was made from
    intensities : the image, of the same shape
    """
    count = annotation.class_count
    tables, comes = np.full((6, len(labels), count), np.nan), np.zeros((4, len(labels), count))
    painted_dice, expected_share, contrast, exposed = np.full((4, count), np.nan)
    painted_px = np.zeros(count)
    for number in range(1, count + 1):
        structure = StructureSeen(labels, annotation, intensities, number)
        if structure.holders:
            painted_dice[number - 1], expected_share[number - 1], contrast[number - 1] = structure.learn()
            painted_px[number - 1] = structure.painted_px
            asked = structure.asked()
            exposed[number - 1] = structure.exposed(asked)
            for plane in asked:
                tables[:, plane, number - 1] = structure.of_plane(plane)
            if contrast[number - 1] > _LEAST_CONTRAST:
                for plane, seen in comes_and_goes(structure, asked).items():
                    comes[:, plane, number - 1] = seen
    return ImageAgreement(*tables, painted_dice, expected_share, contrast, painted_px, exposed, *comes)


def contrast_nearby(annotation: SparseAnnotation, intensities: np.ndarray, number: int) -> float:
    """`ImageAgreement.contrast` with what is within half a radius around a structure; NaN where it is nowhere."""
    structure = StructureSeen(annotation.labels, annotation, intensities, number, _NEARBY)
    return structure.learn()[-1] if structure.holders else np.nan
