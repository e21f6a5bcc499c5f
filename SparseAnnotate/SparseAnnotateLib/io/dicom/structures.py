"""RTSTRUCT: contours of structures, filled on a scan's grid."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...annotation import LabelClass
from ...errors import InputError
from ...volume import AXES, Volume
from ..found import listed
from .contours import Contour, Filled, filled
from .damage import UnusableValueError, items, told, whole_number
from .headers import numbers, quiet, text_of
from .segmentation import Structures, refuse_other_scan

if TYPE_CHECKING:
    import pydicom

_log = logging.getLogger(__name__)

_FEWEST_POINTS = 3  # that enclose anything
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
# Of a voxel: how far a contour may lie off its plane. Half a voxel is the middle between two planes.
_OFF_PLANE = 0.3


def read_structures(path: Path, volume: Volume) -> Structures:
    """Read the closed contours of an RTSTRUCT onto the grid of `volume`.

    A voxel belongs to a structure if its centre lies inside its contours. Of several contours of a structure on one
    plane, one inside another is a hole: planning systems write holes so, beside the key holes of the standard (see
    `contours`).

    Raises
    ------
    InputError
        For another scan's structures, contours off its planes, a file without closed contours, or a damaged one.
    """
    import pydicom

    with quiet(), told("it"):
        return _read(path, pydicom.dcmread(path), volume)


def _read(path: Path, dataset: pydicom.Dataset, volume: Volume) -> Structures:
    described = _described(dataset)
    drawn: dict[int, tuple[pydicom.Dataset, list]] = {}
    partly = []
    for item in items(dataset, "ROIContourSequence"):
        every = items(item, "ContourSequence")
        contours = [one for one in every if _encloses_something(one)]
        if contours:
            number = whole_number(item, "ReferencedROINumber")
            drawn.setdefault(number, (item, []))[1].extend(contours)
            partly += [_name(number, described.get(number))] * (len(contours) < len(every))
    skipped = [_name(number, roi) for number, roi in described.items() if number not in drawn]
    if skipped:
        _log.warning("%s: structures without a closed contour are left out (%s)", path, listed(skipped))
    if partly:
        _log.warning("%s: points and open lines are left out (of %s)", path, listed(partly))
    if not drawn:
        raise InputError("it holds no closed contour: draw one, or give a label map")
    for number in drawn.keys() & described.keys():
        refuse_other_scan(described[number].get("ReferencedFrameOfReferenceUID"), volume)
    keeps = all(number > 0 for number in drawn)
    classes = tuple(
        LabelClass(number if keeps else place, _name(number, described.get(number)), _color(item))
        for place, (number, (item, _)) in enumerate(drawn.items(), start=1)
    )
    structures = Structures(classes, volume.geometry)
    filled_of = [_fill(structures, place, one, volume.axis) for place, (_, one) in enumerate(drawn.values(), start=1)]
    _say(path, classes, filled_of)
    if not structures.painted:
        raise InputError("its contours hold no pixel of the scan: draw larger ones, or give a label map")
    if volume.axis not in structures.painted:
        axis = next(iter(structures.painted))
        raise InputError(f"its contours lie on planes of the axis {axis}, not {volume.axis}: give --axis {axis}")
    structures.warn(path)
    return structures


def _described(dataset: pydicom.Dataset) -> dict[int, pydicom.Dataset]:
    described: dict[int, pydicom.Dataset] = {}
    for roi in items(dataset, "StructureSetROISequence"):
        number = whole_number(roi, "ROINumber")
        if number in described:
            raise InputError(
                f"two of its structures have the number {number} ({_name(number, described[number])} and "
                f"{_name(number, roi)}): export it again"
            )
        described[number] = roi
    return described


def _say(path: Path, classes: tuple[LabelClass, ...], filled_of: list[list[Filled]]) -> None:
    """What of the contours is not in the masks as it was drawn."""
    beyond, twice, void = [], [], []
    for one, planes in zip(classes, filled_of, strict=True):
        pixels, slices = sum(plane.beyond for plane in planes), sum(plane.beyond > 0 for plane in planes)
        if pixels:
            beyond.append(f"{pixels} pixels of {one.name} on {slices} slice{'s' * (slices != 1)}")
        twice += [one.name] * any(plane.twice for plane in planes)
        void += [one.name] * any(plane.void for plane in planes)
    if beyond:
        _log.warning("%s: contours reach beyond the image and are cut off there (%s)", path, listed(beyond))
    if twice:
        _log.warning("%s: contours that are there twice count once (of %s)", path, listed(twice))
    if void:
        _log.warning("%s: contours too small to hold the centre of a pixel paint nothing (of %s)", path, listed(void))


def _points(contour: pydicom.Dataset) -> np.ndarray:
    """Corners in mm, shape (n, 3), moved off their plane where the file says so."""
    points = _corners(contour)
    offset = numbers(contour, "ContourOffsetVector", 3)
    if len(points) % 3 or (offset is None and contour.get("ContourOffsetVector")):
        raise UnusableValueError("a contour's points have not three coordinates each")
    if not np.isfinite(points).all():
        raise UnusableValueError("a contour's points have coordinates that are no numbers")
    return points.reshape(-1, 3) + (np.zeros(3) if offset is None else offset)


def _corners(contour: pydicom.Dataset) -> np.ndarray:
    values = contour.get("ContourData")
    values = [] if values is None else values
    try:
        return np.array([float(value) for value in ([values] if isinstance(values, str | float) else values)])
    except (TypeError, ValueError):
        raise UnusableValueError("a contour's coordinates are no numbers") from None


def _encloses_something(contour: pydicom.Dataset) -> bool:
    if _kind(contour) not in _CLOSED or len(_corners(contour)) < 3 * _FEWEST_POINTS:
        return False
    points = _points(contour)
    spanned = np.cross(points - points[0], np.roll(points, -1, axis=0) - points[0])
    return not np.allclose(spanned, 0)  # NaN is not left out: it is refused


def _kind(contour: pydicom.Dataset) -> str:
    return str(contour.ContourGeometricType).strip().upper()


def _name(number: int, roi: pydicom.Dataset | None) -> str:
    return ("" if roi is None else text_of(roi, "ROIName")) or f"structure {number}"


def _color(item: pydicom.Dataset) -> tuple[float, float, float] | None:
    color = numbers(item, "ROIDisplayColor", 3)
    return None if color is None else tuple((color / 255).tolist())


def _fill(structures: Structures, number: int, contours: list, axis: str) -> list[Filled]:
    """Fill a structure's contours, plane by plane; a plane on which they hold nothing is not painted."""
    geometry = structures.geometry
    to_voxels = np.linalg.inv(np.reshape(geometry.direction, (3, 3)) * np.array(geometry.spacing_mm))
    on_planes: dict[tuple[int, int], list[Contour]] = {}
    name = structures.classes[number - 1].name
    for contour in contours:
        voxels = (_points(contour) - np.array(geometry.origin_mm)) @ to_voxels.T
        normal, plane = _plane_of(voxels, axis, name, geometry.size)
        others = [one for one in range(3) if one != normal]
        exclusive = _kind(contour) == "CLOSEDPLANAR_XOR"
        on_planes.setdefault((normal, plane), []).append(Contour(voxels[:, others], exclusive))
    found = []
    for (normal, plane), drawn in on_planes.items():
        shape = tuple(size for one, size in enumerate(geometry.size) if one != normal)
        found.append(filled(drawn, shape, name))
        if found[-1].mask.any():
            structures.put(number, normal, plane, found[-1].mask)
    if any(plane.beyond for plane in found) and not any(plane.mask.any() for plane in found):
        raise InputError(f"contours of {name} lie outside the image: give the scan that they were drawn on")
    return found


def _plane_of(voxels: np.ndarray, axis: str, name: str, size: tuple[int, int, int]) -> tuple[int, int]:
    """The axis and the plane that a contour lies on, the annotation axis where it is small enough for several."""
    flat = [one for one in range(3) if np.ptp(voxels[:, one]) < _OFF_PLANE]
    if not flat:
        raise InputError(f"contours of {name} do not lie on planes of the scan: give the scan that they were drawn on")
    normal = min(flat, key=lambda one: (AXES[one] != axis, np.ptp(voxels[:, one])))
    place = float(voxels[:, normal].mean())
    plane = round(place)
    if abs(place - plane) > _OFF_PLANE:
        raise InputError(
            f"contours of {name} lie between the planes of the scan: give the scan that they were drawn on"
        )
    if not 0 <= plane < size[normal]:
        raise InputError(f"contours of {name} lie outside the image: give the scan that they were drawn on")
    return normal, plane
