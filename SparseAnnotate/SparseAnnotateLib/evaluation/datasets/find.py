"""Which layout a data set has, and its cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...io.headers import decoded
from ...jobs.cases import refuse_absent
from . import decathlon, folder, nnunet, table
from .case import LabelledCase

DESCRIPTION = "dataset.json"


def find_labelled_cases(
    source: str | Path,
    *,
    images: str | None = None,
    labels: str | None = None,
    channel: int | None = None,
    class_names: tuple[tuple[int, str], ...] = (),
    limit: int | None = None,
) -> list[LabelledCase]:
    """The cases of a data set, in the order of their names (of a table or dataset.json: in its order).

    Parameters
    ----------
    source : a table (.csv), a folder with dataset.json as the Medical Segmentation Decathlon or nnU-Net has it, that
        file itself, or any other folder
    images, labels : two patterns with wildcards, relative to the folder, such as ``*/t1.nii.gz`` and
        ``*/seg.nii.gz``: what the wildcards stand for tells which image has which labels
    channel : of images with several, from 0; None: the first frame of 4-D ones, others are refused
    class_names : (value, name), instead of those of the data set
    limit : only the first so many cases

    Raises
    ------
    InputError
        Where there are no cases, a file is missing, or two cases share a name.
    """
    source = Path(source)
    if not source.exists():
        raise InputError(f"{source} does not exist: give a folder or a table (.csv) of cases")
    if (images is None) != (labels is None):
        raise InputError("--images and --labels belong together: give both patterns or none")
    cases = _cases(source, images, labels, channel, class_names)
    if not cases:
        raise InputError(f"{source} holds no case with labels: give --images and --labels patterns, or a table (.csv)")
    _check(source, cases)
    return cases[:limit]


def _cases(source: Path, images, labels, channel: int | None, class_names) -> list[LabelledCase]:
    if source.is_file() and source.name != DESCRIPTION:
        return table.read_cases(source, channel, class_names)
    root = source.parent if source.is_file() else source
    if images is not None:
        return folder.matching_cases(root, images, labels, channel, class_names)
    if not (root / DESCRIPTION).is_file():
        return folder.conventional_cases(root, channel, class_names)
    description = _description(root / DESCRIPTION)
    layout = decathlon if isinstance(description.get("training"), list) else nnunet
    return layout.read_cases(root, description, channel, class_names)


def _description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(decoded(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): mend it, or give --images and --labels") from error
    if not isinstance(description, dict):
        raise InputError(f"{path} describes no data set: give --images and --labels")
    return description


def _check(source: Path, cases: list[LabelledCase]) -> None:
    name, count = Counter(case.name for case in cases).most_common(1)[0]
    if count > 1:
        raise InputError(f"{count} cases of {source} are called {name}: give them names of their own")
    files = ((case, role) for case in cases for role in ("image", "labels"))
    refuse_absent((f"the {role} of {case.name}", getattr(case, role)) for case, role in files)
