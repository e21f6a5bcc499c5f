"""Labels of a prediction and of the user together, numbered alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .planes import Present


def changed_planes(before: Present, now: Present) -> set[int]:
    """The planes that hold something else than they did."""
    return {plane for plane, content in enumerate(now.contents) if content != before.contents[plane]}


def painted_on_top(
    labels: np.ndarray, segment_ids: Sequence[str], planes: Sequence[int], present: Present
) -> np.ndarray:
    """Predicted labels with what is painted on some planes on top; painted segments that are not numbered become 0.

    Parameters
    ----------
    labels : uint8 (planes, rows, columns), n standing for ``segment_ids[n - 1]``; never written to
    """
    if not len(planes):
        return labels
    numbers = np.zeros(len(present.layers.segment_ids) + 1, np.uint8)
    for number, segment_id in enumerate(present.layers.segment_ids, start=1):
        numbers[number] = segment_ids.index(segment_id) + 1 if segment_id in segment_ids else 0
    painted, labels = present.layers.labels[planes], labels.copy()
    labels[planes] = np.where(painted > 0, numbers[painted], labels[planes])
    return labels


def renumbered(labels: np.ndarray, of: list[str], segment_ids: list[str], planes: list[int]) -> np.ndarray:
    """Labels numbered by the segments `of`, as they are numbered by others; 0 on all but these planes."""
    numbers = np.zeros(len(of) + 1, np.uint8)
    for number, segment_id in enumerate(of, start=1):
        numbers[number] = segment_ids.index(segment_id) + 1 if segment_id in segment_ids else 0
    result = np.zeros_like(labels)
    result[planes] = numbers[labels[planes]]
    return result
