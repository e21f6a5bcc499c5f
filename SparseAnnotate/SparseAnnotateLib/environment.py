"""What this computer has: versions of packages, the device, memory used so far. Nothing heavy is imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from typing import Any

from .device import resolve_device

# Packages whose version can change a result, by the name that pip knows.
_DECISIVE = ("numpy", "scipy", "SimpleITK", "scikit-learn", "opencv-python-headless", "torch")
_OTHERS = (
    "scikit-image",
    "pydicom",
    "highdicom",
    "tifffile",
    "itk-morphologicalcontourinterpolation",
    "torchvision",
    "segmentation-models-pytorch",
    "lpips",
    "distributed",
    "slicer-core",
    "nilearn",
)


def versions(*, every: bool = False) -> dict[str, str]:
    """Versions by package; of `every` optional one too, "not installed" where it is not."""
    from . import __version__

    found = {"sparse-annotate": __version__, "python": platform.python_version()}
    for name in (*_DECISIVE, *(_OTHERS if every else ())):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if every:
                found[name] = "not installed"
    return found


def device_name(device: str = "auto") -> str:
    """The device that would be used, with the GPU's name where it is one."""
    resolved = resolve_device(device)
    if resolved != "cuda":
        return resolved
    import torch

    return f"cuda ({torch.cuda.get_device_name()})"


def missing_package(cls: Any) -> str | None:
    """What to give pip so that a selector or predictor works; None if it does already.

    A class names the modules it needs beyond the core install in `needs`, and the extra that brings them in `extra`.
    """
    if all(importlib.util.find_spec(module) for module in cls.needs):
        return None
    return f"sparse-annotate[{cls.extra}]"


def peak_memory_mb() -> float | None:
    """The most memory that this process has held so far, in MB; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
