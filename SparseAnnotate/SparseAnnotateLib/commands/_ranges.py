"""Ranges of single structures, on the command line: typed, from a table, or from a rough segmentation."""

from __future__ import annotations

import csv
import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..annotation import LabelClass
from ..completeness import Said
from ..errors import InputError

_COLUMNS = ("structure", "first", "last")


class RangesOfFiles(NamedTuple):
    """The structures that --ranges names, those of --ranges-from, and the names that were left out."""

    named: tuple[str, ...]
    classes: tuple[LabelClass, ...]
    left_out: list[str]


def read_ranges(arguments, volume, file=None) -> RangesOfFiles:
    """Add the ranges of --ranges and --ranges-from to those of --range-of, which go before them.

    Parameters
    ----------
    file : labels; ranges of structures that they do not hold are left out
    """
    told = {structure for structure, *_ in arguments.range_of}
    table, rough = _ranges_of_table(arguments.ranges), _ranges_of_labels(arguments.ranges_from, volume)
    found = [(one, ends, {one}) for one, *ends in table]
    found += [(_typed(one), ends, _said_of([one])) for one, *ends in rough]
    unknown = [] if file is None else [one for one, *_ in found if one not in _said_of(file.classes) | told]
    for structure, (first, last), names in found:
        if told.isdisjoint(names) and structure not in unknown:
            told.add(structure)
            arguments.range_of = [*arguments.range_of, [structure, str(first), str(last)]]
    return RangesOfFiles(tuple(one for one, *_ in table), tuple(one for one, *_ in rough), unknown)


def note_of_typed(arguments, structures: Sequence[str], files: RangesOfFiles) -> str | None:
    """What is said of structures that were typed although the files of ranges lack them."""
    paths = [one for one in (arguments.ranges, arguments.ranges_from) if one is not None]
    there = [*files.classes, *(LabelClass(0, one) for one in files.named)]
    return (
        note_of_strangers(structures, there, f"not in {' or '.join(paths)}, so one more structure") if paths else None
    )


def note_of_strangers(structures: Sequence[str], classes: Sequence[LabelClass], where: str) -> str | None:
    """What is said of structures that only a range names: perhaps one of `classes` is meant, mistyped."""
    there = _said_of(classes)
    strangers = [one for one in structures if one not in there]
    if not strangers:
        return None
    meant = {near for one in strangers for near in difflib.get_close_matches(one, [c.name for c in classes], 1)}
    return f"note: {', '.join(strangers)}: {where}" + (
        f"; did you mean {' and '.join(sorted(meant))}?" if meant else ""
    )


def _typed(one: LabelClass) -> str:
    """A structure as --range-of would say it: by its name, or by its value where it has none."""
    return str(one.value) if one.is_unnamed else one.name


def _said_of(classes) -> set[str]:
    """How structures may be called: by segment ID, name or value."""
    return {text for one in classes for text in (one.details.get("ID"), one.name, str(one.value))}


def _ranges_of_table(path: str | None) -> list[tuple[str, int, int]]:
    from ..io.tables import read_table

    if path is None:
        return []
    try:
        rows = read_table(path)
    except csv.Error as error:
        raise InputError(f"--ranges {path} is no table: {error}") from None
    rows = [{name.lower(): text for name, text in row.items()} for row in rows]
    if not rows:
        raise InputError(f"--ranges {path} holds no range: name the columns structure,first,last, then a line for each")
    missing = [name for name in _COLUMNS if name not in rows[0]]
    if missing:
        there = ", ".join(rows[0])
        raise InputError(f"--ranges {path} has no column {missing[0]} but {there}: name them structure,first,last")
    found: dict[str, tuple[str, int, int]] = {}
    for number, row in enumerate(rows, 1):
        structure, *ends = (row[name] for name in _COLUMNS)
        if not structure or not all(one.removeprefix("-").isdigit() for one in ends):
            said = ", ".join((structure, *ends))
            raise InputError(f"--ranges {path}, range {number} ({said}): write a name and two plane numbers")
        if structure in found:
            raise InputError(f"--ranges {path} has two ranges of {structure}: keep one of them")
        found[structure] = (structure, *map(int, ends))
    return list(found.values())


def _ranges_of_labels(path: str | None, volume) -> list[tuple[LabelClass, int, int]]:
    import numpy as np

    from ..io import read_labels

    if path is None:
        return []
    file, found = read_labels(path, volume), []
    for one in file.classes:
        planes = np.flatnonzero((file.labels == one.value).any(axis=(1, 2)))
        if len(planes):
            found.append((one, int(planes[0]), int(planes[-1])))
    if not found:
        raise InputError(f"--ranges-from {path} holds no label: give a segmentation with the structures")
    return found


def classes_of(said: Said, rough: Sequence[LabelClass]) -> list[LabelClass]:
    """The structures whose ranges are told, where no labels name them; those of a segmentation keep its values."""
    classes = _classes([structure for structure, _ in said.range_of], (), rough)
    twice = next((one for one in classes if classes.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"--range-of is given for {twice.name} and for its value {twice.value}: keep one of them")
    return classes


def _classes(named: list[str], there: Sequence[LabelClass], rough: Sequence[LabelClass] = ()) -> list[LabelClass]:
    """Values that were given stay; names get values of their own, none of those that are there."""
    known = {text: one for one in rough for text in _said_of([one])}
    taken = {one.value for one in (*there, *rough)} | {_value_in(one) for one in named}
    free = (value for value in itertools.count(1) if value not in taken)
    return [known.get(one) or _new_class(one, free) for one in named]


def _new_class(named: str, free: Iterator[int]) -> LabelClass:
    value = _value_in(named)
    return LabelClass(next(free), named) if value is None else LabelClass.unnamed(value)


def _value_in(named: str) -> int | None:
    """3 of "3" and of "class 3", which is how structures without a name are called."""
    text = named.removeprefix("class ")
    return int(text) if text.isdigit() else None


def with_unpainted(file, said: Said):
    """A label file with the structures, too, that only a range names: nothing of them is painted yet."""
    import numpy as np

    there = _said_of(file.classes)
    added = tuple(_classes([structure for structure, _ in said.range_of if structure not in there], file.classes))
    painted = file.painted
    if painted is not None:
        painted = np.hstack([painted, np.zeros((len(painted), len(added)), bool)])
    return replace(file, classes=(*file.classes, *added), painted=painted)
