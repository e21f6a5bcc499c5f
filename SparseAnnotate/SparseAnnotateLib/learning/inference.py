"""Probabilities of whole planes from a trained network: magnified, padded, in tiles, from several views."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .augmentation import inside
from .losses import Loss
from .memory import autocast, fitting_batch, with_fitting_batch
from .planes import PlaneSource

if TYPE_CHECKING:
    from torch import Tensor, nn

# Planes larger than this go through in tiles, a quarter of which overlaps: 768 x 768 covers every common scan whole.
_TILE = 768
_OVERLAP = _TILE // 4

# Bytes per pixel that the widest layers of a network hold at once while predicting (measured: resnet152, 16 wide).
_BYTES_PER_PIXEL = 2500


@dataclass(frozen=True)
class View:
    """One way to look at a plane: turned by degrees, scaled, mirrored along rows or columns."""

    degrees: float = 0.0
    scale: float = 1.0
    flip_rows: bool = False
    flip_columns: bool = False


def views_for(test_time_augmentation: bool, flips: bool) -> list[View]:
    """The plane as it is; with test-time augmentation also turned, scaled and, where training did so, mirrored."""
    if not test_time_augmentation:
        return [View()]
    turned = [View(), View(8.0), View(-8.0), View(scale=1.08), View(scale=1 / 1.08)]
    return [*turned, View(flip_columns=True), View(flip_rows=True)] if flips else turned


def plane_probabilities(
    network: nn.Module, source: PlaneSource, planes: Sequence[int], loss: Loss, views: Sequence[View] = (View(),)
) -> Iterator[tuple[list[int], Tensor]]:
    """Class probabilities of planes in batches, the mean over views; a class that cannot occur there gets 0.

    `loss` is what the network was trained with: it knows what logits stand for.
    """
    for chunk, inputs, prior in _batches(source, planes):
        allowed = source.allowed(chunk)
        total = 0
        for view in views:
            logits = _logits(network, source, seen_through(inputs, view))
            if prior is not None:
                logits = logits + loss.from_softmax(seen_through(prior, view))
            probabilities = loss.probabilities(logits, allowed)
            total = total + seen_through(probabilities, view, back=True)
        yield chunk, total / len(views)


def _batches(source: PlaneSource, planes: Sequence[int]):
    import torch

    rows, columns = source.working.size
    at_once = fitting_batch(source.device, rows * columns * _BYTES_PER_PIXEL, 32)
    for start in range(0, len(planes), at_once):
        chunk = [int(plane) for plane in planes[start : start + at_once]]
        inputs, prior = source.inputs(torch.tensor(chunk))
        yield chunk, inputs, prior


def _logits(network: nn.Module, source: PlaneSource, inputs: Tensor) -> Tensor:
    """Logits at the planes' own size, in eval mode, without gradients; halves the batch where memory runs out."""
    import torch

    was_training = network.training
    network.eval()
    parts, done = [], 0
    try:
        with torch.inference_mode():
            size = len(inputs)
            while done < len(inputs):
                part, size = with_fitting_batch(
                    lambda count, first=done: _forward(network, source, inputs[first : first + count]),
                    size,
                    source.device,
                )
                parts.append(part)
                done += len(part)
    finally:
        network.train(was_training)
    return torch.cat(parts)


def _forward(network: nn.Module, source: PlaneSource, inputs: Tensor) -> Tensor:
    from torch.nn import functional

    magnified = inputs
    if source.working.zoom != 1:
        magnified = functional.interpolate(inputs, source.working.size, mode="bilinear", align_corners=False)
    with autocast(source.device):
        logits = _tiled(network, magnified)
    if source.working.zoom != 1:
        logits = functional.interpolate(logits, inputs.shape[2:], mode="bilinear", align_corners=False)
    return logits


def _tiled(network: nn.Module, images: Tensor) -> Tensor:
    """Whole where it fits a tile; else overlapping tiles, blended by weights that fall off towards their edges."""
    rows, columns = images.shape[2:]
    if rows <= _TILE and columns <= _TILE:
        return _padded(network, images)
    total = weights = None
    for top in _tile_starts(rows):
        for left in _tile_starts(columns):
            tile = (
                slice(None),
                slice(None),
                slice(top, min(rows, top + _TILE)),
                slice(left, min(columns, left + _TILE)),
            )
            logits = _padded(network, images[tile])
            if total is None:
                total = logits.new_zeros(len(images), logits.shape[1], rows, columns)
                weights = logits.new_zeros(1, 1, rows, columns)
            weight = _tile_weight(*logits.shape[2:], logits)
            total[tile] += logits * weight
            weights[tile] += weight
    return total / weights


def _tile_starts(length: int) -> list[int]:
    if length <= _TILE:
        return [0]
    count = math.ceil((length - _OVERLAP) / (_TILE - _OVERLAP))
    return np.linspace(0, length - _TILE, count).round().astype(int).tolist()


def _tile_weight(rows: int, columns: int, like: Tensor) -> Tensor:
    import torch

    def ramp(length):
        position = torch.arange(length, device=like.device, dtype=like.dtype) + 0.5
        return torch.minimum(position, length - position).clamp(max=_OVERLAP / 2)

    return ramp(rows)[:, None] * ramp(columns)[None]


def _padded(network: nn.Module, images: Tensor) -> Tensor:
    """Padded at the far sides to a multiple of the network's stride and cut back."""
    import torch
    from torch.nn import functional

    rows, columns = images.shape[2:]
    stride = network.encoder.output_stride
    padding = (0, -columns % stride, 0, -rows % stride)
    padded = functional.pad(images, padding, mode="replicate") if any(padding) else images
    return network(padded.contiguous(memory_format=torch.channels_last))[..., :rows, :columns].float()


def seen_through(images: Tensor, view: View, *, back: bool = False) -> Tensor:
    """Images (batch, channels, rows, columns) as a view shows them, or from there back to where they were."""
    import torch
    from torch.nn import functional

    if view == View():
        return images
    rows, columns = images.shape[2:]
    angle = math.radians(view.degrees)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * view.scale
    matrix = matrix @ np.diag([-1.0 if view.flip_columns else 1.0, -1.0 if view.flip_rows else 1.0])
    if back:
        matrix = np.linalg.inv(matrix)
    # In units of half a side, as affine_grid wants it: x over columns, y over rows.
    to_pixels = np.diag([columns, rows])
    theta = np.zeros((2, 3), np.float32)
    theta[:, :2] = np.linalg.inv(to_pixels) @ matrix @ to_pixels
    theta = torch.from_numpy(theta).to(images.device).expand(len(images), 2, 3)
    grid = inside(functional.affine_grid(theta, list(images.shape), align_corners=False), (rows, columns))
    return functional.grid_sample(images, grid, mode="bilinear", align_corners=False)
