"""`guided` with and without its prior network: one structure of each of 33 volumes of 22 data sets.

    python Testing/prior_network/judge.py ../shared/data rows.jsonl
    python Testing/prior_network/judge.py ../shared/data rows.jsonl --weights FOLDER/prior_network.npz
    python Testing/prior_network/judge.py ../shared/data others.jsonl --others --fractions 0.05

The structure is the largest of its volume or the one of median size; `--others`: up to four others of every volume of
the folder, from the largest to the smallest, one by one. Its ends are known, and max(2, round(fraction x range)) evenly
spaced, centred planes of it are painted. Where two fractions paint the same planes (two of 20 are 10 %) these are
predicted once and counted at both; the second table leaves them out at the larger one. Dice over all planes of the
range, seconds of the processor; first without and then with the network, in the same process. Rows that are there are
not measured again. Means over data sets of the means over their volumes, with a 95 % interval (t); a volume for which
the network is not asked counts as unchanged.
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


FEWEST_PLANES_OF_OTHERS, MOST_OTHERS = 8, 4


def load(folder: Path, others: bool = False):
    """The volume and some of its structures: number -> uint8."""
    from SparseAnnotateLib.io import read_image, read_labels

    volume = read_image(folder / "image.nii.gz", axis="k")
    labels = read_labels(folder / "label.nii.gz", volume).labels
    sizes = np.bincount(labels.ravel())
    numbers = [int(number) for number in np.argsort(-sizes, kind="stable") if number and sizes[number]]
    judged = [numbers[0 if folder.name in LARGEST else len(numbers) // 2]]
    if others:
        rest = [number for number in numbers if folder.name not in (*LARGEST, *OF_MEDIAN_SIZE) or number not in judged]
        chosen = np.linspace(0, len(rest) - 1, min(len(rest), MOST_OTHERS)).round().astype(int)
        judged = [rest[place] for place in chosen]
    return volume, {number: (labels == number).astype(np.uint8) for number in judged}


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
        row["share"] = prediction.details.get("pool_weights", {}).get("network")
        row[f"dice_{word}"] = round(float(dice(prediction.labels[first : last + 1], truth[first : last + 1])), 5)
    return {"dice_on": row["dice_off"]} | row


def _is_asked(truth: np.ndarray, fraction: float) -> bool:
    """Whether a structure has planes enough, and so few of them are painted that the network is asked."""
    from SparseAnnotateLib.predictors.guided.network import MOST_PAINTED_PLANES

    planes = np.count_nonzero(truth.any(axis=(1, 2)))
    return planes >= FEWEST_PLANES_OF_OTHERS and len(painted(truth, fraction)[0]) <= MOST_PAINTED_PLANES


def judge(case: str, volume, truth: np.ndarray, fractions: list[float], rows: list[dict], path: Path) -> None:
    """Add to `rows`, and to their file, what is not there."""
    same = [painted(truth, fraction)[0] for fraction in fractions]
    for number, fraction in enumerate(fractions):
        if any((row["case"], row["fraction"]) == (case, fraction) for row in rows):
            continue
        if same[number] in same[:number]:
            smaller = fractions[same.index(same[number])]
            (row,) = [row for row in rows if (row["case"], row["fraction"]) == (case, smaller)]
            rows.append(row | {"fraction": fraction, "same_as": smaller})
        else:
            rows.append(measure(case, fraction, volume, truth))
        with path.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")


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
    parser.add_argument("--others", action="store_true", help="the other structures, of all volumes of the folder")
    parser.add_argument("--weights", type=Path, help="others than those of the package")
    arguments = parser.parse_args()
    if arguments.weights:
        from SparseAnnotateLib.predictors.guided import convolutions

        convolutions.WEIGHTS = arguments.weights
    rows = [json.loads(line) for line in arguments.rows.read_text().splitlines()] if arguments.rows.exists() else []
    fractions = [float(fraction) for fraction in arguments.fractions.split(",")]
    warm_up()
    cases = sorted((*LARGEST, *OF_MEDIAN_SIZE))
    if arguments.others:
        cases = sorted(image.parent.name for image in arguments.data.glob("*/image.nii.gz"))
    for case in cases:
        volume, structures = load(arguments.data / case, arguments.others)
        for number, truth in structures.items():
            name = f"{case} {number}" if arguments.others else case
            if not arguments.others or _is_asked(truth, fractions[0]):
                judge(name, volume, truth, fractions, rows, arguments.rows)
    sys.stdout.write(table(rows) + "\n\n" + table([row for row in rows if "same_as" not in row]) + "\n")


if __name__ == "__main__":
    main()
