"""The layout of the Medical Segmentation Decathlon: dataset.json lists pairs of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...jobs.cases import IMAGE_SUFFIXES
from .case import LabelledCase


def read_cases(root: Path, description: dict[str, Any], channel: int | None, class_names) -> list[LabelledCase]:
    """The pairs under ``training``, in their order; names are those of ``labels`` ("1": "liver")."""
    names = class_names or _names(description.get("labels", {}))
    return [_case(root, entry, names, channel) for entry in description["training"]]


def _case(root: Path, entry: Any, names, channel: int) -> LabelledCase:
    if not isinstance(entry, dict) or not {"image", "label"} <= entry.keys():
        raise InputError(f"{root / 'dataset.json'} lists {entry!r} for training: it needs an image and a label")
    image, labels = root / entry["image"], root / entry["label"]
    suffix = next((one for one in IMAGE_SUFFIXES if image.name.lower().endswith(one)), image.suffix)
    return LabelledCase(image.name[: len(image.name) - len(suffix)], image, labels, names, channel)


def _names(labels: Any) -> tuple[tuple[int, str], ...]:
    if not isinstance(labels, dict):
        return ()
    return tuple((int(value), str(name)) for value, name in labels.items() if str(value).isdigit() and int(value) > 0)
