"""The Dice to expect: exact where it can be, sensible where it is modelled."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.quality.expected import expected_quality, with_expected_quality
from SparseAnnotateLib.quality.features import features_of
from SparseAnnotateLib.quality.left_out import groups_to_leave_out, quick_labels, sources_without, without_planes
from SparseAnnotateLib.quality.model import INTERPOLATED, LeftOut, log_odds, ratio_of

SPACING = (2.0, 1.0, 1.0)


def a_rod(planes=20):
    """One structure of 4 x 5 pixels, moving by a pixel a plane from plane 10 on."""
    labels = np.zeros((planes, 12, 30), np.uint8)
    for plane in range(planes):
        shift = max(0, plane - 10)
        labels[plane, 4:8, 5 + shift : 10 + shift] = 1
    return labels


def annotate(labels, painted, plane_range=None):
    return SparseAnnotation.from_painted_planes(labels, painted, plane_range=plane_range or (0, len(labels) - 1))


class TestFeatures:
    def test_they_are_what_their_names_say(self):
        labels = a_rod()
        features = features_of(labels, annotate(labels, [2, 12]), SPACING, [4])
        assert (features.plane.tolist(), features.structure.tolist(), features.area_px.tolist()) == ([4], [0], [20])
        assert features.distance_mm[0] == 4
        assert features.way_mm[0] == pytest.approx(1 / (1 / 4 + 1 / 16))
        assert features.position[0] == pytest.approx(0.2)
        assert not features.at_end[0]
        assert features.radius_mm[0] == pytest.approx(np.sqrt(20 / np.pi))
        assert features.change[0] == pytest.approx(1 - 2 * 12 / 40)  # moved by 2 of 5 pixels
        assert features.from_nearest[0] == 0
        assert np.isnan(features.disagreement[0])

    def test_beyond_the_last_painted_plane_there_is_one_side(self):
        labels = a_rod()
        features = features_of(labels, annotate(labels, [2, 12]), SPACING, [0, 15], other=labels)
        assert features.at_end.all()
        assert features.way_mm.tolist() == [4, 6]
        assert features.change.tolist() == [1, 1]
        assert features.position.tolist() == [pytest.approx(2 / 3), pytest.approx(3 / 8)]
        assert features.disagreement.tolist() == [0, 0]

    def test_a_structure_outside_its_own_range_has_no_row(self):
        labels = a_rod()
        annotation = annotate(labels, [8, 12]).with_class_ranges({1: (6, 14)})
        assert features_of(labels, annotation, SPACING, [3, 10, 17]).plane.tolist() == [10]

    def test_a_structure_that_is_nowhere_near_has_no_row(self):
        labels = a_rod()
        labels[:8] = 0
        annotation = SparseAnnotation.from_painted_planes(labels, [12], empty=[1, 5])
        assert features_of(np.zeros_like(labels), annotation, SPACING, [3]).plane.tolist() == []


class TestLeavingOut:
    def test_neighbours_are_never_left_out_together(self):
        annotation = annotate(a_rod(), [2, 5, 9, 12, 15])
        assert groups_to_leave_out(annotation) == [[2, 9, 15], [5, 12]]

    def test_a_single_painted_plane_cannot_be_left_out(self):
        assert groups_to_leave_out(annotate(a_rod(), [5])) == []

    def test_planes_that_are_left_out_are_forgotten(self):
        annotation = annotate(a_rod(), [2, 5, 9])
        rest = without_planes(annotation, [5])
        assert rest.painted_planes == [2, 9]
        assert not rest.known[5].any()
        assert not rest.labels[5].any()
        assert annotation.labels[5].any()

    def test_sources_are_the_same_where_nothing_of_the_planes_is_copied(self):
        annotation = annotate(a_rod(), [2, 5, 9])
        light, rest = sources_without(annotation, [5]), without_planes(annotation, [5])
        assert light.labels is annotation.labels
        assert light.source_planes == rest.source_planes == [2, 9]
        assert light.unpainted_planes == rest.unpainted_planes
        np.testing.assert_array_equal(
            quick_labels("shape", light, SPACING, [5]), quick_labels("shape", rest, SPACING, [5])
        )

    def test_a_structure_with_few_left_out_planes_is_taken_for_as_hard_as_the_others(self):
        excess = LeftOut(np.array([1.0] * 10), np.zeros(10, int), 2).per_structure
        everywhere = 10 / 15
        assert excess == pytest.approx([(10 + 5 * everywhere) / 15, everywhere])
        assert LeftOut.nothing(2).per_structure.tolist() == [0, 0]


class TestQuickLabels:
    def test_they_are_what_the_predictors_give(self):
        labels = a_rod()
        annotation = annotate(labels, [2, 8, 15])
        volume = Volume.from_array(labels.astype(np.float32), SPACING)
        for name in ("nearest", "shape"):
            whole = run(PREDICTORS.create(name), volume, annotation).labels
            quick = quick_labels(name, annotation, SPACING, [4, 11])
            assert np.array_equal(quick[[4, 11]], whole[[4, 11]])
            assert not quick[[3, 5]].any()


class TestExpectedQuality:
    def expected(self, painted, predictor="shape"):
        labels = a_rod()
        annotation = annotate(labels, painted)
        volume = Volume.from_array(labels.astype(np.float32), SPACING)
        prediction = run(PREDICTORS.create(predictor), volume, annotation)
        return annotation, expected_quality(prediction, annotation, SPACING, predictor)

    @pytest.mark.parametrize("predictor", ["nearest", "shape", "guided"])
    def test_every_predicted_plane_has_a_dice_inside_its_interval(self, predictor):
        annotation, quality = self.expected([1, 7, 13, 18], predictor)
        unpainted = annotation.unpainted_planes
        low, high = quality.interval_per_plane[unpainted].T
        assert (low >= 0).all()
        assert (low < quality.per_plane[unpainted]).all()
        assert (quality.per_plane[unpainted] < high).all()
        assert (high <= 1).all()
        assert np.isnan(quality.per_plane[annotation.painted_planes]).all()
        assert quality.interval[0] < quality.whole < quality.interval[1]

    def test_more_painted_planes_promise_more(self):
        few, many = self.expected([2, 17])[1], self.expected(range(1, 20, 3))[1]
        assert many.whole > few.whole + 0.05

    def test_planes_far_from_painted_ones_promise_less(self):
        _, quality = self.expected([0, 19])
        assert quality.per_plane[10] < quality.per_plane[1]

    def test_the_volume_counts_painted_planes_as_certain(self):
        annotation, quality = self.expected([2, 17])
        unpainted = annotation.unpainted_planes
        assert quality.whole > quality.per_plane[unpainted].mean()

    def test_a_prediction_carries_it_along(self):
        labels = a_rod()
        annotation = annotate(labels, [3, 16])
        prediction = run(PREDICTORS.create("nearest"), Volume.from_array(labels * 1.0, SPACING), annotation)
        told = with_expected_quality(prediction, annotation, SPACING, "nearest")
        assert told.labels is prediction.labels
        assert told.expected_dice_per_plane.shape == (20,)
        assert told.expected_dice_interval_per_plane.shape == (20, 2)
        assert told.details["expected_dice_per_class"] == {"class 1": pytest.approx(told.expected_dice, abs=1e-4)}

    def test_nothing_is_said_where_nothing_was_predicted(self):
        labels = a_rod()
        annotation = annotate(labels, range(20))
        prediction = run(PREDICTORS.create("nearest"), Volume.from_array(labels * 1.0, SPACING), annotation)
        assert with_expected_quality(prediction, annotation, SPACING, "nearest") is prediction

    @pytest.mark.parametrize("planes", [range(20), [9, 10, 11], [10]])
    @pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
    def test_nor_is_1_said_where_all_planes_of_the_range_are_painted(self, predictor, planes):
        labels = a_rod()
        annotation = annotate(labels, planes).with_range(min(planes), max(planes))
        prediction = run(PREDICTORS.create(predictor), Volume.from_array(labels * 1.0, SPACING), annotation)
        told = with_expected_quality(prediction, annotation, SPACING, predictor)
        assert told.expected_dice is None
        assert told.expected_dice_per_plane is None


def test_log_odds_and_ratios_are_each_others_inverse():
    assert ratio_of(np.log(np.array([0.2, 0.8]) / np.array([0.8, 0.2]))) == pytest.approx([0.2, 0.8])
    assert log_odds(np.array([0.505])) == pytest.approx(0)
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_a_wider_way_loses_more():
    assert INTERPOLATED.way > 0
