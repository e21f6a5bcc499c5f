"""How many training steps fit into a time: from counted work, not a stopwatch, so that it is the same each time."""

from __future__ import annotations

from dataclasses import dataclass

# Two cores of the computer on which this was built took 1 / 60e9 s a multiply-add (three a training step: forward,
# and backward for weights and inputs) and 4 ns an activation: within a third of what eleven encoders took, MAnet's and
# DeepLabV3+'s dilated and depthwise layers twice that. Where a computer is slower the clock takes over (training.py).
_CPU_MULTIPLY_ADDS_PER_S = 60e9
_CPU_ACTIVATIONS_PER_S = 0.25e9

# What an inference pass costs of a training step on as many pixels (measured: .21 to .46).
_INFERENCE_SHARE = 0.33

# Time kept for building the network and writing the result, as a share of the budget.
_RESERVE = 0.1


@dataclass(frozen=True)
class Cost:
    """Work per input pixel of one forward pass: see `networks.relative_cost`."""

    multiply_adds: float
    activations: float

    @property
    def cpu_seconds_per_training_pixel(self) -> float:
        """Modelled, on two cores."""
        return 3 * self.multiply_adds / _CPU_MULTIPLY_ADDS_PER_S + self.activations / _CPU_ACTIVATIONS_PER_S


def steps_within(budget_s: float, cost: Cost, pixels_per_step: int, predicted_pixels: int) -> int:
    """Training steps that leave time for predicting `predicted_pixels` (views counted), on two modelled cores."""
    per_pixel = cost.cpu_seconds_per_training_pixel
    available = budget_s * (1 - _RESERVE) - predicted_pixels * per_pixel * _INFERENCE_SHARE
    # However long predicting takes, a third of the time goes into learning something to predict.
    return max(2, int(max(available, budget_s / 3) / (pixels_per_step * per_pixel)))


def training_seconds(budget_s: float, cost: Cost, predicted_pixels: int) -> float:
    """The share of the budget after which the clock ends training."""
    inference = predicted_pixels * cost.cpu_seconds_per_training_pixel * _INFERENCE_SHARE
    return max(budget_s / 3, budget_s * (1 - _RESERVE / 2) - inference)
