"""Slicer mirrors left-handed volumes when it reads them: what was said about their planes is mirrored with them.

A left-handed volume (made by a script, or by hardening a mirroring transform) is saved as it is, and comes back from
its file with its slices (k) in reverse, at the same places in the patient. (Seen with slicer-core 5.13.)
"""

from __future__ import annotations

import numpy as np
from SparseAnnotateLib.errors import InputError

from ..scene.volumes import ijk_to_ras
from .state import SessionState

# In voxels: what writing and reading a header leaves.
_ROUNDING = 0.01


def grid_of(volume_node) -> list[float]:
    """A volume's size along i, j, k and its matrix from voxels to RAS, row by row: 3 + 16 numbers."""
    return [*map(float, volume_node.GetImageData().GetDimensions()), *ijk_to_ras(volume_node).ravel().tolist()]


def follow(state: SessionState, volume_node) -> None:
    """Bring a session's planes onto its volume as it was read back from its file.

    Raises
    ------
    InputError
        Where it is a volume of another size.
    """
    before, now = state.grid, grid_of(volume_node)
    state.grid = now
    if not before:
        return
    if before[:3] != now[:3]:
        raise InputError(f"the volume {volume_node.GetName()} has another size than in this session: start a new one")
    matrices = [np.reshape(grid[3:], (4, 4)) for grid in (before, now)]
    if not np.allclose(np.linalg.inv(matrices[1]) @ matrices[0], _slices_reversed(int(now[2])), atol=_ROUNDING):
        return
    if state.axis == "k":
        _reverse_planes(state, int(now[2]) - 1)
    else:
        state.rows_reversed = not state.rows_reversed


def _slices_reversed(slices: int) -> np.ndarray:
    matrix = np.diag([1.0, 1.0, -1.0, 1.0])
    matrix[2, 3] = slices - 1
    return matrix


def _reverse_planes(state: SessionState, last: int) -> None:
    for name in ("marks", "contents", "accepted", "expected_dice", "by_hand", "suggested_structures", "checked"):
        setattr(state, name, {last - plane: value for plane, value in getattr(state, name).items()})
    state.accepted_beside = {last - plane: last - other for plane, other in state.accepted_beside.items()}
    state.predicted = sorted(last - plane for plane in state.predicted)
    for name in ("expected_dice_of", "segment_marks"):
        of = getattr(state, name)
        setattr(state, name, {one: {last - plane: said for plane, said in of[one].items()} for one in of})
    state.strokes = sorted(last - plane for plane in state.strokes)
    state.suggestions = [(last - plane, score, reason) for plane, score, reason in state.suggestions]
    if state.plane_range is not None:
        state.plane_range = (last - state.plane_range[1], last - state.plane_range[0])
    halves = state.half_ranges.items()
    state.half_ranges = {one: tuple(_reversed(end, last) for end in ends[::-1]) for one, ends in halves}
    state.segment_ranges = {one: (last - ends[1], last - ends[0]) for one, ends in state.segment_ranges.items()}


def _reversed(plane: int | None, last: int) -> int | None:
    return None if plane is None else last - plane
