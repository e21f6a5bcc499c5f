"""Cases in a table (.csv): image, labels and, where wanted, name, classes, channel."""

from __future__ import annotations

import csv
from pathlib import Path

from ...errors import InputError
from ...io.tables import read_table
from ...jobs.cases import case_name
from .case import LabelledCase

COLUMNS = ("image", "labels", "name", "classes", "channel")


def read_cases(path: Path, channel: int | None, class_names) -> list[LabelledCase]:
    """The rows of a table; paths are relative to its folder, classes are written ``1=liver; 2=tumour``."""
    try:
        rows = read_table(path)
    except (OSError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}): give a folder or a .csv file") from error
    return [_case(path, row.line, row, channel, class_names) for row in rows]


def _case(table: Path, line: int, row: dict[str, str], channel: int | None, class_names) -> LabelledCase:
    unknown = [column for column in row if column not in COLUMNS]
    if unknown:
        raise InputError(f"line {line} of {table} does not fit: its columns may be {', '.join(COLUMNS)}")
    if not row.get("image") or not row.get("labels"):
        raise InputError(f"line {line} of {table} lacks an image or its labels: fill in both columns")
    image, labels = table.parent / row["image"], table.parent / row["labels"]
    try:
        names = class_names or class_names_from(row.get("classes") or "")
        channel = int(row["channel"]) if row.get("channel") else channel
    except ValueError as error:
        raise InputError(f"line {line} of {table}: {error}") from error
    return LabelledCase(row.get("name") or case_name(labels), image, labels, names, channel)


def class_names_from(text: str) -> tuple[tuple[int, str], ...]:
    """(value, name) from "1=liver; 2=tumour"; ValueError with a sentence for anything else."""
    names = []
    for part in filter(None, (piece.strip() for piece in text.replace(",", ";").split(";"))):
        value, equals, name = part.partition("=")
        if not equals or not value.strip().isdigit() or not name.strip():
            raise ValueError(f"{part!r} names no class: write 1=liver; 2=tumour")
        names.append((int(value), name.strip()))
    return tuple(names)
