import numpy as np
import pytest
from predictors.predictor_tester import PredictorTester
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.interpolation import beyond_of, weights_of


class TestShape(PredictorTester):
    name = "shape"
    least_dice = 0.85


class TestShapeLinear(PredictorTester):
    name = "shape"
    options = {"interpolation": "linear"}  # noqa: RUF012
    least_dice = 0.8


class TestShapeCubic(PredictorTester):
    name = "shape"
    options = {"interpolation": "cubic"}  # noqa: RUF012
    least_dice = 0.85


def fill(labels, planes, plane_range=None, spacing_mm=(1.0, 1.0, 1.0), **options):
    annotation = SparseAnnotation.from_painted_planes(labels, planes, plane_range=plane_range)
    return run(
        PREDICTORS.create("shape", options), Volume.from_array(np.zeros(labels.shape), spacing_mm), annotation
    ).labels


def bar(widths, columns=40):
    """One row a plane, a bar of these widths starting at column 4."""
    labels = np.zeros((len(widths), 9, columns), np.uint8)
    for plane, width in enumerate(widths):
        labels[plane, :, 4 : 4 + width] = 1
    return labels


def test_between_two_outlines_the_middle_plane_lies_half_way():
    labels = bar([10, 0, 20])
    assert fill(labels, [0, 2], interpolation="linear")[1, 4].sum() == 15


def test_a_quarter_of_the_way_is_a_quarter_of_the_way():
    labels = bar([8, 0, 0, 0, 24])
    assert fill(labels, [0, 4], interpolation="linear")[:, 4].sum(axis=1).tolist() == [8, 12, 16, 20, 24]


def test_distances_are_in_mm_so_a_stretched_pixel_changes_nothing_across_it():
    labels = bar([10, 0, 20])
    assert fill(labels, [0, 2], spacing_mm=(1.0, 1.0, 3.0), interpolation="linear")[1, 4].sum() == 15


def test_a_structure_that_ends_between_two_planes_shrinks_on_the_way():
    labels = np.zeros((9, 21, 21), np.uint8)
    row, column = np.ogrid[-10:11, -10:11]
    labels[0][row**2 + column**2 < 64] = 1
    areas = fill(labels, [0, 8], interpolation="linear").sum(axis=(1, 2))
    assert areas[0] > areas[2] > areas[4] == areas[8] == 0


def test_beyond_the_last_painted_plane_a_ball_closes_like_a_ball():
    plane, row, column = np.ogrid[-12:13, -15:16, -15:16]
    labels = (plane**2 + row**2 + column**2 < 144).astype(np.uint8)
    predicted = fill(labels, [12], plane_range=(1, 23))
    assert 2 * (labels & predicted).sum() / (labels.sum() + predicted.sum()) > 0.97


def ball_on_two_planes(class_ranges, interpolation="cardinal"):
    """Areas of a ball of radius 12 on planes 1 to 23, of which 6 and 18 are painted: true, and predicted."""
    plane, row, column = np.ogrid[-12:13, -15:16, -15:16]
    labels = (plane**2 + row**2 + column**2 < 144).astype(np.uint8)
    annotation = SparseAnnotation.from_painted_planes(labels, [6, 18], plane_range=(1, 23))
    volume = Volume.from_array(np.zeros(labels.shape))
    predictor = PREDICTORS.create("shape", {"interpolation": interpolation})
    predicted = run(predictor, volume, annotation.with_class_ranges(class_ranges)).labels
    return labels.sum(axis=(1, 2)), predicted.sum(axis=(1, 2))


def test_between_planes_a_structure_bulges_as_its_clicked_ends_say():
    true, predicted = ball_on_two_planes({1: (1, 23)})
    assert predicted[6] == true[6] == 341
    assert true[6] < predicted[9:16].min() <= predicted[9:16].max() < true[12]


def test_without_clicked_ends_and_with_straight_interpolation_it_does_not():
    for class_ranges, interpolation in (({}, "cardinal"), ({1: (1, 23)}, "linear")):
        true, predicted = ball_on_two_planes(class_ranges, interpolation)
        assert predicted[12] == true[6]


