"""One training step and one validation over blocks that need not fit into memory together."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...learning.losses import Loss, SelectiveDice, one_hot
from ...learning.memory import autocast
from .blocks import Blocks, BlockSource, Place
from .distributed import Processes

if TYPE_CHECKING:
    from torch import Tensor, nn

# Batches that are cut out while a GPU computes, and by how many threads.
_AHEAD, _THREADS = 3, 4

# What the blocks of one pass may take on the CPU. Not what happens to be free: the same seed gives the same weights.
_CPU_BYTES = 4e9
_SHARE_OF_GPU = 0.6


def loaded(source: BlockSource, batches: Sequence[Sequence[Place]], device: str) -> Iterator[Blocks]:
    """Batches on the device; on a GPU the next ones are cut out meanwhile."""
    if device != "cuda":
        for places in batches:
            yield source.batch(places).to(device)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = deque(pool.submit(_pinned, source, places) for places in batches[:_AHEAD])
        for places in [*batches[_AHEAD:], *[None] * min(_AHEAD, len(batches))]:
            ready = waiting.popleft().result()
            if places is not None:
                waiting.append(pool.submit(_pinned, source, places))
            yield ready.to(device)


def _pinned(source: BlockSource, places: Sequence[Place]) -> Blocks:
    return source.batch(places).pinned()


def parts_of(blocks: Blocks, at_once: int) -> list[Blocks]:
    """As few parts as possible of at most `at_once` blocks, of about the same size."""
    sizes = [len(part) for part in np.array_split(np.arange(len(blocks)), -(-len(blocks) // at_once))]
    starts = np.cumsum([0, *sizes[:-1]])
    return [blocks.part(int(start), size) for start, size in zip(starts, sizes, strict=True)]


@dataclass
class BatchGradient:
    """The gradient of a loss of *all* blocks of a batch, in parts and over processes; of several heads, their mean.

    The selective batch Dice is no mean over blocks: it divides sums over the whole batch. So a first pass without
    gradients sums up every part, and each part's second pass sees the others' sums as constants; gradients add up to
    those of the whole batch. A batch that fits, in one process, needs no first pass.

    Attributes
    ----------
    network : as it is called; wrapped, where there are several processes
    scaler : of gradients, at work with float16 only
    """

    network: nn.Module
    loss: Loss
    processes: Processes
    device: str
    scaler: object

    def add(self, blocks: Blocks, at_once: int) -> Tensor:
        """Add to the gradients of the network's parameters; returns the loss of the batch."""
        parts = parts_of(blocks, at_once)
        if len(parts) == 1:
            sums = self._sums(self.network, parts[0])
            return self._backward(sums, self.processes.sum(sums))
        import torch

        with torch.no_grad():
            every = [self._sums(self._plain, part) for part in parts]
        total = self.processes.sum([sum(column) for column in zip(*every, strict=True)])
        for number, part in enumerate(parts, 1):
            with self._alone() if number < len(parts) else contextlib.nullcontext():
                value = self._backward(self._sums(self.network, part), total)
        return value

    def _sums(self, network: nn.Module, part: Blocks) -> list[Tensor]:
        """The loss's sums for every head of the network."""
        with autocast(self.device):
            heads = network(part.inputs)
        truth = part.labels, part.known, part.open_classes
        return [one for logits in heads for one in self.loss.sums(logits.float(), *truth)]

    def _backward(self, sums: list[Tensor], total: list[Tensor]) -> Tensor:
        whole = [one + (everything - one.detach()) for one, everything in zip(sums, total, strict=True)]
        terms = len(self.loss.terms)
        heads = [self.loss.of_sums(tuple(whole[n : n + terms])) for n in range(0, len(whole), terms)]
        value = sum(heads) / len(heads)
        # Averaged over the processes afterwards, where each has the gradient of its own blocks only.
        self.scaler.scale(value * self.processes.count).backward()
        return value.detach()

    @property
    def _plain(self) -> nn.Module:
        return self.network.module if self.processes.count > 1 else self.network

    def _alone(self):
        """No exchange of gradients before the last part."""
        return self.network.no_sync() if self.processes.count > 1 else contextlib.nullcontext()


