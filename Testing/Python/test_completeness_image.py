"""Where a structure has no voxel between planes that show it, the image tells whether it is absent or was left out."""

import numpy as np
import pytest
from SparseAnnotateLib import SparseAnnotation
from SparseAnnotateLib.completeness import understood
from test_completeness import ellipsoid, kept_on

SHAPE = (21, 40, 64)
ORGAN = ellipsoid((10, 20, 32), (10, 17, 28), SHAPE)
TWO = ellipsoid((4.5, 20, 30), (3.4, 7, 9), SHAPE) | ellipsoid((15.5, 21, 31), (3.4, 7, 9), SHAPE)
ONE = ellipsoid((10, 20, 30), (8.5, 7, 9), SHAPE)


def scan(lesion, contrast=0.5):
    return ORGAN + contrast * lesion + np.random.default_rng(0).normal(0, 0.2, SHAPE)


def told(labels, image=None):
    return understood(SparseAnnotation.from_painted_planes(labels), image=image)


def organ_with(lesion):
    return (ORGAN + lesion).astype(np.uint8)


@pytest.mark.parametrize("contrast", [-0.5, 0.3, 0.5, 1])
@pytest.mark.parametrize("planes", [range(1, 21, 2), range(2, 19, 3), [4, 9, 10, 11, 16]])
class TestALesionInTwoPieces:
    def test_is_absent_between_them(self, planes, contrast):
        result = told(kept_on(organ_with(TWO), list(planes)), scan(TWO, contrast))
        assert result.annotation.complete_planes_of(2) == list(planes)

    def test_which_is_said_with_the_way_out(self, planes, contrast):
        line = told(kept_on(organ_with(TWO), list(planes)), scan(TWO, contrast)).sentences[-1]
        assert line.startswith("note: class 2 has no voxel on plane")
        assert "it counts as absent there; if it was not painted there, name its planes with --complete" in line


class TestALesionInOnePiece:
    @pytest.mark.parametrize("planes", [[4, 8, 12, 16], [3, 16], [5, 9, 15]])
    def test_was_not_painted_where_the_image_shows_it(self, planes):
        common = list(range(1, 20))
        labels = kept_on(ORGAN, common)
        labels[planes] += kept_on(ONE, planes)[planes]
        result = told(labels, scan(ONE))
        inside = [plane for plane in common if planes[0] < plane < planes[-1]]
        assert [plane for plane in result.annotation.complete_planes_of(2) if plane in inside] == planes[1:-1]

    def test_also_on_a_single_plane_among_many(self):
        labels = kept_on(organ_with(ONE), list(range(2, 19)))
        labels[9] = ORGAN[9]
        assert 9 not in told(labels, scan(ONE)).annotation.complete_planes_of(2)
        assert 9 in told(labels).annotation.complete_planes_of(2), "one hole alone counts as absent without an image"

    @pytest.mark.parametrize("image", [None, np.zeros(SHAPE)])
    def test_what_no_image_decides_is_said_with_the_way_out(self, image):
        labels = kept_on(ORGAN, list(range(1, 20)))
        labels[[4, 8, 12]] += kept_on(ONE, [4, 8, 12])[[4, 8, 12]]
        line = told(labels, image).sentences[-1]
        assert "it counts as not painted there; if there is none, say --empty-of" in line
        assert line.endswith("--empty-of 'class 2' 5,6,7,9,10,11")


def test_intensities_that_drift_from_plane_to_plane_decide_nothing():
    drift = np.arange(21)[:, None, None] * 0.02
    labels = kept_on(ORGAN, list(range(1, 20)))
    labels[[4, 8, 12, 16]] += kept_on(ONE, [4, 8, 12, 16])[[4, 8, 12, 16]]
    result = told(labels, scan(ONE) + drift)
    assert not {5, 6, 7, 9, 10, 11} & set(result.annotation.complete_planes_of(2))


class TestADabBeyondTheLastPlane:
    @staticmethod
    def labels(size):
        labels = kept_on(ORGAN, [4, 8, 12])
        labels[16, 20 : 20 + size, 30 : 30 + size] = 1
        return labels

    @pytest.mark.parametrize("size", [3, 4])
    def test_in_the_midst_of_the_structure_is_noted(self, size):
        result = told(self.labels(size), scan(ONE, 0))
        assert result.sentences[-1].startswith("note: plane 16 holds a few voxels only")
        assert result.sentences[-1].endswith("if it is a stray dab, erase it or say --partly 16")
        assert result.annotation.painted_planes == [4, 8, 12, 16]

    def test_is_not_where_the_plane_is_said_to_be_painted_in_part(self):
        annotation = SparseAnnotation.from_painted_planes(self.labels(3))
        assert understood(annotation, image=scan(ONE, 0), aside=[16]).sentences == ()

    def test_that_is_all_of_the_structure_is_not(self):
        image = scan(ONE, 0)
        image[16] -= ORGAN[16]
        image[16, 20:23, 30:33] += 1
        assert told(self.labels(3), image).sentences == ()


class TestStructuresOnBlocksOfTheirOwn:
    LEFT, RIGHT = ellipsoid((10, 20, 18), (9, 14, 10), SHAPE), ellipsoid((10, 20, 46), (9, 14, 10), SHAPE)

    def labels(self):
        return kept_on(self.LEFT, [3, 4, 5, 6]) + 2 * kept_on(self.RIGHT, [12, 13, 14])

    def test_it_is_noted_that_the_image_goes_on(self):
        image = self.LEFT + 2 * self.RIGHT + np.random.default_rng(0).normal(0, 0.2, SHAPE)
        (line,) = told(self.labels(), image).sentences
        assert line.startswith("note: class 2 has no voxel on plane 6, where the image looks as on its own planes")

    def test_nothing_where_it_ends(self):
        first, second = self.LEFT.copy(), self.RIGHT.copy()
        first[8:], second[:10] = 0, 0
        image = first + 2 * second + np.random.default_rng(0).normal(0, 0.2, SHAPE)
        assert told(self.labels(), image).sentences == ()


class TestScribblesAlone:
    @staticmethod
    def strokes():
        labels = np.zeros(SHAPE, np.uint8)
        labels[3:18, 19:22, 15:50] = ORGAN[3:18, 19:22, 15:50]
        return labels

    @pytest.mark.parametrize("image", [scan(ONE, 0), np.zeros(SHAPE)])
    def test_are_noted_with_the_way_out(self, image):
        result = told(self.strokes(), image)
        assert result.sentences == (
            "note: class 1 is at most 3 pixels thick on all planes, which count as painted completely; "
            "if these are scribbles, say --partly 3-17, and paint some planes completely",
        )
        assert result.annotation.painted_planes == list(range(3, 18)), "nothing else changes"

    def test_a_thin_structure_that_the_image_shows_is_none(self):
        assert told(self.strokes(), scan(ONE, 0) * 0.1 + self.strokes()).sentences == ()

    def test_nor_one_that_is_thick_on_a_single_plane(self):
        labels = self.strokes()
        labels[9, 18:24] = labels[9, 19]
        assert not any("scribbles" in line for line in told(labels, scan(ONE, 0)).sentences)

    def test_nor_one_whose_planes_were_said(self):
        annotation = SparseAnnotation.from_painted_planes(self.strokes())
        assert understood(annotation, complete={1: range(3, 18)}, image=scan(ONE, 0)).sentences == ()
        assert understood(annotation, aside=range(3, 18), image=scan(ONE, 0)).sentences == ()
