"""How right a segmentation to start from is where it was corrected, and whether it is the one that was meant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..annotation import SparseAnnotation
from ..metrics import confusion_per_plane, dice_from_confusion

# With less than this it is probably another scan's, or mirrored.
_LIES_ELSEWHERE = 0.2

# A structure lies where another one is painted if so much of it does, and so little where its own is.
_ON_ANOTHER, _ON_ITS_OWN = 0.5, 0.1


def said_of_corrected(
    rough: np.ndarray, annotation: SparseAnnotation, called: Mapping[int, str] | None = None
) -> list[str]:
    """Sentences for a user: its Dice on corrected planes, and what looks swapped or displaced there.

    Parameters
    ----------
    rough : uint8 (planes, rows, columns), class numbers of the annotation
    called : what the rough segmentation calls its structures, if not as the annotation does
    """
    planes = annotation.complete_planes
    truth, made = annotation.labels[planes], rough[planes]
    if not truth.any() or not made.any():
        return []
    count, names = annotation.class_count, [one.name for one in annotation.classes]
    confusion = confusion_per_plane(made, truth, count).sum(axis=0, keepdims=True)
    dice = float(np.nanmean(dice_from_confusion(confusion)))
    said = [f"on corrected planes the initial segmentation has a Dice of {dice:.3f}"]
    overlap = np.zeros((count + 1, count + 1))
    np.add.at(overlap, (made.ravel(), truth.ravel()), 1)
    taken = _taken_for(overlap)
    if taken:
        theirs = {number: (called or {}).get(number, names[number - 1]) for number in taken}
        pairs = ", ".join(f"{theirs[mine]} where {names[other - 1]} is painted" for mine, other in taken.items())
        advice = " ".join(f'--match "{names[other - 1]}={theirs[mine]}"' for mine, other in taken.items())
        said.append(f"note: there it has {pairs}: if names or sides are swapped, give {advice}")
    elif dice < _LIES_ELSEWHERE:
        said.append("note: that is little: check that it is of this scan, and not mirrored")
    return said


def _taken_for(overlap: np.ndarray) -> dict[int, int]:
    """Structure of the rough one -> the other that is painted there; `overlap` is (rough, painted) in pixels."""
    taken = {}
    for number in range(1, len(overlap)):
        size = overlap[number].sum()
        if not size or overlap[number, number] > _ON_ITS_OWN * size:
            continue
        other = int(overlap[number, 1:].argmax()) + 1
        if overlap[number, other] > _ON_ANOTHER * size:
            taken[number] = other
    return taken
