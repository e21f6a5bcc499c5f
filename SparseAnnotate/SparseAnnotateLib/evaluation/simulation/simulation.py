"""One simulated annotation: suggest, paint, predict, measure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import metrics
from ...environment import device_name, peak_memory_mb, versions
from ...initial import Initial
from ...predictors import Prediction, PredictorBase, Progress
from ...predictors.initial import run_from
from ...quality.expected import with_expected_quality
from ...selectors import SelectorBase
from ...volume import Volume
from .expert import SimulatedExpert


@dataclass(frozen=True)
class Outcome:
    """The prediction, and what was measured, as JSON can hold it (see `simulate`)."""

    prediction: Prediction
    measured: dict[str, Any]


def simulate(
    volume: Volume,
    expert: SimulatedExpert,
    selector: SelectorBase,
    predictor: PredictorBase,
    *,
    count: int | None = None,
    planes: Iterable[int] | None = None,
    own_planes: bool = False,
    seed: int = 0,
    initial: Initial | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Suggest `count` planes (or take `planes`), let the expert paint them, predict the rest and measure.

    With `initial` the prediction starts from that rough segmentation, which the painted planes correct.
    With `own_planes` the expert paints every structure on `count` evenly spaced planes of its own instead.

    The measures: Dice and distances are means over the reference's classes; distances in mm; `dice_unpainted` counts
    the unpainted planes inside the range only; `expected_dice` is what was expected without the reference, and its
    interval (see `quality`); `clicks`, `planes`, `outlines` and `contour_mm` are what painting cost; `peak_memory_mb`
    is that of this process since it started.
    """
    started = time.perf_counter()
    if own_planes:
        selected_by = "own-planes"
    elif planes is None:
        suggestions = selector.select(volume, expert.paint([]), count, np.random.default_rng(seed))
        planes = [suggestion.plane for suggestion in suggestions]
        selected_by = selector.name
    else:
        planes, selected_by = sorted(set(planes)), "given"
    selected = time.perf_counter()
    annotation = expert.paint_structures(expert.own_planes(count)) if own_planes else expert.paint(planes)
    prediction = run_from(predictor, volume, annotation, initial, on_progress)
    predicted = time.perf_counter()
    if initial is None:
        prediction = with_expected_quality(
            prediction, annotation, volume.spacing_mm, predictor.name, volume.intensities
        )
    measured = {
        "selector": selected_by,
        "predictor": predictor.name,
        "options": {"selector": selector.options.to_dict(), "predictor": predictor.options.to_dict()},
        "seed": seed,
        "axis": volume.axis,
        "planes_total": volume.planes,
        "range": list(expert.plane_range),
        "planes_painted": annotation.painted_planes,
        **vars(expert.effort_of(annotation, volume.spacing_mm)),
        **measures_of(prediction.labels, expert, annotation.unpainted_planes, volume.spacing_mm),
        "seconds_select": selected - started,
        "seconds_predict": predicted - selected,
        "peak_memory_mb": peak_memory_mb(),
        "expected_dice": _json_number(prediction.expected_dice),
        "expected_dice_interval": prediction.expected_dice_interval,
        "details": prediction.details,
        "versions": versions(),
        "device": device_name(predictor.options.device),
    }
    return Outcome(prediction, measured)


def measures_of(labels: np.ndarray, expert: SimulatedExpert, unpainted: list[int], spacing_mm) -> dict[str, Any]:
    """Every measure of a label map (class numbers) against the expert's reference; None where one is not defined."""
    agreement = metrics.compare(labels, expert.reference, len(expert.classes), spacing_mm, unpainted)
    names = ("hausdorff_mm", "hausdorff95_mm", "average_hausdorff_mm", "assd_mm")
    per_class = zip(expert.classes, agreement.dice_per_class.tolist(), strict=True)
    return {
        "dice_all": _json_number(agreement.dice_all),
        "dice_unpainted": _json_number(agreement.dice_unpainted),
        "dice_per_class": {str(one.value): _json_number(dice) for one, dice in per_class},
        **{name: _json_number(agreement.mean_distance(name)) for name in names},
    }


def _json_number(value: float | None) -> float | None:
    """None for what JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)
