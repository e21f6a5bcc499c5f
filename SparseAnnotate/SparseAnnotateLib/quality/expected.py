"""The Dice to expect of a prediction, plane by plane and for the volume, with an interval."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from ..annotation import SparseAnnotation
from ..structures import of_structures, structure_groups
from . import comes_back
from .agreed import JUDGES, OUTLINE_JUDGES, agreed_shifts
from .features import PlaneFeatures, features_of
from .goes_on import doubts, goes_on_shifts
from .hidden import hiddenness, shifts, unseen
from .image_agreement import ImageAgreement, image_agreement
from .left_out import borne_out, left_out_excess, quick_labels
from .model import (
    FEW_PLANES,
    GUIDED_INTERVALS,
    GUIDED_PLANE_INTERVAL,
    INTERPOLATED,
    NEAREST,
    REACH,
    Model,
    odds_lost,
    ratio_of,
    shifted,
    widened,
)
from .told import UNPROVEN, Told
from .vanished import gaps_without, sizes_px, vanished_px
from .warned import gaps_unknown, names_not_shown, names_nowhere, planes_by_name, shown_by_image, warnings_of

if TYPE_CHECKING:
    from ..prediction import Prediction

Spacing = tuple[float, float, float]


# These say themselves what to expect, better than the model of interpolation would: only the interval is added.
_SAYS_ITSELF = ("guided",)


# These look at outlines only. (What comes and goes costs `nearest` no more than its model says.)
INTERPOLATES = ("shape", "morphology")

# Where the image tells a structure, it is asked. (Nobody has measured that for networks.)
_JUDGES = dict.fromkeys(_SAYS_ITSELF, JUDGES) | dict.fromkeys((*INTERPOLATES, "nearest"), OUTLINE_JUDGES)

# What is hidden less than this changes nothing that can be read.
_LEAST_HIDDEN = 0.02


class ExpectedQuality:
    """Expected Dice of one prediction.

    Attributes
    ----------
    per_plane : float32 (planes,), mean over the structures on the plane; NaN where nothing was predicted
    interval_per_plane : float32 (planes, 2): in 80 of 100 planes the true Dice lies between
    per_structure : float32 (planes, classes), of each structure on each plane; NaN where it is not predicted
    per_class : float (classes,), over the volume; NaN for a structure that is nowhere
    whole, interval : mean over the structures, and where it lies in 80 of 100 volumes
    """

    def __init__(self, features: PlaneFeatures, odds: np.ndarray, model: Model, planes: int, painted_px: np.ndarray):
        self.per_plane = _by_plane(features, odds, planes)
        self.per_structure = np.full((planes, len(painted_px)), np.nan, np.float32)
        self.per_structure[features.plane, features.structure] = 1 - ratio_of(odds)
        self.interval_per_plane = shifted(self.per_plane, model.plane_interval)
        self.per_class = _by_class(features, odds, painted_px)
        self.whole = self.interval = None
        if np.isfinite(self.per_class).any():
            self.whole = float(np.nanmean(self.per_class))
            self.interval = tuple(shifted(np.array(self.whole), model.volume_interval).tolist())


def expected_quality(
    prediction: Prediction,
    annotation: SparseAnnotation,
    spacing_mm: Spacing,
    predictor: str,
    intensities: np.ndarray | None = None,
) -> ExpectedQuality:
    """Model the Dice of a prediction: see docs/design/quality.md.

    Painted planes are left out in two groups, predicted by interpolation and scored, which shows how hard this volume
    is. The rest comes from the distance to the painted planes, how these differ, and disagreement with another one.

    Parameters
    ----------
    predictor : name of the one that made the prediction
    intensities : the image, shape (planes, rows, columns): without it, the appearance of structures is not used
    """
    name = "nearest" if predictor == "nearest" else "shape"
    model = NEAREST if name == "nearest" else INTERPOLATED
    against = "shape" if predictor != "shape" else "nearest"
    groups = structure_groups(annotation)
    if len(groups) == 1:
        features, odds = _features_and_odds(prediction.labels, annotation, spacing_mm, name, against, intensities)
        return ExpectedQuality(features, odds, model, annotation.planes, _painted_px(annotation))
    every_features, every_odds = [], []
    painted_px = np.zeros(annotation.class_count)
    for numbers in groups:
        alone = of_structures(annotation, numbers, spacing_mm)
        if not alone.labels.any() or not alone.unpainted_planes:
            continue
        inside = np.zeros(annotation.class_count + 1, np.uint8)
        inside[list(numbers)] = np.arange(1, len(numbers) + 1)
        features, odds = _features_and_odds(inside[prediction.labels], alone, spacing_mm, name, against, intensities)
        painted_px[np.array(numbers) - 1] = _painted_px(alone)
        every_features.append(replace(features, structure=np.array(numbers)[features.structure] - 1))
        every_odds.append(odds)
    if not every_odds:
        return ExpectedQuality(PlaneFeatures.none(), np.zeros(0), model, annotation.planes, painted_px)
    together = PlaneFeatures(
        *(np.concatenate([getattr(one, field.name) for one in every_features]) for field in fields(PlaneFeatures))
    )
    return ExpectedQuality(together, np.concatenate(every_odds), model, annotation.planes, painted_px)


def _features_and_odds(
    labels: np.ndarray,
    annotation: SparseAnnotation,
    spacing_mm: Spacing,
    name: str,
    against: str,
    intensities: np.ndarray | None,
) -> tuple[PlaneFeatures, np.ndarray]:
    """Features of all planes to predict, and the log-odds of what is lost there, after left-out planes were asked."""
    model = NEAREST if name == "nearest" else INTERPOLATED
    planes = annotation.unpainted_planes
    other = quick_labels(against, annotation, spacing_mm, planes)
    features = features_of(labels, annotation, spacing_mm, planes, other, intensities)
    excess = left_out_excess(annotation, spacing_mm, name, model, intensities)
    return features, model.log_odds(features) + model.left_out * excess.per_structure[features.structure]


def with_expected_quality(
    prediction: Prediction,
    annotation: SparseAnnotation,
    spacing_mm: Spacing,
    predictor: str,
    intensities: np.ndarray | None = None,
) -> Prediction:
    """The prediction with the Dice to expect, in place of what its predictor said; see `expected_quality`."""
    if not annotation.classes or not (annotation.unpainted_planes or len(structure_groups(annotation)) > 1):
        if prediction.expected_dice is None:
            return prediction
        # Nothing was predicted, so nothing is promised: a 1.000 would be read as one for the structure.
        return replace(prediction, expected_dice=None, expected_dice_per_plane=None, expected_dice_per_structure=None)
    known = evidence_of(prediction, annotation, spacing_mm, predictor, intensities)
    told, least, most = known.told, known.least.whole, known.most.whole
    details = {**prediction.details}
    if known.image is not None:
        if predictor in _JUDGES:
            shift = agreed_shifts(_JUDGES[predictor], told, known.least, known.most, known.image, annotation)
            told, least, most = (
                one.with_odds(shift, prediction.labels, annotation) for one in (told, known.least, known.most)
            )
            if predictor in _SAYS_ITSELF:
                shift = goes_on_shifts(told, least, most, known.back, known.image.contrast, annotation)
                told = told.with_odds(shift, prediction.labels, annotation)
            least, most = least.whole, most.whole
        details |= shown_by_image(known.image, annotation, known.missing_px > 0)
        if unknown := gaps_unknown(known.unknown, details, annotation, intensities):
            details["unknown"] = unknown
    told = told.proven(lambda: borne_out(annotation, spacing_mm), annotation)
    whole = told.whole
    if known.missing_px.any():
        details["vanished"] = planes_by_name(known.missing_px > 0, annotation)
    details["expected_dice_per_class"] = told.per_class
    if not_shown := names_not_shown(known.nothing, told.per_class, annotation):
        details["not_shown"] = not_shown
    if nowhere := names_nowhere(prediction.labels, annotation):
        details["nowhere"] = nowhere
    details["warnings"] = warnings_of(details, annotation)
    return replace(
        prediction,
        expected_dice_per_plane=told.per_plane,
        expected_dice_per_structure=told.per_structure,
        expected_dice_interval_per_plane=shifted(told.per_plane, known.intervals[0]),
        expected_dice=whole,
        expected_dice_interval=None if whole is None else _interval(whole, known.intervals[1], least, most),
        details=details,
    )


@dataclass(frozen=True)
class Evidence:
    """What is known of a prediction.

    Attributes
    ----------
    told : the Dice to expect by its predictor or the model, no more than the image agrees with
    least, most : the same if all of what may go on does, or nothing
    intervals : log-odds of the intervals of planes and volume
    image : how far it agrees, or None
    missing_px : of what vanished between planes that hold it (planes, classes)
    nothing : how far the image shows nothing of each structure, 0 to 1
    back : how far the image comes back between its planes, see `came_back`; NaN where the number does not ask for it
    unknown : how far nobody can know what each structure does between its planes, however many, 0 to 1
    """

    told: Told
    least: Told
    most: Told
    intervals: tuple[tuple[float, float], tuple[float, float]]
    image: ImageAgreement | None
    missing_px: np.ndarray
    nothing: np.ndarray
    back: np.ndarray
    unknown: np.ndarray

    @property
    def doubts(self) -> np.ndarray:
        """The same of few painted planes, where the expected Dice itself asks, float (structures,), 0 to 1."""
        return np.zeros(len(self.back)) if self.image is None else doubts(self.back, self.image.contrast)


def evidence_of(
    prediction: Prediction,
    annotation: SparseAnnotation,
    spacing_mm: Spacing,
    predictor: str,
    intensities: np.ndarray | None,
) -> Evidence:
    """See `Evidence`; the arguments are those of `with_expected_quality`."""
    image = None if intensities is None else image_agreement(prediction.labels, annotation, intensities)
    nothing, back, unknown = (np.full(annotation.class_count, one) for one in (0.0, np.nan, 0.0))
    few = len(annotation.source_planes) <= FEW_PLANES
    if image is not None:
        nothing = unseen(intensities, annotation, image.contrast)
        came_back = comes_back.came_back(annotation, intensities)
        back = came_back if few else back
        unknown = doubts(came_back, image.contrast)
    told, intervals = _told(prediction, annotation, spacing_mm, predictor, intensities, nothing)
    missing_px = vanished_px(prediction.labels, annotation)
    told = told.without(prediction.labels, missing_px, annotation)
    if image is None:
        return Evidence(told, told, told, intervals, image, missing_px, nothing, back, unknown)
    most = told.at_most(image, prediction.labels, annotation)
    # What may go on or not: all of it, none of it, and what is told. Where a structure vanished it counts already.
    here = gaps_without(missing_px, annotation)
    sizes = sizes_px(prediction.labels, annotation.class_count)
    least, told = (most.doubted(sizes, px * here, annotation) for px in (image.possible_px(), image.doubtful_px()))
    numbers = [number for number, one in enumerate(annotation.classes) if one.name in told.per_class]
    if numbers:
        unseen_too = np.maximum(unknown, nothing if few else 0)
        intervals = intervals[0], widened(intervals[1], float(unseen_too[numbers].mean()))
    return Evidence(told, least, most, intervals, image, missing_px, nothing, back, unknown)


def _interval(whole: float, shifts: tuple[float, float], least: float, most: float) -> tuple[float, float]:
    """Where the Dice of 80 of 100 volumes lies, whether most of what may go on does, or of it does not."""
    told, all_goes_on, nothing = (odds_lost(dice) for dice in (whole, least, min(most, UNPROVEN)))
    low = told + REACH * max(all_goes_on - told, 0)
    high = told - REACH * max(told - nothing, 0)
    return tuple(float(1 - ratio_of(end)) for end in (low + shifts[1], high + shifts[0]))


def _told(prediction, annotation: SparseAnnotation, spacing_mm: Spacing, predictor: str, intensities, nothing):
    """What the predictor itself says, or the model; and the log-odds of both intervals."""
    if predictor in _SAYS_ITSELF and prediction.expected_dice is not None:
        said = prediction.details.get("expected_dice_per_class", {})
        dice = prediction.expected_dice_per_plane, prediction.expected_dice, said
        told = Told(*dice, prediction.expected_dice_per_structure)
        if intensities is not None and said:
            shift = _hidden_shifts(prediction, annotation, spacing_mm, predictor, intensities, nothing)
            told = told.with_odds(shift, prediction.labels, annotation)
        return told, (GUIDED_PLANE_INTERVAL, GUIDED_INTERVALS[len(annotation.source_planes) > FEW_PLANES])
    quality = expected_quality(prediction, annotation, spacing_mm, predictor, intensities)
    names = [label_class.name for label_class in annotation.classes]
    per_class = {n: round(float(d), 4) for n, d in zip(names, quality.per_class, strict=True) if np.isfinite(d)}
    model = NEAREST if predictor == "nearest" else INTERPOLATED
    told = Told(quality.per_plane, quality.whole, per_class, quality.per_structure)
    if intensities is not None and predictor in INTERPOLATES:
        told = told.with_odds(comes_back.shifts(annotation, intensities), prediction.labels, annotation)
    return told, (model.plane_interval, model.volume_interval)


def _hidden_shifts(prediction, annotation: SparseAnnotation, spacing_mm, predictor: str, intensities, nothing):
    """What structures that the image does not show lose more than was said, log-odds (structures,)."""
    hidden = hiddenness(intensities, annotation, spacing_mm)
    if max(hidden.max(initial=0), nothing.max(initial=0)) < _LEAST_HIDDEN:
        return np.zeros(annotation.class_count)
    said = prediction.details["expected_dice_per_class"]
    own = {n: said[one.name] for n, one in enumerate(annotation.classes) if one.name in said}
    modelled = expected_quality(prediction, annotation, spacing_mm, predictor, intensities)
    return shifts(hidden, nothing, own, modelled.per_class)


def _by_plane(features: PlaneFeatures, odds: np.ndarray, planes: int) -> np.ndarray:
    """Mean Dice over the structures of each plane, float32 (planes,); NaN where there is none."""
    numbers = np.bincount(features.plane, minlength=planes)
    lost = np.bincount(features.plane, ratio_of(odds), minlength=planes)
    return np.divide(numbers - lost, numbers, out=np.full(planes, np.nan), where=numbers > 0).astype(np.float32)


def _painted_px(annotation: SparseAnnotation) -> np.ndarray:
    """Voxels of each structure on painted planes, int (classes,)."""
    count = annotation.class_count
    painted = np.zeros(count)
    for plane in annotation.painted_planes:
        painted += np.bincount(annotation.labels[plane].ravel(), minlength=count + 1)[1:]
    return painted


def _by_class(features: PlaneFeatures, odds: np.ndarray, painted_px: np.ndarray) -> np.ndarray:
    """Dice over the volume: what is lost on each plane weighs as much as the structure is large there."""
    count = len(painted_px)
    right = np.bincount(features.structure, features.area_px * (1 - ratio_of(odds)), minlength=count)
    total = np.bincount(features.structure, features.area_px, minlength=count) + painted_px
    return np.divide(right + painted_px, total, out=np.full(count, np.nan), where=total > 0)
