"""`guided` with and without its prior network: one structure of each of 33 volumes of 22 data sets.

    python Testing/prior_network/judge.py ../shared/data rows.jsonl
    python Testing/prior_network/judge.py ../shared/data rows.jsonl --weights FOLDER/prior_network.npz

The structure is the largest of its volume or the one of median size, its ends are known, and max(2, round(fraction x
range)) evenly spaced, centred planes of it are painted. A volume on which two fractions paint the same planes is
judged with the smaller one only. Dice over all planes of the range, seconds of the processor; first without and then
with the network, in the same process. Rows that are there are not measured again. Means over data sets of the means
over their volumes, with a 95 % interval (t); a volume for which the network is not asked counts as unchanged.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

import numpy as np

LARGEST = (
    "LA2018_45C45I6I",
    "LA2018_5QFK2PMH",
    "BRATS2015_pat0001",
    "IBSR_01",
    "MSD_hippocampus_014",
    "FetalAtlas_SB_GA25_operated",
    "BTCV_SABS2_abdomenCT",
    "CHAOS_MRT2_1_abdomen",
    "ACDC_patient002_cineMR",
    "CMR_bSSFP_02_heart",
    "MSCMR_subject1_LGE",
    "STS003_sarcoma_MRT1",
    "STS004_sarcoma_MRT1",
    "OpenKBP_pt_200",
    "PROMISE12_demo0",
    "StrokeT2_clinical",
    "SCT_t2",
    "ProtonLung_0004",
    "TPTBox_vertebra_CT",
)
OF_MEDIAN_SIZE = (
    "BRATS2015_pat0003",
    "OASIS_MICCAI2012_1000",
    "IBSR_08",
    "MSD_hippocampus_056",
    "FetalAtlas_Chinese28",
    "BTCV_SABS1_abdomenCT",
    "ALBERT03_neonatalT2",
    "CHAOS_MRT2_2_abdomen",
    "ACDC_patient003_cineMR",
    "CMR_bSSFP_04_heart",
    "OpenKBP_pt_60",
    "Colin27_AAL",
    "MNI152_tissue",
    "TotalSeg_chest_ct",
)


def load(folder: Path):
    """The volume and one of its structures, uint8."""
    from SparseAnnotateLib.io import read_image, read_labels

    volume = read_image(folder / "image.nii.gz", axis="k")
    labels = read_labels(folder / "label.nii.gz", volume).labels
    sizes = np.bincount(labels.ravel())
    numbers = [number for number in np.argsort(-sizes, kind="stable") if number and sizes[number]]
    number = numbers[0 if folder.name in LARGEST else len(numbers) // 2]
    return volume, (labels == number).astype(np.uint8)


def painted(truth: np.ndarray, fraction: float) -> tuple[list[int], tuple[int, int]]:
    """Painted planes, and the structure's range."""
    occupied = np.flatnonzero(truth.any(axis=(1, 2)))
    first, last = int(occupied[0]), int(occupied[-1])
    length = last - first + 1
    count = max(2, round(fraction * length))
    return sorted({first + int((n + 0.5) * length / count) for n in range(count)}), (first, last)


def measure(case: str, fraction: float, volume, truth: np.ndarray) -> dict:
    """Without and with the network; the latter only where it is asked."""
    from SparseAnnotateLib import PREDICTORS, SparseAnnotation, run
    from SparseAnnotateLib.annotation import LabelClass
    from SparseAnnotateLib.metrics import dice
    from SparseAnnotateLib.predictors.guided.network import may_help

    planes, (first, last) = painted(truth, fraction)
    structure = LabelClass(1, "structure")
    annotation = SparseAnnotation.from_painted_planes(truth, planes, classes=(structure,), plane_range=(first, last))
    row = {"case": case, "fraction": fraction, "painted": len(planes), "asked": may_help(annotation)}
    for word in ("off", "on") if row["asked"] else ("off",):
        started = time.process_time()
        prediction = run(PREDICTORS.create("guided", {"prior_network": word}), volume, annotation)
        row[f"seconds_{word}"] = round(time.process_time() - started, 3)
        row[f"dice_{word}"] = round(float(dice(prediction.labels[first : last + 1], truth[first : last + 1])), 5)
    return {"dice_on": row["dice_off"]} | row


def warm_up() -> None:
    """Import what is imported at the first prediction, which no row is to pay."""
    from SparseAnnotateLib import Volume

    rng = np.random.default_rng(0)
    truth = np.zeros((8, 32, 32), np.uint8)
    truth[:, 8:24, 8:24] = 1
    measure("made up", 0.3, Volume.from_array(rng.normal(truth, 0.3).astype(np.float32)), truth)


def data_set_of(case: str) -> str:
    """What stands before the first underscore, without its number."""
    return re.sub(r"\d+$", "", case.split("_")[0])


def table(rows: list[dict]) -> str:
    """A line for each fraction."""
    from scipy.stats import t

    lines = [
        "| painted | data sets, volumes | asked | `guided` | with the network | up, down | lowest, highest | time |"
    ]
    lines.append("|---" * 8 + "|")
    for fraction in sorted({row["fraction"] for row in rows}):
        some = [row for row in rows if row["fraction"] == fraction]
        sets: dict[str, list[tuple[float, float]]] = {}
        for row in some:
            sets.setdefault(data_set_of(row["case"]), []).append((row["dice_off"], row["dice_on"] - row["dice_off"]))
        before, gains = np.transpose([np.mean(each, axis=0) for each in sets.values()])
        half = t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
        asked = [row for row in some if row["asked"]]
        ratio = sum(row["seconds_on"] for row in asked) / sum(row["seconds_off"] for row in asked)
        each = sorted((row["dice_on"] - row["dice_off"], row["case"]) for row in asked)
        ends = ", ".join(f"{case} {gain:+.3f}" for gain, case in (each[0], each[-1]))
        lines.append(
            f"| {fraction:.0%} | {len(gains)}, {len(some)} | {len(asked)} | {before.mean():.3f} "
            f"| {gains.mean():+.4f} ± {half:.4f}, median {np.median(gains):+.4f} "
            f"| {(gains > 5e-5).sum()}, {(gains < -5e-5).sum()} | {ends} | {ratio:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of cases, each with image.nii.gz and label.nii.gz")
    parser.add_argument("rows", type=Path, help="JSON lines")
    parser.add_argument("--fractions", default="0.05,0.1,0.2")
    parser.add_argument("--weights", type=Path, help="others than those of the package")
    arguments = parser.parse_args()
    if arguments.weights:
        from SparseAnnotateLib.predictors.guided import convolutions

        convolutions.WEIGHTS = arguments.weights
    rows = [json.loads(line) for line in arguments.rows.read_text().splitlines()] if arguments.rows.exists() else []
    done = {(row["case"], row["fraction"]) for row in rows}
    fractions = [float(fraction) for fraction in arguments.fractions.split(",")]
    warm_up()
    for case in sorted((*LARGEST, *OF_MEDIAN_SIZE)):
        volume, truth = load(arguments.data / case)
        same = [painted(truth, fraction)[0] for fraction in fractions]
        for number, fraction in enumerate(fractions):
            if same[number] in same[:number] or (case, fraction) in done:
                continue
            rows.append(measure(case, fraction, volume, truth))
            with arguments.rows.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()
