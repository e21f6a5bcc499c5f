"""DICOM Segmentation objects as labels on a scan's grid.

Read frame by frame with pydicom: which frames there are says which planes were painted, and a plain install can do it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...annotation import MAXIMUM_CLASSES, LabelClass
from ...errors import InputError
from ...volume import AXES, ImageGeometry, Volume
from ..colors import rgb_of
from ..found import listed
from .damage import UnusableValueError, items, told, whole_number
from .frames import frame_place, item_of
from .headers import is_dicom, numbers, quiet, read_header, text_of

if TYPE_CHECKING:
    import pydicom

_log = logging.getLogger(__name__)

# Of a voxel: how far pixels may lie off the scan's. Positions in files are rounded to 0.01 mm or so.
_OFF_GRID = 0.2


@dataclass
class Structures:
    """Structures of a DICOM object while they are put onto a scan's grid; where they overlap the later one stays.

    Attributes
    ----------
    numbers : ndarray of uint8, shape (k, j, i): class numbers, 0 for background
    painted : by axis ("i", "j", "k"), bool (planes along it, classes): on which planes a structure was drawn
    """

    classes: tuple[LabelClass, ...]
    geometry: ImageGeometry
    numbers: np.ndarray = field(init=False)
    painted: dict[str, np.ndarray] = field(init=False, default_factory=dict)
    overlapping: int = field(init=False, default=0)

    def __post_init__(self):
        if len(self.classes) > MAXIMUM_CLASSES:
            raise InputError(f"it holds {len(self.classes)} structures, at most {MAXIMUM_CLASSES} can be handled")
        self.numbers = np.zeros(tuple(reversed(self.geometry.size)), np.uint8)

    def put(self, number: int, axis: int, plane: int, mask: np.ndarray, first: Sequence[int] = (0, 0)) -> None:
        """A structure on a plane of an axis (0 for i): `mask` over the other two axes in their order, from `first`."""
        others = [one for one in range(3) if one != axis]
        place: list = [plane] * 3
        for one, start, length in zip(others, first, mask.shape, strict=True):
            place[one] = slice(start, start + length)
        view = self.numbers.T[tuple(place)]
        self.overlapping += int(np.count_nonzero(mask & (view > 0) & (view != number)))
        view[mask] = np.maximum(view[mask], number)
        self.note(number, axis, plane)

    def note(self, number: int, axis: int, plane: int) -> None:
        """A structure was gone through on a plane, with or without a voxel of it."""
        planes = self.painted.setdefault(AXES[axis], np.zeros((self.geometry.size[axis], len(self.classes)), bool))
        planes[plane, number - 1] = True

    def forget_planes_without_choice(self, source: Path) -> None:
        """Frames for every plane, empty ones too, choose nothing: only labels tell which planes were painted.

        So do frames for every plane from a structure's first to its last, as dcmqi writes them, where some between are
        empty; that is said, for they may have been painted.
        """
        ranges = []
        for axis, planes in self.painted.items():
            there = np.moveaxis(self.numbers.T, AXES.index(axis), 0).reshape(len(planes), -1)
            for number, frames in enumerate(planes.T.copy(), start=1):
                held = (there == number).any(axis=1)
                if not frames.all() and not _is_a_range(np.flatnonzero(frames), np.flatnonzero(held)):
                    continue
                if not frames.all():
                    ranges.append(self.classes[number - 1].name)
                planes[:, number - 1] = held
        if ranges:
            message = (
                "%s: frames from a first to a last plane, empty ones between: those that hold labels count (of %s)"
            )
            _log.warning(message, source, listed(ranges))

    def warn(self, source: Path) -> None:
        """Say what was lost where structures overlap."""
        if self.overlapping:
            message = "%s: structures overlap on %d voxels; there the later one was taken"
            _log.warning(message, source, self.overlapping)


def _is_a_range(frames: np.ndarray, held: np.ndarray) -> bool:
    """Whether frames leave out no plane between the first and the last, and some between two that hold labels none."""
    if not len(held) or np.ptp(frames) + 1 != len(frames):
        return False
    return len(held) < np.ptp(held) + 1


def read_segmentation(path: Path, volume: Volume) -> Structures:
    """Read a DICOM Segmentation (binary, label map, or fractional with whole values) onto the grid of `volume`.

    Raises
    ------
    InputError
        For another scan's segmentation, fractions, another grid, or a damaged file.
    """
    import pydicom

    with quiet(), told("it"):
        dataset = pydicom.dcmread(path)
        if not _refers_to(dataset, volume):
            refuse_other_scan(dataset.get("FrameOfReferenceUID"), volume)
        return _read(path, dataset, volume)


def refuse_other_scan(frame_of_reference: str | None, volume: Volume) -> None:
    """Raise InputError where coordinates belong to another scan than the volume, as far as both say so."""
    files = volume.geometry.files
    if not frame_of_reference or not files or not is_dicom(Path(files[0])):
        return
    header = read_header(Path(files[0]))
    own = None if header is None else header.get("FrameOfReferenceUID")
    if own and str(own) != str(frame_of_reference):
        raise InputError(
            "it was drawn on another scan (its Frame of Reference UID differs): give the scan that it belongs to"
        )


def _refers_to(dataset: pydicom.Dataset, volume: Volume) -> bool:
    """Whether a segmentation says that it was made on the scan's series: pydicom-seg gives it a frame of its own."""
    files = volume.geometry.files
    header = read_header(Path(files[0])) if files and is_dicom(Path(files[0])) else None
    own = None if header is None else header.get("SeriesInstanceUID")
    referred = {str(one.get("SeriesInstanceUID")) for one in items(dataset, "ReferencedSeriesSequence")}
    return bool(own) and str(own) in referred


