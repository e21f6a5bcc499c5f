"""One DICOM series as a volume, its slices sorted by their place in the patient.

pydicom tells what the files are and where they lie; ITK's GDCM decodes the voxels, of every compression.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..foreign import what_else
from ..found import Found, listed
from ..itk import captured_stderr, reason
from .frames import read_frames
from .headers import SEGMENTATIONS, STRUCTURE_SET, Header, Scanned, is_dicom, name_of, refuse_cut, scan_file
from .steps import SAME_PLACE_MM, check_steps, found_from
from .values import check_values, why_unreadable

_log = logging.getLogger(__name__)

# Cosines in files have 6 digits; .001 turns the corner of a slice 200 mm wide by 0.2 mm.
_TURN_TOLERANCE = 1e-3
# Of lengths and of the cosine between rows and columns; files with three digits are .001 off.
_BENT_TOLERANCE = 1e-2
# Of the size of a pixel: at 512 pixels half a pixel. Numbers of six digits differ by less.
_SIZE_TOLERANCE = 1e-3


def read_series(folder: Path, scanned: Scanned, series: str | None, *, labels: bool = False) -> Found:
    """Read one series of a folder; see `folders.read_folder`."""
    if not scanned.images:
        kinds = listed([name_of(kind) for kind in sorted(set(scanned.objects.values()))])
        holds = f"DICOM files but no image ({kinds})" if kinds else "neither a DICOM series nor numbered slices"
        others = ((file.name, what_else(file)) for file in scanned.others)
        name, what = next((one for one in others if one[1] and not kinds), ("", None))
        if what is not None:
            raise InputError(f"{folder} holds {holds}, but {name}, which {what}")
        raise InputError(f"{folder} holds {holds}: give another one")
    headers = _choose(folder, scanned.images, series)
    if scanned.ignored:
        _log.warning("%s: files that are no slices of a scan are ignored (%s)", folder, listed(scanned.ignored))
    colour = next((header.colour for header in headers if header.colour), None)
    if colour is not None:
        raise InputError(f"{folder} holds a series in colour ({colour}), which is no scan: give one in grey")
    if labels and any(header.lossy for header in headers):
        raise InputError(f"{folder} holds labels compressed with loss, which changes them: export them uncompressed")
    if any(header.frames > 1 for header in headers):
        single = [header for header in headers if header.frames == 1]
        if single:
            many = listed([str(header.file) for header in headers if header.frames > 1])
            raise InputError(
                f"{folder} holds {_counted(single)} of one slice and others of many frames ({many}): keep one kind, "
                "or give such a file"
            )
        if len(headers) > 1:
            files = listed([str(header.file) for header in headers])
            raise InputError(f"{folder} holds {len(headers)} files of many frames: choose one of {files}")
        return read_frames(headers[0])
    if len(headers) == 1:
        raise InputError(f"{folder} holds one slice only (a 2-D image): give the folder that holds all slices")
    return _read(folder, _in_order(folder, headers))


def read_file(path: Path, *, labels: bool = False) -> Found:
    """Read one DICOM file, which must hold a whole volume; see `read_series`."""
    scanned = scan_file(path)
    if path in scanned.others:
        raise InputError(f"{path} is the table of contents of a disc: give the folder that it lies in")
    kind = next(iter(scanned.objects.values()), None)
    if kind in (*SEGMENTATIONS, STRUCTURE_SET):
        raise InputError(f"{path} is a DICOM segmentation, not an image: give the folder of the scan it belongs to")
    if kind is not None:
        raise InputError(f"{path} is a DICOM file without an image ({name_of(kind)}): give the folder of a scan")
    if len(scanned.images) == 1 and scanned.images[0].frames == 1:
        raise InputError(f"{path} is a 2-D image, one voxel thin: give a volume, or the folder that holds all slices")
    return read_series(path, scanned, None, labels=labels)


def _choose(folder: Path, images: Sequence[Header], series: str | None) -> list[Header]:
    found: dict[str, list[Header]] = {}
    for header in images:
        found.setdefault(header.series, []).append(header)
    if series in found:
        return found[series]
    choices = "; ".join(
        f"{folder}::{uid} ({some[0].description}, {_counted(some)})" for uid, some in found.items() if uid
    )
    if len(found) > 1 and "" in found:
        without = listed([header.file.name for header in found[""]])
        raise InputError(
            f"{folder} holds files that do not say of which series they are ({without}): take them out, or export them "
            f"again{'; or choose one of ' + choices if choices else ''}"
        )
    if series is not None:
        raise InputError(f"{folder} holds no series {series}: choose one of {choices}")
    if len(found) > 1:
        raise InputError(f"{folder} holds {len(found)} DICOM series: choose one of {choices}")
    return list(images)


def _counted(headers: Sequence[Header]) -> str:
    return f"{len(headers)} file{'s' * (len(headers) > 1)}"


def _in_order(folder: Path, headers: Sequence[Header]) -> list[Header]:
    """The slices along their normal; raises InputError unless they form a rectangular stack without gaps."""
    if len({header.size for header in headers}) > 1:
        raise InputError(f"the slices in {folder} differ in size: keep the slices of one volume only")
    lost = [header.file.name for header in headers if header.position is None or header.orientation is None]
    if lost and len(lost) < len(headers):
        raise InputError(
            f"some slices in {folder} do not say where they lie ({listed(lost)}), the others do: export them again"
        )
    if lost:
        return _in_order_of_numbers(folder, headers)
    _refuse_several_frames_of_reference(folder, headers)
    _refuse_turned(folder, headers)
    normal = np.cross(headers[0].orientation[:3], headers[0].orientation[3:])
    ordered = sorted(headers, key=lambda header: float(header.position @ normal))
    places = np.array([header.position for header in ordered])
    _refuse_same_place(folder, ordered, places @ normal)
    check_steps(str(folder), np.diff(places, axis=0), normal)
    _say_skipped_numbers(folder, ordered)
    return ordered


def _refuse_same_place(folder: Path, ordered: Sequence[Header], places: np.ndarray) -> None:
    same = np.flatnonzero(np.diff(places) < SAME_PLACE_MM)
    if len(same):
        names = f"{ordered[same[0]].file.name} and {ordered[same[0] + 1].file.name}"
        raise InputError(
            f"two slices in {folder} lie at the same place ({names}): keep one time point or one acquisition only"
        )


def _say_skipped_numbers(folder: Path, ordered: Sequence[Header]) -> None:
    """Evenly spaced slices of which, say, every second one is there; also one echo of two is numbered so."""
    instances = [header.instance for header in ordered]
    if None in instances:
        return
    steps = set(np.abs(np.diff(instances)).tolist())
    if len(steps) == 1 and min(steps) > 1:
        _log.warning("the numbers of the slices in %s differ by %d: look whether slices are missing", folder, *steps)


def _in_order_of_numbers(folder: Path, headers: Sequence[Header]) -> list[Header]:
    instances = [header.instance for header in headers]
    if None in instances or len(set(instances)) < len(instances):
        raise InputError(
            f"the slices in {folder} say neither where they lie nor in which order: export the series again"
        )
    ordered = sorted(headers, key=lambda header: header.instance)
    steps = np.diff(sorted(instances))
    gap = np.flatnonzero(steps > steps.min())
    if len(gap):
        before, after = ordered[gap[0]], ordered[gap[0] + 1]
        raise InputError(
            f"slices are missing in {folder} between the numbers {before.instance} and {after.instance}: find them"
        )
    _log.warning("the slices in %s do not say where they lie: they are taken in the order of their numbers", folder)
    _say_skipped_numbers(folder, ordered)
    return ordered


def _refuse_several_frames_of_reference(folder: Path, headers: Sequence[Header]) -> None:
    """Places in two frames of reference cannot be compared, though their numbers may fit: the patient was moved."""
    found: dict[str, list[Header]] = {}
    for header in headers:
        if header.frame_of_reference:
            found.setdefault(header.frame_of_reference, []).append(header)
    if len(found) > 1:
        some = "; ".join(f"{_counted(ones)} such as {ones[0].file.name}" for ones in found.values())
        raise InputError(
            f"the slices in {folder} lie in {len(found)} frames of reference ({some}), between which places cannot be "
            "compared: keep those of one (of one Frame of Reference UID), each in a folder of its own"
        )


def _refuse_turned(folder: Path, headers: Sequence[Header]) -> None:
    orientations = np.array([header.orientation for header in headers])
    rows, columns = orientations[:, :3], orientations[:, 3:]
    lengths = np.linalg.norm([rows, columns], axis=2)
    bent = np.maximum(np.abs(lengths - 1).max(axis=0), np.abs((rows * columns).sum(axis=1))) > _BENT_TOLERANCE
    if bent.any():
        names = listed([headers[number].file.name for number in np.flatnonzero(bent)])
        raise InputError(
            f"slices in {folder} say that rows and columns run along axes that are not at right angles or have no "
            f"length (ImageOrientationPatient of {names}): export the series again"
        )
    usual = np.median(orientations, axis=0)
    odd = np.flatnonzero(np.abs(orientations - usual).max(axis=1) > _TURN_TOLERANCE)
    if len(odd):
        names = listed([headers[number].file.name for number in odd])
        raise InputError(
            f"slices of the series in {folder} are turned against the others ({names}): keep those of one orientation"
        )
    spacings = [header.spacing_mm for header in headers if header.spacing_mm is not None]
    if spacings and np.ptp(spacings, axis=0).max() > _SIZE_TOLERANCE * np.min(spacings):
        raise InputError(f"the slices in {folder} differ in pixel spacing: keep the slices of one volume only")


def _read(folder: Path, headers: Sequence[Header]) -> Found:
    import SimpleITK as sitk  # noqa: N813

    bare = next((header.file for header in headers if not is_dicom(header.file)), None)
    if bare is not None:
        raise InputError(f"{bare} lacks the preamble of DICOM files: write it anew (dcmconv of DCMTK does)")
    refuse_cut(headers)
    check_values(headers)
    placed = headers[0].position is not None
    sized = all(header.spacing_mm is not None for header in headers)
    if placed and not sized:
        raise InputError(
            f"the slices in {folder} do not all say how large a pixel is (PixelSpacing), without which they cannot be "
            "placed: export the series again"
        )
    # ITK gives all slices the type of the first; those of PET, say, have a factor each.
    alike = len({header.stored_as for header in headers}) == 1
    files = [str(header.file) for header in headers]
    try:
        with captured_stderr():
            image = sitk.ReadImage(files) if alike else sitk.ReadImage(files, sitk.sitkFloat32)
    except RuntimeError as error:
        damaged = next(filter(_is_unreadable, files), None)
        if damaged is None:
            message = f"the slices in {folder} cannot be read as one volume ({reason(error)}): export the series again"
        else:
            message = why_unreadable(damaged)
        raise InputError(message) from error
    return found_from(image, [header.file for header in headers], placed=placed, sized=sized)


def _is_unreadable(file: str) -> bool:
    import SimpleITK as sitk  # noqa: N813

    try:
        with captured_stderr():
            sitk.ReadImage(file)
    except RuntimeError:
        return True
    return False
