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
from ..polygons import filled_polygon
from .headers import DAMAGE, quiet
from .segmentation import Structures, refuse_other_scan

if TYPE_CHECKING:
    import pydicom

_log = logging.getLogger(__name__)

_FEWEST_POINTS = 3  # that enclose anything
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
# Of a voxel: how far a contour may lie off its plane. Half a voxel is the middle between two planes.
_OFF_PLANE = 0.3
# How much larger than the image contours may be that reach beyond it.
_FARTHEST = 5


def read_structures(path: Path, volume: Volume) -> Structures:
    """Read the closed contours of an RTSTRUCT onto the grid of `volume`.

    A voxel belongs to a structure if its centre lies inside its contours. Of several contours of a structure on one
    plane, one inside another is a hole: planning systems write holes so, beside the key holes of the standard.

    Raises
    ------
    InputError
        For another scan's structures, contours off its planes, a file without closed contours, or a damaged one.
    """
    import pydicom

    try:
        with quiet():
            dataset = pydicom.dcmread(path)
            return _read(path, dataset, volume)
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"it cannot be read ({error}), it may be damaged or truncated: get a fresh copy") from error


def _read(path: Path, dataset: pydicom.Dataset, volume: Volume) -> Structures:
    described = {int(roi.ROINumber): roi for roi in dataset.get("StructureSetROISequence", ())}
    drawn, partly = {}, []
    for item in dataset.get("ROIContourSequence", ()):
        contours = [one for one in item.get("ContourSequence", ()) if _encloses_something(one)]
        if contours:
            number = int(item.ReferencedROINumber)
            drawn[number] = (item, contours)
            partly += [_name(number, described.get(number))] * (len(contours) < len(item.ContourSequence))
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
    cut = [_fill(structures, place, one, volume.axis) for place, (_, one) in enumerate(drawn.values(), start=1)]
    beyond = [
        f"{pixels} pixels of {one.name} on {slices} slice{'s' * (slices != 1)}"
        for one, (pixels, slices) in zip(classes, cut, strict=True)
        if pixels
    ]
    if beyond:
        _log.warning("%s: contours reach beyond the image and are cut off there (%s)", path, listed(beyond))
    if volume.axis not in structures.painted:
        axis = next(iter(structures.painted))
        raise InputError(f"its contours lie on planes of the axis {axis}, not {volume.axis}: give --axis {axis}")
    structures.warn(path)
    return structures


def _encloses_something(contour: pydicom.Dataset) -> bool:
    return contour.ContourGeometricType in _CLOSED and len(contour.ContourData) >= 3 * _FEWEST_POINTS


def _name(number: int, roi: pydicom.Dataset | None) -> str:
    return ("" if roi is None else str(roi.get("ROIName", "")).strip()) or f"structure {number}"


def _color(item: pydicom.Dataset) -> tuple[float, float, float] | None:
    color = item.get("ROIDisplayColor")
    return None if not color or len(color) != 3 else tuple(int(part) / 255 for part in color)


def _fill(structures: Structures, number: int, contours: list, axis: str) -> tuple[int, int]:
    """Fill a structure's contours; returns how many pixels lie beyond the image, and on how many slices."""
    geometry = structures.geometry
    to_voxels = np.linalg.inv(np.reshape(geometry.direction, (3, 3)) * np.array(geometry.spacing_mm))
    polygons: dict[tuple[int, int], list[np.ndarray]] = {}
    name = structures.classes[number - 1].name
    for contour in contours:
        points = np.array([float(value) for value in contour.ContourData]).reshape(-1, 3)
        voxels = (points - np.array(geometry.origin_mm)) @ to_voxels.T
        normal, plane = _plane_of(voxels, axis, name, geometry.size)
        others = [one for one in range(3) if one != normal]
        polygons.setdefault((normal, plane), []).append(voxels[:, others])
    inside = 0
    beyond = []
    for (normal, plane), corners in polygons.items():
        shape = tuple(size for one, size in enumerate(geometry.size) if one != normal)
        mask, outside = _filled(corners, shape, name)
        structures.put(number, normal, plane, mask)
        inside += np.count_nonzero(mask)
        beyond.append(outside)
    if any(beyond) and not inside:
        raise InputError(f"contours of {name} lie outside the image: give the scan that they were drawn on")
    return sum(beyond), sum(one > 0 for one in beyond)


def _filled(polygons: list[np.ndarray], shape: tuple[int, int], name: str) -> tuple[np.ndarray, int]:
    """The mask of all contours of a structure on a plane, and how many pixels they hold beyond it."""
    every = np.concatenate(polygons)
    low = np.minimum(np.floor(every.min(axis=0)), 0).astype(int)
    high = np.maximum(np.ceil(every.max(axis=0)) + 1, shape).astype(int)
    if (high - low > _FARTHEST * np.array(shape)).any():
        raise InputError(f"contours of {name} reach far beyond the image: give the scan that they were drawn on")
    mask = np.zeros(high - low, bool)
    for corners in polygons:
        mask ^= filled_polygon(corners - low, mask.shape)
    inner = mask[-low[0] : shape[0] - low[0], -low[1] : shape[1] - low[1]]
    return inner, int(np.count_nonzero(mask) - np.count_nonzero(inner))


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
