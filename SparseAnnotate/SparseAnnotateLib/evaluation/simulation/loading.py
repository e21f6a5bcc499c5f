"""A labelled case in memory, as the grid looks at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...annotation import LabelClass
from ...errors import InputError
from ...initial import Initial
from ...volume import Volume
from ..datasets import LabelledCase
from ..grid.planner import View
from .expert import SimulatedExpert


@dataclass(frozen=True)
class LoadedCase:
    """Image and reference.

    Attributes
    ----------
    box : (rows, columns) that a random crop left, in pixels of the plane; None for whole planes
    initial : a rough segmentation that predictions start from, where the view names some
    """

    volume: Volume
    expert: SimulatedExpert
    box: tuple[slice, slice] | None = None
    initial: Initial | None = None


def load_case(case: LabelledCase, view: View, case_hash: str, seed: int) -> LoadedCase:
    """Read a case, keep the classes asked for, and crop it if asked to.

    Parameters
    ----------
    case_hash, seed : what a random crop depends on, and nothing else does

    Raises
    ------
    InputError
        Where it cannot be read, or holds none of the classes.
    """
    from ...io import read_labels

    volume = read_case_image(case.image, case.channel, view)
    file = read_labels(case.labels, volume)
    classes = named_classes(file.classes, case.class_names)
    labels = file.labels
    if view.classes:
        classes = [one for one in classes if str(one.value) in view.classes or one.name in view.classes]
        labels = np.where(np.isin(labels, [one.value for one in classes]), labels, 0)
    if not labels.any():
        asked = f"none of the classes {', '.join(view.classes)}" if view.classes else "no label"
        raise InputError(f"{case.labels} holds {asked}: leave the case out")
    rough, whole = view.initial_of(case.name), volume
    box = None
    if view.crop_px is not None:
        box = random_box(labels, view.crop_px, np.random.default_rng([seed, int(case_hash[:8], 16)]))
        volume = Volume.from_array(volume.intensities[(slice(None), *box)], volume.spacing_mm)
        labels = labels[(slice(None), *box)]
    expert = SimulatedExpert(labels, classes, view.clicks)
    return LoadedCase(volume, expert, box, None if rough is None else _initial(rough, whole, box, expert))


def _initial(path: Path, volume: Volume, box: tuple[slice, slice] | None, expert: SimulatedExpert) -> Initial:
    """The rough segmentation in numbers of the expert's classes, matched by name or value."""
    from ...io.rough import read_rough_labels
    from ...jobs.starting import matched, renumbered

    file, _ = read_rough_labels(path, volume, expert.classes)
    labels = renumbered(file, matched(expert.classes, file.classes, ()))
    return Initial(labels if box is None else labels[(slice(None), *box)], tuple(expert.classes))


def random_box(labels: np.ndarray, side_px: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """A square of the planes, drawn among all those inside the image that hold one labelled pixel drawn before.

    A crop without any structure would measure nothing; Payer 2023 does not say how such crops were treated.
    """
    if side_px < 1:
        raise InputError(f"crops of {side_px} pixels are asked for: ask for at least 1")
    pixels = np.argwhere(labels.any(axis=0))
    box = []
    for pixel, size in zip(pixels[rng.integers(len(pixels))], labels.shape[1:], strict=True):
        length = min(side_px, size)
        first = rng.integers(max(0, pixel - length + 1), min(pixel, size - length) + 1)
        box.append(slice(int(first), int(first) + length))
    return tuple(box)


def named_classes(classes, names: tuple[tuple[int, str], ...]) -> list[LabelClass]:
    """The classes of a file, called as the data set calls their values."""
    by_value = dict(names)
    return [replace(one, name=by_value.get(one.value, one.name)) for one in classes]


def read_case_image(path: Path, channel: int | None, view: View) -> Volume:
    """An image as planes along the view's axis, whole; of a 4-D file one of its frames, of others one of its channels.

    Of 4-D files, in which the Decathlon stores several sequences of one scan, the first frame where none is asked for.
    """
    from ...io import read_image

    frames = 1 if path.is_dir() else _frames(path)
    if frames > 1:
        channel = channel or 0
        if not 0 <= channel < frames:
            raise InputError(f"{path} has {frames} channels, numbered from 0: there is no channel {channel}")
    return read_image(path, view.axis, view.replace_nan, channel=channel)


def _frames(path: Path) -> int:
    """Of a 4-D file; 1 also where the file cannot be read: reading it in earnest tells why."""
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return 1
    size = reader.GetSize()
    return size[3] if len(size) == 4 else 1
