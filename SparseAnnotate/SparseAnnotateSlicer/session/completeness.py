"""Which structures are painted completely on which planes; the library says so, see its `completeness`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation
from SparseAnnotateLib.completeness import understood


def complete_structures(
    labels: np.ndarray,
    count: int,
    painted: Iterable[int],
    aside: Iterable[int] = (),
    ranges: Mapping[int, tuple[int, int]] | None = None,
) -> np.ndarray:
    """Bool (planes, structures): whether a structure was painted completely on a plane.

    Parameters
    ----------
    labels : uint8 (planes, rows, columns), structures 1, 2, ... `count`
    painted : the planes that a person painted
    aside : those of them that the person called painted: complete for all structures
    ranges : first and last plane of structures where they were clicked
    """
    painted = sorted(painted)
    if not painted or not count:
        return np.zeros((len(labels), count), bool)
    # Only what is painted is looked at: a structure fills a small part of most images.
    shown = labels[painted].any(axis=0)
    part = tuple(slice(*_ends(shown.any(axis=1 - axis))) for axis in (0, 1))
    classes = [LabelClass(number, str(number)) for number in range(1, count + 1)]
    annotation = SparseAnnotation.from_painted_planes(labels[:, part[0], part[1]], painted, classes=classes)
    return understood(annotation, aside=aside, ranges=ranges).annotation.complete


def _ends(shown: np.ndarray) -> tuple[int, int]:
    """First and one behind the last that is so; at least one."""
    found = np.flatnonzero(shown)
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 1)
