"""How `attention-unet3d` is trained: Zhang's numbers on a GPU, what a few iterations can do with on the CPU."""

from __future__ import annotations

from ...learning.attention.training import AttentionRecipe
from .options import AttentionUnet3dOptions

# For the CPU's few iterations: with about 100, the paper's SGD labels nothing of a hippocampus, this reaches Dice .80.
_ADAM_RATE = 5e-3
_SGD_RATE = 1e-3
_CPU_BALANCE = 0.5
_LARGEST_GRADIENT = 1.0

# From weights that know the structures already.
_CONTINUED = 0.25


def recipe_for(
    options: AttentionUnet3dOptions, device: str, iterations: int, patch: tuple[int, int, int], *, continued: bool
) -> AttentionRecipe:
    """What the options ask for, with the device's defaults.

    Parameters
    ----------
    continued : it begins with weights of a cohort: a quarter of the usual rate
    """
    on_cpu = device == "cpu"
    name = options.optimizer if options.optimizer != "auto" else ("adam" if on_cpu else "sgd")
    quickly = name == "adam"
    usual = (_ADAM_RATE if quickly else _SGD_RATE) * (_CONTINUED if continued else 1)
    return AttentionRecipe(
        iterations=iterations,
        learning_rate=options.learning_rate or usual,
        momentum=options.momentum,
        weight_decay=options.weight_decay,
        patch=patch,
        batch=options.batch_size,
        optimizer=name,
        class_balance=(_CPU_BALANCE if on_cpu else 0.0) if options.class_balance is None else options.class_balance,
        one_cycle=quickly,
        largest_gradient=_LARGEST_GRADIENT if quickly else None,
    )
