import numpy as np
import pytest
from predictors.predictor_tester import PredictorTester
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.predictors.morphology import Morphology

pytest.importorskip("itk", reason="ITK's contour interpolation is not installed")


class TestMorphology(PredictorTester):
    name = "morphology"
    least_dice = 0.7


def test_the_filter_of_another_program_can_take_the_place_of_itk(monkeypatch):
    gaps = []

    def backend(labels):
        gaps.append(labels[:, 1, 1].tolist())
        return np.repeat(labels[:1], len(labels), axis=0)

    monkeypatch.setattr(Morphology, "backend", staticmethod(backend))
    labels = np.zeros((5, 3, 3), np.uint8)
    labels[[0, 4], 1, 1] = 1
    annotation = SparseAnnotation.from_painted_planes(labels)
    result = run(PREDICTORS.create("morphology"), Volume.from_array(np.zeros(labels.shape)), annotation)
    assert gaps == [[1, 0, 0, 0, 1]]
    assert result.labels[:, 1, 1].tolist() == [1, 1, 1, 1, 1]


def test_a_plane_painted_as_empty_keeps_two_parts_apart():
    labels = np.zeros((9, 12, 12), np.uint8)
    labels[[0, 8], 3:9, 3:9] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [0, 8], empty=[4])
    result = run(
        PREDICTORS.create("morphology", {"ends": "empty"}), Volume.from_array(np.zeros(labels.shape)), annotation
    )
    assert not result.labels[4].any()
    assert not result.labels[1:8].any() or (result.labels[3].sum() < 36 and result.labels[5].sum() < 36)


def test_the_ends_stay_empty_where_that_is_asked_for():
    labels = np.zeros((9, 12, 12), np.uint8)
    labels[3:6, 3:9, 3:9] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [3, 5])
    volume = Volume.from_array(np.zeros(labels.shape))
    closed, left = (
        run(PREDICTORS.create("morphology", {"ends": ends}), volume, annotation).labels for ends in ("caps", "empty")
    )
    assert closed[2].any()
    assert not left[2].any()
