"""Structures painted on planes of their own."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, run
from SparseAnnotateLib.structures import estimated_ranges
from SparseAnnotateLib.volume import Volume

SHAPE = (21, 40, 64)
OWN_PLANES = {1: [2, 10, 18], 2: [6, 14]}


def ball(middle, radius_planes=9.5, radius=10, shape=SHAPE):
    plane, row, column = np.indices(shape)
    return ((plane - middle[0]) / radius_planes) ** 2 + (
        (row - middle[1]) ** 2 + (column - middle[2]) ** 2
    ) / radius**2 <= 1


TRUTH = ball((10, 20, 18)) + 2 * ball((10, 20, 46)).astype(np.uint8)


def scan():
    noise = np.random.default_rng(0).normal(0, 10, SHAPE)
    return Volume.from_array((np.array([0, 100, 160])[TRUTH] + noise).astype(np.float32))


def annotation(planes=OWN_PLANES, truth=TRUTH):
    labels = np.zeros_like(truth)
    for number, ones in planes.items():
        labels[ones] += np.where(truth[ones] == number, number, 0).astype(np.uint8)
    return SparseAnnotation.from_painted_planes(labels).with_range(1, 19).with_complete(planes)


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize(("name", "least"), [("nearest", 0.83), ("shape", 0.88), ("guided", 0.98)])
class TestEveryStructureIsPredictedFromItsOwnPlanes:
    def test_none_punches_out_the_other(self, name, least):
        labels = run(PREDICTORS.create(name), scan(), annotation()).labels
        for number in (1, 2):
            assert dice(labels == number, number == TRUTH) >= least

    def test_what_is_known_comes_back_and_a_complete_structure_grows_nowhere_on_its_planes(self, name, least):  # noqa: ARG002
        given = annotation()
        labels = run(PREDICTORS.create(name), scan(), given).labels
        assert np.array_equal(labels[given.known], given.labels[given.known])
        for number, planes in OWN_PLANES.items():
            assert np.array_equal(labels[planes] == number, given.labels[planes] == number)


@pytest.mark.parametrize("name", ["shape", "guided"])
def test_structures_painted_only_in_part_on_different_planes_do_not_punch_out_each_other_either(name):
    given = annotation().with_partly_painted([2, 6, 10, 14, 18])
    labels = run(PREDICTORS.create(name), scan(), given).labels
    assert min(dice(labels == number, number == TRUTH) for number in (1, 2)) >= 0.85
    assert np.array_equal(labels[given.known], given.labels[given.known])


def test_the_same_planes_said_one_by_one_change_nothing():
    common = {1: [2, 10, 18], 2: [2, 10, 18]}
    said = annotation(common)
    unsaid = SparseAnnotation.from_painted_planes(said.labels).with_range(1, 19)
    for name in ("shape", "guided"):
        labels = [run(PREDICTORS.create(name), scan(), one).labels for one in (said, unsaid)]
        assert np.array_equal(*labels)


def test_probabilities_of_groups_are_joined():
    predictor = PREDICTORS.create("guided", {"keep_probabilities": True})
    prediction = run(predictor, scan(), annotation())
    assert prediction.probabilities.shape == (3, *SHAPE)
    assert np.allclose(prediction.probabilities.sum(axis=0), 1, atol=0.01)


def test_where_two_claim_a_voxel_the_one_that_reaches_deeper_gets_it():
    truth = np.zeros((9, 12, 12), np.uint8)
    truth[:, 2:10, 2:8] = 1
    second = np.zeros_like(truth)
    second[:, 2:10, 6:11] = 2
    labels = np.zeros_like(truth)
    labels[[0, 8]] = truth[[0, 8]]
    labels[[2, 6]] = second[[2, 6]]
    given = SparseAnnotation.from_painted_planes(labels).with_complete({1: [0, 8], 2: [2, 6]})
    predicted = run(PREDICTORS.create("nearest"), Volume.from_array(np.zeros(truth.shape)), given).labels
    assert predicted[4, 5].tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 0]


@pytest.mark.parametrize(("name", "least"), [("shape", 0.8), ("guided", 0.9)])
def test_a_lesion_painted_after_its_organ_is_not_swallowed_between_its_planes(name, least):
    organ, lesion = ball((10, 20, 32), 9.5, 16), ball((10, 20, 32), 7, 7)
    truth = organ.astype(np.uint8) + lesion
    labels = np.zeros_like(truth)
    for planes, number, shown in (([1, 7, 13, 19], 1, organ), ([4, 10, 16], 2, lesion)):
        labels[planes] = number * shown[planes]
    given = SparseAnnotation.from_painted_planes(labels).with_complete({1: [1, 7, 13, 19], 2: [4, 10, 16]})
    image = np.array([0, 100, 160])[truth] + np.random.default_rng(0).normal(0, 10, SHAPE)
    predicted = run(PREDICTORS.create(name), Volume.from_array(image.astype(np.float32)), given).labels
    between = [5, 6, 8, 9, 11, 12, 14, 15]
    assert dice(predicted[between] == 2, lesion[between]) >= least


class TestWhereAStructureEndsThatNobodyClicked:
    def test_like_a_ball_through_its_two_last_outlines(self):
        assert estimated_ranges(annotation(), (2,), (1, 1, 1)) == {2: (0, 20)}

    def test_at_least_half_and_at_most_a_whole_distance_beyond(self):
        labels = np.zeros((40, 60, 60), np.uint8)
        labels[[10, 14]] = 1
        assert estimated_ranges(SparseAnnotation.from_painted_planes(labels), (1,), (1, 1, 1)) == {1: (6, 18)}
        labels[[10, 14], :, 1:] = 0
        labels[[10, 14], 1:] = 0
        assert estimated_ranges(SparseAnnotation.from_painted_planes(labels), (1,), (1, 1, 1)) == {1: (8, 16)}

    def test_with_one_plane_as_far_as_its_radius(self):
        labels = np.zeros((40, 60, 60), np.uint8)
        labels[20, 10:30, 10:30] = 1
        assert estimated_ranges(SparseAnnotation.from_painted_planes(labels), (1,), (2, 1, 1)) == {1: (15, 25)}

    def test_clicked_ends_stay(self):
        clicked = annotation().with_class_ranges({2: (4, 17)})
        assert estimated_ranges(clicked, (2,), (1, 1, 1)) == {2: (4, 17)}
