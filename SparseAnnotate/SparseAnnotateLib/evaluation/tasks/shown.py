"""A few predicted planes beside the reference, small enough to be kept with every result, for the report's pictures."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np

from ... import metrics
from ...distances import bounding_box
from ..pictures.picture import planes_to_show
from ..simulation.loading import LoadedCase

_MARGIN_PX = 8


@dataclass(frozen=True)
class ShownPlanes:
    """Planes from the worst to the upper quartile of Dice; see `picture.planes_to_show`.

    Attributes
    ----------
    planes, dice : number and Dice (mean over classes) of each
    corner : row and column in the image where the arrays begin; those of a cropped case count from its crop
    labels, reference : ndarray of uint8, shape (planes, rows, columns)
    spacing_mm : between rows and between columns
    """

    planes: tuple[int, ...]
    dice: tuple[float, ...]
    corner: tuple[int, int]
    labels: np.ndarray
    reference: np.ndarray
    spacing_mm: tuple[float, float]


def pack_planes(case: LoadedCase, labels: np.ndarray, painted) -> bytes:
    """The planes to show of a prediction: around 2 kB."""
    reference = case.expert.reference
    per_plane = metrics.mean_of(metrics.dice_per_plane(labels, reference, len(case.expert.classes)), axis=1)
    planes = planes_to_show(reference, per_plane, list(painted))
    rows, columns = bounding_box((reference[planes] | labels[planes]).any(axis=0), margin=_MARGIN_PX)
    head = {
        "planes": planes,
        "dice": [float(per_plane[plane]) for plane in planes],
        "corner": [rows.start, columns.start],
        "shape": [len(planes), rows.stop - rows.start, columns.stop - columns.start],
        "spacing_mm": [float(spacing) for spacing in case.volume.spacing_mm[1:]],
    }
    arrays = [np.ascontiguousarray(array[planes][:, rows, columns], np.uint8) for array in (labels, reference)]
    return zlib.compress(json.dumps(head).encode() + b"\n" + b"".join(array.tobytes() for array in arrays))


def unpack_planes(packed: bytes) -> ShownPlanes:
    """What `pack_planes` packed."""
    head, _, rest = zlib.decompress(packed).partition(b"\n")
    values = json.loads(head)
    labels, reference = np.frombuffer(rest, np.uint8).reshape(2, *values["shape"])
    corner, spacing = tuple(values["corner"]), tuple(values["spacing_mm"])
    return ShownPlanes(tuple(values["planes"]), tuple(values["dice"]), corner, labels, reference, spacing)
