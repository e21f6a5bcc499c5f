"""Painted planes left out: what a predictor makes of planes whose truth is known."""

from __future__ import annotations

from dataclasses import replace

from ..annotation import SparseAnnotation


def without_planes(annotation: SparseAnnotation, planes: list[int]) -> SparseAnnotation:
    """The annotation as if nobody had painted these planes."""
    arrays = annotation.labels, annotation.known, annotation.painted, annotation.complete
    labels, known, painted, complete = (array.copy() for array in arrays)
    labels[planes], known[planes], painted[planes], complete[planes] = 0, False, False, False
    return replace(annotation, labels=labels, known=known, painted=painted, complete=complete)


def sources_without(annotation: SparseAnnotation, planes: list[int]) -> SparseAnnotation:
    """The annotation as those see it who look at source planes only, had nobody painted these planes.

    Nothing of the size of the volume is copied: what is known on these planes still stands there.
    """
    painted, complete = annotation.painted.copy(), annotation.complete.copy()
    painted[planes], complete[planes] = False, False
    return replace(annotation, painted=painted, complete=complete)


def groups_to_leave_out(annotation: SparseAnnotation, groups: int = 2) -> list[list[int]]:
    """Painted planes in groups that are left out one after the other.

    No two neighbours share a group where there are at least 2: then each plane of a group is seen from its painted
    neighbours, as if it had been left out alone, at the cost of a few predictions for all of them. Only completely
    painted planes are left out, and something is always left to predict from.
    """
    sources = [plane for plane in annotation.source_planes if plane in set(annotation.complete_planes)]
    if len(sources) < 2:
        return []
    groups = min(groups, len(sources))
    parts = [sources[start::groups] for start in range(groups)]
    return [part for part in parts if annotation.labels[sorted(set(sources) - set(part))].any()]
