"""Planes from clusters of similar histograms."""

from __future__ import annotations

import numpy as np

from .base import SELECTORS
from .clustering import ClusterSelector, planes_of_range

# Payer et al. 2023.
BINS = 255


@SELECTORS.register
class HistogramSelector(ClusterSelector):
    """K-means on the planes' histograms of 255 bins (Payer et al. 2023)."""

    name = "histogram"
    summary = "planes from groups of similar histograms, wherever the structures lie"

    def _features(self, volume, annotation):
        low, high = float(volume.intensities.min()), float(volume.intensities.max())
        return histograms(planes_of_range(volume, annotation), low, high)


def histograms(planes: np.ndarray, low: float, high: float) -> np.ndarray:
    """Share of each plane's voxels in 255 equal bins from `low` to `high`, shape (planes, 255)."""
    scale = BINS / (high - low) if high > low else 0.0
    counts = np.empty((len(planes), BINS))
    for number, plane in enumerate(planes):
        bins = ((plane.ravel() - np.float64(low)) * scale).astype(np.int32)
        np.minimum(bins, BINS - 1, out=bins)
        counts[number] = np.bincount(bins, minlength=BINS)
    return counts / planes[0].size
