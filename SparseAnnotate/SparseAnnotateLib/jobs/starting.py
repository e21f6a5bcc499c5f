"""What an expert corrected of a segmentation that a program made, told from files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..annotation import LabelClass, SparseAnnotation
from ..completeness import Said, understand
from ..errors import InputError
from ..initial import Initial
from ..interpolation import fill
from ..io import LabelFile
from ..io.rough import read_rough_labels
from ..several_models import Combined, combined
from ..volume import Volume
from .comparing import said_of_corrected

# Labels that hold so much of the planes of the rough segmentation are that one, edited, and no few painted planes.
_EDITED = 0.9

# Of more planes than these it is noted where more than half of them differ: hardly anybody corrects so many by hand.
_MANY = 10

# Planes beside a corrected one from which it is told what stood there before.
_BESIDE_PLANES = 2


@dataclass(frozen=True)
class Started:
    """Volume, annotation and rough segmentation on one grid, and what a user should know."""

    volume: Volume
    annotation: SparseAnnotation
    initial: Initial
    sentences: tuple[str, ...]


def understand_start(
    said: Said,
    volume: Volume,
    file: LabelFile,
    *,
    initial: str | Path | Sequence[str | Path] | None = None,
    corrected: Sequence[int] | None = None,
    matches: Sequence[tuple[str, str]] = (),
    axis: str = "auto",
) -> Started:
    """What labels say that correct a rough segmentation.

    Parameters
    ----------
    file : painted planes, or the rough segmentation itself after it was edited
    initial : file of the rough segmentation, or several models' ones, which are combined; None where `file` is the
        rough one itself, edited on the planes `corrected`
    corrected : by default those that were painted, or, of an edited segmentation, those that differ
    matches : (structure of the labels, structure of the rough segmentation), by name or value

    Raises
    ------
    InputError
        Where they do not fit.
    """
    if corrected is not None:
        if said.painted is not None:
            raise InputError("--corrected and --painted name the same planes: give one of them")
        named_by = "" if initial is None else "--corrected"
        said = replace(said, painted=tuple(corrected), named_by=named_by, called="corrected")
    if initial is None:
        return _of_edited(said, volume, file, axis)
    paths = [initial] if isinstance(initial, str | Path) else list(initial)
    sentences, befores, doubts, called = [], [], [], {}
    for path in paths:
        rough, told = read_rough_labels(path, volume, file.classes)
        if not file.classes:
            # Nothing is labelled yet, or only planes that show nothing: the structures are the program's.
            file = replace(file, classes=rough.classes)
        pairs = matched(file.classes, rough.classes, matches)
        befores.append(renumbered(rough, pairs))
        doubts.append(rough.doubt)
        if len(paths) == 1:
            called = {mine: rough.classes[theirs - 1].name for mine, theirs in pairs.items()}
        what = "initial segmentation" if len(paths) == 1 else f"initial segmentation {path}"
        sentences += [*told, *_said_of_match(file.classes, rough.classes, pairs, what)]
    if not (said.complete or said.partly or said.painted_along):
        differing = [one for one in (_differing_planes(file, before) for before in befores) if one is not None]
        if differing:
            said = replace(said, named_by="")
        if differing and said.painted is None:
            fewest = min(differing, key=len)
            sentences.append(_said_of_differing(fewest, int(file.labels.any(axis=(1, 2)).sum())))
            said = replace(said, painted=tuple(sorted({*fewest, *said.empty})))
        elif differing:
            sentences += _said_of_unnamed(min(differing, key=len), said.painted)
    turned, understood = understand(said, volume, file, axis=axis, ends_painted=False)
    if turned.axis != volume.axis:
        befores, doubts = (
            [None if one is None else np.ascontiguousarray(turned.to_planes(volume.in_file_order(one))) for one in each]
            for each in (befores, doubts)
        )
    annotation = understood.annotation
    before, doubt = befores[0], doubts[0]
    if len(befores) > 1:
        together = combined(befores, annotation, turned.spacing_mm)
        before, doubt = together.labels, together.doubt
        sentences.append(_said_of_combined(together, annotation))
    start = Initial(before, tuple(annotation.classes), doubt)
    sentences += said_of_corrected(before, annotation, called)
    return Started(turned, annotation, start, (*sentences, *understood.sentences))


def uncorrected_start(paths: Sequence[str | Path], volume: Volume) -> tuple[Initial, tuple[str, ...]]:
    """What one or several programs made, before anything is corrected; structures are those that any of them has.

    Raises
    ------
    InputError
        Where one does not fit, or has no structure in common with those before.
    """
    first, said = read_rough_labels(paths[0], volume)
    classes, roughs, sentences = list(first.classes), [own_numbers(first)], list(said)
    if len(paths) == 1:
        return Initial(roughs[0], tuple(classes), first.doubt), tuple(sentences)
    for path in paths[1:]:
        rough, told = read_rough_labels(path, volume, classes)
        pairs = matched(classes, rough.classes, ())
        new = [one for number, one in enumerate(rough.classes, start=1) if number not in pairs.values()]
        known, unknown = (", ".join(one.name for one in rough.classes if (one in new) == which) for which in (0, 1))
        sentences += [*told, f"initial segmentation {path}: {known}" + (f"; only here: {unknown}" if new else "")]
        for one in new:
            taken = {other.value for other in classes}
            free = one.value if one.value not in taken else max(taken) + 1
            classes.append(replace(one, value=free))
            pairs[len(classes)] = rough.classes.index(one) + 1
        roughs.append(renumbered(rough, pairs))
    annotation = SparseAnnotation.unpainted(volume.shape, classes)
    together = combined(roughs, annotation, volume.spacing_mm)
    sentences.append(_said_of_combined(together, annotation))
    return Initial(together.labels, tuple(classes), together.doubt), tuple(sentences)


def _said_of_combined(together: Combined, annotation: SparseAnnotation) -> str:
    said = f"{len(together.weights)} initial segmentations, which agree with Dice {together.agreement:.3f}"
    if not annotation.painted.any():
        return f"{said}, count alike: no plane is corrected"
    shares = " : ".join(f"{one:.0%}" for one in together.weights.mean(axis=1))
    return f"{said}, weights, from the corrected planes: {shares}"


def _of_edited(said: Said, volume: Volume, file: LabelFile, axis: str) -> Started:
    """What stood on the corrected planes is gone, and is told from the planes beside them."""
    volume, understood = understand(said, volume, file, axis=axis, ends_painted=False)
    labels = file.labels if file.labels.shape == volume.shape else None
    if labels is None:
        raise InputError("the labels lie on planes along another axis than the image: name it with --axis")
    whole = own_numbers(LabelFile(labels, file.classes))
    before = before_edits(whole, understood.annotation.painted_planes, volume.spacing_mm)
    if before is None:
        raise InputError(
            "all planes beside the corrected ones are corrected too or empty, so nothing is left of the segmentation "
            "that was edited: give it with --initial"
        )
    return Started(volume, understood.annotation, Initial(before, understood.annotation.classes), understood.sentences)


def before_edits(labels: np.ndarray, edited: Sequence[int], spacing_mm: Sequence[float]) -> np.ndarray | None:
    """What stood on planes of a segmentation before they were edited, told from those beside them.

    Parameters
    ----------
    labels : uint8 (planes, rows, columns), class numbers; not written to

    Returns
    -------
    A copy in which the edited planes are interpolated; None where nothing stands beside them.
    """
    beside = {p + n for p in edited for n in range(-_BESIDE_PLANES, _BESIDE_PLANES + 1)}
    sources = sorted(p for p in beside if 0 <= p < len(labels) and p not in edited)
    if not sources or not labels[sources].any():
        return None
    classes = [LabelClass(number, str(number)) for number in range(1, int(labels.max()) + 1)]
    around = SparseAnnotation.from_painted_planes(labels, sources, classes=classes)
    before = labels.copy()
    for _ in fill(before, around, spacing_mm, interpolation="linear", planes=edited):
        pass
    return before


def matched(
    painted: Sequence[LabelClass], rough: Sequence[LabelClass], matches: Sequence[tuple[str, str]]
) -> dict[int, int]:
    """Class number of the labels -> class number of the rough segmentation: as said, else by name, else by value.

    Case, spaces, hyphens and underscores of names do not count. Values say nothing where both files name their
    structures.

    Raises
    ------
    InputError
        Where a match names no structure, or there is none in common.
    """
    pairs = {
        _number(mine, painted, "labels"): _number(theirs, rough, "initial segmentation") for mine, theirs in matches
    }
    for spelt in (str.casefold, _spelt_alike):
        names = {spelt(one.name): number for number, one in reversed(list(enumerate(rough, start=1)))}
        for number, one in enumerate(painted, start=1):
            other = names.get(spelt(one.name))
            if number not in pairs and other is not None and other not in pairs.values():
                pairs[number] = other
    taken = set(pairs.values())
    for number, one in enumerate(painted, start=1):
        if number in pairs:
            continue
        for other, there in enumerate(rough, start=1):
            if other not in taken and there.value == one.value and (one.is_unnamed or there.is_unnamed):
                pairs[number] = other
    if not pairs:
        mine, theirs = (", ".join(f"{one.name} ({one.value})" for one in each) for each in (painted, rough))
        raise InputError(
            f"labels ({mine}) and initial segmentation ({theirs}) have no structure in common: say which belongs to "
            "which, as --match liver=5"
        )
    return pairs


def match_from(text: str) -> tuple[str, str]:
    """STRUCTURE=OTHER, taken apart.

    Raises
    ------
    InputError
        For anything else.
    """
    mine, equals, theirs = (part.strip() for part in text.rpartition("="))
    if not (mine and equals and theirs):
        raise InputError(f"--match {text}: write the structure of LABELS and the one of --initial, as liver=5")
    return mine, theirs


def _spelt_alike(name: str) -> str:
    """The same for "Kidney left", "kidney_left" and "kidney-left"."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _number(structure: str, classes: Sequence[LabelClass], what: str) -> int:
    for said in (lambda one: one.name, lambda one: str(one.value)):
        found = [number for number, one in enumerate(classes, start=1) if said(one) == structure]
        if len(found) == 1:
            return found[0]
    names = ", ".join(f"{one.name} ({one.value})" for one in classes) or "none"
    raise InputError(f"--match {structure}: no such structure in the {what}; there are: {names}")


