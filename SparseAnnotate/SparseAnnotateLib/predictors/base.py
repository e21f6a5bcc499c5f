"""What every predictor is, and the rules that all of them share."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np

from .. import postprocess
from ..annotation import SparseAnnotation
from ..device import resolve_device
from ..errors import InputError
from ..options import Options
from ..prediction import Prediction, Progress, Steps
from ..registry import Registry
from ..same_grid import check_same_grid
from ..structures import structure_groups
from ..volume import Volume
from .crossing import pulled_to_crossing
from .groups import predicted_in_groups
from .memory import Memory

__all__ = ["PREDICTORS", "Prediction", "Predictor", "PredictorBase", "PredictorOptions", "Progress", "run"]

PREDICTORS: Registry[PredictorBase] = Registry(__package__, "predictor")


@dataclass(frozen=True, kw_only=True)
class PredictorOptions(Options):
    """Options that all predictors have.

    Attributes
    ----------
    seed : of all random numbers
    device : ``auto`` takes a GPU where there is one and the predictor can use it
    fill_holes : fill holes of each structure ``plane`` by plane, in 3-D (``volume``), or not (``off``)
    main_component : keep only the largest connected part of each structure (known voxels always stay)
    keep_probabilities : return class probabilities too: 2 bytes a voxel and class
    """

    seed: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    fill_holes: Literal["off", "plane", "volume"] = "off"
    main_component: bool = False
    keep_probabilities: bool = False


class Predictor(Protocol):
    """Gives labels to the voxels that are not known."""

    name: ClassVar[str]

    def predict(self, volume: Volume, annotation: SparseAnnotation) -> Steps: ...


class PredictorBase(abc.ABC):
    """Base of our predictors: checks the input, and keeps the rules of docs/design/design.md for all of them.

    A predictor writes `_predict`, a generator that yields Progress and, last, a Prediction. Whatever it yields, known
    voxels come back as they were given, structures stay inside their ranges, and progress never goes back.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[PredictorOptions]] = PredictorOptions
    # False for those that decide without weighing; `needs` names modules that the core install does not bring.
    gives_probabilities: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ()
    # Structures of different planes are predicted group by group; False for those that learn from `complete` itself.
    joins_groups: bool = True
    extra: ClassVar[str] = "deep"
    # Modules that take long to import, and that every prediction uses: a worker that waits for one begins with them.
    uses: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: PredictorOptions | None = None):
        self.options = self.Options() if options is None else options

    def predict(self, volume: Volume, annotation: SparseAnnotation) -> Steps:
        """Predict; a generator of Progress whose last item is the Prediction. Closing it cancels.

        Raises
        ------
        InputError
            Where image and annotation do not fit, nothing is painted, or the device is not there.
        """
        check_same_grid(volume, annotation)
        if self.options.device != "auto":
            resolve_device(self.options.device)
        if not annotation.painted.any():
            raise InputError("no plane is painted: paint at least one, or name the painted ones (--painted)")
        if not annotation.classes:
            raise InputError("the painted planes hold no label: paint a structure on at least one plane")
        done = 0.0
        prediction = None
        with contextlib.closing(self._structures(volume, annotation)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    prediction = step
                    break
                done = min(max(done, step.fraction), 1.0)
                yield replace(step, fraction=done)
        if prediction is None:
            raise RuntimeError(f"the predictor {self.name} ended without a prediction")
        yield self.keep_promises(pulled_to_crossing(prediction, annotation, volume.spacing_mm), annotation)

    def _structures(self, volume: Volume, annotation: SparseAnnotation) -> Steps:
        """All structures at once where they share their planes, else in groups."""
        groups = structure_groups(annotation)
        if not self.joins_groups:
            return self._predict(volume, annotation)
        # What is known on planes of another axis says how far the prediction without them is off.
        annotation = annotation.without_painted_along()
        if len(groups) == 1:
            return self._predict(volume, annotation)
        return predicted_in_groups(lambda part: self._predict(volume, part), annotation, volume.spacing_mm, groups)

    @abc.abstractmethod
    def _predict(self, volume: Volume, annotation: SparseAnnotation) -> Steps:
        """Yield Progress, then one Prediction; its `labels` may be wrong where the truth is known."""

    def with_options(self, options: PredictorOptions) -> PredictorBase:
        """The same predictor with other options."""
        return type(self)(options)

    def remembering(self, memory: Memory | None, in_view: int | None = None) -> PredictorBase:  # noqa: ARG002 - for others
        """The same predictor, recalling what it can of what it computed before; the prediction is the same.

        The plane that is `in_view`, and those around it, come first in its progress where that is possible.
        """
        return self

    def keep_promises(self, prediction: Prediction, annotation: SparseAnnotation) -> Prediction:
        """The prediction, cleaned as the options say, inside the ranges, and with what is known."""
        labels = np.ascontiguousarray(prediction.labels, dtype=np.uint8)
        for number, (first, last) in annotation.class_ranges.items():
            for outside in (labels[:first], labels[last + 1 :]):
                outside[outside == number] = 0
        postprocess.clean(
            labels,
            annotation,
            fill_holes=self.options.fill_holes,
            main_component=self.options.main_component,
        )
        for plane in sorted(set(annotation.painted_planes) & set(annotation.open_planes)):
            labels[plane][~annotation.open_classes(plane)[labels[plane]]] = 0
        np.copyto(labels, annotation.labels, where=annotation.known)
        return replace(prediction, labels=labels)


def run(
    predictor: Predictor,
    volume: Volume,
    annotation: SparseAnnotation,
    on_progress: Callable[[Progress], None] | None = None,
) -> Prediction:
    """Run a predictor to its end and return the prediction; `on_progress` sees every step."""
    for step in predictor.predict(volume, annotation):
        if isinstance(step, Prediction):
            return step
        if on_progress is not None:
            on_progress(step)
    raise RuntimeError(f"the predictor {predictor.name} ended without a prediction")
