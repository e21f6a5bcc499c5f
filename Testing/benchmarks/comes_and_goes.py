"""Expected against true Dice of structures that come and go between painted planes, and who is warned of them.

    python Testing/benchmarks/comes_and_goes.py ../shared/data -o comes_and_goes/
    python Testing/benchmarks/comes_and_goes.py ../shared/data -o comes_and_goes/ --predictors guided shape nearest

Made-up volumes with noise, three of each kind with other numbers: beads, ladders, discs, screws, honeycombs, shells,
spines, gills, teeth, ribs, chess boards; each painted on evenly spaced planes (5, 10 and 20 %) and on three planes that
lie alike in each period. The real vertebrae of TPTBox along each axis, and along k painted on two planes 22 to 24 apart
wherever they lie. Prints a line a kind: how many, mean error, bias, how many lie in the interval, and of those with a
true Dice below .85 how many have a warning. OUTPUT/rows.csv has a line a volume; a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from quality import evenly_spaced

FRACTIONS = (0.05, 0.1, 0.2)
SEEDS = 3
PERIODS = (11, 14, 9)
LOW = 0.85
COLUMNS = ("predictor", "kind", "case", "planes", "expected", "low", "high", "true", "warnings")


class Scene:
    """A grid around an axis, with numbers that differ from seed to seed."""

    def __init__(self, seed: int):
        self.seed, self.period = seed, PERIODS[seed]
        self.random = np.random.default_rng(seed + 100)
        self.planes = 64 + 8 * seed
        rows, columns = 52 + 4 * seed, 60
        y, x = np.mgrid[:rows, :columns].astype(float)
        self.y, self.x = y - rows / 2 - self.random.normal(), x - columns / 2 - self.random.normal()
        self.away = np.hypot(self.y, self.x)

    def stack(self, plane: Callable[[int], np.ndarray]) -> np.ndarray:
        return np.stack([plane(k) for k in range(self.planes)])


def beads(s: Scene) -> np.ndarray:
    thread = s.away <= 3 if s.seed else np.zeros_like(s.away, bool)
    return s.stack(lambda k: thread | (np.hypot(s.away, (k % s.period - s.period / 2) * 1.4) <= 9 + s.seed))


def ladder(s: Scene) -> np.ndarray:
    flat, rails = np.abs(s.y) <= 4, np.abs(np.abs(s.x) - 16) <= 2.5
    return s.stack(lambda k: flat & (rails | ((np.abs(s.x) <= 16) & (k % s.period < s.period * (0.35 + 0.1 * s.seed)))))


def discs(s: Scene) -> np.ndarray:
    edges = np.cumsum(s.random.integers(4, 10, 40))
    return s.stack(lambda k: (s.away <= 11 + 2 * s.seed) & (np.searchsorted(edges, k) % 2 == 1))


def screw(s: Scene) -> np.ndarray:
    core = s.away <= 4 if s.seed else np.zeros_like(s.away, bool)

    def plane(k):
        turn = 2 * np.pi * k / s.period
        return core | (np.hypot(s.y - 12 * np.sin(turn), s.x - 12 * np.cos(turn)) <= 5 + s.seed)

    return s.stack(plane)


def honeycomb(s: Scene) -> np.ndarray:
    def plane(k):
        x = s.x + 4.5 * (k // (s.period // 2) % 2)
        waves = (x, 0.5 * x + 0.866 * s.y, 0.5 * x - 0.866 * s.y)
        return (sum(np.cos(2 * np.pi * wave / 10) for wave in waves) < -0.6 + 0.2 * s.seed) & (s.away <= 22)

    return s.stack(plane)


def shells(s: Scene) -> np.ndarray:
    def plane(k):
        radius = np.hypot(s.away, 0.8 * (k - s.planes / 2))
        return (radius // (3 + s.seed) % 2 == 0) & (radius <= 24)

    return s.stack(plane)


def gills(s: Scene) -> np.ndarray:
    step = 10 / s.period * (1 + s.seed % 2)
    return s.stack(lambda k: (s.away <= 20) & (np.abs((s.x + k % s.period * step) % 10 - 5) < 2))


def teeth(s: Scene) -> np.ndarray:
    bar = (np.abs(s.y + 12) <= 4) & (np.abs(s.x) <= 18)
    tooth = (np.abs(s.y - 3) <= 9 + s.seed) & (np.abs(s.x) <= 16)
    return s.stack(lambda k: bar | (tooth & (k % s.period < s.period // 2)))


def ribs(s: Scene) -> np.ndarray:
    ring = np.abs(s.away - 15 - s.seed) <= 2.2
    return s.stack(lambda k: ring & ((k + s.y // 3) % (s.period + 1) < 5))


def chess_board(s: Scene) -> np.ndarray:
    size = 6 + s.seed
    return s.stack(lambda k: (s.away <= 20) & ((s.y // size + s.x // size + k // (3 + s.seed)) % 2 == 0))


def goes_on(s: Scene) -> np.ndarray:
    """An organ: it grows, shrinks and bends, and nothing comes or goes."""
    return s.stack(lambda k: np.hypot(s.y - 5 * np.sin(k / 15), s.x + k / 12) <= 9 + s.seed + 4 * np.sin(k / 20))


def seen(s: Scene, truth: np.ndarray) -> np.ndarray:
    return (90 - 15 * s.seed) * truth.astype(np.float32)


def spine(s: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Arches go on; bodies come and go, little brighter than what lies between them, with bright rims."""
    inside, core = (((s.y + 9) / a) ** 2 + (s.x / (a + 3)) ** 2 <= 1 for a in (9, 8))
    arch = ((np.abs(np.hypot(s.y - 9, s.x) - 6) < 1.9) & (s.y > 6)) | ((np.abs(s.x) < 1.6) & (s.y > 13) & (s.y < 22))
    there = [k % (s.period + 6) <= s.period for k in range(s.planes)]
    truth = np.stack([arch | (inside & one) for one in there])
    image = np.stack([150 * arch + np.where(one, 70 * inside + 70 * (inside & ~core), 45 * inside) for one in there])
    return truth, image.astype(np.float32)


