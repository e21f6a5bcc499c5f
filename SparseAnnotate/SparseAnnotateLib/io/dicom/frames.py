"""One DICOM file of many frames as a volume: enhanced CT and MR, dose grids, and what is a film and no volume."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ..found import Found
from ..itk import captured_stderr
from .damage import UnusableValueError, decimal, items, told
from .headers import Header, numbers, quiet, refuse_cut
from .steps import check_steps, found_from
from .values import check_values, turned_round, why_unreadable

if TYPE_CHECKING:
    import pydicom

_log = logging.getLogger(__name__)

_FILM = ("FrameTime", "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate")
_TURN_TOLERANCE = 1e-3


def read_frames(header: Header) -> Found:
    """Read a file of many frames, sorted by their place in the patient.

    Raises
    ------
    InputError
        For a film, several volumes in one file, frames that form no rectangular stack, or a damaged file.
    """
    import pydicom

    check_values([header])
    if header.colour:
        raise InputError(f"{header.file} is in colour ({header.colour}), which is no scan: give one in grey")
    with quiet(), told(header.file):
        dataset = pydicom.dcmread(header.file, stop_before_pixels=True)
        frames = items(dataset, "PerFrameFunctionalGroupsSequence")
        if not frames:
            refuse_cut([header])
            return _unplaced(header, dataset)
        shared = next(iter(items(dataset, "SharedFunctionalGroupsSequence")), None)
        places = [frame_place(frame, shared) for frame in frames]
        factors = [_factors(frame, shared) for frame in frames]
    if len(places) != header.frames:
        raise InputError(
            f"{header.file} says that it holds {header.frames} frames, and describes {len(places)}: export it again"
        )
    refuse_cut([header])
    if any(place is None for place in places):
        raise InputError(f"the frames of {header.file} do not say where they lie: export it as single slices")
    return _sorted(header, places, factors)


def frame_place(frame: pydicom.Dataset, shared: pydicom.Dataset | None) -> tuple[np.ndarray, ...] | None:
    """Position (3), orientation (6) and pixel spacing (row, column) of a frame, in mm; None where one is not said."""
    found = []
    for group, name, count in (
        ("PlanePositionSequence", "ImagePositionPatient", 3),
        ("PlaneOrientationSequence", "ImageOrientationPatient", 6),
        ("PixelMeasuresSequence", "PixelSpacing", 2),
    ):
        item = item_of(frame, shared, group)
        values = None if item is None else numbers(item, name, count)
        if values is None:
            return None
        found.append(values)
    return tuple(found)


def item_of(frame: pydicom.Dataset, shared: pydicom.Dataset | None, group: str) -> pydicom.Dataset | None:
    """The first item of a functional group, of the frame itself or shared by all frames."""
    for where in (frame, shared):
        sequence = [] if where is None else items(where, group)
        if sequence:
            return sequence[0]
    return None


def _factors(frame: pydicom.Dataset, shared: pydicom.Dataset | None) -> tuple[float, float]:
    item = item_of(frame, shared, "PixelValueTransformationSequence")
    if item is None:
        return 1.0, 0.0
    return decimal(item, "RescaleSlope", 1), decimal(item, "RescaleIntercept", 0)


def _unplaced(header: Header, dataset: pydicom.Dataset) -> Found:
    """Frames without places of their own: a dose grid has offsets, a film has times."""
    if dataset.get("GridFrameOffsetVector"):
        offsets = numbers(dataset, "GridFrameOffsetVector", header.frames)
        if offsets is None:
            raise UnusableValueError(f"GridFrameOffsetVector has not {header.frames} numbers")
        steps = np.diff(offsets)
        check_steps(str(header.file), steps[:, None] * np.array([[0, 0, 1.0]]), np.array([0, 0, 1.0]))
        return found_from(_pixels(header.file), [header.file], placed=True)
    if any(name in dataset for name in _FILM):
        raise InputError(f"{header.file} is a film of {header.frames} frames, not a volume: give a 3-D scan")
    _log.warning("the frames of %s do not say where they lie: they are taken as planes in their order", header.file)
    return found_from(_pixels(header.file), [header.file], placed=False)


def _sorted(header: Header, places: Sequence[tuple[np.ndarray, ...]], factors: Sequence[tuple[float, float]]) -> Found:
    orientations, spacings = (np.array([place[number] for place in places]) for number in (1, 2))
    if max(np.ptp(orientations, axis=0).max(), np.ptp(spacings, axis=0).max()) > _TURN_TOLERANCE:
        raise InputError(f"the frames of {header.file} differ in orientation or spacing: export one stack of them")
    row, column = orientations[0][:3], orientations[0][3:]
    normal = np.cross(row, column)
    positions = np.array([place[0] for place in places])
    order = np.argsort(positions @ normal, kind="stable")
    steps = np.diff(positions[order], axis=0)
    check_steps(str(header.file), steps, normal)
    array = _scaled(header, factors)[order]
    spacing = (spacings[0][1], spacings[0][0], float(np.linalg.norm(steps, axis=1).mean()))
    direction = tuple(np.column_stack([row, column, normal]).ravel().tolist())
    origin = tuple(positions[order[0]].tolist())
    return Found(array, tuple(float(one) for one in spacing), origin, direction, True, (header.file,))


def _scaled(header: Header, factors: Sequence[tuple[float, float]]) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    file = header.file
    if len(set(factors)) == 1:
        return sitk.GetArrayFromImage(_pixels(file))
    # ITK knows one slope a file; Philips writes one a frame.
    import pydicom

    try:
        with quiet(), told(file):
            dataset = pydicom.dcmread(file)
            stored = dataset.pixel_array
    except InputError as error:
        raise InputError(
            f"the frames of {file} are compressed and scaled each in its own way: export it as single slices"
        ) from error
    if len(stored) != len(factors):
        raise InputError(f"{file} holds {len(stored)} frames and describes {len(factors)}: export it again")
    if header.negative:
        stored = turned_round(stored, int(dataset.BitsStored))
    slopes, intercepts = (np.array(values, np.float32)[:, None, None] for values in zip(*factors, strict=True))
    return stored.astype(np.float32) * slopes + intercepts


def _pixels(file: Path):
    import SimpleITK as sitk  # noqa: N813

    try:
        with captured_stderr():
            return sitk.ReadImage(str(file))
    except RuntimeError as error:
        raise InputError(why_unreadable(str(file))) from error
