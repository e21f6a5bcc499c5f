"""One picture that says what was painted, what was predicted and how good it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ... import metrics
from ...distances import bounding_box
from ...io.writing import check_writable, written_aside
from ...predictors import Prediction
from ...volume import Volume
from ..simulation.expert import SimulatedExpert
from .chart import Sheet, check_drawing, draw_curves

_PAINTED, _PREDICTED, _EXPECTED = "#00d0ff", "#ff2d6f", "#0072b2"
_LINE, _MARK = "#ffd400", "#c9a400"
# In pixels, as are all places below.
_WIDTH, _MARGIN, _PLANES_TOP, _PLANES_HEIGHT = 1300, 10, 64, 370
_LEGEND_TOP, _LOWER_TOP, _LOWER_HEIGHT, _SIDE_WIDTH = 444, 512, 265, 400


def draw(
    path: str | Path, volume: Volume, expert: SimulatedExpert, prediction: Prediction, painted: list[int], title: str
):
    """Write a PNG: the painted planes as lines in a side view, four predicted planes, Dice along the axis.

    The four planes have the worst, the lower quartile, the median and the upper quartile of the Dice of all predicted
    planes whose structures are no smaller than a tenth of the largest plane's.

    Raises
    ------
    MissingPackageError
        For an OpenCV before 5, which has no fonts.
    """
    check_drawing()
    path = check_writable(path, (".png",))
    per_plane = metrics.mean_of(
        metrics.dice_per_plane(prediction.labels, expert.reference, len(expert.classes)), axis=1
    )
    sheet = Sheet((_WIDTH, _LOWER_TOP + _LOWER_HEIGHT + 45))
    sheet.text((_MARGIN, 20), title, size=18)
    _draw_planes(sheet, volume, expert, prediction, planes_to_show(expert.reference, per_plane, painted), per_plane)
    _draw_legend(sheet)
    _draw_side_view(sheet, volume, expert, painted)
    _draw_dice(sheet, expert, prediction, painted, per_plane)
    with written_aside(path) as folder:
        sheet.save(folder / path.name)


def planes_to_show(reference: np.ndarray, per_plane: np.ndarray, painted: list[int]) -> list[int]:
    """Four predicted planes (fewer where there are fewer): worst, lower quartile, median, upper quartile, by number."""
    area = np.count_nonzero(reference, axis=(1, 2))
    predicted = [p for p in np.flatnonzero(area >= 0.1 * area.max()).tolist() if p not in set(painted)]
    predicted = predicted or [int(area.argmax())]
    ranked = sorted(predicted, key=lambda plane: per_plane[plane])
    return sorted({ranked[round(share * (len(ranked) - 1))] for share in (0, 0.25, 0.5, 0.75)})


def _draw_planes(sheet, volume, expert, prediction, planes, per_plane) -> None:
    rows, columns = bounding_box(expert.reference.any(axis=0) | prediction.labels.any(axis=0), margin=8)
    window = np.percentile(volume.intensities[planes], (1, 99.5))
    room = (_WIDTH - _MARGIN) // len(planes)
    for place, plane in enumerate(planes):
        left = _MARGIN + place * room
        sheet.text(
            (left + (room - _MARGIN) / 2, _PLANES_TOP - 12), f"plane {plane}: Dice {per_plane[plane]:.3f}", "middle"
        )
        corner = sheet.image(
            volume.intensities[plane, rows, columns],
            volume.spacing_mm[1:],
            (left, _PLANES_TOP, room - _MARGIN, _PLANES_HEIGHT),
            window,
        )
        for labels, color, width in ((expert.reference, _PAINTED, 1.6), (prediction.labels, _PREDICTED, 1)):
            for number in range(1, len(expert.classes) + 1):
                sheet.outlines(labels[plane, rows, columns] == number, corner, color, width)


def _draw_legend(sheet) -> None:
    left, right = 380, 920
    sheet.rectangle((left, _LEGEND_TOP, right, _LEGEND_TOP + 28), "#444444")
    middle = _LEGEND_TOP + 14
    for start, color, text in (
        (left + 12, _PAINTED, "painted by the expert (not shown to the program)"),
        (left + 416, _PREDICTED, "predicted"),
    ):
        sheet.line([(start, middle), (start + 30, middle)], color, 2)
        sheet.text((start + 38, middle), text, color="#ffffff")


def _draw_side_view(sheet, volume, expert, painted) -> None:
    column = int(expert.reference.any(axis=0).sum(axis=0).argmax())
    view = volume.intensities[:, :, column]
    window = np.percentile(volume.intensities, (1, 99.5))
    box = (_MARGIN, _LOWER_TOP, _SIDE_WIDTH, _LOWER_HEIGHT)
    left, top, scale_right, scale_down = sheet.image(view, volume.spacing_mm[:2], box, window)
    title = f"{len(painted)} painted planes, seen from the side"
    sheet.text((_MARGIN + _SIDE_WIDTH / 2, top - 14), title, "middle")
    for plane in painted:
        height = top + (len(view) - plane - 0.5) * scale_down
        sheet.line([(left, height), (left + view.shape[1] * scale_right, height)], _LINE, 1.5)


def _draw_dice(sheet, expert, prediction, painted, per_plane) -> None:
    first, last = expert.plane_range
    planes = np.arange(first, last + 1)
    curves = [("Dice of the plane", planes, per_plane[planes], _PREDICTED, "line")]
    if prediction.expected_dice_per_plane is not None:
        expected = prediction.expected_dice_per_plane[planes]
        curves.append(("expected, without the truth", planes, expected, _EXPECTED, "dashes"))
    curves.append(("painted", painted, np.ones(len(painted)), _MARK, "marks"))
    lowest = max(0.0, min(0.8, float(np.nanmin(per_plane[planes])) - 0.05))
    left = _MARGIN + _SIDE_WIDTH + 90
    box = (left, _LOWER_TOP, _WIDTH - 3 * _MARGIN - left, _LOWER_HEIGHT)
    draw_curves(sheet, box, curves, x=("plane", first - 1, last + 1), y=("Dice", lowest, 1.005))
