"""How often what was painted is told wrongly from the labels, on the volumes of shared/data.

    py Testing/benchmarks/completeness.py false     all structures on common planes: what is taken for something else
    py Testing/benchmarks/completeness.py slivers   what a sphere brush or strokes in another view leave
    py Testing/benchmarks/completeness.py own       every structure on planes of its own: how many planes are told right
    py Testing/benchmarks/completeness.py pieces    made-up lesions in two pieces, and in one piece on own planes
    py Testing/benchmarks/completeness.py axis      planes along each axis: how often the axis is told right

The tables of docs/measurements/painted.md are these.
"""

from __future__ import annotations

import argparse
import collections
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage
from SparseAnnotateLib import SparseAnnotation
from SparseAnnotateLib.completeness import understood
from SparseAnnotateLib.completeness.axis import painted_axis
from SparseAnnotateLib.volume import ImageGeometry, Volume

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)


class Case:
    """Labels of one volume, cropped to what is labelled and a margin of 8 voxels in the plane."""

    def __init__(self, folder: Path):
        image = sitk.ReadImage(str(folder / "label.nii.gz"))
        geometry = ImageGeometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
        self.volume = Volume.from_file_order(sitk.GetArrayFromImage(image), geometry, "auto")
        labels = self.volume.intensities.astype(np.uint16)
        values = np.unique(labels)
        labels = np.searchsorted(values, labels).astype(np.uint8)
        self.name, self.whole, self._folder = folder.name, labels, folder
        used = labels.any(axis=0)
        rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
        self._box = tuple(slice(max(0, ones[0] - 8), ones[-1] + 9) for ones in (rows, columns))
        self.labels = np.ascontiguousarray(labels[(slice(None), *self._box)])
        self.spacing_mm = self.volume.spacing_mm
        planes = np.flatnonzero(labels.any(axis=(1, 2)))
        self.first, self.last = int(planes[0]), int(planes[-1])
        self.structures = len(values) - 1

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @functools.lru_cache(maxsize=16)  # noqa: B019 - a case lives as long as what is measured of it
    def depth(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """A structure, and how deep (mm) its voxels lie in it."""
        structure = self.labels == number
        return structure, ndimage.distance_transform_edt(structure, sampling=self.spacing_mm)

    @functools.cached_property
    def image(self) -> np.ndarray:
        """Intensities of the labels' shape."""
        image = self.volume.to_planes(sitk.GetArrayFromImage(sitk.ReadImage(str(self._folder / "image.nii.gz"))))
        return np.ascontiguousarray(image[(slice(None), *self._box)], np.float32)


def cases(names: list[str]) -> Iterator[Case]:
    for folder in sorted(DATA.iterdir()):
        if (folder / "label.nii.gz").exists() and (not names or any(name in folder.name for name in names)):
            yield Case(folder)


def even(first: int, last: int, count: int, shift: float = 0.5) -> list[int]:
    """Evenly spaced planes, each in the middle of its part of the range."""
    return sorted({first + int((number + shift) * (last - first + 1) / count) for number in range(count)})


def patterns(case: Case) -> Iterator[tuple[str, list[int]]]:
    """Planes that an expert might paint for all structures at once."""
    everything = list(range(case.first, case.last + 1))
    for share in SHARES:
        count = max(2, round(share * case.length))
        yield f"even {share:.0%}", even(case.first, case.last, count)
        for seed in range(2):
            rng = np.random.default_rng(seed)
            yield f"random {share:.0%}", sorted(rng.choice(everything, count, replace=False).tolist())
        start = case.first + (case.length - count) // 2
        yield f"block {share:.0%}", list(range(start, start + count))
        pairs = even(case.first, case.last, max(1, count // 2))
        yield f"pairs {share:.0%}", sorted({*pairs, *(min(p + 1, case.last) for p in pairs)})
    yield "all", everything


def painted(labels: np.ndarray, planes: list[int]) -> np.ndarray:
    sparse = np.zeros_like(labels)
    sparse[planes] = labels[planes]
    return sparse


def false(names: list[str]) -> None:
    """Common planes: (structure, plane) pairs that are not complete as told, by pattern."""
    table = collections.defaultdict(lambda: np.zeros(7, int))
    for case in cases(names):
        for pattern, planes in patterns(case):
            annotation = SparseAnnotation.from_painted_planes(painted(case.labels, planes), planes)
            annotation = annotation.with_complete({})
            told = understood(SparseAnnotation.from_painted_planes(painted(case.labels, planes)), image=case.image)
            row = table[pattern]
            shown = np.array(
                [[(annotation.labels[p] == n + 1).any() for n in range(annotation.class_count)] for p in planes]
            )
            inside = np.zeros_like(shown)
            for number in range(annotation.class_count):
                own = np.flatnonzero(shown[:, number])
                inside[own[0] + 1 : own[-1], number] = True
            filled = shown.any(axis=1)
            right = told.annotation.complete[planes]
            row += (
                1,
                not right[filled].all(),
                (shown & inside).sum(),
                (shown & inside & ~right).sum(),
                (shown & ~inside & ~right).sum(),
                (~shown & filled[:, None]).sum(),
                (~shown & filled[:, None] & ~right).sum(),
            )
            for number, plane in np.argwhere(~right & filled[:, None])[:, ::-1].tolist():
                kind = "sliver" if shown[plane, number] else "apart"
                print(
                    case.name, pattern, annotation.classes[number].name, "plane", planes[plane], kind, file=sys.stderr
                )
            for number, plane in told.absent:
                print(
                    case.name, pattern, annotation.classes[number - 1].name, "plane", plane, "doubtful", file=sys.stderr
                )
        print(case.name, file=sys.stderr, flush=True)
    show(("pattern", "files", "changed", "inner pairs", "slivers", "at ends", "absent pairs", "apart"), table)


def brushed(case: Case, planes: list[int], radius_planes: float, rng: np.random.Generator, *, touch: bool):
    """Labels painted on some planes with a sphere brush that reaches other planes.

    Parameters
    ----------
    radius_planes : radius of the sphere, in distances between planes
    touch : one touch of the brush on each plane, the rest painted flat; else all is painted with the brush
    """
    labels = painted(case.labels, planes)
    spacing = case.spacing_mm[1:]
    radius = max(radius_planes * case.spacing_mm[0], 2 * max(spacing))
    reach = int(radius / case.spacing_mm[0] - 1e-6)
    left = np.zeros_like(labels)
    for plane in planes:
        for number in np.unique(labels[plane])[1:]:
            outline = labels[plane] == number
            centres = ndimage.distance_transform_edt(np.pad(outline, 1), sampling=spacing)[1:-1, 1:-1] > radius
            if touch or not centres.any():
                places = np.argwhere(centres if centres.any() else outline)
                centres = np.zeros_like(outline)
                centres[tuple(places[rng.integers(len(places))])] = True
            away = ndimage.distance_transform_edt(~centres, sampling=spacing)
            for step in range(1, reach + 1):
                dab = away <= np.sqrt(max(0, radius**2 - (step * case.spacing_mm[0]) ** 2))
                for other in (plane - step, plane + step):
                    if 0 <= other < len(labels) and other not in planes:
                        left[other][dab & (left[other] == 0)] = number
    labels[labels == 0] = left[labels == 0]
    return labels


def stroked(case: Case, planes: list[int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Labels on some planes, and a stroke one voxel wide along all planes of each structure, as in another view."""
    labels = painted(case.labels, planes)
    for number in range(1, case.structures + 1):
        structure = case.labels == number
        column = int(np.argmax(structure.sum(axis=(0, 1))))
        rows = structure[:, :, column]
        for plane in np.flatnonzero(rows.any(axis=1)):
            ones = np.flatnonzero(rows[plane])
            length = max(1, round(share * len(ones)))
            start = rng.integers(len(ones) - length + 1)
            ones = ones[start : start + length]
            labels[plane, ones, column] = number
    return labels


def sliver_kinds():
    for radius in (1.5, 2.5, 4.5):
        yield (
            f"brush of {radius} planes",
            lambda *a, r=radius: brushed(a[0], a[1], r, a[2], touch=False),
        )
        yield f"touch of {radius} planes", lambda *a, r=radius: brushed(a[0], a[1], r, a[2], touch=True)
    for share in (0.3, 0.7):
        yield f"stroke over {share:.0%}", lambda *a, s=share: stroked(a[0], a[1], s, a[2])


def slivers(names: list[str]) -> None:
    """How many (structure, plane) pairs with slivers are told; between the outermost painted planes, and beyond."""
    table = collections.defaultdict(lambda: np.zeros(7, int))
    for case in cases(names):
        if case.length < 20:
            continue
        for share in (0.05, 0.1):
            count = max(3, round(share * case.length))
            planes = even(case.first, case.last, count)
            for kind, paint in sliver_kinds():
                labels = paint(case, planes, np.random.default_rng(0))
                annotation = SparseAnnotation.from_painted_planes(labels)
                told = understood(annotation, image=case.image).annotation
                row = table[f"{kind}, {share:.0%}"]
                row[0] += 1
                for number in range(1, annotation.class_count + 1):
                    value = annotation.classes[number - 1].value
                    real = [p for p in planes if (case.labels[p] == value).any()]
                    shown = annotation.shown_planes_of(number)
                    complete = set(told.complete_planes_of(number))
                    left = [p for p in shown if p not in planes]
                    between = [p for p in left if real and real[0] < p < real[-1]]
                    row[1:] += (
                        len(between),
                        len([p for p in between if p not in complete]),
                        len(left) - len(between),
                        len([p for p in left if p not in between and p not in complete]),
                        len(real),
                        len([p for p in real if p not in complete]),
                    )
        print(case.name, file=sys.stderr, flush=True)
    show(("slivers", "files", "between", "found", "beyond", "found", "painted", "lost"), table)


def own(names: list[str]) -> None:
    """Every structure on its own planes: pairs of structures and planes, and how many are told right."""
    table = collections.defaultdict(lambda: np.zeros(6, int))
    for case in cases(names):
        if case.structures < 2 or case.length < 10:
            continue
        for how in ("even", "random", "alternating", "runs", "few"):
            for share in (0.05, 0.1, 0.2):
                labels, truth = paint_own(case, share, how)
                annotation = SparseAnnotation.from_painted_planes(labels)
                told = understood(annotation, image=case.image).annotation
                blind = understood(annotation).annotation
                row = table[f"{how} {share:.0%}"]
                row[0] += 1
                for number in range(1, annotation.class_count + 1):
                    value = annotation.classes[number - 1].value
                    complete, without = (set(one.complete_planes_of(number)) for one in (told, blind))
                    for plane in annotation.painted_planes:
                        if plane in truth[value]:
                            row[1:3] += 1, plane not in complete
                        elif (case.labels[plane] == value).any():
                            row[3:] += 1, plane in complete, plane in without
        print(case.name, file=sys.stderr, flush=True)
    show(("own planes", "files", "painted", "lost", "not painted", "taken for absent", "without image"), table)


def paint_own(case: Case, share: float, how: str) -> tuple[np.ndarray, dict[int, set[int]]]:
    """Labels of structures on planes of their own, and these planes, by structure.

    Parameters
    ----------
    how : ``even`` or ``random`` over the range of each; common planes given to the odd and the even structures in turns
        (``alternating``, ``runs`` of three), or all to all but the largest, which has three (``few``)
    """
    rng = np.random.default_rng(0)
    labels, truth = np.zeros_like(case.labels), {}
    count = max(2, round(share * case.length))
    common = even(case.first, case.last, min(case.length, max(6, 2 * count)))
    sizes = np.bincount(case.labels.ravel(), minlength=case.structures + 1)[1:]
    for number in range(1, case.structures + 1):
        shown = np.flatnonzero((case.labels == number).any(axis=(1, 2)))
        ones = min(count, len(shown))
        if how == "even":
            planes = even(shown[0], shown[-1], ones)
        elif how == "random":
            planes = sorted(rng.choice(shown, ones, replace=False).tolist())
        elif how == "few":
            planes = [plane for plane in common if plane in shown]
            if number == 1 + int(np.argmax(sizes)):
                planes = [planes[place] for place in sorted({0, len(planes) // 2, len(planes) - 1})]
        else:
            run = 3 if how == "runs" else 1
            planes = [plane for place, plane in enumerate(common) if place // run % 2 == number % 2]
        truth[number] = set(planes)
        for plane in planes:
            labels[plane][case.labels[plane] == number] = number
    return labels, truth


def lesion_in(case: Case, rng: np.random.Generator, contrast: float, *, gap: bool):
    """Labels (1: a structure, 2: a lesion in it) and image with the lesion, in two pieces or in one; None: no room.

    The lesion is brighter by `contrast` standard deviations of the structure, and a third of them noisier.
    """
    spacing = case.spacing_mm
    organ, depth = case.depth(int(rng.integers(1, case.structures + 1)))
    radius = min(0.8 * depth.max(), 25)
    if radius < 3 * max(spacing[1:]):
        return None
    places = np.argwhere(depth >= 0.95 * radius)
    plane, row, column = places[rng.integers(len(places))]
    planes, missing = rng.uniform(2, 6), rng.integers(1, 9)
    centres = (plane - missing / 2 - planes, plane + missing / 2 + planes) if gap else (plane,)
    half = planes if gap else 2 * planes + missing / 2
    grid = np.indices(case.labels.shape, sparse=True)
    lesion = np.zeros_like(organ)
    for centre in centres:
        shift = rng.uniform(-0.2, 0.2, 2) * radius / np.array(spacing[1:])
        across = ((grid[1] - row - shift[0]) * spacing[1]) ** 2 + ((grid[2] - column - shift[1]) * spacing[2]) ** 2
        lesion |= ((grid[0] - centre) / half) ** 2 + across / radius**2 <= 1
    lesion &= organ
    deviation = case.image[organ].std()
    image = case.image.copy()
    image[lesion] += deviation * (contrast + 0.3 * rng.standard_normal(np.count_nonzero(lesion)))
    labels = organ.astype(np.uint8)
    labels[lesion] = 2
    return labels, image


def pieces(names: list[str]) -> None:
    """Lesions in two pieces on common planes, taken for not painted between them; in one, on own planes, for absent."""
    table = collections.defaultdict(lambda: np.zeros(4, int))
    for case in cases(names):
        rng = np.random.default_rng(0)
        for contrast in (1, 2, 3):
            for step in (1, 2, 3, 5):
                for gap in (True, False):
                    made = lesion_in(case, rng, contrast, gap=gap)
                    if made is None or len(np.unique(made[0])) < 3:
                        continue
                    labels, image = made
                    start = case.first + int(rng.integers(step))
                    for kind, sparse, mine in _painted_lesions(
                        labels, list(range(start, case.last + 1, step)), gap=gap
                    ):
                        _count_lesion(table[f"{kind}, contrast {contrast}"], labels, sparse, image, mine, gap=gap)
        print(case.name, file=sys.stderr, flush=True)
    show(("lesions", "files", "pairs", "told wrongly", "without image"), table)


def _painted_lesions(labels: np.ndarray, planes: list[int], *, gap: bool):
    """How a lesion was painted, the labels, and the planes on which it was."""
    if gap:
        yield "two pieces on common planes", painted(labels, planes), planes
        return
    shown = [plane for plane in planes if (labels[plane] == 2).any()]
    if len(shown) < 4:
        return
    for kind, mine in (
        ("one piece on every second of the organ's planes", shown[::2]),
        ("one piece on three of the organ's planes", [shown[0], shown[len(shown) // 2], shown[-1]]),
        ("one piece and the organ on alternating planes", shown[::2]),
    ):
        sparse = painted(np.where(labels == 1, 1, 0).astype(np.uint8), planes)
        if "alternating" in kind:
            sparse[mine] = 0
        sparse[mine] += np.where(labels[mine] == 2, 2, 0).astype(np.uint8)
        yield kind, sparse, mine


def _count_lesion(row: np.ndarray, labels, sparse, image, mine: list[int], *, gap: bool) -> None:
    annotation = SparseAnnotation.from_painted_planes(sparse)
    numbers = [number for number, one in enumerate(annotation.classes, start=1) if one.value == 2]
    shown = annotation.shown_planes_of(numbers[0]) if numbers else []
    if not shown:
        return
    inside = [plane for plane in annotation.painted_planes if shown[0] < plane < shown[-1] and plane not in shown]
    if not gap:
        inside = [plane for plane in inside if plane not in mine and (labels[plane] == 2).any()]
    told, blind = (
        set(one.annotation.complete_planes_of(numbers[0]))
        for one in (understood(annotation, image=image), understood(annotation))
    )
    wrong = [len([plane for plane in inside if (plane in one) != gap]) for one in (told, blind)]
    row += (1, len(inside), *wrong)


def axis(names: list[str]) -> None:
    """Planes along each axis of the file: how often the axis is told right; with all planes, how often it stays."""
    table = collections.defaultdict(lambda: np.zeros(3, int))
    for case in cases(names):
        volume = case.volume
        for letter in "ijk":
            turned = volume.along(letter)
            labels = turned.to_planes(volume.in_file_order(case.whole))
            planes = np.flatnonzero(labels.any(axis=(1, 2)))
            first, last = int(planes[0]), int(planes[-1])
            for share in SHARES:
                count = max(2, round(share * (last - first + 1)))
                start = first + (last - first + 1 - count) // 2
                chosen = {
                    f"even {share:.0%}": even(first, last, count),
                    f"block {share:.0%}": list(range(start, start + count)),
                    f"random {share:.0%}": sorted(
                        np.random.default_rng(0).choice(np.arange(first, last + 1), count, replace=False).tolist()
                    ),
                }
                for pattern, ones in chosen.items():
                    sparse = volume.to_planes(turned.in_file_order(painted(labels, ones)))
                    told = painted_axis(sparse, volume)
                    row = table[pattern]
                    own_axis = letter == volume.axis
                    row += (1, told == letter, own_axis and told != letter)
                    if told != letter:
                        print(case.name, volume.axis, letter, pattern, "told", told, file=sys.stderr)
        told = painted_axis(case.whole, volume)
        table["all"] += (1, told == volume.axis, told != volume.axis)
        if told != volume.axis:
            print(case.name, volume.axis, "all", "told", told, file=sys.stderr)
        print(case.name, file=sys.stderr, flush=True)
    show(("planes", "files", "right", "own axis left"), table)


def show(header: tuple[str, ...], table: dict[str, np.ndarray]) -> None:
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(map(str, row.tolist())) + " |")
    print("| sum | " + " | ".join(map(str, sum(table.values()).tolist())) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("false", "slivers", "own", "pieces", "axis"))
    parser.add_argument("names", nargs="*", help="parts of the names of the volumes; default: all")
    arguments = parser.parse_args()
    {"false": false, "slivers": slivers, "own": own, "pieces": pieces, "axis": axis}[arguments.what](arguments.names)
