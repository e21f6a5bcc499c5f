"""Augmentation on the device, vectorised over the batch: one affine resampling, then intensities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Augmentation:
    """How far training planes are changed, each drawn evenly from -x to x unless said otherwise.

    Attributes
    ----------
    rotation_degrees : in the plane
    scale : 0.15 draws factors from 1 / 1.15 to 1.15
    shift : share of the plane's side
    gamma : 0.3 draws exponents from 1 / 1.3 to 1.3
    noise : largest standard deviation of Gaussian noise, in standard deviations of the image
    blur : largest share of a 5 x 5 Gaussian blur (sigma 1 pixel) that is mixed in
    flips : mirror rows and columns, each with probability a half: only where anatomy allows
    """

    rotation_degrees: float = 12.0
    scale: float = 0.15
    shift: float = 0.05
    gamma: float = 0.3
    noise: float = 0.1
    blur: float = 0.5
    flips: bool = False


NO_AUGMENTATION = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

# Robustly normalised intensities are clipped here (planes.py); gamma maps -_LIMIT.._LIMIT onto 0..1 and back.
_LIMIT = 5.0


def random_grid(
    count: int,
    shape: tuple[int, int],
    size: tuple[int, int],
    zoom: float,
    augmentation: Augmentation,
    generator: Generator,
    device: str,
) -> Tensor:
    """Sampling positions of `count` windows of `size` pixels, each magnified `zoom` times, in planes of `shape`.

    A window smaller than the plane lies anywhere in it, a larger one is centred on it; then it is turned, scaled,
    shifted and mirrored.

    Returns
    -------
    float32 (count, rows, columns, 2), as torch's grid_sample takes it
    """
    import torch
    from torch.nn import functional

    def draw(limit):
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle = draw(math.radians(augmentation.rotation_degrees))
    factor = torch.exp(draw(math.log1p(augmentation.scale)))
    mirror = [_signs(count, generator) if augmentation.flips else torch.ones(count) for _ in range(2)]
    share = [length / zoom / side for length, side in zip(size, shape, strict=True)]
    center = [draw(max(0.0, 1 - part) + 2 * augmentation.shift * min(part, 1.0)) for part in share]
    rows, columns = shape
    cosine, sine = torch.cos(angle) * factor, torch.sin(angle) * factor
    # grid_sample's unit is half the plane's side, so that turning needs the ratio of the sides.
    theta = torch.stack(
        [
            torch.stack([cosine * share[1] * mirror[1], -sine * share[0] * rows / columns * mirror[0], center[1]], 1),
            torch.stack([sine * share[1] * columns / rows * mirror[1], cosine * share[0] * mirror[0], center[0]], 1),
        ],
        dim=1,
    )
    return functional.affine_grid(theta.to(device), [count, 1, *size], align_corners=False)


def _signs(count: int, generator: Generator) -> Tensor:
    import torch

    return torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1.0


def resample(images: Tensor, labels: Tensor, known: Tensor, grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Images (batch, channels, rows, columns) linearly, labels and known (batch, rows, columns) by the nearest voxel.

    Beyond the plane's border images are continued, and nothing is known.
    """
    import torch
    from torch.nn import functional

    images = functional.grid_sample(images, inside(grid, images.shape[2:]), mode="bilinear", align_corners=False)
    # One nearest lookup for both: 0 is unknown, n + 1 is label n. Beyond the border it gives 0.
    both = ((labels + 1) * known).to(images.dtype)[:, None]
    both = functional.grid_sample(both, grid, mode="nearest", padding_mode="zeros", align_corners=False)[:, 0]
    known = both > 0
    return images, torch.where(known, both - 1, 0).long(), known


def inside(grid: Tensor, shape) -> Tensor:
    """Sampling positions moved onto the nearest voxel of a plane of `shape`.

    So planes go on beyond their border, as with ``padding_mode="border"``, which not every device knows (MPS).
    """
    import torch

    rows, columns = shape
    limit = torch.tensor([1 - 1 / columns, 1 - 1 / rows], dtype=grid.dtype, device=grid.device)
    return torch.minimum(torch.maximum(grid, -limit), limit)


def change_intensities(images: Tensor, augmentation: Augmentation, generator: Generator) -> Tensor:
    """Gamma, blur and noise on normalised images (batch, channels, rows, columns), another for each of the batch."""
    import torch

    def draw():
        return torch.rand(len(images), generator=generator).view(-1, 1, 1, 1).to(images.device)

    if augmentation.gamma:
        exponent = torch.exp((draw() * 2 - 1) * math.log1p(augmentation.gamma))
        images = _gamma(images, exponent)
    if augmentation.blur:
        images = torch.lerp(images, _blurred(images), draw() * augmentation.blur)
    if augmentation.noise:
        noise = torch.randn(images.shape, generator=generator).to(images.device)
        images = images + noise * draw() * augmentation.noise
    return images


def _gamma(images: Tensor, exponent: Tensor) -> Tensor:
    unit = (images / (2 * _LIMIT) + 0.5).clamp(1e-6, 1)
    # Centred and scaled so that 0 stays 0 and the contrast there stays what it was: only the curvature changes.
    curved = (unit * 2) ** exponent - 1
    return curved * _LIMIT / exponent


def _blurred(images: Tensor) -> Tensor:
    import torch
    from torch.nn import functional

    offsets = torch.arange(-2, 3, dtype=images.dtype, device=images.device)
    taps = torch.exp(-0.5 * offsets**2)
    taps = taps / taps.sum()
    channels = images.shape[1]
    for kernel in (taps.view(1, 1, -1, 1), taps.view(1, 1, 1, -1)):
        padding = [2, 2, 0, 0] if kernel.shape[3] == 5 else [0, 0, 2, 2]
        padded = functional.pad(images, padding, mode="replicate")
        images = functional.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels)
    return images
