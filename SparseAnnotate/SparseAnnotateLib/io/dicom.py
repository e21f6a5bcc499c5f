"""One DICOM series of single slices as a volume, its slices sorted by their place in the patient."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .itk import captured_stderr, reason

if TYPE_CHECKING:
    import SimpleITK

_log = logging.getLogger(__name__)

_DESCRIPTION, _POSITION, _ORIENTATION = "0008|103e", "0020|0032", "0020|0037"

# Scanners round positions to 0.01 mm or so; a missing slice makes a gap twice as wide.
_GAP_TOLERANCE = 0.05
# A cosine of 1 - 1e-5 is a tilt of 0.26 degrees, which shifts 200 mm of slices by less than one voxel.
_TILT_TOLERANCE = 1e-5


def read_series(folder: Path, series: str | None) -> SimpleITK.Image:
    """Read one series of a folder; see `read_folder`."""
    import SimpleITK as sitk  # noqa: N813

    with captured_stderr():
        found = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
        if not found:
            raise InputError(f"{folder} holds neither a DICOM series nor numbered slices: give another one")
        series = _choose(folder, found, series)
        files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series)
        _check_slices(folder, files)
        try:
            return sitk.ReadImage(files)
        except RuntimeError as error:
            raise InputError(
                f"the DICOM series in {folder} cannot be read ({reason(error)}): get a fresh copy"
            ) from error


def _choose(folder: Path, found: tuple[str, ...], series: str | None) -> str:
    if series in found:
        return series
    listed = "; ".join(f"{folder}::{uid} ({_describe(folder, uid)})" for uid in found)
    if series is not None:
        raise InputError(f"{folder} holds no series {series}: choose one of {listed}")
    if len(found) > 1:
        raise InputError(f"{folder} holds {len(found)} DICOM series: choose one of {listed}")
    return found[0]


def _describe(folder: Path, uid: str) -> str:
    import SimpleITK as sitk  # noqa: N813

    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
    description = _tags(files[0]).get(_DESCRIPTION, "").strip() or "no description"
    return f"{description}, {len(files)} files"


def _tags(file: str) -> dict[str, str]:
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{file} cannot be read, it may be damaged or truncated: get a fresh copy of it") from error
    tags = {
        key: reader.GetMetaData(key) for key in (_DESCRIPTION, _POSITION, _ORIENTATION) if reader.HasMetaDataKey(key)
    }
    return {**tags, "size": reader.GetSize()[:2]}


def _numbers(tags: dict[str, str], key: str, count: int) -> np.ndarray | None:
    try:
        values = np.array([float(part) for part in tags[key].split("\\")])
    except (KeyError, ValueError):
        return None
    return values if len(values) == count else None


def _check_slices(folder: Path, files: tuple[str, ...]) -> None:
    """Raise InputError unless the slices, in this order, form a rectangular stack without gaps."""
    if len(files) == 1:
        return  # an enhanced, multi-frame object, or a single slice, which the caller refuses
    tags = [_tags(file) for file in files]
    if len({tag["size"] for tag in tags}) > 1:
        raise InputError(f"the slices in {folder} differ in size: keep the slices of one volume only")
    positions = [_numbers(tag, _POSITION, 3) for tag in tags]
    orientation = _numbers(tags[0], _ORIENTATION, 6)
    if orientation is None or any(position is None for position in positions):
        _log.warning("the slices in %s do not say where they lie: they are taken in the order of their numbers", folder)
        return
    _check_steps(folder, np.diff(np.array(positions), axis=0), np.cross(orientation[:3], orientation[3:]))


def _check_steps(folder: Path, steps: np.ndarray, normal: np.ndarray) -> None:
    lengths = np.linalg.norm(steps, axis=1)
    usual = float(np.median(lengths))
    if lengths.min() < 1e-3 or usual < 1e-3:
        raise InputError(f"two slices in {folder} lie at the same place: keep one time point or one acquisition only")
    if np.abs(steps @ normal).sum() < (1 - _TILT_TOLERANCE) * lengths.sum():
        raise InputError(f"the slices in {folder} are sheared (gantry tilt): resample them onto a rectangular grid")
    odd = np.flatnonzero(np.abs(lengths - usual) > _GAP_TOLERANCE * usual)
    if len(odd):
        raise InputError(
            f"the slices in {folder} are not evenly spaced ({lengths[odd[0]]:.3g} mm after slice {odd[0]}, usually "
            f"{usual:.3g} mm): find the missing slices, or resample the series"
        )
