"""One structure in the image: how likely its intensities make each pixel, learned on the painted planes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box

# Pixels of so many intensities, each as often: an image that is the same everywhere has one.
_BINS = 32
# So many pixels stand for what is known before any was seen.
_PRIOR_PIXELS = 4.0
_BLUR_PIXELS = 1.0
# What lies around a structure: within two radii of the box that holds it, and these pixels. With half a radius what
# comes and goes beside it is not seen: made-up teeth on a bar were promised .89 for .64, and .63 so.
AROUND = (2.0, 40)
_LEAST_PIXELS = 3


class StructureSeen:
    """One structure: where it may be on each plane, and what the image says there.

    Parameters
    ----------
    labels : of the prediction, shape (planes, rows, columns)
    intensities : the image, of the same shape
    number : of the structure
    around : how much of what lies around it counts: in radii, and at most in pixels
    """

    def __init__(
        self,
        labels: np.ndarray,
        annotation: SparseAnnotation,
        intensities: np.ndarray,
        number: int,
        around: tuple[float, int] = AROUND,
    ):
        self._labels, self._annotation, self._image, self._number = labels, annotation, intensities, number
        self.painted = annotation.complete_planes_of(number)
        self.holders = [plane for plane in self.painted if (annotation.labels[plane] == number).any()]
        if self.holders:
            outlines = [annotation.labels[plane] == number for plane in self.holders]
            self.painted_px = sum(int(one.sum()) for one in outlines)
            radius = np.sqrt(self.painted_px / len(outlines) / np.pi)
            self._reach = int(np.clip(round(around[0] * radius), _LEAST_PIXELS, around[1]))
            everywhere = np.any(outlines, axis=0) | (labels == number).any(axis=0)
            self._box = bounding_box(everywhere, margin=self._reach + 3)
            self._far = bounding_box(everywhere, margin=2 * self._reach + 3)
            self._near = tuple(
                slice(box.start - far.start, box.stop - far.start)
                for box, far in zip(self._box, self._far, strict=True)
            )
            self._outlines = {p: one[self._box] for p, one in zip(self.holders, outlines, strict=True)}

    def asked(self) -> list[int]:
        """The planes on which it was not painted and may be.

        All of its range; where it shares that with others, no farther than the next painted planes that lack it.
        """
        first, last = self._annotation.class_ranges.get(self._number, self._annotation.plane_range)
        if self._number not in self._annotation.class_ranges and self._annotation.class_count > 1:
            before, after = bisect_left(self.painted, self.holders[0]), bisect_right(self.painted, self.holders[-1])
            first = max(first, self.painted[before - 1]) if before else first
            last = min(last, self.painted[after]) if after < len(self.painted) else last
        return sorted(set(range(first, last + 1)) - set(self.painted))

    def learn(self) -> tuple[float, float, float]:
        """From painted planes, how likely each intensity makes the structure.

        Returns
        -------
        The Dice of that with it, its sum in shares of the structure's pixels, and the contrast
        """
        masks = {plane: self.masks(plane, self._annotation.labels) for plane in self.painted}
        smooth = {plane: self._smooth(plane, self._box) for plane in self.painted}
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
        self.contrast = likelier - self._base
        # Each plane is judged by the others, as unpainted ones are; the only one by itself.
        alone = len(self.holders) == 1
        chances = [
            self._chance if alone else self._chance_of(inside.sum(axis=0) - own, around.sum(axis=0) - near)
            for own, near in zip(inside, around, strict=True)
        ]
        agreed, expected = ((table * chances).sum() for table in (inside, around))
        return 2 * agreed / (inside.sum() + expected), expected / inside.sum(), self.contrast

    @staticmethod
    def _chance_of(inside: np.ndarray, around: np.ndarray) -> np.ndarray:
        base = inside.sum() / max(around.sum(), 1)
        return (inside + _PRIOR_PIXELS * base) / (around + _PRIOR_PIXELS)

    def of_plane(self, plane: int) -> tuple[float, ...]:
        """A row of each table of `ImageAgreement`."""
        around, own, place = self.masks(plane, self._labels)
        chance = self._chances(plane, self._box)
        sums = own.sum(), chance[around].sum(), chance[own].sum()
        return *sums, self._likeness(chance[own]), place.sum(), self._likeness(chance[place])

    def exposed(self, planes: list[int]) -> float:
        """The share of its outline on some planes that no other structure lies next to; NaN where it is nowhere."""
        beside = free = 0
        for plane in planes:
            shown = self._labels[plane][self._box]
            own = shown == self._number
            ring = moved(own, "MORPH_DILATE") & ~own
            beside += np.count_nonzero(ring)
            free += np.count_nonzero(ring & (shown == 0))
        return free / beside if beside else np.nan

    def against(self, plane: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where it was not predicted and likelier is, the other way round, and what is near it: bool, as `empty`.

        Without what is thinner than three pixels. The first goes on as far as it is connected with what is near.
        """
        labels = self._annotation.labels if plane in self.painted else self._labels
        shown = labels[plane][self._far]
        likelier = self._chances(plane, self._far) > 0.5
        more, less = (
            moved(mask, "MORPH_OPEN") for mask in (likelier & (shown == 0), ~likelier & (shown == self._number))
        )
        near = self.empty()
        near[self._near] = self.masks(plane, labels)[0]
        return _touching(more, near), less, near

    def empty(self) -> np.ndarray:
        """A mask of all pixels that `against` looks at, twice as far as others do."""
        return np.zeros([side.stop - side.start for side in self._far], bool)

    def free(self, plane: int) -> np.ndarray:
        """Where nothing was predicted, bool, as `empty`."""
        return self._labels[plane][self._far] == 0

    def _chances(self, plane: int, box: tuple[slice, slice]) -> np.ndarray:
        return self._chance[np.searchsorted(self._edges, self._smooth(plane, box))]

    def _likeness(self, chance: np.ndarray) -> float:
        return (chance.mean() - self._base) / self.contrast if len(chance) and self.contrast > 0 else np.nan

    def masks(self, plane: int, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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

    def _smooth(self, plane: int, box: tuple[slice, slice]) -> np.ndarray:
        import cv2

        return cv2.GaussianBlur(self._image[plane][box].astype(np.float32), (0, 0), _BLUR_PIXELS)


def moved(mask: np.ndarray, name: str) -> np.ndarray:
    """A mask opened or dilated by a cross, with the name that OpenCV has for it."""
    import cv2

    cross = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    return cv2.morphologyEx(np.ascontiguousarray(mask, np.uint8), getattr(cv2, name), cross).view(bool)


def _touching(mask: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The parts of a mask that touch another."""
    import cv2

    if not mask.any():
        return mask
    _, parts = cv2.connectedComponents(mask.view(np.uint8))
    return mask & np.isin(parts, np.unique(parts[mask & near]))
