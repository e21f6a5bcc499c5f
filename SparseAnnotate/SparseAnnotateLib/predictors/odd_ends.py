"""Where a rough segmentation stops too early: at nearly full size, where the prediction surely goes on."""

from __future__ import annotations

import numpy as np

from ..corrections import Corrections
from ..prediction import Prediction

# A structure that is larger than this share of its largest plane where it ends, ends oddly.
_FULL_SIZE = 0.4

# The prediction is believed beyond the end where two corrected planes show the structure, it agreed on so many planes
# before the end (Dice), and expects so much of itself. Without these, stacked vertebrae lose .19 where one ends and the
# next begins, and an organ of one corrected plane .24.
_CORRECTED_PLANES = 2
_PLANES_BEFORE = 3
_AGREES = 0.9
_SURE = 0.7


def planes_beyond(corrections: Corrections, predicted: Prediction | None, number: int) -> list[int]:
    """Planes that one structure should be on, though the rough segmentation has it on planes before them only."""
    if predicted is None or predicted.expected_dice_per_structure is None:
        return []
    inside = predicted.labels[(slice(None), *corrections.region)] == number
    sure = np.nan_to_num(predicted.expected_dice_per_structure[:, number - 1]) >= _SURE
    area = np.count_nonzero(corrections.rough == number, axis=(1, 2))
    shown = np.flatnonzero(area)
    corrected = corrections.corrected[number]
    if sum((corrections.truth[plane] == number).any() for plane in corrected) < _CORRECTED_PLANES or not len(shown):
        return []
    found: list[int] = []
    for end, step in ((int(shown[0]), -1), (int(shown[-1]), 1)):
        if area[end] <= _FULL_SIZE * area.max():
            continue
        before = [plane for plane in shown[::-step] if plane not in corrected][:_PLANES_BEFORE]
        if _dice(corrections, inside, number, before) < _AGREES:
            continue
        plane = end + step
        while 0 <= plane < len(area) and sure[plane] and inside[plane].any():
            found.append(plane)
            plane += step
    return found


def _dice(corrections: Corrections, inside: np.ndarray, number: int, planes: list[int]) -> float:
    shown = np.stack([corrections.distances_mm(plane, number) > 0 for plane in planes])
    both = np.count_nonzero(shown) + np.count_nonzero(inside[planes])
    return 2 * np.count_nonzero(shown & inside[planes]) / max(1, both)
