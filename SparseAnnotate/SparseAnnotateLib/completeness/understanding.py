"""Labels to an annotation: what was painted completely where, said by the expert or told from the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..errors import InputError
from .outlines import Outlines
from .own_planes import own_planes
from .sentences import sentences
from .slivers import slivers_of


@dataclass(frozen=True)
class Understood:
    """An annotation, and what of it was told from the labels.

    Attributes
    ----------
    slivers : planes of each structure (class number) that hold too little of it to count
    doubtful : (class number, plane) where a structure counts as absent though its outlines around promise it
    sentences : what a user should know; none where all structures are complete on all planes with labels
    """

    annotation: SparseAnnotation
    slivers: Mapping[int, tuple[int, ...]]
    doubtful: tuple[tuple[int, int], ...]
    sentences: tuple[str, ...]


def understood(
    labels: np.ndarray,
    planes: Iterable[int] | None = None,
    *,
    partly: Iterable[int] = (),
    empty: Iterable[int] = (),
    classes: Sequence[LabelClass] | None = None,
    complete: Mapping[int, Iterable[int]] | None = None,
    empty_of: Mapping[int, Iterable[int]] | None = None,
    ranges: Mapping[int, tuple[int, int]] | None = None,
) -> Understood:
    """What the labels say, and nothing else where the expert said it.

    Parameters
    ----------
    labels, empty, classes : see `SparseAnnotation.from_painted_planes`
    planes : painted completely, for all structures: then nothing is told from the labels
    partly : painted in part; nothing is told of them (`SparseAnnotation.with_partly_painted` comes later)
    complete : for structures (class numbers 1, 2, ...), exactly the planes on which they were painted completely
    empty_of : for structures, further planes that were looked at and hold none of it
    ranges : first and last plane of structures where they were clicked; only read

    Raises
    ------
    InputError
        See `SparseAnnotation.from_painted_planes` and `SparseAnnotation.with_complete`.
    """
    partly, empty = sorted(set(partly)), sorted(set(empty))
    if planes is not None:
        planes = sorted({*planes, *partly})
    annotation = SparseAnnotation.from_painted_planes(labels, planes, empty=empty, classes=classes)
    told, slivers, doubtful = _told(annotation, [*partly, *empty], ranges or {})
    if planes is not None:
        told = {}
    said = {number: set(ones) for number, ones in (complete or {}).items()}
    for number, ones in (empty_of or {}).items():
        _refuse_labels(annotation, number, ones)
        said[number] = said.get(number, told.get(number, set(annotation.complete_planes_of(number)))) | set(ones)
    annotation = annotation.with_complete({**told, **said}) if told or said else annotation
    left = {number: ones for number, ones in slivers.items() if number not in (complete or {})}
    lines = sentences(annotation, left, doubtful, explicit=planes is not None)
    return Understood(annotation, left, doubtful, lines)


def _told(annotation, apart: list[int], ranges) -> tuple[dict[int, set[int]], dict[int, tuple[int, ...]], tuple]:
    """The planes on which structures are complete, of those that are not complete wherever there are labels."""
    outlines = Outlines(annotation.labels, annotation.class_count)
    outlines.area[apart] = 0
    shown = outlines.area > 0
    slivers = {}
    for number in range(1, annotation.class_count + 1):
        ones = slivers_of(outlines, number)
        if ones:
            slivers[number] = tuple(ones)
            shown[ones, number - 1] = False
    painted = own_planes(outlines, shown, ranges)
    complete = painted.complete
    complete[apart] = annotation.complete[apart]
    differs = np.flatnonzero((complete != annotation.complete).any(axis=0))
    told = {int(number) + 1: set(np.flatnonzero(complete[:, number]).tolist()) for number in differs}
    return told, slivers, painted.doubtful


def _refuse_labels(annotation: SparseAnnotation, number: int, planes: Iterable[int]) -> None:
    shown = sorted(set(planes) & set(annotation.shown_planes_of(number)))
    if shown:
        name = annotation.classes[number - 1].name
        raise InputError(f"plane {shown[0]} is said to hold no {name} but does: erase it there or take it off the list")
