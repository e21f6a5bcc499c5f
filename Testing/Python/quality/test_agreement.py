"""P-DSC and P-accuracy on planes small enough to count."""

import numpy as np
import pytest
from SparseAnnotateLib import InputError, SparseAnnotation
from SparseAnnotateLib.quality import agreement_per_plane, p_accuracy, p_dsc
from SparseAnnotateLib.quality.agreement import nothing_found

FIRST = np.array([[[1, 1, 0, 0]], [[0, 0, 0, 0]], [[1, 2, 2, 0]], [[0, 0, 0, 1]]])
SECOND = np.array([[[1, 0, 0, 0]], [[0, 0, 0, 0]], [[1, 1, 2, 2]], [[1, 0, 0, 0]]])


def test_p_dsc_is_the_dice_of_one_with_the_other_on_each_plane():
    np.testing.assert_allclose(p_dsc(FIRST, SECOND), [2 / 3, 1, 2 * 3 / 7, 0])


def test_p_accuracy_is_twice_the_structure_voxels_with_the_same_label_of_those_of_both():
    np.testing.assert_allclose(p_accuracy(FIRST, SECOND), [2 * 1 / 3, 1, 2 * 2 / 7, 0])


def test_several_classes_are_judged_by_accuracy_and_one_by_dice():
    np.testing.assert_array_equal(agreement_per_plane(FIRST, SECOND, 1), p_dsc(FIRST, SECOND))
    np.testing.assert_array_equal(agreement_per_plane(FIRST, SECOND, 2), p_accuracy(FIRST, SECOND))


@pytest.mark.parametrize("measure", [p_dsc, p_accuracy])
def test_segmentations_on_different_grids_are_refused(measure):
    with pytest.raises(InputError, match="differ in shape"):
        measure(FIRST, SECOND[:2])


def test_planes_of_the_range_where_neither_finds_anything_are_named():
    labels = np.zeros((6, 1, 2), np.uint8)
    labels[1:5] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [2], plane_range=(1, 4))
    first, second = np.zeros_like(labels), np.zeros_like(labels)
    second[3] = 1
    assert np.flatnonzero(nothing_found(first, second, annotation)).tolist() == [1, 4]
