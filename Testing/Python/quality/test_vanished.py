"""Where a prediction loses a structure between two planes that hold it, the Dice to expect says so."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, LabelClass, Prediction, SparseAnnotation, run
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

    def test_each_structure_is_borne_out_by_itself_and_so_is_each_plane(self):
        steady = tube(0, 9).astype(np.uint8)
        jumps = np.stack([np.roll(np.eye(30, 60, k=10, dtype=bool), 7 * (k % 8), axis=1) for k in range(17)])
        truth = np.where(steady[:, :30, :60] > 0, 1, np.where(jumps, 2, 0)).astype(np.uint8)
        annotation = SparseAnnotation.from_painted_planes(truth, [0, 4, 8, 12, 16])
        names = [one.name for one in annotation.classes]
        many = np.full((17, 2), 0.999, np.float32)
        given = Prediction(
            truth,
            expected_dice=0.999,
            expected_dice_per_plane=many[:, 0],
            expected_dice_per_structure=many,
            details={"expected_dice_per_class": dict.fromkeys(names, 0.999)},
        )
        told = with_expected_quality(given, annotation, SPACING, "guided")
        assert told.details["expected_dice_per_class"] == {names[0]: 0.999, names[1]: 0.99}
        np.testing.assert_allclose(told.expected_dice_per_structure, [[0.999, 0.99]] * 17, atol=1e-6)
        assert told.expected_dice_per_plane.max() == np.float32(0.99)
        assert 0.99 < told.expected_dice < 0.999


@pytest.mark.parametrize("predictor", ["guided", "shape"])
def test_a_structure_that_no_painted_plane_shows_is_named(predictor):
    truth = tube(0, 5).astype(np.uint8)
    truth[6:10, 4:8, 4:8] = 2
    classes = [LabelClass(1, "aorta"), LabelClass(2, "gland")]
    annotation = SparseAnnotation.from_painted_planes(truth, [0, 4, 12, 16], classes=classes)
    volume = Volume.from_array(truth * 100.0)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    said = with_expected_quality(prediction, annotation, SPACING, predictor).details
    assert said["nowhere"] == ["gland"]
    assert said["warnings"][0] == "on no painted plane, so not predicted: gland"
    seen = SparseAnnotation.from_painted_planes(truth, [0, 4, 8, 12, 16], classes=classes)
    prediction = run(PREDICTORS.create(predictor), volume, seen)
    assert "nowhere" not in with_expected_quality(prediction, seen, SPACING, predictor).details
