"""Pictures of the worst cases: image, reference and prediction of a few planes."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import metrics
from ...errors import InputError
from ...volume import Volume
from ..grid.planner import View
from ..simulation.loading import read_case_image
from ..tasks.shown import ShownPlanes, unpack_planes
from .document import Figure
from .results import Method, Results, percent

logger = logging.getLogger(__name__)

_REFERENCE, _PREDICTED = (0, 208, 255), (255, 45, 111)
_HEIGHT_PX, _GAP_PX = 240, 4
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
    order = np.argsort(shown.dice).tolist()
    planes = ", ".join(f"{shown.planes[number]} ({shown.dice[number]:.2f})" for number in order)
    note = f"Planes {planes}; reference blue, prediction red; {row['selector']}, {percent(row['fraction'])}."
    return Figure(title, _draw(shown, _backgrounds(row, shown, images), order), note)


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


def _draw(shown: ShownPlanes, images: np.ndarray | None, order: Sequence[int]) -> bytes:
    """A PNG with the planes side by side."""
    from PIL import Image

    strips = []
    for number in order:
        image = np.zeros(shown.labels.shape[1:]) if images is None else images[number]
        strips += [_plane(image, shown, number), np.full((_HEIGHT_PX, _GAP_PX, 3), 255, np.uint8)]
    data = io.BytesIO()
    Image.fromarray(np.concatenate(strips[:-1], axis=1)).save(data, "png")
    return data.getvalue()


def _plane(image: np.ndarray, shown: ShownPlanes, number: int) -> np.ndarray:
    """RGB of one plane, at a height that is the same for all; rows run upwards as in the other pictures."""
    from PIL import Image

    rows_mm, columns_mm = np.multiply(image.shape, shown.spacing_mm)
    size = max(1, round(_HEIGHT_PX * columns_mm / rows_mm)), _HEIGHT_PX
    low, high = np.percentile(image, (1, 99.5))
    gray = np.clip((image - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    gray = np.asarray(Image.fromarray(gray[::-1]).resize(size, Image.Resampling.BILINEAR))
    picture = np.repeat(gray[:, :, None], 3, axis=2)
    for labels, color, width in ((shown.reference, _REFERENCE, 2), (shown.labels, _PREDICTED, 1)):
        large = np.asarray(Image.fromarray(labels[number][::-1]).resize(size, Image.Resampling.NEAREST))
        for value in np.unique(large[large > 0]):
            mask = large == value
            for _ in range(width):
                outline = metrics.surface(mask)
                picture[outline] = color
                mask &= ~outline
    return picture
