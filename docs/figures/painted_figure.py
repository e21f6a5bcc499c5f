"""Makes docs/pictures/painted.png: what counts as painted, seen from the side. The bodies are made up.

python docs/figures/painted_figure.py
"""

from pathlib import Path

import matplotlib
import numpy as np
from SparseAnnotateLib import SparseAnnotation
from SparseAnnotateLib.completeness import understood

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SHAPE = (24, 48, 64)
COLORS = ("tab:red", "tab:cyan")


def body(column: float, radius: float = 11) -> np.ndarray:
    plane, row, across = np.indices(SHAPE)
    return ((plane - 12) / 11) ** 2 + ((row - 23) / 16) ** 2 + ((across - column) / radius) ** 2 <= 1


def paintings() -> dict[str, np.ndarray]:
    """Title -> labels."""
    first, second = body(18), body(44)
    truth = first + np.uint8(2) * second
    on = {planes: np.isin(np.arange(24), planes)[:, None, None] for planes in ((4, 12, 20), (2, 10, 18), (6, 14))}
    common = truth * on[4, 12, 20]
    own = first * on[2, 10, 18] + np.uint8(2) * second * on[6, 14]
    slivers = common.copy()
    for plane in (4, 12, 20):
        for other in (plane - 1, plane + 1):
            slivers[other, 20:27, 15:21] = truth[other, 20:27, 15:21]
            slivers[other, 20:27, 41:47] = truth[other, 20:27, 41:47]
    crossing = common.copy()
    crossing[:, :, 22] = truth[:, :, 22]
    return {
        "all on common planes": common,
        "each on its own planes": own,
        "slivers of a sphere brush": slivers,
        "a plane of another axis": crossing,
    }


def main() -> None:
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), sharey=True)
    for axis, (title, labels) in zip(axes, paintings().items(), strict=True):
        annotation = understood(SparseAnnotation.from_painted_planes(labels)).annotation
        side = labels[:, 23]
        picture = np.ones((*side.shape, 3))
        for number, color in enumerate(COLORS, start=1):
            picture[side == number] = matplotlib.colors.to_rgb(color)
        axis.imshow(picture, origin="lower", aspect="auto", interpolation="nearest")
        for number, color in enumerate(COLORS, start=1):
            for plane in annotation.complete_planes_of(number):
                axis.plot(-6 + 2.4 * number, plane, marker=">", color=color, markersize=7, clip_on=False)
        for column in annotation.painted_along.get(2, ()):
            axis.plot(column, 24.4, marker="v", color="black", markersize=7, clip_on=False)
        axis.set(title=title, xlim=(-6, 63), ylim=(-0.5, 25), xticks=[])
    axes[0].set_ylabel("plane")
    figure.tight_layout()
    figure.savefig(Path(__file__).parents[1] / "pictures" / "painted.png", dpi=90)


if __name__ == "__main__":
    main()
