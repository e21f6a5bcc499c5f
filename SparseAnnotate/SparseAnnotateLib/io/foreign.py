"""Files that are no scan at all, known by their first bytes, and what to give instead."""

from __future__ import annotations

import zipfile
from pathlib import Path

_PICTURE = "save every slice as PNG or TIFF in a folder, or give the scan itself"
_DOCUMENT = "give the scan that it was made of"
_SURFACE = "give a label map of it on the scan's grid (3D Slicer exports one)"
_ARCHIVE = "unpack it, and give the file or folder in it"
_ARRAY = "save the volume in it as NIfTI, NRRD or TIFF, with its spacing"

# (first bytes, where they begin, what it is, what to do)
_MARKS: tuple[tuple[bytes, int, str, str], ...] = (
    (b"GIF8", 0, "a GIF picture, of 256 colours at most", _PICTURE),
    (b"RIFF....WEBP", 0, "a WebP picture", _PICTURE),
    (b"RIFF....AVI ", 0, "a film (AVI)", _PICTURE),
    (b"\0\0\0.ftyphei", 0, "a HEIC picture", _PICTURE),
    (b"\0\0\0.ftyphev", 0, "a HEIC film", _PICTURE),
    (b"\0\0\0.ftypmif1", 0, "a HEIC picture", _PICTURE),
    (b"\0\0\0.ftypavif", 0, "an AVIF picture", _PICTURE),
    (b"\0\0\0.ftyp", 0, "a film (MP4)", _PICTURE),
    (b"\x1aE\xdf\xa3", 0, "a film (Matroska or WebM)", _PICTURE),
    (b"\0\0\0\x0cjP  ", 0, "a JPEG 2000 picture", _PICTURE),
    (b"\xff\x4f\xff\x51", 0, "a JPEG 2000 picture", _PICTURE),
    (b"\xff\xd8\xff", 0, "a JPEG picture", _PICTURE),
    (b"\x89PNG", 0, "a PNG picture", _PICTURE),
    (b"8BPS", 0, "a Photoshop picture", _PICTURE),
    (b"%PDF", 0, "a PDF document", _DOCUMENT),
    (b"{\\rtf", 0, "an RTF document", _DOCUMENT),
    (b"\xd0\xcf\x11\xe0", 0, "an old Office document", _DOCUMENT),
    (b"Rar!", 0, "an archive (RAR)", _ARCHIVE),
    (b"7z\xbc\xaf", 0, "an archive (7z)", _ARCHIVE),
    (b"ustar", 257, "an archive (tar)", _ARCHIVE),
    (b"\x93NUMPY", 0, "a NumPy array, which says no spacing", _ARRAY),
    (b"MATLAB", 0, "a MATLAB file", _ARRAY),
    (b"\x89HDF", 0, "an HDF5 file", _ARRAY),
    (b"CDF\x01", 0, "a netCDF file", _ARRAY),
    (b"CDF\x02", 0, "a netCDF file", _ARRAY),
    (b"# vtk", 0, "a VTK file", "save it as NIfTI, NRRD or MHA, a surface as a label map on the scan's grid"),
    (b"ply\n", 0, "a PLY surface", _SURFACE),
    (b"ply\r", 0, "a PLY surface", _SURFACE),
    (b"solid ", 0, "an STL surface", _SURFACE),
    (b"<svg", 0, "an SVG drawing", _DOCUMENT),
    (b"<!DOCTYPE", 0, "a web page, perhaps instead of a download", "download the file again"),
    (b"<!doctype", 0, "a web page, perhaps instead of a download", "download the file again"),
    (b"<html", 0, "a web page, perhaps instead of a download", "download the file again"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS, not the file itself", "fetch it (git lfs pull)"),
    (b"/annex/objects", 0, "a pointer of git-annex, not the file itself", "fetch it (git annex get)"),
)
# What the files in a zip archive say of it.
_ZIPPED = (
    ("word/", "a Word document", _DOCUMENT),
    ("xl/", "an Excel table", _DOCUMENT),
    ("ppt/", "a PowerPoint presentation", _DOCUMENT),
    ("content.xml", "an OpenDocument file", _DOCUMENT),
    (".mrml", "a bundle of 3D Slicer", "unpack it, and give the volume and the segmentation in it"),
    (".npy", "NumPy arrays, which say no spacing", _ARRAY),
)
_READ = 512


def what_else(path: Path) -> str | None:
    """What a file is that is no scan, and what to do, as the end of a sentence; None for what is not known."""
    try:
        with path.open("rb") as stream:
            begins = stream.read(_READ)
    except OSError:
        return None
    begins = begins.removeprefix(b"\xef\xbb\xbf")
    if begins.startswith(b"PK\x03\x04"):
        return _zipped(path)
    for mark, start, what, advice in _MARKS:
        found = begins[start : start + len(mark)]
        if len(found) == len(mark) and all(one in (ord("."), other) for one, other in zip(mark, found, strict=True)):
            return f"is {what}: {advice}"
    return None


def _zipped(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return "is a damaged archive (zip): get a fresh copy of it"
    for part, what, advice in _ZIPPED:
        if any(name.startswith(part) or name.endswith(part) for name in names):
            return f"is {what}: {advice}"
    return f"is an archive (zip): {_ARCHIVE}"
