"""Selection by clustering (Payer et al. 2023): one engine, whatever the planes are compared by."""

from __future__ import annotations

import abc

import numpy as np

from ..annotation import SparseAnnotation
from ..volume import Volume
from .base import SelectorBase, Suggestion

# Payer et al. 2023: "k = 15 was used as we found this to give the best results compared to k = 5 and k = 10".
MAXIMUM_CLUSTERS = 15


class ClusterSelector(SelectorBase):
    """Base of the selectors that cluster planes; each says only by which vectors, in `_features`.

    All planes of the range are clustered by k-means, painted ones too, with k = min(15, planes painted + planes
    asked for): the paper's 15, and fewer where there are not planes for 15 clusters. Every cluster is given the same
    number of planes; those that it holds painted are taken off. What a small cluster lacks is taken from the most
    similar one. Within a cluster, planes are drawn at random. They come back ascending.
    """

    def _choose(self, volume, annotation, candidates, count, rng):
        first, last = annotation.plane_range
        painted = annotation.painted[first : last + 1]
        if count == len(candidates):
            return [Suggestion(int(plane), 1.0, "every plane is asked for") for plane in candidates]
        features = self._features(volume, annotation)
        members, centres = cluster(features, min(MAXIMUM_CLUSTERS, int(painted.sum()) + count), rng)
        sizes = np.bincount(members, minlength=len(centres))
        shares = share_out(sizes, np.bincount(members[painted], minlength=len(centres)), count, centres)
        suggestions = []
        for number, share in enumerate(shares):
            free = np.flatnonzero((members == number) & ~painted)
            for plane in rng.choice(free, size=share, replace=False).tolist():
                reason = _reason(number, len(centres), int(sizes[number]))
                suggestions.append(Suggestion(first + plane, float(sizes[number] / share), reason))
        return sorted(suggestions, key=lambda suggestion: suggestion.plane)

    @abc.abstractmethod
    def _features(self, volume: Volume, annotation: SparseAnnotation) -> np.ndarray:
        """One row for each plane of the range, shape (planes in the range, features)."""


def planes_of_range(volume: Volume, annotation: SparseAnnotation) -> np.ndarray:
    """A view of the intensities of the range, shape (planes, rows, columns)."""
    first, last = annotation.plane_range
    return volume.intensities[first : last + 1]


def cluster(features: np.ndarray, clusters: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """K-means (k-means++ starts, best of 10), its clusters numbered by their first plane.

    Parameters
    ----------
    features : shape (planes, features)
    clusters : at most this many; fewer where fewer planes differ

    Returns
    -------
    members : ndarray of int, shape (planes,)
    centres : ndarray, shape (clusters, features)
    """
    from sklearn.cluster import KMeans

    clusters = min(clusters, _different(features))
    seed = int(rng.integers(2**31))
    result = KMeans(clusters, n_init=10, random_state=seed).fit(features)
    _, first_planes = np.unique(result.labels_, return_index=True)
    order = np.argsort(first_planes)
    return np.argsort(order)[result.labels_], result.cluster_centers_[order]


def _different(features: np.ndarray) -> int:
    """How many rows are unlike all before them: farther than rounding, a ten thousandth of the longest row.

    Of planes that are equal, rounding leaves 4e-5 between the rows of `ssim`, and 1e-6 between those of `embed`.
    """
    from sklearn.metrics import pairwise_distances

    alike = pairwise_distances(features) <= 1e-4 * np.linalg.norm(features, axis=1).max()
    return int((~np.tril(alike, -1).any(axis=1)).sum())


def share_out(sizes: np.ndarray, painted: np.ndarray, count: int, centres: np.ndarray) -> list[int]:
    """How many new planes each cluster is given; they sum to `count` and never exceed its unpainted planes.

    Every cluster is to hold the same number of painted and new planes (Payer et al. 2023: "a fixed number of slices
    from each cluster"). What is left over after the division goes to the largest ones. "If a cluster is too small",
    what it lacks is taken from the most similar cluster that has planes left, by the distance of their centres.

    Parameters
    ----------
    sizes, painted : planes in each cluster, all and painted ones
    count : planes to give, at most all unpainted ones
    centres : shape (clusters, features)
    """
    wanted = _level(painted, sizes, count)
    free = sizes - painted
    shares = np.minimum(wanted, free)
    for number in range(len(sizes)):
        lacking = max(int(wanted[number] - free[number]), 0)
        distances = np.linalg.norm(centres - centres[number], axis=1)
        for other in np.argsort(distances, kind="stable"):
            moved = min(lacking, int(free[other] - shares[other]))
            shares[other] += moved
            lacking -= moved
    return shares.tolist()


def _level(painted: np.ndarray, sizes: np.ndarray, count: int) -> np.ndarray:
    """`count` planes dealt one by one to the cluster that holds fewest, the larger one of two alike."""
    held = painted.copy()
    for _ in range(count):
        held[np.lexsort((-sizes, held))[0]] += 1
    return held - painted


def _reason(number: int, clusters: int, size: int) -> str:
    if size == 1:
        return f"group {number + 1} of {clusters}: unlike any other plane"
    return f"group {number + 1} of {clusters}: {size} similar planes"
