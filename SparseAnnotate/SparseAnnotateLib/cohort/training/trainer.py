"""Trains one network on many partly painted scans (Specktor-Fadida 2023), and goes on after a kill."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...device import resolve_device
from ...errors import InputError, require
from ..model import CohortModel
from ..scans import ScanSource
from .batches import BatchGradient, fitting_blocks, loaded, validate
from .blocks import Blocks, BlockSource, Place
from .checkpoint import as_json, load_checkpoint, save_checkpoint
from .cohort import Cohort, prepare
from .distributed import Processes
from .logs import Epoch, TrainingLog
from .optimizing import optimizer_and_schedule
from .pace import Pace, blocks_per_epoch, epochs_within, modelled_cpu_seconds
from .settings import TrainingSettings

_LARGEST_GRADIENT = 5.0

# An epoch has at least so many steps, so that its score is about more than a few of them.
_FEWEST_STEPS = 8

# Blocks that a validation looks at, at most.
_VALIDATION_BLOCKS = 64

# What may differ between the parts of a training that was interrupted.
_FREE = ("epochs", "budget_s", "device")


def train_cohort(
    scans: Sequence[ScanSource],
    settings: TrainingSettings,
    *,
    start: CohortModel | None = None,
    folder: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    processes: Processes | None = None,
) -> CohortModel:
    """Train a network to the end, and return it with its best weights.

    Parameters
    ----------
    start : go on from the weights of this model (Zhang 2019 does so after each round of painting); what it says of the
        network, its spacing and structures holds, not what the settings say
    folder : where checkpoints and logs go, and where a training that was interrupted is gone on with; None for neither
    on_epoch : called after each epoch
    processes : those that train together; see `distributed.started_by_torchrun`

    Raises
    ------
    InputError
        For scans that cannot be learnt from together, or a folder of another training.
    """
    for package in ("torch", "matplotlib"):
        require(package, extra="deep", purpose="training a cohort network")
    cohort = prepare(scans, settings, start)
    trainer = Trainer(cohort, settings, start=start, folder=folder, processes=processes or Processes())
    for epoch in trainer.run():
        if on_epoch is not None:
            on_epoch(epoch)
    return trainer.model()


class Trainer:
    """A training; `run` yields after every epoch, when its checkpoint is written, so that closing it loses nothing.

    Everything that chance decides depends on the seed and the number of the epoch, so that nothing but weights,
    optimiser and schedule need to be kept to go on as if nothing had happened.
    """

    def __init__(
        self,
        cohort: Cohort,
        settings: TrainingSettings,
        *,
        start: CohortModel | None = None,
        folder: Path | None = None,
        processes: Processes,
    ):
        self.cohort, self.start, self.folder, self.processes = cohort, start, folder, processes
        self.settings = settings if start is None else settings.with_network_of(cohort.configuration)
        if settings.batch_size % processes.count:
            raise InputError(
                f"a batch of {settings.batch_size} blocks cannot be shared by {processes.count} processes: choose "
                "--batch-size as a multiple of their number"
            )
        self.device = resolve_device(settings.device)
        self.history: list[Epoch] = []
        self.best_score, self.best_weights = -np.inf, None
        self._make_sources()
        self._make_network()
        self.blocks_per_epoch = blocks_per_epoch(
            settings.blocks_per_epoch, self.source.tiles_per_scan, settings.batch_size, _FEWEST_STEPS
        )
        self.epochs = settings.epochs
        if self.device == "cpu":
            self.epochs = epochs_within(settings.budget_s, self.modelled_seconds_per_epoch(), settings.epochs)
        self.pace = self._pace()
        self._resume()

    def _make_sources(self) -> None:
        from ...learning.augmentation import Augmentation

        settings, configuration = self.settings, self.cohort.configuration
        change = Augmentation(flips=settings.flips) if settings.augmentation else None
        common = (configuration.block, configuration.known_channel, settings.structure_share)
        self.source = BlockSource(self.cohort.training, *common, change)
        self.held_out = BlockSource(self.cohort.validation, *common)
        self.validation_places = self.held_out.validation(_VALIDATION_BLOCKS)

    def _make_network(self) -> None:
        import torch

        from ...learning.losses import build_loss
        from ...learning.memory import gradient_scaler
        from ..network import build_network, ready_network, stride_of

        settings, configuration = self.settings, self.cohort.configuration
        network = build_network(configuration, settings.seed) if self.start is None else ready_network(self.start)
        self.at_once = settings.blocks_at_once or fitting_blocks(
            network, configuration.input_channels, configuration.block, stride_of(configuration), self.device
        )
        self.network = network.to(self.device)
        if self.device == "cuda":
            self.network = self.network.to(memory_format=torch.channels_last_3d)
        self.optimizer, self.schedule = optimizer_and_schedule(self.network, settings)
        self.scaler = gradient_scaler(self.device)
        self.gradient = BatchGradient(
            self.processes.wrapped(self.network), build_loss(settings.loss), self.processes, self.device, self.scaler
        )

    @property
    def _rounds_before(self) -> int:
        return 0 if self.start is None else int(self.start.training_summary.get("rounds", 1))

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch."""
        return self.blocks_per_epoch // self.settings.batch_size

    def modelled_seconds_per_epoch(self) -> float:
        """What an epoch takes on two cores, roughly."""
        network, in_parts = copy.deepcopy(self.network).cpu(), self.settings.batch_size > self.at_once
        looked_at = len(self.validation_places)
        return modelled_cpu_seconds(
            network, self.cohort.configuration, self.blocks_per_epoch, looked_at, in_parts=in_parts
        )

    def _pace(self, seconds_before: float = 0.0) -> Pace:
        return Pace(self.epochs, self.steps_per_epoch, self.settings.budget_s, self.processes, seconds_before)

    def run(self) -> Iterator[Epoch]:
        """Train until the epochs or the budget are used up, or nothing gets better any more."""
        log = TrainingLog(self._files, self.cohort.configuration.class_names, self.history)
        try:
            while not (self.schedule.finished or self.pace.progress(len(self.history)) >= 1):
                epoch = self._epoch(len(self.history) + 1)
                self.history.append(epoch)
                self._save()
                log.add(epoch)
                yield epoch
        finally:
            log.close()

    @property
    def _files(self) -> Path | None:
        return self.folder if self.processes.speaks else None

    def _epoch(self, number: int) -> Epoch:
        import torch

        places = self.source.draw(self.blocks_per_epoch, np.random.default_rng([self.settings.seed, 2, number]))
        losses, before = [], len(self.history)
        for blocks in loaded(self.source, self._batches(places), self.device):
            self.schedule.before_step(self.pace.progress(before, len(losses)))
            losses.append(self._step(blocks))
            if self.pace.progress(before, len(losses)) >= 1:
                break
        loss = float(torch.stack(losses).mean())
        if not np.isfinite(loss):
            raise InputError(f"in epoch {number} the loss is no number any more: choose a lower --learning-rate")
        score, dice = self._score(loss)
        best = self._keep_if_best(score)
        rate = self.optimizer.param_groups[0]["lr"]
        restarted = self.schedule.after_epoch(score)
        if restarted:
            self.network.load_state_dict(self.best_weights)
            self.optimizer.state.clear()
        steps = (self.history[-1].steps if self.history else 0) + len(losses)
        return Epoch(number, steps, loss, score, dice, rate, restarted, best, self.pace.seconds)

    def _batches(self, places: list[Place]) -> list[list[Place]]:
        """What this process takes of every batch."""
        size = self.settings.batch_size
        return [self.processes.share(places[first : first + size]) for first in range(0, len(places), size)]

    def _step(self, blocks: Blocks):
        from torch.nn.utils import clip_grad_norm_

        self.network.train()
        loss = self._add_gradient(blocks)
        self.scaler.unscale_(self.optimizer)
        clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def _add_gradient(self, blocks: Blocks):
        """The gradient of a batch; where a GPU's memory runs out, with fewer blocks at once from then on."""
        from ...learning.memory import with_fitting_batch

        if self.processes.count > 1:  # the others would wait for ever
            return self._gradient(blocks, self.at_once)
        loss, self.at_once = with_fitting_batch(
            lambda size: self._gradient(blocks, size),
            self.at_once,
            self.device,
            2 if self.device == "cpu" else 1,
            items="blocks",
            advice="choose a smaller --block, fewer --channels, or the device cpu",
        )
        return loss

    def _gradient(self, blocks: Blocks, at_once: int):
        self.optimizer.zero_grad(set_to_none=True)
        return self.gradient.add(blocks, at_once)

    def _score(self, loss: float) -> tuple[float, tuple[float, ...]]:
        """Of the scans that are kept out; without any, minus the training loss (the same in all processes)."""
        if not self.validation_places:
            return -loss, ()
        return validate(self.network, self.held_out, self.validation_places, self.at_once, self.device, self.processes)

    def _keep_if_best(self, score: float) -> bool:
        if score < self.best_score:
            return False
        self.best_score = score
        self.best_weights = copy.deepcopy(self.network.state_dict())
        return True

    @functools.cached_property
    def _identity(self) -> dict[str, Any]:
        """What must not change while a training is interrupted; every voxel of the cohort counts."""
        options = {name: value for name, value in dataclasses.asdict(self.settings).items() if name not in _FREE}
        before = None if self.start is None else self.start.fingerprint
        own = {"configuration": vars(self.cohort.configuration), "scans": self.cohort.fingerprint}
        return as_json({**options, **own, "the model to go on from": before})

    def _save(self) -> None:
        if self._files is None:
            return
        state = {
            "identity": json.dumps(self._identity),
            "history": json.dumps([epoch.to_dict() for epoch in self.history]),
            "network": self.network.state_dict(),
            "best_weights": self.best_weights,
            "best_score": self.best_score,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "at_once": self.at_once,
            "seconds": self.pace.seconds,
        }
        save_checkpoint(self.folder, state)

    def _resume(self) -> None:
        """Go on where the folder's last checkpoint was written, if there is one."""
        state = None if self.folder is None else load_checkpoint(self.folder, self._identity)
        if state is None:
            return
        self.history = [Epoch.from_dict(entries) for entries in json.loads(state["history"])]
        self.network.load_state_dict(state["network"])
        self.best_weights, self.best_score = state["best_weights"], state["best_score"]
        self.schedule.load_state_dict(state["schedule"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.at_once, self.pace = state["at_once"], self._pace(state["seconds"])

    def model(self) -> CohortModel:
        """The network with its best weights so far, and how it came about; no names of scans, for files travel."""
        best = [epoch for epoch in self.history if epoch.best][-1]
        summary = {
            "epochs": len(self.history),
            "steps": self.history[-1].steps,
            "best_epoch": best.number,
            "best_score": best.score,
            "best_dice": [None if value != value else round(value, 4) for value in best.dice],
            "loss_at_best": best.loss,
            "last_loss": self.history[-1].loss,
            "seconds": round(self.history[-1].seconds, 1),
            "training_scans": len(self.cohort.training),
            "validation_scans": len(self.cohort.validation),
            "painted_planes": self.cohort.painted_planes,
            "device": self.device,
            "processes": self.processes.count,
            "settings": {**as_json(dataclasses.asdict(self.settings)), "validation_scans": None},
            "rounds": self._rounds_before + 1,
        }
        return CohortModel(self.cohort.configuration, self.best_weights, training_summary=summary)
