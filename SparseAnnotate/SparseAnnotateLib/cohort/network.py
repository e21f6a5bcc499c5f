"""The network of a cohort: the attention network of Zhang 2019, or the same one without attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError
from ..learning.attention import network as attention_network

if TYPE_CHECKING:
    from torch import nn

    from .model import CohortConfiguration, CohortModel


def build_network(configuration: CohortConfiguration, seed: int = 0) -> nn.Module:
    """A network with random weights.

    Returns
    -------
    Module from float32 (batch, ``configuration.input_channels``, planes, rows, columns) to a tuple of logits, each
    (batch, structures + 1, planes, rows, columns): two for ``attention-unet3d``, one for ``unet3d``.
    """
    return attention_network.build_attention_network(
        configuration.class_count + 1,
        configuration.base_channels,
        configuration.halved_planes,
        seed,
        channels=configuration.input_channels,
        depth=configuration.depth,
        attention=configuration.network == "attention-unet3d",
    )


def ready_network(model: CohortModel) -> nn.Module:
    """The network with the model's weights, on the CPU.

    Raises
    ------
    InputError
        Where the weights are not those of the network that the file describes.
    """
    network = build_network(model.configuration)
    try:
        network.load_state_dict(dict(model.weights))
    except RuntimeError as error:
        raise InputError(
            "the cohort model is damaged: its weights are not those of the network that it describes"
        ) from error
    return network


def stride_of(configuration: CohortConfiguration) -> tuple[int, int, int]:
    """What planes, rows and columns of an input must be multiples of."""
    return attention_network.stride_of(configuration.halved_planes, configuration.depth)


def halvings_of_planes(spacing_mm: tuple[float, float, float], depth: int) -> int:
    """How often planes are halved along with rows and columns, so that voxels come out about as long as wide."""
    import math

    thickness = spacing_mm[0] / max(spacing_mm[1:])
    return min(depth, max(1, depth - round(math.log2(max(thickness, 1)))))
