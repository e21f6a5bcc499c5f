"""Expected against true Dice of structures that come and go between painted planes, and who is warned of them.

    python Testing/benchmarks/comes_and_goes.py ../shared/data -o comes_and_goes/
    python Testing/benchmarks/comes_and_goes.py ../shared/data -o comes_and_goes/ --predictors guided shape nearest

Made-up volumes with noise, three of each kind with other numbers: beads, ladders, discs, screws, honeycombs, shells,
spines, gills, teeth, ribs, chess boards, organs that go on, membranes and sheets (made_up.py); each painted on evenly
spaced planes (5, 10 and 20 %) and on three planes that lie alike in each period. The real vertebrae of TPTBox along
each axis, and along k painted on two planes 22 to 24 apart wherever they lie. Prints a line a kind: how many, mean
error, bias, how many lie in the interval, and of those with a true Dice below .85 how many have a warning.
OUTPUT/rows.csv has a line a volume; a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
from made_up import made_up
from quality import evenly_spaced

FRACTIONS = (0.05, 0.1, 0.2)
LOW = 0.85
COLUMNS = ("predictor", "kind", "case", "planes", "expected", "low", "high", "true", "warnings")


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
        made = ((v.kind, v.name, v.image, v.truth, v.spacing_mm, v.alike) for v in made_up())
        for kind, name, image, truth, spacing_mm, alike in itertools.chain(made, vertebrae(given.data)):
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
