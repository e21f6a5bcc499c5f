"""Blocks of scans: which are drawn in an epoch, and how each is cut out and changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...learning.augmentation import Augmentation, change_intensities, inside, random_grid
from ...learning.patches import tiles
from ..scans import PreparedScan

if TYPE_CHECKING:
    from torch import Tensor

# Rows and columns are cut so much longer, that turning a block seldom shows what lies beyond it.
_AROUND = 1.25


@dataclass(frozen=True)
class Place:
    """Where a block lies: number of the scan, first plane, row and column (which may lie outside of the scan).

    `seed` draws what changes it, and whether it sees its known mask; None leaves it as it is, without that mask.
    """

    scan: int
    start: tuple[int, int, int]
    seed: int | None = None


@dataclass(frozen=True)
class Blocks:
    """A batch: inputs float32 (batch, channels, *block), labels int64 and known bool (batch, *block).

    `open_classes` bool (batch, classes + 1, planes) tells what a voxel can be whose label is not known.
    """

    inputs: Tensor
    labels: Tensor
    known: Tensor
    open_classes: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def part(self, first: int, count: int) -> Blocks:
        """Some of the batch, in their order."""
        here = slice(first, first + count)
        return Blocks(*(tensor[here] for tensor in self._tensors))

    def to(self, device: str) -> Blocks:
        """On a device, channels last: 3-D convolutions take 3/4 of the time with them (CPU: 1.05 s against 1.38 s)."""
        import torch

        inputs, *others = (tensor.to(device, non_blocking=True) for tensor in self._tensors)
        if device != "mps":  # which has no such format
            inputs = inputs.contiguous(memory_format=torch.channels_last_3d)
        return Blocks(inputs, *others)

    def pinned(self) -> Blocks:
        """In memory from which a GPU can copy while it computes."""
        return Blocks(*(tensor.pin_memory() for tensor in self._tensors))

    @property
    def _tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.inputs, self.labels, self.known, self.open_classes


@dataclass(frozen=True)
class BlockSource:
    """Draws places for blocks in some scans, and cuts them out.

    Attributes
    ----------
    block : planes, rows and columns
    known_channel : the known mask is the second channel
    structure_share : of the blocks that are drawn around a structure's voxel
    augmentation : None for none
    """

    scans: Sequence[PreparedScan]
    block: tuple[int, int, int]
    known_channel: bool
    structure_share: float = 2 / 3
    augmentation: Augmentation | None = None

    @property
    def tiles_per_scan(self) -> list[int]:
        """How many blocks it takes to cover the part of each scan in which something is painted."""
        return [sum(1 for _ in self._covering(scan)) for scan in self.scans]

    def draw(self, count: int, rng: np.random.Generator) -> list[Place]:
        """Places of non-empty blocks: each holds a structure's voxel, or a painted or border plane.

        Scans take turns, in proportion to how many blocks cover them.
        """
        share = np.repeat(np.arange(len(self.scans)), self.tiles_per_scan)
        order = np.concatenate([rng.permutation(share) for _ in range(-(-count // len(share)))])[:count]
        return [Place(int(scan), self._start(self.scans[scan], rng), int(rng.integers(2**62))) for scan in order]

    def _start(self, scan: PreparedScan, rng: np.random.Generator) -> tuple[int, int, int]:
        """First voxel of a block that holds a drawn one."""
        shape = scan.image.shape
        if scan.voxels and rng.random() < self.structure_share:
            voxels = scan.voxels[rng.integers(len(scan.voxels))]
            voxel = voxels[rng.integers(len(voxels))]
        else:
            voxel = (rng.choice(scan.anchors), *(rng.integers(size) for size in shape[1:]))
        return tuple(
            _within(int(v) - int(rng.integers(b)), s, b) for v, s, b in zip(voxel, shape, self.block, strict=True)
        )

    def validation(self, most: int) -> list[Place]:
        """Blocks that cover what is painted, without change; evenly chosen where there are more than `most`."""
        every = [
            Place(number, tuple(side.start for side in tile))
            for number, scan in enumerate(self.scans)
            for tile in self._covering(scan)
        ]
        if len(every) <= most:
            return every
        return [every[int((n + 0.5) * len(every) / most)] for n in range(most)]

    def _covering(self, scan: PreparedScan) -> Iterator[tuple[slice, slice, slice]]:
        """Tiles of the planes from the first to the last anchor, each with an anchor plane in it."""
        first, last = int(scan.anchors[0]), int(scan.anchors[-1])
        shape = scan.image.shape
        for tile in tiles((last - first + 1, *shape[1:]), self.block):
            starts = (first + tile[0].start, tile[1].start, tile[2].start)
            starts = [_within(start, size, side) for start, size, side in zip(starts, shape, self.block, strict=True)]
            if ((scan.anchors >= starts[0]) & (scan.anchors < starts[0] + self.block[0])).any():
                yield tuple(slice(start, start + side) for start, side in zip(starts, self.block, strict=True))

    def batch(self, places: Sequence[Place]) -> Blocks:
        """Cut blocks out, each by itself: what becomes of one does not depend on the others."""
        import torch

        parts = [self._cut(place) for place in places]
        return Blocks(*(torch.stack(part) for part in zip(*parts, strict=True)))

    def _cut(self, place: Place) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        import torch

        scan = self.scans[place.scan]
        changed = place.seed is not None and self.augmentation is not None
        size = (self.block[0], *(round(side * _AROUND) for side in self.block[1:])) if changed else self.block
        start = tuple(s - (big - b) // 2 for s, big, b in zip(place.start, size, self.block, strict=True))
        image = torch.from_numpy(cut(scan.image, start, size, "edge").astype(np.float32))
        labels = torch.from_numpy(cut(scan.labels, start, size, "constant"))
        known = torch.from_numpy(cut(scan.known, start, size, "constant"))
        generator = torch.Generator().manual_seed(place.seed or 0)
        if changed:
            image, labels, known = self._changed(image, labels, known, generator)
        channels = [image]
        if self.known_channel:
            shown = place.seed is not None and bool(torch.rand(1, generator=generator) < 0.5)
            channels.append(known.float() if shown else torch.zeros_like(image))
        planes = np.arange(place.start[0], place.start[0] + self.block[0])
        inside_scan = (planes >= 0) & (planes < len(scan.open_classes))
        is_open = np.ones((len(planes), scan.open_classes.shape[1]), bool)
        is_open[inside_scan] = scan.open_classes[planes[inside_scan]]
        return torch.stack(channels), labels.long(), known, torch.from_numpy(is_open.T.copy())

    def _changed(self, image: Tensor, labels: Tensor, known: Tensor, generator) -> tuple[Tensor, Tensor, Tensor]:
        """One affine map in the plane for all planes, which go through as channels; then intensities."""
        from torch.nn import functional

        size = self.block[1:]
        grid = random_grid(1, tuple(image.shape[1:]), size, 1.0, self.augmentation, generator, "cpu")
        image = functional.grid_sample(image[None], inside(grid, image.shape[1:]), align_corners=False)
        image = change_intensities(image, self.augmentation, generator)[0]
        # One nearest lookup for both: 0 is unknown, n + 1 is label n. Beyond the border it gives 0.
        both = ((labels.float() + 1) * known)[None]
        both = functional.grid_sample(both, grid, mode="nearest", padding_mode="zeros", align_corners=False)[0]
        known = both > 0
        return image, (both - 1).clamp(min=0), known


def _within(start: int, size: int, block: int) -> int:
    """Moved so that the block lies inside of the scan; where it is longer, so that the scan lies in its middle."""
    if size <= block:
        return (size - block) // 2
    return min(max(0, start), size - block)


def cut(array: np.ndarray, start: Sequence[int], size: Sequence[int], mode: str) -> np.ndarray:
    """A part that may reach beyond the array; there it goes on with the last voxel ("edge") or with 0 ("constant")."""
    inner, pad = [], []
    for first, length, total in zip(start, size, array.shape, strict=True):
        low = min(max(0, first), total - 1)
        high = max(min(total, first + length), low + 1)
        inner.append(slice(low, high))
        pad.append((low - first, first + length - high))
    part = array[tuple(inner)]
    return np.pad(part, pad, mode=mode) if any(map(any, pad)) else part
