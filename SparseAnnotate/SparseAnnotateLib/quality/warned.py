"""What is warned of: structures and planes that are lost, or come and go between painted planes, in sentences.

Vertebrae, ribs, stacked parts: no painted plane tells that they end in between, the image may.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..annotation import SparseAnnotation
from ..completeness import planes_named, some_of
from .comes_back import gap_that_came_back
from .image_agreement import TELLING, ImageAgreement

# The share of what was predicted of a structure that is named; planes that fill less of it are let pass.
_SHARE = 0.1
# Of what does not look like it: a made-up spine with .09 was promised .96 for .83. Of 572 structures of scans two more
# are named so, with a Dice of .69 and .62.
_LESS_SHARE = 0.08
# A structure is named that nobody can know between its planes so far.
_DOUBTFUL = 0.5
# A structure of which the image shows nothing is named if less is expected of it; .93 was, where .80 was true.
_SAFE = 0.95
# Less is named where it may go on over so much: the ends of vertebrae are seen, and not what lies between them.
_LEAST_SEEN, _GOES_ON = 0.03, 0.35
# The share of what was predicted on a plane; where less than this looks otherwise, the plane is let pass.
_PART = 0.25


def shown_by_image(
    image: ImageAgreement, annotation: SparseAnnotation, vanished: np.ndarray
) -> dict[str, dict[str, list[int]]]:
    """What the image shows against a prediction, for its details: by structure's name the planes.

    Where it `vanished` (bool, planes and structures) that is told already.

    - unlike : planes between painted ones that do not look like the structure where it was predicted
    - missed : planes that look like it where nothing of it was predicted
    - more : planes on which more looks like it than was predicted, as on no painted plane beside them
    - less : planes on which part of what was predicted does not look like it, as on no painted plane beside them
    """
    between = np.zeros(image.likeness.shape, bool)
    for number in range(annotation.class_count):
        painted = annotation.complete_planes_of(number + 1)
        if painted:
            between[painted[0] : painted[-1], number] = True
    sizes = np.nansum(image.predicted_px, axis=0)
    unlike, missed_px = image.unlike() & between, image.missed_px()
    unlike &= np.where(unlike, image.predicted_px, 0).sum(axis=0) > _SHARE * sizes
    missed = (missed_px > 0) & (missed_px.sum(axis=0) > _SHARE * sizes)
    marked = {"unlike": unlike, "missed": missed}
    told = image.contrast >= TELLING
    sizes = np.where(between, np.nan_to_num(image.predicted_px), 0).sum(axis=0)
    for name, px in (("more", image.more_px), ("less", image.less_px)):
        here = (px > _PART * np.nan_to_num(image.predicted_px)) & between & told
        seen = np.where(here, px, 0).sum(axis=0)
        goes_on = np.where(between, image.goes_on_px, 0).sum(axis=0) if name == "more" else 0
        least = _LESS_SHARE if name == "less" else _SHARE
        here &= (seen > least * sizes) | ((seen > _LEAST_SEEN * sizes) & (goes_on > _GOES_ON * sizes))
        marked[name] = here & ~unlike & ~missed & ~vanished
    found = {name: planes_by_name(planes, annotation) for name, planes in marked.items()}
    return {name: planes for name, planes in found.items() if planes}


def gaps_unknown(
    doubts: np.ndarray, named: Mapping[str, Any], annotation: SparseAnnotation, intensities: np.ndarray
) -> dict[str, list[int]]:
    """Structures that nobody can know between two painted planes: their names, and the planes between.

    Parameters
    ----------
    doubts : how far that is so of each, 0 to 1
    named : by kind of warning the structures that are named already
    """
    already = {name for kind in ("unlike", "missed", "more", "less") for name in named.get(kind, ())}
    found = {}
    for number in np.flatnonzero(doubts > _DOUBTFUL).tolist():
        if (name := annotation.classes[number].name) not in already:
            before, after = gap_that_came_back(annotation, intensities, number + 1)
            found[name] = list(range(before + 1, after))
    return found


def names_nowhere(labels: np.ndarray, annotation: SparseAnnotation) -> list[str]:
    """Structures that are neither painted nor predicted on any plane."""
    voxels = np.bincount(labels.ravel(), minlength=annotation.class_count + 1)
    return [one.name for number, one in enumerate(annotation.classes, 1) if not voxels[number]]


def names_not_shown(nothing: np.ndarray, told: Mapping[str, float], annotation: SparseAnnotation) -> list[str]:
    """Structures of which the image shows nothing, if little is expected of them.

    Parameters
    ----------
    nothing : how far it shows nothing of each, 0 to 1
    told : Dice that is expected, by name
    """
    names = [one.name for one in annotation.classes]
    return [name for name, share in zip(names, nothing, strict=True) if share > 0.5 and told.get(name, 1) < _SAFE]


def planes_by_name(marked: np.ndarray, annotation: SparseAnnotation) -> dict[str, list[int]]:
    """Structure's name -> its planes, from bool (planes, structures)."""
    return {
        one.name: np.flatnonzero(marked[:, number]).tolist()
        for number, one in enumerate(annotation.classes)
        if marked[:, number].any()
    }


def warnings_of(details: Mapping[str, Any], annotation: SparseAnnotation) -> list[str]:
    """A sentence for each structure that is nowhere, vanished, is not shown, is unlike itself, or was missed."""
    nowhere = details.get("nowhere", ())
    sentences = [f"on no painted plane, so not predicted: {some_of(nowhere)}"] if nowhere else []
    sentences += [
        f"{name} vanishes on {planes_named(planes)}, between planes that hold it: paint one of them, or choose another "
        "predictor"
        for name, planes in details.get("vanished", {}).items()
    ]
    sentences += [
        f"the image does not show {name}: what lies between its painted planes is a guess; paint more of them"
        for name in details.get("not_shown", ())
    ]
    sentences += [
        f"between planes {planes[0] - 1} and {planes[-1] + 1} the image changes in a way that no painted plane shows, "
        f"so what {name} does there is not known: paint one of them"
        for name, planes in details.get("unknown", {}).items()
    ]
    numbers = {one.name: number for number, one in enumerate(annotation.classes, 1)}
    for kind, seen in (
        ("unlike", "does not look like {name}, which was predicted there"),
        ("missed", "looks like {name}, of which nothing was predicted there"),
        ("more", "shows more that looks like {name} than was predicted there"),
        ("less", "shows less that looks like {name} than was predicted there"),
    ):
        for name, planes in details.get(kind, {}).items():
            changes = _where_it_changes(annotation.complete_planes_of(numbers[name]), planes)
            sentences.append(
                f"{changes}: on {planes_named(planes)} it {seen.format(name=name)}; look at one of them, and paint it"
            )
    return sentences


def _where_it_changes(painted: list[int], planes: list[int]) -> str:
    gaps = sorted({bisect_left(painted, plane) for plane in planes})
    if len(gaps) > 1:
        return f"in {len(gaps)} gaps between painted planes the image changes and comes back"
    before, after = painted[: gaps[0]][-1:], painted[gaps[0] :][:1]
    if before and after:
        return f"between planes {before[0]} and {after[0]} the image changes and comes back"
    return f"before plane {after[0]} the image changes" if after else f"after plane {before[0]} the image changes"
