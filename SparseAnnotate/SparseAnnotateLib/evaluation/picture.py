"""One picture that says what was painted, what was predicted and how good it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import metrics
from ..distances import bounding_box
from ..io.writing import check_writable, written_aside
from ..predictors import Prediction
from ..volume import Volume
from .expert import SimulatedExpert

_PAINTED, _PREDICTED = "#00d0ff", "#ff2d6f"


def draw(
    path: str | Path, volume: Volume, expert: SimulatedExpert, prediction: Prediction, painted: list[int], title: str
):
    """Write a PNG: the painted planes as lines in a side view, four predicted planes, Dice along the axis.

    The four planes have the worst, the lower quartile, the median and the upper quartile of the Dice of all predicted
    planes whose structures are no smaller than a tenth of the largest plane's.
    """
    # The figure is made without pyplot, which would take over the program's display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    per_plane = metrics.mean_of(
        metrics.dice_per_plane(prediction.labels, expert.reference, len(expert.classes)), axis=1
    )
    figure = Figure(figsize=(13, 8.2), layout="constrained")
    figure.suptitle(title, fontsize=13, x=0.01, ha="left")
    rows = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    _side_view(rows[1].subfigures(1, 2, width_ratios=(1, 2.1)), volume, expert, prediction, painted, per_plane)
    planes = planes_to_show(expert.reference, per_plane, painted)
    window = np.percentile(volume.intensities[planes], (1, 99.5))
    for axes, plane in zip(rows[0].subplots(1, len(planes), squeeze=False)[0], planes, strict=True):
        _plane(axes, volume, expert, prediction, plane, window)
        axes.set_title(f"plane {plane}: Dice {per_plane[plane]:.3f}", fontsize=10)
    _legend(rows[0])
    path = check_writable(path, (".png",))
    with written_aside(path) as folder:
        FigureCanvasAgg(figure).print_png(folder / path.name)


def planes_to_show(reference: np.ndarray, per_plane: np.ndarray, painted: list[int]) -> list[int]:
    """Four predicted planes (fewer where there are fewer): worst, lower quartile, median, upper quartile, by number."""
    area = np.count_nonzero(reference, axis=(1, 2))
    predicted = [p for p in np.flatnonzero(area >= 0.1 * area.max()).tolist() if p not in set(painted)]
    predicted = predicted or [int(area.argmax())]
    ranked = sorted(predicted, key=lambda plane: per_plane[plane])
    return sorted({ranked[round(share * (len(ranked) - 1))] for share in (0, 0.25, 0.5, 0.75)})


def _plane(axes, volume, expert, prediction, plane, window) -> None:
    box = bounding_box(expert.reference.any(axis=0) | prediction.labels.any(axis=0), margin=8)
    rows, columns = box
    aspect = volume.spacing_mm[1] / volume.spacing_mm[2]
    axes.imshow(
        volume.intensities[plane][box], cmap="gray", vmin=window[0], vmax=window[1], aspect=aspect, origin="lower"
    )
    for labels, color, width in ((expert.reference, _PAINTED, 1.6), (prediction.labels, _PREDICTED, 0.9)):
        for number in range(1, len(expert.classes) + 1):
            mask = labels[plane][box] == number
            if mask.any() and not mask.all():
                axes.contour(mask, levels=[0.5], colors=[color], linewidths=width)
    axes.set_axis_off()
    axes.set(xlim=(0, columns.stop - columns.start), ylim=(0, rows.stop - rows.start))


def _legend(figure) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=_PAINTED, linewidth=2, label="painted by the expert (not shown to the program)"),
        Line2D([], [], color=_PREDICTED, linewidth=2, label="predicted"),
    ]
    legend = figure.legend(handles=lines, loc="outside lower center", ncols=2, fontsize=10, facecolor="#444444")
    for text in legend.get_texts():
        text.set_color("white")


def _side_view(figures, volume, expert, prediction, painted, per_plane) -> None:
    left, right = (figure.subplots() for figure in figures)
    column = int(expert.reference.any(axis=0).sum(axis=0).argmax())
    window = np.percentile(volume.intensities, (1, 99.5))
    aspect = volume.spacing_mm[0] / volume.spacing_mm[1]
    view = volume.intensities[:, :, column]
    left.imshow(view, cmap="gray", vmin=window[0], vmax=window[1], aspect=aspect, origin="lower")
    left.hlines(painted, 0, view.shape[1] - 1, color="#ffd400", linewidth=1)
    left.set_title(f"{len(painted)} painted planes, seen from the side", fontsize=10)
    left.set_ylabel("plane")
    left.set_xticks([])
    _dice_along_the_axis(right, expert, prediction, painted, per_plane)


def _dice_along_the_axis(axes, expert, prediction, painted, per_plane) -> None:
    first, last = expert.plane_range
    planes = np.arange(first, last + 1)
    axes.plot(planes, per_plane[planes], color=_PREDICTED, linewidth=1.4, label="Dice of the plane")
    if prediction.expected_dice_per_plane is not None:
        expected = prediction.expected_dice_per_plane[planes]
        axes.plot(planes, expected, color="#0072b2", linewidth=1.2, linestyle="--", label="expected, without the truth")
    axes.plot(painted, np.ones(len(painted)), "v", color="#c9a400", markersize=6, label="painted", clip_on=False)
    axes.set(xlabel="plane", ylabel="Dice", xlim=(first - 1, last + 1))
    axes.set_ylim(max(0.0, min(0.8, float(np.nanmin(per_plane[planes])) - 0.05)), 1.005)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9, loc="lower center", ncols=3)
