"""The way back from the network's grid."""

import numpy as np
import pytest
from SparseAnnotateLib.cohort.grids import WayBack, check_spacing, counterpart
from SparseAnnotateLib.cohort.preprocessing import resampled_to
from SparseAnnotateLib.errors import InputError


def whole(shape):
    return tuple(slice(0, length) for length in shape)


def test_the_same_grid_changes_nothing():
    image = np.random.default_rng(0).normal(size=(3, 2, 4, 5)).astype(np.float32)
    back = WayBack((3, 4, 5), whole((3, 4, 5)), (3, 4, 5), whole((3, 4, 5)))
    np.testing.assert_allclose(np.stack(list(back.planes(image))), image, atol=1e-6)


@pytest.mark.parametrize("shape", [(9, 12, 20), (4, 3, 5), (6, 10, 2)])
def test_it_is_the_same_as_resampling_the_whole(shape):
    image = np.random.default_rng(1).normal(size=(6, 8, 10)).astype(np.float32)
    back = WayBack(shape, whole(shape), image.shape, whole(image.shape))
    np.testing.assert_allclose(np.stack(list(back.planes(image))), resampled_to(image, shape), atol=1e-5)


def test_a_region_is_what_the_whole_shows_there():
    image = np.random.default_rng(1).normal(size=(6, 8, 10)).astype(np.float32)
    shape, region = (13, 17, 21), (slice(3, 9), slice(5, 12), slice(0, 7))
    part = counterpart(region, shape, image.shape, (2, 2, 2))
    planes = WayBack(shape, region, image.shape, part).planes(image[part])
    np.testing.assert_allclose(np.stack(list(planes)), resampled_to(image, shape)[region], atol=1e-5)


def test_planes_are_taken_only_when_they_are_needed():
    taken = []

    def arriving():
        for number in range(100):
            taken.append(number)
            yield np.full((1, 1), float(number))

    wanted = WayBack((50, 1, 1), whole((50, 1, 1)), (100, 1, 1), whole((100, 1, 1))).planes(arriving())
    next(wanted)
    assert len(taken) <= 3
    assert next(wanted)[0, 0] == pytest.approx(2.5)


@pytest.mark.parametrize("spacing_mm", [(1.0, 0.2, 1.0), (3.1, 1.0, 1.0)])
def test_voxels_of_quite_another_size_are_refused(spacing_mm):
    with pytest.raises(InputError, match="the cohort model has learnt from 1 mm"):
        check_spacing(spacing_mm, (1.0, 1.0, 1.0))


def test_voxels_of_about_the_same_size_are_not():
    check_spacing((2.0, 0.6, 1.0), (1.0, 1.0, 1.0))
