"""Cohort models with weights made by hand: what is bright is the structure."""

import numpy as np
import torch
from SparseAnnotateLib import Volume
from SparseAnnotateLib.cohort.model import CohortConfiguration, CohortModel
from SparseAnnotateLib.cohort.network import build_network

BLOCK = (8, 16, 16)


def a_configuration(**changes) -> CohortConfiguration:
    settings = {
        "class_names": ("ball",),
        "class_values": (3,),
        "spacing_mm": (2.0, 1.0, 1.0),
        "block": BLOCK,
        "network": "unet3d",
        "base_channels": 2,
        "depth": 2,
        "halved_planes": 1,
        "known_channel": True,
    }
    return CohortConfiguration(**{**settings, **changes})


def bright_model(*, inverted: bool = False, **changes) -> CohortModel:
    """A network that passes the image's first channel on, and takes what is brighter than its window for class 1.

    `inverted`: what is darker, so that the model is as wrong as can be.
    """
    configuration = a_configuration(**changes)
    network = build_network(configuration)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for stage in (network.down[0], network.up[0]):
            for layer in stage:
                if isinstance(layer, torch.nn.Conv3d):
                    layer.weight[0, 0, 1, 1, 1] = 1
                elif isinstance(layer, torch.nn.GroupNorm):
                    layer.weight[0] = 1
        if inverted:
            network.down[0][0].weight[0, 0, 1, 1, 1] = -1
        network.from_features.weight[1, 0] = 20
        network.from_features.bias[1] = -5
        if configuration.network == "attention-unet3d":
            network.from_attention.weight[1, 0] = 20
            network.from_attention.bias[1] = -5
    return CohortModel(configuration, network.state_dict())


def a_ball(planes=20, rows=28, columns=32, spacing_mm=(2.0, 1.0, 1.0), noise=0.0) -> tuple[Volume, np.ndarray]:
    """A bright ball in the dark, off the centre, and its labels (value 3)."""
    axes = [np.arange(n) * s for n, s in zip((planes, rows, columns), spacing_mm, strict=True)]
    centre = [(n - 1) * s * c for n, s, c in zip((planes, rows, columns), spacing_mm, (0.5, 0.45, 0.55), strict=True)]
    distance = np.sqrt(sum((a - c) ** 2 for a, c in zip(np.meshgrid(*axes, indexing="ij"), centre, strict=True)))
    labels = np.where(distance < 9, 3, 0).astype(np.uint8)
    image = 100.0 * (labels > 0) + np.random.default_rng(0).normal(0, 1, labels.shape) * noise
    return Volume.from_array(image, spacing_mm), labels
