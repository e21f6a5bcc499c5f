"""Makes docs/pictures/initial.png: a plane between corrected ones, from what a program made to the result.

python docs/figures/initial_figure.py ../shared/data ROUGH      (ROUGH: see Testing/benchmarks/rough_segmentations.py)
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
from SparseAnnotateLib import PREDICTORS, run
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.initial import Initial
from SparseAnnotateLib.io import read_image, read_labels
from SparseAnnotateLib.metrics import confusion_per_plane, dice_from_confusion
from SparseAnnotateLib.predictors.initial import run_from

matplotlib.use("Agg")
from matplotlib import pyplot as plt

CASES = (("LA2018_45C45I6I", "network", 3), ("MSD_hippocampus_056", "registered", 2))
COLORS = ("tab:orange", "tab:cyan", "tab:pink", "tab:olive")
_MARGIN = 14


def results(data: Path, rough_folder: Path, case: str, kind: str, count: int):
    """Volume, reference, corrected planes, and what is shown: title -> labels."""
    volume = read_image(data / case / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(data / case / "label.nii.gz", volume).labels)
    numbers = np.zeros(256, np.uint8)
    numbers[[one.value for one in expert.classes]] = np.arange(1, len(expert.classes) + 1)
    rough = numbers[read_labels(rough_folder / kind / f"{case}.nii.gz", volume).labels]
    first, last = expert.plane_range
    planes = [int(first + (n + 0.5) * (last - first + 1) / count) for n in range(count)]
    annotation = expert.paint(planes)
    guided = PREDICTORS.create("guided")
    shown = {
        f"what the program made ({'a network' if kind == 'network' else 'labels of another scan, registered'})": rough,
        f"guided alone, from {count} painted": run(guided, volume, annotation).labels,
        f"from it, {count} corrected": run_from(guided, volume, annotation, Initial(rough, annotation.classes)).labels,
    }
    return volume, expert.reference, planes, shown


def dice(labels: np.ndarray, reference: np.ndarray) -> float:
    confusion = confusion_per_plane(labels, reference, int(reference.max())).sum(axis=0, keepdims=True)
    return float(np.nanmean(dice_from_confusion(confusion)))


def main() -> None:
    data, rough_folder = map(Path, sys.argv[1:3])
    figure, axes = plt.subplots(len(CASES), 3, figsize=(10.5, 3.6 * len(CASES)), squeeze=False)
    for row, case in zip(axes, CASES, strict=True):
        volume, reference, planes, shown = results(data, rough_folder, *case)
        area = (reference > 0).sum(axis=(1, 2)).astype(float)
        # The plane farthest from any corrected one that still shows a good part of the structure.
        away = np.min([np.abs(np.arange(len(area)) - one) for one in planes], axis=0)
        plane = int(np.argmax(np.where(area > 0.5 * area.max(), away, -1)))
        inside = np.argwhere(reference[plane] > 0)
        (top, left), (bottom, right) = inside.min(axis=0) - _MARGIN, inside.max(axis=0) + _MARGIN
        image = volume.intensities[plane]
        low, high = np.percentile(image[max(0, top) : bottom, max(0, left) : right], (1, 99))
        for axis, (title, labels) in zip(row, shown.items(), strict=True):
            axis.imshow(image, cmap="gray", vmin=low, vmax=high)
            for number in range(1, int(reference.max()) + 1):
                for mask, style in ((reference, "dotted"), (labels, "solid")):
                    if (mask[plane] == number).any():
                        axis.contour(
                            mask[plane] == number, [0.5], colors="white" if style == "dotted" else COLORS[number - 1],
                            linestyles=style, linewidths=1.5,
                        )  # fmt: skip
            axis.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
            axis.set_title(f"{title}\nDice {dice(labels, reference):.3f}", fontsize=9)
        row[0].set_ylabel(f"plane {plane}, {away[plane]} planes from\nany corrected one", fontsize=9)
    figure.tight_layout()
    figure.savefig(Path(__file__).parents[1] / "pictures" / "initial.png", dpi=80)


if __name__ == "__main__":
    main()
