"""All files that one name stands for: a header and its voxels, a folder and its slices; and ``folder::series``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from . import headers
from .dicom.headers import is_dicom

# What beside the file itself is written for a name that ends so.
_WRITTEN_BESIDE = {".mhd": (".zraw", ".raw")}


def split_series(path: str | Path) -> tuple[Path, str | None]:
    """A path and the series chosen in it, of ``folder::SeriesInstanceUID``; a path that is there is taken as it is."""
    text = str(path)
    if "::" not in text or os.path.exists(text):
        return Path(text), None
    folder, _, series = text.rpartition("::")
    return (Path(folder), series or None) if os.path.exists(folder) else (Path(text), None)


def parts_of(path: str | Path) -> list[Path]:
    """The files that must stay as they are for this input to be what it is; the path itself comes first."""
    path, _ = split_series(path)
    if path.is_dir():
        files = [file for file in path.iterdir() if file.is_file()]
        if not any(map(is_dicom, files)) or any(file.stem.upper() == "DICOMDIR" for file in files):
            # A disc: its slices are looked for in the folders below.
            files += [file for file in path.glob("*/**/*") if file.is_file() and is_dicom(file)]
        return [path, *files]
    name = path.name.lower()
    if name.endswith((".hdr", ".img", ".img.gz")):
        stem = path.name[: name.rindex(".hdr" if name.endswith(".hdr") else ".img")]
        return [path, *_siblings(path, {f"{stem}{suffix}".lower() for suffix in (".hdr", ".img", ".img.gz")})]
    if path.is_file() and name.endswith((".mhd", ".mha", ".nhdr", ".nrrd")):
        return [path, *headers.detached_files(path)]
    return [path]


def _siblings(path: Path, names: set[str]) -> list[Path]:
    if not path.parent.is_dir():
        return []
    return [file for file in path.parent.iterdir() if file.name.lower() in names and file != path]


def written_for(path: Path) -> list[Path]:
    """The files that writing a result under this name may make or replace; the path itself comes first."""
    beside = next((ends for suffix, ends in _WRITTEN_BESIDE.items() if path.name.lower().endswith(suffix)), ())
    return [path, *(path.with_suffix(end) for end in beside)]


def advice_for_absent(path: str | Path) -> str:
    """What to do about a file or folder that is not there."""
    text = str(path)
    if text.startswith("~"):
        return "write the folder out, for only a shell replaces ~, and not in quotes, tables or behind ="
    if is_url(text):
        return "that is an address; give the path of a file on this machine"
    if os.sep == "/" and "\\" in text:
        return "it is written as on Windows; write the path that the file has on this machine, with /"
    if re.search(r"\$\w|\$\{|[*?]", text):
        return "write it out, for only a shell replaces $NAME, * and ?, and not in quotes or tables"
    return "check the path"


def is_url(text: str) -> bool:
    """Whether a name is an address, of which `Path` makes one slash of two."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text) is not None
