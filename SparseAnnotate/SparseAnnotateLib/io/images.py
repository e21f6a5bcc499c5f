"""Reading one 3-D image of real numbers, from a file or a folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..volume import ImageGeometry, Volume, refuse_non_finite
from . import folders, headers, tiff
from .dicom import headers as dicom_headers
from .dicom.series import read_file
from .found import Found, said_of_spacing
from .grid_checks import SHEARED, check_grid
from .itk import captured_stderr, reason
from .parts import advice_for_absent, split_series
from .readable import as_itk_reads_it
from .whole import CHECKED, check_whole

if TYPE_CHECKING:
    import SimpleITK

_log = logging.getLogger(__name__)

_THIN = "is a 2-D image, one voxel thin: give a volume, or the folder that holds all slices"


class _Memory:
    """An image's voxels for numpy. SimpleITK's own view does not keep the image alive, and reads freed memory then."""

    def __init__(self, image: SimpleITK.Image):
        import SimpleITK as sitk  # noqa: N813

        view = sitk.GetArrayViewFromImage(image)
        self.image = image
        self.__array_interface__ = {**view.__array_interface__, "data": (view.ctypes.data, False)}


@dataclass(frozen=True)
class Stored:
    """An image as its file holds it: `array` (k, j, i[, components]) is the memory of `image`, which it keeps alive.

    `non_finite` are the positions in it that ITK put a 0 for NaN or infinity (NIfTI). Where a reader of our own
    `found` it (DICOM, TIFF, folders), there is no `image`.
    """

    image: SimpleITK.Image | None
    array: np.ndarray
    geometry: ImageGeometry
    non_finite: np.ndarray
    found: Found | None = None


def read_image(
    path: str | Path,
    axis: str = "auto",
    replace_nan: float | None = None,
    *,
    channel: int | None = None,
    spacing_mm: Sequence[float] | None = None,
) -> Volume:
    """Read an image as planes.

    Parameters
    ----------
    path : a file, a folder with one DICOM series or with numbered slices, or ``folder::SeriesInstanceUID``
    axis : {"auto", "i", "j", "k"}
        The annotation axis; ``auto`` is the one with the largest spacing, ties to the last.
    replace_nan : intensity that NaN and infinite voxels get; by default they are refused
    channel : of an image with several channels, colours, times or frames the one to take, from 0
    spacing_mm : along i, j, k, of formats that do not say it or often say it wrong (TIFF, pictures)

    Raises
    ------
    InputError
        Where there is no 3-D image of real, finite numbers, whole and readable.
    """
    stored = load(path, channel=channel)
    array, geometry = stored.array, stored.geometry
    if spacing_mm is not None:
        if stored.found is None or stored.found.placed:
            raise InputError(f"{path} says its spacing itself: drop --spacing, which is for TIFF and pictures")
        i_mm, j_mm, k_mm = map(float, spacing_mm)
        geometry = replace(geometry, spacing_mm=(i_mm, j_mm, k_mm))
    elif stored.found is not None and (line := said_of_spacing(stored.found, path)):
        _log.warning("%s", line)
    try:
        if replace_nan is not None and array.dtype.kind == "f":
            array = array.astype(np.float32)
            array[~np.isfinite(array)] = replace_nan
            array.reshape(-1)[stored.non_finite] = replace_nan
        elif len(stored.non_finite):
            refuse_non_finite(len(stored.non_finite))
        return Volume.from_file_order(array, geometry, axis)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def is_scan(path: str | Path) -> bool:
    """Whether there is one scan at a path: an image file, or a folder of DICOM slices."""
    path, series = split_series(path)
    if path.is_dir():
        return series is not None or any(dicom_headers.is_dicom(file) for file in path.iterdir() if file.is_file())
    return path.is_file() and (path.name.lower().endswith(CHECKED) or dicom_headers.is_dicom(path))


def load(
    path: str | Path, *, labels: bool = False, channel: int | None = None, image_files: Sequence[str] = ()
) -> Stored:
    """Read a file or folder; `labels` may have several values a voxel (layers), and be one voxel thin.

    `image_files` are those of the planes of the image that labels belong to, see `folders.read_folder`.
    """
    path, series = _split(path)
    found = _found(path, series, labels, channel, image_files)
    if found is not None:
        size = tuple(reversed(found.array.shape))
        files = tuple(str(file) for file in found.files)
        if not labels and min(size) == 1:
            raise InputError(f"{path} {_THIN}")
        placed = (found.assumed_spacing_mm, found.origin_mm, found.direction)
        return Stored(None, found.array, ImageGeometry(size, *placed, files=files), np.empty(0, np.int64), found)
    non_finite = check_whole(path)
    image = _read_file(path, labels, channel)
    header = headers.geometry_header(path)
    if not labels and min(image.GetSize()) == 1:
        raise InputError(f"{path} {_THIN}")
    array = np.asarray(_Memory(image))
    geometry = ImageGeometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection(), header)
    check_grid(path, geometry)
    return Stored(image, array, geometry, non_finite)


def _found(
    path: Path, series: str | None, labels: bool, channel: int | None, image_files: Sequence[str]
) -> Found | None:
    """What a reader of our own finds; None for a file that ITK reads."""
    if path.is_dir():
        found = folders.read_folder(path, series, labels=labels, image_files=image_files)
    elif tiff.is_tiff(path):
        check_whole(path)
        return tiff.read_stack(path, channel, labels=labels)
    elif dicom_headers.is_dicom(path):
        found = read_file(path, labels=labels)
    else:
        return None
    if channel not in (None, 0):
        raise InputError(f"{path} holds one channel only: there is no channel {channel}")
    return found


def _split(path: str | Path) -> tuple[Path, str | None]:
    given, (path, series) = path, split_series(path)
    if not path.exists():
        raise InputError(f"{given} does not exist: {advice_for_absent(given)}")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{given} is no plain file (a pipe or a device), which would be read once only: save it first")
    if series and not path.is_dir():
        raise InputError(f"{path} is a file, ::{series} selects a DICOM series: give the folder")
    return path, series


def _read_file(path: Path, labels: bool, channel: int | None) -> SimpleITK.Image:
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    try:
        with as_itk_reads_it(path) as readable, captured_stderr() as lines:
            reader.SetFileName(str(readable))
            reader.ReadImageInformation()
            _check_kind(path, reader, labels, channel)
            reader.SetExtractSize([*reader.GetSize()[:3], *[0] * (reader.GetDimension() - 3)])
            if channel and reader.GetDimension() > 3:
                reader.SetExtractIndex([0, 0, 0, channel, *[0] * (reader.GetDimension() - 4)])
            image = reader.Execute()
            if channel is not None and image.GetNumberOfComponentsPerPixel() > 1:
                image = sitk.VectorIndexSelectionCast(image, channel)
    except RuntimeError as error:
        raise InputError(_sentence(path, error)) from error
    finally:
        # libtiff only prints it, and ITK goes on with the pages before.
        if any("Failed to read directory" in line or "Read error" in line for line in lines):
            raise InputError(f"{path} is damaged or truncated: get a fresh copy of it")
    return image


def _check_kind(path: Path, reader: SimpleITK.ImageFileReader, labels: bool, channel: int | None) -> None:
    import SimpleITK as sitk  # noqa: N813

    dimension, size = reader.GetDimension(), reader.GetSize()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if dimension < 3:
        raise InputError(f"{path} is a {dimension}-D image: give a volume, or the folder that holds all slices")
    frames, values = int(np.prod(size[3:])), reader.GetNumberOfComponents()
    if frames > 1 and (channel is None or frames != size[3] or values > 1):
        chosen = ", or choose one with --channel N" if not labels and frames == size[3] and values == 1 else ""
        raise InputError(
            f"{path} is a {dimension}-D image with {frames} frames: save one of them and give that{chosen}"
        )
    if "complex" in kind:
        raise InputError(f"{path} holds complex numbers: save its magnitude and give that")
    if values > 1 and not labels and channel is None:
        raise InputError(
            f"{path} holds {values} values a voxel (colour or vectors): save one channel and give that, "
            "or choose one with --channel N"
        )
    count = max(frames, 1 if labels else values)
    if channel is not None and not 0 <= channel < count:
        raise InputError(f"{path} holds {count} channels, numbered from 0: there is no number {channel}")


def _sentence(path: Path, error: RuntimeError) -> str:
    text = str(error)
    if "orthonormal" in text or "orthogonal" in text:
        return f"{path} {SHEARED}"
    if "change spacing" in text or "spacing (0) invalid" in text:
        return f"{path} says no size of a voxel above 0 along an axis: correct its header"
    if "Unable to determine ImageIO reader" in text:
        return f"{path} is in no format that can be read, or is damaged: give NIfTI, NRRD, MHA, TIFF or a DICOM folder"
    return f"{path} cannot be read, it may be damaged or truncated ({reason(error)}): get a fresh copy of it"
