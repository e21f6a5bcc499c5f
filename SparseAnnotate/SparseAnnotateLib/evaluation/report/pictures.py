"""Pictures of the worst cases: image, reference and prediction of a few planes."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...volume import Volume
from ..grid import View
from ..loading import read_case_image
from ..shown import ShownPlanes, unpack_planes
from .document import Figure
from .results import Method, Results, percent

logger = logging.getLogger(__name__)

_REFERENCE, _PREDICTED = "#00d0ff", "#ff2d6f"
_WORST = 2
# An image of this size takes some seconds to read; of a larger one only the outlines are drawn.
_LARGEST_VOXELS = 60e6


def worst_cases(results: Results, shown: Callable[[str], bytes | None]) -> list[Figure]:
    """The worst cases of every predictor with the usual selector at the usual fraction.

    Parameters
    ----------
    shown : the packed planes of a result, by its key
    """
    if not results.selectors or results.usual_fraction is None:
        return []
    images: dict[tuple, np.ndarray | None] = {}
    figures = []
    for predictor in results.predictors:
        rows = results.rows_of(Method(predictor, results.selectors[0]), results.usual_fraction)
        for row in sorted((row for row in rows if row["dice_all"] is not None), key=lambda row: row["dice_all"])[
            :_WORST
        ]:
            packed = shown(row["key"])
            if packed is not None:
                figures.append(_figure(row, unpack_planes(packed), images))
    return figures


def _figure(row: dict[str, Any], shown: ShownPlanes, images: dict) -> Figure:
    title = f"{row['predictor']} on {row['case_name']}: Dice {row['dice_all']:.3f}"
    note = f"{row['selector']}, {percent(row['fraction'])}, seed {row['seed']}; reference blue, prediction red."
    return Figure(title, _draw(shown, _backgrounds(row, shown, images)), note)


def _backgrounds(row: dict[str, Any], shown: ShownPlanes, images: dict) -> np.ndarray | None:
    """The image behind the shown planes; None where its file is not within reach."""
    key = row["image"], row["channel"], row["axis"]
    if key not in images:
        images[key] = _read(row)
    volume = images[key]
    if volume is None:
        return None
    corner = np.add(shown.corner, [side[0] for side in row["crop"]] if row["crop"] else 0)
    rows, columns = (slice(low, low + size) for low, size in zip(corner, shown.labels.shape[1:], strict=True))
    return volume[list(shown.planes), rows, columns]


def _read(row: dict[str, Any]) -> np.ndarray | None:
    if np.prod([float(size) for size in row["shape"]]) > _LARGEST_VOXELS:
        return None
    try:
        view = View(axis=row["axis"], replace_nan=row["view"]["replace_nan"])
        volume: Volume = read_case_image(Path(row["image"]), row["channel"], view)
    except InputError as error:
        logger.info("no picture of %s: %s", row["case_name"], error)
        return None
    return volume.intensities


def _draw(shown: ShownPlanes, images: np.ndarray | None) -> bytes:
    """A PNG with the planes side by side, from the worst to the best."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    order = np.argsort(shown.dice)
    figure = Canvas(figsize=(2.5 * len(order), 2.8), layout="constrained", facecolor="white")
    for ax, number in zip(figure.subplots(1, len(order), squeeze=False)[0], order, strict=True):
        image = np.zeros(shown.labels.shape[1:]) if images is None else images[number]
        _plane(ax, image, shown, number)
        ax.set_title(f"plane {shown.planes[number]}: {shown.dice[number]:.3f}", fontsize=9)
    data = io.BytesIO()
    FigureCanvasAgg(figure).print_png(data)
    return data.getvalue()


def _plane(ax, image: np.ndarray, shown: ShownPlanes, number: int) -> None:
    low, high = np.percentile(image, (1, 99.5))
    aspect = shown.spacing_mm[0] / shown.spacing_mm[1]
    ax.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), aspect=aspect, origin="lower")
    for labels, color, width in ((shown.reference, _REFERENCE, 1.5), (shown.labels, _PREDICTED, 0.9)):
        for value in np.unique(labels[number])[1:] if 0 in labels[number] else np.unique(labels[number]):
            mask = labels[number] == value
            if not mask.all():
                ax.contour(mask, levels=[0.5], colors=[color], linewidths=width)
    ax.set_axis_off()
