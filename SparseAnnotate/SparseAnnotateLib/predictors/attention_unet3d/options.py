"""What may be chosen of `attention-unet3d`."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import Literal

from ...cohort.model import check_model
from ...errors import InputError
from ...io import check_writable
from ..base import PredictorOptions


@dataclass(frozen=True, kw_only=True)
class AttentionUnet3dOptions(PredictorOptions):
    """Options of `attention-unet3d`; None stands for the device's default.

    Attributes
    ----------
    iterations : training steps an update; 500 (Zhang 2019), on the CPU no more than the budget holds
    budget_s : seconds for everything; by default 120 on the CPU, none on a GPU
    width : channels at full resolution: by default 8 on the CPU, 16 on a GPU
    patch : planes, rows and columns of a training patch: by default 16,64,64 on the CPU, 32,128,128 on a GPU
    batch_size : patches a step
    optimizer : ``sgd``: stochastic gradient descent at a constant rate (Zhang 2019); ``adam``: AdamW, its rate rising
        and falling along a cosine, gradients cut at a norm of 1; ``auto``: sgd on a GPU, adam on the CPU, whose budget
        holds a fraction of the paper's iterations
    learning_rate : by default 1e-3 for sgd (Zhang 2019), 5e-3 for adam
    class_balance : exponent of the inverse frequency that the known voxels of a class count with: by default 0 on a
        GPU, all alike (Zhang 2019), 0.5 on the CPU
    momentum : of sgd (Zhang 2019)
    weight_decay : of either (Zhang 2019)
    state : a file (.npz) with weights to go on from, where it exists, and to write the new ones to: an update after
        each round goes on from the last one
    start_from : a cohort model (``sparse-annotate cohort train``) whose weights to begin with; width and, by default,
        patch and learning rate are then the model's and a quarter of the usual one
    """

    iterations: int | None = None
    budget_s: float | None = None
    width: int | None = None
    patch: tuple[int, ...] | None = None
    batch_size: int = 2
    optimizer: Literal["auto", "sgd", "adam"] = "auto"
    learning_rate: float | None = None
    class_balance: float | None = None
    momentum: float = 0.9
    weight_decay: float = 1e-4
    state: str | None = None
    start_from: str | None = None

    def validate(self):
        """Raise InputError for what makes no sense."""
        super().validate()
        for name in ("iterations", "budget_s", "width", "batch_size", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{name} is {value:g}: give a number above 0")
        if self.class_balance is not None and not 0 <= self.class_balance <= 1:
            raise InputError(f"class_balance is {self.class_balance:g}: give a number from 0 to 1")
        if self.patch is not None and (len(self.patch) != 3 or min(self.patch) < 8):
            raise InputError("patch: give planes, rows and columns, each at least 8, such as 16,64,64")

    def check_files(self) -> None:
        """See `Options`; a file for the weights is written at the very end, so it must be one that can be."""
        check_model(self.start_from)
        if self.state is not None:
            path = check_writable(self.state, (".npz",))
            if path.exists() and not zipfile.is_zipfile(path):
                raise InputError(f"the state {path} holds no weights of attention-unet3d: name another file")
