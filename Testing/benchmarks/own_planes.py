"""Every structure painted on planes of its own against all structures on common planes, on volumes of shared/data.

    py Testing/benchmarks/own_planes.py shape --rows FOLDER           measure, or go on
    py Testing/benchmarks/own_planes.py guided --rows FOLDER --table  only print what is there

As many planes for each structure as for all together, evenly spaced over its own range, or over that of all.
The labels go through `completeness.understood`, as those of a file do. A row a volume and share; a finished row stays.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from SparseAnnotateLib import SparseAnnotation, run
from SparseAnnotateLib.completeness import understood
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.simulation import measures_of
from SparseAnnotateLib.io import read_image, read_labels
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateLib.quality.expected import with_expected_quality
from SparseAnnotateLib.selectors.base import count_for

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SHARES = (0.05, 0.1)


def measured(name: str, predictor: str, share: float) -> dict:
    """Dice and expected Dice of both ways to paint one volume; nothing where it has one structure only."""
    volume = read_image(DATA / name / "image.nii.gz")
    file = read_labels(DATA / name / "label.nii.gz", volume)
    expert = SimulatedExpert(file.labels, file.classes)
    if len(expert.classes) < 2:
        return {}
    first, last = expert.plane_range
    count = count_for(share, last - first + 1)
    common = [first + (2 * part + 1) * (last - first + 1) // (2 * count) for part in range(count)]
    own = expert.paint_structures(expert.own_planes(count))
    labels = own.to_values(own.labels)
    told = understood(
        SparseAnnotation.from_painted_planes(labels, classes=expert.classes), image=volume.intensities
    ).annotation
    row = {"planes": count, "structures": len(expert.classes)}
    for way, annotation in (
        ("common", expert.paint(common)),
        ("own", own),
        ("told", told.with_range(first, last)),
    ):
        prediction = run(PREDICTORS.create(predictor, {"seed": 0}), volume, annotation)
        prediction = with_expected_quality(prediction, annotation, volume.spacing_mm, predictor, volume.intensities)
        measures = measures_of(prediction.labels, expert, annotation.open_planes, volume.spacing_mm)
        row[way] = measures["dice_all"]
        row[f"{way} expected"] = prediction.expected_dice
    return row


def show(folder: Path, predictor: str) -> None:
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{predictor}_*.json"))]
    print("| predictor | share | volumes | common | own, said | own, told | own - common | worst | expected - own |")
    print("|---|---|---|---|---|---|---|---|---|")
    for share in SHARES:
        ones = [row for row in rows if row["share"] == share and "own" in row]
        if not ones:
            continue
        common, own, told = (np.array([row[way] for row in ones], float) for way in ("common", "own", "told"))
        expected = np.array([row["own expected"] for row in ones], float)
        print(
            f"| {predictor} | {share:.0%} | {len(ones)} | {common.mean():.4f} | {own.mean():.4f} | {told.mean():.4f} "
            f"| {(own - common).mean():+.4f} (sd {(own - common).std():.4f}) | {(own - common).min():+.4f} "
            f"| {np.nanmean(expected - own):+.4f} |"
        )
    for row in rows:
        if "own" in row:
            print(f"    {row['name']:28} {row['share']:.2f} {row['common']:.4f} {row['own']:.4f} {row['told']:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictor")
    parser.add_argument("--rows", type=Path, required=True, metavar="FOLDER", help="where the rows are kept")
    parser.add_argument("--table", action="store_true", help="print what is there, measure nothing")
    arguments = parser.parse_args()
    arguments.rows.mkdir(parents=True, exist_ok=True)
    folders = sorted(DATA.iterdir(), key=lambda one: (one / "image.nii.gz").stat().st_size if one.is_dir() else 0)
    for folder in () if arguments.table else [one for one in folders if one.is_dir()]:
        for share in SHARES:
            path = arguments.rows / f"{arguments.predictor}_{folder.name}_{share}.json"
            if not path.exists():
                row = {"name": folder.name, "share": share, **measured(folder.name, arguments.predictor, share)}
                path.write_text(json.dumps(row))
                print(row, flush=True)
    show(arguments.rows, arguments.predictor)


if __name__ == "__main__":
    main()
