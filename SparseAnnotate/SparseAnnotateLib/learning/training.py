"""Training a network on the known voxels of one volume."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .augmentation import Augmentation, change_intensities, random_grid, resample
from .losses import SelectiveDice, build_loss
from .memory import autocast, gradient_scaler, with_fitting_batch
from .planes import PlaneSource
from .schedules import schedule_class

if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

_WEIGHT_DECAY = 1e-2
_LARGEST_GRADIENT = 5.0

# Share of a structure that is left out of a partly painted plane (Martin 2022 erases a quarter).
_LEFT_OUT = 0.25

# How far the clock may be ahead of the steps before it rules.
_CLOCK_MARGIN = 0.1

# One cycle needs no score until it cools down; then 20 looks find the best weights well enough.
_ONE_CYCLE_LOOKS = 20


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes
    ----------
    loss : a name that `build_loss` knows
    optimisation : a name of `SCHEDULES`
    learning_rate : of AdamW; None takes the schedule's own
    batch_size : windows a step
    steps : as many at most
    tile : rows and columns of a training window, as the network sees it
    hold_to_prior : weight of the cross entropy with the prior where partly painted planes are unknown, as against a
        known voxel's
    augmentation : of the training windows
    seed : of all random numbers
    """

    loss: str = "dice+ce"
    optimisation: str = "one-cycle"
    learning_rate: float | None = None
    batch_size: int = 8
    steps: int = 300
    tile: tuple[int, int] = (128, 128)
    hold_to_prior: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0


@dataclass(frozen=True)
class TrainingStep:
    """One step done: its number (from 1), the epoch, the loss, the last score on held-out planes, the share done."""

    step: int
    epoch: int
    loss: float
    score: float | None
    progress: float


