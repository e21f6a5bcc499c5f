"""Rounds of suggest, paint, predict, until enough is painted or nothing changes any more (Zhang 2019)."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...annotation import SparseAnnotation
from ...errors import InputError
from ...predictors import Prediction, PredictorBase, Progress, run
from ...quality import agreement_per_plane
from ...quality.expected import with_expected_quality
from ...quality.left_out import quick_labels
from ...selectors import SelectorBase
from ...volume import Volume
from .expert import SimulatedExpert
from .simulation import Outcome, measures_of, simulate

# Fewer planes say too little of where structures lie: with half of the planes in the first of two rounds, two or three
# of them too, `cover` gained .010, .016, .003 at 5, 10, 20 %, with four at least .034, .036, .009 (17 data sets).
FIRST_ROUND = 4


@dataclass(frozen=True)
class Stopping:
    """When to stop before all planes are painted.

    Attributes
    ----------
    stable : once the mean agreement changes by less than this from one round to the next; Zhang 2019 took 0.005
    expected_dice : once this Dice is expected of the volume
    """

    stable: float | None = None
    expected_dice: float | None = None


def simulate_rounds(
    volume: Volume,
    expert: SimulatedExpert,
    selector: SelectorBase,
    predictor: PredictorBase,
    *,
    count: int,
    rounds: int,
    first_share: float | None = None,
    stopping: Stopping = Stopping(),
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Paint `count` planes in `rounds` parts, each suggested by what the last prediction looks like.

    Parameters
    ----------
    first_share : share of the planes that the first round paints, the others the rest in equal parts; by default all
        rounds paint alike, but the first one four planes at least, as long as each later round gets one

    Returns
    -------
    The last round's outcome, as `simulate` gives it; its `measured` also has `rounds`, a list with planes painted,
    Dice, expected Dice, agreement and seconds of each round, and `stopped_by`: ``planes``, ``stable`` or
    ``expected dice``.

    Raises
    ------
    InputError
        For more rounds than planes, or a share that is not between 0 and 1.
    """
    counts = _counts(count, rounds, first_share)
    told: list[dict[str, Any]] = []
    with _kept_between_rounds(selector, predictor) as (selector, predictor):
        loop = _Loop(volume, expert, selector, predictor, np.random.default_rng(seed), on_progress)
        stopped_by = "planes"
        for number, painted in enumerate(counts, 1):
            told.append(loop.advance(painted))
            reason = _reason_to_stop(told, stopping)
            if reason is not None and number < rounds:
                stopped_by = reason
                break
    # Measured as any other annotation, the planes given: no second prediction is made, the last one is handed over.
    outcome = simulate(
        volume, expert, selector, _Known(predictor, loop.prediction), planes=loop.annotation.painted_planes, seed=seed
    )
    measured = {**outcome.measured, "selector": selector.name, "rounds": told, "stopped_by": stopped_by}
    measured["seconds_select"] = sum(one["seconds_select"] for one in told)
    measured["seconds_predict"] = sum(one["seconds_predict"] for one in told)
    return Outcome(loop.prediction, measured)


def _counts(count: int, rounds: int, first_share: float | None) -> list[int]:
    """How many planes are painted after each round."""
    if not 1 <= rounds <= count:
        raise InputError(f"{rounds} rounds for {count} planes: give each round at least one plane")
    if first_share is None:
        first = max(FIRST_ROUND, round(count / rounds))
    elif not 0 < first_share < 1 or rounds == 1:
        raise InputError(f"the first round's share is {first_share:g}: give a number between 0 and 1, and more rounds")
    else:
        first = max(1, round(count * first_share))
    if rounds == 1:
        return [count]
    # Each later round paints one plane at least.
    first = min(first, count - rounds + 1)
    return [first + round((count - first) * number / (rounds - 1)) for number in range(rounds)]


