"""Along which axis the planes were painted, told from the labels."""

from __future__ import annotations

import numpy as np

from ..volume import Volume

# Painted planes end along their axis wherever they are not next to each other; along the others they go on.
_ENDS, _TIMES = 0.2, 3


def painted_axis(labels: np.ndarray, volume: Volume) -> str:
    """The axis ("i", "j", "k") along which the labels lie on few planes, and fill them; else the volume's own.

    Parameters
    ----------
    labels : array of shape (planes, rows, columns), along the volume's axis; not 0 where painted
    volume : as read with ``auto``

    A voxel of an isolated painted plane has no labelled neighbour before and behind it, and many beside it. One axis
    is taken where the share of such ends is at least 0.2 and 3 times that along both of the others.
    """
    in_file = volume.in_file_order(np.asarray(labels) != 0)
    ends = [_share_of_ends(in_file, axis) for axis in range(3)]
    best = int(np.argmax(ends))
    others = max(one for axis, one in enumerate(ends) if axis != best)
    return "kji"[best] if ends[best] >= max(_ENDS, _TIMES * others) else volume.axis


def along_painted_axis(volume: Volume, labels: np.ndarray, asked: str) -> tuple[Volume, np.ndarray, tuple[str, ...]]:
    """Volume and labels along the axis that the labels were painted along, and a sentence where it is another.

    Parameters
    ----------
    labels : shape (planes, rows, columns), along the volume's axis
    asked : the axis that the user gave; anything but ``auto`` stays
    """
    axis = painted_axis(labels, volume)
    if axis == volume.axis:
        return volume, labels, ()
    if asked != "auto":
        warning = f"warning: the labels lie on planes along axis {axis}, not along {asked}: leave --axis out"
        return volume, labels, (warning,)
    turned = volume.along(axis)
    sentence = (
        f"note: the labels lie on planes along axis {axis}, so these are taken, not those along {volume.axis}, the "
        f"largest spacing; --axis {volume.axis} says otherwise"
    )
    return turned, np.ascontiguousarray(turned.to_planes(volume.in_file_order(labels))), (sentence,)


def _share_of_ends(labelled: np.ndarray, axis: int) -> float:
    """How many of the labelled voxels end along an axis, each of their two sides counting a half; borders do not."""
    before, behind = np.moveaxis(labelled, axis, 0)[:-1], np.moveaxis(labelled, axis, 0)[1:]
    ends = sum(int((low != high).sum()) for low, high in zip(before, behind, strict=True))
    return ends / max(1, 2 * int(np.count_nonzero(labelled)))
