"""`cover`: the rules of all selectors, and planes that serve every structure."""

import numpy as np
from selector_tester import SelectorTester
from SparseAnnotateLib import SELECTORS, SparseAnnotation, Volume


class TestCover(SelectorTester):
    name = "cover"

    def test_the_first_planes_are_about_evenly_spaced_where_the_scan_cuts_the_structures_off(self):
        assert self.suggest_planes(3, plane_range=(0, 23)) == [3, 11, 20]

    def test_the_first_planes_keep_away_from_ends_where_the_structures_taper(self):
        assert self.suggest_planes(3, plane_range=(1, 22)) == [6, 11, 17]

    def test_planes_that_show_nothing_leave_gaps_to_fill(self):
        assert self.suggest_planes(1, painted=(3, 20), plane_range=(2, 21)) == [11]

    def test_its_former_name_still_finds_it(self):
        assert SELECTORS.get("expected-gain") is SELECTORS.get("cover")
        assert "expected-gain" not in SELECTORS.names()


def suggest(labels, painted, count, plane_range=None):
    annotation = SparseAnnotation.from_painted_planes(labels, painted, plane_range=plane_range or (0, len(labels) - 1))
    volume = Volume.from_array(np.zeros(labels.shape), (2.0, 1.0, 1.0))
    return SELECTORS.create("cover").select(volume, annotation, count, np.random.default_rng(0))


def test_a_wide_gap_is_split_before_a_narrow_one():
    labels = np.zeros((31, 30, 30), np.uint8)
    labels[:, 8:22, 8:22] = 1
    (first,) = suggest(labels, [0, 20, 24, 27, 30], 1)
    assert 7 <= first.plane <= 13


def test_a_gap_across_which_the_structure_moves_is_split_first():
    labels = np.zeros((41, 40, 60), np.uint8)
    labels[:20, 10:20, 10:20] = 1
    for plane in range(20, 41):
        labels[plane, 10:20, plane - 10 : plane] = 1
    (first,) = suggest(labels, [0, 10, 20, 30, 40], 1)
    assert 20 < first.plane < 40


def test_a_painted_plane_is_worth_less_to_its_neighbours_afterwards():
    labels = np.zeros((41, 30, 30), np.uint8)
    labels[:, 8:22, 8:22] = 1
    assert [suggestion.plane for suggestion in suggest(labels, [0, 40], 3)] == [10, 20, 30]
