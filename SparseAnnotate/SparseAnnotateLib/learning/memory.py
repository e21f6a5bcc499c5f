"""Memory of the device: precision, batches that fit, and what to do when they do not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

# Share of the free memory that one batch may take, and what counts as free where nobody can say.
_SHARE_OF_FREE = 0.4
_CPU_BYTES = 1_500_000_000


def autocast(device: str):
    """Mixed precision on CUDA: bfloat16 where the GPU has it, float16 elsewhere; nothing on other devices."""
    import torch

    if device != "cuda":
        return contextlib.nullcontext()
    return torch.autocast("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)


def gradient_scaler(device: str):
    """A gradient scaler, at work only with float16, whose gradients would vanish."""
    import torch

    enabled = device == "cuda" and not torch.cuda.is_bf16_supported()
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)  # before torch 2.3


def fitting_batch(device: str, bytes_each: float, most: int) -> int:
    """How many items of a size to work on at once: at least 1, at most `most`."""
    free = _CPU_BYTES
    if device == "cuda":
        import torch

        free = torch.cuda.mem_get_info()[0]
    return int(min(most, max(1, _SHARE_OF_FREE * free // bytes_each)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch says that the device's memory is full; each kind of device says it in its own way."""
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def free_cache(device: str) -> None:
    """Give memory that torch keeps for later back to the device."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def with_fitting_batch(
    attempt: Callable[[int], Result], batch: int, device: str, smallest: int = 1
) -> tuple[Result, int]:
    """`attempt(batch)`, with half the batch again as long as memory runs out.

    Returns
    -------
    its result, and the batch that fitted

    Raises
    ------
    InputError
        Where not even `smallest` fits.
    """
    from ..errors import InputError

    while True:
        try:
            return attempt(batch), batch
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if batch <= smallest:
                raise InputError(
                    f"the memory of the device {device} is full even with {batch} planes at once: "
                    "choose a smaller encoder or tile, or the device cpu"
                ) from error
        # Outside of the except clause: there the traceback still holds the tensors that did not fit.
        batch = max(smallest, batch // 2)
        free_cache(device)
