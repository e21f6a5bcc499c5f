"""How much memory tasks may take together."""

from __future__ import annotations

import os
from pathlib import Path

# 512x512x600 with 5 classes: shape 1.8 GB, guided under 6 GB (docs/measurements/guided.md), so 11 to 38 bytes a
# voxel on top of what Python and its packages take.
_BYTES_PER_VOXEL = 40
_BYTES_OF_A_WORKER = 400_000_000
_SHARE_OF_FREE = 0.8


def bytes_for(megavoxels: float) -> float:
    """What a task on a case of that size may take, roughly and rather too much."""
    return _BYTES_OF_A_WORKER + _BYTES_PER_VOXEL * megavoxels * 1e6


def memory_budget() -> float:
    """The bytes that all tasks together may take on this machine; infinite where the system does not say."""
    free = min(_available(), _left_in_control_group())
    return _SHARE_OF_FREE * free


def _available() -> float:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _left_in_control_group() -> float:
    """Less than the machine has, in a container with a limit."""
    root = Path("/sys/fs/cgroup")
    try:
        limit = (root / "memory.max").read_text(encoding="ascii").strip()
        used = float((root / "memory.current").read_text(encoding="ascii"))
        return float("inf") if limit == "max" else float(limit) - used
    except (OSError, ValueError):
        return float("inf")
