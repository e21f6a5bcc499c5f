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
    table = next((header.file for header in headers if header.has_table), None)
    if table is not None:
        _log.warning("%s: its table of values (Modality LUT) is not applied, the values are taken as stored", table)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def why_unreadable(file: str) -> str:
    """The sentence about a file whose voxels ITK does not read."""
    import pydicom

    with quiet():
        there = pydicom.dcmread(file, specific_tags=["FloatPixelData", "DoubleFloatPixelData"])
    if len(there):
        return f"{file} holds its pixels as floating-point numbers, which cannot be read: save it as NIfTI or NRRD"
    return f"{file} cannot be read, it may be damaged or truncated: get a fresh copy of it"
