"""Step 3, `chain` and `propagated`: a painted plane carried plane by plane to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .flow import AdjacentFlow
from .patches import CERTAIN, PatchSearch, most_probable

# Every fusion blurs a little; raising to this power undoes it.
SHARPENING = 1.3

_LEAST_PROBABILITY = np.float32(1e-12)


@dataclass(frozen=True)
class Received:
    """The labels that a plane receives from a painted plane.

    Attributes
    ----------
    labels : ndarray of uint8, shape (rows, columns), the most probable classes
    doubtful : flat indices of the pixels where that is not certain
    doubts : ndarray of float32, shape (classes + 1, doubtful), the probabilities there
    """

    labels: np.ndarray
    doubtful: np.ndarray
    doubts: np.ndarray

    def probabilities(self) -> np.ndarray:
        """Float32, shape (classes + 1, rows, columns)."""
        whole = one_hot(self.labels, len(self.doubts) - 1)
        whole.reshape(len(whole), -1)[:, self.doubtful] = self.doubts
        return whole


@dataclass(frozen=True)
class Remainder:
    """What `Received` leaves out: pixels that are all but certain, and what they pass on to the next plane."""

    pixels: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, received: Received, probabilities: np.ndarray) -> Remainder:
        pixels = np.flatnonzero((received.probabilities() != probabilities).any(axis=0)).astype(np.int32)
        return cls(pixels, probabilities.reshape(len(probabilities), -1)[:, pixels])

    def completed(self, received: Received) -> np.ndarray:
        """The probabilities (classes + 1, rows, columns) that were received, to the last bit."""
        whole = received.probabilities()
        whole.reshape(len(whole), -1)[:, self.pixels] = self.values
        return whole


@dataclass(frozen=True)
class Carried:
    """What a plane receives from a painted plane, and on which way.

    Attributes
    ----------
    source : the painted plane
    flow : ndarray of float32, shape (rows, columns, 2), from the plane to its source
    neighbour : the plane next to it on the way there
    step : ndarray of float32, shape (rows, columns, 2), from the plane to its neighbour
    received : the labels
    """

    source: int
    flow: np.ndarray
    neighbour: int
    step: np.ndarray
    received: Received

    def probabilities(self) -> np.ndarray:
        """Float32, shape (classes + 1, rows, columns)."""
        return self.received.probabilities()


def carry(
    source: int,
    labels: np.ndarray,
    class_count: int,
    targets: Sequence[int],
    flow: AdjacentFlow,
    search: PatchSearch,
    steps: Sequence[np.ndarray],
    recall: Callable[[int], tuple[Received, Remainder] | None] = lambda _: None,
    keep: Callable[[int, tuple[Received, Remainder]], object] | None = None,
) -> dict[int, Carried]:
    """Carry the labels of a painted plane over `targets`, which follow it one by one, up or down.

    `steps` are the flows from each of them to the plane before (`AdjacentFlow.steps`). What a plane receives may be
    recalled, and is kept for that.
    """
    probabilities: np.ndarray | None = one_hot(labels, class_count)
    onward, previous, carried = None, source, {}
    known: tuple[Received, Remainder] | None = None
    for plane, step in zip(targets, steps, strict=True):
        onward = flow.compose(step, onward)
        before, known = known, recall(plane)
        if known is not None:
            received, probabilities = known[0], None
        else:
            if probabilities is None:
                probabilities = before[1].completed(before[0])
            probabilities = search.fuse(plane, [(previous, probabilities, 1.0)])
            doubtful, doubts = sharpened(probabilities)
            received = Received(most_probable(probabilities), doubtful, doubts)
            if keep is not None:
                keep(plane, (received, Remainder.of(received, probabilities)))
        carried[plane] = Carried(source, onward, previous, step, received)
        previous = plane
    return carried


def one_hot(labels: np.ndarray, class_count: int) -> np.ndarray:
    """Class numbers as probabilities, shape (classes + 1, rows, columns)."""
    return (np.arange(class_count + 1, dtype=labels.dtype)[:, None, None] == labels).astype(np.float32)


def sharpened(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Raise probabilities to a power and normalise them again, in place.

    Returns the flat indices of the pixels that are not certain, and what they have become (classes + 1, pixels).
    """
    flat = probabilities.reshape(len(probabilities), -1)
    doubtful = np.flatnonzero(flat.max(axis=0) < CERTAIN).astype(np.int32)
    # NumPy's power is ten times as slow at zeros.
    values = np.exp(np.float32(SHARPENING) * np.log(np.maximum(flat[:, doubtful], _LEAST_PROBABILITY)))
    values /= values.sum(axis=0)
    flat[:, doubtful] = values
    return doubtful, values
