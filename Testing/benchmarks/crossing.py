"""What one plane of each other axis adds to three along the annotation axis, and what it costs where it adds nothing.

    py Testing/benchmarks/crossing.py guided [VOLUME ...]

The planes of the other axes lie where they show most voxels, where half of the voxels are behind them, at the centre of
mass and in the middle of what is labelled. Dice over the structures and the volume: three planes; with the other planes
as known voxels only; with what is predicted beside them pulled to their outlines.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from SparseAnnotateLib import SparseAnnotation, run
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.simulation import measures_of
from SparseAnnotateLib.io import read_image, read_labels
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateLib.predictors.crossing import pulled_to_crossing

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PLANES = 3
VOLUMES = (
    "MSD_hippocampus_014",
    "MSD_hippocampus_056",
    "MSD_hippocampus_163",
    "PROMISE12_demo0",
    "TPTBox_vertebra_CT",
    "SCT_t2",
    "STS003_sarcoma_MRT1",
    "OpenKBP_pt_60",
    "TotalSeg_example_ct_sm",
    "ProtonLung_0004",
    "LA2018_45C45I6I",
    "StrokeT2_clinical",
)


def places(reference: np.ndarray) -> Iterator[dict[int, int]]:
    """A row (1) and a column (2) by four rules, each pair once."""
    seen = []
    profiles = {axis: (reference > 0).sum(axis=(0, 3 - axis)) for axis in (1, 2)}
    for rule in (
        np.argmax,
        lambda profile: round(np.average(np.arange(len(profile)), weights=profile)),
        lambda profile: np.searchsorted(profile.cumsum(), profile.sum() / 2),
        lambda profile: np.flatnonzero(profile)[[0, -1]].sum() // 2 + np.flatnonzero(profile)[[0, -1]].sum() % 2,
    ):
        pair = {axis: int(rule(profile)) for axis, profile in profiles.items()}
        if pair not in seen:
            seen.append(pair)
            yield pair


def measured(name: str, predictor: str) -> np.ndarray:
    """Dice of three planes, with others as known voxels, and pulled: a row a pair of other planes."""
    volume = read_image(DATA / name / "image.nii.gz")
    file = read_labels(DATA / name / "label.nii.gz", volume)
    expert = SimulatedExpert(file.labels, file.classes)
    first, last = expert.plane_range
    planes = [first + (2 * part + 1) * (last - first + 1) // (2 * PLANES) for part in range(PLANES)]
    plain = expert.paint(planes)
    prediction = run(PREDICTORS.create(predictor, {"seed": 0}), volume, plain)

    def dice(labels: np.ndarray, annotation: SparseAnnotation) -> float:
        kept = np.where(annotation.known, annotation.labels, labels)
        return measures_of(kept, expert, annotation.open_planes, volume.spacing_mm)["dice_all"]

    rows = []
    for pair in places(expert.reference):
        crossed = plain
        for axis, one in pair.items():
            crossed = expert.paint_along(crossed, axis, [one])
        pulled = pulled_to_crossing(prediction, crossed, volume.spacing_mm)
        rows.append([dice(prediction.labels, plain), dice(prediction.labels, crossed), dice(pulled.labels, crossed)])
        print(f"    {name} {pair} {np.round(rows[-1], 4).tolist()}", flush=True)
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictor")
    parser.add_argument("names", nargs="*", default=VOLUMES)
    arguments = parser.parse_args()
    means = []
    for name in arguments.names:
        rows = measured(name, arguments.predictor)
        means.append(rows.mean(axis=0))
        gain = rows[:, 2] - rows[:, 1]
        print(f"| {name} | " + " | ".join(f"{one:.3f}" for one in means[-1]) + f" | {gain.min():+.3f} |", flush=True)
    print(f"| mean of {len(means)} | " + " | ".join(f"{one:.4f}" for one in np.mean(means, axis=0)) + " |")


if __name__ == "__main__":
    main()
