"""Contours of RTSTRUCT that planning systems write: holes, doubles, overlaps, dots; and segments without a home."""

import copy

import numpy as np
import pydicom
import pytest
from dicom_files import save, write_series, write_structure_set
from image_files import ramp
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image, read_labels

SCAN = ramp((6, 7, 9))
SPACING, ORIGIN = (0.5, 0.75, 2.5), (-12.5, 30.0, 7.5)


def box(plane, rows, columns, edge=0.5):
    (top, bottom), (left, right) = ((low - edge, high + edge) for low, high in (rows, columns))
    return polygon(plane, (top, left), (top, right), (bottom, right), (bottom, left))


def polygon(plane, *corners):
    """A contour in mm through (row, column)."""
    return np.array(ORIGIN) + np.array([(column, row, plane) for row, column in corners]) * SPACING


def square(rows, columns):
    mask = np.zeros(SCAN.shape[1:], bool)
    mask[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
    return mask


@pytest.fixture
def volume(tmp_path):
    return read_image(write_series(tmp_path / "scan", SCAN), "k")


def read(tmp_path, volume, structures, edit=None, **options):
    path = write_structure_set(tmp_path / "RS.dcm", structures, **options)
    if edit is not None:
        dataset = pydicom.dcmread(path)
        edit(dataset)
        save(path, dataset)
    return read_labels(path, volume)


OUTER, HOLE = box(2, (0, 6), (0, 8)), box(2, (2, 4), (3, 5))


class TestSeveralOnOnePlane:
    @pytest.mark.parametrize("again", [OUTER, OUTER[::-1], OUTER[[1, 2, 3, 0]], box(2, (0, 6), (0, 8), edge=0.4)])
    def test_a_contour_that_is_there_twice_counts_once_and_is_told(self, tmp_path, volume, caplog, again):
        labels = read(tmp_path, volume, {"a": [OUTER, again]}).labels
        assert labels[2].all()
        assert "contours that are there twice count once (of a)" in caplog.text

    @pytest.mark.parametrize(
        ("one", "other"), [(((0, 3), (0, 5)), ((2, 6), (4, 8))), (((0, 4), (2, 4)), ((2, 3), (0, 8)))]
    )
    def test_contours_that_overlap_hold_what_either_does(self, tmp_path, volume, one, other):
        labels = read(tmp_path, volume, {"a": [box(2, *one), box(2, *other)]}).labels
        assert np.array_equal(labels[2] > 0, square(*one) | square(*other))
        labels = read(tmp_path, volume, {"a": [box(2, *one), box(2, *other)]}, kind="CLOSEDPLANAR_XOR").labels
        assert np.array_equal(labels[2] > 0, square(*one) ^ square(*other))

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_an_island_in_a_hole_is_found_in_any_order(self, tmp_path, volume, order):
        contours = [box(2, (0, 6), (0, 8)), box(2, (1, 5), (2, 6)), box(2, (3, 3), (4, 4))]
        labels = read(tmp_path, volume, {"a": [contours[number] for number in order]}).labels
        expected = square((0, 6), (0, 8)) & ~square((1, 5), (2, 6)) | square((3, 3), (4, 4))
        assert np.array_equal(labels[2] > 0, expected)

    def test_a_key_hole_is_a_hole(self, tmp_path, volume):
        corners = [(-0.5, -0.5), (-0.5, 8.5), (6.5, 8.5), (6.5, -0.5), (-0.5, -0.5)]
        corners += [(1.5, 2.5), (4.5, 2.5), (4.5, 5.5), (1.5, 5.5), (1.5, 2.5)]
        labels = read(tmp_path, volume, {"a": [polygon(2, *corners)]}).labels
        assert np.array_equal(labels[2] > 0, ~square((2, 4), (3, 5)))


class TestWhatPaintsNothing:
    @pytest.mark.parametrize("row", [1.2, 3.3])
    def test_a_contour_between_the_centres_is_told_and_paints_no_plane(self, tmp_path, volume, caplog, row):
        dot = polygon(4, (row, 1.2), (row, 1.4), (row + 0.2, 1.4))
        file = read(tmp_path, volume, {"a": [OUTER, dot]})
        assert np.flatnonzero(file.painted[:, 0]).tolist() == [2]
        assert "contours too small to hold the centre of a pixel paint nothing (of a)" in caplog.text
        with pytest.raises(InputError, match="its contours hold no pixel of the scan"):
            read(tmp_path, volume, {"a": [dot]})

    @pytest.mark.parametrize("corners", [[(1, 1), (1, 4), (1, 7)], [(1, 1), (3, 3), (5, 5), (2, 2)], [(2, 2)] * 4])
    def test_points_on_a_line_enclose_nothing(self, tmp_path, volume, corners):
        with pytest.raises(InputError, match="no closed contour"):
            read(tmp_path, volume, {"a": [polygon(2, *corners)]})


class TestTags:
    def test_a_contour_may_be_moved_off_its_points(self, tmp_path, volume):
        def moved(dataset):
            dataset.ROIContourSequence[0].ContourSequence[0].ContourOffsetVector = [0, 0, 2.5]

        assert np.flatnonzero(read(tmp_path, volume, {"a": [OUTER]}, moved).painted[:, 0]).tolist() == [3]

    @pytest.mark.parametrize("kind", ["closed_planar", " CLOSED_PLANAR"])
    def test_kinds_of_contours_in_other_letters(self, tmp_path, volume, kind):
        def spelt(dataset):
            dataset.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = kind

        assert read(tmp_path, volume, {"a": [OUTER]}, spelt).labels[2].all()

    def test_contours_of_one_structure_in_two_items_are_all_read(self, tmp_path, volume):
        def parted(dataset):
            dataset.ROIContourSequence.append(copy.deepcopy(dataset.ROIContourSequence[0]))
            del dataset.ROIContourSequence[0].ContourSequence[1]
            del dataset.ROIContourSequence[1].ContourSequence[0]

        file = read(tmp_path, volume, {"a": [OUTER, box(4, (1, 2), (1, 2))]}, parted)
        assert np.flatnonzero(file.painted[:, 0]).tolist() == [2, 4]

    def test_two_structures_of_one_number_are_refused(self, tmp_path, volume):
        def numbered(dataset):
            dataset.StructureSetROISequence[1].ROINumber = 1

        with pytest.raises(InputError, match=r"two of its structures have the number 1 \(a and b\)"):
            read(tmp_path, volume, {"a": [OUTER], "b": [HOLE]}, numbered)

    @pytest.mark.parametrize("name", ["Läsion", "Größe", "é"])
    @pytest.mark.parametrize("said", ["ISO_IR 192", "ISO_IR 100"])
    def test_names_in_another_character_set_than_the_file_says(self, tmp_path, volume, name, said):
        def described(dataset):
            dataset.SpecificCharacterSet = said

        read(tmp_path, volume, {"X" * len(name): [OUTER]}, described)
        path = tmp_path / "RS.dcm"
        path.write_bytes(path.read_bytes().replace(b"X" * len(name), name.encode("latin-1")))
        assert [one.name for one in read_labels(path, volume).classes] == [name]

    @pytest.mark.parametrize(
        ("name", "said", "encoding"),
        [
            ("肝臓", None, "utf-8"),
            ("Läsion", None, "utf-8"),
            ("Läsion", None, "latin-1"),
            ("печень", "ISO_IR 999", "utf-8"),
            ("肝脏", "GB18030", "gb18030"),
            ("Ã¼", "ISO_IR 100", "latin-1"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Unknown encoding")
    def test_names_of_which_the_file_says_no_character_set_are_utf_8_where_they_can_be(
        self, tmp_path, volume, name, said, encoding
    ):
        def described(dataset):
            if said:
                dataset.SpecificCharacterSet = said

        raw = name.encode(encoding)
        read(tmp_path, volume, {"X" * len(raw): [OUTER]}, described)
        path = tmp_path / "RS.dcm"
        path.write_bytes(path.read_bytes().replace(b"X" * len(raw), raw))
        assert [one.name for one in read_labels(path, volume).classes] == [name]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("coordinate", [0, 1, 2])
@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
def test_coordinates_that_are_no_numbers_are_refused_for_that_reason(tmp_path, volume, number, coordinate):
    def edit(dataset):
        contour = dataset.ROIContourSequence[0].ContourSequence[0]
        texts = [str(value) for value in contour.ContourData]
        texts[coordinate] = number
        contour.add_new("ContourData", "DS", texts)

    with pytest.raises(InputError, match="a contour's points have coordinates that are no numbers"):
        read(tmp_path, volume, {"A": [box(1, (1, 4), (2, 6))]}, edit)
