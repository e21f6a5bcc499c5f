"""Label maps and segmentations: values on the image's grid, with the names that the file gives them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..errors import InputError
from ..label_map import MAXIMUM_CLASSES
from ..volume import ImageGeometry, Volume
from . import segmentation
from .dicom import headers as dicom_headers
from .dicom.writing import check_dicom_output, write_segmentation
from .encoding import write_image
from .found import listed
from .images import load
from .slices import slices_in
from .writing import check_holds, check_writable, suffix_of, written_aside

_log = logging.getLogger(__name__)

# A value this near to a whole number stands for it; one that is farther does so where no other value does.
_NEARLY_WHOLE, _LEAST_CERTAIN = 0.05, 0.25
# What lies farther from a 0 that stands beside it exactly is no 0: labels divided by 255 begin at .0039.
_NOTHING = 1e-3

# A label map with more structures than this whose labelled neighbours differ in most places is an image.
_FEW_STRUCTURES, _FEW_PAIRS = 20, 500

_NOT_FINITE = "the labels hold NaN or infinite values: give a label map"


@dataclass(frozen=True)
class LabelFile:
    """Labels as a file gives them.

    Attributes
    ----------
    labels : ndarray of unsigned integers, shape (planes, rows, columns)
        Values of `classes`, along the volume's annotation axis; 0 is background.
    classes : tuple of LabelClass
        Those of the file: every segment of a segmentation, even an empty one; of a label map the values that occur.
    painted : ndarray of bool, shape (planes, classes), or None
        The planes that each structure was painted on, where the file itself tells (DICOM, folders with some slices).
    """

    labels: np.ndarray
    classes: tuple[LabelClass, ...]
    painted: np.ndarray | None = None

    def to_annotation(self, planes: Sequence[int] | None = None, empty: Sequence[int] = ()) -> SparseAnnotation:
        """What is painted: `planes`, else those that the file tells, else those that hold a label; and `empty` ones."""
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
    if kind is not None:
        return _from_dicom(source, kind, volume)
    stored = load(path, labels=True, image_files=volume.geometry.files)
    segments = [] if stored.image is None else segmentation.read_segments(stored.image)
    if stored.array.ndim > 3 and not segments:
        raise InputError(f"{path} holds {stored.array.shape[-1]} values a voxel and no segments: give a label map")
    try:
        if len(stored.non_finite):
            raise InputError(_NOT_FINITE)
        array = _as_unsigned(stored.array, path)
        if segments:
            array, classes = segmentation.flatten(array, segments, str(path))
        else:
            values = _values_in(array)
            _refuse_image(array, len(values))
            classes = tuple(LabelClass(value, f"class {value}") for value in values)
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
    return LabelFile(np.ascontiguousarray(volume.to_planes(array)), classes, painted)


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
    return LabelFile(np.ascontiguousarray(volume.to_planes(array)), found.classes, painted)


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


def _as_unsigned(array: np.ndarray, path: str | Path) -> np.ndarray:
    """Whole numbers of any type, in the smallest unsigned type that holds them, without a large copy in between."""
    if array.dtype.kind == "u":
        return array
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(_NOT_FINITE)
    if low < -_NEARLY_WHOLE:
        raise InputError("the labels hold negative values: use 0 for background and positive numbers for structures")
    if high >= 2**32:
        raise InputError(f"the labels hold the value {high:g}: give a label map")
    whole = np.empty(array.shape, np.min_scalar_type(int(np.rint(high))))
    values: dict[float, int] = {}
    for source, target in zip(array, whole, strict=True):
        if array.dtype.kind == "f":
            rounded = np.rint(source)
            values |= _inexact(source, rounded, values)
            source = rounded
        target[...] = source
    if values:
        _log.warning("%s: %s", path, _said_of_scaled(values))
    return whole


def _inexact(source: np.ndarray, rounded: np.ndarray, before: dict[float, int]) -> dict[float, int]:
    """The values that are not whole, with the whole numbers they stand for.

    A header's slope of, say, 12 / 255 turns the label 2 into 1.976, everywhere: one value for one label.

    Raises
    ------
    InputError
        Where it is not clear for which number a value stands.
    """
    off = source != rounded
    if not off.any():
        return {}
    found, first = np.unique(source[off], return_index=True)
    numbers = rounded[off][first].astype(np.int64).tolist()
    pairs = dict(zip(found.tolist(), numbers, strict=True))
    merged = {**before, **pairs}
    near = max(abs(value - number) for value, number in pairs.items()) <= _NEARLY_WHOLE
    several = len(set(merged.values())) < len(merged) or np.isin(numbers, source[~off]).any()
    lost = any(number == 0 and abs(value) > _NOTHING for value, number in pairs.items()) and (source[~off] == 0).any()
    distances = [abs(value - number) for value, number in pairs.items()]
    if (
        lost
        or len(merged) > MAXIMUM_CLASSES
        or (not near and (several or max(distances) > _LEAST_CERTAIN or 0 in numbers))
    ):
        raise InputError("the labels are not whole numbers: give a label map, not an image or probabilities")
    return pairs


def _said_of_scaled(values: dict[float, int]) -> str:
    value, number = max(values.items(), key=lambda pair: abs(pair[0] - pair[1]))
    digits = next(count for count in (6, 9, 12, 17) if float(f"{value:.{count}g}") != number)
    return (
        f"the labels lost their exactness, as by a scale in their header (such as {value:.{digits}g} for {number}): "
        "they were brought back to whole numbers"
    )


def _refuse_image(array: np.ndarray, count: int) -> None:
    """An image given as labels has as many "structures" as it has grey values, and neighbours that differ."""
    if count > MAXIMUM_CLASSES:
        raise InputError(
            f"the labels hold {count} different values, at most {MAXIMUM_CLASSES} structures can be handled: is this "
            "the image? Give a label map"
        )
    if count < _FEW_STRUCTURES:
        return
    pairs = differ = 0
    for part in array:
        here, there = part[:, 1:], part[:, :-1]
        both = (here > 0) & (there > 0)
        pairs += np.count_nonzero(both)
        differ += np.count_nonzero(both & (here != there))
    if differ > pairs / 2 and pairs > _FEW_PAIRS:
        raise InputError(
            f"the labels hold {count} different values that change from voxel to voxel, as an image does: give a label "
            "map"
        )


def _values_in(array: np.ndarray) -> list[int]:
    """The values above 0 that occur, ascending; slice by slice, for sorting all of 512x512x600 would take seconds."""
    found: set[int] = set()
    for part in array:
        if not part.any():
            continue
        if array.dtype.itemsize <= 2:
            found.update(np.flatnonzero(np.bincount(part.ravel())).tolist())
        else:
            found.update(np.unique(part).tolist())
    return sorted(found - {0})


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
    return tuple(int(voxel) for voxel in rounded)
