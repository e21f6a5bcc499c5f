"""Labels as a DICOM Segmentation that refers to the scan's own DICOM files, written by highdicom."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...annotation import LabelClass
from ...errors import InputError, require
from ...volume import ImageGeometry, Volume
from ..colors import lab_of
from .damage import UnusableValueError, is_theirs, items, whole_number
from .frames import frame_place
from .headers import is_dicom, quiet
from .segmentation import codes_of

if TYPE_CHECKING:
    import pydicom

_log = logging.getLogger(__name__)

SUFFIX = ".dcm"
_TISSUE = ("SCT", "85756007", "Tissue")
# A series of its own behind those of the scanner.
_SERIES_NUMBER = 1000


def check_dicom_output(path: str | Path, volume: Volume) -> None:
    """Refuse a DICOM result before the work is done: of a scan that is not DICOM, or without the package for it."""
    if not str(path).lower().endswith(SUFFIX):
        return
    require("highdicom", extra="dicom", purpose="writing DICOM segmentations")
    files = volume.geometry.files
    if not files or not all(is_dicom(Path(file)) for file in files):
        raise InputError(
            f"{path} would refer to DICOM files, but the image comes from none: give the scan's DICOM folder as the "
            "image, or end the output in .seg.nrrd or .nii.gz"
        )


def write_segmentation(path: Path, numbers: np.ndarray, classes: Sequence[LabelClass], geometry: ImageGeometry) -> None:
    """Write class numbers in file order (k, j, i) as a binary DICOM Segmentation, without the planes that hold nothing.

    Raises
    ------
    InputError
        Where the scan's files lack what a segmentation has to repeat of them.
    """
    import highdicom
    import pydicom

    with quiet():
        sources = [pydicom.dcmread(file, stop_before_pixels=True) for file in geometry.files]
        if len(sources) == 1:
            numbers = numbers[_planes_of_frames(sources[0], geometry)]
        unique = _unique(sources, numbers, classes)
        described = [_description(number, one) for number, one in enumerate(classes, start=1)]
        try:
            segmentation = highdicom.seg.Segmentation(
                source_images=sources,
                pixel_array=np.ascontiguousarray(numbers),
                segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=described,
                series_instance_uid=unique("series"),
                series_number=_SERIES_NUMBER + whole_number(sources[0], "SeriesNumber", 0) % 1000,
                sop_instance_uid=unique("instance"),
                instance_number=1,
                manufacturer="SparseAnnotate",
                manufacturer_model_name="SparseAnnotate",
                software_versions=_version(),
                device_serial_number="1",
                content_description="painted and predicted structures",
                series_description="SparseAnnotate segmentation",
                omit_empty_frames=True,
            )
        except Exception as error:
            if not isinstance(error, UnusableValueError) and not is_theirs(error):
                raise
            raise InputError(
                f"no DICOM segmentation can refer to {geometry.files[0]} ({str(error).rstrip('.')}): "
                "end the output in .seg.nrrd or .nii.gz"
            ) from error
        for item, one in zip(segmentation.SegmentSequence, classes, strict=True):
            if one.color is not None:
                item.RecommendedDisplayCIELabValue = lab_of(one.color)
        # Names of structures in any language.
        segmentation.SpecificCharacterSet = "ISO_IR 192"
        segmentation.save_as(path)


def _one_value(name: str) -> str:
    """A name as DICOM takes it: 64 letters, without control characters and the backslash, which separates values."""
    written = re.sub(r"[\x00-\x1f\x7f]+", " ", name.replace("\\", "/"))[:64]
    if written != name:
        _log.warning("DICOM takes names of 64 letters without a backslash: %s is called %s there", name, written)
    return written


def _version() -> str:
    from ... import __version__

    return __version__


def _unique(sources: Sequence[pydicom.Dataset], numbers: np.ndarray, classes: Sequence[LabelClass]):
    """UIDs that follow from the scan and the result: the same result is the same object, whoever writes it again."""
    from pydicom.uid import generate_uid

    digest = hashlib.sha256(np.ascontiguousarray(numbers)).hexdigest()
    names = [f"{one.value} {one.name}" for one in classes]
    entropy = [str(source.SOPInstanceUID) for source in sources] + names + [digest, _version()]
    return lambda purpose: generate_uid(entropy_srcs=[*entropy, purpose])


def _planes_of_frames(source: pydicom.Dataset, geometry: ImageGeometry) -> list[int]:
    """Which plane each frame of a file holds, in the file's order of frames."""
    frames = source.get("PerFrameFunctionalGroupsSequence")
    if not frames:
        raise InputError(
            f"the frames of {geometry.files[0]} do not say where they lie: end the output in .seg.nrrd or .nii.gz"
        )
    shared = next(iter(items(source, "SharedFunctionalGroupsSequence")), None)
    normal = np.reshape(geometry.direction, (3, 3))[:, 2]
    places = [(frame_place(frame, shared)[0] - geometry.origin_mm) @ normal for frame in frames]
    return np.rint(np.array(places) / geometry.spacing_mm[2]).astype(int).tolist()


def _description(number: int, one: LabelClass):
    import highdicom

    category, kind, region = (
        None if code is None else highdicom.sr.CodedConcept(code[1], code[0], code[2])
        for code in codes_of(dict(one.details))
    )
    tissue = highdicom.sr.CodedConcept(_TISSUE[1], _TISSUE[0], _TISSUE[2])
    from pydicom.sr.codedict import codes

    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=_one_value(one.name),
        segmented_property_category=category or tissue,
        segmented_property_type=kind or tissue,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="SparseAnnotate", family=codes.DCM.ArtificialIntelligence, version=_version()
        ),
        anatomic_regions=None if region is None else [region],
    )
