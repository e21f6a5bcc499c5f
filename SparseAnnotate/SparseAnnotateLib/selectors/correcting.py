"""Which planes of a rough segmentation to correct: those on which it is most likely wrong, and that tell of others.

What a plane is suspected of, in pixels: it differs from the planes beside it, a structure ends at nearly full size or
is missing between planes that show it, its intensities differ from the structure's others, and, once some planes are
corrected, it differs from what interpolation of these makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import cut_distance_mm
from ..distances import bounding_box
from ..errors import InputError
from ..initial import Initial
from ..interpolation import fill
from ..same_grid import check_same_grid
from ..volume import Volume
from .base import Suggestion

# Every pixel of a structure is suspected this much, so that planes are evenly spaced where nothing else speaks.
_USUALLY_WRONG = 0.1

# How far a corrected plane serves, as a share of the mean gap; and how often all of them are moved, at most.
_REACH = 0.5
_MOST_ROUNDS = 10

# A change from plane to plane is odd beyond so many times the structure's median one.
_USUAL_CHANGES = 1.5

# Of pixels that are wrong about so many times fewer have intensities that the structure has not.
_INTENSITY_TELLS = 2.0

# Interpolation says little so many planes from a corrected one.
_INTERPOLATION_REACH_PLANES = 4.0

# A structure that is larger than this share of its largest plane where it ends, ends oddly.
_ODD_END = 0.4

# A plane shows a structure if it has at least this share of its mean area: its tip alone teaches little.
_SHOWN = 0.5

_MARGIN_PIXELS = 3


@dataclass(frozen=True)
class Suspicions:
    """Pixels suspected to be wrong, float (planes, classes), by what they are suspected for."""

    by_reason: dict[str, np.ndarray]

    @property
    def together(self) -> np.ndarray:
        """float (planes, classes)"""
        return np.sum([*self.by_reason.values()], axis=0)


def planes_to_correct(volume: Volume, annotation: SparseAnnotation, initial: Initial, count: int) -> list[Suggestion]:
    """Planes to correct next, in this order, each with its reason.

    The panel calls this for *Suggest* where the slices come from a program: `annotation` holds what was corrected so
    far (perhaps nothing), `initial` what the program made.

    Parameters
    ----------
    count : how many; fewer come back where fewer are left

    Raises
    ------
    InputError
        Where image, annotation and segmentation do not fit, it is empty, or the count is not positive.
    """
    check_same_grid(volume, annotation)
    if initial.labels.shape != volume.shape:
        raise InputError("image and initial segmentation lie on different grids: resample it onto the image")
    if count < 1:
        raise InputError(f"{count} planes are asked for: ask for at least 1")
    rough = initial.of_classes(annotation.classes)
    shown = np.flatnonzero(rough.any(axis=(1, 2)) | annotation.labels.any(axis=(1, 2)))
    if not len(shown):
        raise InputError("the initial segmentation is empty: there is nothing to correct")
    suspicions = suspicions_of(volume, annotation, rough, initial.doubt)
    new = _not_shown_yet(annotation, rough)
    if np.count_nonzero(new.any(axis=0)) > count:
        # Fewer planes than structures: a plane that shows many of a wrong segmentation need not show many (one abdomen
        # -.255).
        new[:] = False
    shown = np.union1d(shown, np.flatnonzero(new.any(axis=1)))
    first, last = annotation.plane_range
    if (first, last) == (0, annotation.planes - 1):
        # Nobody said where it begins and ends: as the rough one has it, and a plane more at each end.
        first, last = max(0, shown[0] - 1), min(last, shown[-1] + 1)
    wrong = suspicions.together.sum(axis=1)
    wrong[first : last + 1] += _USUALLY_WRONG * np.count_nonzero(rough) / len(shown)
    candidates = [plane for plane in annotation.unpainted_planes if first <= plane <= last]
    corrected = [plane for plane in annotation.painted_planes if first <= plane <= last]
    chosen = _spread(wrong, new, candidates, corrected, count, last - first + 1)
    names = [one.name for one in annotation.classes]
    alone = new & (new[[plane for plane, _ in chosen]].sum(axis=0) == 1)
    return [Suggestion(plane, score, _reason(plane, suspicions, names, alone[plane])) for plane, score in chosen]


def _not_shown_yet(annotation: SparseAnnotation, rough: np.ndarray) -> np.ndarray:
    """Bool (planes, classes): which planes show the structures that no corrected plane shows yet.

    What the rough segmentation has nowhere is shown in the middle half of the range that was clicked for it, if any.
    """
    area = _areas(rough, annotation.class_count)
    usual = area.sum(axis=0) / np.maximum(1, np.count_nonzero(area, axis=0))
    shown = (area > 0) & (area >= _SHOWN * usual)
    painted = _areas(annotation.labels, annotation.class_count)
    for number in range(1, annotation.class_count + 1):
        if not usual[number - 1] and number in annotation.class_ranges:
            first, last = annotation.class_ranges[number]
            margin = (last - first + 1) // 4
            shown[first + margin : last + 1 - margin, number - 1] = True
        known = annotation.complete_planes_of(number)
        there = np.maximum(area, painted)[known, number - 1]
        if ((there > 0) & (there >= _SHOWN * usual[number - 1])).any():
            shown[:, number - 1] = False
    return shown


def _areas(labels: np.ndarray, count: int) -> np.ndarray:
    """float (planes, classes), in pixels."""
    return np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in labels]).astype(float)


def suspicions_of(
    volume: Volume, annotation: SparseAnnotation, rough: np.ndarray, doubt: np.ndarray | None = None
) -> Suspicions:
    """What each plane is suspected of; `rough` in class numbers of the annotation, `doubt` as in `Initial`."""
    count = annotation.class_count
    area = _areas(rough, count)
    region = bounding_box((rough > 0).any(axis=0) | (annotation.labels > 0).any(axis=0), _MARGIN_PIXELS)
    inside = (slice(None), *region)
    by_reason = {
        "": _USUALLY_WRONG * area,
        "unlike the planes beside it": _unlike_neighbours(rough[inside], count, volume.spacing_mm),
        "ends abruptly": _odd_ends(area),
        "intensities unlike the rest of it": _unlike_intensities(volume.intensities[inside], rough[inside], area),
    }
    if doubt is not None:
        by_reason["the program was unsure, or several differ"] = np.stack(
            [
                np.bincount(labels.ravel(), values.ravel().astype(float), minlength=count + 1)[1:]
                for labels, values in zip(rough[inside], doubt[inside], strict=True)
            ]
        )
    if annotation.labels[annotation.painted].any() and len(annotation.complete_planes):
        by_reason["unlike what the corrected planes say"] = _unlike_interpolation(
            annotation, rough, volume.spacing_mm, count
        )
    return Suspicions(by_reason)


def _unlike_neighbours(rough: np.ndarray, count: int, spacing_mm: Sequence[float]) -> np.ndarray:
    """Pixels in which a plane differs from the mean of the distances of the planes beside it."""
    wrong = np.zeros((len(rough), count))
    for number in range(1, count + 1):
        shown = np.flatnonzero((rough == number).any(axis=(1, 2)))
        if not len(shown):
            continue
        maps = {
            z: cut_distance_mm(rough[z] == number, spacing_mm)
            for z in range(max(0, shown[0] - 1), min(len(rough), shown[-1] + 2))
        }
        for z in maps:
            if z - 1 in maps and z + 1 in maps:
                wrong[z, number - 1] = np.count_nonzero((maps[z - 1] + maps[z + 1] > 0) ^ (maps[z] > 0))
        # Round structures change from plane to plane, too: only what is more than usual counts.
        sizes = np.array([np.count_nonzero(one > 0) for one in maps.values()])
        changes = wrong[list(maps), number - 1]
        usual = np.median(changes[sizes > 0] / sizes[sizes > 0])
        wrong[list(maps), number - 1] = np.maximum(0, changes - _USUAL_CHANGES * usual * sizes)
    return wrong


def _odd_ends(area: np.ndarray) -> np.ndarray:
    """The pixels of a plane on which a structure ends at nearly full size, but not with the volume."""
    wrong = np.zeros_like(area)
    largest = area.max(axis=0, initial=1)
    for beside in (-1, 1):
        following = np.roll(area, beside, axis=0)
        ends = (area > _ODD_END * largest) & (following == 0)
        ends[-1 if beside == -1 else 0] = False
        wrong = np.maximum(wrong, np.where(ends, area, 0))
        # The next plane should show it.
        wrong = np.maximum(wrong, np.roll(np.where(ends, area, 0), -beside, axis=0))
    return wrong


def _unlike_intensities(image: np.ndarray, rough: np.ndarray, area: np.ndarray) -> np.ndarray:
    """The share of a structure's pixels that its usual intensities do not hold, beyond the usual share."""
    wrong = np.zeros_like(area)
    for number in range(1, area.shape[1] + 1):
        mask = rough == number
        if np.count_nonzero(mask) < 10:
            continue
        low, high = np.quantile(image[mask][:: max(1, np.count_nonzero(mask) // 20000)], (0.05, 0.95))
        outside = mask & ((image < low) | (image > high))
        beyond = outside.sum(axis=(1, 2)) - 0.1 * area[:, number - 1]
        wrong[:, number - 1] = _INTENSITY_TELLS * np.maximum(0, beyond)
    return wrong


def _unlike_interpolation(annotation, rough: np.ndarray, spacing_mm, count: int) -> np.ndarray:
    """Pixels in which the rough segmentation differs from the corrected planes' interpolation, sooner near them."""
    labels = np.zeros_like(rough)
    whole = annotation.complete_planes
    sparse = replace(annotation, painted=np.isin(np.arange(annotation.planes), whole))
    for _ in fill(labels, sparse, spacing_mm):
        pass
    wrong = np.zeros((len(rough), count))
    for plane in annotation.unpainted_planes:
        nearest = min(abs(plane - one) for one in whole)
        for number in range(1, count + 1):
            differs = np.count_nonzero((labels[plane] == number) ^ (rough[plane] == number))
            wrong[plane, number - 1] = differs * np.exp(-nearest / _INTERPOLATION_REACH_PLANES)
    return wrong


def _spread(
    wrong: np.ndarray,
    new: np.ndarray,
    candidates: Sequence[int],
    corrected: Sequence[int],
    count: int,
    length: int,
) -> list[tuple[int, float]]:
    """The planes that together serve most of what is suspected: themselves wholly, others by their distance.

    Among them are, before all else, planes that show the `new` structures (planes, classes), as many as can be.
    One is added after the other, then each is moved while that serves more. The one that serves most comes first.
    """
    planes = np.arange(len(wrong))
    reach = max(1.0, _REACH * length / (count + len(corrected)))
    serves = np.exp(-np.abs(planes[:, None] - planes) / reach)
    served = np.max([np.zeros(len(wrong)), *serves[list(corrected)]], axis=0)
    left = np.array(candidates, int)
    chosen: list[int] = []

    def best_beside(others: list[int]) -> int:
        by_others = np.max([served, *serves[others]], axis=0)
        gains = np.maximum(0, serves[left] - by_others) @ wrong
        gains += (1 + wrong.sum()) * (new[left] & ~new[others].any(axis=0)).sum(axis=1)
        gains[np.isin(left, others)] = -1
        return int(left[gains.argmax()])

    for _ in range(min(count, len(left))):
        chosen.append(best_beside(chosen))
    for _ in range(_MOST_ROUNDS):
        before = list(chosen)
        for place in range(len(chosen)):
            chosen[place] = best_beside(chosen[:place] + chosen[place + 1 :])
        if chosen == before:
            break

    def gain(plane: int) -> float:
        others = np.max([served, *(serves[one] for one in chosen if one != plane)], axis=0)
        return float(np.maximum(0, serves[plane] - others) @ wrong)

    return sorted(((plane, gain(plane)) for plane in chosen), key=lambda one: -one[1])


def _reason(plane: int, suspicions: Suspicions, names: Sequence[str], alone: np.ndarray) -> str:
    """The strongest suspicion, where it is more than the usual one; or of which structures it `alone` tells."""
    best = max(
        ((values[plane].max(), reason, int(values[plane].argmax())) for reason, values in suspicions.by_reason.items()),
        key=lambda one: one[0],
    )
    if not best[1]:
        shown = [name for name, tells in zip(names, alone, strict=True) if tells]
        return f"shows {', '.join(shown)}" if 0 < len(shown) < len(names) else "represents the planes around it"
    return f"{names[best[2]]}: {best[1]}"
