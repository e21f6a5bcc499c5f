"""Scans on another spacing and back: both grids fill the same box."""

import numpy as np
import pytest
from SparseAnnotateLib.cohort.model import CohortConfiguration
from SparseAnnotateLib.cohort.preprocessing import linear_weights, prepared_image, prepared_shape, resampled_to


def a_configuration(spacing_mm):
    return CohortConfiguration(class_names=("ball",), class_values=(1,), spacing_mm=spacing_mm)


def test_sizes_are_rounded_and_never_zero():
    assert prepared_shape((10, 3, 1), (3.0, 1.0, 1.0), (1.0, 2.0, 9.0)) == (30, 2, 1)


def test_halving_the_voxels_averages_what_each_covers():
    # A triangle two voxels wide on each side: 1/4, 3/4, 3/4, 1/4 of four voxels, cut off at the border.
    assert linear_weights(4, 2)[0] * 7 == pytest.approx([3, 3, 1, 0])
    ramp = np.arange(8.0)
    assert (linear_weights(8, 4) @ ramp)[1:3] == pytest.approx([2.5, 4.5])


def test_smaller_voxels_are_interpolated_between_centres():
    assert (linear_weights(2, 4) @ np.array([0.0, 4.0])).tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_axis_is_resampled_by_itself(axis):
    ramp = np.moveaxis(np.broadcast_to(np.arange(6.0), (4, 5, 6)), 2, axis).astype(np.float16)
    shape = list(ramp.shape)
    shape[axis] = 12
    result = resampled_to(ramp, shape)
    assert result.dtype == np.float32
    assert result.shape == tuple(shape)
    along = np.moveaxis(result, axis, 2)[0, 0]
    assert along == pytest.approx(np.clip((np.arange(12) + 0.5) / 2 - 0.5, 0, 5), abs=1e-5)


def test_leading_axes_are_left_alone_and_the_nearest_keeps_the_type():
    labels = np.random.default_rng(0).integers(0, 5, (2, 3, 4, 5)).astype(np.uint8)
    larger = resampled_to(labels, (6, 8, 10), order=0)
    assert larger.dtype == np.uint8
    np.testing.assert_array_equal(larger, labels.repeat(2, 1).repeat(2, 2).repeat(2, 3))


def test_a_scan_on_the_common_spacing_is_normalised_only():
    image = np.random.default_rng(0).normal(50, 9, (4, 20, 20)).astype(np.float32)
    ready = prepared_image(image, (2.0, 1.0, 1.0), a_configuration((2.0, 1.0, 1.0)))
    assert ready.dtype == np.float16
    assert ready.shape == image.shape
    assert float(ready.mean(dtype=float)) == pytest.approx(0, abs=0.01)
    assert float(ready.std(dtype=float)) == pytest.approx(1, abs=0.01)


def test_a_coarser_scan_gets_more_voxels():
    image = np.random.default_rng(0).normal(size=(4, 20, 20)).astype(np.float32)
    assert prepared_image(image, (4.0, 1.0, 1.0), a_configuration((2.0, 1.0, 2.0))).shape == (8, 20, 10)
