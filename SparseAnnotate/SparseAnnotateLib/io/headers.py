"""The bytes of NIfTI and NRRD headers that place an image, repeated in results so that no bit of the geometry changes.

ITK turns a NIfTI header's float32 matrix into doubles and back, and NRRD's space directions into cosines times a
spacing and back; after that, oblique directions differ in their last bits. So the written header is given the source's.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import nifti

_NIFTI_HEADER_SIZE = 348
# Byte ranges of NIfTI-1 headers: pixdim[0..3], xyzt_units, and qform_code up to the end of srow_z; with number widths.
_NIFTI_GEOMETRY = ((76, 92, 4), (123, 124, 1), (252, 256, 2), (256, 328, 4))
_NRRD_GEOMETRY = ("space:", "space dimension:", "space directions:", "space origin:", "space units:")
_CHUNK = 1 << 22
_LONGEST_LINE = 1 << 16


def is_nrrd(path: Path) -> bool:
    """Whether a name is one of a NRRD file."""
    return path.name.lower().endswith((".nrrd", ".nhdr"))


def geometry_header(path: Path) -> bytes | None:
    """The header of a NIfTI-1 or NRRD file that says where the image lies; None for other formats."""
    if is_nrrd(path):
        return nrrd_header(path)
    if nifti.is_nifti(path):
        header = nifti.read_header(path)
        placed = header is not None and (header.version == 2 or header.raw[344:347] in (b"n+1", b"ni1"))
        return nifti.as_version_1(header) if placed else None
    return None


def nrrd_header(path: Path) -> bytes | None:
    """The text of a NRRD header, up to the empty line that ends it."""
    with path.open("rb") as stream:
        if stream.read(4) != b"NRRD":
            return None
        stream.seek(0)
        lines = []
        for line in stream:
            if not line.strip():
                break
            lines.append(line)
    return b"".join(lines)


def detached_files(path: Path) -> list[Path]:
    """The files that hold the voxels of a MetaImage or NRRD header, where they are not in the file itself.

    Raises
    ------
    InputError
        Where the header names them by a pattern that cannot be followed.
    """
    header = nrrd_header(path) if is_nrrd(path) else meta_header(path)
    if header is None:
        return []
    if is_nrrd(path):
        fields = nrrd_fields(header)
        named = fields.get("data file") or fields.get("datafile")
    else:
        named = meta_fields(header).get("elementdatafile")
    if not named or named.upper() == "LOCAL":
        return []
    return [path.parent / name for name in _named_files(path, named, header)]


def skipped(path: Path, header: bytes) -> tuple[int, int]:
    """Lines before the voxels of a NRRD file, packed or not, and then bytes of what is unpacked (-1: all but the last).

    Raises
    ------
    InputError
        Where they are no numbers.
    """
    fields = nrrd_fields(header)
    try:
        lines = int(fields.get("line skip") or fields.get("lineskip") or 0)
        return lines, int(fields.get("byte skip") or fields.get("byteskip") or 0)
    except ValueError as error:
        raise InputError(f"{path} skips lines or bytes by what is no number ({error}): correct its header") from error


def length_of_nrrd_header(path: Path) -> int:
    """Where the voxels of a NRRD file with a header of its own begin, in bytes: behind the empty line."""
    with path.open("rb") as stream:
        for line in stream:
            if not line.strip():
                break
        return stream.tell()


def _named_files(path: Path, named: str, header: bytes) -> list[str]:
    words = named.split()
    if words[0].upper() == "LIST":
        if is_nrrd(path):
            rest = re.split(r"(?mi)^data ?file:.*$", decoded(header), maxsplit=1)[1]
        else:
            with path.open("rb") as stream:
                stream.seek(len(header))
                rest = decoded(stream.read(_CHUNK))
        return [line.strip() for line in rest.splitlines() if line.strip()]
    if "%" in words[0]:
        try:
            first, last, step = (int(word) for word in words[1:4])
            if step < 0 and not is_nrrd(path):
                raise ValueError("ITK follows patterns of MetaImage forwards only, and makes the voxels up")
            return [words[0] % number for number in range(first, last + (1 if step > 0 else -1), step)]
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{path} names its voxels by a pattern that cannot be followed ({named}): list the files instead (LIST)"
            ) from error
    return [named]


def meta_header(path: Path) -> bytes | None:
    """The text of a MetaImage header, up to the line ElementDataFile, which ends it."""
    lines = []
    with path.open("rb") as stream:
        for line in stream:
            lines.append(line)
            key = line.split(b"=")[0].strip().lower()
            if key == b"elementdatafile":
                return b"".join(lines)
            if len(line) > _LONGEST_LINE or (b"=" not in line and line.strip()):
                break
    return None


def meta_fields(header: bytes) -> dict[str, str]:
    """The fields (``name = value``) of a MetaImage header, their names in lower case."""
    return {name.lower(): text for name, text in meta_pairs(header)}


def meta_pairs(header: bytes) -> list[tuple[str, str]]:
    """The same line by line, as they are written, also where two have one name."""
    pairs = (line.split("=", 1) for line in decoded(header).splitlines())
    return [(pair[0].strip(), pair[1].strip()) for pair in pairs if len(pair) == 2]


def decoded(text: bytes) -> str:
    """Text of a header: UTF-8, or where it is none, Latin-1, in which every byte is a letter."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _byte_order(header: bytes) -> str | None:
    for order in "<>":
        if np.frombuffer(header, order + "i4", 1)[0] == _NIFTI_HEADER_SIZE:
            return order
    return None


