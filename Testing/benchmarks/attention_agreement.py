"""How well P-DSC and P-accuracy of `attention-unet3d` tell the true Dice of a plane: figure 4 of Zhang 2019.

    python Testing/benchmarks/attention_agreement.py ../shared/data -o agreement/
    python Testing/benchmarks/attention_agreement.py ../shared/data -o agreement/ --cases SCT_t2 --seconds 200
    python Testing/benchmarks/attention_agreement.py ../shared/data -o active/agreement/ --fraction 0.1 --show

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked, evenly
spaced, centred planes are painted. The network trains as many iterations as `--seconds` of one core hold (counted, at
5.2e-6 s a voxel and step, no stopwatch). What was computed stays in OUTPUT (a file a case, fraction and seed), so that
a run can be interrupted; --show draws what is there. `active.py` writes such files as well, with three quarters of the
planes painted.

Prints, a line a case, Spearman's rank correlation over the unpainted planes of the range of P-DSC with the Dice of all
structures as one (Zhang's measure), of P-accuracy with the mean Dice of the structures where there are several, and of
the Dice that our model of interpolation expects; then their mean over cases, and the correlations over the planes of
all cases together. Draws OUTPUT/agreement.png.
"""

from __future__ import annotations

import argparse
from functools import lru_cache
from pathlib import Path

import numpy as np

# Of one core, a voxel and training step.
SECONDS_PER_VOXEL = 5.2e-6


@lru_cache(maxsize=1)
def load(folder: Path):
    """Image and simulated expert of a case."""
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels

    volume = read_image(folder / "image.nii.gz", axis="k")
    return volume, SimulatedExpert(read_labels(folder / "label.nii.gz", volume).labels)


def measure(folder: Path, planes: list[int], seconds: float, seed: int, file: Path):
    """Train on these planes and predict; write what the heads agree on beside the true Dice of each plane."""
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.learning.patches import region_of
    from SparseAnnotateLib.metrics import dice_per_class, dice_per_plane, mean_of
    from SparseAnnotateLib.quality.agreement import p_dsc
    from SparseAnnotateLib.quality.expected import expected_quality

    volume, expert = load(folder)
    annotation = expert.paint(planes)
    lengths = [side.stop - side.start for side in region_of(annotation)]
    patch = [min(most, -(-length // 8) * 8) for most, length in zip((16, 64, 64), lengths, strict=True)]
    iterations = int(seconds / (SECONDS_PER_VOXEL * 2 * np.prod(patch)))
    options = {"iterations": iterations, "budget_s": 1e6, "seed": seed, "device": "cpu"}
    result = run(PREDICTORS.create("attention-unet3d", options), volume, annotation)
    count, unpainted = annotation.class_count, annotation.unpainted_planes
    quality = expected_quality(result, annotation, volume.spacing_mm, "attention-unet3d", volume.intensities)
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
    return result


def evenly_spaced(folder: Path, fraction: float) -> list[int]:
    from SparseAnnotateLib import SELECTORS
    from SparseAnnotateLib.selectors.base import count_for

    volume, expert = load(folder)
    count = count_for(fraction, expert.plane_range[1] - expert.plane_range[0] + 1)
    suggested = SELECTORS.create("keep-n").select(volume, expert.paint([]), count, np.random.default_rng(0))
    return [one.plane for one in suggested]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    there = np.isfinite(a) & np.isfinite(b)
    a, b = a[there], b[there]
    return float(spearmanr(a, b).statistic) if len(a) > 2 and np.ptp(a) and np.ptp(b) else float("nan")


def pairs_of(file: Path) -> tuple[dict, list[tuple[np.ndarray, np.ndarray]]]:
    """What was written, and the three pairs of numbers a plane that ought to go together."""
    one = dict(np.load(file))
    accuracy = one["p_accuracy"] if int(one["structures"]) > 1 else np.full(len(one["planes"]), np.nan)
    return one, [
        (one["p_dsc"], one["dice_as_one"]),
        (accuracy, one["dice_mean"]),
        (one["expected"], one["dice_mean"]),
    ]


def show(files: list[Path], output: Path) -> None:
    """Print the table and draw one panel a case."""
    from matplotlib.figure import Figure

    columns = min(7, len(files))
    rows = -(-len(files) // columns)
    figure = Figure(figsize=(1.9 * columns, 2.15 * rows), layout="constrained")
    print("| case | planes | iterations | Dice | P-DSC, Dice as one | P-accuracy, mean Dice | expected, mean Dice |")
    print("|---|---|---|---|---|---|---|")
    table, together = [], []
    for number, file in enumerate(files, 1):
        one, pairs = pairs_of(file)
        table.append([rank_correlation(*pair) for pair in pairs])
        together.append(pairs)
        name = file.stem.rsplit("_", 2)[0]
        start = f"| {name} | {len(one['planes'])} | {int(one['iterations'])} | {float(one['volume_dice']):.3f}"
        print(f"{start} | {told(table[-1])} |")
        axes = figure.add_subplot(rows, columns, number)
        axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
        axes.plot(*pairs[0], ".", markersize=3, color="tab:blue")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", xticks=[0, 1], yticks=[0, 1])
        axes.set_title(f"{name}\n{told(table[-1][:1])}", fontsize="x-small")
        if number > len(files) - columns:
            axes.set_xlabel("P-DSC")
        if number % columns == 1:
            axes.set_ylabel("true Dice")
    print(f"| mean | | | | {told(np.nanmean(np.array(table), axis=0))} |")
    pooled = [[np.concatenate(side) for side in zip(*pairs, strict=True)] for pairs in zip(*together, strict=True)]
    print(f"| all planes together | | | | {told(rank_correlation(*pair) for pair in pooled)} |")
    print(f"| the same, Pearson | | | | {told(correlation(*pair) for pair in pooled)} |")
    figure.savefig(output / "agreement.png", dpi=90)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    there = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[there], b[there])[0, 1])


def told(values) -> str:
    return " | ".join(f"{value:.2f}" if np.isfinite(value) else "" for value in values)


def half_width(values: np.ndarray) -> float:
    """Of the 95 % confidence interval of the mean (Student's t)."""
    from scipy.stats import t as student

    count = len(values)
    return float(student.ppf(0.975, count - 1) * values.std(ddof=1) / count**0.5) if count > 1 else float("nan")


def folders_of(data: Path, names: list[str] | None) -> list[Path]:
    """Those with these names, or all; small images first."""
    folders = [path.parent for path in data.glob("*/image.nii.gz") if names is None or path.parent.name in names]
    return sorted(folders, key=lambda folder: (folder / "image.nii.gz").stat().st_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", help="names of folders; by default all")
    parser.add_argument("--fraction", type=float, default=0.2)
    parser.add_argument("--seconds", type=float, default=40.0, help="of one core, training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="compute nothing")
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    files = []
    for folder in folders_of(given.data, given.cases):
        file = given.output / f"{folder.name}_{given.fraction:g}_{given.seed}.npz"
        if not (given.show or file.exists()):
            planes = evenly_spaced(folder, given.fraction)
            measure(folder, planes, given.seconds, given.seed, file)
            print(folder.name, flush=True)
        files += [file] if file.exists() else []
    show(files, given.output)


if __name__ == "__main__":
    main()
