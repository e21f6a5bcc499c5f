"""`attention`: the rules of all selectors, and that it takes the planes that disagree most."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from selector_tester import SelectorTester
from SparseAnnotateLib import Prediction


class TestAttention(SelectorTester):
    name = "attention"
    ascending = False
    options = {"iterations": 1, "device": "cpu"}  # noqa: RUF012

    def test_it_takes_the_planes_that_disagree_most(self):
        annotation = self.make_annotation(painted=(9,))
        agreement = np.ones(self.planes)
        agreement[[7, 12, 15]] = 0.5, 0.2, 0.8
        agreement[22] = 0.0  # outside the range
        selector = self.make_selector()
        selector.last_prediction = Prediction(annotation.labels, details={"p_dsc": agreement.tolist()})
        suggestions = selector.select(self.make_volume(), annotation, 3, np.random.default_rng(0))
        assert [s.plane for s in suggestions] == [12, 7, 15]
        assert [round(s.score, 3) for s in suggestions] == [0.8, 0.5, 0.2]

    def test_a_prediction_of_other_painted_planes_is_not_used(self):
        annotation = self.make_annotation(painted=(9,))
        selector = self.make_selector()
        selector.last_prediction = Prediction(np.ones_like(annotation.labels), details={"p_dsc": [0.0] * self.planes})
        suggestions = selector.select(self.make_volume(), annotation, 2, np.random.default_rng(0))
        assert all(s.score < 1 for s in suggestions) or len({s.score for s in suggestions}) == 2

    def test_the_first_planes_are_evenly_spaced(self):
        assert self.suggest_planes(3, plane_range=(0, 23)) == [4, 12, 20]
