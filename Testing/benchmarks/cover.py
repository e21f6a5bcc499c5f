"""Planes by `cover` against evenly spaced ones: the same number of painted planes, the same predictor.

    python Testing/benchmarks/cover.py run ../shared/data -o cover/rows.csv --predictors shape
    python Testing/benchmarks/cover.py table -o cover/rows.csv

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. What is told, and who chooses:

    keep-n           the range of all structures is clicked; evenly spaced planes
    keep-n, clicks   the range of each structure is clicked, too, and told to the predictor
    cover            the range of all structures is clicked; planes by `cover`
    cover, clicks    the range of each structure is clicked, and told to the predictor
    cover, 2 rounds  the range of all is clicked; half of the planes by `cover`, four at least; then, from what they
                     show, the rest
    tapered          the range of all is clicked; planes closer together in its middle, by the cube root of the area of
                     an ellipsoid (Panter and Dite 1951), as the selector did that `cover` replaced

With `--alone` each structure of 8 planes or more is a case of its own, on the image cropped around it.

`run` appends a row for each case, fraction, strategy and predictor that is missing, smallest images first; it
goes on where it was interrupted. `table` prints the mean Dice over all planes (mean over structures, cases, data
sets), and the paired difference to `keep-n` over data sets with its 95 % confidence interval (t), for volumes with
several structures and for those with one. Rows also hold what painting costs: planes, clicks, outlines and millimetres
of contour.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import re
import time
from pathlib import Path

import numpy as np

STRATEGIES = {
    "keep-n": ("keep-n", "all", 1),
    "keep-n, clicks": ("keep-n", "structures", 1),
    "cover": ("cover", "all", 1),
    "cover, clicks": ("cover", "structures", 1),
    "cover, 2 rounds": ("cover", "all", 2),
    "tapered": ("tapered", "all", 1),
}
FIRST_ROUND = 4
KEY = ("case", "fraction", "strategy", "predictor", "tag")
COLUMNS = (*KEY, "structures", "planes", "dice", "per_structure", "clicks", "outlines", "contour_mm", "seconds_select")


def run(given) -> None:
    rows = Rows(given.output)
    for folder in folders_of(given.data, given.cases):
        if not given.alone and not missing(folder.name, given, rows):
            continue
        for case, *loaded in structures_of(folder) if given.alone else [(folder.name, *load(folder))]:
            known: dict[tuple, dict] = {}
            for predictor, fraction, strategy in missing(case, given, rows):
                measured = measure(*loaded, fraction, STRATEGIES[strategy], predictor, known)
                rows.add({
                    "case": case, "fraction": f"{fraction:g}", "strategy": strategy, "predictor": predictor,
                    "tag": given.tag, "structures": len(loaded[-1]), **measured,
                })  # fmt: skip
        print(folder.name, flush=True)


def missing(case: str, given, rows: Rows) -> list[tuple[str, float, str]]:
    """What is to be measured of a case and is not among the rows."""
    wanted = itertools.product(given.predictors, given.fractions, given.strategies)
    return [one for one in wanted if (case, f"{one[1]:g}", one[2], one[0], given.tag) not in rows]


def load(folder: Path):
    from SparseAnnotateLib.io import read_image, read_labels

    volume = read_image(folder / "image.nii.gz", axis="k")
    file = read_labels(folder / "label.nii.gz", volume)
    return volume, file.labels, file.classes


def structures_of(folder: Path):
    """(case, volume, reference, classes) of each structure of 8 planes or more, cropped around it within the planes."""
    from SparseAnnotateLib import Volume
    from SparseAnnotateLib.distances import bounding_box

    volume, reference, classes = load(folder)
    for one in classes:
        mask = reference == one.value
        shown = np.flatnonzero(mask.any(axis=(1, 2)))
        if len(shown) and shown[-1] - shown[0] >= 7:
            box = (slice(None), *bounding_box(mask.any(axis=0), 16))
            image = Volume.from_array(volume.intensities[box], volume.spacing_mm)
            yield f"{folder.name} {one.name}", image, np.where(mask[box], one.value, 0), [one]


def measure(volume, reference, classes, fraction, strategy, predictor, known) -> dict:
    from SparseAnnotateLib import PREDICTORS, SELECTORS
    from SparseAnnotateLib import run as predict
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.metrics import dice_per_class, mean_of
    from SparseAnnotateLib.selectors.base import count_for

    name, clicks, rounds = strategy
    expert = SimulatedExpert(reference, classes, clicks=clicks)
    first, last = expert.true_range
    count = count_for(fraction, last - first + 1)
    rng = np.random.default_rng(0)
    planes: list[int] = []
    started = time.perf_counter()
    for number in range(1, rounds + 1):
        wanted = round(count * number / rounds)
        if number < rounds:
            wanted = min(count, max(wanted, FIRST_ROUND))
        if name == "tapered":
            planes = tapered_planes(expert.true_range, len(reference), count)
        elif wanted > len(planes):
            annotation = expert.paint(planes)
            planes += [
                one.plane for one in SELECTORS.create(name).select(volume, annotation, wanted - len(planes), rng)
            ]
    seconds = time.perf_counter() - started
    # Strategies often ask for the same planes.
    key = (tuple(sorted(planes)), clicks, predictor)
    if key not in known:
        labels = predict(PREDICTORS.create(predictor), volume, expert.paint(planes)).labels
        dice = dice_per_class(labels, expert.reference, len(expert.classes))
        effort = expert.effort_of(expert.paint(planes), volume.spacing_mm)
        known[key] = {
            "planes": " ".join(map(str, key[0])),
            "dice": round(float(mean_of(dice)), 5),
            "per_structure": " ".join(f"{one:.4f}" for one in dice),
            "clicks": effort.clicks,
            "outlines": effort.outlines,
            "contour_mm": round(effort.contour_mm),
        }
    return {**known[key], "seconds_select": round(seconds, 3)}


def tapered_planes(plane_range: tuple[int, int], length: int, count: int) -> list[int]:
    """Planes by the cube root of an ellipsoid's area; where the range ends with the scan the structure is cut off."""
    (first, last), share = plane_range, (np.arange(np.ptp(plane_range) + 1) + 0.5) / (np.ptp(plane_range) + 1)
    area = np.where(first > 0, share, 1) * np.where(last < length - 1, 1 - share, 1)
    density = np.cbrt(area) * count / np.cbrt(area).sum()
    # At most one a plane.
    while (density > 1 + 1e-9).any():
        full = density >= 1
        density[full] = 1
        density[~full] *= (count - full.sum()) / density[~full].sum()
    reached = np.concatenate([[0], np.cumsum(density)])
    place = np.interp(np.arange(count) + 0.5, reached, np.arange(len(reached)))
    return (first + np.floor(np.round(place, 9)).astype(int)).tolist()


