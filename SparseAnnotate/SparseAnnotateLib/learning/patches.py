"""Patches of a volume for a 3-D network: where they lie, what is known in them, and how they become whole again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box
from .region import normalized

if TYPE_CHECKING:
    from torch import Tensor

# Around the painted labels, and planes beyond the range that are known to be empty.
_MARGIN_PIXELS = 12
_MARGIN_PLANES = 4

Region = tuple[slice, slice, slice]


def region_of(annotation: SparseAnnotation) -> Region:
    """The range with a few planes around it, and the box of the painted labels with a margin."""
    first, last = annotation.plane_range
    labelled = annotation.labels[first : last + 1].any(axis=0)
    box = bounding_box(labelled, _MARGIN_PIXELS)
    if box is None:
        box = tuple(slice(0, length) for length in labelled.shape)
    planes = slice(max(0, first - _MARGIN_PLANES), min(annotation.planes, last + 1 + _MARGIN_PLANES))
    return (planes, *box)


@dataclass
class PatchSource:
    """One region of a volume with what is known of it, padded to at least one patch.

    Attributes
    ----------
    region : which part of the volume it is
    shape : of that part, without padding
    images : float16, labels : uint8, known : bool; (planes, rows, columns), with padding at the far ends
    centres : planes of the region that hold something known to learn from
    """

    region: Region
    shape: tuple[int, int, int]
    images: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    centres: np.ndarray

    @classmethod
    def of(
        cls,
        intensities: np.ndarray,
        annotation: SparseAnnotation,
        patch: Sequence[int],
        stride: Sequence[int],
        region: Region | None = None,
        percentiles: tuple[float, float] | None = None,
    ) -> PatchSource:
        """Cut the region out, normalise it, and pad it to a multiple of the stride and at least one patch.

        `percentiles` : normalise as the whole volume asks for, cut at these, as a cohort's network knows it
        """
        region = region_of(annotation) if region is None else region
        shape = tuple(side.stop - side.start for side in region)
        wanted = [max(-(-length // s) * s, p) for length, s, p in zip(shape, stride, patch, strict=True)]
        pad = [(0, to - length) for to, length in zip(wanted, shape, strict=True)]
        painted = np.flatnonzero(annotation.painted[region[0]])
        image = normalized(intensities, percentiles)[region] if percentiles else normalized(intensities[region])
        return cls(
            region,
            shape,
            np.pad(image, pad, mode="edge"),
            np.pad(annotation.labels[region], pad),
            np.pad(annotation.known[region], pad),
            painted if len(painted) else np.arange(shape[0]),
        )

    def draw(self, patch: Sequence[int], batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Random patches, each with a painted plane in it.

        Returns
        -------
        images float32 (batch, 1, *patch), labels int64 (batch, *patch), known bool (batch, *patch)
        """
        import torch

        places = [self._place(patch, rng) for _ in range(batch)]
        images = np.stack([self.images[place] for place in places])[:, None].astype(np.float32)
        labels = np.stack([self.labels[place] for place in places]).astype(np.int64)
        known = np.stack([self.known[place] for place in places])
        return torch.from_numpy(images), torch.from_numpy(labels), torch.from_numpy(known)

    def _place(self, patch: Sequence[int], rng: np.random.Generator) -> Region:
        room = [size - length for size, length in zip(self.images.shape, patch, strict=True)]
        start = int(rng.choice(self.centres)) - int(rng.integers(patch[0]))
        starts = [min(max(0, start), room[0]), *(int(rng.integers(free + 1)) for free in room[1:])]
        return tuple(slice(start, start + length) for start, length in zip(starts, patch, strict=True))


def tiles(shape: Sequence[int], tile: Sequence[int], overlap: float = 0.25) -> Iterator[Region]:
    """Places that cover a region, each of the tile's size, overlapping by that share of it at least."""
    sides = []
    for length, size in zip(shape, tile, strict=True):
        count = 1 if length <= size else 1 + -(-(length - size) // max(1, int(size * (1 - overlap))))
        sides.append(np.linspace(0, length - size, count).round().astype(int).tolist() if count > 1 else [0])
    for starts in itertools.product(*sides):
        yield tuple(slice(start, start + size) for start, size in zip(starts, tile, strict=True))


def tile_weight(tile: Sequence[int]) -> np.ndarray:
    """float32 (planes, rows, columns): high in the middle of a tile, low but never 0 at its sides."""
    ramps = [np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)) / ((size + 1) / 2) for size in tile]
    weight = ramps[0][:, None, None] * ramps[1][:, None] * ramps[2]
    return np.maximum(weight, 1e-3).astype(np.float32)
