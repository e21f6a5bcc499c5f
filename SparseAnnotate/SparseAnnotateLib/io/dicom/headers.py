"""What the DICOM files of a folder say of themselves, without their voxels."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError, require
from ..headers import decoded
from .damage import told, whole_number

if TYPE_CHECKING:
    import pydicom

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
DISC_CONTENTS = "1.2.840.10008.1.3.10"  # DICOMDIR
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "FrameOfReferenceUID", "Modality"),
    *("InstanceNumber", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "LossyImageCompression"),
    *("RescaleSlope", "RescaleIntercept", "BitsAllocated", "PixelRepresentation", "ModalityLUTSequence"),
]
# DICOM's compressions that lose something: JPEG baseline and extended, near-lossless JPEG-LS, JPEG 2000 and its HT.
_LOSSY = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 93, 203)}
# Photometric interpretations of colours, whatever the number of samples says.
_COLOUR = ("PALETTE COLOR", "RGB", "YBR", "HSV", "ARGB", "CMYK")


@dataclass(frozen=True)
class Header:
    """One image object."""

    file: Path
    sop_class: str
    series: str
    description: str
    frame_of_reference: str
    instance: int | None
    size: tuple[int, int]
    frames: int
    colour: str | None
    negative: bool
    position: np.ndarray | None
    orientation: np.ndarray | None
    spacing_mm: np.ndarray | None
    lossy: bool
    stored_as: tuple
    has_table: bool
    syntax: str


@dataclass(frozen=True)
class Scanned:
    """The files of a folder: images by their headers, other DICOM objects by what they are, and the rest."""

    images: list[Header]
    objects: dict[Path, str]
    others: list[Path]

    @property
    def ignored(self) -> list[str]:
        """Names of the files that are no images; not those that every disc and every file manager adds."""
        usual = ("dicomdir", "thumbs.db", "desktop.ini")
        names = sorted(file.name for file in (*self.objects, *self.others))
        return [name for name in names if name.lower() not in usual and name[0] != "."]


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"
    return False


def scan(folder: Path) -> Scanned:
    """The files of a folder; of the folders below it where it holds no image itself, as on a hospital's disc."""
    found = _scan_files(file for file in sorted(folder.iterdir()) if file.is_file())
    if found.images or found.objects:
        return found
    below = _scan_files(file for file in sorted(folder.glob("*/**/*")) if file.is_file() and is_dicom(file))
    return below if below.images else found


def scan_file(file: Path) -> Scanned:
    """The same of one file."""
    return _scan_files([file])


def name_of(sop_class: str) -> str:
    """What a kind of DICOM object is called."""
    from pydicom.uid import UID

    return UID(sop_class).name or "unknown"


def _scan_files(files: Iterable[Path]) -> Scanned:
    images, objects, others = [], {}, []
    for file in files:
        dataset = read_header(file)
        with told(file):
            if dataset is None or is_disc_contents(dataset):
                others.append(file)
            elif dataset.get("SOPClassUID") in SEGMENTATIONS or ("Rows" not in dataset and not _is_image(dataset)):
                objects[file] = str(dataset.get("SOPClassUID", ""))
            else:
                images.append(_header(file, dataset))
    return Scanned(images, objects, others)


def is_disc_contents(dataset: pydicom.Dataset) -> bool:
    """Whether a file is the DICOMDIR of a disc, whatever its name."""
    return str(dataset.file_meta.get("MediaStorageSOPClassUID", "")) == DISC_CONTENTS


def _is_image(dataset: pydicom.Dataset) -> bool:
    """By its kind, that it may break off before it says how large it is; DICOMDIR tells its kind elsewhere."""
    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", "")
    return not kind or name_of(str(kind)).endswith("Image Storage")


