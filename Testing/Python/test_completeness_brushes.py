"""What large brushes, wrong axes and single planes leave: nothing of it is taken for painted, and it is said."""

import numpy as np
import pytest
from SparseAnnotateLib import InputError, SparseAnnotation
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.commands._arguments import planes_from
from SparseAnnotateLib.completeness import Said, understand, understood
from SparseAnnotateLib.completeness.crossing import crossing_planes
from SparseAnnotateLib.io.labels import LabelFile
from SparseAnnotateLib.volume import Volume
from test_completeness import ellipsoid, kept_on

SHAPE = (20, 40, 64)


@pytest.fixture
def body():
    return ellipsoid((10, 20, 31), (9.5, 15, 20), SHAPE)


def dabbed(body, planes, reach, radius, places):
    """Painted planes, and on each the dabs of a sphere brush that reaches others."""
    labels = kept_on(body, list(planes))
    for plane in planes:
        for row, column in places:
            labels |= ellipsoid((plane, row, column), (reach, radius, radius), SHAPE) & body
    labels[list(planes)] = body[list(planes)]
    return labels


def complete_planes(labels):
    return understood(SparseAnnotation.from_painted_planes(labels)).annotation.complete_planes_of(1)


class TestLargeBrushes:
    @pytest.mark.parametrize(
        ("reach", "radius", "column", "planes"),
        [(2.5, 9, 40, (2, 10, 18)), (3.5, 8, 31, (3, 10, 17)), (2, 10, 28, (4, 9, 14)), (5, 7, 38, (4, 14))],
    )
    def test_one_dab_that_covers_a_third_of_a_plane(self, body, reach, radius, column, planes):
        labels = dabbed(body, planes, reach, radius, [(20, column)])
        assert complete_planes(labels) == list(planes)

    @pytest.mark.parametrize("planes", [(2, 10, 18), (4, 10, 16)])
    def test_dabs_along_the_outline_leave_a_ring(self, body, planes):
        turns = np.linspace(0, 2 * np.pi, 20)
        rim = [(20 + 8 * np.sin(turn), 31 + 12 * np.cos(turn)) for turn in turns]
        labels = dabbed(body, [10], 4, 4, rim) | kept_on(body, list(planes))
        assert complete_planes(labels) == list(planes)

    @pytest.mark.parametrize(
        ("reach", "radius", "planes"),
        [(4, 12, (2, 10, 18)), (3, 12, (3, 8, 13, 17)), (2, 12, (2, 6, 10, 14, 18)), (5, 5, (2, 10, 18))],
    )
    def test_a_brush_as_large_as_the_first_and_the_last_outline(self, body, reach, radius, planes):
        labels = kept_on(body, list(planes))
        rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
        for plane in planes:
            for step in range(1, reach):
                disc = (rows - 20) ** 2 + (columns - 31) ** 2 <= radius**2 * (1 - (step / reach) ** 2)
                for other in {max(0, plane - step), min(SHAPE[0] - 1, plane + step)} - set(planes):
                    labels[other] |= disc.astype(np.uint8)
        assert complete_planes(labels) == list(planes)

    @pytest.mark.parametrize("planes", [(2, 9, 10, 11, 18), (3, 4, 5, 9, 10, 11, 15, 16, 17), (8, 9, 10, 11, 12)])
    def test_neighbouring_planes_that_were_painted_are_none(self, body, planes):
        assert complete_planes(kept_on(body, list(planes))) == list(planes)

    @pytest.mark.parametrize("plane", [4, 10, 14])
    @pytest.mark.parametrize("width", [1, 3])
    def test_a_stroke_through_all_planes_beside_the_only_one_that_was_painted(self, body, plane, width):
        labels = kept_on(body, [plane])
        labels[:, 20 : 20 + width, 31] = body[:, 20 : 20 + width, 31]
        assert complete_planes(labels) == [plane]

    def test_a_small_ball_on_all_its_planes_is_none(self):
        ball = ellipsoid((10, 20, 31), (2.5, 8, 8), SHAPE)
        assert complete_planes(ball) == [8, 9, 10, 11, 12]


class TestOnePlaneOfEachAxis:
    @pytest.mark.parametrize(("plane", "row", "column"), [(10, 20, 31), (7, 14, 24), (12, 25, 40)])
    def test_those_of_the_other_axes_are_found(self, body, plane, row, column):
        labels = kept_on(body, [plane])
        labels[:, row], labels[:, :, column] = body[:, row], body[:, :, column]
        assert crossing_planes(labels) == {1: (row,), 2: (column,)}

    @pytest.mark.parametrize("row", [16, 20, 25])
    def test_a_structure_that_only_such_a_plane_shows_is_complete_on_none(self, body, row):
        other = ellipsoid((10, 20, 56), (9, 14, 6), SHAPE) * (body == 0)
        labels = kept_on(body, [4, 9, 14])
        labels[:, row] = np.where(other[:, row] > 0, 2, labels[:, row])
        result = understood(SparseAnnotation.from_painted_planes(labels))
        assert result.annotation.complete_planes_of(2) == []
        assert result.annotation.painted_planes == [4, 9, 14]
        assert "class 2 on no plane; slivers of class 2 on" in result.sentences[0]

    @pytest.mark.parametrize("column", [20, 31, 44])
    def test_a_line_through_all_planes_is_none(self, body, column):
        labels = kept_on(body, [10])
        labels[:, 20, column] = body[:, 20, column]
        assert crossing_planes(labels) == {}


