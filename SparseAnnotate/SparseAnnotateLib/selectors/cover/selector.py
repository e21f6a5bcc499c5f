"""Planes that serve every structure: none is left with a wide gap relative to its own length."""

from __future__ import annotations

import numpy as np

from ...completeness import some_of
from .._active import ActiveSelector
from ..base import SELECTORS, Suggestion
from .coverage import Extent, Losses, best_planes
from .extents import extents_of

# A structure that would lose less than this of its Dice without a plane need not be painted there.
_WORTH_PAINTING = 0.01
_LONGEST_REASON = 60


@SELECTORS.register
class CoverSelector(ActiveSelector):
    """Ours: the planes with which the structures together are expected to lose least.

    What is lost in a gap depends on its width relative to the structure's own length, so a small structure gets planes
    of its own. Where structures begin and end is clicked (`SparseAnnotation.class_ranges`), else estimated from the
    painted planes, else the range of all stands for it. Once planes are painted, each gap is as hard as a prediction
    from them expects: labels are interpolated, whichever predictor will be used, which takes seconds.
    """

    name = "cover"
    aliases = ("expected-gain",)
    tells_structures = True
    summary = "planes that serve every structure over its own range, then where most Dice is expected to be lost"

    def _candidates(self, annotation):
        # A plane on which some structures were painted can be painted for the others.
        begun = annotation.complete.any(axis=1)
        return [plane for plane in annotation.open_planes if begun[plane] or not annotation.painted[plane]]

    def _choose_first(self, volume, annotation, candidates, count, rng):  # noqa: ARG002
        return _suggestions(extents_of(annotation), annotation, candidates, count)

    def _choose_by_prediction(self, volume, annotation, candidates, count, rng):  # noqa: ARG002
        from .difficulty import with_difficulty

        extents = with_difficulty(extents_of(annotation), volume, annotation)
        return _suggestions(extents, annotation, candidates, count)


def _suggestions(extents: list[Extent], annotation, candidates: np.ndarray, count: int) -> list[Suggestion]:
    losses = [Losses(extent) for extent in extents]
    planes = best_planes(losses, candidates, count)
    names = {number: one.name for number, one in enumerate(annotation.classes, 1)}
    fences = [-1, *planes, annotation.planes]
    return [_suggestion(losses, names, *fences[place : place + 3]) for place in range(len(planes))]


def _suggestion(losses: list[Losses], names: dict[int, str], before: int, plane: int, after: int):
    """Why `plane` is painted, between its neighbours among the suggested ones."""
    gains = np.array([one.gain(plane, before, after) / one.extent.structures for one in losses])
    structures = np.array([one.extent.structures for one in losses])
    most = losses[int((gains * structures).argmax())]
    crossing = [
        (numbers, gain >= min(_WORTH_PAINTING, gains.max()))
        for one, gain in zip(losses, gains, strict=True)
        if (numbers := _may_cross(one, plane))
    ]
    return Suggestion(
        plane,
        float(np.average(gains, weights=structures)),
        _reason(most, names, plane, before, after),
        tuple(sorted(number for numbers, serves in crossing if serves for number in numbers)),
        tuple(sorted(number for numbers, serves in crossing if not serves for number in numbers)),
    )


def _may_cross(one: Losses, plane: int) -> tuple[int, ...]:
    """The structures that are named on a plane: of those of which nothing is known, only what painted planes missed."""
    if not one.is_open_on(plane):
        return ()
    if one.extent.number:
        return (one.extent.number,)
    return one.extent.unseen if one.extent.painted else ()


def _reason(most: Losses, names: dict[int, str], plane: int, before: int, after: int) -> str:
    extent = most.extent
    if not most.is_open_on(plane):
        return "no structure is left to serve: evenly spaced"
    if extent.unseen and extent.painted:
        return _fitting([names[number] for number in extent.unseen], ": on no painted plane")
    if extent.painted:
        away = min(abs(plane - one) for one in extent.painted)
        said = f": {away} {'plane' if away == 1 else 'planes'} from any painted one"
    else:
        length = extent.length
        said = (
            f": in a gap of {most.reach(plane, before, after)} of its {length} {'plane' if length == 1 else 'planes'}"
        )
    return _fitting([names.get(extent.number, "the range")], said)


def _fitting(names: list[str], said: str) -> str:
    """So many of the names as a reason has room for."""
    room = _LONGEST_REASON - len(said)
    for count in range(len(names), 0, -1):
        if len(listed := some_of(names, count)) <= room:
            return listed + said
    return names[0][: room - 1] + "…" + said