class _Loop:
    """What goes on from round to round."""

    def __init__(self, volume, expert, selector, predictor, rng, on_progress):
        self._volume, self._expert, self._selector, self._predictor = volume, expert, selector, predictor
        self._rng, self._on_progress = rng, on_progress
        self.annotation: SparseAnnotation = expert.paint([])
        self.prediction: Prediction | None = None

    def advance(self, count: int) -> dict[str, Any]:
        """Paint until `count` planes are painted, predict, and tell what came out."""
        volume, spacing = self._volume, self._volume.spacing_mm
        started = time.perf_counter()
        if self._selector.is_active:
            self._selector.last_prediction = self.prediction
        wanted = count - len(self.annotation.painted_planes)
        suggested = self._selector.select(volume, self.annotation, wanted, self._rng) if wanted > 0 else []
        planes = [suggestion.plane for suggestion in suggested]
        self.annotation = self._expert.paint([*self.annotation.painted_planes, *planes])
        selected = time.perf_counter()
        prediction = run(self._predictor, volume, self.annotation, self._on_progress)
        predicted = time.perf_counter()
        self.prediction = with_expected_quality(
            prediction, self.annotation, spacing, self._predictor.name, volume.intensities
        )
        measures = measures_of(self.prediction.labels, self._expert, self.annotation.unpainted_planes, spacing)
        return {
            "planes": planes,
            "painted": len(self.annotation.painted_planes),
            "dice_all": measures["dice_all"],
            "dice_unpainted": measures["dice_unpainted"],
            "expected_dice": self.prediction.expected_dice,
            "agreement": agreement_of(self.prediction, self.annotation, spacing, self._predictor.name),
            "seconds_select": selected - started,
            "seconds_predict": predicted - selected,
        }


def agreement_of(prediction: Prediction, annotation: SparseAnnotation, spacing_mm, predictor: str = "") -> float | None:
    """Mean P-DSC (P-accuracy for several classes) over the unpainted planes; None where all are painted.

    Of the two heads of a network that has two; of any other prediction with interpolated outlines (`shape`), which
    themselves are compared with copied planes (`nearest`).
    """
    unpainted = annotation.unpainted_planes
    if not unpainted:
        return None
    name = "p_dsc" if annotation.class_count == 1 else "p_accuracy"
    if name in prediction.details:
        values = np.array(prediction.details[name])
    else:
        other = quick_labels("nearest" if predictor == "shape" else "shape", annotation, spacing_mm, unpainted)
        values = agreement_per_plane(prediction.labels, other, annotation.class_count)
    return float(values[unpainted].mean())


def _reason_to_stop(told: list[dict[str, Any]], stopping: Stopping) -> str | None:
    last = told[-1]
    if stopping.expected_dice is not None and (last["expected_dice"] or 0) >= stopping.expected_dice:
        return "expected dice"
    if stopping.stable is None or len(told) < 2 or None in (last["agreement"], told[-2]["agreement"]):
        return None
    return "stable" if abs(last["agreement"] - told[-2]["agreement"]) < stopping.stable else None


@contextlib.contextmanager
def _kept_between_rounds(selector, predictor) -> Iterator[tuple[SelectorBase, PredictorBase]]:
    """Networks go on from their last weights, and a selector that asks for probabilities gets the predictor's."""
    with tempfile.TemporaryDirectory(prefix="sparse-annotate-") as folder:
        yield (
            _with_state(selector, Path(folder, "selector.npz")),
            _with_state(_with_probabilities(selector, predictor), Path(folder, "predictor.npz")),
        )


def _with_state(one, path: Path):
    if getattr(one.options, "state", "") is not None:
        return one
    return type(one)(replace(one.options, state=str(path)))


def _with_probabilities(selector, predictor):
    if getattr(selector.options, "predictor", None) != predictor.name:
        return predictor
    return type(predictor)(replace(predictor.options, keep_probabilities=True))


class _Known(PredictorBase):
    """Gives a prediction that was made already."""

    def __init__(self, predictor: PredictorBase, prediction: Prediction):
        super().__init__(predictor.options)
        self.name, self._prediction = predictor.name, prediction

    def _predict(self, volume, annotation):  # noqa: ARG002
        yield self._prediction
