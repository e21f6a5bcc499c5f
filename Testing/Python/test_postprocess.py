"""Holes and stray parts: only what they say, and never another class or a painted part."""

import numpy as np
import pytest
from SparseAnnotateLib import SparseAnnotation
from SparseAnnotateLib.postprocess import clean, fill_holes_of, main_component_of


def shell():
    """A hollow cube of class 1 with a core of 3x3x3, and a tunnel to nowhere."""
    labels = np.zeros((7, 7, 7), np.uint8)
    labels[1:6, 1:6, 1:6] = 1
    labels[2:5, 2:5, 2:5] = 0
    return labels


def test_an_enclosed_cavity_is_filled_in_3d():
    labels = shell()
    fill_holes_of(labels, 1)
    assert (labels == 1).sum() == 125


def test_a_cavity_with_a_way_out_along_the_planes_is_a_hole_on_planes_only():
    labels = shell()
    labels[:, 3, 3] = 0  # a channel through top and bottom
    open_in_3d = labels.copy()
    fill_holes_of(open_in_3d, 1)
    assert np.array_equal(open_in_3d, labels)
    fill_holes_of(labels, 1, per_plane=True)
    assert (labels[1:6, 1:6, 1:6] == 1).all()


def test_another_class_inside_a_hole_stays():
    labels = shell()
    labels[3, 3, 3] = 2
    fill_holes_of(labels, 1)
    assert labels[3, 3, 3] == 2
    assert (labels == 1).sum() == 124


def test_known_background_is_no_hole():
    labels = shell()
    known = np.zeros(labels.shape, bool)
    known[3, 3, 3] = True
    fill_holes_of(labels, 1, known=known)
    assert labels[3, 3, 3] == 0
    assert (labels == 1).sum() == 124


def test_a_bay_at_the_edge_of_the_image_is_no_hole():
    labels = np.ones((3, 4, 4), np.uint8)
    labels[1, 1, 0] = 0
    before = labels.copy()
    fill_holes_of(labels, 1)
    fill_holes_of(labels, 1, per_plane=True)
    assert np.array_equal(labels, before)


def islands():
    labels = np.zeros((3, 5, 9), np.uint8)
    labels[:, :3, :3] = 1
    labels[1, 1, 5] = 1
    labels[1, 4, 8] = 1
    labels[0, 0, 8] = 2
    return labels


def test_only_the_largest_part_of_a_class_is_kept():
    labels = islands()
    main_component_of(labels, 1)
    assert (labels == 1).sum() == 27
    assert (labels[:, :3, :3] == 1).all()
    assert labels[0, 0, 8] == 2


def test_a_part_that_was_painted_is_kept_too():
    labels = islands()
    painted = np.zeros(labels.shape, bool)
    painted[1, 1, 5] = True
    main_component_of(labels, 1, painted)
    assert labels[1, 1, 5] == 1
    assert labels[1, 4, 8] == 0


def test_voxels_that_touch_at_a_corner_are_one_part():
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1
    main_component_of(labels, 1)
    assert labels.sum() == 2


@pytest.mark.parametrize("tidy", [fill_holes_of, main_component_of])
def test_a_class_that_is_not_there_changes_nothing(tidy):
    labels = islands()
    tidy(labels, 3)
    assert np.array_equal(labels, islands())


class TestClean:
    def annotation(self, labels):
        return SparseAnnotation.from_painted_planes(labels, [0])

    def test_nothing_happens_unless_asked_for(self):
        labels = islands()
        clean(labels, self.annotation(islands()))
        assert np.array_equal(labels, islands())

    def test_parts_and_holes_of_every_class_are_tidied(self):
        painted = np.zeros((7, 7, 9), np.uint8)
        painted[0, 0, :2] = (1, 2)
        labels = np.pad(shell(), ((0, 0), (0, 0), (0, 2)))
        labels[0, 0, :2] = (1, 2)
        labels[6, 6, 8] = 2
        clean(labels, self.annotation(painted), fill_holes="volume", main_component=True)
        assert (labels == 1).sum() == 126
        assert np.argwhere(labels == 2).tolist() == [[0, 0, 1]]
