"""`auto`: the predictor that does best on left-out painted planes of this volume, class by class."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..annotation import SparseAnnotation
from ..errors import InputError
from ..metrics import confusion_per_plane, dice_from_confusion
from ..quality.left_out import groups_to_leave_out, without_planes
from ..volume import Volume
from .base import PREDICTORS, Prediction, PredictorBase, PredictorOptions, Progress

# Another one must be better by this much Dice on the left-out planes to replace the first: their scores scatter.
_MARGIN = 0.02

# With fewer left-out planes that hold a class, chance would decide.
_FEWEST_PLANES = 3


@dataclass(frozen=True, kw_only=True)
class AutoOptions(PredictorOptions):
    """Options of `auto`.

    Attributes
    ----------
    candidates : predictors to choose among; the first is taken where the painted planes do not tell
    average : may take the mean of the first and another one
    """

    candidates: tuple[str, ...] = ("guided", "shape")
    average: bool = True

    def validate(self):
        """Raise InputError for what makes no sense."""
        super().validate()
        if not self.candidates or "auto" in self.candidates:
            raise InputError("candidates: name at least one other predictor, such as guided,shape")


@dataclass(frozen=True)
class _Choice:
    """Whose labels a class takes: the weight of each candidate, and how many Dice points that gained when left out."""

    weights: dict[str, float]
    dice: float
    of_first: float

    def told(self) -> str:
        names = " and ".join(self.weights)
        return f"{names} ({self.dice:.3f} on left-out planes; the first alone {self.of_first:.3f})"


@PREDICTORS.register
class Auto(PredictorBase):
    """Leaves painted planes out, predicts them with every candidate, and takes for each class what was best there.

    With 3 groups' work (two with half of the planes left out, and the prediction itself) it takes three times as long
    as its candidates do. What was chosen, and why, stands in the prediction's `details`.
    """

    name = "auto"
    summary = "Tries the fast predictors on left-out painted planes and takes the best for each structure."
    Options = AutoOptions

    def _predict(self, volume: Volume, annotation: SparseAnnotation) -> Iterator[Progress | Prediction]:
        names = self.options.candidates
        groups = groups_to_leave_out(annotation) if len(names) > 1 else []
        rounds = len(names) * (len(groups) + 1)
        left_out = []
        for number, planes in enumerate(groups):
            rest = without_planes(annotation, planes)
            results = {}
            for position, name in enumerate(names):
                share = (number * len(names) + position) / rounds
                results[name] = yield from self._run(name, volume, rest, share, 1 / rounds, "leaving planes out", True)
            left_out.append((planes, results))
        choices = self._choices(annotation, left_out)
        needed = [name for name in names if any(name in choice.weights for choice in choices.values())] or [names[0]]
        predictions = {}
        for position, name in enumerate(needed):
            share = (len(groups) * len(names) + position) / rounds
            soft = len(needed) > 1 or self.options.keep_probabilities
            predictions[name] = yield from self._run(name, volume, annotation, share, 1 / rounds, "predicting", soft)
        yield self._combined(annotation, choices, predictions)

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

    def _choices(self, annotation: SparseAnnotation, left_out) -> dict[int, _Choice]:
        """For each class (1, 2, ...) what to take."""
        first, *others = self.options.candidates
        options = [{first: 1.0}, *({name: 1.0} for name in others)]
        if self.options.average:
            options += [{first: 0.5, name: 0.5} for name in others]
        counts = sum((_confusions(annotation, planes, results, options) for planes, results in left_out), start=0)
        choices = {}
        for number in range(1, annotation.class_count + 1):
            choices[number] = _Choice({first: 1.0}, float("nan"), float("nan"))
            if not left_out or _planes_with(annotation, left_out, number) < _FEWEST_PLANES:
                continue
            dice = [float(np.nan_to_num(dice_from_confusion(counts[n])[number - 1])) for n in range(len(options))]
            best = int(np.argmax(dice))
            if dice[best] < dice[0] + _MARGIN:
                best = 0
            choices[number] = _Choice(options[best], dice[best], dice[0])
        return choices

    def _combined(self, annotation, choices: dict[int, _Choice], predictions: dict[str, Prediction]) -> Prediction:
        first = self.options.candidates[0]
        names = {number: annotation.classes[number - 1].name for number in choices}
        details = {"chosen": {names[number]: choice.told() for number, choice in choices.items()}}
        if all(choice.weights == {first: 1.0} for choice in choices.values()):
            only = predictions[first]
            return replace(only, details={**only.details, **details})
        labels = np.zeros(annotation.labels.shape, np.uint8)
        kept = None
        if self.options.keep_probabilities:
            kept = np.zeros((annotation.class_count + 1, *labels.shape), np.float16)
        for plane in range(annotation.planes):
            mixed = _mixed(choices, {name: _soft(one, plane) for name, one in predictions.items()})
            labels[plane] = mixed.argmax(axis=0)
            if kept is not None:
                kept[:, plane] = mixed / np.maximum(mixed.sum(axis=0), 1e-6)
        expected = [one for one in predictions.values() if one.expected_dice is not None]
        per_plane, whole = (
            (expected[0].expected_dice_per_plane, expected[0].expected_dice) if expected else (None, None)
        )
        return Prediction(labels, kept, per_plane, whole, details=details)


def _soft(prediction: Prediction, plane: int):
    """Probabilities of a plane (classes + 1, rows, columns), 0 or 1 from a predictor that decides without weighing."""
    if prediction.probabilities is not None:
        return prediction.probabilities[:, plane].astype(np.float32)
    return prediction.labels[plane]


def _mixed(choices: dict[int, _Choice], soft: dict[str, np.ndarray]) -> np.ndarray:
    """Each class as its choice has it, background as the mean choice has it; (classes + 1, rows, columns)."""

    def of(weights: dict[str, float], number: int) -> np.ndarray:
        total = 0.0
        for name, weight in weights.items():
            one = soft[name]
            total = total + weight * (one[number] if one.ndim == 3 else (one == number).astype(np.float32))
        return total

    background = np.mean([of(choice.weights, 0) for choice in choices.values()], axis=0)
    return np.stack([background, *(of(choice.weights, number) for number, choice in choices.items())])


def _confusions(annotation, planes: list[int], results: dict[str, Prediction], options) -> np.ndarray:
    """Counts for each option, summed over left-out planes, shape (options, classes + 1, classes + 1)."""
    count = annotation.class_count
    sums = np.zeros((len(options), count + 1, count + 1), np.int64)
    for plane in planes:
        soft = {name: _soft(one, plane) for name, one in results.items()}
        for number, weights in enumerate(options):
            if len(weights) == 1:
                labels = results[next(iter(weights))].labels[plane]
            else:
                choices = dict.fromkeys(range(1, count + 1), _Choice(weights, 0.0, 0.0))
                labels = _mixed(choices, soft).argmax(axis=0)
            sums[number] += confusion_per_plane(labels[None], annotation.labels[plane][None], count)[0]
    return sums


def _planes_with(annotation: SparseAnnotation, left_out, number: int) -> int:
    planes = [plane for group, _ in left_out for plane in group]
    return int((annotation.labels[planes] == number).any(axis=(1, 2)).sum())
