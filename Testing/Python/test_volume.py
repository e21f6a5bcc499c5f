"""Volumes: any axis of the file as planes and back, and grids that are told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SparseAnnotateLib import ImageGeometry, InputError, Volume
from SparseAnnotateLib.volume import AXES, resolve_axis

lengths = st.integers(1, 6)
spacings = st.floats(0.05, 20, allow_nan=False)
sizes = st.tuples(lengths, lengths, lengths)


def array_of(size):
    """Every voxel another value, in file order."""
    return np.arange(np.prod(size), dtype=np.float32).reshape(tuple(reversed(size)))


@given(sizes, st.tuples(spacings, spacings, spacings), st.sampled_from(AXES))
@settings(deadline=None)
def test_planes_turned_back_are_the_file(size, spacing_mm, axis):
    array = array_of(size)
    volume = Volume.from_file_order(array, ImageGeometry(size, spacing_mm), axis)
    back = volume.to_file_order(volume.intensities)
    assert np.array_equal(back, array)
    assert back.flags.c_contiguous
    assert np.array_equal(volume.to_planes(array), volume.intensities)


@given(sizes, st.tuples(spacings, spacings, spacings), st.sampled_from(AXES))
@settings(deadline=None)
def test_size_and_spacing_move_together_with_the_axes(size, spacing_mm, axis):
    volume = Volume.from_file_order(array_of(size), ImageGeometry(size, spacing_mm), axis)
    chosen = AXES.index(axis)
    others = [n for n in (2, 1, 0) if n != chosen]
    assert volume.shape == (size[chosen], *(size[n] for n in others))
    assert volume.spacing_mm == (spacing_mm[chosen], *(spacing_mm[n] for n in others))


@given(sizes, st.sampled_from(AXES), st.data())
@settings(deadline=None)
def test_one_step_to_the_next_plane_is_one_step_along_the_axis_in_the_file(size, axis, data):
    """Nothing is mirrored: plane p is index p of the file's own axis."""
    volume = Volume.from_file_order(array_of(size), ImageGeometry(size, (1, 1, 1)), axis)
    plane = data.draw(st.integers(0, volume.planes - 1))
    in_file = np.take(array_of(size), plane, axis=2 - AXES.index(axis))
    assert np.array_equal(volume.intensities[plane], in_file)


@given(sizes, st.sampled_from(AXES), st.integers(1, 3))
@settings(deadline=None)
def test_components_stay_last(size, axis, components):
    volume = Volume.from_file_order(array_of(size), ImageGeometry(size, (1, 1, 1)), axis)
    stacked = np.stack([array_of(size) + n for n in range(components)], axis=-1)
    assert np.array_equal(volume.to_file_order(volume.to_planes(stacked)), stacked)


@pytest.mark.parametrize(
    ("spacing_mm", "axis"),
    [
        ((1, 1, 3), "k"),
        ((3, 1, 1), "i"),
        ((1, 3, 1), "j"),
        ((1, 1, 1), "k"),
        ((3, 3, 1), "j"),
        ((1, 1, 0.9999998), "k"),
    ],
)
def test_the_annotation_axis_is_the_one_with_the_largest_spacing_ties_to_the_last(spacing_mm, axis):
    assert resolve_axis("auto", spacing_mm) == axis


def test_an_unknown_axis_is_refused():
    with pytest.raises(InputError, match="unknown annotation axis 'z': choose auto, i, j or k"):
        resolve_axis("z", (1, 1, 1))


def test_planes_in_memory_need_no_file():
    volume = Volume.from_array(np.arange(24).reshape(2, 3, 4), (5, 1, 2))
    assert volume.shape == (2, 3, 4)
    assert volume.spacing_mm == (5, 1, 2)
    assert volume.geometry.size == (4, 3, 2)
    assert volume.geometry.spacing_mm == (2, 1, 5)


def test_constant_planes_are_found():
    array = np.arange(24.0).reshape(2, 3, 4)
    array[1] = 7
    assert Volume.from_array(array).constant_planes.tolist() == [False, True]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 4)), "2 axes: give one 3-D volume"),
        (np.zeros((2, 3, 4, 5)), "4 axes: give one 3-D volume"),
        (np.zeros((2, 3, 4), complex), "complex128 values: convert it to one real number a voxel"),
        (np.full((2, 3, 4), np.nan), "24 voxels that are NaN or infinite: replace them"),
        (np.where(np.arange(24).reshape(2, 3, 4) == 5, np.inf, 0), "1 voxels that are NaN or infinite"),
        (np.zeros((2, 0, 4)), "no voxel: check the file"),
    ],
)
def test_what_is_no_volume_is_refused(array, said):
    with pytest.raises(InputError, match=said):
        Volume.from_array(array)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_spacing_that_is_not_positive_is_refused(bad):
    with pytest.raises(InputError, match="set a positive one in its header"):
        Volume.from_file_order(np.zeros((2, 3, 4)), ImageGeometry((4, 3, 2), (1, 1, bad)))


def test_a_geometry_of_another_size_is_refused():
    with pytest.raises(InputError, match="the array has 4x3x2 voxels, its geometry 2x3x4"):
        Volume.from_file_order(np.zeros((2, 3, 4)), ImageGeometry((2, 3, 4), (1, 1, 1)))


class TestGrids:
    GRID = ImageGeometry((4, 5, 6), (0.5, 0.5, 3.0), (1.0, 2.0, 3.0))

    def changed(self, **what):
        from dataclasses import replace

        return replace(self.GRID, **what)

    def test_a_grid_does_not_differ_from_itself_nor_by_its_header(self):
        assert self.GRID.difference(self.GRID) is None
        assert self.GRID.difference(self.changed(header=b"n+1")) is None
        assert self.changed(header=b"n+1") == self.GRID

    def test_differences_are_told_in_words(self):
        assert self.GRID.difference(self.changed(size=(4, 5, 7))) == "size 4x5x6 against 4x5x7"
        assert self.GRID.difference(self.changed(spacing_mm=(0.5, 0.5, 2.5))).startswith("spacing 0.5, 0.5, 3 against")
        assert self.GRID.difference(self.changed(origin_mm=(1, 2, 4))) == "origin 1, 2, 3 against 1, 2, 4 mm"
        mirrored = self.changed(direction=(1, 0, 0, 0, 1, 0, 0, 0, -1))
        assert self.GRID.difference(mirrored).startswith("direction ")

    @given(st.floats(-9e-4, 9e-4))
    def test_less_than_a_thousandth_of_a_voxel_is_no_difference(self, shift):
        assert self.GRID.difference(self.changed(origin_mm=(1.0 + 0.5 * shift, 2.0, 3.0))) is None

    @given(st.floats(2e-3, 1e3))
    def test_more_than_that_is_one(self, shift):
        assert "origin" in self.GRID.difference(self.changed(origin_mm=(1.0 + 0.5 * shift, 2.0, 3.0)))
