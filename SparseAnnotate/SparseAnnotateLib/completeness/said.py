"""What an expert said of labels in a file, by options or columns of a table; the rest is inferred from the labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..cut_ends import cut_ends_of
from ..errors import InputError
from ..label_map import as_planes
from ..volume import AXES, Volume
from .axis import along_painted_axis
from .sentences import planes_named, some_of
from .understanding import Understood, understood

if TYPE_CHECKING:
    from ..io import LabelFile

Named = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Said:
    """Planes, ranges and box. Structures are named by segment ID, name or value.

    Attributes
    ----------
    painted : planes painted completely, for all structures; None where that is inferred from the labels
    partly, empty : planes of which only a part is painted; that were looked at and hold nothing
    complete : (structure, planes): exactly these planes were painted completely for the structure
    empty_of : (structure, planes) that were looked at and hold none of it
    painted_along : (axis "i", "j" or "k", planes) painted completely along another axis
    plane_range, range_of, box : see `SparseAnnotation`
    named_by : the option that named `painted`, in a note of labels on other planes; "" where those are not the expert's
    called : what the planes of `painted` are called where one of them does not exist
    """

    painted: tuple[int, ...] | None = None
    partly: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()
    complete: Named = ()
    empty_of: Named = ()
    painted_along: Named = ()
    plane_range: tuple[int, int] | None = None
    range_of: Named = ()
    box: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None
    named_by: str = "--painted"
    called: str = "painted"


def understand(
    said: Said, volume: Volume, file: LabelFile, *, axis: str = "auto", ends_painted: bool = True
) -> tuple[Volume, Understood]:
    """The annotation that the expert's words and a label file make together.

    Parameters
    ----------
    volume : as read along `axis`
    axis : as asked for; with ``auto`` the labels may tell another one, along which the returned volume lies
    ends_painted : without a range, the first and the last painted plane are the ends of every structure whose own range
        is not said

    Raises
    ------
    InputError
        Where they contradict each other or the labels, or nothing is painted.
    """
    _refuse_contradictions(said)
    volume, labels, told = along_painted_axis(volume, file.labels, axis)
    along = {_array_axis(volume, letter, planes): planes for letter, planes in said.painted_along} or None
    result = _of_planes(said, file, labels, turned=bool(told), along=along, axes=volume.axes, image=volume.intensities)
    check_ranges(said, volume)
    annotation = _with_ranges(result.annotation, said, ends_painted)
    if said.partly:
        annotation = annotation.with_partly_painted(said.partly)
    if said.box:
        annotation = annotation.with_box(*said.box)
    noted = (
        *told,
        *result.sentences,
        *_left_out(said, labels, annotation),
        *_complete_in_vain(said, annotation),
        *(() if told else _blank_slices(said, file)),
        *_cut_off(annotation),
        *(() if ends_painted else _on_no_plane(said, annotation)),
    )
    return volume, Understood(annotation, result.slivers, result.absent, result.left_out, noted)


def _refuse_contradictions(said: Said) -> None:
    """Refuse planes that are said to be painted completely and in part, or empty and in part."""
    for option, named in (
        ("complete", said.complete),
        ("empty-of", said.empty_of),
        ("painted-along", said.painted_along),
    ):
        nothing = [name for name, planes in named if not planes]
        if nothing:
            raise InputError(f"--{option} {nothing[0]} names no plane: write --{option} {nothing[0]} 12,20")
    whole = {f"--{said.called}": said.painted or (), "--empty": said.empty}
    whole |= {f"--complete {name}": planes for name, planes in said.complete}
    for option, planes in whole.items():
        both = sorted({*planes} & {*said.partly})
        if both:
            raise InputError(
                f"plane {both[0]} is named by {option} and by --partly: it is one of them, take it off a list"
            )


def _with_ranges(annotation: SparseAnnotation, said: Said, ends_painted: bool) -> SparseAnnotation:
    """With the range of all and of single structures; the range of all reaches as far as those, if it is not said."""
    ranges = _ranges(said.range_of, annotation.classes)
    ends = said.plane_range
    if ends is None and annotation.painted.any() and (ends_painted or len(ranges) == annotation.class_count):
        painted = _ends(annotation)
        ends = union([painted, *ranges.values()])
        if ends != painted:
            ranges = dict.fromkeys(range(1, annotation.class_count + 1), painted) | ranges
    if ends is not None:
        annotation = annotation.with_range(*ends)
    return annotation.with_class_ranges(ranges) if ranges else annotation


def check_ranges(said: Said, volume: Volume) -> None:
    """Refuse a range, of all or of a structure, that is no range of planes of the volume, and a second one."""
    structures = [structure for structure, _ in said.range_of]
    twice = next((one for one in structures if structures.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"--range-of is given twice for {twice}: keep one of them")
    named = [(f" of {structure}", ends) for structure, ends in said.range_of]
    for of, (first, last) in [("", said.plane_range), *named] if said.plane_range else named:
        if first > last:
            raise InputError(f"the range {first} to {last}{of} is empty: give its first plane first")
        if first < 0 or last >= volume.planes:
            raise InputError(
                f"the range {first} to {last}{of} leaves the volume: planes are numbered 0 to {volume.planes - 1} "
                f"along {volume.axis}"
            )


def union(ranges: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """From the first plane of any range to the last one."""
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def _left_out(said: Said, labels: np.ndarray, annotation: SparseAnnotation) -> tuple[str, ...]:
    """Notes of labels on planes that --painted does not name, and of planes without labels that it names."""
    if said.painted is None or not said.named_by:
        return ()
    bare = [one for one in sorted({*said.painted} - {*said.empty}) if not labels[one].any()]
    notes = [f"note: {planes_named(bare)}, named by {said.named_by}, without labels: taken to be empty"] if bare else []
    named = {*said.painted, *said.partly, *said.empty, *annotation.painted_planes}
    unused = labels != 0
    for axis, ones in annotation.painted_along.items():
        np.moveaxis(unused, axis, 0)[list(ones)] = False
    planes = [one for one in np.flatnonzero(unused.any(axis=(1, 2))).tolist() if one not in named]
    if planes:
        notes.append(f"note: labels on {planes_named(planes)} are not used, as {said.named_by} does not name them")
    return tuple(notes)


def _complete_in_vain(said: Said, annotation: SparseAnnotation) -> tuple[str, ...]:
    """A note of planes that --complete names though they hold none of the structure, for the first such structure."""
    for number, planes in _numbers("complete", said.complete, annotation.classes).items():
        none = sorted({*planes} - {*annotation.shown_planes_of(number)})
        if none:
            name = annotation.classes[number - 1].name
            return (f"note: --complete names {planes_named(none)}, without {name}: it is taken to be absent there",)
    return ()


def _blank_slices(said: Said, file: LabelFile) -> tuple[str, ...]:
    """A note of blank planes between labels that the file tells are painted, as a folder with some slices does."""
    if said.painted is not None or file.painted is None or not file.labels.any():
        return ()
    shown = file.labels.any(axis=(1, 2))
    first, last = np.flatnonzero(shown)[[0, -1]]
    blank = np.flatnonzero(file.painted.any(axis=1) & ~shown)
    planes = [one for one in blank.tolist() if first < one < last and one not in said.empty]
    if not planes:
        return ()
    return (
        f"note: blank slices on {planes_named(planes)} are taken to be empty: remove them if they were not painted",
    )


def _cut_off(annotation: SparseAnnotation) -> tuple[str, ...]:
    """A note of structures that end together inside the scan."""
    return tuple(
        f"note: {end.count} structures end on plane {end.plane}: taken to be cut off there, so they do not taper"
        for end in cut_ends_of(annotation)
    )


def _on_no_plane(said: Said, annotation: SparseAnnotation) -> tuple[str, ...]:
    """A note of structures that the file names, and neither a label nor a range shows; a prediction warns of them."""
    shown = np.bincount(annotation.labels.ravel(), minlength=annotation.class_count + 1)
    ranges = _ranges(said.range_of, annotation.classes)
    names = [one.name for n, one in enumerate(annotation.classes, 1) if not shown[n] and n not in ranges]
    return (f"note: on no painted plane: {some_of(names)}",) if names else ()


def _ends(annotation: SparseAnnotation) -> tuple[int, int]:
    """The first and the last plane that is painted, or that a plane of another axis shows to hold something."""
    planes = list(annotation.painted_planes)
    for axis, ones in annotation.painted_along.items():
        crossing = np.take(annotation.labels, ones, axis).any(axis=(1, 2))
        planes += np.flatnonzero(crossing).tolist()
    return min(planes), max(planes)


def _of_planes(said: Said, file: LabelFile, labels, *, turned: bool, **crossing) -> Understood:
    numbers = {name: _numbers(name, getattr(said, name), file.classes) for name in ("complete", "empty_of")}
    ranges = _ranges(said.range_of, file.classes)
    if file.painted is not None and said.painted is None and not turned:
        annotation = file.to_annotation(None, said.empty)
        return understood(annotation, tell=False, **numbers, **crossing)
    painted = None
    if said.painted is not None:
        painted = sorted({*as_planes(said.painted, len(labels), said.called), *said.partly})
    annotation = SparseAnnotation.from_painted_planes(labels, painted, empty=said.empty, classes=file.classes)
    aside = {*as_planes(said.partly, len(labels), "partly painted"), *said.empty}
    return understood(annotation, tell=painted is None, aside=aside, ranges=ranges, **numbers, **crossing)


def _numbers(what: str, named: Named, classes: Sequence[LabelClass]) -> dict[int, tuple[int, ...]]:
    """Planes by class number."""
    option = f"--{what.replace('_', '-')}"
    found: dict[int, tuple[int, ...]] = {}
    for structure, planes in named:
        number = class_number(structure, classes, option)
        if number in found:
            advice = "keep one of them" if what == "range_of" else "give all its planes at once"
            raise InputError(f"{option} is given twice for {structure}: {advice}")
        found[number] = tuple(planes)
    return found


def _ranges(named: Named, classes: Sequence[LabelClass]) -> dict[int, tuple[int, int]]:
    return {number: (ends[0], ends[-1]) for number, ends in _numbers("range_of", named, classes).items()}


def class_number(structure: str, classes: Sequence[LabelClass], option: str) -> int:
    """The number of a class by its segment ID, name or value; names may occur twice, IDs and values do not."""
    for said in (lambda one: one.details.get("ID"), lambda one: one.name, lambda one: str(one.value)):
        found = [number for number, one in enumerate(classes, start=1) if said(one) == structure]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{option} {structure}: {len(found)} structures have this name; give the value instead")
    names = ", ".join(f"{one.name} ({one.value})" for one in classes) or "none"
    raise InputError(f"{option} {structure}: there is no such structure among the labels; there are: {names}")


def _array_axis(volume: Volume, letter: str, planes: Sequence[int]) -> int:
    if letter not in AXES:
        raise InputError(f"--painted-along {letter}: give one of the axes i, j and k")
    if letter == volume.axis:
        raise InputError(f"--painted-along {letter}: the planes lie along {letter} already; name them with --painted")
    axis = volume.axes.index(letter)
    missing = [one for one in planes if not 0 <= one < volume.shape[axis]]
    if missing:
        last = volume.shape[axis] - 1
        raise InputError(
            f"--painted-along {letter}: plane {missing[0]} does not exist: along {letter} they are numbered 0 to {last}"
        )
    return axis


def named_planes(text: str, planes_from) -> Named:
    """(structure, planes) from "liver:12,20; spleen:3-9", as columns of a table hold them; ValueError for others."""
    named = []
    for part in filter(None, (one.strip() for one in re.split(r"[;\n]", text))):
        name, colon, planes = part.rpartition(":")
        if not colon:
            raise ValueError(f"{part!r} names no structure: write liver:12,20; spleen:3-9")
        named.append((name.strip(), tuple(planes_from(planes))))
    return tuple(named)
