"""Whether a file's header places its voxels on a rectangular grid, and in one way only."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..volume import ImageGeometry
from . import headers, nifti

_log = logging.getLogger(__name__)

# Cosines of the angles between the axes: text headers with 3 digits stay below it, a shear of half a degree does not.
_RIGHT_ANGLE = 5e-3
_SAME_LENGTH = 0.01
_UNIT = 1.01  # squares of a quaternion's parts, with the rounding of text headers
_SCANNER = 1  # sform_code with which ITK takes the sform before the qform
# What MetaImage headers call the same thing, and to which power of the axes it has numbers.
_META_PLACE = {("dimsize",): 1, ("elementspacing",): 1, ("elementsize",): 1, ("offset", "position", "origin"): 1}
_META_PLACE |= {("transformmatrix", "rotation", "orientation"): 2}
# ITK applies neither; what says nothing.
_META_SCALE = {"elementtointensityfunctionslope": 1.0, "elementtointensityfunctionoffset": 0.0}
_MILLIMETRES = {"", "mm", "millimeter", "millimeters", "millimetre", "millimetres"}
SHEARED = "has axes that are not at right angles (a sheared matrix): resample it onto a rectangular grid"


def check_grid(path: Path, geometry: ImageGeometry) -> None:
    """Refuse a place that is no number, and axes that are not at right angles, which ITK takes without a word.

    Raises
    ------
    InputError
        With what the header says.
    """
    spacing, direction = np.array(geometry.spacing_mm), np.reshape(geometry.direction, (3, 3))
    if not (np.isfinite(spacing) & (spacing > 0)).all():
        raise InputError(f"{path} says that a voxel is {_listed(spacing)} mm large: correct its header")
    if not (np.isfinite(direction).all() and np.isfinite(geometry.origin_mm).all()):
        raise InputError(f"{path} says where it lies in numbers that are NaN or infinite: correct its header")
    if _is_sheared(direction):
        raise InputError(f"{path} {SHEARED}")
    if not _says_spacing(path):
        _log.warning("%s does not say how large a voxel is: %s mm are assumed", path, _listed(spacing))


def _says_spacing(path: Path) -> bool:
    """Whether a NRRD or MetaImage header does; ITK takes 1 mm where it is not there or NaN (other formats: True)."""
    if headers.is_nrrd(path):
        fields = headers.nrrd_fields(headers.nrrd_header(path) or b"")
        spacings = fields.get("spacings", "nan").lower().split()[-3:]  # before them NaN for an axis of components
        return "space directions" in fields or "nan" not in spacings
    if path.name.lower().endswith((".mha", ".mhd")):
        fields = headers.meta_fields(headers.meta_header(path) or b"")
        return "elementspacing" in fields or "elementsize" in fields
    return True


def check_header_grid(path: Path) -> None:
    """Refuse a NRRD or MetaImage header without voxels, and a MetaImage one whose place is not told in numbers.

    ITK takes 0 for an offset that is NaN, too short or no number, and the later one of two.

    Raises
    ------
    InputError
        With the line of the header.
    """
    if headers.is_nrrd(path):
        fields = headers.nrrd_fields(headers.nrrd_header(path) or b"")
        _refuse_no_voxels(path, fields.get("sizes", ""))
        axes = headers.nrrd_axes(fields)
        if fields.get("dimension") == "3" and "none" in axes:
            raise InputError(f"{path} does not say which way one of its axes goes (none): correct its header")
        units = set(re.findall(r'"([^"]*)"', fields.get("space units", "")))
        if units - _MILLIMETRES:
            _log.warning("%s measures in %s: its numbers are taken as mm", path, ", ".join(sorted(units)))
        return
    pairs = headers.meta_pairs(headers.meta_header(path) or b"")
    said = {name.lower(): text for name, text in pairs}
    _refuse_no_voxels(path, said.get("dimsize", ""))
    for names, power in _META_PLACE.items():
        given = {" ".join(text.split()): f"{name} = {text}" for name, text in pairs if name.lower() in names}
        if len(given) > 1:
            raise InputError(f"{path} says both {' and '.join(given.values())}: correct its header")
        for text, line in given.items():
            _check_numbers(path, _numbers(text), int(said.get("ndims", 3)), power, line)
    for name, text in pairs:
        if name.lower() in _META_SCALE and _numbers(text) != [_META_SCALE[name.lower()]]:
            _log.warning("%s says %s = %s, which is not applied: its values are taken as they are", path, name, text)
    spacing, size = said.get("elementspacing"), said.get("elementsize")
    if any(one < 0 for one in _numbers(spacing or size or "")):
        _log.warning(
            "%s says sizes of voxels below 0 (%s): these axes count as turned round, as in Slicer", path, spacing
        )
    if spacing and size and _numbers(spacing) != _numbers(size):
        _log.warning(
            "%s says that voxels are %s mm large and %s mm apart: the distances are taken", path, size, spacing
        )


def _check_numbers(path: Path, numbers: list[float], axes: int, power: int, line: str) -> None:
    if len(numbers) != axes**power or not np.isfinite(numbers).all():
        lacks = {"elem": "size of a voxel above 0 along an axis", "dims": "size"}.get(line[:4].lower(), "place")
        raise InputError(f"{path} says no {lacks} ({line}), where {axes**power} numbers are wanted: correct its header")
    if power == 2 and not np.linalg.det(np.reshape(numbers, (axes, axes))):
        raise InputError(f"{path} says no axes ({line}): correct its header")


def _refuse_no_voxels(path: Path, sizes: str) -> None:
    if any(number <= 0 for number in _numbers(sizes)):
        raise InputError(f"{path} says that it holds {' x '.join(sizes.split())} voxels, none: get a fresh copy of it")


def _numbers(text: str) -> list[float]:
    """The numbers of a line; NaN for what is none."""
    found = []
    for word in text.split():
        try:
            found.append(float(word))
        except ValueError:
            found.append(float("nan"))
    return found


def check_nifti_grid(path: Path, header: nifti.NiftiHeader) -> None:
    """Refuse a NIfTI header that says two sizes of a voxel, or puts the voxels inside itself.

    ITK takes pixdim and leaves the lengths in the sform; other programs do the opposite.

    Raises
    ------
    InputError
        With both.
    """
    dimensions = header.numbers("dimensions")[: header.numbers("dimensions")[0] + 1][1:4]
    if (dimensions <= 0).any():
        sizes = " x ".join(str(size) for size in dimensions)
        raise InputError(f"{path} says that it holds {sizes} voxels, none: get a fresh copy of it")
    if header.is_single and header.start < header.first_start:
        raise InputError(
            f"{path} says that its voxels begin at byte {header.start}, inside its header (vox_offset): correct it"
        )
    if header.datatype not in nifti.READABLE:
        raise InputError(
            f"{path} holds voxels of NIfTI's type {header.datatype}, which cannot be read: save them as integers or "
            "32-bit floating-point numbers"
        )
    if not header.is_nifti:
        _log.warning("%s is Analyze, which says neither where it lies nor which side is left: see to it", path)
    sizes = header.numbers("pixdim")[1:4]
    if header.is_nifti and (sizes < 0).any():
        axes = ", ".join(axis for axis, one in zip("ijk", sizes, strict=True) if one < 0)
        _log.warning(
            "%s says a size below 0 (pixdim %s): %s counts as turned round, as in Slicer; others ignore the sign",
            path,
            _listed(sizes),
            axes,
        )
    sizes = np.abs(sizes)
    known = np.isfinite(sizes) & (sizes > 0)
    qform, sform = (int(header.numbers(name)[0]) for name in ("qform_code", "sform_code"))
    if header.is_nifti and sform > 0 and (qform <= 0 or sform == _SCANNER):
        matrix = header.numbers("srows").reshape(3, 4)[:, :3]
        lengths = np.linalg.norm(matrix, axis=0)
        if (lengths > 0).all() and _is_sheared(matrix / lengths):
            if qform <= 0:
                raise InputError(f"{path} {SHEARED}")
            return  # ITK takes the qform
        if not np.allclose(np.where(known, sizes, 0), lengths, rtol=_SAME_LENGTH, atol=0):
            raise InputError(
                f"{path} says two sizes of a voxel, {_listed(sizes)} (pixdim) and {_listed(lengths)} (sform): correct "
                "its header"
            )
    elif header.is_nifti and qform > 0:
        _check_qform(path, header)
    if header.is_nifti and qform > 0 and sform > 0:
        _say_two_places(path, header, "sform" if sform == _SCANNER else "qform")
    if not known.all() and not (header.is_nifti and sform > 0 and (qform <= 0 or sform == _SCANNER)):
        axes = ", ".join(axis for axis, one in zip("ijk", known, strict=True) if not one)
        _log.warning("%s does not say how large a voxel is along %s: 1 mm is assumed", path, axes)


def _check_qform(path: Path, header: nifti.NiftiHeader) -> None:
    """Refuse a qform that is no rotation, for which ITK takes one of its own."""
    numbers = header.numbers("quaternion")
    if not np.isfinite(numbers).all() or np.square(numbers[:3]).sum() > _UNIT:
        raise InputError(
            f"{path} says where it lies in numbers that are no rotation and place ({_listed(numbers)}, its qform): "
            "correct its header"
        )


def _say_two_places(path: Path, header: nifti.NiftiHeader, taken: str) -> None:
    """Say which of two places counts, where they are half a voxel apart or more."""
    sizes = np.abs(header.numbers("pixdim")[1:4]).astype(float)
    ends = np.maximum(header.numbers("dimensions")[1:4].astype(float) - 1, 0)
    corners = np.stack([one.ravel() for one in np.meshgrid(*([0.0, end] for end in ends), indexing="ij")])
    by_sform = header.numbers("srows").reshape(3, 4).astype(float) @ np.vstack([corners, np.ones(8)])
    rotation, origin = nifti.qform(header)
    apart = np.linalg.norm(rotation * sizes @ corners + origin[:, None] - by_sform, axis=0).max()
    if np.isfinite(apart) and apart > sizes.min() / 2:
        _log.warning("%s says two places, up to %.3g mm apart: its %s is taken, as ITK does", path, apart, taken)


def _is_sheared(direction: np.ndarray) -> bool:
    return bool(np.abs(direction.T @ direction - np.eye(3)).max() > _RIGHT_ANGLE)


def _listed(lengths: Sequence[float]) -> str:
    return ", ".join(f"{length:.6g}" for length in lengths)
