"""The 3-D U-Net with attention of Zhang 2019, whose two heads tell by their disagreement where it is wrong.

And the same network without attention, which has one head.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

# How often rows and columns are halved.
DEPTH = 3


def stride_of(halved_planes: int, depth: int = DEPTH) -> tuple[int, int, int]:
    """What planes, rows and columns of an input must be multiples of."""
    return 2**halved_planes, 2**depth, 2**depth


def build_attention_network(
    classes: int,
    width: int,
    halved_planes: int,
    seed: int,
    *,
    channels: int = 1,
    depth: int = DEPTH,
    attention: bool = True,
) -> nn.Module:
    """A network with random weights.

    Parameters
    ----------
    classes : with background
    width : channels at full resolution; doubled at each halving
    halved_planes : how many of the halvings halve the planes too (the last ones), 0 to `depth`: planes that lie far
        apart are halved less often than rows and columns
    seed : of the random weights
    channels : of the input
    depth : halvings of rows and columns
    attention : without it, a plain 3-D U-Net

    Returns
    -------
    Module from float32 (batch, channels, planes, rows, columns) to two logits (batch, classes, planes, rows, columns):
    SR1 from the last feature maps, SR2 from the maps that attention makes of them; without attention, to SR1 alone, in
    a tuple too.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _network_class()(classes, width, halved_planes, channels, depth, attention)


@functools.cache
def _network_class() -> type:
    """The classes, made when torch is there."""
    import torch
    from torch import nn

    class Attention(nn.Module):
        """Channel and spatial attention side by side, both put on the same maps and added."""

        def __init__(self, channels: int):
            super().__init__()
            hidden = max(2, channels // 2)
            self.channel = nn.Sequential(
                nn.AdaptiveAvgPool3d(1), nn.Conv3d(channels, hidden, 1), nn.ReLU(), nn.Conv3d(hidden, channels, 1)
            )
            self.spatial = nn.Conv3d(channels, 1, 1)

        def forward(self, maps):
            return maps * torch.sigmoid(self.channel(maps)) + maps * torch.sigmoid(self.spatial(maps))

    class AttentionUnet3d(nn.Module):
        def __init__(self, classes: int, width: int, halved_planes: int, channels: int, depth: int, attention: bool):
            super().__init__()
            widths = [width * 2**level for level in range(depth + 1)]
            self.down = nn.ModuleList(
                _two_convolutions(below, above) for below, above in zip([channels, *widths], widths, strict=False)
            )
            scales = [(2 if level >= depth - halved_planes else 1, 2, 2) for level in range(depth)]
            self.pool = nn.ModuleList(nn.MaxPool3d(scale) for scale in scales)
            self.rise = nn.ModuleList(
                nn.ConvTranspose3d(widths[level + 1], widths[level], scale, stride=scale)
                for level, scale in enumerate(scales)
            )
            self.up = nn.ModuleList(_two_convolutions(2 * one, one) for one in widths[:-1])
            self.attends = attention
            if attention:
                self.attention = nn.ModuleList(Attention(one) for one in widths[:-1])
            self.from_features = nn.Conv3d(width, classes, 1)
            if attention:
                self.from_attention = nn.Conv3d(width, classes, 1)

        def forward(self, images):
            skips, maps = [], self.down[0](images)
            for pool, convolve in zip(self.pool, self.down[1:], strict=True):
                skips.append(maps)
                maps = convolve(pool(maps))
            features = maps
            for level in reversed(range(len(skips))):
                features = self.up[level](torch.cat([skips[level], self.rise[level](maps)], 1))
                maps = self.attention[level](features) if self.attends else features
            if not self.attends:
                return (self.from_features(features),)
            return self.from_features(features), self.from_attention(maps)

    def _two_convolutions(inputs: int, outputs: int) -> nn.Module:
        # Groups, not batches: a batch holds one or two patches.
        layers = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv3d(channels, outputs, 3, padding=1, bias=False),
                nn.GroupNorm(min(8, outputs), outputs),
                nn.ReLU(),
            ]
        return nn.Sequential(*layers)

    return AttentionUnet3d


def multiply_adds_per_voxel(network: nn.Module, halved_planes: int, channels: int = 1, depth: int = DEPTH) -> float:
    """Multiplications of one forward pass for each voxel of the input, counted on a small one."""
    import torch
    from torch import nn

    counts = []

    def count(layer, inputs, output):
        # A weight is used once for every voxel of the output, of a transposed convolution for every one of the input.
        voxels = inputs[0][0, 0] if isinstance(layer, nn.ConvTranspose3d) else output[0, 0]
        counts.append(layer.weight.numel() * voxels.numel())

    handles = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)
    ]
    shape = tuple(2 * one for one in stride_of(halved_planes, depth))
    with torch.inference_mode():
        network(torch.zeros(1, channels, *shape))
    for handle in handles:
        handle.remove()
    return sum(counts) / (shape[0] * shape[1] * shape[2])
