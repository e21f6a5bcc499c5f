"""Paints what `cohort suggest` asks for, as an expert who knows the reference would; and compares a network with it.

    python Testing/benchmarks/cohort_rounds.py paint DATA --images P --labels P -o SCANS --every 16    # first
    sparse-annotate cohort train SCANS --planes SCANS/planes.csv -o m1.safetensors ...
    sparse-annotate cohort suggest m1.safetensors SCANS --planes SCANS/planes.csv --count 40 -o round1.csv
    python Testing/benchmarks/cohort_rounds.py paint DATA --images P --labels P -o SCANS --table round1.csv
    python Testing/benchmarks/cohort_rounds.py compare DATA --images P --labels P --models m1.safetensors m2.safetensors

SCANS becomes a folder a scan with image.nii.gz and labels.nii.gz, and planes.csv for --planes, which tells the planes
that were looked at and are empty; a plane that is painted stays so.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from SparseAnnotateLib import metrics
from SparseAnnotateLib.cohort import worklist
from SparseAnnotateLib.cohort.applying.heads import Applying
from SparseAnnotateLib.cohort.applying.looking import look_at
from SparseAnnotateLib.cohort.model import load_model
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.evaluation.grid.planner import View
from SparseAnnotateLib.evaluation.simulation.loading import load_case
from SparseAnnotateLib.io import read_image, read_labels, write_labels
from SparseAnnotateLib.io.tables import read_table


def paint(arguments, cases) -> None:
    asked = {} if arguments.table is None else worklist.waiting(worklist.read(arguments.table))
    # Planes that are asked for and hold nothing are said to be empty: give the table with --planes.
    table = arguments.output / "planes.csv"
    known = {}
    if table.exists():
        known = {row["name"]: [int(one) for one in row["empty"].split()] for row in read_table(table)}
    total, rows = 0, ["name,empty"]
    for case in cases:
        folder = arguments.output / case.name
        folder.mkdir(parents=True, exist_ok=True)
        volume = read_image(case.image, arguments.axis)
        reference = read_labels(case.labels, volume)
        path = folder / "labels.nii.gz"
        planes = [one.plane for one in asked.get(case.name, [])]
        if arguments.every is not None:
            planes += range(arguments.every // 2, volume.planes, arguments.every)
        painted = read_labels(path, volume).labels if path.exists() else np.zeros(volume.shape, np.uint8)
        painted[planes] = reference.labels[planes]
        shown = painted.any(axis=(1, 2))
        empty = sorted({*known.get(case.name, []), *(plane for plane in planes if not shown[plane])})
        rows.append(f"{case.name},{' '.join(map(str, empty))}")
        total += int(shown.sum()) + len(empty)
        shutil.copy(case.image, folder / "image.nii.gz")
        numbers = np.zeros(256, np.uint8)
        for number, one in enumerate(reference.classes, 1):
            numbers[one.value] = number
        write_labels(path, numbers[painted], volume, reference.classes)
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{total} planes of {len(cases)} scans are painted")


def compare(arguments, cases) -> None:
    for path in arguments.models:
        model, dice = load_model(path), []
        for case in cases:
            loaded = load_case(case, View(axis=arguments.axis), "0", 0)
            look = look_at(model, loaded.volume, Applying(device="cpu", overlap=0.25))
            classes = len(loaded.expert.classes)
            dice.append(metrics.mean_of(metrics.dice_per_class(look.labels, loaded.expert.reference, classes)))
        print(f"{path}: Dice of {len(cases)} scans {np.mean(dice):.3f} ± {np.std(dice, ddof=1):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("paint", "compare"))
    parser.add_argument("data")
    parser.add_argument("--images", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--every", type=int)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--models", nargs="+", default=[])
    parser.add_argument("--axis", default="k")
    arguments = parser.parse_args()
    cases = find_labelled_cases(arguments.data, images=arguments.images, labels=arguments.labels)
    {"paint": paint, "compare": compare}[arguments.task](arguments, cases)


if __name__ == "__main__":
    main()
