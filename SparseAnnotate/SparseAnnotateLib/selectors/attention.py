"""Planes on which the two heads of an attention network agree least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import require
from ._active import ActiveSelector
from .base import SELECTORS, SelectorOptions, Suggestion


@dataclass(frozen=True, kw_only=True)
class AttentionOptions(SelectorOptions):
    """Options of `attention`: those of the predictor `attention-unet3d` that it trains.

    Attributes
    ----------
    device : ``auto`` takes a GPU where there is one
    iterations : training steps an update; 500 (Zhang 2019), on the CPU no more than the budget holds
    budget_s : seconds for the network; by default 120 on the CPU
    state : a file (.npz) with the network's weights: each update goes on from the last one
    """

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    iterations: int | None = None
    budget_s: float | None = None
    state: str | None = None


@SELECTORS.register
class AttentionSelector(ActiveSelector):
    """The planes with the lowest P-DSC, or P-accuracy for several classes (Zhang 2019).

    Trains `attention-unet3d` on what is painted, unless the last prediction is one of that.
    """

    name = "attention"
    summary = "planes where a 3-D network's two outputs agree least (Zhang 2019); measured: worse than keep-n"
    Options = AttentionOptions
    needs = ("torch",)

    def _choose_by_prediction(self, volume, annotation, candidates, count, rng):
        agreement = np.array(self._details(volume, annotation, rng)[self._measure(annotation)])[candidates]
        order = np.argsort(agreement, kind="stable")[:count]
        return [
            Suggestion(int(candidates[n]), float(1 - agreement[n]), f"its two outputs agree by {agreement[n]:.2f} only")
            for n in order
        ]

    @staticmethod
    def _measure(annotation) -> str:
        return "p_dsc" if annotation.class_count == 1 else "p_accuracy"

    def _details(self, volume, annotation, rng) -> dict:
        from ..predictors import PREDICTORS, run

        last = self._fitting_prediction(annotation)
        if last is not None and self._measure(annotation) in last.details:
            return last.details
        require("torch", extra="deep", purpose=f"the selector {self.name}")
        options = {**self.options.to_dict(), "seed": int(rng.integers(2**31))}
        return run(PREDICTORS.create("attention-unet3d", options), volume, annotation).details
