"""Labels for a scan that nobody painted, from a cohort network, and how far to trust them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from ... import postprocess
from ...annotation import SparseAnnotation
from ...prediction import Prediction, Progress
from ...quality.agreement import agreement_per_plane
from ...volume import Volume
from ..model import CohortModel
from ..structures import classes_of
from .heads import AS_USUAL, Applying, plane_heads


def predict_scan(
    model: CohortModel,
    volume: Volume,
    how: Applying = AS_USUAL,
    *,
    fill_holes: Literal["off", "plane", "volume"] = "plane",
    main_component: bool = True,
    keep_probabilities: bool = False,
) -> Iterator[Progress | Prediction]:
    """Label every voxel of a scan; a generator of Progress whose last item is the Prediction.

    Of each structure the largest part is kept, then its holes are filled (Specktor-Fadida 2023). The Dice to expect is
    the one that the probabilities themselves predict; `details` hold how far the network's heads agree on each plane
    (Zhang 2019), where it has two.

    Raises
    ------
    InputError
        See `applying.plane_heads`.
    """
    from ...learning.expected_dice import ExpectedDice

    nothing = SparseAnnotation.unpainted(volume.shape, classes_of(model.configuration))
    labels = np.zeros(volume.shape, np.uint8)
    second = None
    probabilities = np.zeros((nothing.class_count + 1, *volume.shape), np.float16) if keep_probabilities else None
    sums = ExpectedDice(nothing)
    for plane, heads in enumerate(plane_heads(model, volume, how)):
        mean = heads.mean(axis=0)
        labels[plane] = mean.argmax(axis=0)
        if len(heads) > 1:
            second = np.zeros((2, *volume.shape), np.uint8) if second is None else second
            second[:, plane] = heads.argmax(axis=1)
        if probabilities is not None:
            probabilities[:, plane] = mean
        _add(sums, plane, mean, labels[plane])
        yield Progress("predicting", (plane + 1) / volume.planes, f"plane {plane}")
    postprocess.clean(labels, nothing, fill_holes=fill_holes, main_component=main_component)
    per_plane, whole = sums.result()
    details = {}
    if second is not None:
        agreement = agreement_per_plane(*second, nothing.class_count)
        details["agreement"] = [round(float(value), 4) for value in agreement]
    yield Prediction(labels, probabilities, expected_dice_per_plane=per_plane, expected_dice=whole, details=details)


def _add(sums, plane: int, probabilities: np.ndarray, winners: np.ndarray) -> None:
    import torch

    sums.add([plane], torch.from_numpy(probabilities)[None], torch.from_numpy(winners)[None])
