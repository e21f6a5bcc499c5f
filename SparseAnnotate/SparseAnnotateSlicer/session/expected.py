"""How good a prediction is expected to be, as a session remembers it: by plane, by structure, and for the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .state import SessionState

if TYPE_CHECKING:
    from SparseAnnotateLib.predictors import Prediction

_DECIMALS = 4


def remember_expected(state: SessionState, prediction: Prediction) -> None:
    """Put the expected Dice of a prediction into the state, whose predicted planes and segments are set already."""
    dice = prediction.expected_dice_per_plane
    known = [] if dice is None else [plane for plane in state.predicted if np.isfinite(dice[plane])]
    state.expected_dice = {plane: round(float(dice[plane]), _DECIMALS) for plane in known}
    state.expected_dice_of = _of_structures(prediction.expected_dice_per_structure, state)
    ends = prediction.expected_dice_interval_per_plane
    with_ends = [] if ends is None else [plane for plane in known if np.isfinite(ends[plane]).all()]
    state.expected_dice_interval = {plane: _ends(ends[plane]) for plane in with_ends}
    whole = prediction.expected_dice_interval
    state.expected_dice_volume_interval = None if whole is None else _ends(whole)
    state.expected_dice_volume = None if prediction.expected_dice is None else float(prediction.expected_dice)


def wrong_mm2(state: SessionState, plane: int, labels: np.ndarray, pixel_mm2: float) -> float | None:
    """What is expected to be wrong on a predicted plane: 1 - Dice times the area, over its structures.

    None where nothing says how good the prediction is.

    Parameters
    ----------
    labels : of the plane, uint8 (rows, columns), numbers of the predicted segments
    pixel_mm2 : area of a pixel
    """
    if plane not in state.expected_dice:
        return None
    counts = np.bincount(labels.ravel(), minlength=len(state.predicted_segments) + 1)
    wrong = 0.0
    for count, segment_id in zip(counts[1:].tolist(), state.predicted_segments, strict=False):
        dice = state.expected_dice_of.get(segment_id, {}).get(plane, state.expected_dice[plane])
        wrong += (1 - dice) * count
    return wrong * pixel_mm2


def _of_structures(dice: np.ndarray | None, state: SessionState) -> dict[str, dict[int, float]]:
    """By segment ID and plane, where it is known."""
    if dice is None:
        return {}
    return {
        one: {
            plane: round(float(dice[plane, n]), _DECIMALS) for plane in state.predicted if np.isfinite(dice[plane, n])
        }
        for n, one in enumerate(state.predicted_segments)
    }


def _ends(values) -> tuple[float, float]:
    low, high = values
    return round(float(low), _DECIMALS), round(float(high), _DECIMALS)