@pytest.mark.parametrize("planes", [[6, 12], [4, 6, 12]])
def test_three_structures_that_were_clicked_to_end_together_keep_their_size_up_to_there(planes):
    labels = np.zeros((20, 30, 40), np.uint8)
    for number, first in ((1, 2), (2, 3), (3, 4)):
        labels[first:17, 5:25, 12 * number - 10 : 12 * number - 1] = number
    annotation = SparseAnnotation.from_painted_planes(labels, planes, plane_range=(2, 16))
    ranges = {1: (2, 16), 2: (3, 16), 3: (4, 16)}

    def on_the_last_plane(ranges):
        volume = Volume.from_array(np.zeros(labels.shape))
        predicted = run(PREDICTORS.create("shape"), volume, annotation.with_class_ranges(ranges)).labels
        return np.bincount(predicted[16].ravel(), minlength=4)[1:]

    assert on_the_last_plane(ranges).tolist() == [180] * 3
    assert (on_the_last_plane({1: (2, 16), 2: (3, 16), 3: (4, 15)}) < 90).all()


def test_a_structure_painted_on_every_plane_of_its_range_needs_nothing():
    labels = np.zeros((9, 8, 8), np.uint8)
    labels[3:5, 2:6, 2:6] = 1
    labels[:, 0, :] = 2
    annotation = SparseAnnotation.from_painted_planes(labels, [0, 3, 4, 8]).with_class_ranges({1: (3, 4)})
    predicted = run(PREDICTORS.create("shape"), Volume.from_array(np.zeros(labels.shape)), annotation).labels
    assert np.array_equal(predicted, labels)


def test_a_spline_does_not_bring_a_class_back_between_planes_that_lack_it():
    labels = np.zeros((13, 20, 20), np.uint8)
    labels[0, 4:16, 4:16] = labels[12, 4:16, 4:16] = 1
    labels[:, :2, :2] = 2
    for interpolation in ("cubic", "cardinal"):
        predicted = fill(labels, [0, 4, 8, 12], interpolation=interpolation)
        assert not (predicted[4:9] == 1).any()


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "cardinal"])
def test_the_weights_of_painted_planes_sum_to_one_and_are_exact_on_them(interpolation):
    sources, targets = [3, 8, 9, 20], np.arange(1, 23)
    weights = weights_of(sources, targets, interpolation)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(weights[np.isin(targets, sources)], np.eye(4), atol=1e-6)
    assert beyond_of(sources, targets, (1, 22)).tolist() == pytest.approx([2 / 3, 1 / 3, *[0] * 18, 1 / 3, 2 / 3])


@pytest.mark.parametrize("interpolation", ["cardinal", "cubic", "linear"])
@pytest.mark.parametrize(("width", "planes"), [(1, [0, 5, 7]), (3, [0, 2, 7, 9, 12]), (3, [1, 5, 9]), (9, [0, 5, 10])])
def test_nothing_grows_before_a_plane_where_it_has_ended(interpolation, width, planes):
    labels = np.zeros((13, 40, 40), np.uint8)
    labels[: planes[-2] + 1 if len(planes) == 3 else 8, 18 : 18 + width, 18 : 18 + width] = 1
    areas = fill(labels, planes, interpolation=interpolation).sum(axis=(1, 2))
    assert areas.max() <= width**2
    assert (areas[: np.flatnonzero(labels.any(axis=(1, 2)))[-1] + 1] == width**2).all()


@pytest.mark.parametrize("around", [21, 31, 61])
def test_next_to_an_empty_plane_a_structure_ends_half_way_however_large_the_planes_are(around):
    labels = np.zeros((9, around, around), np.uint8)
    row, column = np.ogrid[:around, :around]
    labels[:2][:, (row - around // 2) ** 2 + (column - around // 2) ** 2 < 64] = 1
    areas = fill(labels, [0, 1, 8], interpolation="linear").sum(axis=(1, 2))
    assert (areas[2:5] > 0).all()
    assert (areas[5:] == 0).all()
