"""Structures that were painted on planes of their own: each group predicted from its planes, and the groups joined."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box, signed_distance_mm
from ..prediction import Prediction, Steps
from ..structures import of_structures

Group = tuple[int, ...]

# A structure lies in another where so large a share of it is claimed by that, too: a lesion that was painted after its
# organ, on other planes. It is the smaller one that was meant there.
_WITHIN = 0.8
# More than any odds or depth in mm.
_ALWAYS = 1e6


@dataclass(frozen=True)
class Part:
    """What was predicted of one group of structures; its labels and probabilities are numbered within the group."""

    numbers: Group
    prediction: Prediction


def predicted_in_groups(
    predict: Callable[[SparseAnnotation], Steps],
    annotation: SparseAnnotation,
    spacing_mm: Sequence[float],
    groups: Sequence[Group],
) -> Steps:
    """Predict group after group, each as if there were no other structures, and join them.

    Groups with nothing painted are left out. Where two groups claim a voxel the more probable one gets it; of
    predictors that know no probabilities the one whose outline there is farther away; of a structure that lies in
    another, such as a lesion in its organ, that one.
    """
    groups = [numbers for numbers in groups if np.isin(annotation.labels, numbers).any()]
    parts = []
    for done, numbers in enumerate(groups):
        names = ", ".join(annotation.classes[number - 1].name for number in numbers)
        alone = of_structures(annotation, numbers, spacing_mm)
        with contextlib.closing(predict(alone)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    parts.append(Part(numbers, replace(step, labels=_within(step.labels, alone))))
                    break
                message = f"{names}: {step.message}" if step.message else names
                share = (done + step.fraction) / len(groups)
                yield replace(step, fraction=share, message=message, preview=None)
    yield joined(parts, annotation, spacing_mm)


def _within(labels: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """Labels as they are known, and inside the ranges."""
    labels = np.where(annotation.known, annotation.labels, labels)
    for number, (first, last) in annotation.class_ranges.items():
        for outside in (slice(0, first), slice(last + 1, None)):
            wrong = (labels[outside] == number) & ~annotation.known[outside]
            labels[outside][wrong] = 0
    return labels


def joined(parts: Sequence[Part], annotation: SparseAnnotation, spacing_mm: Sequence[float]) -> Prediction:
    """One prediction of all structures."""
    labels = np.zeros(annotation.labels.shape, np.uint8)
    nested = _nested(parts, annotation)
    probable = all(part.prediction.probabilities is not None for part in parts)
    for plane in range(annotation.planes):
        claims = [_renumbered(part, plane) for part in parts]
        claimed = np.sum([claim > 0 for claim in claims], axis=0)
        labels[plane] = np.max(claims, axis=0)
        if (claimed > 1).any():
            judge = _by_odds(parts, plane) if probable else _by_depth(claims, claimed > 1, spacing_mm[1:])
            _settle(labels[plane], claims, claimed > 1, judge, nested)
    return Prediction(
        labels,
        probabilities=_joint_probabilities(parts, annotation) if probable and parts else None,
        **_expected(parts, annotation),
    )


def _renumbered(part: Part, plane: int) -> np.ndarray:
    return np.array([0, *part.numbers], np.uint8)[part.prediction.labels[plane]]


def _nested(parts: Sequence[Part], annotation: SparseAnnotation) -> np.ndarray:
    """Bool (classes + 1, classes + 1): whether what is not known of one structure lies in another."""
    count = annotation.class_count + 1
    overlap, size = np.zeros((count, count), np.int64), np.zeros(count, np.int64)
    for plane in range(annotation.planes):
        claims = [np.where(annotation.known[plane], 0, _renumbered(part, plane)) for part in parts]
        for one in claims:
            size += np.bincount(one.ravel(), minlength=count)
        for one, other in itertools.combinations(claims, 2):
            both = (one > 0) & (other > 0)
            pairs = np.bincount(one[both].astype(np.int64) * count + other[both], minlength=count * count)
            overlap += pairs.reshape(count, count) + pairs.reshape(count, count).T
    within = overlap >= _WITHIN * np.maximum(size, 1)[:, None]
    return within & ~within.T


def _settle(labels, claims, contested, strengths, nested) -> None:
    """The strongest claim gets each contested voxel; what claims nothing there counts for nothing."""
    strengths = [np.where(claim > 0, strength, -np.inf) for claim, strength in zip(claims, strengths, strict=True)]
    if nested.any():
        inside = [sum(nested[claim, other] for other in claims) for claim in claims]
        strengths = [strength + _ALWAYS * one for strength, one in zip(strengths, inside, strict=True)]
    winner = np.argmax(strengths, axis=0)
    labels[contested] = np.take_along_axis(np.stack(claims), winner[None], axis=0)[0][contested]


def _by_odds(parts: Sequence[Part], plane: int) -> list[np.ndarray]:
    """The odds of each group's best structure against none of the group."""
    values = [part.prediction.probabilities[:, plane].astype(np.float32) for part in parts]
    return [value[1:].max(axis=0) / np.maximum(value[0], 1e-4) for value in values]


