"""docs/pictures/cover.png: the same scan, as many planes evenly spaced and by `cover`.

python docs/figures/cover_figure.py ../shared/data/OpenKBP_pt_60
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from SparseAnnotateLib import PREDICTORS, SELECTORS, run
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.io import read_image, read_labels
from SparseAnnotateLib.metrics import dice_per_class
from SparseAnnotateLib.selectors.base import count_for

FRACTION = 0.05


def main(folder: Path) -> None:
    volume = read_image(folder / "image.nii.gz", axis="k")
    file = read_labels(folder / "label.nii.gz", volume)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    for axes, selector, clicks in zip(both, ("keep-n", "cover"), ("all", "structures"), strict=True):
        expert = SimulatedExpert(file.labels, file.classes, clicks)
        first, last = expert.true_range
        count = count_for(FRACTION, last - first + 1)
        planes = [
            one.plane
            for one in SELECTORS.create(selector).select(volume, expert.paint([]), count, np.random.default_rng(0))
        ]
        labels = run(PREDICTORS.create("shape"), volume, expert.paint(planes)).labels
        dice = dice_per_class(labels, expert.reference, len(expert.classes))
        draw(axes, expert, planes, dice)
        axes.set_title(f"{selector}: {count} of {last - first + 1} planes, Dice {np.mean(dice):.2f}")
    both[0].set_ylabel("plane")
    figure.savefig(Path(__file__).parents[1] / "pictures" / "cover.png", dpi=110)


def draw(axes, expert: SimulatedExpert, planes: list[int], dice: np.ndarray) -> None:
    """A bar a structure, as wide as it is large on each plane; a line a painted plane, dots where it shows it."""
    for place in range(len(expert.classes)):
        area = (expert.reference == place + 1).sum(axis=(1, 2))
        shown = np.flatnonzero(area)
        half = 0.4 * np.sqrt(area[shown] / area.max())
        axes.fill_betweenx(shown, place - half, place + half, color="tab:blue", alpha=0.35, linewidth=0)
        on = [plane for plane in planes if area[plane]]
        axes.plot([place] * len(on), on, "o", color="tab:orange", markersize=4, zorder=3)
        axes.text(place, expert.true_range[1] + 4, f"{dice[place]:.2f}", ha="center", fontsize="small")
    axes.hlines(planes, -0.5, len(expert.classes) - 0.5, color="tab:orange", linewidth=1)
    axes.set_xticks(range(len(expert.classes)), [str(n + 1) for n in range(len(expert.classes))])
    axes.set_xlabel("structure (Dice above)")
    axes.set_ylim(expert.true_range[0] - 4, expert.true_range[1] + 12)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
