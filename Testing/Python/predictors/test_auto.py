"""`auto`: the rules of all predictors, and that it takes what does best on left-out planes."""

import numpy as np
import pytest
from predictors.predictor_tester import PredictorTester, a_ball_with_a_core, dice
from SparseAnnotateLib import PREDICTORS, InputError, run


class TestAuto(PredictorTester):
    name = "auto"
    options = {"candidates": ("nearest", "shape")}  # noqa: RUF012

    def test_it_takes_the_better_one_and_says_so(self):
        volume, labels = a_ball_with_a_core(planes=40, spacing_mm=(1.0, 1.0, 1.0))
        annotation = self.annotate(labels, painted=range(9, 32, 3), plane_range=(8, 31))
        result = run(self.make_predictor(average=False), volume, annotation)
        nearest = run(self.make_predictor(candidates=("nearest",)), volume, annotation)
        assert dice(labels > 0, result.labels > 0) > dice(labels > 0, nearest.labels > 0) + 0.02
        assert result.details["chosen"]["ball"].startswith("shape (0.")

    def test_with_too_few_planes_the_first_is_taken(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels, painted=(8, 11))
        result = run(self.make_predictor(), volume, annotation)
        nearest = run(self.make_predictor(candidates=("nearest",)), volume, annotation)
        assert np.array_equal(result.labels, nearest.labels)

    def test_the_mean_of_two_is_a_choice(self):
        volume, labels = a_ball_with_a_core(planes=40, spacing_mm=(1.0, 1.0, 1.0))
        annotation = self.annotate(labels, painted=range(9, 32, 3), plane_range=(8, 31))
        result = run(self.make_predictor(keep_probabilities=True), volume, annotation)
        assert result.probabilities is None or result.probabilities.shape == (3, *labels.shape)
        assert set(result.details["chosen"]) == {"ball", "core"}

    def test_it_needs_another_predictor_to_choose(self):
        with pytest.raises(InputError, match="name at least one other"):
            self.make_predictor(candidates=("auto",))


def test_with_its_own_candidates_it_finds_the_ball():
    volume, labels = a_ball_with_a_core()
    tester = TestAuto()
    result = run(PREDICTORS.create("auto"), volume, tester.annotate(labels))
    unpainted = [6, 7, 9, 10, 12, 13]
    assert dice(labels[unpainted] > 0, result.labels[unpainted] > 0) > 0.9
    assert result.details["chosen"]["ball"].startswith("guided")
