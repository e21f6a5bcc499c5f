"""What a cohort network says of each plane of a scan: how far its heads agree, how unsure it is, what Dice it expects.

By these an expert is asked for further planes (Zhang 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...annotation import SparseAnnotation
from ...errors import InputError
from ...quality.agreement import agreement_per_plane
from ...volume import Volume
from ..model import CohortConfiguration, CohortModel
from ..structures import classes_of
from .heads import AS_USUAL, Applying, plane_heads


@dataclass(frozen=True)
class Look:
    """A scan as a network sees it.

    Attributes
    ----------
    labels : uint8 (planes, rows, columns), class numbers of the heads' mean probabilities
    first : the same, of the head that reads the last feature maps (SR1 of Zhang 2019)
    agreement : float64 (planes,), P-DSC of both heads, P-accuracy where there are several structures
    uncertainty : float64 (planes,), the cross entropy of the mean probabilities with themselves, summed, in bits
    expected_dice : float32 (planes,), the Dice that these probabilities predict
    """

    labels: np.ndarray
    first: np.ndarray
    agreement: np.ndarray
    uncertainty: np.ndarray
    expected_dice: np.ndarray


def check_two_heads(configuration: CohortConfiguration) -> None:
    """Refuse a network that has nothing to compare.

    Raises
    ------
    InputError
        For a plain U-Net, whose only output agrees with itself.
    """
    if configuration.network != "attention-unet3d":
        raise InputError(
            f"a model of the kind {configuration.network} has one output, and planes are chosen by how far two agree: "
            "train one with --network attention-unet3d"
        )


def look_at(model: CohortModel, volume: Volume, how: Applying = AS_USUAL) -> Look:
    """Apply a network with two heads to a scan.

    Raises
    ------
    InputError
        See `check_two_heads` and `heads.plane_heads`.
    """
    import torch

    from ...learning.expected_dice import ExpectedDice

    check_two_heads(model.configuration)
    labels, first, second = np.zeros((3, *volume.shape), np.uint8)
    uncertainty = np.zeros(volume.planes)
    expected = ExpectedDice(SparseAnnotation.unpainted(volume.shape, classes_of(model.configuration)))
    for plane, heads in enumerate(plane_heads(model, volume, how)):
        mean = heads.mean(axis=0)
        labels[plane] = mean.argmax(axis=0)
        first[plane], second[plane] = heads.argmax(axis=1)
        uncertainty[plane] = -(mean * np.log2(np.maximum(mean, 1e-6))).sum()
        expected.add([plane], torch.from_numpy(mean)[None], torch.from_numpy(labels[plane])[None])
    agreement = agreement_per_plane(first, second, model.configuration.class_count)
    return Look(labels, first, agreement, np.maximum(uncertainty, 0), expected.result()[0])