def nifti_data_end(header: bytes) -> int:
    """Where the voxels of a NIfTI-1 file end, in bytes."""
    order = _byte_order(header)
    dimensions = np.frombuffer(header, order + "i2", 8, offset=40).astype(np.int64)
    bits = int(np.frombuffer(header, order + "i2", 1, offset=72)[0])
    voxels = int(np.prod(np.maximum(dimensions[1 : 1 + max(int(dimensions[0]), 0)], 1)))
    return _nifti_data_start(header) + voxels * bits // 8


def _nifti_data_start(header: bytes) -> int:
    return int(np.frombuffer(header, _byte_order(header) + "f4", 1, offset=108)[0])


def with_nifti_geometry(header: bytes, source: bytes | None) -> bytes:
    """A NIfTI-1 header with the geometry of `source`, if that is one too."""
    if source is None or len(source) != _NIFTI_HEADER_SIZE or not _byte_order(source):
        return header
    swapped = _byte_order(source) != _byte_order(header)
    patched = bytearray(header)
    for first, end, width in _NIFTI_GEOMETRY:
        numbers = np.frombuffer(source, f"V{width}", (end - first) // width, offset=first)
        raw = numbers.tobytes()
        patched[first:end] = np.frombuffer(raw, f"u{width}").byteswap().tobytes() if swapped else raw
    return bytes(patched)


def with_nifti_frames(header: bytes, shape: tuple[int, int, int, int]) -> bytes:
    """A little-endian NIfTI-1 header for float32 voxels of a 4-D `shape` (i, j, k, frame)."""
    patched = bytearray(header)
    patched[40:56] = np.array([4, *shape, 1, 1, 1], "<i2").tobytes()
    patched[70:74] = np.array([16, 32], "<i2").tobytes()  # datatype: float32, and its bits
    patched[92:96] = np.float32(1).tobytes()  # pixdim[4]
    patched[108:112] = np.float32(352).tobytes()  # vox_offset
    return bytes(patched)


def with_nrrd_geometry(header: bytes, source: bytes | None) -> bytes:
    """A NRRD header with the geometry of `source`, if that is one too and places its image in space."""
    fields = nrrd_fields(source) if source is not None and source.startswith(b"NRRD") else {}
    if "space directions" not in fields:
        return header
    axes = [axis for axis in _vectors(fields["space directions"]) if axis != "none"]
    lines = [line for line in decoded(header).splitlines() if not line.startswith(_NRRD_GEOMETRY)]
    own = nrrd_fields(header).get("space directions", "")
    axes = ["none"] * _vectors(own).count("none") + axes[:3]
    place = [f"{name}: {fields[name]}" for name in ("space", "space dimension", "space units") if name in fields]
    place.append("space directions: " + " ".join(axes))
    place += [f"space origin: {fields['space origin']}"] if "space origin" in fields else []
    # A space must be named before the fields that use it, and all of them after the dimension.
    after = next(number for number, line in enumerate(lines) if line.startswith("dimension:")) + 1
    return ("\n".join([*lines[:after], *place, *lines[after:]]) + "\n").encode()


def nrrd_fields(header: bytes) -> dict[str, str]:
    """The fields (``name: value``) of a NRRD header."""
    pairs = (line.split(": ", 1) for line in decoded(header).splitlines()[1:] if not line.startswith("#"))
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2 and ":=" not in pair[0]}


def nrrd_axes(fields: dict[str, str]) -> list[str]:
    """The directions of a NRRD file's axes, as its header has them; ``none`` of one that is none of space."""
    return _vectors(fields.get("space directions", ""))


def nrrd_texts_with_zeros(header: bytes) -> dict[str, str]:
    """The values (``key:=value``) that hold bytes of 0, at which ITK cuts them off: UTF-16, or a string of C."""
    found = {}
    for line in header.split(b"\n"):
        key, _, value = line.rstrip(b"\r").partition(b":=")
        if b"\0" in value:
            zeros = [value[start::2].count(0) for start in (0, 1)]
            if len(value) % 2 or 4 * max(zeros) < len(value):
                found[decoded(key).strip()] = decoded(value.split(b"\0")[0])
            else:
                name = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
                found[decoded(key).strip()] = value.decode(name, "replace").strip("\0\ufeff")
    return found


def _vectors(text: str) -> list[str]:
    """``none (1,0,0) (0, 1,0)`` as its words; blanks inside brackets are legal."""
    words, depth = [""], 0
    for character in text.strip():
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character.isspace():
            if not depth and words[-1]:
                words.append("")
        else:
            words[-1] += character
    return [word for word in words if word]