def validate(
    network: nn.Module, source: BlockSource, places: Sequence[Place], at_once: int, device: str, processes: Processes
) -> tuple[float, tuple[float, ...]]:
    """Soft Dice over all known voxels of some blocks, and the Dice of each structure's labels (NaN for an absent one).

    As the network is used: the mean of its heads' probabilities.
    """
    import torch

    dice, sums, counts = SelectiveDice(), None, None
    mine = processes.share(places)
    batches = [mine[first : first + at_once] for first in range(0, len(mine), at_once)]
    network.eval()
    with torch.no_grad():
        for blocks in loaded(source, batches, device):
            log_mean = _log_mean_probabilities(network, blocks.inputs, device)
            (soft,) = dice.sums(log_mean, blocks.labels, blocks.known)
            hard = _counts(log_mean.argmax(1), blocks, log_mean.shape[1])
            soft, hard = _exact(soft), _exact(hard)
            sums = soft if sums is None else sums + soft
            counts = hard if counts is None else counts + hard
        if sums is None:
            classes = network.from_features.out_channels
            sums, counts = (torch.zeros(2, classes - 1, dtype=torch.float64, device=device) for _ in range(2))
    network.train()
    sums, counts = processes.sum([sums, counts])
    overlap, total = counts.tolist()
    values = tuple(2 * hit / size if size else float("nan") for hit, size in zip(overlap, total, strict=True))
    return 1 - float(dice.of_sums((sums,))), values


def _log_mean_probabilities(network: nn.Module, inputs: Tensor, device: str) -> Tensor:
    import torch

    # A single block leaves oneDNN and takes ten times as long.
    seen = torch.cat([inputs, inputs]) if len(inputs) == 1 and device == "cpu" else inputs
    with autocast(device):
        heads = network(seen)
    mean = sum(torch.softmax(logits.float(), 1) for logits in heads) / len(heads)
    return torch.log(mean[: len(inputs)].clamp(min=1e-30))


def _exact(tensor: Tensor) -> Tensor:
    """As float64, which Apple's GPUs do not have."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def _counts(found: Tensor, blocks: Blocks, classes: int) -> Tensor:
    """int64 (2, structures): voxels in both, and in prediction plus truth, where known."""
    import torch

    weight = blocks.known[:, None]
    mine = one_hot(found, classes, torch.bool)[:, 1:] & weight
    truth = one_hot(blocks.labels, classes, torch.bool)[:, 1:] & weight
    everywhere = (0, 2, 3, 4)
    return torch.stack([(mine & truth).sum(everywhere), mine.sum(everywhere) + truth.sum(everywhere)])


def fitting_blocks(network: nn.Module, channels: int, block: Sequence[int], stride: Sequence[int], device: str) -> int:
    """How many blocks fit into memory at once while training; at least 2 on the CPU, where 1 takes longer than 2."""
    bytes_each = activation_bytes_per_voxel(network, channels, stride) * int(np.prod(block))
    if device == "cuda":
        import torch

        # Half of the bytes with mixed precision, but as much again for gradients.
        return max(1, int(_SHARE_OF_GPU * torch.cuda.mem_get_info()[0] / bytes_each))
    return max(2, int(_CPU_BYTES / bytes_each))


def activation_bytes_per_voxel(network: nn.Module, channels: int, stride: Sequence[int]) -> float:
    """What the network keeps for the backward pass, a voxel of its input: counted on a small one, on the CPU."""
    import torch

    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {parameter.data_ptr() for parameter in network.parameters()}
    shape = tuple(4 * step for step in stride)
    alive = []
    with torch.autograd.graph.saved_tensors_hooks(lambda one: (alive.append(one), note(one))[1], lambda one: one):
        network(torch.zeros(2, channels, *shape))
    return sum(size for where, size in kept.items() if where not in weights) / (2 * int(np.prod(shape)))
