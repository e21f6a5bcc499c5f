"""A thin structure that the image tells from one neighbour, and not from another.

A sheet that is as bright as the organ it runs through is seen where it leaves the organ, and not inside. A prediction
is right about the one part and has only chance to go by in the other, which is better moved between painted planes.
So it is only if left-out painted planes are moved as well as the prediction says of itself, and not where the other
neighbour is near: a shell's outer side tells where all of it is (shells of hippocampi lost .02 to .15).
"""

from __future__ import annotations

import numpy as np

from ...annotation import SparseAnnotation
from ...quality.appearance import near, neighbours_told_apart
from ...volume import Volume
from ..base import Prediction
from .displaced import Displaced
from .either import painted_planes_bear_out


def moved_where_hidden(
    prediction: Prediction, moved: Displaced, volume: Volume, annotation: SparseAnnotation, number: int
) -> Displaced | None:
    """A structure as predicted, but as it was moved where only what hides it is near.

    None where nothing hides it, or its painted planes do not bear out that it moves so. Its Dice is expected to be that
    of both parts, by how much of a plane's voxels lies in each.
    """
    apart = neighbours_told_apart(volume.intensities, annotation, number)
    if all(apart.values()) or not any(apart.values()):
        return None
    said = prediction.details["expected_dice_per_class"].get(annotation.classes[number - 1].name)
    if said is None or not painted_planes_bear_out(annotation, number, volume.spacing_mm, said):
        return None
    hiding = [label for label, told in apart.items() if not told]
    predicted = prediction.labels == number
    mask, expected = predicted.copy(), moved.expected_dice.copy()
    own = prediction.expected_dice_per_structure[:, number - 1]
    for plane in annotation.open_planes:
        either = (mask[plane] | moved.mask[plane]) & ~annotation.known[plane]
        if not either.any():
            continue
        hidden = either & ~near(~(either | np.isin(prediction.labels[plane], hiding)))
        mask[plane][hidden] = moved.mask[plane][hidden]
        share = hidden.sum() / either.sum()
        if np.isfinite(own[plane]):
            expected[plane] = share * np.nan_to_num(expected[plane], nan=own[plane]) + (1 - share) * own[plane]
    return None if np.array_equal(mask, predicted) else Displaced(mask, expected)
