"""Reading one 3-D image of real numbers, from a file or a folder."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..volume import ImageGeometry, Volume, refuse_non_finite
from . import folders, headers
from .itk import captured_stderr, reason

if TYPE_CHECKING:
    import SimpleITK


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

    `non_finite` are the positions in it that ITK put a 0 for NaN or infinity (NIfTI).
    """

    image: SimpleITK.Image
    array: np.ndarray
    geometry: ImageGeometry
    non_finite: np.ndarray


def read_image(path: str | Path, axis: str = "auto", replace_nan: float | None = None) -> Volume:
    """Read an image as planes.

    Parameters
    ----------
    path : a file, a folder with one DICOM series or with numbered slices, or ``folder::SeriesInstanceUID``
    axis : {"auto", "i", "j", "k"}
        The annotation axis; ``auto`` is the one with the largest spacing, ties to the last.
    replace_nan : intensity that NaN and infinite voxels get; by default they are refused

    Raises
    ------
    InputError
        Where there is no 3-D image of real, finite numbers, whole and readable.
    """
    stored = load(path)
    array = stored.array
    try:
        if replace_nan is not None and array.dtype.kind == "f":
            array = array.astype(np.float32)
            array[~np.isfinite(array)] = replace_nan
            array.reshape(-1)[stored.non_finite] = replace_nan
        elif len(stored.non_finite):
            refuse_non_finite(len(stored.non_finite))
        return Volume.from_file_order(array, stored.geometry, axis)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def load(path: str | Path, *, labels: bool = False) -> Stored:
    """Read a file or folder; `labels` may have several values a voxel (layers), and be one voxel thin."""
    path, series = _split(path)
    if path.is_dir():
        image = folders.read_folder(path, series)
        header = None
        non_finite = np.empty(0, np.int64)
    else:
        non_finite = headers.check_whole(path)
        image = _read_file(path, labels)
        header = headers.geometry_header(path)
    if not labels and min(image.GetSize()) == 1:
        raise InputError(f"{path} is a 2-D image, one voxel thin: give a volume, or the folder that holds all slices")
    array = np.asarray(_Memory(image))
    geometry = ImageGeometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection(), header)
    return Stored(image, array, geometry, non_finite)


def _split(path: str | Path) -> tuple[Path, str | None]:
    text, _, series = str(path).partition("::")
    path = Path(text)
    if not path.exists():
        raise InputError(f"{path} does not exist: check the path")
    if series and not path.is_dir():
        raise InputError(f"{path} is a file, ::{series} selects a DICOM series: give the folder")
    return path, series or None


def _read_file(path: Path, labels: bool) -> SimpleITK.Image:
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    try:
        with captured_stderr() as lines, _unmistakable(path) as unmistakable:
            reader.SetFileName(str(unmistakable))
            reader.ReadImageInformation()
            _check_kind(path, reader, labels)
            reader.SetExtractSize([*reader.GetSize()[:3], *[0] * (reader.GetDimension() - 3)])
            image = reader.Execute()
    except RuntimeError as error:
        raise InputError(_sentence(path, error)) from error
    finally:
        # libtiff only prints it, and ITK goes on with the pages before.
        if any("Failed to read directory" in line or "Read error" in line for line in lines):
            raise InputError(f"{path} is damaged or truncated: get a fresh copy of it")
    return image


@contextlib.contextmanager
def _unmistakable(path: Path) -> Iterator[Path]:
    """A path at which ITK reads this file. Beside an x.nii, it takes the voxels of x.nii.gz from x.nii, silently."""
    if not (path.name.lower().endswith(".nii.gz") and path.with_name(path.name[: -len(".gz")]).exists()):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / path.name
        try:
            alone.symlink_to(path.resolve())
        except OSError:  # Windows without the privilege for links
            shutil.copyfile(path, alone)
        yield alone


def _check_kind(path: Path, reader: SimpleITK.ImageFileReader, labels: bool) -> None:
    import SimpleITK as sitk  # noqa: N813

    dimension, size = reader.GetDimension(), reader.GetSize()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if dimension < 3:
        raise InputError(f"{path} is a {dimension}-D image: give a volume, or the folder that holds all slices")
    if any(length > 1 for length in size[3:]):
        frames = int(np.prod(size[3:]))
        raise InputError(f"{path} is a {dimension}-D image with {frames} frames: save one of them and give that")
    if "complex" in kind:
        raise InputError(f"{path} holds complex numbers: save its magnitude and give that")
    values = reader.GetNumberOfComponents()
    if values > 1 and not labels:
        raise InputError(f"{path} holds {values} values a voxel (colour or vectors): save one channel and give that")


def _sentence(path: Path, error: RuntimeError) -> str:
    text = str(error)
    if "orthonormal" in text or "orthogonal" in text:
        return f"{path} has axes that are not at right angles (a sheared sform): resample it onto a rectangular grid"
    if "Unable to determine ImageIO reader" in text:
        return f"{path} is in no format that can be read, or is damaged: give NIfTI, NRRD, MHA, TIFF or a DICOM folder"
    return f"{path} cannot be read, it may be damaged or truncated ({reason(error)}): get a fresh copy of it"
