"""Step 7: gradient-boosted trees, one set for each class, that correct the priors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .features import Rows
from .planes import Lesson
from .threads import openmp_threads, worker_count

ROUNDS = 60
MAXIMUM_ROWS = 60_000


class Corrector:
    """For each class (background counts) the probability that it is right where the pool considers it.

    One classifier a class, on the rows where the class is a candidate, costs with dozens of classes a fraction of one
    multinomial classifier on all rows, and needs as many features as a single structure.
    """

    def __init__(self, class_count: int, seed: int):
        self._class_count = class_count
        self._rng = np.random.default_rng(seed)
        self._models: dict = {}

    def fit(self, lessons: list[Lesson]) -> None:
        """Learn from rows and the true class of each of their pixels."""
        numbers = [1] if self._class_count == 1 else range(self._class_count + 1)
        seeds = self._rng.integers(2**31, size=self._class_count + 1)
        with ThreadPoolExecutor(min(len(numbers), worker_count())) as pool:
            models = pool.map(lambda number: _fit_class(number, lessons, int(seeds[number]), len(numbers)), numbers)
            self._models = dict(zip(numbers, models, strict=True))

    def predict(self, rows: Rows) -> np.ndarray:
        """Probabilities (classes + 1, pixels) of the rows of one plane."""
        probabilities = np.zeros(rows.pool.shape, np.float32)
        for number, model in self._models.items():
            places = rows.candidates[number]
            if model is None:
                probabilities[number] = rows.pool[number]
            elif len(places):
                with openmp_threads(1):
                    likely = model.predict_proba(rows.of_class(number).astype(np.float32))[:, 1]
                probabilities[number, places] = likely
        if self._class_count == 1:
            probabilities[0] = 1 - probabilities[1]
        return probabilities / np.maximum(probabilities.sum(axis=0), 1e-6)


def _fit_class(number: int, lessons: list[Lesson], seed: int, models: int):
    """Trees for one class; None where there is nothing to tell apart."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if not lessons:
        return None
    truth = np.concatenate([lesson.truth[lesson.rows.candidates[number]] == number for lesson in lessons])
    if not truth.any() or truth.all():
        return None
    table = np.concatenate([lesson.rows.of_class(number) for lesson in lessons])
    if len(table) > MAXIMUM_ROWS:
        chosen = np.random.default_rng(seed).choice(len(table), MAXIMUM_ROWS, replace=False)
        table, truth = table[chosen], truth[chosen]
    model = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=0.1,
        max_leaf_nodes=31,
        min_samples_leaf=60,
        l2_regularization=5.0,
        max_bins=63,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )
    with openmp_threads(max(1, worker_count() // models)):
        return model.fit(table.astype(np.float32), truth)
