"""A segmentation that another program made, brought onto the image's grid where it lies on another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..label_map import LabelClass
from ..volume import ImageGeometry, Volume
from .images import load
from .labels import LabelFile, read_labels
from .probabilities import FORMATS

# A segmentation is noted as cut off where a slice of its end is larger than this share of its largest one.
_FULL_SIZE = 0.4
# ... and at least so much of the image, and so many slices, lie beyond.
_BEYOND, _SLICES_BEYOND = 0.1, 3

# A grid whose voxels are so many times larger than the image's may end so many of its voxels before the image does: if
# the middle of the first one is in place, and those follow that have their place, up to one and a half are missing.
_COARSER, _VOXELS_SHORT = 1.5, 1.5


@dataclass(frozen=True)
class RoughFile(LabelFile):
    """Labels as a file gives them, and how unsure its program was of each (float16, 0 to 1), where it says so."""

    doubt: np.ndarray | None = None


def read_rough_labels(
    path: str | Path, volume: Volume, classes: Sequence[LabelClass] = ()
) -> tuple[RoughFile, tuple[str, ...]]:
    """Read labels as `read_labels`; those on another grid of the same space are resampled, nearest neighbour.

    Of probabilities (`write_probabilities`, and 4-D files of other programs: background first) the likeliest class
    counts. They name no structures: they are taken for `classes`, in their order, where there are as many.

    Returns
    -------
    labels, and sentences that a user should read

    Raises
    ------
    InputError
        Where they lie elsewhere, are empty, or end inside the image where a structure goes on.
    """
    chances = _probabilities(path)
    if chances is not None:
        return _of_probabilities(path, *chances, volume, classes)
    geometry = _geometry(path, volume)
    if geometry is None or volume.geometry.difference(geometry) is None:
        file, said = read_labels(path, volume), ()
        file = RoughFile(file.labels, file.classes, file.painted)
    else:
        own = _volume_of(geometry)
        file = read_labels(path, own)
        labels, resampled = _on_grid(path, own.in_file_order(file.labels), geometry, volume)
        said = (resampled,)
        file = RoughFile(labels, file.classes)
    if not file.labels.any():
        raise InputError(f"{path} holds no label: give a segmentation of this image, or leave --initial out")
    return file, (*said, *_said_of_cut(path, file.labels > 0))


def _on_grid(path: str | Path, numbers: np.ndarray, geometry: ImageGeometry, volume: Volume) -> tuple[np.ndarray, str]:
    """Labels in file order, resampled, as planes of `volume`; and the sentence that says so."""
    onto = volume.geometry
    covered = _resampled(np.ones(numbers.shape, np.uint8), geometry, onto) > 0
    if not covered.any():
        raise InputError(f"{path} lies in another space than the image: register it onto the image first")
    array = _resampled(numbers, geometry, onto)
    if not array.any() and numbers.any():
        raise InputError(f"the structures of {path} lie outside the image: check that both are of one scan")
    short = _refuse_cut(path, array, covered, _places_short(geometry, onto))
    if short:
        array = _resampled(*_extended(numbers, geometry), onto)
    said = f"note: {path} lies on another grid ({onto.difference(geometry)}) and was resampled"
    if short:
        said += "; where its last large voxel ends a little before the image, it is extended"
    return np.ascontiguousarray(volume.to_planes(array)), said


def _probabilities(path: str | Path) -> tuple[np.ndarray, ImageGeometry] | None:
    """Probabilities (classes + 1, k, j, i) and their grid, where a file holds such; else None."""
    import SimpleITK as sitk  # noqa: N813

    if not str(path).lower().endswith(FORMATS) or str(path).lower().endswith(".seg.nrrd") or not Path(path).is_file():
        return None
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    floats = "float" in sitk.GetPixelIDValueAsString(reader.GetPixelID())
    frames = reader.GetDimension() == 4 and reader.GetNumberOfComponents() == 1
    if not floats or not (frames or (reader.GetDimension() == 3 and reader.GetNumberOfComponents() > 1)):
        return None
    image = reader.Execute()
    array = sitk.GetArrayFromImage(image)
    first = image[..., 0] if frames else sitk.VectorIndexSelectionCast(image, 0)
    geometry = ImageGeometry(first.GetSize(), first.GetSpacing(), first.GetOrigin(), first.GetDirection())
    return (array if frames else np.moveaxis(array, -1, 0)), geometry


def _of_probabilities(
    path: str | Path, chances: np.ndarray, geometry: ImageGeometry, volume: Volume, classes: Sequence[LabelClass]
) -> tuple[LabelFile, tuple[str, ...]]:
    if not np.isfinite(chances).all() or chances.min() < 0:
        raise InputError(
            f"{path} holds no probabilities: give numbers of 0 or more, one image a class, background first"
        )
    numbers = chances.argmax(axis=0).astype(np.uint8)
    doubt = (1 - chances.max(axis=0) / np.maximum(chances.sum(axis=0), 1e-6)).astype(np.float32)
    count = len(chances) - 1
    fits = len(classes) == count
    own = tuple(classes) if fits else tuple(LabelClass.unnamed(n) for n in range(1, count + 1))
    values = np.array([0, *(one.value for one in own)])
    named = "those of the labels, in their order" if fits else "called class 1 and so on"
    said = [f"{path} holds probabilities of {count} structure{'s' * (count != 1)}, {named}"]
    if volume.geometry.difference(geometry) is None:
        labels = np.ascontiguousarray(volume.to_planes(numbers))
    else:
        labels, resampled = _on_grid(path, numbers, geometry, volume)
        doubt = _resampled(*_extended(doubt, geometry), volume.geometry)
        said.append(resampled)
    if not labels.any():
        raise InputError(f"{path} says that background is likeliest everywhere: give the probabilities of this image")
    doubt = np.ascontiguousarray(volume.to_planes(doubt)).astype(np.float16)
    said += _said_of_cut(path, labels > 0)
    return RoughFile(values[labels].astype(np.int64), own, None, doubt), tuple(said)


def _said_of_cut(path: str | Path, inside: np.ndarray) -> list[str]:
    """Sentences on gaps, and on each end where all structures stop at nearly full size, though the image goes on."""
    shown = np.flatnonzero(inside.any(axis=(1, 2)))
    span = int(shown[-1] - shown[0] + 1)
    if 2 * len(shown) <= span:
        return [
            f"note: {path} holds labels on {len(shown)} of the planes {shown[0]} to {shown[-1]} only: if these are "
            "painted planes, give them as LABELS"
        ]
    said = []
    for axis, name in enumerate(("plane", "row", "column")):
        area = np.count_nonzero(inside, axis=tuple(other for other in range(3) if other != axis))
        shown, last = np.flatnonzero(area), len(area) - 1
        least = max(_SLICES_BEYOND, _BEYOND * len(area))
        for end, beyond in ((int(shown[0]), int(shown[0])), (int(shown[-1]), last - int(shown[-1]))):
            if beyond >= least and area[end] > _FULL_SIZE * area.max():
                said.append(
                    f"note: {path} stops at nearly full size at {name} {end} of 0 to {last}: if it is a part of a "
                    "segmentation, give the whole one, or correct planes beyond"
                )
    return said


def _geometry(path: str | Path, volume: Volume) -> ImageGeometry | None:
    """Of a file that says where it lies; None for DICOM, and folders and pictures that are matched by number."""
    path = Path(str(path))
    if not path.is_file() or path.suffix.lower() in (".dcm", ""):
        return None
    stored = load(path, labels=True, image_files=volume.geometry.files)
    return None if stored.found is not None and not stored.found.placed else stored.geometry


def _volume_of(geometry: ImageGeometry) -> Volume:
    """A grid with nothing on it."""
    nothing = np.broadcast_to(np.float32(0), geometry.size[::-1])
    return Volume(nothing, geometry.spacing_mm[::-1], geometry, "k")


def _resampled(array: np.ndarray, geometry: ImageGeometry, onto: ImageGeometry) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(onto.size)
    resampler.SetOutputSpacing(onto.spacing_mm)
    resampler.SetOutputOrigin(onto.origin_mm)
    resampler.SetOutputDirection(onto.direction)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(resampler.Execute(image))


def _extended(array: np.ndarray, geometry: ImageGeometry) -> tuple[np.ndarray, ImageGeometry]:
    """The array (k, j, i) with its outermost voxels twice more on all sides, and its grid."""
    direction = np.reshape(geometry.direction, (3, 3))
    origin = np.array(geometry.origin_mm) - 2 * direction @ np.array(geometry.spacing_mm)
    size = tuple(n + 4 for n in geometry.size)
    return np.pad(array, 2, mode="edge"), replace(geometry, size=size, origin_mm=tuple(origin.tolist()))


def _places_short(geometry: ImageGeometry, onto: ImageGeometry) -> np.ndarray:
    """float (3,) for k, j and i: how many places of the image a coarser grid may end before the image."""
    turned = np.reshape(onto.direction, (3, 3)).T @ np.reshape(geometry.direction, (3, 3))
    times = (np.abs(turned) * np.array(geometry.spacing_mm)).max(axis=1) / np.array(onto.spacing_mm)
    return np.where(times >= _COARSER, _VOXELS_SHORT * times, 0)[::-1]


def _refuse_cut(path: str | Path, array: np.ndarray, covered: np.ndarray, short: np.ndarray) -> bool:
    """A grid that ends inside the image, with a structure at its end, is a part of a segmentation.

    Returns whether it ends there all the same, by no more places than may be `short` along k, j and i.
    """
    ends = False
    for axis, name in enumerate("kji"):
        others = tuple(other for other in range(3) if other != axis)
        places = np.flatnonzero(covered.any(axis=others))
        for end, border in ((places[0], 0), (places[-1], covered.shape[axis] - 1)):
            if end == border or not np.take(array, end, axis).any():
                continue
            if abs(int(end) - border) > short[axis]:
                raise InputError(
                    f"{path} covers only {len(places)} of the image's {covered.shape[axis]} places along {name}, and a "
                    "structure goes on where it ends: give a segmentation of the whole scan"
                )
            ends = True
    return ends
