"""Folders as volumes: one DICOM series, or numbered slices in files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .dicom import headers as dicom_headers
from .dicom.series import read_series
from .found import Found
from .slices import read_slices, slices_in


def read_folder(
    folder: Path, series: str | None, *, labels: bool = False, image_files: Sequence[Path | str] = ()
) -> Found:
    """Read the DICOM series `series`, or the only one; without any DICOM image, the numbered slices.

    Parameters
    ----------
    labels, image_files : see `read_slices`

    Raises
    ------
    InputError
        Where the folder holds several series and none is chosen, nothing readable, or slices that form no volume.
    """
    scanned = dicom_headers.scan(folder)
    pictures = slices_in(folder)
    if pictures and series is None and not scanned.images:
        return read_slices(folder, pictures, labels=labels, image_files=image_files)
    return read_series(folder, scanned, series, labels=labels)