class Rows:
    """The rows of a CSV file; those with the same `KEY` count as one."""

    def __init__(self, file: Path):
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        if not file.exists():
            file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        with file.open(encoding="utf-8", newline="") as lines:
            self.all = list(csv.DictReader(lines))
        self._there = {tuple(row[name] for name in KEY) for row in self.all}

    def __contains__(self, key: tuple) -> bool:
        return key in self._there

    def add(self, row: dict) -> None:
        self._there.add(tuple(str(row[name]) for name in KEY))
        with self._file.open("a", encoding="utf-8", newline="") as out:
            csv.DictWriter(out, COLUMNS, lineterminator="\n").writerow(row)


def folders_of(data: Path, cases) -> list[Path]:
    images = sorted(data.glob("*/image.nii.gz"), key=lambda image: image.stat().st_size)
    return [image.parent for image in images if cases is None or image.parent.name in cases]


def data_set_of(case: str) -> str:
    """ALBERT03 and ALBERT04 are cases of one data set."""
    name = case.split("_")[0]
    return re.sub(r"\d+$", "", name) if name.startswith(("ALBERT", "STS")) else name


def table(given) -> None:
    rows = [row for row in Rows(given.output).all if data_set_of(row["case"]) not in given.without]
    head = ("structures", "predictor", "painted", "strategy", "volumes", given.against, "Dice", "gain", "better in")
    print("| " + " | ".join((*head, "lowest")) + " |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for several in (True, False):
        mine = [row for row in rows if (int(row["structures"]) > 1) == several and row["tag"] == given.tag]
        for predictor in sorted({row["predictor"] for row in mine}):
            for fraction in sorted({row["fraction"] for row in mine}, key=float):
                for strategy in given.strategies:
                    line(several, predictor, fraction, strategy, given.against, mine)


def line(several, predictor, fraction, strategy, against, rows) -> None:
    def of(name):
        return {
            row["case"]: float(row["dice"])
            for row in rows
            if (row["predictor"], row["fraction"], row["strategy"]) == (predictor, fraction, name)
        }

    base, dice = of(against), of(strategy)
    cases = sorted(set(base) & set(dice))
    if not cases:
        return
    sets = np.array([data_set_of(case) for case in cases])
    names = np.unique(sets)
    before, after = (
        np.array([np.mean([values[case] for case in np.array(cases)[sets == one]]) for one in names])
        for values in (base, dice)
    )
    gain = after - before
    worst = names[gain.argmin()]
    print(
        f"| {'several' if several else 'one'} | {predictor} | {100 * float(fraction):g} % | {strategy} | "
        f"{len(cases)} of {len(names)} | {before.mean():.3f} | {after.mean():.3f} | "
        f"{gain.mean():+.4f} ± {half_width(gain):.4f} | {int((gain > 1e-9).sum())} | {gain.min():+.3f} ({worst}) |"
    )


def half_width(values: np.ndarray) -> float:
    """Of the 95 % confidence interval of a mean."""
    from scipy import stats

    if len(values) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["run", "table"])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.05, 0.1, 0.2])
    parser.add_argument(
        "--strategies", nargs="+", default=list(STRATEGIES)[:-1], choices=list(STRATEGIES), metavar="NAME"
    )
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="names of folders; by default all")
    parser.add_argument("--predictors", nargs="+", default=["shape"])
    parser.add_argument("--against", default="keep-n", metavar="NAME", help="the strategy that the table compares with")
    parser.add_argument("--without", nargs="+", default=[], metavar="SET", help="data sets that the table leaves out")
    parser.add_argument("--alone", action="store_true", help="each structure is a case of its own")
    parser.add_argument("--tag", default="", help="tells versions of the code apart")
    given = parser.parse_args()
    if given.data is None and given.step == "run":
        parser.error("run needs the folder of cases")
    {"run": run, "table": table}[given.step](given)


if __name__ == "__main__":
    main()
