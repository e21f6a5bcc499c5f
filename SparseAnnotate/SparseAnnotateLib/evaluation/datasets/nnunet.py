"""nnU-Net's raw layout: labelsTr/CASE.ext beside imagesTr/CASE_0000.ext, a file a channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .case import LabelledCase


def read_cases(root: Path, description: dict[str, Any], channel: int | None, class_names) -> list[LabelledCase]:
    """Every case with labels, by name; class names are those of ``labels`` ("liver": 1), but for regions."""
    ending = description.get("file_ending", ".nii.gz")
    names = class_names or _names(description.get("labels", {}))
    found = sorted((root / "labelsTr").glob(f"*{ending}"))
    return [
        LabelledCase(name, root / "imagesTr" / f"{name}_{channel or 0:04d}{ending}", path, names)
        for path in found
        if not path.name.startswith(".") and (name := path.name[: len(path.name) - len(ending)])
    ]


def _names(labels: Any) -> tuple[tuple[int, str], ...]:
    """Names by value; version 1 of nnU-Net wrote them the other way round, as the Decathlon does."""
    if not isinstance(labels, dict):
        return ()
    pairs = ((value, name) if isinstance(value, int) else (name, value) for name, value in labels.items())
    return tuple((int(value), str(name)) for value, name in pairs if str(value).isdigit() and int(value) > 0)
