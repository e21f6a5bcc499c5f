"""A cohort model as the start of a prediction on one scan, or on a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...annotation import LabelClass, SparseAnnotation
from ...prediction import Progress
from ...volume import Volume
from ..grids import Region
from ..model import load_model
from ..structures import channels_of
from .heads import Applying, check_scan, plane_heads


class StartingPoint:
    """A model as the start of a prediction on one scan, its outputs in the order of the scan's own structures."""

    def __init__(self, path: str | Path, volume: Volume, classes: Sequence[LabelClass]):
        self.model = load_model(path)
        check_scan(self.model.configuration, volume)
        self.channels = channels_of(self.model.configuration, classes)
        self._volume = volume

    def planes(self, device: str = "auto", region: Region | None = None) -> Iterator[np.ndarray]:
        """Float32 (structures + 1, rows, columns) of each plane of a region; the rest of the model's structures count
        as background.
        """
        for heads in plane_heads(self.model, self._volume, Applying(device=device), region):
            structures = heads.mean(axis=0)[self.channels]
            yield np.concatenate([1 - structures.sum(axis=0, keepdims=True), structures]).clip(0, 1)


def cohort_probabilities(
    path: str, volume: Volume, annotation: SparseAnnotation, region: tuple[slice, slice, slice], device: str
) -> Iterator[Progress]:
    """Apply a model to a region; a generator of Progress that returns float16 (classes + 1, planes, rows, columns).

    Raises
    ------
    InputError
        Where the model cannot be read, or is none for such a scan.
    """
    start = StartingPoint(path, volume, annotation.classes)
    count, *sides = (side.stop - side.start for side in region)
    probabilities = np.empty((annotation.class_count + 1, count, *sides), np.float16)
    for number, values in enumerate(start.planes(device, region)):
        probabilities[:, number] = values
        yield Progress("applying the cohort model", (number + 1) / count)
    return probabilities
