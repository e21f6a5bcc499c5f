"""Cases in files: an image, its half-painted labels, and where the prediction goes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..completeness import Said, named_planes, understand
from ..errors import InputError
from ..io.parts import advice_for_absent, split_series
from ..io.tables import MORE_VALUES, read_table
from ..io.tiff import SUFFIXES as TIFF_SUFFIXES
from ..predictors import Prediction
from .job import Job
from .starting import match_from, understand_start

IMAGE_SUFFIXES = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", *TIFF_SUFFIXES)
_ROLES = {"image": "image", "img": "image", "label": "labels", "labels": "labels"}
# What columns of tables say of planes, for one case or one scan of a cohort.
PLANE_COLUMNS = ("painted", "partly", "empty", "complete", "empty_of", "painted_along", "range", "range_of")
COLUMNS = ("image", "labels", "initial", "corrected", "match", "name", *PLANE_COLUMNS)


@dataclass(frozen=True)
class FileCase:
    """One case; a `JobSource` that is read, predicted and written where its files are.

    Attributes
    ----------
    name : unique among the cases; the output is named after it
    said : of planes, as on the command line; the rest is inferred from the labels
    predictor, options : see `Job`
    axis, replace_nan, channel, spacing_mm : see `io.read_image`
    initial, corrected, matches : see `starting.understand_start`
    """

    name: str
    image: Path
    labels: Path
    output: Path
    predictor: str
    options: Mapping[str, Any] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    axis: str = "auto"
    replace_nan: float | None = None
    channel: int | None = None
    spacing_mm: Sequence[float] | None = None
    initial: tuple[Path, ...] = ()
    corrected: Sequence[int] | None = None
    matches: Sequence[tuple[str, str]] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """What must be within reach of whoever runs it."""
        return (*(path for _, path in self.inputs), self.output.parent)

    @property
    def inputs(self) -> tuple[tuple[str, Path], ...]:
        """What is read, and how it is called."""
        rough = (("the initial segmentation", path) for path in self.initial)
        return ("the image", self.image), ("the labels", self.labels), *rough

    @property
    def finished(self) -> bool:
        """Whether its output is there, and no older than what it was made from."""
        if not self.output.exists():
            return False
        written = self.output.stat().st_mtime
        return all(written >= path.stat().st_mtime for _, path in self.inputs if path.exists())

    def check(self) -> None:
        """Raise InputError for an unknown predictor or options that it does not take."""
        Job(self.predictor, None, None, self.options).check()

    def load(self) -> Job:
        """Read image and labels.

        Raises
        ------
        InputError
            Where they cannot be used.
        """
        from ..io import check_dicom_output, read_image, read_labels
        from ..io.writing import check_holds

        volume = read_image(self.image, self.axis, self.replace_nan, channel=self.channel, spacing_mm=self.spacing_mm)
        check_dicom_output(self.output, volume)
        check_holds(self.output, volume.geometry)
        file = read_labels(self.labels, volume)
        if self.initial or self.corrected is not None:
            start = understand_start(
                self.said,
                volume,
                file,
                initial=self.initial or None,
                corrected=self.corrected,
                matches=self.matches,
                axis=self.axis,
            )
            return Job(
                self.predictor, start.volume, start.annotation, self.options, self.name, start.initial, start.sentences
            )
        volume, told = understand(self.said, volume, file, axis=self.axis)
        if not told.annotation.painted.any():
            raise InputError(f"{self.labels} holds no label: paint at least one plane")
        return Job(self.predictor, volume, told.annotation, self.options, self.name, understood=told.sentences)

    def deliver(self, job: Job, prediction: Prediction) -> dict[str, Any]:
        """Write the output, whole or not at all; what is left to say about it."""
        from ..io import write_labels

        write_labels(self.output, prediction.labels, job.volume, job.annotation.classes)
        return {
            "expected_dice": prediction.expected_dice,
            "understood": list(job.understood),
            "warnings": list(prediction.details.get("warnings", ())),
        }


def find_cases(source: Path, output: Path, *, suffix: str = ".nii.gz", **shared: Any) -> list[FileCase]:
    """The cases of a table or a folder, in order.

    Parameters
    ----------
    source : a table (.csv) with the columns image and labels, and, where needed, initial (a rough segmentation to start
        from, or several, separated by semicolons), corrected (its corrected planes), match (its structures, as
        "liver=5; spleen=3"), name and `PLANE_COLUMNS` (see `said_in`); paths in it are relative to its folder.
        Or a folder: of one folder a case with ``image.*`` and ``label.*`` or ``labels.*``, or of files
        ``NAME_image.*`` and ``NAME_labels.*``.
    output : folder of the results; each is called after its case
    suffix : format of the results
    shared : further attributes of every `FileCase`

    Raises
    ------
    InputError
        Where there are no cases, an image without labels, or two of the same name.
    """
    source = Path(source)
    if not source.exists():
        raise InputError(f"{source} does not exist: {advice_for_absent(source)}")
    if not (source.is_file() or source.is_dir()):
        raise InputError(f"{source} is no plain file (a pipe or a device): save it first")
    rows = _from_folder(source) if source.is_dir() else _from_table(source)
    if not rows:
        advice = "put image.* and labels.* into a folder a case, or give a table (.csv) with the columns image, labels"
        raise InputError(f"{source} holds no cases: {advice}")
    cases = [FileCase(output=Path(output) / f"{row['name']}{suffix}", **row, **shared) for row in rows]
    names = [case.name for case in cases]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InputError(f"two cases of {source} are called {double}: give them names (a column name in a table)")
    return cases


def refuse_folders_in_names(cases: Sequence[FileCase]) -> None:
    """Refuse names that lead out of the folder of the results, or into one below it.

    The name that a file has which is not there is not: a path of Windows is told as such.
    """
    named = (case.name for case in cases if case.labels.exists() or case.name != case_name(case.labels))
    placed = next((name for name in named if re.search(r"[/\\]", name)), None)
    if placed is not None:
        raise InputError(f"a case is called {placed}, which names a folder: give it another name")


def refuse_missing(cases: Sequence[FileCase]) -> None:
    """Refuse cases of which a file is not there, all of them named, before any work.

    Raises
    ------
    InputError
        With every missing file.
    """
    refuse_absent((f"{what} of {case.name}", path) for case in cases for what, path in case.inputs)


def refuse_image_as_labels(cases: Sequence[FileCase]) -> None:
    """Refuse a case whose image and labels are one file, by whatever names."""
    for case in cases:
        if case.image.exists() and case.labels.exists() and case.image.samefile(case.labels):
            raise InputError(f"{case.labels} is given as the image and as the labels of {case.name}: give two files")


def refuse_absent(named: Iterable[tuple[str, Path]]) -> None:
    """Refuse files that are not there: what each is, and its path.

    Raises
    ------
    InputError
        With every missing file.
    """
    absent = [f"{path} ({what})" for what, path in named if not split_series(path)[0].exists()]
    if len(absent) == 1:
        raise InputError(f"{absent[0]} does not exist: {advice_for_absent(absent[0])}")
    if absent:
        raise InputError(f"{len(absent)} files do not exist: {', '.join(absent)}: check their paths")


def _from_table(path: Path) -> list[dict[str, Any]]:
    try:
        rows = read_table(path)
    except (OSError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}): give a folder or a .csv file") from error
    return [_from_row(path, row.line, {one.lower(): text for one, text in row.items()}) for row in rows]


def _from_row(table: Path, line: int, row: dict[str, str]) -> dict[str, Any]:
    if MORE_VALUES in row:
        raise InputError(f"line {line} of {table} has more values than there are columns: quote those with commas")
    unknown = [name for name in row if name not in COLUMNS]
    if unknown:
        raise InputError(f"the column {unknown[0]} of {table} does not fit: its columns may be {', '.join(COLUMNS)}")
    if not row.get("image") or not row.get("labels"):
        raise InputError(f"line {line} of {table} lacks an image or its labels: fill in both columns")
    image, labels = (table.parent / row[name] for name in ("image", "labels"))
    try:
        said = said_in(row)
        corrected = planes_from(row["corrected"]) if row.get("corrected") else None
        matches = tuple(match_from(one) for one in (row.get("match") or "").split(";") if one.strip())
        if matches and not row.get("initial"):
            raise InputError("match says what a structure is called in initial: fill in both")
    except (ValueError, InputError) as error:
        raise InputError(f"line {line} of {table}: {error}") from error
    initial = tuple(table.parent / one.strip() for one in row.get("initial", "").split(";") if one.strip())
    found = {"name": row.get("name") or case_name(labels), "image": image, "labels": labels, "said": said}
    return {**found, "initial": initial, "corrected": corrected, "matches": matches}


def said_in(row: Mapping[str, str | None]) -> Said:
    """What a row's `PLANE_COLUMNS` say: "3,17,29" or "3-7 12", "liver:12,20; spleen:3-9; tumour:none", a
    range "10-80".

    ValueError with a sentence for what is no plane number.
    """
    said: dict[str, Any] = {name: planes_from(row[name]) for name in ("painted", "partly", "empty") if row.get(name)}
    named = ("complete", "empty_of", "painted_along")
    said |= {name: named_planes(row[name], planes_from) for name in named if row.get(name)}
    if row.get("range_of"):
        said["range_of"] = tuple(named_planes(row["range_of"], ends_from))
    if row.get("range"):
        said["plane_range"] = ends_from(row["range"])
    return Said(**said)


def ends_from(text: str) -> tuple[int, int]:
    """The first and the last plane from "10-80", "10 80" or "10"; ValueError with a sentence for anything else."""
    planes = planes_from(text)
    if not 1 <= len(re.findall(r"\d+", text)) <= 2:
        raise ValueError(f"{text!r} is no range: write its first and last plane, as 10-80")
    return planes[0], planes[-1]


def planes_from(text: str) -> tuple[int, ...]:
    """Plane numbers from "3,17,29" or "3-7 12", none from "none"; ValueError with a sentence for anything else."""
    if text.strip() == "none":
        return ()
    planes: list[int] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        match = re.fullmatch(r"(\d{1,7})(?:-(\d{1,7}))?", part)
        if match is None:
            raise ValueError(f"{part!r} is no plane number: write 3,17,29 or 3-7")
        named = range(int(match[1]), int(match[2] or match[1]) + 1)
        if not named:
            raise ValueError(f"{part!r} names no plane: write {match[2]}-{match[1]}")
        planes += named
    return tuple(planes)


def case_name(path: Path) -> str:
    """A case's name from its file: patient3 for patient3_labels.nii.gz, the folder's name for labels.nii.gz."""
    stem, role = _stem_and_role(path)
    return stem or (path.absolute().parent.name if role else path.name)


def _stem_and_role(path: Path) -> tuple[str, str | None]:
    """("patient3", "labels") for patient3_labels.nii.gz; no role for a file that is neither."""
    suffix = next((one for one in IMAGE_SUFFIXES if path.name.lower().endswith(one)), path.suffix)
    stem = path.name[: len(path.name) - len(suffix)]
    head, _, tail = stem.rpartition("_")
    role = _ROLES.get(tail.lower())
    return (head, role) if role else (stem, None)


def _from_folder(folder: Path) -> list[dict[str, Any]]:
    return [_complete(case, folder) for case in files_in(folder)]


def files_in(folder: Path) -> list[dict[str, Any]]:
    """The name, image and labels of each case in a folder, by what files are called; one of the two may be missing.

    Raises
    ------
    InputError
        Where a case has two files for one of them.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted([*folder.iterdir(), *folder.glob("*/*")]):
        if not path.name.lower().endswith(IMAGE_SUFFIXES) or path.name.startswith("."):
            continue
        stem, role = _stem_and_role(path)
        if role is None or (not stem and path.parent == folder):
            continue
        name = case_name(path) if path.parent == folder or not stem else f"{path.parent.name}_{stem}"
        if role in found.setdefault(name, {"name": name}):
            raise InputError(f"{name} has two files for its {role}, {path} is one: keep one of them")
        found[name][role] = path
    return [*found.values()]


def _complete(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    missing: Sequence[str] = [role for role in ("image", "labels") if role not in case]
    if missing:
        raise InputError(f"{case['name']} in {folder} has no {missing[0]}: add the file, or list the cases in a table")
    return case
