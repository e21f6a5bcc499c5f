"""What painting costs an expert: not planes, but outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Effort:
    """What an annotation costs.

    Attributes
    ----------
    clicks : on first and last planes
    planes : painted ones
    outlines : over the planes, how many structures each shows
    contour_mm : length of all outlines
    """

    clicks: int
    planes: int
    outlines: int
    contour_mm: float


def effort_of(painted: np.ndarray, class_count: int, clicks: int, spacing_mm: tuple[float, float, float]) -> Effort:
    """The effort of painting these planes, class numbers of shape (planes, rows, columns)."""
    masks = [painted == number for number in range(1, class_count + 1)]
    outlines = sum(int(mask.any(axis=(1, 2)).sum()) for mask in masks)
    return Effort(clicks, len(painted), outlines, sum(contour_length_mm(mask, spacing_mm) for mask in masks))


def contour_length_mm(masks: np.ndarray, spacing_mm: tuple[float, float, float]) -> float:
    """Length of the outlines of a structure on all planes.

    Counted by where lines along rows and columns cross them (Cauchy and Crofton): the edges of the pixels, of which a
    smooth outline has 4 / pi times its length.
    """
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    across_rows = np.count_nonzero(padded[:, 1:] != padded[:, :-1]) * spacing_mm[2]
    across_columns = np.count_nonzero(padded[:, :, 1:] != padded[:, :, :-1]) * spacing_mm[1]
    return float(np.pi / 4 * (across_rows + across_columns))