def read_header(file: Path) -> pydicom.Dataset | None:
    """The tags that matter here; None for what is no DICOM file. Files without the usual preamble are read too.

    Raises
    ------
    InputError
        For a damaged one.
    """
    pydicom = require("pydicom", extra=None, purpose="reading DICOM")
    forced = not is_dicom(file)
    if forced and file.suffix.lower() not in ("", ".dcm", ".ima", ".dic"):
        return None
    try:
        with quiet(), told(file):
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS, force=forced)
            found = "SOPClassUID" in dataset or not forced
    except InputError:
        if not forced:
            raise
        return None
    return dataset if found else None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """pydicom warns about every value that breaks the standard, of which hospitals' files hold many."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def text_of(dataset: pydicom.Dataset, name: str) -> str:
    """A text, without blanks around it; one that is not in the character set of its file is UTF-8 or Latin-1.

    A backslash separates values: of a text with one it is put back.
    """
    from pydicom.dataelem import RawDataElement
    from pydicom.multival import MultiValue

    element = dataset.get_item(name)
    raw = element.value if isinstance(element, RawDataElement) else None
    with quiet():
        value = dataset.get(name, "")
        text = "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
    undeclared = dataset.original_character_set in ("iso8859", ["iso8859"])  # what stands so is to be ASCII
    if isinstance(raw, bytes) and ("\ufffd" in text or (undeclared and not raw.isascii())):
        text = decoded(raw)
        setattr(dataset, name, text)  # pydicom keeps the bytes until it is asked for the first time
    return text.strip("\0 ")


def _header(file: Path, dataset: pydicom.Dataset) -> Header:
    with quiet():
        samples = whole_number(dataset, "SamplesPerPixel", 1)
        photometric = str(dataset.get("PhotometricInterpretation", ""))
        syntax = str(getattr(dataset.file_meta, "TransferSyntaxUID", ""))
        stored = ("RescaleSlope", "RescaleIntercept", "BitsAllocated", "PixelRepresentation")
        return Header(
            file=file,
            sop_class=str(dataset.get("SOPClassUID", "")),
            series=str(dataset.get("SeriesInstanceUID", "")),
            description=text_of(dataset, "SeriesDescription") or "no description",
            frame_of_reference=str(dataset.get("FrameOfReferenceUID", "")),
            instance=_whole(dataset.get("InstanceNumber")),
            size=(whole_number(dataset, "Columns"), whole_number(dataset, "Rows")),
            frames=_whole(dataset.get("NumberOfFrames")) or 1,
            colour=photometric if samples > 1 or photometric.startswith(_COLOUR) else None,
            negative=photometric == "MONOCHROME1",
            position=numbers(dataset, "ImagePositionPatient", 3),
            orientation=numbers(dataset, "ImageOrientationPatient", 6),
            spacing_mm=_lengths(dataset, "PixelSpacing"),
            lossy=syntax in _LOSSY or dataset.get("LossyImageCompression") == "01",
            stored_as=tuple(str(dataset.get(name, "")) for name in stored),
            has_table="ModalityLUTSequence" in dataset,
            syntax=syntax,
        )


def _whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _lengths(dataset: pydicom.Dataset, name: str) -> np.ndarray | None:
    values = numbers(dataset, name, 2)
    return values if values is not None and (values > 0).all() else None


def refuse_cut(headers: Iterable[Header]) -> None:
    """Refuse the first file that ends before its pixels do."""
    short = next((header.file for header in headers if _lacks_pixels(header)), None)
    if short is not None:
        raise InputError(f"{short} is truncated (it has fewer pixels than it says): get a fresh copy of it")


def _lacks_pixels(header: Header) -> bool:
    """Whether an uncompressed image has fewer bytes of pixels than its frames need; ITK makes them up."""
    import pydicom

    plain = (pydicom.uid.ImplicitVRLittleEndian, pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.ExplicitVRBigEndian)
    with header.file.open("rb") as stream, quiet(), told(header.file):
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=["BitsAllocated"])
        start = stream.read(12)  # pydicom stops at the tag
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        if syntax not in plain or "BitsAllocated" not in dataset:
            return False
        bits = whole_number(dataset, "BitsAllocated")
    order = "little" if syntax.is_little_endian else "big"
    if [int.from_bytes(start[at : at + 2], order) for at in (0, 2)] != [0x7FE0, 0x0010]:
        return False
    length = int.from_bytes(start[4:8] if syntax.is_implicit_VR else start[8:12], order)
    return length < header.size[0] * header.size[1] * header.frames * bits // 8


def numbers(dataset: pydicom.Dataset, name: str, count: int) -> np.ndarray | None:
    """So many numbers of an attribute; None where it is absent or holds others."""
    try:
        values = np.array([float(value) for value in dataset[name].value])
    except (KeyError, TypeError, ValueError):
        return None
    return values if len(values) == count and np.isfinite(values).all() else None
