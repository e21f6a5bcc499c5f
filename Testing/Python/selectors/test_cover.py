"""`cover`: the rules of all selectors, and planes that serve every structure."""

import itertools

import numpy as np
import pytest
from selector_tester import SelectorTester
from SparseAnnotateLib import SELECTORS, LabelClass, SparseAnnotation, Volume
from SparseAnnotateLib.selectors.cover.coverage import Extent, Losses, best_planes, gap_losses
from SparseAnnotateLib.selectors.cover.extents import extents_of


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


def volume_of(planes):
    return Volume.from_array(np.zeros((planes, 8, 8)), (2.0, 1.0, 1.0))


def clicked(planes, plane_range, **ranges):
    classes = [LabelClass(number, name) for number, name in enumerate(ranges, 1)]
    annotation = SparseAnnotation.unpainted((planes, 8, 8), classes).with_range(*plane_range)
    return annotation.with_class_ranges(dict(enumerate(ranges.values(), 1)))


def cover(annotation, count):
    volume = volume_of(annotation.planes)
    return SELECTORS.create("cover").select(volume, annotation, count, np.random.default_rng(0))


class TestClickedRanges:
    def test_a_small_structure_gets_planes_that_evenly_spaced_ones_would_miss(self):
        annotation = clicked(120, (5, 104), liver=(5, 104), gland=(50, 57))
        planes = [one.plane for one in cover(annotation, 4)]
        assert sum(50 <= plane <= 57 for plane in planes) == 2
        assert any(plane < 40 for plane in planes)
        assert any(plane > 70 for plane in planes)

    def test_a_suggestion_says_which_structures_to_paint_and_which_gain_nothing_there(self):
        annotation = clicked(120, (5, 104), liver=(5, 104), gland=(50, 57))
        by_plane = {one.plane: one for one in cover(annotation, 4)}
        first, *_, last = by_plane.values()
        assert (first.structures, first.optional) == ((1,), ())
        assert (last.structures, last.optional) == ((1,), ())
        assert any(2 in one.structures for one in by_plane.values())
        assert any("gland: in a gap of" in one.reason for one in by_plane.values())

    def test_a_structure_that_is_painted_well_is_optional(self):
        labels = np.zeros((60, 8, 8), np.uint8)
        labels[5:55, :4] = 1
        labels[20:30, 5:] = 2
        classes = [LabelClass(1, "long"), LabelClass(2, "short")]
        annotation = SparseAnnotation.from_painted_planes(
            labels, range(20, 30), classes=classes, plane_range=(5, 54)
        ).with_class_ranges({1: (5, 54), 2: (19, 30)})
        assert all(one.structures == (1,) and 2 not in one.structures for one in cover(annotation, 2))

    def test_planes_painted_for_one_structure_count_for_that_one_alone(self):
        labels = np.zeros((40, 8, 8), np.uint8)
        labels[5:35, :4] = 1
        labels[5:35, 5:] = 2
        classes = [LabelClass(1, "a"), LabelClass(2, "b")]
        annotation = SparseAnnotation.from_painted_planes(labels, [20], classes=classes, plane_range=(5, 34))
        annotation = annotation.with_complete({1: [20], 2: []}).with_class_ranges({1: (5, 34), 2: (5, 34)})
        (one,) = cover(annotation, 1)
        assert 2 in one.structures
        assert one.reason.startswith("b: ")

    def test_a_reason_counts_one_plane_as_one(self):
        (one,) = cover(clicked(9, (4, 4), gland=(4, 4)), 1)
        assert one.reason == "gland: in a gap of 1 of its 1 plane"
        labels = np.zeros((9, 8, 8), np.uint8)
        labels[2:7, 2:6] = 1
        annotation = SparseAnnotation.from_painted_planes(labels, [2, 6], plane_range=(2, 6))
        reasons = {two.plane: two.reason for two in cover(annotation, 3)}
        assert reasons[3].endswith(": 1 plane from any painted one")
        assert reasons[4].endswith(": 2 planes from any painted one")

    def test_structures_that_cover_no_plane_of_the_suggestion_are_not_named(self):
        annotation = clicked(60, (2, 57), head=(2, 12), foot=(48, 57))
        first, last = cover(annotation, 2)
        assert (first.structures, last.structures) == ((1,), (2,))


def test_with_one_structure_planes_lie_a_little_closer_to_its_ends():
    one, two = clicked(24, (1, 22), liver=(1, 22)), clicked(24, (1, 22), liver=(1, 22), spleen=(1, 22))
    assert [[suggestion.plane for suggestion in cover(each, 3)] for each in (one, two)] == [[5, 11, 18], [6, 11, 17]]


