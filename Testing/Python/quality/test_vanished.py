"""Where a prediction loses a structure between two planes that hold it, the Dice to expect says so."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, Prediction, SparseAnnotation, run
from SparseAnnotateLib.quality.expected import with_expected_quality
from SparseAnnotateLib.quality.vanished import lasting_share, vanished_px
from SparseAnnotateLib.volume import Volume

SPACING = (1.0, 1.0, 1.0)
ROWS, COLUMNS = np.mgrid[:48, :64]


def sheet(step, width=1):
    """A sheet that moves by `step` columns a plane."""
    return np.stack([(abs(COLUMNS - 10 - step * k) < width) & (ROWS > 5) & (ROWS < 40) for k in range(17)])


def tube(step, radius):
    return np.stack([(ROWS - 24) ** 2 + (COLUMNS - 8 - step * k) ** 2 <= radius**2 for k in range(17)])


def told(truth, planes, predictor):
    truth = truth.astype(np.uint8)
    annotation = SparseAnnotation.from_painted_planes(truth, planes).with_range(planes[0], planes[-1])
    volume = Volume.from_array(truth * 100.0)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    labels = prediction.labels
    true = 2 * np.count_nonzero(labels & truth) / (np.count_nonzero(labels) + np.count_nonzero(truth))
    return with_expected_quality(prediction, annotation, SPACING, predictor), true


@pytest.mark.parametrize(
    ("truth", "planes"),
    [
        (sheet(2), [0, 4, 8, 12, 16]),
        (sheet(3, 2), [0, 8, 16]),
        (tube(3, 5), [0, 16]),
        (tube(2, 3), [0, 8, 16]),
    ],
)
def test_outlines_that_do_not_overlap_are_not_promised(truth, planes):
    prediction, true = told(truth, planes, "shape")
    low, _ = prediction.expected_dice_interval
    assert prediction.expected_dice <= true + 0.1
    assert low <= true
    assert prediction.details["vanished"]["class 1"]


def test_a_structure_that_is_nowhere_between_its_planes_leaves_exactly_what_was_painted():
    truth = sheet(2).astype(np.uint8)
    planes = [0, 4, 8, 12, 16]
    annotation = SparseAnnotation.from_painted_planes(truth, planes)
    missing = vanished_px(annotation.labels, annotation)
    assert missing[:, 0].tolist() == [0 if plane in planes else 34 for plane in range(17)]
    assert lasting_share(annotation.labels, missing)[0] == pytest.approx(2 * 5 / (5 + 17))


def test_a_painted_plane_without_the_structure_says_that_it_is_absent():
    truth = np.zeros((9, 8, 8), np.uint8)
    truth[[0, 8], 2:5, 2:5] = 1
    annotation = SparseAnnotation.from_painted_planes(truth, empty=[4])
    assert not vanished_px(annotation.labels, annotation).any()


def test_a_plane_on_which_all_vanished_is_told_as_nothing():
    truth = sheet(2).astype(np.uint8)
    annotation = SparseAnnotation.from_painted_planes(truth, [0, 8, 16])
    given = Prediction(annotation.labels, expected_dice_per_plane=np.full(17, np.nan, np.float32), expected_dice=1.0)
    prediction = with_expected_quality(given, annotation, SPACING, "guided")
    assert prediction.expected_dice_per_plane[4] == 0
    assert prediction.expected_dice == pytest.approx(2 * 3 / (3 + 17))


class TestNothingIsPromisedBeyondWhatAPaintedPlaneBearsOut:
    def expect(self, truth, planes):
        annotation = SparseAnnotation.from_painted_planes(truth, planes)
        given = Prediction(truth, expected_dice_per_plane=np.ones(len(truth), np.float32), expected_dice=0.999)
        return with_expected_quality(given, annotation, SPACING, "guided").expected_dice

    def test_with_two_planes_nothing_can_be_left_out(self):
        truth = tube(0, 5).astype(np.uint8)
        truth[3:, :, :] = np.roll(truth[3:], 30, axis=2)
        assert self.expect(truth, [0, 16]) == 0.99

    def test_where_left_out_planes_come_back_it_may_be_more(self):
        assert self.expect(tube(0, 9).astype(np.uint8), [0, 4, 8, 12, 16]) == 0.999
