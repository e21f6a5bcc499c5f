import numpy as np
from predictors.predictor_tester import PredictorTester
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run


class TestNearest(PredictorTester):
    name = "nearest"
    least_dice = 0.6


def test_each_plane_copies_its_nearest_painted_one_and_of_two_the_first():
    labels = np.zeros((8, 1, 2), np.uint8)
    labels[1, 0, 0] = 1
    labels[5, 0, 1] = 1
    annotation = SparseAnnotation.from_painted_planes(labels)
    result = run(PREDICTORS.create("nearest"), Volume.from_array(np.zeros((8, 1, 2))), annotation)
    assert result.labels[:, 0, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert result.labels[:, 0, 1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
