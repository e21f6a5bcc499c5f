"""What was painted completely where; the library says so, see its `completeness`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation
from SparseAnnotateLib.completeness import understood
from SparseAnnotateLib.completeness.appearance import AROUND
from SparseAnnotateLib.completeness.crossing import crossing_planes, without_lines


@dataclass(frozen=True)
class Told:
    """What the labels tell.

    Attributes
    ----------
    complete : bool (planes, structures), whether a structure was painted completely on a plane
    slivers : planes of each structure (1, 2, ...) that hold far less of it than the planes around promise
    along : rows (1) and columns (2) that were painted completely, in another view
    thin : structures that may be scribbles everywhere
    dabs : first or last painted planes that may hold a stray dab only
    """

    complete: np.ndarray
    slivers: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    along: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    thin: tuple[int, ...] = ()
    dabs: tuple[int, ...] = ()


def told_from(
    labels: np.ndarray,
    count: int,
    painted: Iterable[int],
    aside: Iterable[int] = (),
    ranges: Mapping[int, tuple[int, int]] | None = None,
    strokes: Iterable[int] = (),
    image: np.ndarray | None = None,
) -> Told:
    """What was painted completely.

    Parameters
    ----------
    labels : uint8 (planes, rows, columns), structures 1, 2, ... `count`; of the user, and 0 elsewhere
    painted : the planes that a person painted
    aside : those of them that the person called painted: complete for all structures
    ranges : first and last plane of structures where they were clicked
    strokes : further planes, which hold nothing but strokes made elsewhere
    image : intensities of the labels' shape, as the command line looks at them, too
    """
    painted, aside, strokes = sorted(painted), set(aside), sorted(strokes)
    if not (painted or strokes) or not count:
        return Told(np.zeros((len(labels), count), bool))
    # Only what is painted is looked at: a structure fills a small part of most images.
    shown = labels[sorted({*painted, *strokes})].any(axis=0)
    rows, columns = (_around(shown.any(axis=1 - axis)) for axis in (0, 1))
    here = labels[:, rows, columns]
    along = crossing_planes(here)
    if along:
        here = without_lines(here, along)
        painted = [plane for plane in painted if plane in aside or here[plane].any()]
    offset = {1: rows.start, 2: columns.start}
    along = {axis: tuple(one + offset[axis] for one in ones) for axis, ones in along.items()}
    classes = [LabelClass(number, str(number)) for number in range(1, count + 1)]
    annotation = SparseAnnotation.from_painted_planes(here, painted, classes=classes)
    image = None if image is None else image[:, rows, columns]
    result = understood(annotation, aside=aside & {*painted}, ranges=ranges, along={}, image=image)
    return Told(result.annotation.complete, result.slivers, along, result.thin, result.dabs)


def _around(shown: np.ndarray) -> slice:
    """From the first to the last that is so, with what the image is compared with around them; at least one."""
    found = np.flatnonzero(shown)
    return slice(max(0, int(found[0]) - AROUND), int(found[-1]) + 1 + AROUND) if len(found) else slice(0, 1)
