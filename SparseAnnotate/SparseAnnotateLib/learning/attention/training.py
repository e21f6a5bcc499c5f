"""Trains the attention network on the known voxels of patches, and lets its two heads label a region (Zhang 2019)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..memory import autocast
from ..patches import PatchSource, tile_weight, tiles
from ..schedules import OneCycle

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

# Tiles go through in pairs: with a single one torch leaves oneDNN and takes 10 times as long (2.1 s against .19 s).
_TILES_AT_ONCE = 2


@dataclass(frozen=True)
class AttentionRecipe:
    """How to train: the defaults are the paper's, but for patch and batch, which it does not tell.

    Attributes
    ----------
    iterations : training steps
    optimizer : ``sgd`` with momentum (Zhang 2019), or ``adam`` (AdamW)
    class_balance : exponent of the inverse frequency that a class's known voxels are weighted by; 0: all alike
    one_cycle : the rate rises and falls along a cosine; else it stays as it is
    largest_gradient : norm to which gradients are cut; None: not at all
    """

    iterations: int
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    patch: tuple[int, int, int] = (16, 64, 64)
    batch: int = 2
    optimizer: str = "sgd"
    class_balance: float = 0.0
    one_cycle: bool = False
    largest_gradient: float | None = None


def train(
    network: nn.Module, source: PatchSource, recipe: AttentionRecipe, seed: int, deadline: float, device: str
) -> Iterator[tuple[int, float]]:
    """Train in place; yields iterations done and the loss. Ends early when the clock passes `deadline`.

    The loss is the cross entropy of both heads, zero where nothing is known (Zhang 2019; Cicek 2016).
    """
    import torch

    rng = np.random.default_rng(seed)
    optimizer = _optimizer(network, recipe)
    schedule = OneCycle(optimizer, recipe.learning_rate) if recipe.one_cycle else None
    classes = network.from_features.out_channels
    weights = torch.from_numpy(class_weights(source.labels[source.known], classes, recipe.class_balance)).to(device)
    network.train()
    started = time.monotonic()
    for iteration in range(1, recipe.iterations + 1):
        if schedule is not None:
            by_clock = (time.monotonic() - started) / max(deadline - started, 1e-3)
            schedule.before_step(min(1.0, max(iteration / recipe.iterations, by_clock)))
        images, labels, known = (part.to(device) for part in source.draw(recipe.patch, recipe.batch, rng))
        images = images.contiguous(memory_format=torch.channels_last_3d)
        with autocast(device):
            heads = network(images)
        loss = sum(known_cross_entropy(logits.float(), labels, known, weights) for logits in heads)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if recipe.largest_gradient is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.largest_gradient)
        optimizer.step()
        yield iteration, loss.item()
        if time.monotonic() > deadline:
            return


def _optimizer(network: nn.Module, recipe: AttentionRecipe) -> Optimizer:
    from torch import optim

    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return optim.AdamW(network.parameters(), rate, weight_decay=decay)
    return optim.SGD(network.parameters(), rate, momentum=recipe.momentum, weight_decay=decay)


def class_weights(labels: np.ndarray, classes: int, balance: float) -> np.ndarray:
    """float32 (classes,): inverse frequency among `labels` to the power of `balance`, 1 in the mean of all voxels."""
    counts = np.bincount(labels.ravel(), minlength=classes).astype(float)
    weights = np.where(counts > 0, (counts.sum() / np.maximum(counts, 1)) ** balance, 1.0)
    return (weights * counts.sum() / max((weights * counts).sum(), 1e-6)).astype(np.float32)


def known_cross_entropy(logits, labels, known, class_weights=None):
    """Weighted mean cross entropy of the known voxels; 0, with a gradient of 0, where none is known."""
    from torch.nn import functional

    weight = known.to(logits.dtype)
    if class_weights is not None:
        weight = weight * class_weights[labels]
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return (losses * weight).sum() / weight.sum().clamp(min=1e-6)


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