KINDS = (beads, ladder, discs, screw, honeycomb, shells, gills, teeth, ribs, chess_board, spine, goes_on)


def made_up() -> Iterator[tuple[str, str, np.ndarray, np.ndarray, tuple[float, float, float], list]]:
    """Kind, name, image, labels, spacing and the planes of each painting."""
    from scipy.ndimage import gaussian_filter

    for kind in KINDS:
        for seed in range(SEEDS):
            scene = Scene(seed)
            made = kind(scene)
            truth, image = made if isinstance(made, tuple) else (made, seen(scene, made))
            random = np.random.default_rng(seed)
            texture = gaussian_filter(random.normal(0, 1, truth.shape), 3)
            image = gaussian_filter(image, 0.6) + 10 * texture / texture.std() + random.normal(0, 15, truth.shape)
            period = scene.period + 6 * (kind is spine)
            held = np.flatnonzero(truth.any(axis=(1, 2)))
            alike = [range(int(held[0]) + first, int(held[-1]), period)[:3] for first in (6, period + 3)]
            yield kind.__name__, f"{kind.__name__} {seed}", image, truth, (1 + 0.5 * seed, 1.0, 1.0), alike


def vertebrae(data: Path):
    """The vertebrae of TPTBox along each axis; along k on two planes wherever they lie."""
    from SparseAnnotateLib.io import read_image, read_labels

    folder = data / "TPTBox_vertebra_CT"
    if not folder.exists():
        return
    for axis in "ijk":
        volume = read_image(folder / "image.nii.gz", axis=axis)
        labels = read_labels(folder / "label.nii.gz", volume).labels
        held = np.flatnonzero(labels.any(axis=(1, 2)))
        image, labels = (one[held[0] : held[-1] + 1] for one in (volume.intensities, labels))
        for name, truth in (("one", labels > 0), ("each", labels)):
            pairs = [[b, b + 24 - b % 3] for b in range(6, 20)] if (axis, name) == ("k", "one") else []
            yield f"TPTBox, {name}", f"TPTBox {axis} {name}", image, truth, volume.spacing_mm, []
            if pairs:
                yield "TPTBox, two planes", f"TPTBox {axis} {name}", image, truth, volume.spacing_mm, pairs


