"""Trains the attention network on the known voxels of patches, and lets its two heads label a region (Zhang 2019)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .memory import autocast
from .patches import PatchSource, tile_weight, tiles

if TYPE_CHECKING:
    from torch import nn

# Tiles go through in pairs: with a single one torch leaves oneDNN and takes 10 times as long (2.1 s against .19 s).
_TILES_AT_ONCE = 2


@dataclass(frozen=True)
class AttentionRecipe:
    """How to train: the defaults are the paper's, but for patch and batch, which it does not tell."""

    iterations: int
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    patch: tuple[int, int, int] = (16, 64, 64)
    batch: int = 2


def train(
    network: nn.Module, source: PatchSource, recipe: AttentionRecipe, seed: int, deadline: float, device: str
) -> Iterator[tuple[int, float]]:
    """Train in place; yields iterations done and the loss. Ends early when the clock passes `deadline`.

    The loss is the cross entropy of both heads, zero where nothing is known (Zhang 2019; Cicek 2016).
    """
    import torch

    rng = np.random.default_rng(seed)
    optimizer = torch.optim.SGD(
        network.parameters(), recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    network.train()
    for iteration in range(1, recipe.iterations + 1):
        images, labels, known = (part.to(device) for part in source.draw(recipe.patch, recipe.batch, rng))
        images = images.contiguous(memory_format=torch.channels_last_3d)
        with autocast(device):
            heads = network(images)
        loss = sum(known_cross_entropy(logits.float(), labels, known) for logits in heads)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield iteration, loss.item()
        if time.monotonic() > deadline:
            return


def known_cross_entropy(logits, labels, known):
    """Mean cross entropy of the known voxels; 0, with a gradient of 0, where none is known."""
    from torch.nn import functional

    weight = known.to(logits.dtype)
    return (functional.cross_entropy(logits, labels, reduction="none") * weight).sum() / weight.sum().clamp(min=1)


def head_probabilities(
    network: nn.Module, source: PatchSource, tile: tuple[int, int, int], device: str
) -> Iterator[tuple[slice, np.ndarray]]:
    """Probabilities of a region, a few planes at a time, from overlapping tiles.

    Yields
    ------
    planes of the region that are finished, and float32 (2, classes, those planes, rows, columns) of the two heads
    """
    rows, columns = (slice(0, length) for length in source.shape[1:])
    waiting = Blend(source.images.shape[1:], tile[0])
    places = sorted(tiles(source.images.shape, tile), key=lambda place: place[0].start)
    weight = tile_weight(tile)
    network.eval()
    for number in range(0, len(places), _TILES_AT_ONCE):
        chunk = places[number : number + _TILES_AT_ONCE]
        for place, heads in zip(chunk, _heads(network, source, chunk, device), strict=True):
            for planes, blended in waiting.release(place[0].start):
                yield planes, blended[..., rows, columns]
            waiting.add(place, heads, weight)
    for planes, blended in waiting.release(source.images.shape[0]):
        inside = slice(planes.start, min(planes.stop, source.shape[0]))
        yield inside, blended[:, :, : inside.stop - inside.start, rows, columns]


def _heads(network: nn.Module, source: PatchSource, places: list, device: str) -> np.ndarray:
    """float32 (places, 2, classes, planes, rows, columns)."""
    import torch

    # The last one may be alone: seen twice it is still faster.
    seen = np.stack([source.images[place] for place in (places * _TILES_AT_ONCE)[:_TILES_AT_ONCE]])[:, None]
    images = torch.from_numpy(seen.astype(np.float32)).to(device).contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode(), autocast(device):
        heads = [torch.softmax(logits.float(), 1).cpu().numpy() for logits in network(images)]
    return np.stack(heads, axis=1)[: len(places)]


class Blend:
    """The weighted sums of tiles on the planes that are still worked on: no more than a tile has."""

    def __init__(self, plane_shape: tuple[int, int], planes: int):
        self._shape = (planes, *plane_shape)
        self._start = 0
        self._sums: np.ndarray | None = None
        self._weights = np.zeros(self._shape, np.float32)

    def add(self, place, heads: np.ndarray, weight: np.ndarray) -> None:
        """Blend a tile in; its first plane is the first that is worked on."""
        if self._sums is None:
            self._sums = np.zeros((*heads.shape[:2], *self._shape), np.float32)
        self._sums[(slice(None), slice(None), slice(None), *place[1:])] += weight * heads
        self._weights[(slice(None), *place[1:])] += weight

    def release(self, start: int) -> Iterator[tuple[slice, np.ndarray]]:
        """The planes before `start`, which no tile will touch any more, if there are any."""
        count = min(start - self._start, self._shape[0])
        if count <= 0:
            return
        yield slice(self._start, self._start + count), self._sums[:, :, :count] / self._weights[:count]
        for array, axis in ((self._sums, 2), (self._weights, 0)):
            moved = np.moveaxis(array, axis, 0)
            moved[: len(moved) - count] = moved[count:].copy()
            moved[len(moved) - count :] = 0
        self._start += count
