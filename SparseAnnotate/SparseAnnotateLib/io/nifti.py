"""NIfTI headers of both versions as numbers, and the files that hold header and voxels.

Layouts: https://nifti.nimh.nih.gov/nifti-1 and https://nifti.nimh.nih.gov/nifti-2
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import packed

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz")
_PAIR = (".hdr.gz", ".img.gz", ".hdr", ".img")
_SIZE = {1: 348, 2: 540}
# Of every type of voxels, for some headers say another number of bits, and ITK goes by the type.
_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 32: 64, 64: 64, 128: 24, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
_BITS |= {1536: 128, 1792: 128, 2048: 256, 2304: 32}

# Those that ITK reads: not single bits, 128-bit floating-point numbers, and nothing.
READABLE = _BITS.keys() - {1536, 2048}

# (name, offset in NIfTI-2, its type, offset in NIfTI-1, its type)
_FIELDS = (
    ("datatype", 12, "i2", 70, "i2"),
    ("bits", 14, "i2", 72, "i2"),
    ("dimensions", 16, "8i8", 40, "8i2"),
    ("pixdim", 104, "8f8", 76, "8f4"),
    ("slope", 176, "f8", 112, "f4"),
    ("intercept", 184, "f8", 116, "f4"),
    ("qform_code", 344, "i4", 252, "i2"),
    ("sform_code", 348, "i4", 254, "i2"),
    ("quaternion", 352, "6f8", 256, "6f4"),
    ("srows", 400, "12f8", 280, "12f4"),
    ("units", 500, "i4", 123, "u1"),
)


@dataclass(frozen=True)
class NiftiHeader:
    """What a header says of its voxels.

    Attributes
    ----------
    version : 1 or 2 (Analyze counts as 1)
    order : byte order, "<" or ">"
    start, end : of the voxels in their file, in bytes
    datatype : NIfTI's number of their type
    raw : its bytes
    """

    version: int
    order: str
    start: int
    end: int
    datatype: int
    raw: bytes

    @property
    def is_nifti(self) -> bool:
        """Whether it is more than Analyze's, whose bytes mean other things."""
        return self.version == 2 or self.raw[344:347] in (b"n+1", b"ni1")

    @property
    def is_single(self) -> bool:
        """Whether the voxels are in the header's own file."""
        return (self.raw[4:7] if self.version == 2 else self.raw[344:347]) in (b"n+1", b"n+2")

    @property
    def first_start(self) -> int:
        """Where the voxels of a single file can begin at the earliest, in bytes."""
        return _SIZE[self.version] + 4

    @property
    def has_void_intercept(self) -> bool:
        """Whether it has an intercept that does not count, for its slope is 0; ITK adds it all the same."""
        slope, intercept = self.numbers("slope")[0], self.numbers("intercept")[0]
        return self.is_nifti and not (np.isfinite(slope) and slope) and bool(intercept)

    def numbers(self, name: str) -> np.ndarray:
        """One of its fields."""
        return _number(self.raw, self.version, self.order, name)


def qform(header: NiftiHeader) -> tuple[np.ndarray, np.ndarray]:
    """The axes (3, 3), of unit length, and the origin of the first place that a header can say."""
    b, c, d, *origin = header.numbers("quaternion").astype(float)
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    rows = [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)]
    rows += [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)]
    rows += [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c]
    handed = -1.0 if header.numbers("pixdim")[0] < 0 else 1.0
    return np.reshape(rows, (3, 3)) * [1, 1, handed], np.array(origin)


def is_nifti(path: Path) -> bool:
    """Whether a name is one of a NIfTI file (single, or the header or the voxels of a pair)."""
    return path.name.lower().endswith(SUFFIXES)


def open_plain(path: Path):
    """The bytes of a file, uncompressed."""
    return packed.open_gzip(path) if packed.is_gzip(path) else path.open("rb")


def files_of(path: Path) -> tuple[Path, Path]:
    """The file of the header and that of the voxels.

    Raises
    ------
    InputError
        Where one of a pair is missing.
    """
    name = path.name.lower()
    suffix = next((one for one in _PAIR if name.endswith(one)), None)
    if suffix is None:
        return path, path
    stem, is_header = path.name[: -len(suffix)], suffix.startswith(".hdr")
    wanted = (".img", ".img.gz") if is_header else (".hdr", ".hdr.gz")
    beside = {file.name.lower(): file for file in path.parent.iterdir() if file.name[: len(stem)] == stem}
    other = next((beside[(stem + one).lower()] for one in wanted if (stem + one).lower() in beside), None)
    if other is None:
        raise InputError(f"{path} has no {stem}{wanted[0]} beside it, and one is nothing without the other: add it")
    return (path, other) if is_header else (other, path)


def read_header(path: Path) -> NiftiHeader | None:
    """The header of a NIfTI file of any kind; None where there is none."""
    with open_plain(files_of(path)[0]) as stream:
        raw = stream.read(_SIZE[2])
    for version, size in _SIZE.items():
        for order in "<>":
            if len(raw) >= size and np.frombuffer(raw, order + "i4", 1)[0] == size:
                return _parsed(raw[:size], version, order)
    return None


def _parsed(raw: bytes, version: int, order: str) -> NiftiHeader:
    dimensions = _number(raw, version, order, "dimensions").astype(np.int64)
    datatype, bits = (int(_number(raw, version, order, name)[0]) for name in ("datatype", "bits"))
    bits = _BITS.get(datatype, bits)
    start = int(np.frombuffer(raw, order + ("f4" if version == 1 else "i8"), 1, 108 if version == 1 else 168)[0])
    count = min(max(int(dimensions[0]), 0), 7)
    voxels = int(np.prod(np.maximum(dimensions[1 : 1 + count], 1)))
    return NiftiHeader(version, order, start, start + voxels * bits // 8, datatype, raw)


def _number(raw: bytes, version: int, order: str, name: str) -> np.ndarray:
    _, second, type_2, first, type_1 = next(field for field in _FIELDS if field[0] == name)
    offset, kind = (second, type_2) if version == 2 else (first, type_1)
    count = int(kind[:-2] or 1)
    return np.frombuffer(raw, order + kind[-2:], count, offset)


def as_version_1(header: NiftiHeader) -> bytes:
    """The 348 bytes of a single-file NIfTI-1 header that says the same, its voxels at 352.

    Raises
    ------
    InputError
        Where the volume has more voxels along an axis than NIfTI-1 can tell.
    """
    if header.version == 1:
        return header.raw
    if _number(header.raw, 2, header.order, "dimensions").max() > np.iinfo(np.int16).max:
        raise InputError("the image has more than 32767 voxels along an axis: crop it")
    patched = bytearray(_SIZE[1])
    patched[:4] = np.array(_SIZE[1], header.order + "i4").tobytes()
    for name, _, _, offset, kind in _FIELDS:
        values = _number(header.raw, 2, header.order, name).astype(header.order + kind[-2:])
        patched[offset : offset + values.nbytes] = values.tobytes()
    patched[108:112] = np.array(352, header.order + "f4").tobytes()
    patched[344:348] = b"n+1\0"
    return bytes(patched)
