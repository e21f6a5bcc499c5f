"""Planes from clusters of similar intensities."""

from __future__ import annotations

import numpy as np

from .base import SELECTORS
from .clustering import ClusterSelector, planes_of_range

# Pixels of all planes that are held at once as float64: 600 planes of 8192 pixels are 39 MB.
_PIXELS_AT_ONCE = 8192


@SELECTORS.register
class KMeansSelector(ClusterSelector):
    """K-means on the flattened planes (Payer et al. 2023)."""

    name = "kmeans"
    summary = "planes from groups of similar intensities, pixel by pixel"

    def _features(self, volume, annotation):
        planes = planes_of_range(volume, annotation)
        return embed(planes.reshape(len(planes), -1))


def embed(vectors: np.ndarray) -> np.ndarray:
    """Few coordinates with the same distances between the rows, so that k-means finds the same clusters.

    N vectors span at most N - 1 dimensions around their mean. Their coordinates there follow from the Gram matrix
    (classical scaling), which makes k-means on 600 planes of 512x512 one on 600 numbers a plane.

    Parameters
    ----------
    vectors : shape (N, length), any length

    Returns
    -------
    ndarray of float64, shape (N, N)
    """
    gram = np.zeros((len(vectors), len(vectors)))
    for start in range(0, vectors.shape[1], _PIXELS_AT_ONCE):
        block = vectors[:, start : start + _PIXELS_AT_ONCE].astype(np.float64)
        block -= block.mean(axis=0)
        gram += block @ block.T
    eigenvalues, eigenvectors = np.linalg.eigh(gram)
    return eigenvectors * np.sqrt(np.maximum(eigenvalues, 0))
