"""What is in the way of decoding voxels, and what changes their values: compressions, factors, tables."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np

from ...errors import InputError
from .headers import Header, quiet

_log = logging.getLogger(__name__)

# What GDCM has no decoder for: JPEG 2000 of high throughput, films, JPEG XL.
_UNREADABLE = re.compile(r"1\.2\.840\.10008\.1\.2\.(4\.(20[1-5]|1[01]\d)|7\.\d)")


def check_values(headers: Sequence[Header]) -> None:
    """Refuse what GDCM cannot decode, for its reason, and factors that are no numbers; say what is not applied.

    Raises
    ------
    InputError
        With the file.
    """
    from pydicom.uid import UID

    for header in headers:
        if _UNREADABLE.fullmatch(header.syntax):
            raise InputError(
                f"{header.file} is compressed as {UID(header.syntax).name}, which cannot be read: export it "
                "uncompressed, or as JPEG 2000"
            )
        for name, text in zip(("RescaleSlope", "RescaleIntercept"), header.stored_as, strict=False):
            if text not in ("", "None") and not _is_number(text):
                raise InputError(f"{header.file} has a {name} that is no number ({text}): export it again")
            if name == "RescaleSlope" and text not in ("", "None") and not float(text):
                raise InputError(
                    f"{header.file} has a RescaleSlope of 0, which makes all voxels alike: export it again"
                )
    _check_negatives(headers)
    table = next((header.file for header in headers if header.has_table), None)
    if table is not None:
        _log.warning("%s: its table of values (Modality LUT) is not applied, the values are taken as stored", table)


def _check_negatives(headers: Sequence[Header]) -> None:
    """Say that GDCM turns the values of negatives round, as it does in Slicer; refuse a series that holds both."""
    negatives = [header.file for header in headers if header.negative]
    if not negatives:
        return
    others = [header.file for header in headers if not header.negative]
    if others:
        raise InputError(
            f"{negatives[0]} is a negative (MONOCHROME1), {others[0].name} of the same series is none, so their values "
            "do not compare: export the series again"
        )
    _log.warning(
        "%s is a negative (MONOCHROME1): its values are turned round, as in Slicer, so that what is shown bright has "
        "high ones; they are not the file's numbers",
        negatives[0] if len(headers) == 1 else negatives[0].parent,
    )


def turned_round(stored: np.ndarray, bits: int) -> np.ndarray:
    """The values of a negative of so many bits as GDCM gives them."""
    return ~stored if stored.dtype.kind == "i" else (1 << bits) - 1 - stored


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def why_unreadable(file: str) -> str:
    """The sentence about a file whose voxels ITK does not read."""
    import pydicom

    names = ["FloatPixelData", "DoubleFloatPixelData", "PhotometricInterpretation", "PixelRepresentation", "BitsStored"]
    with quiet():
        there = pydicom.dcmread(file, specific_tags=names)
    if there.get("PhotometricInterpretation") == "MONOCHROME1" and there.get("PixelRepresentation") == 1:
        return (
            f"{file} is a negative (MONOCHROME1) of signed {there.get('BitsStored')}-bit numbers, which cannot be "
            "read: export it as MONOCHROME2"
        )
    if any(name in there for name in names[:2]):
        return f"{file} holds its pixels as floating-point numbers, which cannot be read: save it as NIfTI or NRRD"
    return f"{file} cannot be read, it may be damaged or truncated: get a fresh copy of it"
