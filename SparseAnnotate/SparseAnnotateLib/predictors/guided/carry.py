"""Step 3, `chain` and `propagated`: a painted plane carried plane by plane to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .flow import AdjacentFlow
from .patches import PatchSearch

# Every fusion blurs a little; raising to this power undoes it.
SHARPENING = 1.3


@dataclass(frozen=True)
class Carried:
    """What a plane receives from a painted plane.

    Attributes
    ----------
    source : the painted plane
    flow : ndarray of float32, shape (rows, columns, 2), from the plane to its source
    probabilities : ndarray of float16, shape (classes + 1, rows, columns)
    """

    source: int
    flow: np.ndarray
    probabilities: np.ndarray


def carry(
    source: int, labels: np.ndarray, class_count: int, targets: Iterable[int], flow: AdjacentFlow, step: PatchSearch
) -> dict[int, Carried]:
    """Carry the labels of a painted plane over `targets`, which follow it one by one, up or down."""
    probabilities = one_hot(labels, class_count)
    onward, previous, carried = None, source, {}
    for plane in targets:
        onward = flow.compose(flow.between(plane, previous), onward)
        probabilities = sharpened(step.fuse(plane, [(previous, probabilities, 1.0)]))
        carried[plane] = Carried(source, onward, probabilities.astype(np.float16))
        previous = plane
    return carried


def one_hot(labels: np.ndarray, class_count: int) -> np.ndarray:
    """Class numbers as probabilities, shape (classes + 1, rows, columns)."""
    return (np.arange(class_count + 1, dtype=labels.dtype)[:, None, None] == labels).astype(np.float32)


def sharpened(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities raised to a power and normalised again, in place."""
    np.power(probabilities, np.float32(SHARPENING), out=probabilities)
    probabilities /= probabilities.sum(axis=0)
    return probabilities
