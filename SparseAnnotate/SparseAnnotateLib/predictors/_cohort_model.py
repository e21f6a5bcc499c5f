"""A cohort model applied to a part of the scan that a predictor is about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..annotation import SparseAnnotation
from ..volume import Volume
from .base import Progress


def cohort_probabilities(
    path: str, volume: Volume, annotation: SparseAnnotation, region: tuple[slice, slice, slice], device: str
) -> Iterator[Progress]:
    """Apply a model to a region; a generator of Progress that returns float16 (classes + 1, planes, rows, columns).

    Raises
    ------
    InputError
        Where the model cannot be read, or is none for such a scan.
    """
    from ..cohort.applying import StartingPoint

    start = StartingPoint(path, volume, annotation.classes)
    count, *sides = (side.stop - side.start for side in region)
    probabilities = np.empty((annotation.class_count + 1, count, *sides), np.float16)
    for number, values in enumerate(start.planes(device, region)):
        probabilities[:, number] = values
        yield Progress("applying the cohort model", (number + 1) / count)
    return probabilities
