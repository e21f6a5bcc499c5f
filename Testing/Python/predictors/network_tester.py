"""The rules of all predictors, for those that train a network, and that it learns."""

from predictors.predictor_tester import PredictorTester, a_ball_with_a_core, dice
from predictors.test_unet import QUICK
from SparseAnnotateLib import run


class NetworkTester(PredictorTester):
    """Inherit, and give the predictor's `name`."""

    # Two steps cannot learn: what stands between the planes is the prior's. Learning is tested below.
    options = {**QUICK, "steps": 2, "prior": "shape"}  # noqa: RUF012

    def test_it_learns_from_intensities_alone(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        predictor = self.make_predictor(prior="none", steps=60, learning_rate=1e-2, border_planes=0)
        predicted = run(predictor, volume, annotation).labels
        unpainted = annotation.unpainted_planes
        assert dice(labels[unpainted] > 0, predicted[unpainted] > 0) > 0.8
