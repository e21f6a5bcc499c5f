"""Memory of the device: precision, batches that fit, and what to do when they do not."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
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
    return torch.autocast("cuda", torch.bfloat16 if _has_bfloat16() else torch.float16)


def _has_bfloat16() -> bool:
    """Whether the GPU itself computes in bfloat16.

    torch's `is_bf16_supported` also says so of GPUs that emulate it, more slowly than float32 (NVIDIA before Ampere).
    """
    import torch

    return torch.version.hip is not None or torch.cuda.get_device_capability()[0] >= 8


def gradient_scaler(device: str):
    """A gradient scaler, at work only with float16, whose gradients would vanish."""
    import torch

    enabled = device == "cuda" and not _has_bfloat16()
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)  # before torch 2.3


def fitting_batch(device: str, bytes_each: float, most: int) -> int:
    """How many items of a size to work on at once: at least 1, at most `most`."""
    free = _CPU_BYTES
    if device == "cuda":
        import torch

        # What torch keeps for later is taken for the device, free for us: after training that is most of it.
        free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return int(min(most, max(1, _SHARE_OF_FREE * free // bytes_each)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch says that the device's memory is full; each kind of device says it in its own way."""
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    words = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")  # the last: cuBLAS, cuDNN
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def free_cache(device: str) -> None:
    """Give memory that torch keeps for later back to the device."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


@contextlib.contextmanager
def freed_afterwards(device: str) -> Iterator[None]:
    """Give the device's memory back at the end of a block, however it ends.

    Raises
    ------
    InputError
        Instead of torch's error, where the memory runs out and no smaller batch can help.
    """
    from ..errors import InputError

    try:
        yield
    except (RuntimeError, InputError) as error:
        # What the functions that failed held would live, on the device, as long as somebody holds the error.
        traceback.clear_frames(error.__traceback__)
        if not is_out_of_memory(error):
            raise
        raise InputError(
            f"the memory of the device {device} is full: choose a smaller encoder or tile, or the device cpu"
        ) from error
    finally:
        free_cache(device)


def with_fitting_batch(
    attempt: Callable[[int], Result],
    batch: int,
    device: str,
    smallest: int = 1,
    *,
    items: str = "planes",
    advice: str = "choose a smaller encoder or tile, or the device cpu",
) -> tuple[Result, int]:
    """`attempt(batch)`, with half the batch again as long as memory runs out.

    Parameters
    ----------
    items, advice : what a batch consists of, and what helps where not even the smallest one fits, in words

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
                traceback.clear_frames(error.__traceback__)
                raise InputError(
                    f"the memory of the device {device} is full even with {batch} {items} at once: {advice}"
                ) from error
        # Outside of the except clause: there the traceback still holds the tensors that did not fit.
        batch = max(smallest, batch // 2)
        free_cache(device)
