"""`manet`: the rules of all predictors, and that it learns."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("segmentation_models_pytorch", reason="segmentation_models_pytorch is not installed")

from predictors.predictor_tester import PredictorTester, a_ball_with_a_core, dice  # noqa: E402
from predictors.test_unet import QUICK, one_thread  # noqa: E402, F401 - a fixture
from SparseAnnotateLib import run  # noqa: E402


class TestPredictor(PredictorTester):
    name = "manet"
    # Two steps cannot learn: what stands between the planes is the prior's. Learning is tested below.
    options = {**QUICK, "steps": 2, "prior": "shape"}  # noqa: RUF012

    def test_it_learns_from_intensities_alone(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        predictor = self.make_predictor(prior="none", steps=60, learning_rate=1e-2, border_planes=0)
        predicted = run(predictor, volume, annotation).labels
        unpainted = annotation.unpainted_planes
        assert dice(labels[unpainted] > 0, predicted[unpainted] > 0) > 0.8
