"""Where rough outlines and a prediction differ, the image says which of them is likelier.

Intensities of each structure are known from corrected planes, and from pixels of which both say the same. How far they
tell the structure from what is beside it is seen on corrected planes, where the rough outlines are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import Corrections

# Intensities are smoothed a little (standard deviation), counted in so many bins, and held by what all structures have,
# as if on so many pixels. No vote counts more than this (log of a ratio).
_SMOOTHING_PIXELS = 0.8
_BINS = 24
_PIXELS_OF_ALL = 20
_SUREST = 3.0

# What is beside a structure lies this near to one of the two outlines.
_BESIDE_PIXELS = 10

# Votes of neighbouring pixels are averaged over squares of this side, and held back where few pixels of corrected
# planes show that they are right. Of large volumes so many planes are counted, evenly chosen.
_SQUARE_PIXELS = 7
_PIXELS_OF_DOUBT = 100
_PLANES_COUNTED = 64
_PLANES_LEFT_OUT = 12

# What a vote counts, on a pixel and of a structure as a whole. Deep inside or outside the rough outline it counts
# nothing: of two stacked vertebrae both have the same intensities, and the image favours whoever takes both (-.183 in
# the worst case, -.061 so). Fitted on 323 predictions of 12 data sets, and that of a structure on 473 of 16, together
# with those of `rivals`.
_OF_PIXEL = 2.0
_OF_STRUCTURE = 0.6
_DEEP = 2.0


class ImageVotes:
    """What the image says of two segmentations.

    Parameters
    ----------
    intensities : ndarray, shape (planes, rows, columns)
    corrections : the rough outlines; corrected planes are theirs
    rough, predicted : uint8 (planes, rows, columns), both segmentations

    Attributes
    ----------
    reliable : float (classes,), 0 to 1: how far intensities tell a structure from what is beside it
    """

    def __init__(
        self,
        intensities: np.ndarray,
        annotation: SparseAnnotation,
        corrections: Corrections,
        rough: np.ndarray,
        predicted: np.ndarray,
    ):
        self._intensities, self._region = intensities, corrections.region
        self._rough, self._predicted = rough, predicted
        self._truth = annotation.labels
        self._corrected = set(annotation.complete_planes)
        first, last = annotation.plane_range
        planes = sorted({*_some(range(first, last + 1), _PLANES_COUNTED), *annotation.complete_planes})
        self._edges = self._edges_of(planes)
        self._chances = self._learnt(planes, annotation.class_count)
        self.reliable = self._seen_to_be_right(corrections)
        self._means = self._of_structures([plane for plane in planes if plane not in self._corrected])

    def weight_of_predicted(self) -> np.ndarray:
        """float (classes,): factor on the weight of the prediction, from all pixels at which the two differ."""
        return np.exp(-_OF_STRUCTURE * self.reliable * self._means)

    def on_plane(self, plane: int, own: np.ndarray) -> np.ndarray:
        """float32 (rows, columns) of the region: factor on the weight of the prediction at each pixel.

        `own` (classes, rows, columns) are scores of the rough outlines, 0 on them and `_DEEP` deep inside.
        """
        import cv2

        rough, predicted = self._both(plane)
        differ = rough != predicted
        factor = np.ones(differ.shape, np.float32)
        places = np.nonzero(differ)
        if not len(places[0]):
            return factor
        votes = np.zeros(differ.shape, np.float32)
        votes[places] = self._votes(plane, places, rough[places], predicted[places])
        square = (_SQUARE_PIXELS, _SQUARE_PIXELS)
        sums, counts = (cv2.boxFilter(one, -1, square, normalize=False) for one in (votes, differ.astype(np.float32)))
        deep = np.full(len(places[0]), _DEEP, np.float32)
        reliable = np.zeros(len(deep), np.float32)
        for labels in (rough[places], predicted[places]):
            shown = labels > 0
            structure = labels[shown].astype(np.intp) - 1
            score = own[(structure, places[0][shown], places[1][shown])]
            deep[shown] = np.minimum(deep[shown], np.abs(score))
            reliable[shown] = np.maximum(reliable[shown], self.reliable[structure])
        mean = sums[places] / np.maximum(1, counts[places])
        factor[places] = np.exp(-_OF_PIXEL * reliable * (1 - deep / _DEEP) * mean)
        return factor

    def _both(self, plane: int) -> tuple[np.ndarray, np.ndarray]:
        """Both segmentations of the plane, inside the region; the truth where it is known."""
        place = (plane, *self._region)
        if plane in self._corrected:
            return self._truth[place], self._truth[place]
        return self._rough[place], self._predicted[place]

    def _smoothed(self, plane: int) -> np.ndarray:
        import cv2

        part = np.ascontiguousarray(self._intensities[(plane, *self._region)], np.float32)
        return cv2.GaussianBlur(part, (0, 0), _SMOOTHING_PIXELS)

    def _agreed(self, plane: int) -> tuple[np.ndarray, np.ndarray]:
        """Intensities and labels of pixels near an outline, of which both say the same."""
        import cv2

        rough, predicted = self._both(plane)
        square = np.ones((2 * _BESIDE_PIXELS + 1,) * 2, np.uint8)
        near = cv2.dilate(((rough > 0) | (predicted > 0)).astype(np.uint8), square) > 0
        near &= rough == predicted
        return self._smoothed(plane)[near], rough[near]

    def _edges_of(self, planes: Sequence[int]) -> np.ndarray:
        """Of bins that hold about as many pixels each."""
        sample = np.concatenate([values[:: 1 + len(values) // 1000] for values, _ in map(self._agreed, planes)])
        if not len(sample):
            return np.zeros(0, np.float32)
        return np.unique(np.quantile(sample, np.linspace(0, 1, _BINS + 1)[1:-1]))

    def _learnt(self, planes: Sequence[int], class_count: int) -> np.ndarray:
        """float (classes + 1, bins), logarithm of how often a structure has an intensity."""
        bins = len(self._edges) + 1
        counts = np.zeros((class_count + 1, bins))
        for values, labels in map(self._agreed, planes):
            binned = labels.astype(np.intp) * bins + np.searchsorted(self._edges, values)
            counts += np.bincount(binned, minlength=counts.size).reshape(counts.shape)
        of_all = counts.sum(axis=0) / max(1.0, counts.sum())
        wide = np.pad(counts, ((0, 0), (1, 1)))
        counts = wide[:, :-2] / 4 + wide[:, 1:-1] / 2 + wide[:, 2:] / 4
        chances = (counts + _PIXELS_OF_ALL * of_all) / (counts.sum(axis=1, keepdims=True) + _PIXELS_OF_ALL)
        return np.log(np.maximum(chances, 1e-4))

    def _votes(self, plane: int, places, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """For labels `one` against `other` at the places, logarithm of the ratio of their chances."""
        binned = np.searchsorted(self._edges, self._smoothed(plane)[places])
        return np.clip(self._chances[one, binned] - self._chances[other, binned], -_SUREST, _SUREST)

    def _seen_to_be_right(self, corrections: Corrections) -> np.ndarray:
        """Mean vote for the truth where rough outlines, corrected without this plane, are wrong."""
        votes, counts = np.zeros((2, corrections.class_count))
        for plane in _some(sorted(self._corrected), _PLANES_LEFT_OUT):
            truth, rough = self._truth[(plane, *self._region)], corrections.labels(plane, [plane])
            self._add(plane, truth, rough, votes, counts)
        return np.clip(votes / (counts + _PIXELS_OF_DOUBT), 0, 1)

    def _of_structures(self, planes: Sequence[int]) -> np.ndarray:
        """Mean vote for the rough outlines over the pixels at which a structure is said by one of the two only."""
        votes, counts = np.zeros((2, len(self._chances) - 1))
        for plane in planes:
            self._add(plane, *self._both(plane), votes, counts)
        return votes / np.maximum(1, counts)

    def _add(self, plane: int, one: np.ndarray, other: np.ndarray, votes: np.ndarray, counts: np.ndarray) -> None:
        """Add the votes for `one`, structure by structure, and how many there are."""
        places = np.nonzero(one != other)
        one, other = one[places], other[places]
        said = self._votes(plane, places, one, other)
        for labels in (one, other):
            votes += np.bincount(labels, said, minlength=len(votes) + 1)[1:]
            counts += np.bincount(labels, minlength=len(votes) + 1)[1:]


def _some(planes: Sequence[int], most: int) -> list[int]:
    """At most so many of the planes, evenly chosen."""
    if len(planes) <= most:
        return list(planes)
    return [planes[int(place)] for place in np.linspace(0, len(planes) - 1, most)]