def own_numbers(file: LabelFile) -> np.ndarray:
    """Labels as class numbers of the file's own classes."""
    return renumbered(file, {number: number for number in range(1, len(file.classes) + 1)})


def renumbered(file: LabelFile, pairs: dict[int, int]) -> np.ndarray:
    """Class numbers of the labels' classes."""
    values = np.zeros(max((one.value for one in file.classes), default=0) + 1, np.uint8)
    for mine, theirs in pairs.items():
        values[file.classes[theirs - 1].value] = mine
    return values[file.labels]


def _differing_planes(file: LabelFile, before: np.ndarray) -> list[int] | None:
    """The planes that differ, where the labels are the rough segmentation after it was edited; else None."""
    mine = own_numbers(file)
    shown = before.any(axis=(1, 2))
    kept = np.count_nonzero(mine.any(axis=(1, 2)) & shown)
    if kept < _EDITED * np.count_nonzero(shown):
        return None
    return np.flatnonzero((mine != before).any(axis=(1, 2))).tolist()


def _said_of_differing(planes: Sequence[int], shown: int) -> str:
    """`shown` is the number of planes that hold a label."""
    if not planes:
        return "no plane differs from the initial segmentation: none is corrected, and it comes back without its specks"
    if 2 * len(planes) > shown > _MANY:
        return (
            f"note: {len(planes)} planes differ from the initial segmentation, so all of these count as corrected: if "
            "another program made them, name the corrected ones with --corrected"
        )
    return f"corrected, for they differ from the initial segmentation: planes {', '.join(map(str, planes))}"


