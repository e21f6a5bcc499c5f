"""How good a prediction is expected to be, as a session remembers it: by plane, by structure, and for the volume."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from .state import SessionState

if TYPE_CHECKING:
    from SparseAnnotateLib.predictors import Prediction

_DECIMALS = 4


def remember_expected(state: SessionState, prediction: Prediction, kept: Collection[int] = ()) -> None:
    """Put the expected Dice of a prediction into the state, whose predicted planes and segments are set already.

    Parameters
    ----------
    kept : planes that still show an older prediction, whose expected Dice stay; so do those of the volume then
    """
    dice, ends = prediction.expected_dice_per_plane, prediction.expected_dice_interval_per_plane
    of, kept = prediction.expected_dice_per_structure, {*kept}
    new = [plane for plane in state.predicted if plane not in kept]
    known = [] if dice is None else [plane for plane in new if np.isfinite(dice[plane])]
    with_ends = [] if ends is None else [plane for plane in known if np.isfinite(ends[plane]).all()]
    older = state.expected_dice, state.expected_dice_interval, state.expected_dice_of
    dice_of = {} if of is None else {one: _finite(of[:, n], new) for n, one in enumerate(state.predicted_segments)}
    state.expected_dice = _of_planes(older[0], kept) | {plane: _rounded(dice[plane]) for plane in known}
    state.expected_dice_interval = _of_planes(older[1], kept) | {plane: _ends(ends[plane]) for plane in with_ends}
    state.expected_dice_of = {one: _of_planes(older[2].get(one, {}), kept) | new_of for one, new_of in dice_of.items()}
    not_shown = prediction.details.get("not_shown", ())
    state.not_shown = [*dict.fromkeys([*(state.not_shown if kept else ()), *not_shown])]
    if kept:
        return
    whole = prediction.expected_dice_interval
    state.expected_dice_volume_interval = None if whole is None else _ends(whole)
    state.expected_dice_volume = None if prediction.expected_dice is None else float(prediction.expected_dice)


def comes_and_goes(prediction: Prediction) -> tuple[str, int] | None:
    """A structure that is lost or may come and go between painted planes, and the plane to look at; None for none.

    It is the middle one of the longest run of planes that the prediction is warned of; where nothing is seen there, of
    those between planes on which nobody can know it.
    """
    for kinds in (("vanished", "unlike", "missed", "more", "less"), ("unknown",)):
        runs = []
        for name, planes in (one for kind in kinds for one in prediction.details.get(kind, {}).items()):
            ends = np.flatnonzero(np.diff(planes) > 1) + 1
            runs += [(len(run), name, int(run[len(run) // 2])) for run in np.split(np.array(planes), ends)]
        if runs:
            return max(runs, key=lambda run: run[0])[1:]
    return None


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


def _of_planes(values: dict[int, Any], planes: Collection[int]) -> dict[int, Any]:
    return {plane: value for plane, value in values.items() if plane in planes}


def _finite(dice: np.ndarray, planes: list[int]) -> dict[int, float]:
    return {plane: _rounded(dice[plane]) for plane in planes if np.isfinite(dice[plane])}


def _rounded(dice) -> float:
    return round(float(dice), _DECIMALS)


def _ends(values) -> tuple[float, float]:
    low, high = values
    return round(float(low), _DECIMALS), round(float(high), _DECIMALS)
