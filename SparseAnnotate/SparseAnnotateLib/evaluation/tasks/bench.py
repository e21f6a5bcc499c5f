"""Where a worker does tasks: select, paint, predict, measure. It keeps its case loaded from one task to the next."""

from __future__ import annotations

import contextlib
import importlib
import math
import time
from typing import Any

from ...annotation import SparseAnnotation
from ...environment import device_name, peak_memory_mb
from ...jobs.failure import describe
from ...jobs.job import import_plugins
from ...predictors import Prediction
from ...predictors.initial import run_from
from ...quality.expected import with_expected_quality
from ...selectors.base import count_for
from ..grid.methods import FULL, OWN_PLANES
from ..grid.planner import Task
from ..grid.result import DONE, FAILED, Result, Selection
from ..simulation.baseline import predict_from_all_planes
from ..simulation.loading import LoadedCase, load_case
from ..simulation.simulation import measures_of
from .gpu import gpu_lock
from .selecting import SharedSelections
from .shown import pack_planes
from .stopwatch import Stopwatch

# Imported before anything is timed: the first selection or prediction of a process would pay for them.
_SLOW_IMPORTS = ("scipy.ndimage", "scipy.spatial", "scipy.interpolate", "cv2", "SimpleITK")


class Bench:
    """Does tasks one after the other; what they share is kept while they are about the same case."""

    def __init__(self):
        import_plugins()
        for name in _SLOW_IMPORTS:
            importlib.import_module(name)
        self._case_key: tuple | None = None
        self._case: LoadedCase | None = None
        self._selections: SharedSelections | None = None

    def perform(self, task: Task) -> Result:
        """The result of a task; whatever goes wrong with it is a result too."""
        start = time.perf_counter()
        selection = None
        try:
            self._import_needs(task)
            case = self._load(task)
            selection = self._select(task)
            prediction, took = self._predict(task, case, selection)
            measured = _measure(case, task, selection, prediction)
            measured |= _told(case, task, selection, prediction)
            measured |= {"seconds_predict": took.seconds, "processor_s_predict": took.processor_s}
            outcome = {
                "state": DONE,
                "measured": measured,
                "shown": pack_planes(case, prediction.labels, selection.planes),
            }
        except Exception as error:  # noqa: BLE001 - kept in the store, and told at the end
            reason, message, details = describe(error)
            outcome = {"state": FAILED, "message": message, "details": f"{reason}: {details}"}
        if selection is not None and task.selector.name != FULL:
            outcome["selection"] = selection
        return Result(task.key, seconds=time.perf_counter() - start, **outcome)

    def _import_needs(self, task: Task) -> None:
        for method in (task.selector, task.predictor):
            for module in getattr(method.method_class, "needs", ()):
                # Where it is missing, the method itself says what to install.
                with contextlib.suppress(ImportError):
                    importlib.import_module(module)

    def _load(self, task: Task) -> LoadedCase:
        if self._case_key != task.case_key:
            # Let go of the case before the next one is read: there may be room for one only.
            self._case_key = self._case = self._selections = None
            self._case = load_case(task.case, task.view, task.case_hash, task.seed)
            self._selections = SharedSelections(self._case)
            self._case_key = task.case_key
        return self._case

    def _select(self, task: Task) -> Selection:
        first, last = self._case.expert.true_range
        if task.selector.name == FULL:
            return Selection(tuple(range(first, last + 1)), 0.0, 0.0)
        if task.selection is not None:
            return task.selection
        count = _count(self._case, task)
        if task.selector.name == OWN_PLANES:
            planes = self._case.expert.own_planes(count).values()
            return Selection(tuple(sorted(set().union(*planes))), 0.0, 0.0)
        with gpu_lock(task.selector):
            return self._selections.select(task.selector, count, task.seed)

    def _predict(self, task: Task, case: LoadedCase, selection: Selection) -> tuple[Prediction, Stopwatch]:
        predictor = task.predictor.create(task.seed)
        with gpu_lock(task.predictor), Stopwatch() as took:
            if task.selector.name == FULL:
                prediction = predict_from_all_planes(case, predictor)
            else:
                prediction = run_from(predictor, case.volume, _painted(case, task, selection), case.initial)
        return prediction, took


def _painted(case: LoadedCase, task: Task, selection: Selection) -> SparseAnnotation:
    if task.selector.name != OWN_PLANES:
        return case.expert.paint(selection.planes)
    return case.expert.paint_structures(case.expert.own_planes(_count(case, task)))


def _count(case: LoadedCase, task: Task) -> int:
    first, last = case.expert.true_range
    return count_for(task.fraction, last - first + 1 if task.of == "range" else case.volume.planes)


def _measure(case: LoadedCase, task: Task, selection: Selection, prediction: Prediction) -> dict[str, Any]:
    expert, volume = case.expert, case.volume
    first, last = expert.true_range
    unpainted = [plane for plane in range(first, last + 1) if plane not in set(selection.planes)]
    return {
        **measures_of(prediction.labels, expert, unpainted, volume.spacing_mm),
        "class_names": {str(one.value): one.name for one in expert.classes},
        "axis": volume.axis,
        "shape": list(volume.shape),
        "spacing_mm": list(volume.spacing_mm),
        "range": [first, last],
        "planes_painted": list(selection.planes),
        **vars(expert.effort_of(_painted(case, task, selection), volume.spacing_mm)),
        "crop": None if case.box is None else [[side.start, side.stop] for side in case.box],
        "seconds_select": selection.seconds,
        "processor_s_select": selection.processor_s,
        "device": device_name() if task.predictor.may_use_gpu() else "cpu",
        "peak_memory_mb": peak_memory_mb(),
    }


def _told(case: LoadedCase, task: Task, selection: Selection, prediction: Prediction) -> dict[str, Any]:
    """What `predict` would tell of it: the Dice to expect, its interval and the warnings; nobody's time counts it."""
    told = prediction
    if task.selector.name != FULL and case.initial is None:
        painted = _painted(case, task, selection)
        told = with_expected_quality(
            prediction, painted, case.volume.spacing_mm, task.predictor.name, case.volume.intensities
        )
    expected = told.expected_dice
    known = expected is not None and math.isfinite(expected)
    return {
        "expected_dice": float(expected) if known else None,
        "expected_dice_interval": list(told.expected_dice_interval) if known and told.expected_dice_interval else None,
        "warnings": list(told.details.get("warnings", ())),
    }