class Trainer:
    """Trains a network; `run` yields after every batch, so that closing it cancels within one.

    Parameters
    ----------
    network : on the device already; `run` leaves it with the best weights
    source : makes the inputs
    planes, held_out : to train on, and to choose the best weights by (may be empty)
    recipe : how
    deadline : time.monotonic() at which to be through; the learning rate is then steered by the clock wherever that is
        further than the steps. Where it never is, the result depends on the seed alone.
    """

    def __init__(
        self,
        network: nn.Module,
        source: PlaneSource,
        planes: list[int],
        held_out: list[int],
        recipe: Recipe,
        deadline: float,
    ):
        import torch

        self.network, self.source, self.recipe = network, source, recipe
        self.device = source.device
        self.planes, self.held_out = np.array(planes), held_out
        self.partly_painted = sorted(set(source.annotation.painted_planes) - set(source.annotation.complete_planes))
        self.started, self.deadline = time.monotonic(), deadline
        self.loss, self.dice = build_loss(recipe.loss), SelectiveDice()
        self.order = np.random.default_rng(recipe.seed)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=_WEIGHT_DECAY)
        kind = schedule_class(recipe.optimisation)
        self.schedule = kind(self.optimizer, recipe.learning_rate or kind.default_rate)
        self.scaler = gradient_scaler(self.device)
        self.batch_size = recipe.batch_size
        self.best_score, self.best_weights = -np.inf, None
        self.stopped_by_clock = False
        self.steps_done = 0

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every plane is seen once."""
        return max(1, round(len(self.planes) / self.recipe.batch_size))

    def run(self) -> Iterator[TrainingStep]:
        """Train to the end of the steps, the deadline, or an early stop."""
        losses: list[Tensor] = []
        score, queue = None, np.empty(0, int)
        step, progress = 0, self._progress(0)
        while progress < 1 and not self.schedule.finished:
            while len(queue) < self.recipe.batch_size:
                queue = np.concatenate([queue, self.order.permutation(self.planes)])
            batch, queue = queue[: self.recipe.batch_size], queue[self.recipe.batch_size :]
            self.schedule.before_step(progress)
            losses.append(self._step(batch))
            step += 1
            self.steps_done = step
            progress = self._progress(step)
            if self._is_time_to_score(step):
                score = self._score(losses)
                losses = losses[-1:]
                self._after_epoch(score)
            yield TrainingStep(step, step // self.steps_per_epoch, float(losses[-1]), score, progress)
        self._finish()

    def _progress(self, step: int) -> float:
        """By steps, until the clock is further by a tenth; then by whichever is further, to the end.

        A slower computer so runs through the same schedule in fewer steps. The tenth keeps a slow start (the first step
        of a process takes several times as long) from changing the rates of a training that fits into its time.
        """
        by_steps = step / self.recipe.steps
        by_clock = (time.monotonic() - self.started) / max(1e-3, self.deadline - self.started)
        self.stopped_by_clock |= by_clock > min(1.0, by_steps + _CLOCK_MARGIN)
        # Batch statistics want two steps at least, whatever the clock says.
        return max(by_steps, by_clock) if self.stopped_by_clock and step >= 2 else by_steps

    def _step(self, planes: np.ndarray) -> Tensor:
        """One step on windows of some planes; where memory runs out, on half as many, from then on."""
        self.network.train()
        # Batch statistics need two: with one window DeepLabV3+'s pooled branch has nothing to normalise by.
        loss, fitted = with_fitting_batch(
            lambda size: self._gradients(planes[:size]), min(self.batch_size, len(planes)), self.device, 2
        )
        if fitted < min(self.batch_size, len(planes)):
            logger.warning("out of memory: going on with %d windows a step instead of %d", fitted, self.batch_size)
            self.batch_size = fitted
        self._update()
        return loss

    def _gradients(self, planes: np.ndarray) -> Tensor:
        """Loss of some planes, its gradients left with the weights; may be tried again with fewer."""
        self.optimizer.zero_grad(set_to_none=True)
        images, prior, labels, known = self._windows(planes)
        with autocast(self.device):
            logits = self.network(images)
        logits = logits.float()
        if prior is not None:
            logits = logits + self.loss.from_softmax(prior)
        loss = self.loss(logits, labels, known, self.source.open(planes))
        if prior is not None and self.recipe.hold_to_prior:
            loss = loss + self.recipe.hold_to_prior * self._away_from_prior(logits, prior, known, planes)
        self.scaler.scale(loss).backward()
        return loss.detach()

    def _update(self) -> None:
        """Move the weights along their gradients: once a step, never tried again, for half of it would stay."""
        from torch.nn.utils import clip_grad_norm_

        self.scaler.unscale_(self.optimizer)
        clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _away_from_prior(self, logits: Tensor, prior: Tensor, known: Tensor, planes: np.ndarray) -> Tensor:
        """Cross entropy with the prior's probabilities on unknown voxels of partly painted planes, over the known ones.

        There no loss says anything, and what painted voxels teach goes one way: structures are larger than the prior
        has them (3 cases, 40 steps of MBCE: 1.26 of the true voxels). As most of a structure is painted, what is not is
        a structure less often than the prior says: by Bayes, its odds times the share that is left out. A voxel weighs
        the same in any region (7 small organs: 2.06 of the voxels with the mean over the unknown ones, 0.83 so).
        """
        import torch

        target = prior.clone()
        target[:, 0] -= math.log(_LEFT_OUT)
        partly = torch.from_numpy(np.isin(planes, self.partly_painted)).to(self.device)
        weight = partly[:, None, None] & ~known
        return (self.loss.towards(logits, torch.softmax(target, 1)) * weight).sum() / known.sum().clamp(min=1)

    def _windows(self, planes: np.ndarray):
        """Augmented windows of planes: images, prior logits or None, labels, known."""
        import torch

        source, recipe = self.source, self.recipe
        images, prior = source.inputs(torch.from_numpy(planes), training=self.generator)
        labels, known = source.truth(planes)
        channels = images.shape[1]
        if prior is not None:
            images = torch.cat([images, prior], 1)
        grid = random_grid(
            len(planes),
            source.working.shape,
            recipe.tile,
            source.working.zoom,
            recipe.augmentation,
            self.generator,
            self.device,
        )
        images, labels, known = resample(images, labels, known, grid)
        prior = images[:, channels:] if prior is not None else None
        shown = source.image_channels
        changed = change_intensities(images[:, :shown], recipe.augmentation, self.generator)
        images = torch.cat([changed, images[:, shown:channels]], 1)
        return images.contiguous(memory_format=torch.channels_last), prior, labels, known

    def _is_time_to_score(self, step: int) -> bool:
        if self.recipe.optimisation != "one-cycle":
            return step % self.steps_per_epoch == 0
        every = max(1, self.recipe.steps // _ONE_CYCLE_LOOKS)
        return bool(self.held_out) and step % every == 0 and step > self.recipe.steps // 2

    def _score(self, losses: list[Tensor]) -> float:
        """Soft Dice of the held-out planes; without any, minus the mean loss since the last score."""
        import torch

        if not self.held_out:
            return -float(torch.stack(losses).mean())
        from .inference import plane_probabilities

        predicted = plane_probabilities(self.network, self.source, self.held_out, self.loss)
        with torch.no_grad():
            probabilities = torch.cat([part for _, part in predicted])
            labels, known = self.source.truth(self.held_out)
            # Dice takes a softmax, whose inverse is the logarithm.
            return 1 - float(self.dice(probabilities.log(), labels, known))

    def _after_epoch(self, score: float) -> None:
        if score >= self.best_score:
            self.best_score = score
            self.best_weights = copy.deepcopy(self.network.state_dict())
        if self.schedule.after_epoch(score):
            self.network.load_state_dict(self.best_weights)
            self.optimizer.state.clear()

    def _finish(self) -> None:
        if self.best_weights is not None:
            self.network.load_state_dict(self.best_weights)
        self.network.eval()
