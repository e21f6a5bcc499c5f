"""A cohort model's probabilities as one more prior, trusted as far as the painted planes bear them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ...annotation import SparseAnnotation
from ...cohort.applying.starting_point import cohort_probabilities
from ...distances import bounding_box
from ...volume import Volume
from ..base import Progress
from .probabilities import normalised_exponential

# The weight of a model that the painted planes bear out wholly, before they are used to adapt all weights.
_FULL_WEIGHT = 0.3

# Pixels as far from a painted structure's box say nothing about how well its border is found.
_MARGIN_PIXELS = 8
_PIXELS = 20_000

_LEAST_PROBABILITY = np.float32(1e-3)
_EXPONENTS = np.linspace(0, 1, 21)


class CohortPrior:
    """What a model says of each plane of the region.

    Attributes
    ----------
    weight : in the pool, by default
    """

    def __init__(self, probabilities: np.ndarray, first: int, labels: Mapping[int, np.ndarray]):
        self._probabilities, self._first = probabilities, first
        self.weight = _FULL_WEIGHT * reliability([(self.of(plane), truth) for plane, truth in labels.items()])

    def of(self, plane: int) -> np.ndarray:
        """Probabilities float32 (classes + 1, rows, columns)."""
        return self._probabilities[:, plane - self._first].astype(np.float32)


def cohort_prior(
    path: str, volume: Volume, annotation: SparseAnnotation, region: tuple[slice, slice], device: str
) -> Iterator[Progress | CohortPrior]:
    """Apply a model to the planes of the range; a generator of Progress, whose last item is the prior.

    Raises
    ------
    InputError
        Where the model cannot be read, or is none for such a scan.
    """
    first, last = annotation.plane_range
    region_of_range = slice(first, last + 1), *region
    probabilities = yield from cohort_probabilities(path, volume, annotation, region_of_range, device)
    labels = {plane: annotation.labels[(plane, *region)] for plane in annotation.source_planes}
    yield CohortPrior(probabilities, first, labels)


def reliability(planes: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The exponent in 0..1 that makes the labels of the painted planes likeliest: 0 for a model that is wrong here.

    Parameters
    ----------
    planes : probabilities (classes + 1, rows, columns) and labels (rows, columns); the model has seen none of these
    """
    chosen = [_around(probabilities, labels) for probabilities, labels in planes]
    logs = np.concatenate([logs for logs, _ in chosen], axis=1)
    truth = np.concatenate([truth for _, truth in chosen])
    if not len(truth):
        return 0.0
    some = slice(None, None, -(-len(truth) // _PIXELS))
    logs, truth = logs[:, some], truth[some]
    pixels = np.arange(len(truth))
    losses = [-np.log(normalised_exponential(w * logs)[truth, pixels]).mean() for w in _EXPONENTS]
    return float(_EXPONENTS[int(np.argmin(losses))])


def _around(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities (classes + 1, pixels) and labels, in the box of what is painted or said to be there."""
    box = bounding_box((labels > 0) | (probabilities.argmax(axis=0) > 0), _MARGIN_PIXELS)
    if box is None:
        return np.zeros((len(probabilities), 0), np.float32), np.zeros(0, np.intp)
    logs = np.log(np.maximum(probabilities[(slice(None), *box)], _LEAST_PROBABILITY))
    return logs.reshape(len(logs), -1), labels[box].ravel().astype(np.intp)
