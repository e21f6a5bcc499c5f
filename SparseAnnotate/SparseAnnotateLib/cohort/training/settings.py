"""How a cohort network is trained: what the command line, the study and Python callers may choose."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...device import DEVICES
from ...errors import InputError
from ..model import NETWORKS, CohortConfiguration

# Losses after which a softmax gives the probabilities, which is what a cohort model's are.
LOSSES = ("dice", "ce", "dice+ce")

# What a model that a training goes on from has decided.
OF_THE_NETWORK = ("network", "block", "spacing_mm", "base_channels", "depth", "known_channel")

# AdamW, and stochastic gradient descent with a momentum of .9 and a weight decay of 1e-4 (Zhang 2019).
OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The defaults are the paper's (Specktor-Fadida 2023), where it tells; None stands for "from the scans".

    Attributes
    ----------
    network : ``attention-unet3d`` (Zhang 2019), or a plain ``unet3d`` of the same size
    block : planes, rows and columns that the network sees at once; smaller where all scans are
    spacing_mm : of planes, rows and columns, to which every scan is resampled; None: the median of the scans
    base_channels : at full resolution; doubled at each halving
    depth : times that rows and columns are halved
    known_channel : the second input channel is the known mask; hidden from half of the blocks, for it is empty in a
        scan that nobody has painted
    loss : ``dice`` (selective batch soft Dice), ``ce`` (selective cross entropy), or ``dice+ce``
    optimizer : ``adamw``, or ``sgd`` (Zhang 2019)
    optimisation : ``two-step``, ``plateau``, ``one-cycle``, which suits a budget of minutes better, ``restarts``, the
        second step alone, or ``constant`` (Zhang 2019)
    restart_epochs : between the warm restarts of ``two-step`` and ``restarts``
    learning_rate : the highest; None takes the optimisation's own (two-step: 5e-4)
    batch_size : blocks a step, over all processes
    blocks_at_once : of them in memory at once: gradients are accumulated; None: as many as fit
    epochs : at most; training stops before, where nothing gets better any more
    blocks_per_epoch : None: as many as cover what is painted, but at least 8 batches
    budget_s : seconds that training may take; on the CPU it shortens `epochs` by counted work beforehand
    validation_share : of the scans that are kept out to choose rates and weights by; below 3 scans none is
    validation_scans : their names, instead
    structure_share : of the blocks that are drawn around a structure's voxel; the others hold a painted plane anywhere
    augmentation : turn, scale, shift blocks in their planes, and change their intensities
    flips : mirror rows and columns as well, where anatomy allows
    seed : of all random numbers
    device : ``auto``, ``cpu``, ``cuda`` or ``mps``
    """

    network: str = "attention-unet3d"
    block: tuple[int, int, int] = (48, 128, 128)
    spacing_mm: tuple[float, float, float] | None = None
    base_channels: int = 16
    depth: int = 3
    known_channel: bool = True
    loss: str = "dice"
    optimizer: str = "adamw"
    optimisation: str = "two-step"
    restart_epochs: int = 60
    learning_rate: float | None = None
    batch_size: int = 8
    blocks_at_once: int | None = None
    epochs: int = 300
    blocks_per_epoch: int | None = None
    budget_s: float | None = None
    validation_share: float = 0.2
    validation_scans: tuple[str, ...] = ()
    structure_share: float = 2 / 3
    augmentation: bool = True
    flips: bool = False
    seed: int = 0
    device: str = "auto"

    def __post_init__(self):
        from ...learning.schedules import schedule_class

        schedule_class(self.optimisation)
        for name, known in _CHOICES:
            if getattr(self, name) not in known:
                raise InputError(f"there is no {name} {getattr(self, name)!r}: choose among {', '.join(known)}")
        self._check_numbers()
        if len(self.block) != 3 or min(self.block) < 1:
            raise InputError("block: give planes, rows and columns, such as 48,128,128")
        if self.spacing_mm is not None and not _are_lengths(self.spacing_mm):
            raise InputError("spacing: give the distance of planes, rows and columns in mm, such as 3,1,1")
        if not 1 <= self.depth <= 6:
            raise InputError(f"depth is {self.depth}: give 1 to 6")

    def with_network_of(self, configuration: CohortConfiguration) -> TrainingSettings:
        """The same training of the network that a model holds, which says all that these settings say of it."""
        return replace(self, **{name: getattr(configuration, name) for name in OF_THE_NETWORK})

    def _check_numbers(self) -> None:
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value:g}: give a number above 0")
        for name in ("validation_share", "structure_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name):g}: give a share, 0 to 1")
        if self.seed < 0:
            raise InputError(f"the seed is {self.seed}: give 0 or more")


_ABOVE_ZERO = ("base_channels", "learning_rate", "batch_size", "blocks_at_once", "epochs", "blocks_per_epoch")
_ABOVE_ZERO += ("budget_s", "restart_epochs")

_CHOICES = (("network", NETWORKS), ("loss", LOSSES), ("optimizer", OPTIMIZERS), ("device", DEVICES))


def _are_lengths(values: tuple[float, ...]) -> bool:
    return len(values) == 3 and all(math.isfinite(value) and value > 0 for value in values)