def _read(path: Path, dataset: pydicom.Dataset, volume: Volume) -> Structures:
    kind = str(dataset.get("SegmentationType", "BINARY"))
    # A label map may describe its background too, with the number 0.
    segments = [one for one in items(dataset, "SegmentSequence") if whole_number(one, "SegmentNumber") > 0]
    numbers = {whole_number(segment, "SegmentNumber"): number for number, segment in enumerate(segments, start=1)}
    if not segments:
        raise UnusableValueError("it describes no segment")
    if len(numbers) < len(segments):
        raise InputError("two of its segments have the same number: export it again")
    structures = Structures(tuple(_label_class(segment) for segment in segments), volume.geometry)
    shared = next(iter(items(dataset, "SharedFunctionalGroupsSequence")), None)
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    full = whole_number(dataset, "MaximumFractionalValue", 1) if kind == "FRACTIONAL" else 1
    described = whole_number(dataset, "NumberOfFrames", 1)
    if described != len(groups):
        raise UnusableValueError(f"it says that it holds {described} frames, and describes {len(groups)}")
    for group, pixels in zip(groups, _frames(dataset), strict=True):
        place = frame_place(group, shared)
        if place is None:
            raise InputError("its frames do not say where they lie: export it again")
        if kind == "LABELMAP":
            for value in np.unique(pixels[pixels > 0]).tolist():
                _put(structures, _described(numbers, value), place, pixels == value)
            continue
        if np.any((pixels != 0) & (pixels != full)):
            raise InputError("it holds fractions, not labels: export a binary segmentation")
        identification = item_of(group, shared, "SegmentIdentificationSequence")
        if identification is None:
            raise InputError("its frames do not say which segment they show: export it again")
        segment = whole_number(identification, "ReferencedSegmentNumber")
        _put(structures, _described(numbers, segment), place, pixels > 0)
    structures.forget_planes_without_choice(path)
    structures.warn(path)
    return structures


def _described(numbers: dict[int, int], segment: int) -> int:
    if segment not in numbers:
        raise InputError(f"it holds the segment {segment}, which it does not describe: export it again")
    return numbers[segment]


def _frames(dataset: pydicom.Dataset) -> Iterator[np.ndarray]:
    """Frame after frame: all frames of 20 segments of a CT would take gigabytes at once."""
    if whole_number(dataset, "BitsAllocated") == 1 and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        yield from _packed_frames(dataset)
        return
    try:
        from pydicom.pixels import iter_pixels
    except ImportError:  # pydicom 2
        array = dataset.pixel_array
        yield from array if array.ndim == 3 else array[None]
    else:
        yield from iter_pixels(dataset)