class TestWhatIsSaid:
    @staticmethod
    def understood_along(axis, labels, **said):
        volume = Volume.from_array(np.zeros(labels.shape, np.int16), (1, 1, 1))
        file = LabelFile(labels, (LabelClass(1, "liver"),))
        return understand(Said(**said), volume, file, axis=axis)[1].sentences

    @pytest.mark.parametrize("turn", [(1, 0, 2), (2, 1, 0)])
    def test_an_axis_that_was_given_though_the_labels_lie_along_another(self, body, turn):
        labels = np.ascontiguousarray(kept_on(body, [3, 8, 13]).transpose(turn))
        (sentence, *_) = self.understood_along("k", labels)
        assert sentence.startswith("warning: the labels lie on planes along axis ")
        assert sentence.endswith("not along k: leave --axis out")

    @pytest.mark.parametrize(("painted", "left"), [((3, 8), "plane 13"), ((8,), "planes 3, 13"), ((3, 13), "plane 8")])
    def test_labels_that_are_not_used(self, body, painted, left):
        sentences = self.understood_along("k", kept_on(body, [3, 8, 13]), painted=painted)
        assert sentences == (f"note: labels on {left} are not used, as --painted does not name them",)

    def test_a_plane_that_is_named_but_holds_no_label(self, body):
        labels = kept_on(body, [3, 8, 13])
        empty = "note: plane 7, named by --painted, without labels: taken to be empty"
        unused = "note: labels on plane 8 are not used, as --painted does not name them"
        assert self.understood_along("k", labels, painted=(3, 7, 13)) == (empty, unused)
        assert self.understood_along("k", labels, painted=(3, 7, 8, 13), empty=(7,)) == ()

    @pytest.mark.parametrize(
        ("slices", "blank"), [((3, 7, 8, 13), "plane 7"), ((2, 3, 5, 8, 10, 13, 16), "planes 5, 10")]
    )
    def test_blank_slices_between_others_in_a_folder_with_some(self, body, slices, blank):
        volume = Volume.from_array(np.zeros(body.shape, np.int16), (1, 1, 1))
        painted = np.isin(np.arange(len(body)), slices)[:, None]
        file = LabelFile(kept_on(body, [3, 8, 13]), (LabelClass(1, "liver"),), painted)
        note = f"note: blank slices on {blank} are taken to be empty: remove them if they were not painted"
        assert note in understand(Said(), volume, file)[1].sentences
        assert note not in understand(Said(empty=(5, 7, 10)), volume, file)[1].sentences

    def test_planes_without_a_structure_that_are_said_to_be_complete_for_it(self, body):
        note = "note: --complete names planes 7, 9, without liver: it is taken to be absent there"
        labels = kept_on(body, [3, 8, 13])
        assert note in self.understood_along("k", labels, complete=(("liver", (3, 7, 8, 9, 13)),))
        assert not self.understood_along("k", labels, complete=(("liver", (3, 8, 13)),))

    def test_planes_painted_in_part_that_do_not_exist(self, body):
        with pytest.raises(InputError, match="partly painted plane 99 does not exist: planes are numbered 0 to"):
            self.understood_along("k", kept_on(body, [3, 8]), partly=(99,))

    def test_nothing_where_all_are_named(self, body):
        assert self.understood_along("k", kept_on(body, [3, 8, 13]), painted=(3, 8), partly=(13,)) == ()

    @pytest.mark.parametrize("text", ["3,17,29", "3 17 29", "3, 17 29", " 3 ,17,29 "])
    def test_planes_with_commas_or_blanks(self, text):
        assert planes_from(text) == [3, 17, 29]

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ({"painted": (3, 8), "partly": (8,)}, "plane 8 is named by --painted and by --partly"),
            ({"empty": (5,), "partly": (5, 6)}, "plane 5 is named by --empty and by --partly"),
            (
                {"complete": (("liver", (3, 8)),), "partly": (3,)},
                "plane 3 is named by --complete liver and",
            ),
            ({"complete": (("1", ()),)}, "--complete 1 names no plane: write --complete 1 12,20"),
            ({"empty_of": (("liver", ()),)}, "--empty-of liver names no plane"),
            ({"painted_along": (("j", (99,)),)}, "plane 99 does not exist: along j they are numbered 0 to 39"),
            ({"painted_along": (("j", (20,)),)}, "plane 20 along j is said to be painted, but holds nothing between"),
            ({"painted_along": (("i", (5, 30)),)}, "plane 30 along i is said to be painted, but holds nothing between"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, body, said, sentence):
        with pytest.raises(InputError, match=sentence):
            self.understood_along("k", kept_on(body, [3, 8, 13]), **said)

    def test_a_plane_of_another_axis_that_misses_all_structures_is_believed(self, body):
        assert self.understood_along("k", kept_on(body, [3, 8, 13]), painted_along=(("j", (1,)),))
