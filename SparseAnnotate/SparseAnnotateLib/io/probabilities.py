"""Class probabilities as an image with one component, or one frame, a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..volume import Volume
from .encoding import write_nifti_frames, write_nrrd_components
from .writing import check_writable, suffix_of, written_aside

FORMATS = (".nii.gz", ".nii", ".nrrd")


def write_probabilities(path: str | Path, probabilities: np.ndarray, volume: Volume) -> None:
    """Write probabilities as float32, slice by slice: no further copy of them is held in memory.

    Parameters
    ----------
    path : ends in .nrrd (one component a class), .nii or .nii.gz (4-D, one frame a class); background comes first
    probabilities : ndarray of floats, shape (classes + 1, planes, rows, columns)

    Raises
    ------
    InputError
        If it cannot be written; then nothing is changed.
    """
    path = check_writable(path, FORMATS)
    with written_aside(path) as folder:
        if suffix_of(path, FORMATS) == ".nrrd":
            stacked = volume.in_file_order(np.moveaxis(probabilities, 0, -1))
            write_nrrd_components(folder / path.name, stacked, stacked.shape, volume.geometry)
        else:
            frames = (volume.in_file_order(one) for one in probabilities)
            write_nifti_frames(folder / path.name, frames, len(probabilities), volume.geometry)
