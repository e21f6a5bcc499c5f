"""How hard each gap of each structure is, by what a prediction from the painted planes expects to lose there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...annotation import SparseAnnotation
from ...quality.features import features_of
from ...quality.left_out import left_out_excess, quick_labels
from ...quality.model import INTERPOLATED, ratio_of
from ...volume import Volume
from .coverage import Extent, gap_losses

# A gap is held to be this many times as hard as usual at most, and as easy.
_HARDEST = 5.0


def with_difficulty(extents: list[Extent], volume: Volume, annotation: SparseAnnotation) -> list[Extent]:
    """The extents with `harder`: the quality model's loss in each gap over the usual one.

    The labels between are interpolated, whichever predictor will be used.
    """
    planes = annotation.unpainted_planes
    if not planes or not annotation.source_planes:
        return extents
    spacing = volume.spacing_mm
    labels = quick_labels("shape", annotation, spacing, planes)
    features = features_of(labels, annotation, spacing, planes, quick_labels("nearest", annotation, spacing, planes))
    excess = left_out_excess(annotation, spacing, "shape", INTERPOLATED)
    odds = INTERPOLATED.log_odds(features) + INTERPOLATED.left_out * excess.per_structure[features.structure]
    lost_px = features.radius_mm**2 * np.pi / (spacing[1] * spacing[2]) * ratio_of(odds)
    made = []
    for extent in extents:
        rows = features.structure == extent.number - 1
        if extent.painted and rows.any():
            shown = annotation.labels[list(extent.painted)] == extent.number
            area = np.count_nonzero(shown) + features.area_px[rows].sum()
            extent = replace(extent, harder=_harder(extent, features.plane[rows], lost_px[rows] / max(area, 1)))
        made.append(extent)
    return made


def _harder(extent: Extent, plane: np.ndarray, lost: np.ndarray) -> tuple[float, ...]:
    fences = extent.fences()
    place = fences - extent.first + 1
    usual = gap_losses(extent.length, extent.cut, extent.ends)[place[:-1], place[1:]]
    gap = np.searchsorted(fences, plane) - 1
    inside = (gap >= 0) & (gap < len(usual))
    expected = np.bincount(gap[inside], lost[inside], minlength=len(usual))
    # What is expected beyond an estimated end belongs to the gap there.
    expected[0] += lost[gap < 0].sum()
    expected[-1] += lost[gap >= len(usual)].sum()
    return tuple(np.clip(expected / np.maximum(usual, 1e-6), 1 / _HARDEST, _HARDEST).tolist())
