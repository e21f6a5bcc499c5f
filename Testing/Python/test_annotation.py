"""What the expert gave: each kind of it says which voxels are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from SparseAnnotateLib import InputError, LabelClass, SparseAnnotation
from SparseAnnotateLib.structures import of_structures, structure_groups

SHAPE = (6, 4, 5)


def labels_on(*planes, value=1, shape=SHAPE):
    labels = np.zeros(shape, np.uint8)
    labels[list(planes), 1:3, 1:4] = value
    return labels


def painted(*planes, **options):
    return SparseAnnotation.from_painted_planes(labels_on(*planes), **options)


class TestPaintedPlanes:
    def test_a_painted_plane_is_known_in_all_its_voxels_and_no_other_is(self):
        annotation = painted(1, 4)
        assert annotation.painted_planes == annotation.complete_planes == [1, 4]
        assert annotation.known[[1, 4]].all()
        assert not annotation.known[[0, 2, 3, 5]].any()
        assert annotation.unpainted_planes == [0, 2, 3, 5]

    def test_what_stands_on_planes_that_are_not_painted_is_ignored(self):
        annotation = SparseAnnotation.from_painted_planes(labels_on(1, 2, 3), [2])
        assert annotation.painted_planes == [2]
        assert not annotation.labels[[1, 3]].any()

    def test_a_plane_confirmed_empty_counts_as_painted(self):
        annotation = painted(1, empty=[5])
        assert annotation.painted_planes == [1, 5]
        assert annotation.known[5].all()

    def test_an_empty_plane_that_holds_labels_is_refused(self):
        with pytest.raises(InputError, match="plane 1 is said to be empty but holds labels"):
            painted(1, 2, empty=[1])

    @pytest.mark.parametrize("plane", [-1, 6])
    def test_a_plane_that_does_not_exist_is_refused(self, plane):
        with pytest.raises(InputError, match=f"painted plane {plane} does not exist: planes are numbered 0 to 5"):
            SparseAnnotation.from_painted_planes(labels_on(1), [plane])

    @given(arrays.arrays(np.int32, SHAPE, elements=st.sampled_from([0, 3, 7, 70000])), st.sets(st.integers(0, 5)))
    @settings(deadline=None)
    def test_values_of_the_file_become_class_numbers_and_come_back(self, labels, planes):
        annotation = SparseAnnotation.from_painted_planes(labels, planes)
        chosen = sorted(planes)
        assert np.array_equal(annotation.to_values(annotation.labels)[chosen], labels[chosen])
        assert annotation.class_count == len(set(np.unique(labels[chosen])) - {0})

    def test_given_classes_keep_their_order_and_values(self):
        classes = (LabelClass(7, "b"), LabelClass(3, "a"))
        labels = labels_on(1, value=3) + labels_on(2, value=7)
        annotation = SparseAnnotation.from_painted_planes(labels, classes=classes)
        assert set(np.unique(annotation.labels[1])) == {0, 2}
        assert set(np.unique(annotation.labels[2])) == {0, 1}
        assert np.array_equal(annotation.to_values(annotation.labels), labels)

    def test_a_value_of_no_class_is_refused(self):
        with pytest.raises(InputError, match="the value 5, which is none of the classes"):
            SparseAnnotation.from_painted_planes(labels_on(1, value=5), classes=[LabelClass(1, "a")])

    @pytest.mark.parametrize("values", [(1, 1), (0, 1)])
    def test_classes_that_share_a_value_or_take_the_background_are_refused(self, values):
        with pytest.raises(InputError, match="share a value, or one has the value 0"):
            painted(1, classes=[LabelClass(value, "x") for value in values])

    def test_more_than_255_classes_are_refused(self):
        labels = np.arange(2 * 16 * 16).reshape(2, 16, 16)
        with pytest.raises(InputError, match="511 classes, at most 255 can be handled: is this a label map"):
            SparseAnnotation.from_painted_planes(labels)

    def test_255_classes_are_handled(self):
        labels = np.arange(256).reshape(1, 16, 16)
        annotation = SparseAnnotation.from_painted_planes(labels)
        assert np.array_equal(annotation.to_values(annotation.labels), labels)

    @pytest.mark.parametrize(
        ("labels", "said"),
        [
            (labels_on(1) * 0.5, "not whole numbers: give a label map"),
            (labels_on(1) * np.nan, "not whole numbers"),
            (-labels_on(1).astype(int), "negative values: use 0 for background"),
            (labels_on(1)[0], "2 axes: give one 3-D label map"),
            (labels_on(1).astype(complex), "of type complex128"),
        ],
    )
    def test_labels_that_are_no_integers_are_refused(self, labels, said):
        with pytest.raises(InputError, match=said), np.errstate(invalid="ignore"):
            SparseAnnotation.from_painted_planes(labels)

    def test_masks_and_whole_floats_are_labels(self):
        for dtype in (bool, np.float32, np.int64):
            annotation = SparseAnnotation.from_painted_planes(labels_on(1).astype(dtype))
            assert np.array_equal(annotation.labels, labels_on(1))

    def test_arrays_given_are_not_written_to_and_not_shared(self):
        labels = labels_on(1)
        annotation = SparseAnnotation.from_painted_planes(labels)
        labels[:] = 9
        assert annotation.labels.max() == 1

    def test_an_unpainted_annotation_knows_nothing(self):
        annotation = SparseAnnotation.unpainted(SHAPE)
        assert not annotation.known.any()
        assert annotation.unpainted_planes == list(range(6))


class TestRange:
    def test_everything_outside_the_range_is_known_background(self):
        annotation = painted(2).with_range(1, 4)
        assert annotation.known[[0, 2, 5]].all()
        assert not annotation.known[[1, 3, 4]].any()
        assert annotation.unpainted_planes == [1, 3, 4]
        assert annotation.painted_planes == [2]

    @pytest.mark.parametrize(
        ("first", "last", "said"),
        [
            (4, 2, "the range 4 to 2 is empty"),
            (-1, 3, "leaves the volume: planes are numbered 0 to 5"),
            (0, 6, "leaves the volume"),
            (3, 4, "plane 2 is painted but lies outside the range 3 to 4: widen the range or erase the plane"),
        ],
    )
    def test_a_range_that_makes_no_sense_is_refused(self, first, last, said):
        with pytest.raises(InputError, match=said):
            painted(2).with_range(first, last)

    def test_an_empty_plane_may_lie_outside_the_range(self):
        assert painted(2, empty=[0]).with_range(1, 4).painted_planes == [0, 2]

    def test_structures_can_have_narrower_ranges_of_their_own(self):
        annotation = painted(2, 3).with_range(1, 4).with_class_ranges({1: (2, 3)})
        assert annotation.allowed_classes(1).tolist() == [True, False]
        assert annotation.allowed_classes(2).tolist() == [True, True]
        assert annotation.allowed_classes(0).tolist() == [True, False]

    @pytest.mark.parametrize(
        ("ranges", "said"),
        [
            ({2: (2, 3)}, "classes are numbered 1 to 1"),
            ({1: (3, 2)}, "is empty or leaves the range"),
            ({1: (0, 5)}, "is empty or leaves the range"),
            ({1: (3, 4)}, "class 1 is painted on plane 2, outside its range 3 to 4: widen its range"),
        ],
    )
    def test_ranges_of_structures_that_make_no_sense_are_refused(self, ranges, said):
        with pytest.raises(InputError, match=said):
            painted(2).with_range(1, 4).with_class_ranges(ranges)


class TestPartsAndBoxes:
    def test_on_a_plane_painted_in_part_only_what_is_labelled_is_known(self):
        annotation = painted(1, 3).with_partly_painted([3])
        assert np.array_equal(annotation.known[3], annotation.labels[3] > 0)
        assert annotation.known[1].all()
        assert annotation.painted_planes == [1, 3]
        assert annotation.complete_planes == annotation.source_planes == [1]

    def test_partly_painted_planes_outside_the_range_stay_known(self):
        assert painted(2, empty=[0]).with_range(1, 4).with_partly_painted([0]).known[0].all()

    def test_everything_outside_a_box_is_known_background(self):
        annotation = painted(2).with_box((1, 1, 1), (4, 2, 3))
        inside = np.zeros(SHAPE, bool)
        inside[1:5, 1:3, 1:4] = True
        assert annotation.known[~inside].all()
        assert np.array_equal(annotation.known[inside], painted(2).known[inside])

    @pytest.mark.parametrize(
        ("first", "last", "said"),
        [
            ((4, 1, 1), (3, 2, 3), "the box is empty"),
            ((0, 0, 0), (6, 3, 4), "the box leaves the volume"),
            ((1, 1, 2), (4, 2, 3), "reaches out of the box: enlarge the box"),
        ],
    )
    def test_a_box_that_makes_no_sense_is_refused(self, first, last, said):
        with pytest.raises(InputError, match=said):
            painted(2).with_box(first, last)

    @given(
        st.sets(st.integers(1, 4), min_size=1),
        st.lists(st.sampled_from(["range", "box"]), max_size=3),
    )
    def test_no_refinement_ever_forgets_a_painted_voxel(self, planes, steps):
        annotation = painted(*planes)
        before = annotation.known
        for step in steps:
            annotation = annotation.with_range(1, 4) if step == "range" else annotation.with_box((0, 1, 1), (5, 2, 3))
        assert annotation.known[before].all()
        assert np.array_equal(annotation.labels, labels_on(*planes))
        assert not annotation.labels[~annotation.known].any()


class TestStructuresOnPlanesOfTheirOwn:
    def annotation(self):
        labels = labels_on(1, 4)
        labels[2, 1, 1] = 2
        return SparseAnnotation.from_painted_planes(labels).with_complete({1: [1, 4], 2: [2]})

    def test_a_structure_is_complete_on_its_own_planes_only(self):
        annotation = self.annotation()
        assert annotation.complete_planes_of(1) == [1, 4]
        assert annotation.complete_planes_of(2) == [2]
        assert annotation.painted_planes == [1, 2, 4]

    def test_a_voxel_without_label_is_not_the_complete_structure_but_may_be_the_other(self):
        possible = self.annotation().possible(1)
        assert possible[:, 0, 0].tolist() == [True, False, True]
        assert possible[:, 1, 1].tolist() == [False, True, False]

    def test_only_labels_are_known_where_a_structure_is_open(self):
        annotation = self.annotation()
        assert np.array_equal(annotation.known[2], annotation.labels[2] > 0)
        assert annotation.complete_planes == []
        assert annotation.open_planes == [0, 1, 2, 3, 4, 5]

    def test_a_plane_is_known_whole_where_the_open_structure_has_ended(self):
        annotation = self.annotation().with_class_ranges({2: (2, 4)})
        assert annotation.known[1].all()
        assert not annotation.known[4].all()

    def test_a_sliver_stays_certain_and_its_plane_is_no_painted_one(self):
        annotation = painted(1, 2, 4).with_complete({1: [1, 4]})
        assert annotation.painted_planes == [1, 4]
        assert np.array_equal(annotation.known[2], annotation.labels[2] == 1)

    def test_on_common_planes_every_structure_is_complete(self):
        labels = labels_on(1, 4)
        labels[1, 1, 1] = 2
        annotation = SparseAnnotation.from_painted_planes(labels, empty=[5])
        assert annotation.complete.tolist() == [[p in (1, 4, 5)] * 2 for p in range(6)]
        assert structure_groups(annotation) == [(1, 2)]

    def test_a_class_that_does_not_exist_is_refused(self):
        with pytest.raises(InputError, match="there is no class 3: classes are numbered 1 to 2"):
            self.annotation().with_complete({3: [1]})

    def test_what_is_said_in_any_order_before_the_box_gives_the_same_known_voxels(self):
        one = self.annotation().with_range(1, 4).with_class_ranges({2: (2, 3)})
        other = SparseAnnotation.from_painted_planes(self.annotation().labels).with_range(1, 4)
        other = other.with_class_ranges({2: (2, 3)}).with_complete({1: [1, 4], 2: [2]})
        assert np.array_equal(one.known, other.known)

    def test_the_box_is_kept_when_planes_are_looked_at_anew(self):
        boxed = painted(1, 4).with_box((0, 1, 1), (5, 2, 3)).with_complete({1: [1]})
        assert boxed.known[4, 0].all()
        assert np.array_equal(boxed.known[4, 1:3, 1:4], boxed.labels[4, 1:3, 1:4] > 0)


class TestSomeStructuresAlone:
    def test_structures_of_the_same_planes_form_a_group(self):
        labels = labels_on(1, 4)
        labels[2, 1, 1], labels[1, 1, 1] = 2, 3
        annotation = SparseAnnotation.from_painted_planes(labels).with_complete({1: [1, 4], 2: [2], 3: [1, 4]})
        assert structure_groups(annotation) == [(1, 3), (2,)]

    def test_its_planes_are_known_whole_and_the_others_voxels_are_background(self):
        labels = labels_on(1, 4)
        labels[2, 1, 1] = 2
        annotation = SparseAnnotation.from_painted_planes(labels).with_complete({1: [1, 4], 2: [2]})
        second = of_structures(annotation, (2,), (1, 1, 1))
        assert second.painted_planes == second.complete_planes == [2]
        assert second.labels[2, 1, 1] == 1
        assert np.array_equal(second.known[1], labels[1] == 1)
        assert not second.labels[1].any()


class TestPlanesOfAnotherAxis:
    def test_every_voxel_of_the_plane_is_known_object_and_background(self):
        labels = labels_on(*range(6))
        annotation = painted(1, 4).with_painted_along(2, [2], labels)
        assert annotation.known[:, :, 2].all()
        assert np.array_equal(annotation.labels[:, :, 2], labels[:, :, 2])
        assert not annotation.known[0, :, [0, 1, 3, 4]].any()
        assert annotation.painted_planes == [1, 4]

    def test_it_stays_known_when_planes_are_looked_at_anew(self):
        annotation = painted(1, 4).with_painted_along(1, [0], labels_on(1, 4)).with_complete({1: [1]})
        assert annotation.known[4, 0].all()

    def test_what_contradicts_a_painted_plane_is_refused(self):
        labels = labels_on(1, 4)
        labels[1, 1, 2] = 0
        with pytest.raises(InputError, match="contradicts what is known"):
            painted(1, 4).with_painted_along(2, [2], labels)

    def test_the_plane_axis_is_refused(self):
        with pytest.raises(InputError, match="axis 0 is not one of the other axes"):
            painted(1).with_painted_along(0, [1], labels_on(1))
