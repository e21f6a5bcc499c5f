"""Every selector with every predictor on every case of a folder: mean Dice as a Markdown table.

    python Testing/benchmarks/grid.py ../shared/data -o grid.csv
    python Testing/benchmarks/grid.py ../shared/data -o grid.csv --table

Each case is a folder with image.nii.gz and label.nii.gz, annotated along k. One line of the CSV is one
`sparse-annotate simulate`; lines that are there already are not run again, so the script can be stopped at any time.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

COLUMNS = ("case", "selector", "predictor", "fraction", "seed", "dice_all", "dice_unpainted", "average_hausdorff_mm")
COLUMNS += ("seconds_select", "seconds_predict", "expected_dice", "error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--selectors", default="random,keep-n,block,kmeans,histogram")
    parser.add_argument("--predictors", default="nearest,shape,morphology")
    parser.add_argument("--fractions", default="0.1,0.2,0.5")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    arguments = parser.parse_args()
    if not arguments.table:
        run(arguments)
    print(table(read(arguments.output)))


def run(arguments) -> None:
    grid = [arguments.selectors.split(","), arguments.predictors.split(","), map(float, arguments.fractions.split(","))]
    settings = list(itertools.product(*grid))
    done = {(row["case"], row["selector"], row["predictor"], float(row["fraction"])) for row in read(arguments.output)}
    cases = sorted(path.parent for path in arguments.data.glob("*/label.nii.gz"))
    with ProcessPoolExecutor(arguments.workers) as pool:
        todo = [[one for one in settings if (case.name, *one) not in done] for case in cases]
        for rows in pool.map(run_case, cases, todo):
            append(arguments.output, rows)


def run_case(case: Path, settings) -> list[dict]:
    """All missing rows of a case; an error becomes a row too."""
    if not settings:
        return []
    from SparseAnnotateLib import PREDICTORS, SELECTORS
    from SparseAnnotateLib.evaluation.expert import SimulatedExpert
    from SparseAnnotateLib.evaluation.simulation import simulate
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.selectors.base import count_for

    volume = read_image(case / "image.nii.gz", axis="k")
    file = read_labels(case / "label.nii.gz", volume)
    expert = SimulatedExpert(file.labels, file.classes)
    planes = expert.plane_range[1] - expert.plane_range[0] + 1
    rows = []
    for selector, predictor, fraction in settings:
        row = {"case": case.name, "selector": selector, "predictor": predictor, "fraction": fraction, "seed": 0}
        try:
            outcome = simulate(
                volume,
                expert,
                SELECTORS.create(selector),
                PREDICTORS.create(predictor),
                count=count_for(fraction, planes),
            )
            row |= {name: outcome.measured[name] for name in COLUMNS if name in outcome.measured}
        except Exception as error:  # noqa: BLE001 (a failure is a result of this benchmark)
            row["error"] = repr(error)
        rows.append(row)
    return rows


def read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, rows: list[dict]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def table(rows: list[dict]) -> str:
    """Mean and standard deviation over cases of the Dice over all planes, and over the unpainted ones."""
    cells = defaultdict(list)
    for row in rows:
        if not row["error"]:
            cells[row["selector"], row["predictor"], float(row["fraction"])].append(row)
    fractions = sorted({key[2] for key in cells})
    lines = ["| selector | predictor | " + " | ".join(f"{fraction:.0%}" for fraction in fractions) + " | cases |"]
    lines.append("|---" * (3 + len(fractions)) + "|")
    for selector, predictor in sorted({key[:2] for key in cells}):
        shown = []
        for fraction in fractions:
            found = cells[selector, predictor, fraction]
            dice = np.array([float(row["dice_all"]) for row in found])
            unpainted = np.array([float(row["dice_unpainted"]) for row in found if row["dice_unpainted"]])
            shown.append(f"{dice.mean():.3f} ± {dice.std():.3f} ({unpainted.mean():.3f})")
        lines.append(f"| {selector} | {predictor} | " + " | ".join(shown) + f" | {len(found)} |")
    failures = sum(bool(row["error"]) for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} runs, {failures} failed."])


if __name__ == "__main__":
    main()
