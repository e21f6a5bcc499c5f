"""How well P-DSC and P-accuracy of `attention-unet3d` tell the true Dice of a plane: figure 4 of Zhang 2019.

    python Testing/benchmarks/attention_agreement.py ../shared/data -o agreement/
    python Testing/benchmarks/attention_agreement.py ../shared/data -o agreement/ --cases SCT_t2 --seconds 60

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked, evenly
spaced, centred planes are painted. The network trains as many iterations as `--seconds` of one core hold (counted, at
5.2e-6 s a voxel and step, no stopwatch). What was computed stays in OUTPUT (a file a case), so that a run can be
interrupted; --show draws what is there. Prints, a line a case, Spearman's rank correlation over the unpainted planes of
the range of P-DSC with the Dice of all structures as one (Zhang's measure), of P-accuracy with the mean Dice of the
structures where there are several, and of the Dice that our model of interpolation expects; draws OUTPUT/agreement.png.

    python Testing/benchmarks/attention_agreement.py ../shared/data -o agreement/ --next shape guided

paints a third more planes, where the heads agree least (the selector `attention`), by `expected-gain`, by `uncertainty`
and evenly (all of them anew, `keep-n`), and predicts with these predictors: the same number of planes for all. Prints
the Dice and the paired difference to `keep-n`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

CASES = [
    "MSD_hippocampus_014",
    "MSD_hippocampus_056",
    "MSD_hippocampus_163",
    "SCT_t2",
    "PROMISE12_demo0",
    "TPTBox_vertebra_CT",
    "LA2018_45C45I6I",
    "OpenKBP_pt_60",
    "TotalSeg_example_ct_sm",
    "LA2018_5QFK2PMH",
]
NEXT = ["keep-n", "attention", "expected-gain", "uncertainty"]
SECONDS_PER_VOXEL = 5.2e-6


def measure(folder: Path, fraction: float, seconds: float, seed: int, file: Path) -> None:
    """Train, predict, and write what the heads agree on beside the true Dice of each plane."""
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.evaluation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.learning.patches import region_of
    from SparseAnnotateLib.metrics import dice_per_class, dice_per_plane, mean_of
    from SparseAnnotateLib.quality.agreement import p_dsc
    from SparseAnnotateLib.quality.expected import expected_quality

    volume = read_image(folder / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(folder / "label.nii.gz", volume).labels)
    annotation = expert.paint(evenly_spaced(expert.plane_range, fraction))
    lengths = [side.stop - side.start for side in region_of(annotation)]
    patch = [min(most, -(-length // 8) * 8) for most, length in zip((16, 64, 64), lengths, strict=True)]
    iterations = int(seconds / (SECONDS_PER_VOXEL * 2 * np.prod(patch)))
    options = {"iterations": iterations, "budget_s": 1e6, "seed": seed, "device": "cpu"}
    result = run(PREDICTORS.create("attention-unet3d", options), volume, annotation)
    count, unpainted = annotation.class_count, annotation.unpainted_planes
    quality = expected_quality(result, annotation, volume.spacing_mm, "attention-unet3d")
    truth = expert.reference
    np.savez(
        file,
        planes=unpainted,
        painted=annotation.painted_planes,
        plane_range=expert.plane_range,
        structures=count,
        iterations=iterations,
        p_dsc=np.array(result.details["p_dsc"])[unpainted],
        p_accuracy=np.array(result.details["p_accuracy"])[unpainted],
        expected=quality.per_plane[unpainted],
        dice_as_one=p_dsc(result.labels, truth)[unpainted],
        dice_mean=mean_of(dice_per_plane(result.labels, truth, count)[unpainted], axis=1),
        volume_dice=mean_of(dice_per_class(result.labels, truth, count)),
    )


def evenly_spaced(plane_range, fraction: float) -> list[int]:
    first, last = plane_range
    length = last - first + 1
    count = max(2, int(np.floor(fraction * length + 0.5)))
    return sorted({int(np.floor(first + (n + 0.5) * length / count)) for n in range(count)})


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    there = np.isfinite(a) & np.isfinite(b)
    a, b = a[there], b[there]
    return float(spearmanr(a, b).statistic) if len(a) > 2 and np.ptp(a) and np.ptp(b) else float("nan")


def show(files: list[Path], output: Path) -> None:
    """Print the table and draw one panel a case."""
    from matplotlib.figure import Figure

    rows = -(-len(files) // 5)
    columns = min(5, len(files))
    figure = Figure(figsize=(2.6 * columns, 2.7 * rows), layout="constrained")
    print(
        "| case | planes | Dice | P-DSC with Dice of all as one | P-accuracy with mean Dice | expected with mean Dice |"
    )
    print("|---|---|---|---|---|---|")
    table = []
    for number, file in enumerate(files, 1):
        one = dict(np.load(file))
        several = int(one["structures"]) > 1
        values = [
            rank_correlation(one["p_dsc"], one["dice_as_one"]),
            rank_correlation(one["p_accuracy"], one["dice_mean"]) if several else np.nan,
            rank_correlation(one["expected"], one["dice_mean"]),
        ]
        table.append(values)
        print(f"| {file.stem} | {len(one['planes'])} | {float(one['volume_dice']):.3f} | {told(values)} |")
        axes = figure.add_subplot(rows, columns, number)
        axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
        axes.plot(one["p_dsc"], one["dice_as_one"], ".", color="tab:blue")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_title(f"{file.stem[:20]}\nrank correlation {values[0]:.2f}", fontsize="small")
        if number > len(files) - columns:
            axes.set_xlabel("P-DSC")
        if number % columns == 1:
            axes.set_ylabel("true Dice")
    print(f"| mean | | | {told(np.nanmean(np.array(table), axis=0))} |")
    figure.savefig(output / "agreement.png", dpi=90)


def told(values) -> str:
    return " | ".join(f"{value:.2f}" if np.isfinite(value) else "" for value in values)


def planes_of(strategy: str, painted: list[int], agreement: dict, volume, expert) -> list[int]:
    """A third more planes than are painted, as a strategy wants them."""
    from SparseAnnotateLib import SELECTORS

    more = max(1, round(len(painted) / 3))
    rng = np.random.default_rng(0)
    if strategy == "keep-n":
        suggested = SELECTORS.create("keep-n").select(volume, expert.paint([]), len(painted) + more, rng)
        return [one.plane for one in suggested]
    if strategy != "attention":
        suggested = SELECTORS.create(strategy).select(volume, expert.paint(painted), more, rng)
        return [*painted, *(one.plane for one in suggested)]
    planes = agreement["planes"]
    measure = agreement["p_dsc" if int(agreement["structures"]) == 1 else "p_accuracy"]
    inside = (planes >= expert.plane_range[0]) & (planes <= expert.plane_range[1])
    return [*painted, *planes[inside][np.argsort(measure[inside], kind="stable")[:more]].tolist()]


def measure_next(file: Path, data: Path, predictors: list[str], results: Path) -> None:
    """Append a JSON object for each strategy and predictor that is missing."""
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.evaluation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.metrics import dice_per_class, mean_of

    results.touch()
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    done = {(row["case"], row["strategy"], row["predictor"]) for row in rows}
    volume = read_image(data / file.stem / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(data / file.stem / "label.nii.gz", volume).labels)
    agreement = dict(np.load(file))
    for strategy in NEXT:
        missing = [name for name in predictors if (file.stem, strategy, name) not in done]
        if not missing:
            continue
        planes = planes_of(strategy, agreement["painted"].tolist(), agreement, volume, expert)
        annotation = expert.paint(planes)
        for name in missing:
            labels = run(PREDICTORS.create(name), volume, annotation).labels
            dice = mean_of(dice_per_class(labels, expert.reference, annotation.class_count))
            row = {"case": file.stem, "strategy": strategy, "predictor": name, "dice": float(dice), "planes": planes}
            with results.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row) + "\n")


def show_next(results: Path) -> None:
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    dice = {(row["predictor"], row["strategy"], row["case"]): row["dice"] for row in rows}
    print(
        "| predictor | strategy | cases | Dice | difference to keep-n (95 %) | better in |\n|---|---|---|---|---|---|"
    )
    for predictor in dict.fromkeys(row["predictor"] for row in rows):
        for strategy in NEXT:
            cases = [c for p, s, c in dice if (p, s) == (predictor, strategy) and (p, "keep-n", c) in dice]
            values = np.array([dice[predictor, strategy, case] for case in cases])
            gain = values - [dice[predictor, "keep-n", case] for case in cases]
            half = half_width(gain)
            print(
                f"| {predictor} | {strategy} | {len(cases)} | {values.mean():.3f} | {gain.mean():+.3f} +- {half:.3f} | "
                f"{int((gain > 0).sum())} |"
            )


def half_width(values: np.ndarray) -> float:
    """Of the 95 % confidence interval of the mean (Student's t)."""
    from scipy.stats import t as student

    count = len(values)
    return float(student.ppf(0.975, count - 1) * values.std(ddof=1) / count**0.5) if count > 1 else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--fraction", type=float, default=0.2)
    parser.add_argument("--seconds", type=float, default=60.0, help="of one core, training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="compute nothing")
    parser.add_argument("--next", nargs="+", metavar="PREDICTOR", help="paint a third more planes, and predict")
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    for case in [] if given.show else given.cases:
        file = given.output / f"{case}.npz"
        if not file.exists():
            measure(given.data / case, given.fraction, given.seconds, given.seed, file)
            print(case, flush=True)
    files = [file for case in given.cases if (file := given.output / f"{case}.npz").exists()]
    show(files, given.output)
    if given.next:
        for file in files:
            measure_next(file, given.data, given.next, given.output / "next.jsonl")
        show_next(given.output / "next.jsonl")


if __name__ == "__main__":
    main()
