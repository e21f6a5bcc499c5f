"""Where structures are cut off inside the scan, told by their clicked ends."""

import numpy as np
from SparseAnnotateLib import LabelClass, SparseAnnotation
from SparseAnnotateLib.cut_ends import CutEnd, cut_ends, planes_beyond_cuts


def beyond(*ranges, planes=20):
    classes = [LabelClass(number, f"class {number}") for number in range(1, len(ranges) + 1)]
    annotation = SparseAnnotation.unpainted((planes, 4, 4), classes)
    told = {number: ends for number, ends in enumerate(ranges, 1) if ends}
    first, last = (np.array([*told.values()]).min(), np.array([*told.values()]).max()) if told else (0, planes - 1)
    return set(planes_beyond_cuts(annotation.with_range(int(first), int(last)).with_class_ranges(told)))


def test_three_structures_that_end_together_and_before_the_scan_does_are_cut_off_there():
    assert beyond((2, 15), (4, 15), (7, 15)) == {16}
    assert beyond((3, 9), (3, 15), (3, 12), (5, 14)) == {2}
    assert beyond((3, 15), (3, 15), (3, 15)) == {2, 16}


def test_it_is_told_how_many_end_there():
    ranges = [(2, 15), (2, 15), (7, 15), (2, 14)]
    assert cut_ends(ranges, (2, 15), 20, painted=[4]) == [CutEnd(2, 1, 3), CutEnd(15, 16, 3)]
    assert cut_ends(ranges, (2, 15), 20, painted=[2, 15]) == []


def test_two_structures_may_end_together():
    assert beyond((2, 15), (4, 15), (7, 14)) == set()


def test_where_another_one_goes_on_they_end_by_themselves():
    assert beyond((2, 15), (4, 15), (7, 15), (7, 16)) == set()


def test_at_the_end_of_the_scan_the_painted_planes_say_how_they_go_on():
    assert beyond((0, 15), (0, 19), (0, 19), (3, 19)) == set()


def test_a_painted_plane_shows_how_they_end():
    labels = np.zeros((20, 4, 4), np.uint8)
    labels[15, 0, :3] = 1, 2, 3
    annotation = SparseAnnotation.from_painted_planes(labels, [15], plane_range=(2, 15))
    assert not planes_beyond_cuts(annotation.with_class_ranges(dict.fromkeys((1, 2, 3), (4, 15))))


def test_without_clicked_ends_nothing_is_cut_off():
    assert beyond(None, None, None) == set()
