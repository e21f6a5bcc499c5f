"""Folders as volumes: one DICOM series, or numbered slices in files of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .itk import captured_stderr, reason

if TYPE_CHECKING:
    import SimpleITK

SLICE_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")


def read_folder(folder: Path, series: str | None) -> SimpleITK.Image:
    """Read the DICOM series `series`, or the only one; without any DICOM file, the numbered slices.

    Raises
    ------
    InputError
        Where the folder holds several series and none is chosen, nothing readable, or slices that form no volume.
    """
    from . import dicom

    slices = numbered_slices(folder) if series is None else []
    return _read_slices(folder, slices) if slices else dicom.read_series(folder, series)


def numbered_slices(folder: Path) -> list[Path]:
    """The slices (not DICOM) in a folder in natural order, slice2 before slice10; all of one format."""
    files = [file for file in folder.iterdir() if file.suffix.lower() in SLICE_SUFFIXES and file.name[0] != "."]
    kinds = {file.suffix.lower() for file in files}
    if len(kinds) > 1:
        raise InputError(f"{folder} holds slices of several formats ({', '.join(sorted(kinds))}): keep one of them")
    return sorted(files, key=_natural)


def _natural(file: Path) -> list:
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", file.name.lower())
        if part
    ]


def _read_slices(folder: Path, files: list[Path]) -> SimpleITK.Image:
    import SimpleITK as sitk  # noqa: N813

    if len(files) < 2:
        raise InputError(f"{folder} holds one slice only: give the folder that holds all slices")
    with captured_stderr():
        _check_alike(folder, files)
        try:
            return sitk.ReadImage([str(file) for file in files])
        except RuntimeError as error:
            raise InputError(f"the slices in {folder} cannot be read as one volume ({reason(error)})") from error


def _check_alike(folder: Path, files: list[Path]) -> None:
    import SimpleITK as sitk  # noqa: N813

    sizes = {}
    for file in files:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise InputError(
                f"{file} cannot be read, it may be damaged or truncated: get a fresh copy of it"
            ) from error
        if reader.GetNumberOfComponents() > 1:
            raise InputError(f"{file} is a colour image: save it in grey")
        if reader.GetDimension() > 2 and reader.GetSize()[2] > 1:
            raise InputError(f"{file} holds a stack of its own: give that file, or a folder of single slices")
        sizes.setdefault(reader.GetSize()[:2], file)
    if len(sizes) > 1:
        first, second = list(sizes.values())[:2]
        raise InputError(
            f"{first.name} and {second.name} in {folder} differ in size: keep the slices of one volume only"
        )
