"""Another predictor's class probabilities as a network's prior, on painted planes from their painted neighbours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...annotation import SparseAnnotation
from ...cohort.applying.starting_point import cohort_probabilities
from ...learning.cohort_prior import CohortPrior
from ...learning.priors import PredictedPrior, ShapePrior
from ...learning.region import Working
from ...quality.left_out import without_planes
from ...volume import Volume
from ..base import PREDICTORS, Prediction, Progress


def predicted_prior(
    name: str, volume: Volume, annotation: SparseAnnotation, working: Working, device: str, seed: int
) -> Iterator[Progress | PredictedPrior]:
    """Run a predictor on the working region; a generator of Progress, whose last item is the prior.

    Made with a plane's own labels a prior is the truth there, and a network that is trained on it learns to copy it. So
    the predictor runs three times: on everything painted, for the planes to predict; and without every second painted
    plane, and without the others, so that each painted plane is predicted from its painted neighbours, for training.
    """
    # Three dimensions of the region only: probabilities take 2 bytes a voxel and class, three times.
    region = (slice(None), *working.box)
    cropped = Volume.from_array(volume.intensities[region], volume.spacing_mm)
    labels, known = annotation.labels[region], annotation.known[region]
    annotation = replace(annotation, labels=labels, known=known, painted_along={}, box=None)
    first, last = annotation.plane_range
    painted = [plane for plane in annotation.painted_planes if first <= plane <= last]
    # The only painted plane has no neighbours: its prior is itself, which teaches a network to leave the prior alone.
    folds = [painted[0::2], painted[1::2]] if len(painted) > 1 else []
    left_out: dict[int, np.ndarray] = {}
    for number, planes in enumerate(folds):
        steps = _probabilities(name, cropped, without_planes(annotation, planes), seed)
        probabilities = yield from _reported(steps, number, len(folds) + 1)
        left_out |= {plane: probabilities[:, plane].copy() for plane in planes}
    steps = _probabilities(name, cropped, annotation, seed)
    probabilities = yield from _reported(steps, len(folds), len(folds) + 1)
    yield PredictedPrior(probabilities, left_out, device)


def cohort_prior(
    path: str, volume: Volume, annotation: SparseAnnotation, working: Working, device: str, border_planes: int
) -> Iterator[Progress | CohortPrior]:
    """A cohort model's probabilities and interpolated outlines; a generator of Progress, whose last item is the prior.

    Raises
    ------
    InputError
        Where the model cannot be read, or is none for such a scan.
    """
    first, last = annotation.plane_range
    planes = slice(max(0, first - border_planes), min(annotation.planes, last + 1 + border_planes))
    probabilities = yield from cohort_probabilities(path, volume, annotation, (planes, *working.box), device)
    shape = ShapePrior(annotation, working, volume.spacing_mm, device)
    yield CohortPrior(shape, probabilities, planes.start, device)


def _probabilities(name, volume, annotation, seed) -> Iterator[Progress | np.ndarray]:
    """Progress, and last float16 (classes + 1, planes, rows, columns); certain where a predictor does not weigh."""
    predictor = PREDICTORS.create(name, {"seed": seed, "keep_probabilities": True})
    with contextlib.closing(predictor.predict(volume, annotation)) as steps:
        for step in steps:
            if not isinstance(step, Prediction):
                yield step
            elif step.probabilities is not None:
                yield step.probabilities
            else:
                yield (np.arange(annotation.class_count + 1)[:, None, None, None] == step.labels).astype(np.float16)


def _reported(steps, number: int, count: int):
    """Pass the progress of run `number` of `count` on, and return what it ends with."""
    for step in steps:
        if isinstance(step, Progress):
            yield Progress("making the prior", (number + step.fraction) / count, step.message)
    return step
