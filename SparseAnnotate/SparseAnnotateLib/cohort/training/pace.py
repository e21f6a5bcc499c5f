"""How far a training is: by steps, or by the clock where it is ahead of them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .distributed import Processes

if TYPE_CHECKING:
    from torch import nn

    from ..model import CohortConfiguration

# Multiply-adds a second of 3-D convolutions, forward and backward, on two cores: 23e9 with 8 channels at full
# resolution, 47e9 with 16, which fill a vector register.
_CPU_MULTIPLY_ADDS_PER_S_AND_CHANNEL, _MOST_CHANNELS = 2.9e9, 16

# A training step works three times as much as a forward pass; where a batch comes in parts, another pass goes first.
_STEP, _STEP_IN_PARTS = 3, 4

# How far the clock may be ahead of the steps before it rules: a slow start does not change the learning rates of a
# training that fits into its time.
_CLOCK_MARGIN = 0.1


class Pace:
    """The share of a training that is done, and its seconds.

    Parameters
    ----------
    epochs, steps_per_epoch : as many
    budget_s : None where only steps count
    seconds_before : of the same training, before it was interrupted
    """

    def __init__(
        self,
        epochs: int,
        steps_per_epoch: int,
        budget_s: float | None,
        processes: Processes,
        seconds_before: float = 0.0,
    ):
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        self._budget_s, self._processes = budget_s, processes
        self._before, self._started = seconds_before, time.monotonic()

    @property
    def seconds(self) -> float:
        """Of this training, interruptions not counted."""
        return self._before + time.monotonic() - self._started

    def progress(self, epochs: int, steps: int = 0) -> float:
        """The share that is done after so many epochs, and steps of another one."""
        by_steps = (epochs + steps / self.steps_per_epoch) / self.epochs
        if self._budget_s is None:
            return by_steps
        by_clock = self._processes.said_by_first(self.seconds / self._budget_s)
        return by_clock if by_clock > min(1.0, by_steps + _CLOCK_MARGIN) else by_steps


def modelled_cpu_seconds(
    network: nn.Module, configuration: CohortConfiguration, blocks: int, looked_at: int, *, in_parts: bool
) -> float:
    """What an epoch takes on two cores, roughly: from counted work, so that it is the same each time.

    Parameters
    ----------
    network : on the CPU
    blocks, looked_at : that are learnt from, and that validation looks at
    in_parts : whether a batch does not fit into memory as a whole
    """
    from ...learning.attention.network import multiply_adds_per_voxel

    halvings, channels = configuration.halved_planes, configuration.input_channels
    work = multiply_adds_per_voxel(network, halvings, channels, configuration.depth)
    passes = blocks * (_STEP_IN_PARTS if in_parts else _STEP) + looked_at
    per_s = _CPU_MULTIPLY_ADDS_PER_S_AND_CHANNEL * min(configuration.base_channels, _MOST_CHANNELS)
    return passes * math.prod(configuration.block) * work / per_s


def epochs_within(budget_s: float | None, seconds_per_epoch: float, most: int) -> int:
    """Epochs that a budget holds, at least 1."""
    return most if budget_s is None else max(1, min(most, int(budget_s / seconds_per_epoch)))


def blocks_per_epoch(wanted: int | None, tiles: Sequence[int], batch: int, fewest_steps: int) -> int:
    """As many as were asked for, else as cover what is painted, but some steps at least; a multiple of the batch."""
    count = wanted or max(sum(tiles), fewest_steps * batch)
    return -(-count // batch) * batch
