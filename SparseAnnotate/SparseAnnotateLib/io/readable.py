"""A file under a name and in a form that ITK reads as what it is."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import headers, nifti, packed

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def as_itk_reads_it(path: Path) -> Iterator[Path]:
    """Lend a path at which ITK finds the same image; most often the very one.

    ITK goes by the name: it looks for small letters in its end, takes ``.gz`` for granted, reads the voxels of an
    x.nii.gz from an x.nii beside it, knows neither NIfTI-2 nor NRRD packed with bzip2, adds NIfTI's intercept where a
    slope of 0 says that there is none, and its wrapper knows no name that is not UTF-8.
    """
    with contextlib.ExitStack() as stack:
        make = _needed(path)
        if make is None:
            yield path
        else:
            yield make(path, Path(stack.enter_context(tempfile.TemporaryDirectory())))


def _needed(path: Path):
    """What must be done for ITK to read a file, as a function of it and an empty folder; None where nothing must."""
    if nifti.is_nifti(path):
        header = nifti.read_header(path)
        if header is None:
            return None
        if header.version == 2 or header.has_void_intercept:
            return _as_nifti_1
        plain = not packed.is_gzip(nifti.files_of(path)[1])
        if plain and path.name.lower().endswith(".nii.gz"):
            _log.warning("%s is not compressed, whatever its name says: it is read as it is", path)
        return None if _named_well(path) else _linked_nifti
    if headers.is_nrrd(path):
        fields = headers.nrrd_fields(headers.nrrd_header(path) or b"")
        if fields.get("encoding", "").lower() in ("bzip2", "bz2"):
            return _as_raw_nrrd
    return None if _plain_name(path) else _linked


def _plain_name(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return path.suffix == path.suffix.lower()


def _named_well(path: Path) -> bool:
    files = set(nifti.files_of(path))
    if path.name.lower().endswith(".nii.gz") and path.with_name(path.name[: -len(".gz")]).exists():
        return False
    for file in files:
        tail = file.name[-len(".nii.gz") :]
        # A plain .img beside a .img.gz of the same name is another mistake that ITK can make.
        if not _plain_name(file) or tail != tail.lower() or packed.is_gzip(file) != tail.endswith(".gz"):
            return False
    return len(files) == 1 or not _several(path)


def _several(path: Path) -> bool:
    stem = path.name[: path.name.rindex(".hdr" if ".hdr" in path.name else ".img")]
    return sum(path.with_name(stem + end).exists() for end in (".img", ".img.gz", ".nii", ".nii.gz")) > 1


def _link(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(source.resolve())
    except OSError:  # Windows without the privilege for links
        shutil.copyfile(source, target)
    return target


def _linked_nifti(path: Path, folder: Path) -> Path:
    header, voxels = nifti.files_of(path)
    zipped = {file: ".gz" if packed.is_gzip(file) else "" for file in (header, voxels)}
    if header == voxels:
        return _link(path, folder / f"image.nii{zipped[path]}")
    _link(voxels, folder / f"image.img{zipped[voxels]}")
    return _link(header, folder / f"image.hdr{zipped[header]}")


def _as_nifti_1(path: Path, folder: Path) -> Path:
    header = nifti.read_header(path)
    target = folder / "image.nii"
    top = bytearray(nifti.as_version_1(header))
    top[108:112], top[344:348] = np.array(352, header.order + "f4").tobytes(), b"n+1\0"
    if header.has_void_intercept:
        top[116:120] = bytes(4)
    with nifti.open_plain(nifti.files_of(path)[1]) as source, target.open("wb") as stream:
        stream.write(top + bytes(4))  # 4 bytes: no extensions
        source.read(header.start)
        shutil.copyfileobj(source, stream, 1 << 20)
    return target


def _linked(path: Path, folder: Path) -> Path:
    """Under a plain name; what a header refers to lies where it looks for it."""
    if path.name.lower().endswith((".mha", ".mhd", ".nhdr", ".nrrd")):
        for file in headers.detached_files(path):
            if not file.is_absolute() or file.is_relative_to(path.parent):
                _link(file, folder / file.relative_to(path.parent))
    return _link(path, folder / f"image{path.suffix.lower()}")


def _as_raw_nrrd(path: Path, folder: Path) -> Path:
    header = headers.nrrd_header(path)
    files = headers.detached_files(path)
    dropped = ("encoding:", "data file:", "datafile:", "line skip:", "lineskip:", "byte skip:", "byteskip:")
    text = re.sub(r"(?msi)^data ?file: *list\b.*", "", headers.decoded(header))
    lines = [line for line in text.splitlines() if not line.lower().startswith(dropped)]
    line_skip, byte_skip = headers.skipped(path, header)
    if byte_skip < 0:
        raise InputError(f"{path} is packed with bzip2 and counts its bytes from the end (byte skip): save it again")
    target = folder / "image.nrrd"
    with target.open("wb") as stream:
        stream.write("\n".join([*lines, "encoding: raw", "", ""]).encode())
        for file in files or [path]:
            with file.open("rb") as source:
                source.seek(0 if files else headers.length_of_nrrd_header(path))
                for _ in range(line_skip):
                    source.readline()
                plain = packed.decompressed(iter(lambda source=source: source.read(1 << 22), b""), "bzip2")
                stream.writelines(_behind(plain, byte_skip))
    return target


def _behind(parts: Iterable[bytes], skip: int) -> Iterator[bytes]:
    """What lies behind the first `skip` bytes."""
    for part in parts:
        yield part[skip:]
        skip = max(0, skip - len(part))