def judged(image, truth, spacing_mm, planes: list[int] | None, fraction: float | None, predictor: str) -> dict:
    """One prediction: what is expected of it, its true Dice, and its warnings."""
    from SparseAnnotateLib import PREDICTORS, Volume, run
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.metrics import dice_per_class, mean_of
    from SparseAnnotateLib.quality.expected import with_expected_quality

    values = np.unique(truth)
    expert = SimulatedExpert(np.searchsorted(values, truth).astype(np.uint8))
    annotation = expert.paint(planes or evenly_spaced(expert.plane_range, fraction))
    volume = Volume.from_array(image.astype(np.float32), spacing_mm)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    prediction = with_expected_quality(prediction, annotation, spacing_mm, predictor, volume.intensities)
    dice = dice_per_class(prediction.labels, expert.reference, annotation.class_count)
    low, high = prediction.expected_dice_interval or (None, None)
    return {
        "planes": " ".join(map(str, annotation.painted_planes)),
        "expected": prediction.expected_dice,
        "low": low,
        "high": high,
        "true": float(mean_of(dice)),
        "warnings": len(prediction.details.get("warnings", ())),
    }


def measured(given: argparse.Namespace) -> list[dict[str, str]]:
    """Every row, those that are missing computed."""
    file = given.output / "rows.csv"
    given.output.mkdir(exist_ok=True)
    rows = list(csv.DictReader(file.open())) if file.exists() else []
    done = {(row["predictor"], row["kind"], row["case"]) for row in rows}
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if not rows:
            writer.writeheader()
        for kind, name, image, truth, spacing_mm, alike in [*made_up(), *vertebrae(given.data)]:
            fractions = [] if kind == "TPTBox, two planes" else FRACTIONS
            paintings = [
                *((f"{name} {f:g}", None, f) for f in fractions),
                *((f"{name} {list(p)}", list(p), None) for p in alike),
            ]
            for case, planes, fraction in paintings:
                for predictor in given.predictors:
                    if (predictor, kind, case) in done:
                        continue
                    said = judged(image, truth, spacing_mm, planes, fraction, predictor)
                    row = {"predictor": predictor, "kind": kind, "case": case, **said}
                    writer.writerow(row)
                    stream.flush()
                    rows.append({key: "" if value is None else str(value) for key, value in row.items()})
    return [row for row in rows if row["predictor"] in given.predictors]


def table(rows: list[dict[str, str]], predictor: str) -> None:
    print(
        f"\n| `{predictor}` | number | mean error | bias | in the interval | warned of Dice below {LOW} | of others |"
    )
    print("|---|---|---|---|---|---|---|")
    mine = [row for row in rows if row["predictor"] == predictor and row["expected"]]
    for kind in dict.fromkeys(row["kind"] for row in mine):
        part = [row for row in mine if row["kind"] == kind]
        names = ("expected", "low", "high", "true", "warnings")
        expected, low, high, true, warned = (np.array([float(row[name]) for row in part]) for name in names)
        inside, few, told = (low <= true) & (true <= high), true < LOW, warned > 0
        print(
            f"| {kind} | {len(part)} | {np.abs(expected - true).mean():.3f} | {(expected - true).mean():+.3f} | "
            f"{inside.sum()} | {told[few].sum()} of {few.sum()} | {told[~few].sum()} of {(~few).sum()} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--predictors", nargs="+", default=["guided"])
    given = parser.parse_args()
    rows = measured(given)
    for predictor in given.predictors:
        table(rows, predictor)


if __name__ == "__main__":
    main()
