"""How far the image agrees with a prediction: what intensities alone would make of each plane.

What comes and goes between painted planes (vertebrae, ribs, stacked parts) no painted plane tells; the image may. On
the painted planes it is learned how a structure's intensities differ from those around it; the rest is counted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box

# Pixels of so many intensities, each as often: an image that is the same everywhere has one.
_BINS = 32
# So many pixels stand for what is known before any was seen.
_PRIOR_PIXELS = 4.0
_BLUR_PIXELS = 1.0
# Where the image tells a structure so well from what is around it: seen from the one likeness on, absent below the
# other.
_TELLING = 0.4
_SEEN, _UNSEEN = 0.6, 0.25
# What lies around a structure: within two radii of the box that holds it, and these pixels. With half a radius what
# comes and goes beside it is not seen: made-up teeth on a bar were promised .89 for .64, and .63 so.
_AROUND = (2.0, 40)
_NEARBY = (0.5, 12)
_LEAST_PIXELS = 3


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
        told = self.contrast >= _TELLING
        with np.errstate(invalid="ignore"):
            seen = told & (self.predicted_px == 0) & (self.place_likeness > _SEEN)
        return np.where(seen, self.place_px, 0)

    def unlike(self) -> np.ndarray:
        """Where a structure was predicted and the image shows something else: bool (planes, structures)."""
        with np.errstate(invalid="ignore"):
            return (self.contrast >= _TELLING) & (self.likeness < _UNSEEN)


def image_agreement(labels: np.ndarray, annotation: SparseAnnotation, intensities: np.ndarray) -> ImageAgreement:
    """Compare a prediction with the image.

    Parameters
    ----------
    labels : class numbers, shape (planes, rows, columns)
    annotation : what it was made from
    intensities : the image, of the same shape
    """
    count = annotation.class_count
    tables = np.full((6, len(labels), count), np.nan)
    painted_dice, expected_share, contrast = np.full((3, count), np.nan)
    painted_px = np.zeros(count)
    for number in range(1, count + 1):
        structure = _Structure(labels, annotation, intensities, number)
        if structure.holders:
            painted_dice[number - 1], expected_share[number - 1], contrast[number - 1] = structure.learn()
            painted_px[number - 1] = structure.painted_px
            for plane in structure.asked():
                tables[:, plane, number - 1] = structure.of_plane(plane)
    return ImageAgreement(*tables, painted_dice, expected_share, contrast, painted_px)


def contrast_nearby(annotation: SparseAnnotation, intensities: np.ndarray, number: int) -> float:
    """`ImageAgreement.contrast` with what is within half a radius around a structure; NaN where it is nowhere."""
    structure = _Structure(annotation.labels, annotation, intensities, number, _NEARBY)
    return structure.learn()[-1] if structure.holders else np.nan


class _Structure:
    """One structure: where it may be on each plane, and what the image says there."""

    def __init__(
        self,
        labels: np.ndarray,
        annotation: SparseAnnotation,
        intensities: np.ndarray,
        number: int,
        around: tuple[float, int] = _AROUND,
    ):
        self._labels, self._annotation, self._image, self._number = labels, annotation, intensities, number
        self._painted = annotation.complete_planes_of(number)
        self.holders = [plane for plane in self._painted if (annotation.labels[plane] == number).any()]
        if self.holders:
            outlines = [annotation.labels[plane] == number for plane in self.holders]
            self.painted_px = sum(int(one.sum()) for one in outlines)
            radius = np.sqrt(self.painted_px / len(outlines) / np.pi)
            self._reach = int(np.clip(round(around[0] * radius), _LEAST_PIXELS, around[1]))
            everywhere = np.any(outlines, axis=0) | (labels == number).any(axis=0)
            self._box = bounding_box(everywhere, margin=self._reach + 3)
            self._outlines = {p: one[self._box] for p, one in zip(self.holders, outlines, strict=True)}

    def asked(self) -> list[int]:
        """The planes on which it was not painted and may be.

        All of its range; where it shares that with others, no farther than the next painted planes that lack it.
        """
        first, last = self._annotation.class_ranges.get(self._number, self._annotation.plane_range)
        if self._number not in self._annotation.class_ranges and self._annotation.class_count > 1:
            before, after = bisect_left(self._painted, self.holders[0]), bisect_right(self._painted, self.holders[-1])
            first = max(first, self._painted[before - 1]) if before else first
            last = min(last, self._painted[after]) if after < len(self._painted) else last
        return sorted(set(range(first, last + 1)) - set(self._painted))

    def learn(self) -> tuple[float, float, float]:
        """From painted planes, how likely each intensity makes the structure.

        Returns
        -------
        The Dice of that with it, its sum in shares of the structure's pixels, and the contrast
        """
        masks = {plane: self._masks(plane, self._annotation.labels) for plane in self._painted}
        smooth = {plane: self._smooth(plane) for plane in self._painted}
        values = np.concatenate([smooth[plane][around] for plane, (around, _, _) in masks.items()])
        self._edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins = len(self._edges) + 1
        inside, around = np.zeros((2, len(masks), bins))
        for row, (plane, (near, own, _)) in enumerate(masks.items()):
            which = np.searchsorted(self._edges, smooth[plane])
            inside[row], around[row] = (np.bincount(which[mask], minlength=bins) for mask in (own, near))
        self._chance = self._chance_of(inside.sum(axis=0), around.sum(axis=0))
        outside = around - inside
        likelier = np.average(self._chance, weights=inside.sum(axis=0))
        self._base = np.average(self._chance, weights=outside.sum(axis=0)) if outside.any() else likelier
        self._contrast = likelier - self._base
        # Each plane is judged by the others, as unpainted ones are; the only one by itself.
        alone = len(self.holders) == 1
        chances = [
            self._chance if alone else self._chance_of(inside.sum(axis=0) - own, around.sum(axis=0) - near)
            for own, near in zip(inside, around, strict=True)
        ]
        agreed, expected = ((table * chances).sum() for table in (inside, around))
        return 2 * agreed / (inside.sum() + expected), expected / inside.sum(), self._contrast

    @staticmethod
    def _chance_of(inside: np.ndarray, around: np.ndarray) -> np.ndarray:
        base = inside.sum() / max(around.sum(), 1)
        return (inside + _PRIOR_PIXELS * base) / (around + _PRIOR_PIXELS)

    def of_plane(self, plane: int) -> tuple[float, ...]:
        """A row of each table of `ImageAgreement`."""
        around, own, place = self._masks(plane, self._labels)
        chance = self._chance[np.searchsorted(self._edges, self._smooth(plane))]
        sums = own.sum(), chance[around].sum(), chance[own].sum()
        return *sums, self._likeness(chance[own]), place.sum(), self._likeness(chance[place])

    def _likeness(self, chance: np.ndarray) -> float:
        return (chance.mean() - self._base) / self._contrast if len(chance) and self._contrast > 0 else np.nan

    def _masks(self, plane: int, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where it may be (never where another structure is), where it is, and where painted planes put it."""
        before, after = bisect_left(self.holders, plane) - 1, bisect_right(self.holders, plane)
        next_to = [self.holders[one] for one in (before, after) if 0 <= one < len(self.holders)]
        outlines = [self._outlines[one] for one in next_to]
        shown = labels[plane][self._box]
        own = shown == self._number
        free = own | (shown == 0)
        either = np.any([own, *outlines], axis=0)
        around = np.zeros_like(free)
        near = bounding_box(either, margin=self._reach)
        around[near] = free[near]
        both = np.all(outlines, axis=0) if outlines else own
        place = both if both.any() else either
        # Where another structure was predicted, it is that which is seen.
        seen = place & free
        return around, own, seen if 2 * seen.sum() > place.sum() else np.zeros_like(place)

    def _smooth(self, plane: int) -> np.ndarray:
        import cv2

        return cv2.GaussianBlur(self._image[plane][self._box].astype(np.float32), (0, 0), _BLUR_PIXELS)
