"""Structures that were painted on the same planes, and an annotation of some structures alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .annotation import SparseAnnotation


def structure_groups(annotation: SparseAnnotation) -> list[tuple[int, ...]]:
    """Class numbers of the structures that are complete on the same planes, in the order of their first one.

    One group where all structures were painted on common planes.
    """
    groups: dict[bytes, list[int]] = {}
    for number in range(1, annotation.class_count + 1):
        groups.setdefault(annotation.complete[:, number - 1].tobytes(), []).append(number)
    return [tuple(group) for group in groups.values()]


def of_structures(annotation: SparseAnnotation, numbers: tuple[int, ...]) -> SparseAnnotation:
    """The annotation as if there were only these structures, which are complete on the same planes.

    Their planes are known whole: what is none of them is background. A voxel that carries another structure's label is
    known not to be one of them, on any plane.
    """
    renumbered = np.zeros(annotation.class_count + 1, np.uint8)
    renumbered[list(numbers)] = np.arange(1, len(numbers) + 1)
    labels = renumbered[annotation.labels]
    complete = annotation.complete[:, [number - 1 for number in numbers]]
    painted = complete.any(axis=1)
    known = annotation.known | painted[:, None, None]
    if not painted.any():
        # Painted only in part: the planes that show one of them are all that there is.
        painted = annotation.painted & labels.any(axis=(1, 2))
    ranges = {renumbered[n].item(): ends for n, ends in annotation.class_ranges.items() if n in numbers}
    classes = tuple(annotation.classes[number - 1] for number in numbers)
    return replace(
        annotation,
        labels=labels,
        known=known,
        painted=painted,
        classes=classes,
        class_ranges=ranges,
        complete=complete,
    )
