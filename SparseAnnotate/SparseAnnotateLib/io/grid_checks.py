"""Whether a file's header places its voxels on a rectangular grid, and in one way only."""

from __future__ import annotations

import logging
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
_SCANNER = 1  # sform_code with which ITK takes the sform before the qform
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


def check_nifti_grid(path: Path, header: nifti.NiftiHeader) -> None:
    """Refuse a NIfTI header that says two sizes of a voxel, or puts the voxels inside itself.

    ITK takes pixdim and leaves the lengths in the sform; other programs do the opposite.

    Raises
    ------
    InputError
        With both.
    """
    if header.is_single and header.start < header.first_start:
        raise InputError(
            f"{path} says that its voxels begin at byte {header.start}, inside its header (vox_offset): correct it"
        )
    sizes = np.abs(header.numbers("pixdim")[1:4])
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
    elif not known.all():
        axes = ", ".join(axis for axis, one in zip("ijk", known, strict=True) if not one)
        _log.warning("%s does not say how large a voxel is along %s: 1 mm is assumed", path, axes)


def _is_sheared(direction: np.ndarray) -> bool:
    return bool(np.abs(direction.T @ direction - np.eye(3)).max() > _RIGHT_ANGLE)


def _listed(lengths: Sequence[float]) -> str:
    return ", ".join(f"{length:.6g}" for length in lengths)
