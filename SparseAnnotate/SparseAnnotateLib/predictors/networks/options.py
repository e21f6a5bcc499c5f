"""Options of the network predictors, and what they stand for by default on each kind of device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...cohort.model import check_model
from ...errors import InputError
from ...learning.augmentation import Augmentation
from ..base import PredictorOptions


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(Augmentation, PredictorOptions):
    """Options of the network predictors; ``None`` and ``auto`` mean the device's defaults (docs/design/networks.md).

    Those of `Augmentation` say how far training planes are changed.

    Attributes
    ----------
    encoder : a name of segmentation_models_pytorch's (``resnet34``), or ``tu-`` and a name of timm's
    encoder_weights : ``none`` starts from random ones, ``imagenet`` from pretrained ones, or a file with a state dict
    weights : a file or folder with pretrained weights, whatever `encoder_weights` says (``--weights PATH``)
    encoder_depth : times that the encoder halves the plane
    decoder_width : decoder channels at full resolution
    neighbours : planes on each side that are input, too; 0 as in Payer 2023
    known_channel : the known mask is a channel (Specktor-Fadida 2023)
    prior : a further input, and the start of the output: ``shape``, interpolated outlines; ``cohort``, outlines and a
        cohort model's probabilities, weighed by how well they fit the painted planes; ``none`` as in the papers
    start_from : a cohort model (``sparse-annotate cohort train``); then `prior` is ``cohort``
    border_planes : planes next to each end of the range, known to be empty, that are trained on (Specktor-Fadida 2023)
    loss : ``dice``, ``ce``, ``pbce``, ``mbce``, or a sum such as ``dice+ce``
    optimisation : ``one-cycle``, ``plateau``, or ``two-step`` (Specktor-Fadida 2023); the latter two keep every fifth
        painted plane out of training, to choose the best weights by
    learning_rate : of AdamW; by default 1e-3 for one-cycle from a prior, 3e-3 without one, 5e-4 for the others
    batch_size : windows of planes a training step
    steps : training steps; by default as many as the budget holds
    budget_s : seconds for everything; by default 120 on the CPU, 12 on a GPU
    hold_to_prior : how strongly the network keeps to its prior where partly painted planes are unknown; 0: not at all
    tile_px : side of a training window, as magnified
    smallest_side_px : smaller regions are magnified to this
    margin_px : how far around the painted labels structures are looked for
    test_time_augmentation : predict the mean of five views (turned, scaled; two more with flips)
    """

    encoder: str = "auto"
    encoder_weights: str = "none"
    weights: str | None = None
    encoder_depth: int | None = None
    decoder_width: int | None = None
    neighbours: int = 1
    known_channel: bool = False
    prior: Literal["shape", "cohort", "none"] = "shape"
    start_from: str | None = None
    border_planes: int = 1
    loss: str = "dice+ce"
    optimisation: Literal["one-cycle", "two-step", "plateau"] = "one-cycle"
    learning_rate: float | None = None
    batch_size: int = 8
    steps: int | None = None
    budget_s: float | None = None
    hold_to_prior: float = 2.0
    tile_px: int | None = None
    smallest_side_px: int = 64
    margin_px: int = 12
    test_time_augmentation: bool = False

    def validate(self) -> None:
        """Refuse values that make no sense, and unknown losses, before anything heavy is loaded."""
        from ...learning.losses import build_loss

        build_loss(self.loss)
        if self.prior == "cohort" and self.start_from is None:
            raise InputError("the prior cohort needs a cohort model: give --start-from MODEL")
        if self.start_from is not None:
            object.__setattr__(self, "prior", "cohort")
        at_least = {"neighbours": 0, "border_planes": 0, "batch_size": 2, "smallest_side_px": 16, "margin_px": 0}
        at_least |= {"steps": 2, "encoder_depth": 3, "decoder_width": 1, "tile_px": 32}
        for name, least in at_least.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} is {value}: give at least {least}")
        for name in ("budget_s", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value:g}: give a number above 0")
        for name in ("rotation_degrees", "scale", "shift", "gamma", "noise", "blur", "hold_to_prior"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name):g}: give 0 or more")

    def check_files(self) -> None:
        """See `Options`."""
        from ...learning.pretrained.weights import check_there

        check_model(self.start_from)
        check_there(self.weights, "--weights")
        if self.encoder_weights not in ("none", "imagenet"):
            check_there(self.encoder_weights, "encoder_weights")


@dataclass(frozen=True)
class DeviceDefaults:
    """What `auto` and None stand for on a kind of device."""

    encoder: str
    encoder_depth: int
    decoder_width: int
    tile_px: int
    budget_s: float
    steps: int


CPU_DEFAULTS = DeviceDefaults("resnet18", 4, 8, 64, 120.0, 100)
GPU_DEFAULTS = DeviceDefaults("resnet34", 5, 16, 192, 12.0, 400)
