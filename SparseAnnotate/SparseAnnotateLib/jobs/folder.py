"""A job as a folder: what is in it, under which names, and how it is written and read."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..errors import InputError
from ..initial import Initial
from ..io.writing import moved_in
from ..volume import ImageGeometry, Volume
from .job import Job

FORMAT = 1

INTENSITIES, LABELS, KNOWN = "intensities.npy", "labels.npy", "known.npy"

# Only of jobs that start from a rough segmentation.
INITIAL = "initial.npy"


class JobFolder:
    """The names of what a job's folder holds."""

    def __init__(self, path: Path | str):
        self.path = Path(path).absolute()
        self.job = self.path / "job.json"
        self.events = self.path / "events.jsonl"
        self.stop = self.path / "stop"
        self.result = self.path / "result.npz"
        self.log = self.path / "worker.log"
        self.owner_lock = self.path / "owner.lock"
        self.worker_lock = self.path / "worker.lock"

    def request_stop(self) -> None:
        """Ask the worker to end; nothing happens if the folder is gone, with which the worker ends anyway."""
        with contextlib.suppress(OSError):
            self.stop.touch()


def write_job(job: Job, path: Path | str, write_image: Callable[[np.ndarray, Path], object] | None = None) -> JobFolder:
    """Write a job into a folder, which is made if need be; `job.json` comes last and marks it as complete.

    The arrays are streamed from the caller's memory, never copied. They are written, not mapped: on a full disk a write
    fails with an error, a mapped page ends the process, which may be Slicer. Planes on which nothing is labelled, or
    known, are left out of the files, which read as zero there. `write_image` may know the image's file already.

    Raises
    ------
    OSError
        Where the disk is full or the folder cannot be written.
    """
    folder = JobFolder(path)
    folder.path.mkdir(parents=True, exist_ok=True)
    _refuse_full_disk(job, folder.path)
    volume, annotation = job.volume, job.annotation
    (write_image or save_image)(volume.intensities, folder.path / INTENSITIES)
    arrays = {LABELS: annotation.labels, KNOWN: annotation.known}
    if job.initial is not None:
        arrays[INITIAL] = job.initial.of_classes(annotation.classes)
    for name, array in arrays.items():
        _save_planes(array, folder.path / name)
    write_aside(folder.job, json.dumps(_describe(job), indent=1).encode())
    return folder


def save_image(image: np.ndarray, path: Path) -> None:
    """Write an image's array."""
    np.save(path, image, allow_pickle=False)


def _save_planes(array: np.ndarray, path: Path) -> None:
    """As NumPy does, but for empty planes: of a painted volume most are, and a hole in a file costs nothing."""
    array = np.ascontiguousarray(array)
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        for plane in array:
            if plane.any():
                file.write(plane.data)
            else:
                file.seek(plane.nbytes, os.SEEK_CUR)
        file.truncate()


def _refuse_full_disk(job: Job, path: Path) -> None:
    """Before rather than after a minute of writing, and with numbers."""
    needed = job.volume.intensities.nbytes + job.annotation.labels.nbytes + job.annotation.known.nbytes
    if job.initial is not None:
        needed += job.initial.labels.nbytes
    free = shutil.disk_usage(path).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{needed >> 20} MB needed, {free >> 20} MB free", str(path))


def read_job(path: Path | str, map_image: Callable[[Path], np.ndarray] | None = None) -> Job:
    """Read a job; its arrays are mapped from the files, privately, so that nothing is copied and nothing written back.

    `map_image` may have the image's file mapped already.

    Raises
    ------
    InputError
        Where the folder holds no job, one of a newer format, or a damaged one.
    """
    folder = JobFolder(path)
    description = _load_description(folder)
    try:
        return _build(folder, description, map_image or map_array)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the job in {folder.path} is damaged ({error}): start it again") from error


def write_aside(path: Path, content: bytes) -> None:
    """Write a small file under another name and rename it, so that nobody ever reads half of it."""
    with moved_in(path) as folder:
        (folder / path.name).write_bytes(content)