def _said_of_unnamed(differing: Sequence[int], corrected: Sequence[int]) -> list[str]:
    """Planes that were edited and not named: nobody should lose an hour's work without a word."""
    left = [plane for plane in differing if plane not in corrected]
    if not left:
        return []
    some = ", ".join(map(str, left[:12])) + (", ..." if len(left) > 12 else "")
    differ = f"plane {some} differs" if len(left) == 1 else f"planes {some} differ"
    return [
        f"note: {differ} from the initial segmentation, too, without being named as corrected: there the initial "
        "segmentation is used"
    ]


def _said_of_match(
    painted: Sequence[LabelClass], rough: Sequence[LabelClass], pairs: dict[int, int], what: str
) -> list[str]:
    found = ", ".join(f"{painted[mine - 1].name} = {rough[theirs - 1].name}" for mine, theirs in sorted(pairs.items()))
    said = [f"{what}: {found}"]
    new = [one.name for number, one in enumerate(painted, start=1) if number not in pairs]
    if new:
        said.append(f"note: not in the {what}, so predicted from painted planes alone: {', '.join(new)}")
    left = [one.name for number, one in enumerate(rough, start=1) if number not in pairs.values()]
    if left:
        said.append(f"note: left out, for the labels have no such structure: {', '.join(left[:12])}")
    return said
