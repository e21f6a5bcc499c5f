"""Resampling between grids that fill the same box."""

import numpy as np
import pytest
from SparseAnnotateLib.cohort.grids import along_planes, check_spacing, line_weights, resized, size_at_spacing
from SparseAnnotateLib.errors import InputError

pytest.importorskip("torch")


def test_the_size_follows_the_spacing_and_is_never_nothing():
    assert size_at_spacing((10, 20, 30), (2.0, 1.0, 0.5), (1.0, 1.0, 1.0)) == (20, 20, 15)
    assert size_at_spacing((1, 4, 4), (0.1, 1.0, 1.0), (3.0, 1.0, 1.0)) == (1, 4, 4)


def test_the_same_grid_changes_nothing():
    image = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(resized(image, (3, 4, 5)), image)


@pytest.mark.parametrize("shape", [(3, 5, 4), (12, 20, 16), (5, 31, 7)])
def test_a_constant_image_stays_constant(shape):
    np.testing.assert_allclose(resized(np.full((2, 6, 10, 8), 7.0), shape), 7.0, rtol=1e-6)


def test_halving_takes_a_triangle_and_doubling_is_linear_between_centres():
    image = np.zeros((4, 1, 1), np.float32)
    image[1] = 1
    np.testing.assert_allclose(resized(image, (2, 1, 1))[:, 0, 0], [3 / 7, 1 / 7], atol=1e-6)
    line = np.array([0.0, 1.0], np.float32).reshape(2, 1, 1)
    np.testing.assert_allclose(resized(line, (4, 1, 1))[:, 0, 0], [0, 0.25, 0.75, 1], atol=1e-6)


@pytest.mark.parametrize("wanted", [2, 3, 9, 20])
def test_planes_rows_and_columns_are_treated_alike(wanted):
    line = np.random.default_rng(1).normal(size=9).astype(np.float32)
    by_planes = resized(line.reshape(9, 1, 1), (wanted, 1, 1)).ravel()
    by_columns = resized(line.reshape(1, 1, 9), (1, 1, wanted)).ravel()
    np.testing.assert_allclose(by_planes, by_columns, atol=1e-5)


@pytest.mark.parametrize(("size", "wanted"), [(5, 11), (11, 5), (7, 7), (1, 3), (3, 1)])
def test_weights_sum_to_one(size, wanted):
    weights = line_weights(size, wanted)
    assert len(weights) == wanted
    for where, values in weights:
        assert 0 <= where.start < where.stop <= size
        assert len(values) == where.stop - where.start
        assert values.sum() == pytest.approx(1)


def test_planes_are_taken_only_when_they_are_needed():
    taken = []

    def planes():
        for number in range(100):
            taken.append(number)
            yield np.full((1, 1), float(number))

    wanted = along_planes(planes(), 100, 50)
    next(wanted)
    assert len(taken) <= 3
    assert next(wanted)[0, 0] == pytest.approx(2.5)


@pytest.mark.parametrize("spacing_mm", [(1.0, 0.2, 1.0), (3.1, 1.0, 1.0)])
def test_voxels_of_quite_another_size_are_refused(spacing_mm):
    with pytest.raises(InputError, match="the cohort model was trained for 1 mm"):
        check_spacing(spacing_mm, (1.0, 1.0, 1.0))


def test_voxels_of_about_the_same_size_are_not():
    check_spacing((2.0, 0.6, 1.0), (1.0, 1.0, 1.0))
