"""Fibres, sheets and rings of 1 to 3 pixels: `guided` against the better of `nearest` and `shape`.

    python Testing/benchmarks/thin.py first second third fourth fifth sixth seventh eighth
    python Testing/benchmarks/thin.py --data ../shared/data OpenKBP_pt_200 OpenKBP_pt_60 SCT_t2

The first line makes eight grids of volumes up (the fifth and sixth in `thin_ends`, the last two in `thin_plain`); rules
were adjusted on all but the third and the last three. With --data the thin structures of real cases are predicted, both
ends clicked and evenly spaced planes painted, with and without the choice between the prediction and what is moved from
plane to plane. Prints what is more than .02 below, the lowest and the mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1] / "Python" / "predictors"
KINDS = (
    *("straight", "oblique", "oblique both", "curved", "branch", "three branches", "sheet", "oblique sheet"),
    *("curved sheet", "ring", "two fibres", "ends inside"),
)


@dataclass(frozen=True)
class Case:
    """A volume: truth (thin structures have the largest number), intensities, spacing and painted planes."""

    name: str
    truth: np.ndarray
    image: np.ndarray
    painted: list[int]
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)


def first() -> Iterator[Case]:
    """The shapes of the tests, alone, beside and inside an organ."""
    sys.path.insert(0, str(TESTS))
    import test_guided_thin as tests

    for place, organ in (("alone", None), ("beside", tests.ORGAN), ("inside", tests.AROUND)):
        for contrast in (0, 100):
            for step in (4, 8, 16):
                for name in tests.SHAPES:
                    if organ is None:
                        truth = tests.SHAPES[name].astype(np.uint8)
                        volume = tests.scan(truth, contrast)
                    else:
                        truth, volume = tests.with_organ(name, organ, contrast)
                    painted = list(range(0, tests.PLANES, step))
                    yield Case(f"{place} {name} {contrast} {step}", truth, volume.intensities, painted)


def second() -> Iterator[Case]:
    """Other shapes, places, contrasts, noise and seeds."""
    settings = ((75, 10, 11), (0, 10, 12), (35, 14, 13))
    yield from _second(41, 0.4, 0.15, (6, 6, 25), (8, 0.15), settings, (5, 8, 20))


def third() -> Iterator[Case]:
    """As the second with other slants, and fewer planes."""
    settings = ((90, 10, 1), (0, 10, 2), (-40, 12, 3), (60, 10, 4), (25, 10, 5))
    yield from _second(37, 0.33, 0.2, (8, 8, 26), (9, 0.1), settings, (6, 9))


def _second(planes, slant, drift, wave, ring, settings, steps) -> Iterator[Case]:
    rows, columns = np.mgrid[:56, :52]

    def fibre(width, column, row):
        return _stack(planes, lambda k: _square(rows, columns, row(k), column(k), width))

    def sheet(width, column):
        return _stack(
            planes, lambda k: (column(k) <= columns) & (column(k) + width > columns) & (rows > 9) & (rows < 44)
        )

    def circle(middle, growth, half):
        return _stack(planes, lambda k: abs(np.hypot(rows - 28, columns - 26) - (middle + growth * k)) <= half)

    def at(place):
        return lambda _plane: place

    def along(place, slope):
        return lambda k: place + round(slope * k) if slope > 0 else place - round(-slope * k)

    def branch(width, after, left, right):
        one = fibre(width, lambda k: 26 - round(left * max(0, k - after)), at(24))
        return one | fibre(width, lambda k: 26 + round(right * max(0, k - after)), at(24))

    height, length, middle = wave
    start = 14 if slant > 0.35 else 16
    shapes = {
        "straight 1": fibre(1, at(27), at(25)),
        "straight 3": fibre(3, at(27), at(25)),
        "oblique 1": fibre(1, along(start, slant), at(25)),
        "oblique 2": fibre(2, along(start, slant), along(30, -drift)),
        "curved 2": fibre(
            2, lambda k: round(middle + height * np.sin(k / length)), lambda k: round(24 + 5 * np.cos(k / 9))
        ),
        "curved 1": fibre(1, lambda k: round(26 + 5 * np.sin(k / 9)), at(24)),
        "branch 2": branch(2, 12, 0.3, 0.2),
        "branch 1": branch(1, 18, 0.2, 0.3),
        "sheet 1 oblique": sheet(1, along(18, 0.3)),
        "sheet 2 oblique": sheet(2, along(30, -drift)),
        "sheet 2": sheet(2, at(24)),
        "ring 1": circle(*ring, 0.6),
        "ring 2": circle(12, -0.1, 1.1),
    }
    organs = {
        "beside": _stack(planes, lambda k: _ellipse(rows, columns, (42, 8, 40, 9), 1 - 0.3 * abs(k - 18) / 18)),
        "inside": _stack(planes, lambda k: _ellipse(rows, columns, (27, 18, 25, 17), 1 - 0.3 * abs(k - 18) / 18)),
    }
    for place, organ in organs.items():
        for contrast, noise, seed in settings:
            for step in steps:
                for name, shape in shapes.items():
                    truth = np.where(shape, 2, np.where(organ, 1, 0)).astype(np.uint8)
                    image = np.choose(truth, [0, 60, contrast])
                    image = image + np.random.default_rng(seed).normal(0, noise, truth.shape)
                    yield Case(f"{place} {name} {contrast} {step}", truth, image, list(range(0, planes, step)))


def fourth(count: int = 240, seed: int = 2024) -> Iterator[Case]:
    """Drawn: shapes, widths, slants, noise (white or smooth), shading, blur, spacing, planes that miss the ends."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        yield _drawn(rng, ("alone", "beside", "inside")[number % 3], KINDS[(number // 3) % len(KINDS)])


