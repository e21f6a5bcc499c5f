"""Tiny scans with a ball in them, of which a few planes are painted."""

import numpy as np
from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation
from SparseAnnotateLib.cohort.scans import CohortScan
from SparseAnnotateLib.cohort.training.settings import TrainingSettings
from SparseAnnotateLib.volume import Volume

# An epoch of two steps.
TINY = {"block": (8, 16, 16), "base_channels": 2, "depth": 1, "batch_size": 4, "blocks_per_epoch": 8, "epochs": 3}


def a_scan(name="a", seed=0, shape=(12, 20, 20), painted=(3, 6, 8), spacing_mm=(1.0, 1.0, 1.0), radius=5.0):
    """A bright ball in noise, with painted planes and its range."""
    rng = np.random.default_rng(seed)
    centre = np.array(shape) / 2 + rng.uniform(-1, 1, 3)
    distance = np.sqrt(sum((grid - c) ** 2 for grid, c in zip(np.indices(shape), centre, strict=True)))
    labels = (distance < radius).astype(np.uint8)
    volume = Volume.from_array(labels * 4 + rng.normal(size=shape), spacing_mm)
    there = np.flatnonzero(labels.any(axis=(1, 2)))
    annotation = SparseAnnotation.from_painted_planes(
        labels, painted, classes=[LabelClass(1, "ball")], plane_range=(there[0], there[-1])
    )
    return CohortScan(name, volume, annotation)


def some_scans(count=3):
    """Scans a, b, c, ..."""
    return [a_scan(name, seed) for seed, name in enumerate("abcdefgh"[:count])]


def tiny_settings(**changes):
    """Settings with which a training takes a moment, on the CPU."""
    return TrainingSettings(**{**TINY, "device": "cpu", **changes})
