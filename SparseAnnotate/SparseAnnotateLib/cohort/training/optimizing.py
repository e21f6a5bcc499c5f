"""The optimiser of a training, and how its learning rate goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...learning.schedules import Schedule, build_schedule
from .settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

_ADAMW_WEIGHT_DECAY = 1e-2

# Zhang 2019.
_SGD_MOMENTUM, _SGD_WEIGHT_DECAY = 0.9, 1e-4


def optimizer_and_schedule(network: nn.Module, settings: TrainingSettings) -> tuple[Optimizer, Schedule]:
    """Those that the settings ask for, at their beginning."""
    from torch import optim

    # Rates come from the schedule.
    if settings.optimizer == "sgd":
        optimizer = optim.SGD(network.parameters(), 1e-3, momentum=_SGD_MOMENTUM, weight_decay=_SGD_WEIGHT_DECAY)
    else:
        optimizer = optim.AdamW(network.parameters(), 1e-3, weight_decay=_ADAMW_WEIGHT_DECAY)
    return optimizer, build_schedule(settings.optimisation, optimizer, settings.learning_rate, settings.restart_epochs)
