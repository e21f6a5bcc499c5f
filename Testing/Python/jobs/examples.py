"""Tiny jobs, and how to look at processes."""

import os
import time
from pathlib import Path

import numpy as np
from SparseAnnotateLib import LabelClass, SparseAnnotation, Volume
from SparseAnnotateLib.jobs import Job


def tiny_volume() -> Volume:
    intensities = np.random.default_rng(0).normal(size=(9, 20, 24)).astype(np.float32)
    return Volume.from_array(intensities, (3.0, 1.0, 1.5))


def tiny_annotation() -> SparseAnnotation:
    labels = np.zeros((9, 20, 24), np.uint8)
    labels[2, 5:10, 5:10] = 4
    labels[6, 8:15, 8:15] = 4
    labels[6, 2:4, 2:4] = 9
    classes = (LabelClass(4, "heart", (0.5, 0.25, 1.0)), LabelClass(9, "lung"))
    annotation = SparseAnnotation.from_painted_planes(labels, [2, 6], classes=classes, plane_range=(1, 7))
    return annotation.with_class_ranges({2: (5, 7)})


def tiny_job(predictor: str = "nearest", name: str = "prediction", **options) -> Job:
    return Job(predictor, tiny_volume(), tiny_annotation(), options, name)


# Only a test that fails waits so long. What a job takes is measured in Testing/benchmarks/jobs.py.
PATIENCE_S = 600.0


def wait_for(condition, timeout_s: float = PATIENCE_S):
    """Poll until `condition()` is true; return what it says."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def children_of_this_process() -> set[int]:
    """All of them, zombies too."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(map(int, children.read_text().split()))
