"""Files that are either whole or not there: written aside in the same folder, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import InputError
from ..volume import ImageGeometry
from .parts import advice_for_absent, is_url

# Longest first: .seg.nrrd before .nrrd, .nii.gz before a plain .gz.
WRITABLE = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".tiff", ".tif", ".dcm")


_LONGEST_NAME = 255
_LONGEST_ADDED = ".patched"


def suffix_of(path: Path, known: tuple[str, ...] = WRITABLE) -> str:
    """The suffix among `known` that a file name ends in, in lower case; "" if none does."""
    name = path.name.lower()
    return next((suffix for suffix in known if name.endswith(suffix)), "")


def check_writable(path: str | Path, formats: tuple[str, ...] = WRITABLE, *, folder_is_made: bool = False) -> Path:
    """Refuse a result's path before the work is done, not after it.

    Parameters
    ----------
    folder_is_made : the folder need not be there yet

    Raises
    ------
    InputError
        For an unknown format, a name too long or one that ends in a slash, a folder that is not there, or one that
        cannot be written to.
    """
    given, path = str(path), Path(path)
    refuse_long_name(path)
    if not suffix_of(path, formats):
        raise InputError(f"{path} has no format that can be written: end it in {', '.join(formats)}")
    if path.name.lower() in formats:
        raise InputError(f"{path} is a suffix without a name (is a variable of the shell not set?): name a file")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file")
    if given.endswith(("/", os.sep)):
        raise InputError(f"{given} names a folder, a file is written: leave out the {given[-1]} at its end")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no plain file (a pipe or a device): choose another name")
    if folder_is_made and not path.parent.exists():
        return path
    if path.parent.is_file():
        raise InputError(f"{path.parent} is a file: name a folder")
    if not path.parent.is_dir():
        here = not (given.startswith("~") or is_url(given))
        instead = "create it or choose another one" if here else advice_for_absent(path)
        raise InputError(f"the folder {path.parent} does not exist: {instead}")
    _refuse_read_only(path.parent)
    return path


def _refuse_read_only(folder: Path) -> None:
    """Tried, not asked: of what a system's own folders and read-only disks allow, permissions do not tell."""
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder, ignore_cleanup_errors=True):
            pass
    except OSError:
        raise InputError(f"the folder {folder} cannot be written to: choose another one") from None


def refuse_long_name(path: str | Path) -> None:
    """Raise InputError where a name is longer than its file system takes, with what is added while it is written."""
    path = Path(path)
    folder = next((one for one in path.absolute().parents if os.path.isdir(one)), None)
    try:
        longest = os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, TypeError, ValueError):  # Windows
        longest = _LONGEST_NAME
    longest -= len(_LONGEST_ADDED)
    for part in path.parts:
        if len(os.fsencode(part)) > longest:
            shown = f"{part[:30]}...{part[-12:]}"
            raise InputError(
                f"the name {shown} has {len(os.fsencode(part))} bytes, at most {longest} can be: shorten it"
            )


def check_holds(path: str | Path, geometry: ImageGeometry) -> None:
    """Refuse a format that cannot keep where the scan lies, before the work is done.

    Raises
    ------
    InputError
        For TIFF, which knows spacing only, where the scan has an origin or a direction.
    """
    placed = any(geometry.origin_mm) or tuple(geometry.direction) != ImageGeometry.direction
    if suffix_of(Path(path)) in (".tif", ".tiff") and placed:
        raise InputError(
            f"{path}: TIFF keeps neither origin nor direction, which the scan has: end the name in .nii.gz, .nrrd, "
            ".seg.nrrd or .mha"
        )


def make_folder(path: str | Path) -> Path:
    """Make a folder for results, and those above it; one that is there stays as it is.

    Raises
    ------
    InputError
        Where a file has its name, or it cannot be made.
    """
    if is_url(str(path)):
        raise InputError(f"{path} is an address: name a folder on this machine")
    path = Path(path)
    refuse_long_name(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{path} is a file, or lies below one: name a folder") from None
    except OSError as error:
        raise InputError(f"the folder {path} cannot be made ({error.strerror or error})") from error
    _refuse_read_only(path)
    return path


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A folder of its own beside `path` to write into; what it holds under `path`'s name and others moves out together.

    Raises
    ------
    InputError
        If anything that the system says went wrong: a full disk, a missing permission. Nothing is left behind then.
    """
    try:
        with moved_in(path) as folder:
            yield folder
    except OSError as error:
        raise InputError(f"{path} could not be written ({error.strerror or error}): nothing was changed") from error


@contextlib.contextmanager
def moved_in(path: Path) -> Iterator[Path]:
    """As `written_aside`, for what is no user's file: what the system says went wrong is an OSError."""
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        files = sorted(Path(folder).iterdir(), key=lambda file: file.name == path.name)
        for file in files:
            _flush(file)
        _move_together(files, path.parent)


def _flush(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _move_together(files: list[Path], folder: Path) -> None:
    """Rename all files into `folder`, or none: an earlier one is put back if a later one fails."""
    undo: list[Callable[[], object]] = []
    try:
        for file in files:
            target = folder / file.name
            if len(files) > 1:
                undo.append(_way_back(target, file))
            os.replace(file, target)
    except OSError:
        for step in reversed(undo):
            with contextlib.suppress(OSError):
                step()
        raise


def _way_back(target: Path, file: Path) -> Callable[[], object]:
    if not target.exists():
        return lambda: target.unlink(missing_ok=True)
    kept = file.with_name(file.name + ".before")
    os.replace(target, kept)
    return lambda: os.replace(kept, target)


def write_text(path: str | Path, text: str, suffix: str) -> None:
    """Write a table or a report, whole or not at all; the name must end in `suffix`."""
    path = check_writable(path, (suffix,))
    with written_aside(path) as folder:
        (folder / path.name).write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
