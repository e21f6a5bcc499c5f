"""Whether a file is whole: ITK fills what is missing with zeros and often says nothing."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import foreign, headers, nifti, packed, tiff
from .grid_checks import check_header_grid, check_nifti_grid

_log = logging.getLogger(__name__)

_CHUNK = 1 << 22
_META_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
_NRRD_BYTES = {"char": 1, "short": 2, "int": 4, "long long": 8, "longlong": 8, "float": 4, "double": 8}
_NRRD_BYTES |= {f"{name}{bits}": bits // 8 for bits in (8, 16, 32, 64) for name in ("int", "uint")}
_NRRD_BYTES |= {f"{name}_t": size for name, size in _NRRD_BYTES.items() if name[-1].isdigit()}
_TEXT = ("ascii", "text", "txt")
_NRRD_ENCODINGS = ("raw", "hex", "gzip", "gz", "bzip2", "bz2", *_TEXT)
# ITK reads more formats, but a truncated file of those cannot be told from a whole one.
CHECKED = (*nifti.SUFFIXES, ".nrrd", ".nhdr", ".mha", ".mhd", *tiff.SUFFIXES)
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def check_whole(path: Path) -> np.ndarray:
    """Refuse what cannot be opened, what ends early, and formats in which that cannot be found out.

    Returns
    -------
    ndarray of int64
        Where a NIfTI file holds NaN or infinity, as positions in the file: ITK reads them as 0 and says nothing.

    Raises
    ------
    InputError
        With the name of the file.
    """
    nowhere = np.empty(0, np.int64)
    name = path.name.lower()
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise InputError(f"{path} is empty: get a fresh copy of it")
        other = foreign.what_else(path)
        if other is not None and not (name.endswith(_PICTURES) and other.startswith(("is a PNG", "is a JPEG picture"))):
            raise InputError(f"{path} {other}")
        if nifti.is_nifti(path):
            return _check_nifti(path)
        if name.endswith((".nrrd", ".nhdr")):
            check_header_grid(path)
            _check_nrrd(path)
        elif name.endswith((".mha", ".mhd")):
            check_header_grid(path)
            _check_meta(path)
        elif not name.endswith((*CHECKED, *_PICTURES)):
            raise InputError(
                f"{path} is in no format that can be read ({path.suffix or 'its name has no suffix'}): save it as "
                "NIfTI, NRRD, MHA or TIFF, or give a DICOM folder"
            )
        return nowhere
    except (EOFError, zlib.error, ValueError) as error:
        if isinstance(error, InputError):
            raise
        damaged = nifti.files_of(path)[1] if nifti.is_nifti(path) else path
        raise InputError(f"{damaged} is damaged or truncated: get a fresh copy of it") from error
    except FileNotFoundError as error:
        raise InputError(f"{path} needs {error.filename}, which is not there: put it beside it") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror or error})") from error


def _check_nifti(path: Path) -> np.ndarray:
    header = nifti.read_header(path)
    if header is None:
        raise InputError(f"{path} is in no format that can be read: it has no NIfTI header, whatever its name says")
    check_nifti_grid(path, header)
    voxels = nifti.files_of(path)[1]
    # Also checks the sum at the end of a .gz, at about 300 MB/s.
    with nifti.open_plain(voxels) as stream:
        found = len(stream.read(header.start))
        non_finite = []
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            non_finite.append(_non_finite(chunk[: max(0, header.end - found)], header, found - header.start))
            found += len(chunk)
        behind = getattr(getattr(stream, "raw", None), "behind", 0)
    _refuse_short(voxels, found, header.end)
    if behind:
        _log.warning("%s: %d bytes behind its compressed data are ignored; the image is whole", voxels, behind)
    return np.concatenate(non_finite) if non_finite else np.empty(0, np.int64)


def _refuse_short(path: Path, found: int, needed: int) -> None:
    if found < needed:
        raise InputError(f"{path} is truncated ({found} of {needed} bytes): get a fresh copy of it")


def _non_finite(chunk: bytes, header: nifti.NiftiHeader, offset: int) -> np.ndarray:
    """Positions of NaN and infinity among the voxels of a chunk that starts `offset` bytes after the first voxel."""
    kind = {16: "f4", 64: "f8"}.get(header.datatype)
    if kind is None:
        return np.empty(0, np.int64)
    size = int(kind[1])
    values = np.frombuffer(chunk, header.order + kind, len(chunk) // size)
    return np.flatnonzero(~np.isfinite(values)) + offset // size


def _check_nrrd(path: Path) -> None:
    header = headers.nrrd_header(path)
    fields = {} if header is None else headers.nrrd_fields(header)
    kind = fields.get("type", "").removeprefix("signed ").removeprefix("unsigned ").removeprefix("u")
    size = _NRRD_BYTES.get(kind.removesuffix(" int") if kind in ("short int", "long long int") else kind)
    if size is None or "sizes" not in fields:
        return  # no NRRD that ITK could read: it says why
    needed = size * int(np.prod([int(word) for word in fields["sizes"].split()]))
    encoding = fields.get("encoding", "raw").lower()
    files = headers.detached_files(path)
    if encoding not in _NRRD_ENCODINGS:
        raise InputError(f"{path} is packed with {encoding}, which cannot be read: save it with gzip or raw")
    lines, skip = headers.skipped(path, header)
    share = _share(path, needed, files)
    if not skip and not lines:
        _refuse_itself(path, files)
    for file in files or [path]:
        start = 0 if files else headers.length_of_nrrd_header(path)
        with file.open("rb") as stream:
            stream.seek(start)
            for _ in range(lines):
                stream.readline()
            found = _count(_chunks(stream), encoding, size)
        _refuse_short(file, found - max(0, skip), share)
        if files and encoding == "raw" and skip >= 0:
            _say_longer(file, found - skip - share)


def _check_meta(path: Path) -> None:
    header = headers.meta_header(path)
    fields = {} if header is None else headers.meta_fields(header)
    size = _META_BYTES.get(fields.get("elementtype", "").upper().removeprefix("MET_").removeprefix("U"))
    if size is None or "dimsize" not in fields:
        return
    needed = size * int(np.prod([int(word) for word in fields["dimsize"].split()]))
    needed *= int(fields.get("elementnumberofchannels", 1))
    encoding = "gzip" if fields.get("compresseddata", "").lower() == "true" else "raw"
    if fields.get("binarydata", fields.get("binarydatabyteordermsb", "true")).lower() == "false" and (
        "binarydata" in fields
    ):
        encoding = "ascii"
    files = headers.detached_files(path)
    _refuse_itself(path, files)
    _check_packed_length(path, fields, files or [path], 0 if files else len(header))
    skip = max(0, int(fields.get("headersize", 0)))
    if skip and not files:
        raise InputError(
            f"{path} says HeaderSize = {skip}, which is for voxels in a file of their own: correct its header"
        )
    for file in files or [path]:
        with file.open("rb") as stream:
            stream.seek(skip if files else len(header))
            found = _count(_chunks(stream), encoding, size, several=False)  # ITK stops behind the first member
        share = _share(path, needed, files)
        _refuse_short(file, found, share)
        if files and encoding == "raw" and int(fields.get("headersize", 0)) >= 0:
            _say_longer(file, found - share)


def _say_longer(file: Path, more: int) -> None:
    """Of voxels in a raw file of their own, which may begin behind a header that nobody mentions."""
    if more > 0:
        _log.warning(
            "%s holds %d bytes more than the voxels take: those at its end are ignored; if a header comes first, say "
            "so in the file that names it",
            file,
            more,
        )


def _share(path: Path, needed: int, files: Sequence[Path]) -> int:
    """How many bytes of voxels each file holds."""
    if needed % max(1, len(files)):
        raise InputError(
            f"{path} names {len(files)} files, among which its voxels cannot be shared out alike: correct its header"
        )
    return needed // max(1, len(files))


def _refuse_itself(path: Path, files: Iterable[Path]) -> None:
    """Of a header that names its own file as that of the voxels: its text would be read as such."""
    if any(file.exists() and file.samefile(path) for file in files):
        raise InputError(
            f"{path} says that its voxels are in a file of their own, and names itself: correct its header"
        )


def _check_packed_length(path: Path, fields: dict[str, str], files: list[Path], start: int) -> None:
    """ITK unpacks as many bytes as the header says, and leaves the rest of the voxels as memory had them."""
    said = fields.get("compresseddatasize")
    if fields.get("compresseddata", "").lower() != "true" or len(files) > 1 or (start == 0 and said is None):
        return
    with files[0].open("rb") as stream:
        stream.seek(start)
        packed_bytes = packed.length(_chunks(stream), "gzip")
    if said is None:
        raise InputError(
            f"{path} does not say how many bytes its packed voxels take, without which they cannot be unpacked: write "
            f"CompressedDataSize = {packed_bytes} into its header"
        )
    if int(float(said)) < packed_bytes:
        raise InputError(
            f"{path} says that its packed voxels take {said} bytes (CompressedDataSize), they take {packed_bytes}: "
            "correct its header"
        )


def _chunks(stream) -> Iterator[bytes]:
    return iter(lambda: stream.read(_CHUNK), b"")


def _count(chunks: Iterable[bytes], encoding: str, size: int, *, several: bool = True) -> int:
    """Bytes of voxels that a stream holds; of text, its numbers times their size; see `packed.decompressed`."""
    if encoding in _TEXT:
        return len(b"".join(chunks).split()) * size
    if encoding == "hex":
        return len(b"".join(b"".join(chunks).split())) // 2
    return sum(len(part) for part in packed.decompressed(chunks, encoding, several=several))
