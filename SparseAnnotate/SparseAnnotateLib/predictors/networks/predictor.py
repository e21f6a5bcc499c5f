"""What the network predictors share: the way from a volume to labels."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ...annotation import SparseAnnotation
from ...device import resolve_device
from ...errors import require
from ...volume import Volume
from ..base import Prediction, PredictorBase, Progress
from .options import CPU_DEFAULTS, GPU_DEFAULTS, NetworkOptions

_PREVIEW_EVERY_S = 4.0

_RATE_FROM_PRIOR = 1e-3

# How far the bar is when training begins (later where another predictor makes the prior first) and ends.
_TRAINING_FROM = {"none": 0.03, "shape": 0.03, "cohort": 0.2}
_TRAINING_TO = 0.85


class NetworkPredictor(PredictorBase):
    """Trains a network of segmentation_models_pytorch on the painted planes of this volume alone (Payer 2023)."""

    architecture: ClassVar[str]
    Options = NetworkOptions
    needs = ("torch", "segmentation_models_pytorch")

    @property
    def joins_groups(self) -> bool:
        """Binary losses learn from structures complete on planes of their own at once; others need whole planes."""
        return not {part.strip() for part in self.options.loss.split("+")} <= {"pbce", "mbce"}

    def _predict(self, volume: Volume, annotation: SparseAnnotation) -> Iterator[Progress | Prediction]:
        yield Progress("loading", 0.0, "loading torch")
        require("torch", extra="deep", purpose=f"the predictor {self.name}")
        require("segmentation_models_pytorch", extra="deep", purpose=f"the predictor {self.name}")
        from ...learning.memory import freed_afterwards

        device = resolve_device(self.options.device)
        with freed_afterwards(device):
            yield from _Run(self, volume, annotation, device).steps()


class _Run:
    """One prediction: the network, its inputs and what is known so far."""

    def __init__(self, predictor: NetworkPredictor, volume: Volume, annotation: SparseAnnotation, device: str):
        from ...learning.networks import NetworkShape

        self.started = time.monotonic()
        self.options = options = predictor.options
        self.volume, self.annotation, self.device = volume, annotation, device
        self.defaults = defaults = CPU_DEFAULTS if device == "cpu" else GPU_DEFAULTS
        self.budget_s = options.budget_s or defaults.budget_s
        self.shape = NetworkShape(
            predictor.architecture,
            defaults.encoder if options.encoder == "auto" else options.encoder,
            options.encoder_depth or defaults.encoder_depth,
            options.decoder_width or defaults.decoder_width,
            channels=0,
            classes=annotation.class_count + 1,
        )
        self.pretrained = options.weights or options.encoder_weights
        self.training_from = _TRAINING_FROM[options.prior]
        self.targets = annotation.unpainted_planes + _partly_painted(annotation)

    def steps(self) -> Iterator[Progress | Prediction]:
        """Build, train, predict."""
        if not self.targets:
            yield Prediction(self.annotation.labels.copy())
            return
        source = yield from self._source()
        if self.pretrained != "none":
            # A download is announced by learning.pretrained.weights too, with its size, in the log.
            yield Progress("loading", self.training_from, f"loading pretrained weights of {self.shape.encoder}")
        network, trainer = self._trainer(source)
        yield Progress("training", self.training_from, "the network is built")
        yield from self._train(trainer)
        details, loss = self._details(trainer), trainer.loss
        del trainer
        yield from self._predict_planes(network, source, loss, details)

    def _source(self):
        """Progress, where the prior takes time; returns what makes the inputs."""
        from ...learning.planes import PlaneSource
        from ...learning.region import working_region

        options = self.options
        working = working_region(
            self.annotation, margin=options.margin_px, smallest_side=options.smallest_side_px, stride=self.shape.stride
        )
        prior = yield from self._prior(working)
        return PlaneSource(
            self.volume.intensities,
            self.annotation,
            working,
            self.device,
            neighbours=options.neighbours,
            known_channel=options.known_channel,
            prior=prior,
        )

    def _prior(self, working):
        from ...learning.priors import ShapePrior

        if self.options.prior == "none":
            return None
        if self.options.prior == "shape":
            return ShapePrior(self.annotation, working, self.volume.spacing_mm, self.device)
        from .prior import cohort_prior

        given = self.volume, self.annotation, working, self.device
        making = cohort_prior(self.options.start_from, *given, self.options.border_planes)
        with contextlib.closing(making):
            for step in making:
                if isinstance(step, Progress):
                    yield replace(step, fraction=self.training_from * step.fraction)
        return step

    def _trainer(self, source):
        import torch

        from ...learning.budget import Cost, steps_within, training_seconds
        from ...learning.networks import build_network, relative_cost, start_from_prior
        from ...learning.planes import held_out_planes, training_planes
        from ...learning.training import Recipe, Trainer

        options = self.options
        network = build_network(replace(self.shape, channels=source.channels), options.seed, self.pretrained)
        if source.prior is not None:
            start_from_prior(network)
        cost = Cost(*relative_cost(network, source.channels, self.shape.stride))
        tile = self._tile(source.working)
        predicted = len(self.targets) * int(np.prod(source.working.size)) * (5 if options.test_time_augmentation else 1)
        steps = options.steps or self.defaults.steps
        if self.device == "cpu" and options.steps is None:
            steps = min(steps, steps_within(self.budget_s, cost, options.batch_size * tile[0] * tile[1], predicted))
        training_s = training_seconds(self.budget_s, cost, predicted if self.device == "cpu" else 0)
        network = network.to(self.device, memory_format=torch.channels_last)
        held_out = held_out_planes(self.annotation) if options.optimisation != "one-cycle" else []
        planes = [plane for plane in training_planes(self.annotation, options.border_planes) if plane not in held_out]
        recipe = Recipe(
            loss=options.loss,
            optimisation=options.optimisation,
            learning_rate=self._learning_rate(),
            batch_size=options.batch_size,
            steps=steps,
            tile=tile,
            hold_to_prior=options.hold_to_prior,
            augmentation=options,
            seed=options.seed,
        )
        return network, Trainer(network, source, planes, held_out, recipe, self.started + training_s)

    def _learning_rate(self) -> float | None:
        """What corrects a prior learns more slowly than what learns from nothing (Dice .900 against .896, 6 cases)."""
        if (
            self.options.learning_rate is None
            and self.options.optimisation == "one-cycle"
            and self.options.prior != "none"
        ):
            return _RATE_FROM_PRIOR
        return self.options.learning_rate

    def _tile(self, working) -> tuple[int, int]:
        """The whole region, padded to the stride, up to the tile's side (rounded up to the stride too)."""
        stride = self.shape.stride
        most = self.options.tile_px or self.defaults.tile_px
        return tuple(-(-min(length, most) // stride) * stride for length in working.size)

    def _train(self, trainer) -> Iterator[Progress]:
        low, high = self.training_from, _TRAINING_TO
        shown = time.monotonic()
        for step in trainer.run():
            preview = None
            if time.monotonic() - shown > _PREVIEW_EVERY_S:
                preview = self._preview(trainer)
                shown = time.monotonic()
            remaining = (time.monotonic() - trainer.started) * (1 - step.progress) / max(step.progress, 1e-6)
            message = f"epoch {step.epoch}, loss {step.loss:.3f}, {remaining:.0f} s left"
            if step.score is not None and trainer.held_out:
                message += f", held-out Dice {step.score:.3f}"
            yield Progress("training", low + (high - low) * min(1.0, step.progress), message, preview)

    def _preview(self, trainer) -> tuple[int, np.ndarray]:
        """The middle one of the planes to predict, as the network sees it now."""
        from ...learning.inference import plane_probabilities

        plane = self.targets[len(self.targets) // 2]
        labels = np.zeros(self.volume.shape[1:], np.uint8)
        ((_, probabilities),) = plane_probabilities(trainer.network, trainer.source, [plane], trainer.loss)
        labels[trainer.source.working.box] = probabilities[0].argmax(0).cpu().numpy()
        np.copyto(labels, self.annotation.labels[plane], where=self.annotation.known[plane])
        return plane, labels

    def _predict_planes(self, network, source, loss, details) -> Iterator[Progress | Prediction]:
        from ...learning.expected_dice import ExpectedDice
        from ...learning.inference import plane_probabilities, views_for

        annotation, options = self.annotation, self.options
        views = views_for(options.test_time_augmentation, options.flips)
        labels = annotation.labels.copy()
        kept = _known_probabilities(annotation) if options.keep_probabilities else None
        sums = ExpectedDice(annotation)
        done = 0
        for planes, probabilities in plane_probabilities(network, source, self.targets, loss, views):
            winners = probabilities.argmax(1)
            box = (planes, *source.working.box)
            labels[box] = winners.cpu().numpy()
            sums.add(planes, probabilities, winners)
            if kept is not None:
                kept[(0, planes)] = 1
                kept[(slice(1, None), planes)] = 0
                kept[(slice(None), *box)] = probabilities.movedim(1, 0).cpu().numpy()
            done += len(planes)
            yield Progress("predicting", _TRAINING_TO + (1 - _TRAINING_TO) * done / len(self.targets))
        if kept is not None:
            _set_known(kept, annotation)
        details["seconds"] = round(time.monotonic() - self.started, 2)
        per_plane, whole = sums.result()
        yield Prediction(labels, kept, expected_dice_per_plane=per_plane, expected_dice=whole, details=details)

    def _details(self, trainer) -> dict:
        return {
            "architecture": self.shape.architecture,
            "encoder": self.shape.encoder,
            "device": self.device,
            "training_planes": len(trainer.planes),
            "held_out_planes": [int(plane) for plane in trainer.held_out],
            "batch_size": trainer.batch_size,
            "tile": list(trainer.recipe.tile),
            "region": [[side.start, side.stop] for side in trainer.source.working.box],
            "magnified": trainer.source.working.zoom,
            "prior_weights": [round(weight, 3) for weight in getattr(trainer.source.prior, "weights", [])],
            "learning_rate": trainer.schedule.rate,
            "steps_planned": trainer.recipe.steps,
            "steps": trainer.steps_done,
            "stopped_by_clock": trainer.stopped_by_clock,
            "training_seconds": round(time.monotonic() - trainer.started, 2),
        }


def _partly_painted(annotation: SparseAnnotation) -> list[int]:
    """Painted planes inside the range on which not everything is known."""
    first, last = annotation.plane_range
    complete = set(annotation.complete_planes)
    return [plane for plane in annotation.painted_planes if first <= plane <= last and plane not in complete]


def _known_probabilities(annotation: SparseAnnotation) -> np.ndarray:
    probabilities = np.zeros((annotation.class_count + 1, *annotation.labels.shape), np.float16)
    probabilities[0] = 1
    return probabilities


def _set_known(probabilities: np.ndarray, annotation: SparseAnnotation) -> None:
    """Certainty where the truth is known, plane by plane."""
    for plane in np.flatnonzero(annotation.known.any(axis=(1, 2))):
        known = annotation.known[plane]
        certain = np.arange(len(probabilities))[:, None, None] == annotation.labels[plane]
        np.copyto(probabilities[:, plane], certain, where=known)
