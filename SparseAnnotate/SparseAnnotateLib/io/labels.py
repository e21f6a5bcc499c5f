"""Label maps and segmentations: values on the image's grid, with the names that the file gives them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..errors import InputError
from ..volume import ImageGeometry, Volume
from . import segmentation
from .dicom import headers as dicom_headers
from .dicom.writing import check_dicom_output, write_segmentation
from .encoding import write_image
from .found import listed
from .images import load
from .label_values import NOT_FINITE, as_unsigned, values_of
from .slices import slices_in
from .writing import check_holds, check_writable, suffix_of, written_aside

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelFile:
    """Labels as a file gives them.

    Attributes
    ----------
    labels : ndarray of unsigned integers, shape (planes, rows, columns)
        Values of `classes`, along the volume's annotation axis; 0 is background.
    classes : tuple of LabelClass
        Every segment of a segmentation, even an empty one; the values that occur in a label map.
    painted : ndarray of bool, shape (planes, classes), or None
        The planes that each structure was painted on, if the file itself holds this (DICOM, folders with some slices).
    """

    labels: np.ndarray
    classes: tuple[LabelClass, ...]
    painted: np.ndarray | None = None

    def to_annotation(self, planes: Sequence[int] | None = None, empty: Sequence[int] = ()) -> SparseAnnotation:
        """What is painted: `planes`, else those that the file names, else those that hold a label; and `empty` ones."""
        if planes is not None or self.painted is None:
            return SparseAnnotation.from_painted_planes(self.labels, planes, empty=empty, classes=self.classes)
        told = np.flatnonzero(self.painted.any(axis=1))
        annotation = SparseAnnotation.from_painted_planes(self.labels, told, empty=empty, classes=self.classes)
        columns = enumerate(self.painted.T, start=1)
        return annotation.with_complete({number: {*np.flatnonzero(ones).tolist(), *empty} for number, ones in columns})


def read_labels(path: str | Path, volume: Volume) -> LabelFile:
    """Read labels that lie on the grid of `volume`; a segmentation may cover a part of it, as Slicer saves them.

    Parameters
    ----------
    path : a label map in any format that `read_image` takes, or a segmentation (``.seg.nrrd``)

    Raises
    ------
    InputError
        For another grid, or labels that are no whole numbers.
    """
    source = _structures_in(Path(str(path)))
    kind = None if source is None else _dicom_kind(source)
    if source is not None and kind is not None:
        return _from_dicom(source, kind, volume)
    stored = load(path, labels=True, image_files=volume.geometry.files)
    segments = [] if stored.image is None else segmentation.read_segments(stored.image, stored.geometry.header)
    if stored.array.ndim > 3 and not segments:
        raise InputError(f"{path} holds {stored.array.shape[-1]} values a voxel and no segments: give a label map")
    try:
        if len(stored.non_finite):
            raise InputError(NOT_FINITE)
        array = as_unsigned(stored.array, path)
        if segments:
            array, classes = segmentation.flatten(array, segments, str(path))
        else:
            values = values_of(array, path)
            classes = tuple(LabelClass.unnamed(value) for value in values)
        if stored.found is not None and not stored.found.placed:
            _check_size(stored.geometry, volume.geometry)
        else:
            array = _onto_grid(array, stored.geometry, volume, part=bool(segments))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    painted = None
    if stored.found is not None and stored.found.painted is not None and volume.axis == "k":
        painted = np.zeros((volume.planes, len(classes)), bool)
        painted[list(stored.found.painted)] = True
    return LabelFile(np.ascontiguousarray(volume.to_planes(array)), _told_apart(classes, path), painted)


def _dicom_kind(path: Path) -> str | None:
    """The SOP class of a DICOM file that holds structures; None for anything else."""
    if not path.is_file() or not dicom_headers.is_dicom(path):
        return None
    header = dicom_headers.read_header(path)
    kind = None if header is None else str(header.get("SOPClassUID", ""))
    return kind if kind in (*dicom_headers.SEGMENTATIONS, dicom_headers.STRUCTURE_SET) else None


def _structures_in(path: Path) -> Path | None:
    """The file itself; of a folder without images, as archives export them, its only DICOM file of structures."""
    if not path.is_dir():
        return path
    scanned = dicom_headers.scan(path)
    kinds = (*dicom_headers.SEGMENTATIONS, dicom_headers.STRUCTURE_SET)
    found = [file for file, kind in scanned.objects.items() if kind in kinds]
    if not found or scanned.images or slices_in(path):
        return None
    if len(found) > 1:
        files = listed([str(file) for file in sorted(found)])
        raise InputError(f"{path} holds {len(found)} DICOM files of structures: give one of {files}")
    return found[0]


def _from_dicom(path: Path, kind: str, volume: Volume) -> LabelFile:
    from .dicom.segmentation import read_segmentation
    from .dicom.structures import read_structures

    try:
        found = (read_structures if kind == dicom_headers.STRUCTURE_SET else read_segmentation)(path, volume)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    values = np.array([0, *(one.value for one in found.classes)])
    array = values.astype(np.min_scalar_type(int(values.max())))[found.numbers]
    painted = found.painted.get(volume.axis)
    return LabelFile(np.ascontiguousarray(volume.to_planes(array)), _told_apart(found.classes, path), painted)


def _told_apart(classes: Sequence[LabelClass], path: str | Path) -> tuple[LabelClass, ...]:
    """Structures of one name with their values in it: results are told by names."""
    names = [one.name for one in classes]
    if len(set(names)) == len(names):
        return tuple(classes)
    found: list[LabelClass] = []
    for one in classes:
        name = one.name
        while names.count(name) > (name == one.name) or name in {other.name for other in found}:
            name = f"{name} ({one.value})"
        found.append(replace(one, name=name))
    renamed = [one.name for one, name in zip(found, names, strict=True) if one.name != name]
    _log.warning("%s: structures of the same name are told apart by their values (%s)", path, listed(renamed))
    return tuple(found)


def write_labels(path: str | Path, labels: np.ndarray, volume: Volume, classes: Sequence[LabelClass]) -> None:
    """Write class numbers as the values of `classes`, on the very grid of the image that `volume` was read from.

    Parameters
    ----------
    path : ends in .seg.nrrd (keeps names and colours), .nii.gz, .nii, .nrrd, .mha, .mhd, .tif; of a DICOM scan also in
        .dcm (a DICOM Segmentation)
    labels : ndarray of uint8, shape (planes, rows, columns)

    Raises
    ------
    InputError
        If it cannot be written; then nothing is changed.
    """
    path = check_writable(path)
    check_holds(path, volume.geometry)
    check_dicom_output(path, volume)
    if suffix_of(path) == ".dcm":
        with written_aside(path) as folder:
            write_segmentation(folder / path.name, volume.to_file_order(labels), classes, volume.geometry)
        return
    values = np.array([0, *(one.value for one in classes)])
    values = values.astype(np.min_scalar_type(int(values.max())))
    array = volume.to_file_order(labels)
    if not np.array_equal(values, np.arange(len(values))):
        array = values[array]
    metadata = segmentation.describe(classes, volume.geometry.size) if suffix_of(path) == ".seg.nrrd" else {}
    with written_aside(path) as folder:
        write_image(folder / path.name, array, volume.geometry, metadata)


def _check_size(labels: ImageGeometry, image: ImageGeometry) -> None:
    """TIFF and pictures do not say where they lie: voxels are matched by their numbers."""
    if labels.size != image.size:
        sizes = " voxels against ".join("x".join(str(n) for n in one.size) for one in (image, labels))
        raise InputError(
            f"the labels lie on another grid than the image (size {sizes}, image against labels): "
            "resample them onto the image"
        )


def _onto_grid(array: np.ndarray, geometry: ImageGeometry, volume: Volume, *, part: bool) -> np.ndarray:
    """`array` on the grid of `volume`; only a segmentation may cover a `part` of it, a label map would be another's."""
    difference = volume.geometry.difference(geometry)
    if difference is None:
        return array
    first = _offset(geometry, volume.geometry) if part else None
    if first is None:
        raise InputError(
            f"the labels lie on another grid than the image ({difference}, image against labels): "
            "resample them onto the image"
        )
    whole = np.zeros(volume.geometry.size[::-1], array.dtype)
    inside, taken = [], []
    for start, count, size in zip(first[::-1], array.shape, whole.shape, strict=True):
        low, high = max(start, 0), min(start + count, size)
        inside.append(slice(low, max(low, high)))
        taken.append(slice(low - start, max(low, high) - start))
    whole[tuple(inside)] = array[tuple(taken)]
    if np.count_nonzero(whole) != np.count_nonzero(array):
        raise InputError("some labels lie outside the image: crop the segmentation to the image")
    return whole


def _offset(part: ImageGeometry, whole: ImageGeometry, tolerance: float = 1e-3) -> tuple[int, int, int] | None:
    """The voxel (i, j, k) of `whole` on which the first voxel of `part` lies, if the two grids fall together."""
    if not np.allclose(part.spacing_mm, whole.spacing_mm, rtol=tolerance * 1e-2, atol=0):
        return None
    if not np.allclose(part.direction, whole.direction, rtol=0, atol=tolerance * 1e-2):
        return None
    direction = np.reshape(whole.direction, (3, 3))
    voxels = np.linalg.solve(direction, np.subtract(part.origin_mm, whole.origin_mm)) / whole.spacing_mm
    rounded = np.rint(voxels)
    if np.abs(voxels - rounded).max() > 10 * tolerance:
        return None
    i, j, k = map(int, rounded)
    return i, j, k
