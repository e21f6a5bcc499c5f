"""Cases of a data set that only Slicer can read: scenes of which a segmentation is the reference."""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, field
from pathlib import Path

from SparseAnnotateLib.errors import InputError

from ..scene import files


@dataclass
class SceneCase:
    """A case of a data set; `image` and `labels` are replaced by files once they are written.

    Attributes
    ----------
    image, labels : files that Slicer loads, ``scan.mrb#CT`` for a node of a scene
    others : further columns of the table
    axis : the annotation axis of its session; None without one
    """

    image: str
    labels: str
    others: dict[str, str] = field(default_factory=dict)
    axis: str | None = None


def cases_for_slicer(data: Path) -> list[SceneCase]:
    """The cases of a scene, of a folder of scenes, or of a table with scenes in it; none where Slicer is not needed."""
    if files.is_scene(data):
        return [_scene(data)]
    if data.is_dir():
        return [_scene(path) for path in sorted(data.iterdir()) if files.is_scene(path)]
    if data.suffix.lower() == ".csv" and data.is_file():
        return _of_table(data)
    return []


def _scene(path: Path) -> SceneCase:
    return SceneCase(str(path), str(path), {"name": path.stem})


def _of_table(table: Path) -> list[SceneCase]:
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, restval=""))
    if not any(_needs_slicer(table, row.get(role) or "") for row in rows for role in ("image", "labels")):
        return []
    cases = []
    for row in rows:
        image, labels = (str(table.absolute().parent / (row.pop(role, "") or "")) for role in ("image", "labels"))
        row["name"] = row.get("name") or Path(labels.partition(files.NODE_MARK)[0]).name.split(".")[0]
        cases.append(SceneCase(image, labels, row))
    return cases


def _needs_slicer(table: Path, text: str) -> bool:
    return bool(text) and files.is_for_slicer(table.parent / text.partition(files.NODE_MARK)[0])


def write_table(cases: list[SceneCase], path: Path) -> Path:
    """A table that the command line reads."""
    columns = ["image", "labels", *dict.fromkeys(name for case in cases for name in case.others)]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({"image": case.image, "labels": case.labels, **case.others} for case in cases)
    return path


def axis_argument(cases: list[SceneCase], given: argparse.Namespace) -> list[str]:
    """The annotation axis of all sessions, whose plane numbers are meant along it; none where one was typed.

    Raises
    ------
    InputError
        Where sessions have different axes.
    """
    axes = {case.axis for case in cases if case.axis is not None}
    if not axes or getattr(given, "axis", None) != "auto":
        return []
    if len(axes) > 1:
        raise InputError(f"the sessions annotate along different axes ({', '.join(sorted(axes))}): use those of one")
    return ["--axis", *axes]
