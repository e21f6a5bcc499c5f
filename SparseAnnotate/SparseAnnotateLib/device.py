"""Which device to compute on, decided once and without importing torch where there is no GPU."""

from __future__ import annotations

import ctypes
import importlib.util
import sys

from .errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(device: str = "auto") -> str:
    """``cuda``, ``mps`` or ``cpu``: the best one here for ``auto``, otherwise `device` itself if it is here.

    Raises
    ------
    InputError
        Where the device asked for is not available, saying why.
    """
    if device not in DEVICES:
        raise InputError(f"unknown device {device!r}: choose among {', '.join(DEVICES)}")
    if device == "cpu":
        return "cpu"
    if device == "auto":
        return next((name for name in ("cuda", "mps") if _reason_against(name) is None), "cpu")
    reason = _reason_against(device)
    if reason:
        raise InputError(f"the device {device} cannot be used: {reason}; choose cpu or auto")
    return device


def _reason_against(device: str) -> str | None:
    """Why a device is not available; None if it is. Imports torch only where the hardware is there."""
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed"
    if device == "cuda":
        if not _nvidia_driver_present():
            return "no NVIDIA GPU was found"
        import torch

        return None if torch.cuda.is_available() else "this build of torch does not see the GPU"
    if sys.platform != "darwin":
        return "it exists on Apple computers only"
    import torch

    return None if torch.backends.mps.is_available() else "this Mac has no Metal device that torch can use"


def _nvidia_driver_present() -> bool:
    """Ask the driver itself for its GPUs: 1 ms, where importing torch takes over a second."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
