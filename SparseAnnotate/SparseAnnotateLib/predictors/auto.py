"""`auto`: the mean of `guided` and interpolated outlines where that gains; another one where left-out planes say so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box
from ..errors import InputError
from ..metrics import confusion_per_plane, dice_from_confusion
from ..quality.left_out import groups_to_leave_out, without_planes
from ..volume import Volume
from .base import PREDICTORS, Prediction, PredictorBase, PredictorOptions, Progress

# Another one must be better by this much Dice on the left-out planes to replace the first: their scores scatter.
_MARGIN = 0.02

# With fewer left-out planes that hold a class, chance would decide.
_FEWEST_PLANES = 3

# The mean of two gains where both are about as good. Then they differ by no more than the errors of both: if by more
# than so many times what the first expects to lose, the second is far worse (46 predictions: brain tissue lost up to
# .0047 at 2, no volume more than .0028 at 1.5; from 1.25 to 1.6 the mean hardly changes). What both find but roughly,
# neither mends.
_MOST_APART = 1.5
_LEAST_ALIKE = 0.8

# Outlines of a predictor that gives no probabilities are smoothed by so many pixels before they are averaged: hard ones
# lost .002 on a spinal cord, smooth ones .0004, and they gained as much elsewhere.
_SMOOTHING = 1.0
_MARGIN_PIXELS = 4

# Shares of the time after which the others, and the first, have predicted; the rest is for leaving the first out.
_OTHERS_END, _FIRST_END = 0.1, 0.5


@dataclass(frozen=True, kw_only=True)
class AutoOptions(PredictorOptions):
    """Options of `auto`.

    Attributes
    ----------
    candidates : predictors to choose among; the first is taken where nothing speaks for another
    average : may take the mean of the first and the second one
    vote : weight of the second one's labels in that mean, smoothed by a pixel
    planes_for_average : painted planes that must hold a class for the mean to be taken: with fewer, gaps are wide
    """

    candidates: tuple[str, ...] = ("guided", "shape")
    average: bool = True
    vote: float = 0.2
    planes_for_average: int = 3

    def validate(self):
        """Raise InputError for what makes no sense."""
        super().validate()
        if not self.candidates or "auto" in self.candidates:
            raise InputError("candidates: name at least one other predictor, such as guided,shape")
        if not 0 < self.vote < 0.5:
            raise InputError(f"vote is {self.vote:g}: give a number above 0 and below 0.5")


@dataclass(frozen=True)
class _Choice:
    """Whose labels a class takes: the weight of each candidate, and why."""

    weights: dict[str, float]
    why: str

    def told(self) -> str:
        return f"{' and '.join(self.weights)} ({self.why})"


@PREDICTORS.register
class Auto(PredictorBase):
    """Takes for each class the best of its candidates, or the mean of the first two.

    The mean is taken where a class is on enough painted planes and both find about the same, because there it gained on
    other volumes (docs/quality.md).
    Leaving planes out cannot show that: it doubles the gaps, and interpolation gets worse with the gap much faster than
    `guided`. Where another candidate does better on planes left out than the first one expects of itself *without*
    leaving them out, the first is left out too, and the better one is taken: only then it takes three times as long.
    What was chosen, and why, stands in the prediction's `details`.
    """

    name = "auto"
    summary = "Averages guided with interpolated outlines where planes lie close; another one where that did better."
    Options = AutoOptions

    def _predict(self, volume: Volume, annotation: SparseAnnotation) -> Iterator[Progress | Prediction]:
        first, *others = self.options.candidates
        groups = groups_to_leave_out(annotation) if others else []
        predictions, left_out = {}, {}
        step = _OTHERS_END / max(1, len(others) * (1 + len(groups)))
        for number, name in enumerate(others):
            start = number * (1 + len(groups)) * step
            left_out[name] = yield from self._leave_out(name, volume, annotation, groups, start, step)
            start += len(groups) * step
            predictions[name] = yield from self._run(name, volume, annotation, start, step, "predicting", True)
        soft = bool(others) or self.options.keep_probabilities
        share = _FIRST_END - _OTHERS_END
        predictions[first] = yield from self._run(first, volume, annotation, _OTHERS_END, share, "predicting", soft)
        if _rivals(annotation, predictions[first], left_out):
            share = (1 - _FIRST_END) / len(groups)
            left_out[first] = yield from self._leave_out(first, volume, annotation, groups, _FIRST_END, share)
        yield self._combined(annotation, self._choices(annotation, left_out, predictions), predictions)

    def _leave_out(self, name, volume, annotation, groups, start, share) -> Iterator[Progress]:
        """Dice of each class, float (classes,), over the painted planes, each predicted while it is left out."""
        count = annotation.class_count
        confusion = np.zeros((count + 1, count + 1), np.int64)
        for number, planes in enumerate(groups):
            rest = without_planes(annotation, planes)
            result = yield from self._run(name, volume, rest, start + number * share, share, "leaving out", False)
            confusion += confusion_per_plane(result.labels[planes], annotation.labels[planes], count).sum(axis=0)
        return np.nan_to_num(dice_from_confusion(confusion))

    def _run(self, name, volume, annotation, start, share, stage, soft) -> Iterator[Progress]:
        """Run a candidate; returns its prediction. A structure that is nowhere painted is no error here."""
        cls = PREDICTORS.get(name)
        common = {"seed": self.options.seed, "device": self.options.device}
        predictor = cls(cls.Options(**common, keep_probabilities=soft and cls.gives_probabilities))
        with contextlib.closing(predictor.predict(volume, annotation)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    return step
                yield Progress(f"{stage}: {name}", start + share * step.fraction, step.message, step.preview)
        raise RuntimeError(f"the predictor {name} ended without a prediction")

    def _choices(self, annotation, left_out, predictions) -> dict[int, _Choice]:
        """For each class (1, 2, ...) what to take."""
        first, *others = self.options.candidates
        planes = _planes_with(annotation)
        may_average = self.options.average and others and predictions[first].probabilities is not None
        about_as_good = _about_as_good(annotation, predictions[first], predictions[others[0]]) if may_average else ()
        choices = {}
        for number in range(1, annotation.class_count + 1):
            choices[number] = _Choice({first: 1.0}, f"on {planes[number]} painted planes")
            better = _better_when_left_out(first, left_out, number) if planes[number] >= _FEWEST_PLANES else None
            if better is not None:
                choices[number] = better
            elif may_average and planes[number] >= self.options.planes_for_average and about_as_good[number - 1]:
                weights = {first: 1 - self.options.vote, others[0]: self.options.vote}
                choices[number] = _Choice(weights, f"their mean: on {planes[number]} painted planes")
        return choices

    def _combined(self, annotation, choices: dict[int, _Choice], predictions: dict[str, Prediction]) -> Prediction:
        only = predictions[self.options.candidates[0]]
        names = {number: annotation.classes[number - 1].name for number in choices}
        details = {**only.details, "chosen": {names[number]: choice.told() for number, choice in choices.items()}}
        kept = only.probabilities if self.options.keep_probabilities else None
        if all(set(choice.weights) == {self.options.candidates[0]} for choice in choices.values()):
            return replace(only, probabilities=kept, details=details)
        labels = only.labels.copy()
        somewhere = np.any([one.labels.any(axis=0) for one in predictions.values()], axis=0)
        box = bounding_box(somewhere, _MARGIN_PIXELS) or (slice(0, 0), slice(0, 0))
        for plane in annotation.unpainted_planes:
            soft = {name: _soft(one, (plane, *box), annotation.class_count) for name, one in predictions.items()}
            mixed = _mixed(choices, soft, {name: one.probabilities is None for name, one in predictions.items()})
            unknown = ~annotation.known[(plane, *box)]
            np.copyto(labels[(plane, *box)], mixed.argmax(axis=0).astype(np.uint8), where=unknown)
            if kept is not None:
                kept[(slice(None), plane, *box)] = mixed / np.maximum(mixed.sum(axis=0), 1e-6)
        return replace(only, labels=labels, probabilities=kept, details=details)


def _expected_by(prediction: Prediction, annotation: SparseAnnotation) -> np.ndarray:
    """The Dice of each class that a predictor expects of itself, float (classes,); 0 where it says nothing."""
    expected = prediction.details.get("expected_dice_per_class", {})
    return np.array([expected.get(one.name, 0.0) for one in annotation.classes])


def _about_as_good(annotation: SparseAnnotation, first: Prediction, second: Prediction) -> np.ndarray:
    """Whether two predictions of a class differ by no more than the errors that the first expects, bool (classes,)."""
    planes = annotation.unpainted_planes
    confusion = confusion_per_plane(first.labels[planes], second.labels[planes], annotation.class_count)
    alike = np.nan_to_num(dice_from_confusion(confusion.sum(axis=0)))
    close = (1 - alike) <= _MOST_APART * (1 - _expected_by(first, annotation))
    return close & (alike >= _LEAST_ALIKE)


def _rivals(annotation: SparseAnnotation, prediction: Prediction, left_out: dict[str, np.ndarray]) -> bool:
    """Whether any class was predicted better by another one, planes left out, than the first expects of itself."""
    own = _expected_by(prediction, annotation)
    enough = np.array(list(_planes_with(annotation).values())) >= _FEWEST_PLANES
    return any((enough & (dice > own)).any() for dice in left_out.values())


def _better_when_left_out(first: str, left_out: dict[str, np.ndarray], number: int) -> _Choice | None:
    if first not in left_out:
        return None
    own = left_out[first][number - 1]
    best = max(left_out, key=lambda name: left_out[name][number - 1])
    if left_out[best][number - 1] < own + _MARGIN:
        return None
    return _Choice({best: 1.0}, f"{left_out[best][number - 1]:.3f} on left-out planes; {first} {own:.3f}")


def _soft(prediction: Prediction, place: tuple, class_count: int) -> np.ndarray:
    """Float32 (classes + 1, rows, columns): probabilities, 0 or 1 from a predictor that decides without weighing."""
    if prediction.probabilities is not None:
        return prediction.probabilities[(slice(None), *place)].astype(np.float32)
    labels = prediction.labels[place]
    return (labels == np.arange(class_count + 1)[:, None, None]).astype(np.float32)


def _mixed(choices: dict[int, _Choice], soft: dict[str, np.ndarray], decided: dict[str, bool]) -> np.ndarray:
    """Each class as its choice has it, background as the mean choice has it; (classes + 1, rows, columns).

    In a mean, those that are `decided` without weighing are smoothed.
    """
    from scipy.ndimage import gaussian_filter

    averaged = {name for choice in choices.values() if len(choice.weights) > 1 for name in choice.weights}
    smooth = {n: gaussian_filter(soft[n], (0, _SMOOTHING, _SMOOTHING)) if decided[n] else soft[n] for n in averaged}

    def of(weights: dict[str, float], number: int) -> np.ndarray:
        source = smooth if len(weights) > 1 else soft
        return sum(weight * source[name][number] for name, weight in weights.items())

    background = np.mean([of(choice.weights, 0) for choice in choices.values()], axis=0)
    return np.stack([background, *(of(choice.weights, number) for number, choice in choices.items())])


def _planes_with(annotation: SparseAnnotation) -> dict[int, int]:
    """On how many completely painted planes each class (1, 2, ...) is."""
    planes = annotation.labels[annotation.complete_planes]
    return {n: int((planes == n).any(axis=(1, 2)).sum()) for n in range(1, annotation.class_count + 1)}