def _drawn(rng: np.random.Generator, place: str, kind: str) -> Case:
    planes = int(rng.choice([25, 33, 45]))
    rows, columns = np.mgrid[:60, :64]
    width, slant = int(rng.integers(1, 4)), float(rng.choice([0.15, 0.25, 0.4, 0.6]) * rng.choice([-1, 1]))
    drift = float(rng.choice([0.1, 0.2, 0.35]) * rng.choice([-1, 1]))
    k, at = np.arange(planes), int(rng.integers(planes // 4, planes // 2))
    still, row = np.full(planes, 32.0), np.full(planes, 30.0)
    height, length = rng.uniform(3, 8), rng.uniform(5, 11)
    after, leaning = np.maximum(0, k - at), 32 - slant * planes / 2 + slant * k

    def fibre(across, down):
        ends = zip(np.round(across).astype(int), np.round(down).astype(int), strict=True)
        return np.stack([_square(rows, columns, down, across, width) for across, down in ends])

    def sheet(across):
        where = np.round(across).astype(int)
        return np.stack([(columns >= c) & (columns < c + width) & (rows > 12) & (rows < 46) for c in where])

    def branches():
        return fibre(32 - abs(slant) * after, row) | fibre(32 + abs(drift) * after, row)

    shape = {
        "straight": lambda: fibre(still, row),
        "oblique": lambda: fibre(leaning, row),
        "oblique both": lambda: fibre(leaning, 30 - drift * planes / 2 + drift * k),
        "curved": lambda: fibre(32 + height * np.sin(k / length), 30 + 0.7 * height * np.cos(k / (length + 2))),
        "branch": branches,
        "three branches": lambda: branches() | fibre(still, 30 + 0.3 * np.maximum(0, k - at - 3)),
        "sheet": lambda: sheet(still),
        "oblique sheet": lambda: sheet(leaning),
        "curved sheet": lambda: sheet(32 + height * np.sin(k / length)),
        "ring": lambda: _stack(
            planes,
            lambda j: abs(np.hypot(rows - 30, columns - 32) - (10 + 0.5 * slant * (j - planes / 2))) <= 0.55 * width,
        ),
        "two fibres": lambda: (
            fibre(26 + slant * (k - planes / 2), row - 4) | fibre(38 + drift * (k - planes / 2), row + 5)
        ),
        "ends inside": lambda: fibre(leaning, row) & (k < planes - planes // 4)[:, None, None],
    }[kind]()
    half = (planes - 1) / 2
    where, least = ((46, 9, 50, 9), 0.4) if place == "beside" else ((30, 21, 32, 19), 0.35)
    truth = with_organ(shape, place, lambda j: _ellipse(rows, columns, where, 1 - least * abs(j - half) / half))
    noise, contrast = float(rng.choice([6, 10, 16])), float(rng.choice([0, 0, 15, 30, 60, 100, -60]))
    shading = 0.3, (columns - 32) * 0.5, (rows - 30) * 0.3
    image = drawn_image(rng, brightness(truth, place, contrast, 60), noise, (0.5, 1, 1), shading, (0.3, 0.6))
    spacing = [(1, 1, 1), (3, 1, 1), (2, 0.7, 0.7), (1, 1, 1.5), (5, 0.5, 0.5)][int(rng.integers(5))]
    step = int(rng.choice([3, 4, 6, 8, 12]))
    painted = list(range(int(rng.integers(0, 2)), planes, step))
    painted = perhaps_beside(rng, painted, planes)
    if len(painted) < 2:
        painted = [0, planes - 1]
    name = f"{place} {kind} of {width}, {slant:g} and {drift:g} a plane, contrast {contrast:g}, noise {noise:g}, {step}"
    return Case(name, truth, image, painted, spacing)


def with_organ(shape: np.ndarray, place: str, organ_on) -> np.ndarray:
    """The thin structure as 1 alone, or as 2 in or beside an organ: uint8 (planes, rows, columns)."""
    if place == "alone":
        return shape.astype(np.uint8)
    return np.where(shape, 2, np.where(_stack(len(shape), organ_on), 1, 0)).astype(np.uint8)


def brightness(truth: np.ndarray, place: str, contrast: float, organ: float) -> np.ndarray:
    """The intensities before noise: the contrast is to what lies around."""
    if place == "alone":
        return truth * contrast
    return np.choose(truth, [0, organ, (organ if place == "inside" else 0) + contrast])


def drawn_image(rng: np.random.Generator, image, noise: float, smooth, shading, blur) -> np.ndarray:
    """With noise, white or smoothed by `smooth`; at times with a shading, and blurred: how often, and what."""
    from scipy.ndimage import gaussian_filter

    chance = rng.normal(0, 1, image.shape)
    if rng.random() < 0.4:
        chance = gaussian_filter(chance, smooth)
        chance /= chance.std()
    image = image + noise * chance
    often, *parts = shading
    if rng.random() < often:
        for part in parts:
            image = image + part
    if rng.random() < blur[0]:
        image = gaussian_filter(image, (0, blur[1], blur[1]))
    return image


def perhaps_beside(rng: np.random.Generator, painted: list[int], planes: int) -> list[int]:
    """A quarter of all have planes, but the first, that lie one to the side."""
    if rng.random() >= 0.25:
        return painted
    others = [min(planes - 1, max(0, one + int(rng.integers(-1, 2)))) for one in painted[1:]]
    return sorted({*painted[:1], *others})


def _stack(planes: int, on) -> np.ndarray:
    return np.stack([on(plane) for plane in range(planes)])


def _square(rows, columns, row: int, column: int, width: int) -> np.ndarray:
    return (rows >= row) & (rows < row + width) & (columns >= column) & (columns < column + width)


def _ellipse(rows, columns, where: tuple[int, int, int, int], most: float) -> np.ndarray:
    row, height, column, width = where
    return ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= most


def measure(name: str, cases: Iterator[Case]) -> None:
    """Print what is more than .02 below the better of the simple ones, and what all of them say together."""
    from SparseAnnotateLib import PREDICTORS, SparseAnnotation, run
    from SparseAnnotateLib.metrics import dice
    from SparseAnnotateLib.volume import Volume

    found = []
    for case in cases:
        volume = Volume.from_array(case.image.astype(np.float32), case.spacing_mm)
        annotation = SparseAnnotation.from_painted_planes(case.truth, case.painted)
        predictors = ("nearest", "shape", "guided")
        labels = {one: run(PREDICTORS.create(one), volume, annotation).labels for one in predictors}
        number = case.truth.max()
        each = [dice(labels[one] == number, case.truth == number) for one in predictors]
        found.append((*each, each[2] - max(each[:2])))
        if found[-1][3] < -0.02:
            print(
                f"  {found[-1][3]:+.3f} {case.name}: "
                + ", ".join(f"{o} {d:.3f}" for o, d in zip(predictors, each, strict=True))
            )
    table = np.array(found)
    print(
        f"{name}: {(table[:, 3] < -0.02).sum()} of {len(table)} below -.02, lowest {table[:, 3].min():+.3f}; mean "
        f"nearest {table[:, 0].mean():.3f}, shape {table[:, 1].mean():.3f}, guided {table[:, 2].mean():.3f}",
        flush=True,
    )


def measure_real(data: Path, names: list[str]) -> None:
    """Print the Dice of each thin structure, with and without the choice."""
    from quality import evenly_spaced
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.metrics import dice
    from SparseAnnotateLib.predictors.base import Prediction
    from SparseAnnotateLib.predictors.guided.thin import thin_among

    gains = []
    for name in names:
        volume = read_image(data / name / "image.nii.gz", axis="k")
        truth = read_labels(data / name / "label.nii.gz", volume).labels
        expert = SimulatedExpert(truth)
        for fraction in (0.05, 0.1, 0.2):
            annotation = expert.paint(evenly_spaced(expert.plane_range, fraction))
            thin = thin_among(annotation)
            if not thin:
                continue
            guided = PREDICTORS.create("guided")
            chosen = run(guided, volume, annotation)
            without = next(s for s in guided._learned(volume, annotation) if isinstance(s, Prediction))
            for number in thin:
                both = [dice(one.labels == number, truth == number) for one in (chosen, without)]
                gains.append(both[0] - both[1])
                structure = annotation.classes[number - 1].name
                print(f"{name} {fraction} {structure}: {both[0]:.3f}, without {both[1]:.3f}", flush=True)
    print(f"{len(gains)} predictions: mean {np.mean(gains):+.4f}, lowest {min(gains):+.4f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="first to eighth; or cases in --data")
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    if arguments.data is not None:
        measure_real(arguments.data, arguments.names)
        return
    from thin_ends import fifth, sixth
    from thin_plain import eighth, seventh

    grids = {one.__name__: one for one in (first, second, third, fourth, fifth, sixth, seventh, eighth)}
    for name in arguments.names:
        measure(name, grids[name]())


if __name__ == "__main__":
    main()
