"""Labels to an annotation: what was painted completely where, said by the expert or inferred from the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from ..errors import InputError
from .appearance import stray_ends
from .crossing import crossing_planes, refuse_mere_lines, strokes_on, without_lines
from .outlines import Outlines
from .own_planes import Hole, Painted, own_planes
from .scribbles import scribbles
from .sentences import dabs_named, scribbled_planes, scribbles_named, sentences
from .slivers import slivers_on


@dataclass(frozen=True)
class Understood:
    """An annotation, and what of it was inferred from the labels.

    Attributes
    ----------
    slivers : planes of each structure (class number) that hold too little of it to count
    absent : (class number, plane) where a structure counts as absent though its outlines around promise it
    left_out : (class number, plane) where it counts as not painted though it may be absent
    sentences : what a user should know; none where all structures are complete on all planes with labels
    thin : structures that may be scribbles everywhere, and count as complete where nobody said otherwise
    dabs : first or last painted planes that may hold a stray dab only
    """

    annotation: SparseAnnotation
    slivers: Mapping[int, tuple[int, ...]]
    absent: tuple[Hole, ...]
    left_out: tuple[Hole, ...]
    sentences: tuple[str, ...]
    thin: tuple[int, ...] = ()
    dabs: tuple[int, ...] = ()


def understood(
    annotation: SparseAnnotation,
    *,
    tell: bool = True,
    aside: Iterable[int] = (),
    complete: Mapping[int, Iterable[int]] | None = None,
    empty_of: Mapping[int, Iterable[int]] | None = None,
    ranges: Mapping[int, tuple[int, int]] | None = None,
    along: Mapping[int, Iterable[int]] | None = None,
    axes: Sequence[str] = ("plane", "row", "column"),
    image: np.ndarray | None = None,
) -> Understood:
    """What the labels of an annotation say of its planes, and nothing else where the expert said it.

    Parameters
    ----------
    annotation : as `SparseAnnotation.from_painted_planes` gives it, with all structures on all planes
    tell : whether the planes are inferred from the labels; else it is only noted where the labels contradict them
    aside : planes of which the expert said what they are (empty, or painted in part)
    complete : for structures (class numbers 1, 2, ...), exactly the planes on which they were painted completely
    empty_of : for structures, further planes that were looked at and hold none of it
    ranges : first and last plane of structures where they were clicked; only read
    along : rows (1) and columns (2) that were painted completely; None where that is inferred from the labels
    axes : what the three axes are called
    image : intensities of the labels' shape; where a structure has no voxel they tell whether it goes on there

    Raises
    ------
    InputError
        See `SparseAnnotation.with_complete`; for planes of another axis that hold only lines of painted ones.
    """
    complete, empty_of, aside = complete or {}, empty_of or {}, sorted(aside)
    labels = annotation.to_values(annotation.labels)
    if along is None:
        along = crossing_planes(annotation.labels) if tell else {}
    elif along:
        refuse_mere_lines(annotation.labels, along, axes)
    told, slivers, painted = _told(annotation, aside, ranges or {}, along, image)
    if not tell:
        told = {}
    said = {number: set(ones) for number, ones in complete.items()}
    for number, ones in empty_of.items():
        _refuse_labels(annotation, number, ones)
        said[number] = said.get(number, told.get(number, set(annotation.complete_planes_of(number)))) | set(ones)
    if told or said:
        annotation = annotation.with_complete({**told, **said})
    for axis, ones in along.items():
        annotation = annotation.with_painted_along(axis, ones, labels)
    slivers = {number: ones for number, ones in slivers.items() if number not in complete}
    absent, between, left_out, goes_on = (
        tuple(one for one in ones if one[0] not in said)
        for ones in (painted.absent, painted.between, painted.left_out, painted.goes_on)
    )
    words = sentences(annotation, slivers, absent, between, left_out, goes_on, told=tell, axes=axes)
    thin, dabs = [], []
    if tell and image is not None:
        unsaid = [plane for plane in annotation.painted_planes if plane not in aside]
        dabs = stray_ends(image, annotation.labels, unsaid)
        may_be = scribbles(annotation.labels, annotation.class_count, image)
        thin = [one for one in may_be if one not in said and scribbled_planes(annotation, one, aside)]
        words += dabs_named(dabs) + scribbles_named(annotation, thin, aside)
    return Understood(annotation, slivers, absent, left_out, words, tuple(thin), tuple(dabs))


def _told(
    annotation, aside: list[int], ranges, along, image
) -> tuple[dict[int, set[int]], dict[int, tuple[int, ...]], Painted]:
    """The planes on which structures are complete, of those that are not complete wherever there are labels."""
    labels = without_lines(annotation.labels, along) if along else annotation.labels
    outlines = Outlines(labels, annotation.class_count)
    outlines.area[aside] = 0
    shown = outlines.area > 0
    left = slivers_on(outlines, image) | strokes_on(labels, annotation.class_count)
    left[aside] = False
    shown &= ~left
    numbers = (np.flatnonzero(left.any(axis=0)) + 1).tolist()
    slivers = {number: tuple(np.flatnonzero(left[:, number - 1]).tolist()) for number in numbers}
    painted = own_planes(outlines, shown, ranges, image)
    complete = painted.complete
    complete[aside] = annotation.complete[aside]
    differs = np.flatnonzero((complete != annotation.complete).any(axis=0))
    told = {int(number) + 1: set(np.flatnonzero(complete[:, number]).tolist()) for number in differs}
    return told, slivers, painted


def _refuse_labels(annotation: SparseAnnotation, number: int, planes: Iterable[int]) -> None:
    shown = sorted(set(planes) & set(annotation.shown_planes_of(number)))
    if shown:
        name = annotation.classes[number - 1].name
        raise InputError(f"plane {shown[0]} is said to hold no {name} but does: erase it there or take it off the list")
