"""`uncertainty`: the rules of all selectors, and which planes it takes for uncertain."""

import numpy as np
import pytest
from selector_tester import SelectorTester
from SparseAnnotateLib import InputError, Prediction


def a_prediction(annotation, unsure_pixels: dict[int, int], classes: int = 1) -> Prediction:
    """Certain everywhere, but for so many pixels of some planes, which are undecided."""
    probabilities = np.zeros((classes + 1, *annotation.labels.shape), np.float16)
    probabilities[0] = 1
    for plane, count in unsure_pixels.items():
        flat = probabilities[:, plane].reshape(classes + 1, -1)
        flat[0, :count] = flat[1, :count] = 0.5
    return Prediction(annotation.labels, probabilities)


def an_unsure_prediction(tester) -> Prediction:
    """What the tester's ball might be predicted as, whichever of its planes are painted."""
    labels = np.zeros((tester.planes, tester.rows, tester.columns), np.uint8)
    labels[5:19, 6:14, 6:14] = 1
    share = np.random.default_rng(1).uniform(0.5, 1, labels.shape)
    return Prediction(labels, np.stack([np.where(labels == 0, share, 1 - share), np.where(labels, share, 1 - share)]))


class TestUncertainty(SelectorTester):
    name = "uncertainty"
    ascending = False

    def make_selector(self):
        """With a prediction at hand: making one takes seconds."""
        selector = super().make_selector()
        selector.last_prediction = an_unsure_prediction(self)
        return selector

    def test_it_makes_its_own_prediction_where_there_is_none(self):
        selector = super().make_selector()
        suggestions = selector.select(
            self.make_volume(), self.make_annotation((7, 10, 15)), 2, np.random.default_rng(0)
        )
        assert len({s.plane for s in suggestions} - {7, 10, 15}) == 2

    def suggest_from(self, unsure_pixels, count, painted=(9,), **options):
        annotation = self.make_annotation(painted=painted)
        selector = type(self.make_selector())(self.make_selector().Options(**options))
        selector.last_prediction = a_prediction(annotation, unsure_pixels)
        return selector.select(self.make_volume(), annotation, count, np.random.default_rng(0))

    def test_it_takes_the_planes_with_most_undecided_pixels(self):
        suggestions = self.suggest_from({4: 30, 14: 50, 19: 10}, 3, diversity=False)
        assert [(s.plane, s.score) for s in suggestions] == [(14, 50), (4, 30), (19, 10)]

    def test_neighbours_are_not_taken_together(self):
        unsure = {13: 49, 14: 50, 15: 49, 4: 30}
        assert [s.plane for s in self.suggest_from(unsure, 2, diversity=False)] == [14, 13]
        assert [s.plane for s in self.suggest_from(unsure, 2)] == [14, 4]

    def test_noise_fades_as_planes_get_painted(self):
        unsure = {4: 30, 14: 31}
        calm = [self.suggest_from(unsure, 1, painted=(*range(2, 4), *range(5, 14), *range(15, 21)), noise=5.0)[0]]
        assert 20 < calm[0].score < 80

    def test_a_predictor_without_probabilities_is_refused(self):
        selector = type(self.make_selector())(self.make_selector().Options(predictor="nearest"))
        with pytest.raises(InputError, match="gives no probabilities"):
            selector.select(self.make_volume(), self.make_annotation((9,)), 1, np.random.default_rng(0))


class TestUncertaintyByClass(SelectorTester):
    name = "uncertainty"
    ascending = False
    options = {"stratified": True, "noise": 0.5}  # noqa: RUF012

    def make_selector(self):
        selector = super().make_selector()
        selector.last_prediction = an_unsure_prediction(self)
        return selector

    def test_a_small_class_gets_its_turn(self):
        annotation = self.make_annotation(painted=(9,))
        labels = annotation.labels.copy()
        labels[9, 8, 8] = 2
        annotation = type(annotation).from_painted_planes(labels, [9], plane_range=(2, 20))
        probabilities = np.zeros((3, *labels.shape), np.float16)
        probabilities[0] = 1
        predicted = annotation.labels.copy()
        for plane, number, pixels in ((13, 1, 60), (18, 1, 40), (5, 2, 3)):
            for flat, share in ((probabilities[0], 0.45), (probabilities[number], 0.55)):
                flat[plane].reshape(-1)[:pixels] = share
            predicted[plane].reshape(-1)[:pixels] = number
        selector = type(self.make_selector())(self.make_selector().Options(stratified=True))
        selector.last_prediction = Prediction(predicted, probabilities)
        suggestions = selector.select(self.make_volume(), annotation, 2, np.random.default_rng(0))
        assert {s.plane for s in suggestions} == {13, 5}
