"""The scans of a cohort in files: data sets as `evaluate` reads them, painted planes as `predict` reads them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...annotation import SparseAnnotation
from ...cohort import worklist
from ...cohort.scans import CohortScan
from ...completeness import Said, understand
from ...errors import InputError
from ...evaluation.datasets import LabelledCase, find_labelled_cases
from ...evaluation.datasets.find import DESCRIPTION
from ...evaluation.datasets.folder import files_matching, name_from
from ...evaluation.datasets.table import class_names_from
from ...evaluation.grid.planner import View
from ...evaluation.simulation.loading import named_classes, read_case_image
from ...io.tables import read_table
from ...jobs.cases import PLANE_COLUMNS, case_name, files_in, refuse_absent, said_in

_FILE_COLUMNS = ("image", "labels", "name", "classes", "channel")


@dataclass(frozen=True)
class _UnlabelledCase:
    """Of a scan that nobody has painted, what a `LabelledCase` tells of its files."""

    name: str
    image: Path
    labels: None = None
    channel: int | None = None


@dataclass(frozen=True)
class _CohortCase:
    """One scan in files, and what was said of its planes.

    Attributes
    ----------
    said : of planes; the rest is inferred from the labels
    view : how images are read
    ends_painted : where no range is given, the first and last painted plane are its ends; otherwise nothing is known of
        the planes beyond them
    """

    case: LabelledCase | _UnlabelledCase
    said: Said = field(default_factory=Said)
    view: View = field(default_factory=View)
    ends_painted: bool = False

    @property
    def name(self) -> str:
        """Of the case."""
        return self.case.name


class PaintedCase(_CohortCase):
    """One scan of which planes are painted."""

    def load(self) -> CohortScan:
        """Read image and labels.

        Raises
        ------
        InputError
            Where they cannot be used; the message names the scan.
        """
        from ...io import read_labels

        volume = read_case_image(self.case.image, self.case.channel, self.view)
        file = read_labels(self.case.labels, volume)
        file = replace(file, classes=tuple(named_classes(file.classes, self.case.class_names)))
        try:
            axis, ends_painted = self.view.axis, self.ends_painted
            volume, told = understand(self.said, volume, file, axis=axis, ends_painted=ends_painted)
        except InputError as error:
            raise InputError(f"{self.case.name}: {error}") from None
        return CohortScan(self.case.name, volume, told.annotation)


class UnpaintedCase(_CohortCase):
    """One scan that nobody has painted yet."""

    def load(self) -> CohortScan:
        """Read the image; of what is said of planes only the range can be true, and that some hold nothing."""
        volume = read_case_image(self.case.image, self.case.channel, self.view)
        annotation = SparseAnnotation.unpainted(volume.shape)
        annotation.painted[[plane for plane in self.said.empty if plane < volume.planes]] = True
        ends = self.said.plane_range
        return CohortScan(self.name, volume, annotation if ends is None else annotation.with_range(*ends))


def find_painted_cases(
    source: str | Path, *, planes: str | Path | None = None, unpainted: bool = False, **layout
) -> list[PaintedCase | UnpaintedCase]:
    """The scans of a data set in any layout that `find_labelled_cases` knows, with what is said of their planes.

    Parameters
    ----------
    source : a folder or dataset.json; or a table (.csv) with the columns image and labels, and, where needed, name,
        classes, channel and `PLANE_COLUMNS` (see `said_in`)
    planes : a table (.csv) with the column name, and any of `PLANE_COLUMNS`, for scans of a folder
    unpainted : whether scans without labels are among them, which a folder or table without them has
    layout : see `find_labelled_cases`

    Raises
    ------
    InputError
        Where there are no cases, or the tables do not fit them.
    """
    if Path(source).suffix.lower() == ".csv":
        cases = _of_table(Path(source), layout, unpainted)
    elif unpainted and Path(source).is_dir() and not (Path(source) / DESCRIPTION).is_file():
        cases = _of_folder(Path(source), **layout)
    else:
        cases = [PaintedCase(case) for case in find_labelled_cases(source, **layout)]
    if planes is None:
        return cases
    return _with_planes(cases, Path(planes))


def _of_folder(
    root: Path, *, images=None, labels=None, channel=None, class_names=(), limit=None
) -> list[PaintedCase | UnpaintedCase]:
    """The scans of a folder, some of which may have no labels yet."""
    if (images is None) != (labels is None):
        raise InputError("--images and --labels belong together: give both patterns or none")
    if images is None:
        found = files_in(root)
    else:
        image_of, labels_of = (files_matching(root, pattern) for pattern in (images, labels))
        both = sorted({*image_of, *labels_of})
        found = [
            {"name": name_from(root, one), "image": image_of.get(one), "labels": labels_of.get(one)} for one in both
        ]
    cases = []
    for one in sorted(found, key=lambda one: one["name"])[:limit]:
        name, image, painted = one["name"], one.get("image"), one.get("labels")
        if image is None:
            raise InputError(f"{name} in {root} has no image: add the file, or list the scans in a table")
        if painted is None:
            cases.append(UnpaintedCase(_UnlabelledCase(name, image, channel=channel)))
        else:
            cases.append(PaintedCase(LabelledCase(name, image, painted, class_names, channel)))
    if not cases:
        raise InputError(f"{root} holds no scan: give --images and --labels patterns, or a table (.csv)")
    return cases


def _of_table(table: Path, layout: dict, unpainted: bool) -> list[PaintedCase | UnpaintedCase]:
    cases, named = [], []
    for line, row in _rows(table, (*_FILE_COLUMNS, *PLANE_COLUMNS)):
        if not row.get("image") or not (row.get("labels") or unpainted):
            raise InputError(f"line {line} of {table} lacks an image or its labels: fill in both columns")
        try:
            names = layout.get("class_names") or class_names_from(row.get("classes") or "")
            channel = int(row["channel"]) if row.get("channel") else layout.get("channel")
            said = said_in(row)
        except ValueError as error:
            raise InputError(f"line {line} of {table}: {error}") from error
        image, labels = (table.parent / row[role] if row.get(role) else None for role in ("image", "labels"))
        named += [(f"line {line} of {table}", path) for path in (image, labels) if path is not None]
        if labels is None:
            case = _UnlabelledCase(row.get("name") or case_name(image), image, channel=channel)
            cases.append(UnpaintedCase(case, said))
            continue
        cases.append(
            PaintedCase(LabelledCase(row.get("name") or case_name(labels), image, labels, names, channel), said)
        )
    if not cases:
        raise InputError(f"{table} lists no scan: give a line for each, with the columns image and labels")
    refuse_absent(named)
    return cases[: layout.get("limit")]


def _with_planes(cases: list[PaintedCase], table: Path) -> list[PaintedCase]:
    said = {}
    for line, row in _rows(table, ("name", *PLANE_COLUMNS)):
        try:
            said[row.get("name") or ""] = said_in(row)
        except ValueError as error:
            raise InputError(f"line {line} of {table}: {error}") from error
    unknown = sorted(said.keys() - {one.name for one in cases})
    if unknown:
        raise InputError(
            f"{table} names the scan {unknown[0]!r}, which is not there: there are "
            f"{', '.join(one.name for one in cases)}"
        )
    return [replace(one, said=said.get(one.name, one.said)) for one in cases]


def with_done(
    cases: list[PaintedCase | UnpaintedCase], tables: Sequence[str | Path], say: Callable[[str], None]
) -> list[PaintedCase | UnpaintedCase]:
    """The cases, when all planes that `cohort suggest` asked for were looked at: what holds no label is empty.

    Parameters
    ----------
    tables : that `cohort suggest` wrote
    say : is told which planes count as empty, for one that was forgotten looks alike

    Raises
    ------
    InputError
        For other tables, and where they are about other scans or another axis.
    """
    asked: dict[str, set[int]] = {}
    by_name = {one.name: one for one in cases}
    for table in tables:
        for name, rows in worklist.waiting(worklist.read(table)).items():
            if name not in by_name:
                raise InputError(
                    f"{table} asks for planes of the scan {name!r}, which is not there: there are {', '.join(by_name)}"
                )
            axis = by_name[name].view.axis
            if axis not in ("auto", rows[0].axis):
                raise InputError(
                    f"{table} counts planes along the axis {rows[0].axis}, these scans are read along {axis}: name "
                    "tables of these planes"
                )
            by_name[name] = replace(by_name[name], view=replace(by_name[name].view, axis=rows[0].axis))
            asked.setdefault(name, set()).update(row.plane for row in rows)
    nothing = {name: _without_labels(by_name[name], planes) for name, planes in asked.items()}
    told = "; ".join(f"{name} {', '.join(map(str, planes))}" for name, planes in nothing.items() if planes)
    count = sum(map(len, asked.values()))
    say(
        f"note: of the {count} planes asked for {sum(map(len, nothing.values()))} hold no label and count as empty"
        + (f": {told}" if told else "")
    )
    return [_with_empty(by_name[one.name], nothing.get(one.name, [])) for one in cases]


def _without_labels(case: PaintedCase | UnpaintedCase, planes: set[int]) -> list[int]:
    if case.case.labels is None:
        return sorted(planes)
    painted = case.load().annotation.painted
    return [plane for plane in sorted(planes) if plane < len(painted) and not painted[plane]]


def _with_empty(case: PaintedCase | UnpaintedCase, planes: list[int]) -> PaintedCase | UnpaintedCase:
    return replace(case, said=replace(case.said, empty=tuple(sorted({*case.said.empty, *planes}))))


def _rows(table: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        rows = read_table(table)
    except (OSError, csv.Error) as error:
        raise InputError(f"{table} cannot be read as a table ({error}): give a .csv file") from error
    for row in rows:
        if any(column not in columns for column in row):
            raise InputError(f"line {row.line} of {table} does not fit: its columns may be {', '.join(columns)}")
        yield row.line, row
