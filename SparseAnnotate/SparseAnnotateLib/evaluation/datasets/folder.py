"""Cases in a folder: by a pair of patterns, or by the names that `predict` knows too."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import InputError
from ...jobs.cases import find_cases
from .case import LabelledCase

_WILDCARDS = {"**/": "(.*/)?", "**": "(.*)", "*": "([^/]*)", "?": "([^/])"}


def conventional_cases(root: Path, channel: int | None, class_names) -> list[LabelledCase]:
    """A folder a case with ``image.*`` and ``labels.*`` (``label.*``), or files ``NAME_image.*``, ``NAME_labels.*``."""
    found = find_cases(root, root, predictor="")
    return [LabelledCase(case.name, case.image, case.labels, class_names, channel) for case in found]


def matching_cases(root: Path, images: str, labels: str, channel: int | None, class_names) -> list[LabelledCase]:
    """Images and labels whose paths differ from their patterns by the same pieces; named after these pieces.

    Raises
    ------
    InputError
        Where an image has no labels, or labels have no image: half a data set is more likely a wrong pattern.
    """
    image_of, labels_of = (files_matching(root, pattern) for pattern in (images, labels))
    for here, there, what in ((image_of, labels_of, labels), (labels_of, image_of, images)):
        lonely = sorted(here.keys() - there.keys())
        if lonely:
            raise InputError(f"nothing in {root} matches {what} for {here[lonely[0]]}: check the two patterns")
    return [
        LabelledCase(name_from(root, pieces), image_of[pieces], labels_of[pieces], class_names, channel)
        for pieces in sorted(image_of)
    ]


def name_from(root: Path, pieces: tuple[str, ...]) -> str:
    """What a case is called whose files differ from the patterns by these pieces."""
    return "_".join(filter(None, pieces)) or root.name


def files_matching(root: Path, pattern: str) -> dict[tuple[str, ...], Path]:
    """The files that match a pattern, by what its wildcards stand for."""
    tokens = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    expression = re.compile("".join(_WILDCARDS.get(token) or re.escape(token) for token in tokens))
    found: dict[tuple[str, ...], Path] = {}
    for path in sorted(root.glob(pattern)):
        match = expression.fullmatch(path.relative_to(root).as_posix())
        if match is not None:
            found[tuple((piece or "").replace("/", "_").strip("_") for piece in match.groups())] = path
    return found
