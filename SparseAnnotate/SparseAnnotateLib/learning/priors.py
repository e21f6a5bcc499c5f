"""Interpolation as a prior of networks: signed distances between the painted planes, each plane's own left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..annotation import SparseAnnotation
from ..predictors.shape import ClassMaps, weights_of
from .planes import Working

if TYPE_CHECKING:
    from torch import Generator, Tensor

# Distances are kept up to this many pixels: what lies further is certain.
_LIMIT_PIXELS = 24.0

# A distance of so many pixels is one logit, and no prior says more than so many logits: the network can overrule it.
_PIXELS_PER_LOGIT = 1.5
_LIMIT_LOGITS = 5.0

# Leaving a plane out doubles the gap; so its distances are mixed with the truth by these shares (GUIDED.md, step 6).
_MIXES = (1.0, 0.5, 0.25)


class ShapePrior:
    """Linear interpolation of the structures' signed distances (as `shape`), as channels and as logits.

    Parameters
    ----------
    annotation : at least one painted plane
    working : the region; distances are made inside it
    spacing_mm : of planes, rows, columns
    """

    def __init__(self, annotation: SparseAnnotation, working: Working, spacing_mm, device: str):
        import torch

        self.annotation = annotation
        self.device = device
        self.sources = np.array(annotation.source_planes)
        self.channels = annotation.class_count
        painted = annotation.labels[(self.sources, *working.box)]
        pixel_mm = min(spacing_mm[1:])
        maps = ClassMaps(painted, self.sources, spacing_mm[1:])
        distances = np.full((len(painted), self.channels, *painted.shape[1:]), -_LIMIT_PIXELS, np.float16)
        for number in range(1, self.channels + 1):
            found = maps.of(number)
            if found is not None:
                box, values, _ = found
                distances[(slice(None), number - 1, *box)] = np.clip(values / pixel_mm, -_LIMIT_PIXELS, _LIMIT_PIXELS)
        # Inscribed radius of each structure on each painted plane, for the caps beyond the last ones.
        self.radius = np.maximum(distances, 0).max(axis=(2, 3)).astype(np.float32)
        self.distances = torch.from_numpy(distances).to(device)

    def of(self, planes: Tensor, training: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Channels (batch, classes, rows, columns) in -1..1, and logits (batch, classes + 1, ...), background's 0."""
        import torch

        numbers = planes.numpy()
        rows = [self._weights(int(plane), leave_out=training is not None) for plane in numbers]
        distances = self._mixed_from(np.stack([weights for weights, _ in rows]), np.stack([cap for _, cap in rows]))
        if training is not None:
            distances = self._mixed_with_truth(distances, numbers, training)
        logits = _LIMIT_LOGITS * torch.tanh(distances / (_PIXELS_PER_LOGIT * _LIMIT_LOGITS))
        background = torch.zeros_like(logits[:, :1])
        return distances / _LIMIT_PIXELS, torch.cat([background, logits], 1)

    def _weights(self, plane: int, *, leave_out: bool) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the painted planes (sources,), and what the caps take off each structure (classes,) in pixels."""
        kept = self.sources != plane if leave_out else np.ones(len(self.sources), bool)
        if not kept.any():
            kept[:] = True
        weights, beyond = weights_of(self.sources[kept], np.array([plane]), self.annotation.plane_range, "linear")
        radius = self.radius[kept][0 if plane < self.sources[kept][0] else -1]
        cap = radius * (1 - np.sqrt(max(0.0, 1 - float(beyond[0]) ** 2)))
        spread = np.zeros(len(self.sources), np.float32)
        spread[kept] = weights[0]
        return spread, cap.astype(np.float32)

    def _mixed_from(self, weights: np.ndarray, cap: np.ndarray) -> Tensor:
        """One plane after another, each from the two planes that count: the whole product would be all of them."""
        import torch

        planes = []
        for row, shrink in zip(weights, cap, strict=True):
            used = np.flatnonzero(row)
            total = sum(float(row[n]) * self.distances[n].float() for n in used)
            planes.append(total - torch.from_numpy(shrink).to(self.device)[:, None, None])
        return torch.stack(planes)

    def _mixed_with_truth(self, distances: Tensor, planes: np.ndarray, generator: Generator) -> Tensor:
        import torch

        choice = torch.randint(0, len(_MIXES), (len(planes),), generator=generator)
        for n, plane in enumerate(planes):
            position = np.flatnonzero(self.sources == plane)
            if len(position) and len(self.sources) > 1:
                share = _MIXES[int(choice[n])]
                distances[n] = share * distances[n] + (1 - share) * self.distances[int(position[0])].float()
        return distances
