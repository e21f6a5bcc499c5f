"""Starting from a rough segmentation: it leads where it is good, and the predictor where that is better.

Each structure has two scores at each pixel: the signed distance of the rough outline, corrected as the corrected planes
say, and the log odds, against what else is likeliest, of the predictor, which has seen the corrected planes alone.
Their mean decides (`scores`), weighed by how wrong each of them is (`rivals`), and by the image (`image_votes`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..annotation import SparseAnnotation
from ..corrections import Corrections
from ..errors import InputError
from ..initial import Initial
from ..postprocess import without_specks
from ..prediction import Prediction, Progress, Steps
from ..quality.expected import with_expected_quality
from ..same_grid import check_same_grid
from ..volume import Volume
from .base import PredictorBase, run
from .image_votes import ImageVotes
from .rivals import told_dice, told_lost
from .scores import corrected_labels, joined_scores

_PREDICTED = 0.9


def predicted_from(predictor: PredictorBase, volume: Volume, annotation: SparseAnnotation, initial: Initial) -> Steps:
    """Predict from a rough segmentation and the planes on which it was corrected; as `PredictorBase.predict`.

    Without a corrected plane the rough segmentation comes back without its specks, with no Dice to expect of it, and no
    probabilities.

    Raises
    ------
    InputError
        Where image, annotation and rough segmentation do not fit.
    """
    check_same_grid(volume, annotation)
    if not isinstance(predictor, PredictorBase):
        raise InputError(f"the predictor {predictor.name} cannot start from a segmentation: choose guided")
    if initial.labels.shape != volume.shape:
        mine, theirs = ("x".join(map(str, shape)) for shape in (volume.shape, initial.labels.shape))
        raise InputError(f"image ({mine}) and initial segmentation ({theirs}) lie on different grids: resample it")
    rough = within_ranges(initial.of_classes(annotation.classes), annotation)
    if not annotation.painted.any():
        without_specks(rough, annotation.class_count)
        yield predictor.keep_promises(Prediction(rough, details={"initial": {"corrected_planes": 0}}), annotation)
        return
    predicted = None
    inside = with_shown_range(annotation, rough)
    if any(inside.labels[plane].any() for plane in inside.complete_planes):
        options = replace(predictor.options, keep_probabilities=predictor.gives_probabilities)
        with contextlib.closing(predictor.with_options(options).predict(volume, inside)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    predicted = with_expected_quality(
                        step, inside, volume.spacing_mm, predictor.name, volume.intensities
                    )
                    break
                # What is shown before is not joined with the rough segmentation yet.
                yield replace(step, fraction=_PREDICTED * step.fraction, preview=None)
    yield Progress("joining it with the initial segmentation", _PREDICTED)
    yield joined(predictor, volume, annotation, rough, predicted)


def run_from(
    predictor: PredictorBase,
    volume: Volume,
    annotation: SparseAnnotation,
    initial: Initial | None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Prediction:
    """`run`, from a rough segmentation where there is one."""
    if initial is None:
        return run(predictor, volume, annotation, on_progress)
    for step in predicted_from(predictor, volume, annotation, initial):
        if isinstance(step, Prediction):
            return step
        if on_progress is not None:
            on_progress(step)
    raise RuntimeError("starting from a segmentation ended without a prediction")


def joined(
    predictor: PredictorBase,
    volume: Volume,
    annotation: SparseAnnotation,
    rough: np.ndarray,
    predicted: Prediction | None,
) -> Prediction:
    """The rough segmentation (class numbers of the annotation) and a prediction from the corrected planes, as one."""
    corrections = Corrections(rough, annotation, volume.spacing_mm, predicted)
    lost = told_lost(corrections, predicted)
    pixel_mm, keep = float(np.mean(volume.spacing_mm[1:])), predictor.options.keep_probabilities
    corrected, votes = corrected_labels(corrections, annotation, pixel_mm), None
    if predicted is not None:
        votes = ImageVotes(volume.intensities, annotation, corrections, corrected, predicted.labels)
    both = joined_scores(corrections, lost, annotation, predicted, votes, pixel_mm, keep)
    details = {"initial": {"corrected_planes": len(annotation.painted_planes)}}
    prediction = predictor.keep_promises(Prediction(both.labels, both.probabilities, details=details), annotation)
    if not lost.shown_on.any():
        # Corrected planes that show nothing, as they should, say nothing of the outlines on others.
        return prediction
    told = told_dice(lost, corrected, None if predicted is None else predicted.labels, prediction.labels, annotation)
    return replace(
        prediction,
        expected_dice_per_plane=told.per_plane,
        expected_dice_interval_per_plane=told.interval_per_plane,
        expected_dice_per_structure=told.per_structure,
        expected_dice=told.whole,
        expected_dice_interval=told.interval,
        details={**prediction.details, "expected_dice_per_class": told.by_name},
    )


def within_ranges(rough: np.ndarray, annotation: SparseAnnotation) -> np.ndarray:
    """Nothing outside the ranges, which the expert clicked."""
    rough = rough.copy()
    for plane in range(annotation.planes):
        allowed = annotation.allowed_classes(plane)
        if not allowed.all():
            rough[plane][~allowed[rough[plane]]] = 0
    return rough


def with_shown_range(annotation: SparseAnnotation, rough: np.ndarray) -> SparseAnnotation:
    """Where nobody clicked a range: from the first to the last plane that shows anything, rough or corrected."""
    if annotation.plane_range != (0, annotation.planes - 1):
        return annotation
    shown = np.where(annotation.painted[:, None, None], annotation.labels, rough).any(axis=(1, 2))
    shown |= annotation.labels.any(axis=(1, 2))
    places = np.flatnonzero(shown)
    return annotation.with_range(int(places[0]), int(places[-1])) if len(places) else annotation
