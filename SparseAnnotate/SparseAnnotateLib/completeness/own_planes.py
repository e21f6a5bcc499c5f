"""Structures painted on planes of their own: which planes say nothing of a structure that has no voxel there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from .appearance import looks_between
from .outlines import PROMISED_PIXELS, Outlines

# Two structures were painted apart where one is missing on planes of the other so often, and so large a share of the
# planes that show both; or once, where no plane shows both.
_HOLES = 2
_SHARE = 0.05
# The whole file was painted structure by structure where promised holes are so many, for a hundred pairs of a structure
# and a plane that shows it. With all structures on common planes there is no such hole in the 42 volumes.
_SHARE_OF_FILE = 0.1
# Outlines that share fewer pixels than they must to promise a plane do so where the image shows the structure there, if
# they share as many as this: on common planes of 12 volumes no structure was absent between outlines that overlap.
_OVERLAP = 5

Hole = tuple[int, int]


@dataclass(frozen=True)
class Painted:
    """Which planes say something of a structure.

    Attributes
    ----------
    complete : bool (planes, classes), on the planes that show anything
    absent : (class number, plane) of holes that count as absent though the outlines around promise the structure
    between : (class number, plane) of holes between planes that show the structure, whose outlines promise nothing;
        they count as absent, but with all structures on common planes 1 of 126 paintings of the 42 volumes has one
    goes_on : (class number, plane) beyond all planes of a structure, on planes of structures that were painted on other
        planes only, where the image seems to show it; it counts as absent there
    left_out : (class number, plane) of holes that count as not painted though neither the image says so nor any other
        structure is left out on the planes of this one
    """

    complete: np.ndarray
    absent: tuple[Hole, ...] = ()
    between: tuple[Hole, ...] = ()
    left_out: tuple[Hole, ...] = ()
    goes_on: tuple[Hole, ...] = ()


def own_planes(
    outlines: Outlines,
    shown: np.ndarray,
    ranges: Mapping[int, tuple[int, int]],
    image: np.ndarray | None = None,
) -> Painted:
    """Which structures are complete on which planes.

    Parameters
    ----------
    shown : bool (planes, classes), structures that a plane shows, slivers left out
    ranges : first and last plane of structures (class numbers) where they were clicked
    image : shape (planes, rows, columns), to see whether a structure goes on where it has no voxel
    """
    promised, inside, between = np.zeros_like(shown), np.zeros_like(shown), np.zeros_like(shown)
    seen, unlike = np.zeros_like(shown), np.zeros_like(shown)
    for number in range(1, shown.shape[1] + 1):
        column = number - 1
        inside[:, column] = _inside(shown[:, column], ranges.get(number))
        holes = shown.any(axis=1) & inside[:, column] & (outlines.area[:, column] == 0)
        for ends, planes in _runs(np.flatnonzero(shown[:, column]), np.flatnonzero(holes)):
            if ends is None:
                promised[planes, column] = True
                continue
            between[planes, column] = True
            promise = outlines.promise(number, planes[0], *ends)
            overlaps = image is not None and promise.pixels >= _OVERLAP
            looks = looks_between(image, outlines, number, planes, *ends) if overlaps else None
            seen[planes, column] = looks is not None and looks.present
            unlike[planes, column] = promise.clear and looks is not None and looks.absent
            promised[planes, column] = (promise.clear or seen[planes, column]) & ~unlike[planes, column]
    joint = shown.T.astype(int) @ shown
    structure_by_structure = (promised | unlike).sum() >= max(1, _SHARE_OF_FILE * shown.sum())
    if structure_by_structure and promised.sum() > unlike.sum():
        holes = inside & (outlines.area == 0)
        apart = _both_ways(holes, shown)
        accepted, is_apart = promised, apart >= joint
    else:
        apart = _both_ways(promised, shown)
        believed = (apart >= np.maximum(_HOLES, _SHARE * joint)) | ((apart > 0) & (joint == 0))
        accepted = promised & (seen | ((shown.astype(int) @ believed.T.astype(int)) > 0))
        is_apart = _both_ways(accepted, shown) > joint
    # A structure without a voxel counts as absent where any structure that was painted there goes with it.
    together = shown.astype(int) @ (~is_apart).astype(int) > 0
    complete = shown | (together & ~accepted & (outlines.area == 0))
    one_sided = ~(accepted.T.astype(int) @ shown > 0).any(axis=0)
    absent, left_out = complete & (unlike | promised), accepted & ~seen & one_sided
    goes_on = _going_on(outlines, shown, complete & (shown.astype(int) @ joint == 0), image)
    between &= complete & ~(unlike | promised)
    return Painted(complete, *map(_listed, (absent, between, left_out, goes_on)))


def _going_on(outlines: Outlines, shown: np.ndarray, candidates: np.ndarray, image: np.ndarray | None) -> np.ndarray:
    """Bool (planes, classes): where the image goes on beyond the first and the last plane of a structure."""
    found = np.zeros_like(shown)
    if image is None:
        return found
    for column in np.flatnonzero(candidates.any(axis=0) & shown.any(axis=0)):
        own = np.flatnonzero(shown[:, column])
        for end, planes in (
            (own[0], np.flatnonzero(candidates[: own[0], column])[-1:]),
            (own[-1], own[-1] + np.flatnonzero(candidates[own[-1] :, column])[:1]),
        ):
            if len(planes) and outlines.area[end, column] >= PROMISED_PIXELS:
                looks = looks_between(image, outlines, column + 1, planes.tolist(), int(end), int(end))
                found[planes, column] = looks is not None and looks.present
    return found


def _listed(pairs: np.ndarray) -> tuple[Hole, ...]:
    return tuple((int(number) + 1, int(plane)) for plane, number in np.argwhere(pairs))


def _both_ways(holes: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """How often one of two structures is missing on a plane that shows the other, (classes, classes)."""
    one_way = holes.T.astype(int) @ shown
    return one_way + one_way.T


def _inside(shown: np.ndarray, clicked: tuple[int, int] | None) -> np.ndarray:
    """Bool (planes,): from the first plane that shows a structure to the last, or as clicked."""
    inside = np.zeros_like(shown)
    ends = np.flatnonzero(shown)[[0, -1]] if shown.any() else (1, 0)
    first, last = ends if clicked is None else clicked
    inside[first : last + 1] = True
    return inside


def _runs(own: np.ndarray, holes: np.ndarray) -> Iterator[tuple[tuple[int, int] | None, list[int]]]:
    """Planes without a structure by the two planes around that show it; None for those beyond, in a clicked range."""
    after = np.searchsorted(own, holes)
    for place in np.unique(after):
        ends = (int(own[place - 1]), int(own[place])) if 0 < place < len(own) else None
        yield ends, holes[after == place].tolist()
