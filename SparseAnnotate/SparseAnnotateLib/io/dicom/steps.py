"""Slices that make a volume: even steps along their normal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..found import Found

# Scanners round positions to 0.01 mm or so; a missing slice makes a gap twice as wide.
GAP_TOLERANCE = 0.05
SAME_PLACE_MM = 1e-3
# A cosine of 1 - 1e-5 is a tilt of 0.26 degrees, which shifts 200 mm of slices by less than one voxel.
_TILT_TOLERANCE = 1e-5


def check_steps(source: str, steps: np.ndarray, normal: np.ndarray) -> None:
    """Raise InputError unless steps from slice to slice (mm) are even and go along the normal."""
    lengths = np.linalg.norm(steps, axis=1)
    usual = float(np.median(lengths))
    if lengths.min() < SAME_PLACE_MM or usual < SAME_PLACE_MM:
        raise InputError(f"two slices in {source} lie at the same place: keep one time point or one acquisition only")
    if np.abs(steps @ normal).sum() < (1 - _TILT_TOLERANCE) * lengths.sum():
        raise InputError(f"the slices in {source} are sheared (gantry tilt): resample them onto a rectangular grid")
    odd = np.flatnonzero(np.abs(lengths - usual) > GAP_TOLERANCE * usual)
    if len(odd):
        raise InputError(
            f"the slices in {source} are not evenly spaced ({lengths[odd[0]]:.3g} mm after slice {odd[0]}, usually "
            f"{usual:.3g} mm): find the missing slices, or resample the series"
        )


def found_from(image, files: Sequence[Path], *, placed: bool, sized: bool = True) -> Found:
    """What ITK read; `placed` and `sized` say whether the files tell their place and the size of a pixel."""
    import SimpleITK as sitk  # noqa: N813

    pixel = image.GetSpacing()[:2] if sized else (None, None)
    spacing = image.GetSpacing() if placed else (*pixel, None)
    array = sitk.GetArrayFromImage(image)
    return Found(array, spacing, image.GetOrigin(), image.GetDirection(), placed, tuple(files))
