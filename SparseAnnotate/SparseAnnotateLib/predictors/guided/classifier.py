"""Step 7: gradient-boosted trees, one set for each class, that correct the priors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

import numpy as np

from .bins import MOST_BINS, Bins
from .features import Rows
from .forest import forest_of
from .planes import Lesson
from .threads import mapped, openmp_threads, warning_kept_back

# 30 lost .001 in the mean of eight volumes.
ROUNDS = 45

# 30,000 gained nothing and took up to twice as long; 10,000 lost .0004.
MAXIMUM_ROWS = 15_000

# A single structure's rows are dealt out to two models whose mean is taken: both cores work, as with several classes.
BAGS_OF_SINGLE_STRUCTURE = 2

# Leaving out the only plane that has a class teaches that it is never there: where the pool sees such a class, the pool
# is taken for the trees (an organ of head and neck CT on one of 11 painted planes: Dice .30 with them, .62 without).
PLANES_TO_LEARN_A_CLASS = 2

_ROWS_TO_COMPARE = 64


class Corrector:
    """For each class (background counts) the probability that it is right where the pool considers it.

    One classifier a class, on the rows where the class is a candidate, costs with dozens of classes a fraction of one
    multinomial classifier on all rows, and needs as many features as a single structure.

    Parameters
    ----------
    painted_on : for each class the number of painted planes that have it
    """

    def __init__(self, class_count: int, seed: int, painted_on: np.ndarray):
        self._rare = np.asarray(painted_on) < PLANES_TO_LEARN_A_CLASS
        self._class_count = class_count
        self._seed = seed
        self._models: dict[int, list] = {}

    @property
    def nbytes(self) -> int:
        """Of all trees."""
        return sum(model.nbytes for models in self._models.values() for model in models if model is not None)

    def fit(self, lessons: list[Lesson], executor: Executor) -> Iterator[float]:
        """Learn from rows and the true class of each of their pixels; yields the share that is done."""
        single = self._class_count == 1
        numbers = [1] if single else range(self._class_count + 1)
        bags = BAGS_OF_SINGLE_STRUCTURE if single else 1
        jobs = [(number, bag) for number in numbers for bag in range(bags)]
        with warning_kept_back("sklearn.utils.parallel"):
            models = mapped(executor, lambda job: self._fit(lessons, job[0], job[1], bags), jobs)
            for done, ((number, _), model) in enumerate(zip(jobs, models, strict=True), start=1):
                self._models.setdefault(number, []).append(model)
                yield done / len(jobs)

    def _fit(self, lessons: list[Lesson], number: int, bag: int, bags: int):
        """Trees for one class from every `bags`-th row; None where there is nothing to tell apart."""
        table, truth = _table_of(lessons, number, np.random.default_rng([self._seed, number]), MAXIMUM_ROWS)
        table, truth = table[:, bag::bags], truth[bag::bags]
        if not truth.any() or truth.all():
            return None
        bins = Bins(table)
        model = _boosted_trees(bins.counts)(
            max_iter=ROUNDS,
            learning_rate=0.2,
            max_leaf_nodes=31,
            min_samples_leaf=60 // bags,
            l2_regularization=5.0,
            max_bins=MOST_BINS,
            max_features=0.5,
            early_stopping=False,
            random_state=self._seed + bag,
        )
        with openmp_threads(1):
            model.fit(bins.of(table).T.astype(np.float64), truth)
        return forest_of(model, bins, table[:, :_ROWS_TO_COMPARE])

    def predict(self, planes: list[Rows]) -> list[np.ndarray]:
        """Probabilities (classes + 1, pixels) of the rows of some planes; the pool's for classes not considered.

        Several planes at once, for it takes a millisecond to begin.
        """
        probabilities = [rows.pool.astype(np.float32) for rows in planes]
        for number, models in self._models.items():
            places = [rows.candidates[number] for rows in planes]
            if None in models or not any(map(len, places)):
                continue
            table = np.concatenate([rows.of_class(number) for rows in planes], axis=1)
            likely = np.mean([model.probability(table) for model in models], axis=0)
            ends = np.cumsum([len(chosen) for chosen in places])
            for own, chosen, values in zip(probabilities, places, np.split(likely, ends[:-1]), strict=True):
                own[number, chosen] = values
        return [self._completed(own, rows) for own, rows in zip(probabilities, planes, strict=True)]

    def _completed(self, probabilities: np.ndarray, rows: Rows) -> np.ndarray:
        """Normalised, and where the pool sees a class of which too little could be learnt, the pool."""
        if self._class_count == 1:
            probabilities[0] = 1 - probabilities[1]
        probabilities /= np.maximum(probabilities.sum(axis=0), 1e-6)
        doubt = rows.pool[self._rare].sum(axis=0, dtype=np.float32)
        return probabilities + doubt * (rows.pool - probabilities)


def _boosted_trees(bins: np.ndarray):
    """scikit-learn's class, told that its features are the numbers of so many bins: it need not look for them.

    Should it no longer ask, it finds the same.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    class Binned(HistGradientBoostingClassifier):
        def _bin_data(self, X, *more, **named):  # noqa: N803 (scikit-learn's)
            if not hasattr(getattr(self, "_bin_mapper", None), "fit"):
                return super()._bin_data(X, *more, **named)
            one_of_each = np.minimum(np.arange(bins.max())[:, None], bins - 1)
            self._bin_mapper.fit(one_of_each.astype(np.float64))
            return X.astype(np.uint8, order="F")

    return Binned


def _table_of(lessons: list[Lesson], number: int, rng: np.random.Generator, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (features, rows) and whether the class is the true one, of at most `most` rows, shuffled."""
    if not lessons:
        return np.zeros((0, 0), np.float16), np.zeros(0, bool)
    truth = np.concatenate([lesson.truth[lesson.rows.candidates[number]] == number for lesson in lessons])
    table = np.concatenate([lesson.rows.of_class(number) for lesson in lessons], axis=1)
    chosen = rng.permutation(len(truth))[:most]
    return table[:, chosen], truth[chosen]
