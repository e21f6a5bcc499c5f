"""How the learning rate goes: as it is, one cycle, reduce on plateau, and the two steps of Specktor-Fadida 2023."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError

if TYPE_CHECKING:
    from torch.optim import Optimizer


class Schedule:
    """Sets the learning rate of an optimiser as training goes on, and says when to stop.

    `progress` is the share of the training that is done (0..1), by steps or by the clock, whichever is further.
    """

    name: ClassVar[str]
    default_rate: ClassVar[float]

    def __init__(self, optimizer: Optimizer, rate: float):
        self.optimizer = optimizer
        self.rate = rate
        self.finished = False

    def before_step(self, progress: float) -> None:
        """Set the learning rate of the coming step."""

    def after_epoch(self, score: float) -> bool:
        """Take the score of an epoch (higher is better); True asks to go back to the best weights so far."""
        del score
        return False

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` needs to go on after the last epoch, but for the optimiser's own state."""
        plain = {name: value for name, value in vars(self).items() if isinstance(value, bool | int | float)}
        others = {name: value for name, value in vars(self).items() if name != "optimizer" and name not in plain}
        return {**plain, **{name: value and value.state_dict() for name, value in others.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; load the optimiser's state afterwards."""
        for name, value in state.items():
            if isinstance(value, Mapping):
                getattr(self, name).load_state_dict(value)
            else:
                setattr(self, name, value)

    def _set(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate


class Constant(Schedule):
    """As it was given, from the first step to the last (Zhang 2019)."""

    name = "constant"
    default_rate = 1e-3

    def before_step(self, progress):  # noqa: ARG002
        self._set(self.rate)


class OneCycle(Schedule):
    """Up along a cosine for a quarter of the way, down for the rest (Smith 2018). Needs no held-out planes."""

    name = "one-cycle"
    default_rate = 3e-3
    warm_up = 0.25
    first_share, last_share = 1 / 25, 1 / 1000

    def before_step(self, progress):
        if progress < self.warm_up:
            low, position = self.first_share, progress / self.warm_up
        else:
            low, position = self.last_share, (1 - progress) / (1 - self.warm_up)
        height = 0.5 - 0.5 * math.cos(math.pi * min(1.0, max(0.0, position)))
        self._set(self.rate * (low + (1 - low) * height))


class Plateau(Schedule):
    """Halved after 10 epochs without a better score, stopped early after 30."""

    name = "plateau"
    default_rate = 5e-4
    patience, early_stop = 10, 30

    def __init__(self, optimizer, rate):
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        super().__init__(optimizer, rate)
        self._set(rate)
        self.reducer = ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=self.patience)
        self.best, self.epochs_since = -math.inf, 0

    def after_epoch(self, score):
        self.reducer.step(score)
        self._count(score)
        self.finished = self.epochs_since >= self.early_stop
        return False

    def _count(self, score: float) -> None:
        self.epochs_since = 0 if score > self.best else self.epochs_since + 1
        self.best = max(self.best, score)


class TwoStep(Plateau):
    """`plateau` first; then, from its best weights, warm restarts every 60 epochs (Specktor-Fadida 2023).

    The second step begins when the first one stops early, at the latest half way.
    """

    name = "two-step"

    def __init__(self, optimizer, rate, restart_epochs: int = 60):
        super().__init__(optimizer, rate)
        self.restart_epochs = restart_epochs
        self.restarts = None
        self.half_way = False

    def before_step(self, progress):
        self.half_way = progress >= 0.5

    def after_epoch(self, score):
        if self.restarts is None:
            super().after_epoch(score)
            if not (self.finished or self.half_way):
                return False
            self._begin_second_step()
            return True
        self._count(score)
        self.restarts.step()
        # A whole restart without gain, and a half, is enough.
        self.finished = self.epochs_since >= self.restart_epochs * 3 // 2
        return False

    def load_state_dict(self, state):
        if state["restarts"] is not None:
            self._begin_second_step()
        super().load_state_dict(state)

    def _begin_second_step(self) -> None:
        from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

        self.finished, self.epochs_since = False, 0
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] = self.rate
        self.restarts = CosineAnnealingWarmRestarts(self.optimizer, T_0=self.restart_epochs)


class Restarts(TwoStep):
    """The second step of `two-step` alone, for a training that goes on from another one's weights."""

    name = "restarts"

    def __init__(self, optimizer, rate, restart_epochs: int = 60):
        super().__init__(optimizer, rate, restart_epochs)
        self._begin_second_step()


SCHEDULES: dict[str, type[Schedule]] = {cls.name: cls for cls in (OneCycle, TwoStep, Plateau, Restarts, Constant)}


def build_schedule(name: str, optimizer: Optimizer, rate: float | None, restart_epochs: int) -> Schedule:
    """The schedule of that name at its own rate, where none is given, with restarts after so many epochs."""
    kind = schedule_class(name)
    restarts = {"restart_epochs": restart_epochs} if issubclass(kind, TwoStep) else {}
    return kind(optimizer, rate or kind.default_rate, **restarts)


def schedule_class(name: str) -> type[Schedule]:
    """The schedule of that name; InputError names those that exist."""
    if name not in SCHEDULES:
        raise InputError(f"there is no optimisation {name!r}: choose among {', '.join(SCHEDULES)}")
    return SCHEDULES[name]
