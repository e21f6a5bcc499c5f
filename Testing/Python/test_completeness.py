"""What was painted completely where, inferred from the labels: made-up shapes, field cases, and all real volumes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SparseAnnotateLib import InputError, SparseAnnotation
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.completeness import Said, named_planes, understand, understood
from SparseAnnotateLib.completeness.axis import painted_axis
from SparseAnnotateLib.completeness.crossing import crossing_planes
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.io.labels import LabelFile
from SparseAnnotateLib.volume import Volume

SHAPE = (24, 48, 64)
PAINTED = [4, 12, 20]
BODIES = {
    "ball": ((12, 23, 31), (11, 18, 22)),
    "flat ball": ((12, 23, 31), (11, 9, 22)),
    "ball off the middle": ((11.6, 20, 28), (11, 14, 19)),
}


def ellipsoid(centre, radii, shape=SHAPE):
    grid = np.indices(shape)
    return (sum(((grid[d] - centre[d]) / radii[d]) ** 2 for d in range(3)) <= 1).astype(np.uint8)


def kept_on(labels, planes):
    sparse = np.zeros_like(labels)
    sparse[planes] = labels[planes]
    return sparse


def told(labels, **said):
    return understood(SparseAnnotation.from_painted_planes(labels), **said)


@pytest.fixture(params=BODIES)
def body(request):
    return ellipsoid(*BODIES[request.param])


class TestCommonPlanes:
    def test_nothing_is_told_apart_and_nothing_is_said(self, body):
        labels = kept_on(body, PAINTED) + kept_on(2 * np.roll(body, 5, axis=2) * (body == 0), PAINTED)
        plain = SparseAnnotation.from_painted_planes(labels)
        result = understood(plain)
        assert result.annotation is plain
        assert result.sentences == ()

    def test_planes_that_were_said_to_be_empty_are_so_for_all(self, body):
        labels = kept_on(body, PAINTED)
        annotation = SparseAnnotation.from_painted_planes(labels, empty=[0, 8])
        assert understood(annotation, aside=[0, 8]).annotation.complete_planes_of(1) == [0, 4, 8, 12, 20]

    @given(
        bodies=st.lists(
            st.tuples(
                st.tuples(*[st.floats(6, 18)] * 3),
                st.tuples(*[st.floats(2, 12)] * 3),
            ),
            min_size=1,
            max_size=4,
        ),
        planes=st.sets(st.integers(0, 23), min_size=1),
    )
    @settings(max_examples=150, deadline=None)
    def test_of_any_convex_bodies_beside_each_other(self, bodies, planes):
        """Convex, and none covers another: what lies between two outlines of one is in it."""
        labels = np.zeros((24, 24, 24 * len(bodies)), np.uint8)
        for number, (centre, radii) in enumerate(bodies):
            labels[:, :, 24 * number : 24 * (number + 1)] = (number + 1) * ellipsoid(centre, radii, (24, 24, 24))
        plain = SparseAnnotation.from_painted_planes(kept_on(labels, sorted(planes)))
        result = understood(plain)
        assert np.array_equal(result.annotation.complete, plain.complete)
        assert np.array_equal(result.annotation.known, plain.known)
        assert result.sentences == ()


class TestOwnPlanes:
    def test_two_structures_on_alternating_planes_say_nothing_of_each_other(self, body):
        other = np.roll(body, 30, axis=2)
        other[body > 0] = 0
        labels = kept_on(body, [2, 10, 18]) + 2 * kept_on(other, [6, 14])
        annotation = told(labels).annotation
        assert annotation.complete_planes_of(1) == [2, 10, 18]
        assert annotation.complete_planes_of(2) == [6, 14]
        assert annotation.painted_planes == [2, 6, 10, 14, 18]

    def test_what_is_understood_is_said_in_one_line(self, body):
        other = np.roll(body, 30, axis=2) * (body == 0)
        (line,) = told(kept_on(body, [2, 10, 18]) + 2 * kept_on(other, [6, 14])).sentences
        assert line.startswith("understood: class 1 on 3 planes, class 2 on 2 others (--complete")

    @pytest.mark.parametrize("single", [8, 9, 11])
    def test_a_structure_on_one_plane_between_those_of_another(self, body, single):
        other = np.roll(body, 30, axis=2) * (body == 0)
        annotation = told(kept_on(body, [4, 16]) + 2 * kept_on(other, [single])).annotation
        assert annotation.complete_planes_of(1) == [4, 16]
        assert annotation.complete_planes_of(2) == [single]

    @pytest.mark.parametrize("extra", [[7], [9], [14]])
    def test_one_hole_among_many_common_planes_counts_as_absent_and_is_noted(self, body, extra):
        other = np.roll(body, 30, axis=2) * (body == 0)
        common = [2, 4, 6, 8, 10, 12, 15, 16, 18, 20]
        labels = kept_on(body, sorted({*common, *extra})) + 2 * kept_on(other, common)
        result = told(labels)
        assert extra[0] in result.annotation.complete_planes_of(2)
        assert result.absent == ((2, extra[0]),)
        assert f"class 2 has no voxel on plane {extra[0]}" in result.sentences[0]

    @pytest.mark.parametrize("gap", [[8, 9, 10], [8, 10, 12], [9, 11, 13]])
    def test_a_structure_that_was_left_out_on_several_planes_was_not_painted_there(self, body, gap):
        other = np.roll(body, 30, axis=2) * (body == 0)
        common = [plane for plane in range(2, 22, 2) if plane not in gap]
        labels = kept_on(body, sorted({*common, *gap})) + 2 * kept_on(other, common)
        assert told(labels).annotation.complete_planes_of(2) == common

    def test_a_structure_that_ends_is_absent_beyond(self, body):
        short = ellipsoid((8, 40, 55), (5, 6, 7)) * (body == 0)
        labels = kept_on(body, list(range(2, 22, 3))) + 2 * kept_on(short, list(range(2, 22, 3)))
        assert told(labels).annotation.complete_planes_of(2) == list(range(2, 22, 3))

    def test_of_pieces_that_do_not_overlap_a_plane_between_holds_none(self):
        large = ellipsoid((12, 15, 20), (11, 10, 14))
        pieces = ellipsoid((4, 35, 20), (3, 6, 6)) + ellipsoid((18, 35, 50), (3, 6, 6))
        labels = kept_on(large, [4, 11, 18]) + 2 * kept_on(pieces, [4, 11, 18])
        result = told(labels)
        assert result.annotation.complete_planes_of(2) == [4, 11, 18]
        assert result.sentences == (
            "note: class 2 has no voxel on plane 11 between planes that show it: it counts as absent there; "
            "if it was not painted there, name its planes with --complete",
        )


class TestSlivers:
    @pytest.mark.parametrize("reach", [1, 2, 3])
    def test_what_a_sphere_brush_left_beside_painted_planes(self, body, reach):
        labels = kept_on(body, PAINTED)
        y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
        for plane in PAINTED:
            for step in range(1, reach + 1):
                dab = (y - 23) ** 2 + (x - 31) ** 2 <= 12 - step**2
                for other in (plane - step, plane + step):
                    labels[other] = body[other] * dab
        annotation = told(labels).annotation
        assert annotation.painted_planes == PAINTED
        assert np.array_equal(annotation.labels, labels), "its voxels stay"
        assert annotation.known[labels > 0].all()

    @pytest.mark.parametrize("column", [22, 31, 36])
    def test_a_stroke_in_another_view(self, body, column):
        labels = kept_on(body, PAINTED)
        labels[:, 20:26, column] = body[:, 20:26, column]
        assert told(labels).annotation.painted_planes == PAINTED

    @pytest.mark.parametrize("radius", [4, 5, 6])
    def test_a_large_sphere_brush_with_which_all_was_painted(self, radius):
        outline = ellipsoid((1, 30, 30), (2, 15, 20), (3, 60, 60))[1]
        labels = np.zeros((40, 60, 60), np.uint8)
        from scipy import ndimage

        for plane in (8, 20, 32):
            labels[plane] = outline
            for step in range(1, radius):
                eroded = ndimage.distance_transform_edt(outline) > radius - np.sqrt(radius**2 - step**2)
                labels[[plane - step, plane + step]] = eroded
        assert told(labels).annotation.painted_planes == [8, 20, 32]

    def test_a_stray_dab_between_painted_planes(self, body):
        labels = kept_on(body, [8, 11, 14])
        labels[10, 2:4, 2:4] = 1
        assert told(labels).annotation.painted_planes == [8, 11, 14]

    def test_planes_that_taper_are_none(self, body):
        everything = kept_on(body, list(range(24)))
        assert told(everything).annotation.painted_planes == np.flatnonzero(body.any(axis=(1, 2))).tolist()

    def test_they_are_named(self, body):
        labels = kept_on(body, PAINTED)
        labels[[5, 11], 22:25, 30:33] = 1
        (line,) = told(labels).sentences
        assert "slivers of class 1 on planes 5, 11 do not count as painted" in line


class TestPlanesOfOtherAxes:
    @pytest.mark.parametrize("axis", [1, 2])
    @pytest.mark.parametrize("one", [20, 25])
    def test_a_complete_one_is_known_whole(self, body, axis, one):
        labels = kept_on(body, PAINTED)
        np.moveaxis(labels, axis, 0)[one] = np.moveaxis(body, axis, 0)[one]
        result = told(labels, axes=("k", "j", "i"))
        assert result.annotation.painted_along == {axis: (one,)}
        assert np.moveaxis(result.annotation.known, axis, 0)[one].all()
        assert result.annotation.painted_planes == PAINTED
        assert f"along {'kji'[axis]}, plane {one} painted completely" in result.sentences[0]

    def test_a_stroke_is_none(self, body):
        labels = kept_on(body, PAINTED)
        labels[:, 23, 25:36] = body[:, 23, 25:36]
        assert crossing_planes(labels) == {}

    def test_nor_is_one_that_lacks_a_structure(self, body):
        both = body + (2 - body) * ellipsoid((12, 23, 31), (11, 8, 9))
        labels = kept_on(both, PAINTED)
        labels[:, 23] = np.where(both[:, 23] == 1, 1, labels[:, 23])
        assert crossing_planes(labels) == {}

    def test_it_can_be_said(self, body):
        labels = kept_on(body, PAINTED)
        labels[2:22, 23, 25:36] = body[2:22, 23, 25:36]
        assert told(labels, along={1: [23]}).annotation.painted_along == {1: (23,)}


class TestWhatWasSaid:
    def test_exactly_these_planes_of_a_structure(self, body):
        other = np.roll(body, 30, axis=2) * (body == 0)
        labels = kept_on(body, PAINTED) + 2 * kept_on(other, PAINTED)
        annotation = told(labels, complete={2: [4, 20]}).annotation
        assert annotation.complete_planes_of(1) == PAINTED
        assert annotation.complete_planes_of(2) == [4, 20]
        assert not annotation.known[12].all()

    def test_planes_that_hold_none_of_a_structure(self, body):
        other = np.roll(body, 30, axis=2) * (body == 0)
        labels = kept_on(body, [2, 10, 18]) + 2 * kept_on(other, [6, 14])
        assert told(labels, empty_of={2: [2]}).annotation.complete_planes_of(2) == [2, 6, 14]

    def test_but_do(self, body):
        with pytest.raises(InputError, match="plane 4 is said to hold no class 1 but does"):
            told(kept_on(body, PAINTED), empty_of={1: [4]})

    def test_labels_that_contradict_it_are_noted_and_nothing_else_changes(self, body):
        labels = kept_on(body, PAINTED)
        labels[[5, 11], 22:25, 30:33] = 1
        result = told(labels, tell=False)
        assert result.annotation.painted_planes == [4, 5, 11, 12, 20]
        assert "class 1 holds far less on planes 5, 11" in result.sentences[0]

    @pytest.mark.parametrize("structure", ["liver", "7", "segment_1"])
    def test_structures_go_by_name_value_or_id(self, body, structure):
        liver = LabelClass(7, "liver", details={"ID": "segment_1"})
        file = LabelFile(7 * kept_on(body, PAINTED), (liver,))
        volume = Volume.from_array(np.zeros(SHAPE))
        said = Said(complete=((structure, (4, 12)),))
        assert understand(said, volume, file)[1].annotation.painted_planes == [4, 12]

    def test_structures_that_the_file_names_and_no_label_shows_are_told(self, body):
        classes = tuple(LabelClass(number, name) for number, name in enumerate(("body", "gland", "duct"), 1))
        file, volume = LabelFile(kept_on(body, PAINTED), classes), Volume.from_array(np.zeros(SHAPE))
        ranged = Said(range_of=(("gland", (6, 9)), ("duct", (3, 5))))
        told = [understand(one, volume, file, ends_painted=False)[1].sentences for one in (Said(), ranged)]
        # Where a range is, a suggestion says on which plane it is to be painted.
        assert told == [("note: on no painted plane: gland, duct",), ()]

    def test_columns_of_a_table(self):
        assert named_planes("liver:12,20; spleen:3", lambda text: map(int, text.split(","))) == (
            ("liver", (12, 20)),
            ("spleen", (3,)),
        )
        with pytest.raises(ValueError, match="names no structure"):
            named_planes("12,20", str)


class TestAxis:
    @pytest.mark.parametrize("axis", "ijk")
    @pytest.mark.parametrize("planes", [[4, 12, 20], [4, 5, 19], [10]])
    def test_it_is_that_of_planes_with_gaps_whatever_the_spacing(self, body, axis, planes):
        volume = Volume.from_array(np.zeros(SHAPE), (1, 3, 1)).along("j")
        labels = np.moveaxis(kept_on(body, planes), 0, 2 - "ijk".index(axis))
        volume = Volume.from_array(np.zeros(labels.shape), (1, 3, 1)).along("j")
        assert painted_axis(volume.to_planes(labels), volume) == axis

    @pytest.mark.parametrize("axis", "ijk")
    @pytest.mark.parametrize("planes", [[9, 10, 11, 12], [6, 7, 8, 9, 10, 11, 12], [12, 13]])
    def test_it_is_that_along_which_a_block_is_cut_off(self, body, axis, planes):
        labels = np.moveaxis(kept_on(body, planes), 0, 2 - "ijk".index(axis))
        volume = Volume.from_array(np.zeros(labels.shape), (1, 3, 1)).along("j")
        assert painted_axis(volume.to_planes(labels), volume) == axis

    def test_labels_of_all_planes_leave_it_to_the_spacing(self, body):
        volume = Volume.from_array(np.zeros(SHAPE), (1, 3, 1)).along("j")
        assert painted_axis(volume.to_planes(body), volume) == "j"

    def test_one_that_was_given_stays(self, body):
        volume = Volume.from_array(np.zeros(SHAPE), (1, 3, 1)).along("j")
        file = LabelFile(volume.to_planes(kept_on(body, PAINTED)), (LabelClass(1, "body"),))
        assert understand(Said(), volume, file, axis="j")[0].axis == "j"
        turned, result = understand(Said(), volume, file)
        assert (turned.axis, result.annotation.painted_planes) == ("k", PAINTED)
        assert "the labels lie on planes along axis k" in result.sentences[0]


REAL = sorted(path.name for path in (Path(__file__).resolve().parents[3] / "shared" / "data").glob("*/"))


@pytest.mark.parametrize("name", [one for one in REAL if one.startswith(("MSD", "PROMISE", "CHAOS", "BRATS", "ACDC"))])
@pytest.mark.parametrize("step", [1, 2, 5])
def test_nothing_is_told_apart_on_common_planes_of_real_volumes(real_data, name, step):
    import SimpleITK as sitk  # noqa: N813

    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(real_data / name / "label.nii.gz"))).astype(np.uint8)
    plain = SparseAnnotation.from_painted_planes(kept_on(labels, list(range(0, len(labels), step))))
    assert np.array_equal(understood(plain).annotation.complete, plain.complete)


class TestTheExpert:
    def test_paints_structures_on_planes_of_their_own(self, body):
        other = np.roll(body, 30, axis=2) * (body == 0)
        expert = SimulatedExpert(body + 2 * other)
        annotation = expert.paint_structures({1: [2, 10, 18], 2: [6, 14]})
        assert annotation.complete_planes_of(2) == [6, 14]
        assert not (annotation.labels[10] == 2).any()
        assert not annotation.known[10].all()

    def test_evenly_in_the_range_of_each(self):
        labels = np.zeros((12, 2, 2), np.uint8)
        labels[:, 0], labels[3:5, 1], labels[6:12, 1] = 1, 2, 3
        assert SimulatedExpert(labels).own_planes(3) == {1: [2, 6, 10], 2: [3, 4], 3: [7, 9, 11]}

    def test_along_another_axis(self, body):
        expert = SimulatedExpert(body)
        annotation = expert.paint_along(expert.paint(PAINTED), 1, [23])
        assert annotation.known[:, 23].all()
        assert np.array_equal(annotation.labels[:, 23], body[:, 23])
