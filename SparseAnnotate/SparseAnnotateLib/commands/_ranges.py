"""Ranges of single structures, on the command line: typed, from a table, or from a rough segmentation."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import replace

from ..annotation import LabelClass
from ..completeness import Said
from ..errors import InputError

_COLUMNS = ("structure", "first", "last")


def read_ranges(arguments, volume, file=None) -> list[str]:
    """Add the ranges of --ranges and --ranges-from to those of --range-of, which go before them.

    Parameters
    ----------
    file : labels; ranges of structures that they do not hold are left out, their names returned
    """
    told = {structure for structure, *_ in arguments.range_of}
    found = [*_ranges_of_table(arguments.ranges), *_ranges_of_labels(arguments.ranges_from, volume)]
    unknown = [] if file is None else [one for one, *_ in found if one not in _said_of(file.classes) | told]
    for structure, first, last in found:
        if structure not in told and structure not in unknown:
            told.add(structure)
            arguments.range_of = [*arguments.range_of, [structure, str(first), str(last)]]
    return unknown


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


def _ranges_of_labels(path: str | None, volume) -> list[tuple[str, int, int]]:
    import numpy as np

    from ..io import read_labels

    if path is None:
        return []
    file, found = read_labels(path, volume), []
    for one in file.classes:
        planes = np.flatnonzero((file.labels == one.value).any(axis=(1, 2)))
        if len(planes):
            named = one.name != f"class {one.value}"
            found.append((one.name if named else str(one.value), int(planes[0]), int(planes[-1])))
    if not found:
        raise InputError(f"--ranges-from {path} holds no label: give a segmentation with the structures")
    return found


def classes_of(said: Said) -> list[LabelClass]:
    """The structures whose ranges are told, where no labels name them."""
    return _classes([structure for structure, _ in said.range_of], ())


def _classes(named: list[str], there: Sequence[LabelClass]) -> list[LabelClass]:
    """Values that were given stay; names get values of their own, none of those that are there."""
    taken = {one.value for one in there} | {int(one) for one in named if one.isdigit()}
    free = (value for value in itertools.count(1) if value not in taken)
    return [LabelClass(int(one) if one.isdigit() else next(free), one) for one in named]


def with_unpainted(file, said: Said):
    """A label file with the structures, too, that only a range names: nothing of them is painted yet.

    Returns
    -------
    The file, and the names of these structures.
    """
    import numpy as np

    missing = [structure for structure, _ in said.range_of if structure not in _said_of(file.classes)]
    added = tuple(_classes(missing, file.classes))
    painted = file.painted
    if painted is not None:
        painted = np.hstack([painted, np.zeros((len(painted), len(added)), bool)])
    return replace(file, classes=(*file.classes, *added), painted=painted), missing
