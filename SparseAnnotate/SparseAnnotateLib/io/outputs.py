"""No output destroys an input, nor another output: asked here, by commands and jobs, before any work."""

from __future__ import annotations

import contextlib
import functools
import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import InputError
from .parts import parts_of, split_series, written_for


def refuse_overwriting(
    outputs: Mapping[str, str | Path] | Iterable[tuple[str, str | Path]],
    inputs: Mapping[str, str | Path] | Iterable[tuple[str, str | Path]],
    *,
    removed: Iterable[str | Path] = (),
) -> None:
    """Compare every file that will be written with every file that will be read, and with each other.

    Two names are one file where they lead to the same place: by links, by hard links, through ``..``, or by letters
    that differ in case or in how they are composed only (some file systems take those for the same).

    Parameters
    ----------
    outputs, inputs : what the user calls them (such as ``-o`` and ``IMAGE``), and their paths; an input may be a folder
        of slices or ``folder::series``: no output may go into it; it may be a header: its voxels' file counts too
    removed : folders that are emptied or removed before writing, or written into under names not known yet

    Raises
    ------
    InputError
        With both names, where a file would be lost.
    """
    outputs, inputs = _pairs(outputs), _pairs(inputs)
    read: dict[tuple, tuple[str, Path]] = {}
    folders: dict[tuple, tuple[str, Path]] = {}
    for what, given in inputs:
        first, *others = parts_of(given)
        (folders if first.is_dir() else read).setdefault(_place(first), (what, first))
        for key in (_place(first), *_identities([first, *others])):
            read.setdefault(key, (what, first))
    written: dict[tuple, tuple[str, Path]] = {}
    for what, given in outputs:
        path = Path(given)
        keys = _identities(written_for(path))
        for key in keys:
            if key in read:
                raise InputError(_lost(what, path, *read[key]))
            if key in written and written[key] != (what, path):
                raise InputError(f"{written[key][0]} and {what} are the same file, {path}: give each a name of its own")
        written |= dict.fromkeys(keys, (what, path))
        inside = folders.get(_place(path.parent))
        if inside is not None:
            raise InputError(
                f"{what} {path} would lie among the slices of {inside[0]} {inside[1]}: write it to another folder"
            )
    _refuse_removing(removed, inputs)


def _refuse_removing(removed: Iterable[str | Path], inputs: list[tuple[str, str | Path]]) -> None:
    for folder in map(os.path.realpath, removed):
        for what, given in inputs:
            path = os.path.realpath(split_series(given)[0])
            if path == folder or path.startswith(os.path.join(folder, "")):
                raise InputError(f"{folder} is written anew, but holds {what} {given}: choose another output")


def _pairs(named) -> list[tuple[str, str | Path]]:
    pairs = named.items() if isinstance(named, Mapping) else named
    return [(what, path) for what, path in pairs if path is not None]


def _lost(what: str, path: Path, input_name: str, input_path: Path) -> str:
    same = "is" if str(path) == str(input_path) else "would overwrite"
    return f"{what} {path} {same} {input_name} {input_path}, which must not be lost: choose another name"


def _identities(paths: Iterable[Path]) -> list[tuple]:
    """By place, and, of what is there, by number on its disk, which hard links and bind mounts share."""
    keys = []
    for path in paths:
        keys.append(_place(path))
        try:
            stat = os.stat(path)
        except (OSError, ValueError):
            continue
        if stat.st_ino:
            keys.append((stat.st_dev, stat.st_ino))
    return keys


def _place(path: Path) -> tuple:
    """Where a path leads, be anything there or not; the same for names that its file system takes for the same."""
    place = unicodedata.normalize("NFC", os.path.realpath(path))
    return ("place", place.casefold() if _ignores_case(os.path.dirname(place)) else place)


@functools.lru_cache(1024)
def _ignores_case(folder: str) -> bool:
    """Whether something in a folder, or in the nearest one above it that is there, is also there in other letters.

    What lies in it counts before its own name: a stick that ignores case may hang in a folder of a disk that does not.
    """
    while not os.path.isdir(folder):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.swapcase() != entry.name:
                return _is_there_in_other_letters(entry.path)
    while os.path.basename(folder).swapcase() == os.path.basename(folder):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    return _is_there_in_other_letters(folder)


def _is_there_in_other_letters(path: str) -> bool:
    above, name = os.path.split(path)
    other = os.path.join(above, name.swapcase())
    return os.path.exists(other) and os.path.samefile(path, other)
