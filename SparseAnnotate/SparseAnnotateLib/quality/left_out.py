"""Painted planes left out: what a predictor makes of planes whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..annotation import SparseAnnotation
from ..metrics import confusion_per_plane, dice_from_confusion
from .features import features_of
from .model import LeftOut, Model

Spacing = tuple[float, float, float]

# A left-out plane bears out more than `told.UNPROVEN` if its Dice by interpolation reaches this much.
_PROOF = 0.97


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


def left_out_excess(
    annotation: SparseAnnotation,
    spacing_mm: Spacing,
    name: str,
    model: Model,
    intensities: np.ndarray | None = None,
) -> LeftOut:
    """Leave painted planes out, interpolate them, and compare what they lose with what the model expects."""
    excess, structure = [], []
    for planes, rest, labels, dice in left_out(annotation, spacing_mm, name):
        other = quick_labels("nearest" if name == "shape" else "shape", rest, spacing_mm, planes)
        features = features_of(labels, rest, spacing_mm, planes, other, intensities)
        lost = 1 - np.nan_to_num(dice, nan=1.0)
        row = np.searchsorted(planes, features.plane)
        seen = np.clip(lost[row, features.structure], 0.02, 0.98)
        excess.append(np.log(seen / (1 - seen)) - model.log_odds(features) - model.left_out_mean)
        structure.append(features.structure)
    if not excess:
        return LeftOut.nothing(annotation.class_count)
    return LeftOut(np.concatenate(excess), np.concatenate(structure), annotation.class_count)


def left_out(
    annotation: SparseAnnotation, spacing_mm: Spacing, name: str
) -> Iterator[tuple[list[int], SparseAnnotation, np.ndarray, np.ndarray]]:
    """Groups of painted planes left out: their planes, the rest, what `name` makes of them, and its Dice by class."""
    for planes in groups_to_leave_out(annotation):
        rest = sources_without(annotation, planes)
        labels = quick_labels(name, rest, spacing_mm, planes)
        confusion = confusion_per_plane(labels[planes], annotation.labels[planes], annotation.class_count)
        yield planes, rest, labels, dice_from_confusion(confusion)


def borne_out(annotation: SparseAnnotation, spacing_mm: Spacing) -> np.ndarray:
    """Bool (structures,): interpolation alone brings a painted plane back nearly as it was painted, when left out."""
    proof = np.zeros(annotation.class_count, bool)
    for *_, dice in left_out(annotation, spacing_mm, "shape"):
        proof |= (np.nan_to_num(dice) >= _PROOF).any(axis=0)
    return proof


def quick_labels(name: str, annotation: SparseAnnotation, spacing_mm: Spacing, planes: list[int]) -> np.ndarray:
    """Labels of some planes by `nearest` or `shape`; 0 elsewhere."""
    from ..interpolation import fill

    labels = np.zeros_like(annotation.labels)
    sources = np.array(annotation.source_planes)
    if name == "nearest":
        labels[planes] = annotation.labels[sources[np.abs(sources - np.array(planes)[:, None]).argmin(axis=1)]]
        return labels
    for _ in fill(labels, annotation, spacing_mm, planes=planes):
        pass
    return labels