def _describe(job: Job) -> dict[str, Any]:
    from .. import __version__

    volume, annotation = job.volume, job.annotation
    return {
        "format": FORMAT,
        "name": job.name,
        "predictor": job.predictor,
        "options": job.options_by_name(),
        "initial": job.initial is not None,
        "in_view": job.in_view,
        "volume": {
            "shape": list(volume.shape),
            "spacing_mm": list(volume.spacing_mm),
            "axis": volume.axis,
            "geometry": _fields(volume.geometry),
        },
        "annotation": {
            "painted": annotation.painted_planes,
            "classes": [_fields(one) for one in annotation.classes],
            "plane_range": list(annotation.plane_range),
            "class_ranges": {str(number): list(ends) for number, ends in annotation.class_ranges.items()},
            "complete": [annotation.complete_planes_of(number + 1) for number in range(annotation.class_count)],
            "painted_along": {str(axis): list(ones) for axis, ones in annotation.painted_along.items()},
            "box": annotation.box,
        },
        "versions": {
            "sparse_annotate": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def _fields(item: Any) -> dict[str, Any]:
    """What makes up a dataclass; not the copies of file headers that it ignores in comparisons."""
    return {field.name: getattr(item, field.name) for field in dataclasses.fields(item) if field.compare}


def _load_description(folder: JobFolder) -> dict[str, Any]:
    try:
        description = json.loads(folder.job.read_bytes())
        version = description["format"]
    except FileNotFoundError as error:
        raise InputError(f"{folder.path} holds no job: there is no job.json in it") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder.job} cannot be read ({error}): start the job again") from error
    check_format(version, f"the job in {folder.path}")
    return description


def check_format(version: Any, what: str) -> None:
    """Raise InputError for a format that a later SparseAnnotate wrote."""
    from .. import __version__

    if not isinstance(version, int) or version < 1:
        raise InputError(f"{what} has the format {version!r}, which does not exist: start it again")
    if version > FORMAT:
        raise InputError(
            f"{what} has the format {version}, this SparseAnnotate {__version__} reads up to {FORMAT}: update it"
        )


def _build(folder: JobFolder, description: dict[str, Any], map_image: Callable[[Path], np.ndarray]) -> Job:
    volume, annotation = description["volume"], description["annotation"]
    shape = tuple(volume["shape"])
    classes = tuple(_label_class(values) for values in annotation["classes"])
    intensities = _checked(map_image(folder.path / INTENSITIES), INTENSITIES, np.float32, shape)
    geometry = ImageGeometry(**{name: tuple(value) for name, value in volume["geometry"].items()})
    return Job(
        predictor=description["predictor"],
        options=description["options"],
        name=description["name"],
        # Not Volume.from_file_order: that one checks and copies, and the writer's volume has been through it.
        volume=Volume(intensities, tuple(volume["spacing_mm"]), geometry, volume["axis"]),
        annotation=SparseAnnotation(
            labels=_map(folder, LABELS, np.uint8, shape),
            known=_map(folder, KNOWN, np.bool_, shape),
            painted=np.isin(np.arange(shape[0]), annotation["painted"]),
            classes=classes,
            plane_range=tuple(annotation["plane_range"]),
            class_ranges={int(number): tuple(ends) for number, ends in annotation["class_ranges"].items()},
            complete=_complete(annotation.get("complete"), shape[0]),
            painted_along={int(axis): tuple(ones) for axis, ones in annotation.get("painted_along", {}).items()},
            box=_corners(annotation.get("box")),
        ),
        in_view=description.get("in_view"),
        initial=Initial(_map(folder, INITIAL, np.uint8, shape), classes) if description.get("initial") else None,
    )


def _complete(planes: list[list[int]] | None, count: int) -> np.ndarray | None:
    """bool (planes, classes); None in a job of before structures had planes of their own: known planes tell it."""
    if planes is None:
        return None
    return (
        np.stack([np.isin(np.arange(count), ones) for ones in planes], axis=1) if planes else np.zeros((count, 0), bool)
    )


def _corners(box: list[list[int]] | None) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    return None if box is None else (tuple(box[0]), tuple(box[1]))


def map_array(path: Path) -> np.ndarray:
    """The array in a file, which what is written to it does not reach."""
    # "c": pages are shared with the file until written to. Read-only ones ("r") are refused by some compiled libraries.
    return np.load(path, mmap_mode="c", allow_pickle=False).view(np.ndarray)


def _map(folder: JobFolder, name: str, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    return _checked(map_array(folder.path / name), name, dtype, shape)


def _checked(array: np.ndarray, name: str, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} holds {array.dtype} {array.shape} instead of {np.dtype(dtype)} {shape}")
    return array


def _label_class(values: dict[str, Any]) -> LabelClass:
    color = values.get("color")
    return LabelClass(values["value"], values["name"], None if color is None else tuple(color))