def _by_depth(claims: Sequence[np.ndarray], contested: np.ndarray, spacing_mm: Sequence[float]) -> list[np.ndarray]:
    """How deep (mm) each voxel lies inside what claims it."""
    depths = [np.full(claim.shape, -np.inf, np.float32) for claim in claims]
    for claim, depth in zip(claims, depths, strict=True):
        for number in np.unique(claim[contested & (claim > 0)]):
            mask = claim == number
            box = bounding_box(mask, 1)
            np.maximum(depth[box], signed_distance_mm(mask[box], spacing_mm), out=depth[box], where=mask[box])
    return depths


def _joint_probabilities(parts: Sequence[Part], annotation: SparseAnnotation) -> np.ndarray:
    """float16 (classes + 1, ...): the groups taken for independent, but for no voxel being of two structures."""
    joint = np.zeros((annotation.class_count + 1, *annotation.labels.shape), np.float16)
    for plane in range(annotation.planes):
        odds = np.zeros((annotation.class_count + 1, *annotation.labels.shape[1:]), np.float32)
        odds[0] = 1
        for part in parts:
            value = part.prediction.probabilities[:, plane].astype(np.float32)
            odds[list(part.numbers)] = value[1:] / np.maximum(value[0], 1e-4)
        joint[:, plane] = odds / odds.sum(axis=0)
    return joint


def _expected(parts: Sequence[Part], annotation: SparseAnnotation) -> dict:
    """Expected Dice of all structures, where the predictor says it: means over structures."""
    details = {"structures_predicted_together": [list(part.numbers) for part in parts]}
    said = [part for part in parts if part.prediction.expected_dice is not None]
    if not said:
        return {"details": details}
    per_class: dict[str, float] = {}
    weight, total = np.zeros(annotation.planes), np.zeros(annotation.planes)
    per_structure = np.full((annotation.planes, annotation.class_count), np.nan, np.float32)
    for part in said:
        per_class |= part.prediction.details.get("expected_dice_per_class", {})
        dice = part.prediction.expected_dice_per_plane
        there = np.isfinite(dice)
        total[there] += len(part.numbers) * dice[there]
        weight[there] += len(part.numbers)
        if part.prediction.expected_dice_per_structure is not None:
            per_structure[:, np.array(part.numbers) - 1] = part.prediction.expected_dice_per_structure
    per_plane = np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)
    counts = [len(part.numbers) for part in said]
    return {
        "expected_dice_per_plane": per_plane.astype(np.float32),
        "expected_dice_per_structure": per_structure,
        "expected_dice": float(np.average([part.prediction.expected_dice for part in said], weights=counts)),
        "details": {**details, "expected_dice_per_class": per_class},
    }