def _packed_frames(dataset: pydicom.Dataset) -> Iterator[np.ndarray]:
    """Frames of one bit a pixel, which follow each other within a byte; pydicom 3.0 takes each to begin a new one."""
    shape = (whole_number(dataset, "Rows"), whole_number(dataset, "Columns"))
    pixels, count = shape[0] * shape[1], whole_number(dataset, "NumberOfFrames", 1)
    if not pixels or not isinstance(dataset.PixelData, bytes):
        raise UnusableValueError("it holds no pixels")
    packed = np.frombuffer(dataset.PixelData, np.uint8)
    if len(packed) * 8 < pixels * count:
        raise UnusableValueError("its frames end early")
    for first in range(0, pixels * count, pixels):
        part = packed[first // 8 : (first + pixels + 7) // 8]
        bits = np.unpackbits(part, bitorder="little")[first % 8 :][:pixels]
        yield bits.reshape(shape)


def _put(structures: Structures, number: int, place: tuple[np.ndarray, ...], mask: np.ndarray) -> None:
    """One frame onto the grid; raises InputError where its pixels do not fall onto the scan's voxels."""
    position, orientation, spacing = place
    geometry = structures.geometry
    to_voxels = np.linalg.inv(np.reshape(geometry.direction, (3, 3)) * np.array(geometry.spacing_mm))
    first = to_voxels @ (position - np.array(geometry.origin_mm))
    down, right = to_voxels @ (orientation[3:] * spacing[0]), to_voxels @ (orientation[:3] * spacing[1])
    steps = np.array([down, right])
    whole = np.rint(steps)
    drift = np.abs(steps - whole) * np.array(mask.shape)[:, None]
    start = np.rint(first)
    if (np.abs(whole).sum(axis=1) != 1).any() or max(drift.max(), np.abs(first - start).max()) > _OFF_GRID:
        raise InputError("it lies on another grid than the image: resample it onto the scan")
    axes = [int(np.flatnonzero(step)[0]) for step in whole]
    if axes[0] == axes[1]:
        raise InputError("it lies on another grid than the image: resample it onto the scan")
    low = start.astype(int)
    for dimension, (axis, step) in enumerate(zip(axes, whole, strict=True)):
        if step[axis] < 0:
            mask = np.flip(mask, dimension)
            low[axis] -= mask.shape[dimension] - 1
    if axes[0] > axes[1]:
        mask = mask.T
    normal = 3 - sum(axes)
    mask, corner = _inside(mask, [int(low[axis]) for axis in sorted(axes)], [geometry.size[a] for a in sorted(axes)])
    if not 0 <= low[normal] < geometry.size[normal]:
        if mask.any():
            raise InputError("a part of it lies outside the image: give the scan that it belongs to")
        return
    structures.put(number, normal, int(low[normal]), mask, corner)


def _inside(mask: np.ndarray, low: Sequence[int], size: Sequence[int]) -> tuple[np.ndarray, list[int]]:
    """The part of a mask that starts at `low` which lies in an image of `size`; nothing may be lost."""
    cut = tuple(slice(max(-a, 0), max(n - a, 0)) for a, n in zip(low, size, strict=True))
    inner = mask[cut]
    if np.count_nonzero(inner) != np.count_nonzero(mask):
        raise InputError("a part of it lies outside the image: give the scan that it belongs to")
    return inner, [max(a, 0) for a in low]


def _label_class(segment: pydicom.Dataset) -> LabelClass:
    number = whole_number(segment, "SegmentNumber")
    name = text_of(segment, "SegmentLabel") or f"segment {number}"
    color = None
    lab = numbers(segment, "RecommendedDisplayCIELabValue", 3)
    if lab is not None:
        color = rgb_of(lab)
    category = _code(segment, "SegmentedPropertyCategoryCodeSequence")
    kind = _code(segment, "SegmentedPropertyTypeCodeSequence")
    region = _code(segment, "AnatomicRegionSequence")
    details = {}
    if category and kind:
        entry = ["Segmentation category and type - DICOM master list", category, kind, "^^"]
        entry += ["Anatomic codes - DICOM master list", region or "^^", "^^"]
        details["Tags"] = f"TerminologyEntry:{'~'.join(entry)}|"
    return LabelClass(number, name, color, details)


def _code(segment: pydicom.Dataset, name: str) -> str | None:
    found = items(segment, name)
    if not found:
        return None
    return "^".join(str(found[0].get(part, "")) for part in ("CodingSchemeDesignator", "CodeValue", "CodeMeaning"))


def codes_of(details: dict[str, str]) -> tuple[tuple[str, str, str] | None, ...]:
    """Category, type and anatomic region of a segment's terminology, each (scheme, value, meaning) or None."""
    match = re.search(r"TerminologyEntry:([^|]*)", details.get("Tags", "")) or re.search(
        r"(.+)", details.get("TerminologyEntry", "")
    )
    parts = match[1].split("~") if match else []
    found: list[tuple[str, str, str] | None] = []
    for place in (1, 2, 5):
        words = parts[place].split("^") if place < len(parts) else []
        found.append((words[0], words[1], words[2]) if len(words) == 3 and all(words) else None)
    return tuple(found)