class TestEstimatedRanges:
    def test_a_structure_ends_half_way_to_the_next_painted_plane_without_it(self):
        labels = np.zeros((50, 4, 4), np.uint8)
        labels[18:33] = 1
        annotation = SparseAnnotation.from_painted_planes(labels, [20, 30], empty=[10, 40], plane_range=(2, 47))
        (extent,) = extents_of(annotation)
        assert (extent.first, extent.last, extent.painted) == (15, 35, (20, 30))

    def test_without_such_a_plane_it_reaches_to_the_end_of_the_range(self):
        labels = np.zeros((50, 4, 4), np.uint8)
        labels[18:33] = 1
        (extent,) = extents_of(SparseAnnotation.from_painted_planes(labels, [20], plane_range=(2, 47)))
        assert (extent.first, extent.last, extent.cut) == (2, 47, (False, False))

    def test_where_nobody_said_where_it_ends_it_reaches_as_far_as_its_painted_planes_lie_apart(self):
        labels = np.zeros((100, 8, 8), np.uint8)
        labels[:, 2:6, 2:6] = 1
        annotation = SparseAnnotation.from_painted_planes(labels, [40, 44, 52])
        assert [(one.first, one.last) for one in extents_of(annotation)] == [(32, 60)]

    def test_structures_that_no_plane_shows_can_be_anywhere(self):
        annotation = SparseAnnotation.unpainted((30, 4, 4), [LabelClass(1, "a"), LabelClass(2, "b")])
        assert [(one.number, one.first, one.last) for one in extents_of(annotation)] == [(0, 0, 29)]

    def test_one_of_several_structures_that_the_scan_cuts_off_does_not_draw_all_planes_to_its_end(self):
        two, one = [LabelClass(1, "a"), LabelClass(2, "b")], [LabelClass(1, "a")]
        for classes, plane_range, cut in (
            (two, (0, 20), (False, False)),
            (two, (0, 29), (True, True)),
            (one, (0, 20), (True, False)),
        ):
            annotation = SparseAnnotation.unpainted((30, 4, 4), classes).with_range(*plane_range)
            assert extents_of(annotation)[0].cut == cut


class TestStructuresThatNoPaintedPlaneShows:
    NAMES = ("liver", "gland", "duct")

    @staticmethod
    def annotation(names=NAMES, painted=(8, 24, 32, 40)):
        labels = np.zeros((50, 8, 8), np.uint8)
        labels[5:45, :4] = 1
        classes = [LabelClass(number, name) for number, name in enumerate(names, 1)]
        return SparseAnnotation.from_painted_planes(labels, painted, classes=classes, plane_range=(5, 44))

    def test_they_are_looked_for_in_the_widest_gap_and_named(self):
        (one,) = cover(self.annotation(), 1)
        assert one.plane == 16
        assert one.reason == "gland, duct: on no painted plane"
        assert one.structures == (1, 2, 3)

    def test_they_are_lost_as_a_whole_until_a_plane_shows_them(self):
        extent = extents_of(self.annotation())[-1]
        assert (extent.number, extent.unseen, extent.structures) == (0, (2, 3), 2)
        hidden = Losses(extent)
        assert hidden.between(np.array([-90, 90]))[0, 1] == pytest.approx(2)
        # 15 planes between two painted ones hide them nearly for certain; halved, a sixteenth as much and less.
        assert 1.7 < hidden.gain(16, -90, 90) < 2

    def test_each_of_them_counts_as_a_structure(self):
        (none,), (one,), (two,) = (cover(self.annotation(self.NAMES[:count]), 1) for count in (1, 2, 3))
        assert (none.plane == 16, one.plane, two.plane) == (False, 16, 16)
        # Means over 2 and 3 structures, of which 1 and 2 are hidden.
        assert none.score < one.score < two.score

    def test_a_range_that_was_clicked_says_where_one_is(self):
        (one,) = cover(self.annotation().with_class_ranges({2: (33, 39), 3: (33, 39)}), 1)
        assert one.plane == 36
        assert one.reason == "gland: in a gap of 7 of its 7 planes"

    def test_more_names_than_fit_are_counted(self):
        names = ("liver", *(f"a gland with a long name {number}" for number in range(4)))
        (one,) = cover(self.annotation(names), 1)
        assert one.reason == "a gland with a long name 0 and 3 more: on no painted plane"


class TestBestPlanes:
    def test_no_other_set_of_planes_loses_less(self):
        losses = [
            Losses(Extent(1, 0, 13, (True, False))),
            Losses(Extent(2, 3, 7, painted=(5,), harder=(1.0, 3.0))),
            Losses(Extent(3, 6, 12)),
        ]

        def lost(planes):
            nodes = np.array([-30, *planes, 60])
            return sum(one.between(nodes).diagonal(1).sum() for one in losses)

        candidates = np.array([plane for plane in range(14) if plane != 5])
        least = min(lost(planes) for planes in itertools.combinations(candidates, 3))
        assert lost(best_planes(losses, candidates, 3)) == pytest.approx(least, abs=1e-3)

    def test_a_gap_loses_more_than_its_parts_and_a_missed_structure_most(self):
        losses = gap_losses(20)
        assert losses[3, 9] > losses[3, 6] + losses[6, 9]
        assert losses[0, 21] == losses.max()

    def test_an_end_that_the_scan_cuts_off_loses_twice_as_much(self):
        assert gap_losses(20, (True, False))[0, 5] == 2 * gap_losses(20)[0, 5]
