"""DICOM as other programs write it: dcmqi, pydicom-seg, rt-utils; a disc with its table of contents; cut frames."""

import itertools

import cv2
import numpy as np
import pytest
from dicom_files import save, segmentation, write_enhanced, write_series, write_structure_set
from image_files import ramp
from SparseAnnotateLib import InputError
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.io import read_image, read_labels, refuse_overwriting, write_labels

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

SCAN = ramp((9, 12, 14))
SPACING, ORIGIN = (0.5, 0.75, 2.5), (-12.5, 30.0, 7.5)


@pytest.fixture
def scan(tmp_path):
    return write_series(tmp_path / "scan", SCAN)


def saved(folder, frames, masks, edit=None):
    """A SEG with a frame for every plane of `frames`; masks (planes, rows, columns, segments), also empty ones."""
    highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed")
    made = segmentation(highdicom, folder, masks, planes=list(frames), omit_empty_frames=False)
    if edit is not None:
        edit(made)
    made.save_as(folder.parent / "seg.dcm")
    return folder.parent / "seg.dcm"


def on_planes(*planes, segments=1):
    masks = np.zeros((*SCAN.shape, segments), np.uint8)
    masks[list(planes), 3:7, 4:9] = 1
    return masks


class TestFramesFromAFirstToALastPlane:
    """dcmqi writes a frame for every plane between the first and the last that hold a segment, empty ones too."""

    @pytest.mark.parametrize(
        ("frames", "held"), [((1, 8), (1, 4, 7)), ((2, 7), (2, 6)), ((0, 8), (0, 7)), ((3, 9), (3, 5, 8))]
    )
    def test_those_that_hold_labels_are_painted_and_that_is_told(self, scan, caplog, frames, held):
        path = saved(scan, range(*frames), on_planes(*held))
        annotation = read_labels(path, read_image(scan, "k")).to_annotation()
        assert annotation.complete_planes_of(1) == list(held)
        assert "empty ones between: those that hold labels count (of structure 1)" in caplog.text

    @pytest.mark.parametrize("held", [(2, 3, 4), (5,)])
    def test_without_empty_ones_between_nothing_is_told(self, scan, caplog, held):
        path = saved(scan, held, on_planes(*held))
        assert read_labels(path, read_image(scan, "k")).to_annotation().complete_planes_of(1) == list(held)
        assert not caplog.records

    @pytest.mark.parametrize(("frames", "held"), [((1, 4, 5, 8), (1, 5, 8)), ((2, 3, 4), (2, 3)), ((0, 4, 8), (0, 8))])
    def test_frames_that_were_chosen_are_painted_empty_ones_too(self, scan, frames, held):
        path = saved(scan, frames, on_planes(*held))
        assert read_labels(path, read_image(scan, "k")).to_annotation().complete_planes_of(1) == list(frames)

    def test_each_structure_has_its_own(self, scan, caplog):
        masks = on_planes(1, 6, segments=2)
        masks[..., 1] = 0
        masks[1:7, 9:11, 2:5, 1] = 1
        annotation = read_labels(saved(scan, range(1, 7), masks), read_image(scan, "k")).to_annotation()
        assert [annotation.complete_planes_of(number) for number in (1, 2)] == [[1, 6], [1, 2, 3, 4, 5, 6]]
        assert "(of structure 1)" in caplog.text


class TestAFrameOfReferenceOfItsOwn:
    """pydicom-seg makes a new one up, and refers to the scan's series."""

    def test_what_refers_to_the_scans_series_is_read(self, scan):
        path = saved(scan, (2, 5), on_planes(2, 5), lambda seg: setattr(seg, "FrameOfReferenceUID", "1.2.77"))
        assert read_labels(path, read_image(scan, "k")).to_annotation().complete_planes_of(1) == [2, 5]

    @pytest.mark.parametrize("series", ["1.2.3.4.5", None])
    def test_what_refers_to_none_or_another_is_refused(self, scan, series):
        def edit(seg):
            seg.FrameOfReferenceUID = "1.2.77"
            if series is None:
                del seg.ReferencedSeriesSequence
            else:
                seg.ReferencedSeriesSequence[0].SeriesInstanceUID = series

        path = saved(scan, (2, 5), on_planes(2, 5), edit)
        with pytest.raises(InputError, match="drawn on another scan"):
            read_labels(path, read_image(scan, "k"))


def traced(mask, plane):
    """Contours of a mask, in mm, through the centres of its pixels; those of holes through the pixels around them."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    points = [np.column_stack([one.reshape(-1, 2), np.full(len(one), plane)]) for one in found]
    return [np.array(ORIGIN) + one * SPACING for one in points]


def hole_of(rows, columns):
    mask = np.zeros(SCAN.shape[1:], bool)
    mask[1:11, 1:13] = True
    mask[rows[0] : rows[1], columns[0] : columns[1]] = False
    return mask


CROSS = hole_of((5, 6), (4, 9)) & hole_of((3, 8), (6, 7))
ISLAND = hole_of((3, 9), (3, 11))
ISLAND[5:7, 5:9] = True
TWO = hole_of((2, 4), (2, 5)) & hole_of((6, 9), (7, 11))


@pytest.mark.parametrize(
    "mask", [hole_of((5, 6), (6, 7)), hole_of((4, 7), (4, 9)), CROSS, ISLAND, TWO], ids=itertools.count
)
def test_traced_masks_come_back_with_their_holes(tmp_path, scan, mask):
    """As rt-utils writes them and reads them back."""
    contours = [*traced(mask, 2), *traced(mask, 6)]
    labels = read_labels(write_structure_set(tmp_path / "RS.dcm", {"a": contours}), read_image(scan, "k")).labels
    assert np.array_equal(labels[2] == 1, mask)
    assert np.array_equal(labels[6] == 1, mask)


class TestADisc:
    """A DICOMDIR in its root, the slices in folders below."""

    @pytest.fixture
    def disc(self, tmp_path, scan):
        from pydicom.fileset import FileSet

        files = FileSet()
        for file in sorted(scan.iterdir()):
            dataset = pydicom.dcmread(file)
            dataset.InstanceNumber = int(dataset.InstanceNumber)
            files.add(dataset)
        files.write(tmp_path / "disc")
        return tmp_path / "disc"

    @pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", "DICOMDIR.DCM"])
    def test_it_is_searched(self, disc, name):
        (disc / "DICOMDIR").rename(disc / name)
        assert np.array_equal(read_image(disc, "k").intensities, SCAN)

    def test_its_table_of_contents_points_to_its_folder(self, disc):
        with pytest.raises(InputError, match=r"DICOMDIR is the table of contents of a disc: give the folder"):
            read_image(disc / "DICOMDIR")

    def test_its_slices_are_not_overwritten(self, disc):
        one = next(file for file in sorted(disc.rglob("*")) if file.is_file() and file.name != "DICOMDIR")
        with pytest.raises(InputError, match="must not be lost"):
            refuse_overwriting({"-o": one}, {"IMAGE": disc})
        refuse_overwriting({"-o": disc.parent / "out.dcm"}, {"IMAGE": disc})

    def test_on_the_command_line(self, disc, capsys):
        assert main(["suggest", str(disc), "--count", "2", "--selector", "keep-n"]) == 0
        assert main(["suggest", str(disc / "DICOMDIR"), "--count", "2"]) == 2
        assert "give the folder that it lies in" in capsys.readouterr().err


@pytest.mark.parametrize("lacks", [2, 100, 9 * 12 * 14])
def test_frames_with_too_few_pixels_are_refused(tmp_path, lacks):
    dataset = pydicom.dcmread(write_enhanced(tmp_path / "ct.dcm", SCAN))
    dataset.PixelData = dataset.PixelData[:-lacks]
    save(tmp_path / "ct.dcm", dataset)
    with pytest.raises(InputError, match=r"ct\.dcm is truncated \(it has fewer pixels than it says\)"):
        read_image(tmp_path / "ct.dcm")


@pytest.mark.parametrize(
    ("name", "written"),
    [("left\\right", "left/right"), ("a\nb\x1b[31m", "a b [31m"), ("\\", "/"), ("x" * 70, "x" * 64)],
)
def test_a_name_is_written_as_one_value(tmp_path, scan, caplog, name, written):
    pytest.importorskip("highdicom", reason="highdicom is not installed")
    volume = read_image(scan, "k")
    write_labels(tmp_path / "out.dcm", on_planes(2, 5)[..., 0], volume, (LabelClass(1, name),))
    assert any(f"{name} is called {written} there" in message for message in caplog.messages)
    assert pydicom.dcmread(tmp_path / "out.dcm").SegmentSequence[0].SegmentLabel == written
    assert read_labels(tmp_path / "out.dcm", volume).classes[0].name == written


@pytest.mark.parametrize("name", ["left\\right", "a\\b\\c", "C:\\liver"])
def test_a_name_with_a_backslash_is_read_as_it_is(tmp_path, scan, name):
    points = np.array(ORIGIN) + np.array([(2, 2, 3), (8, 2, 3), (8, 8, 3), (2, 8, 3)]) * SPACING
    path = write_structure_set(tmp_path / "RS.dcm", {name: [points]})
    assert read_labels(path, read_image(scan, "k")).classes[0].name == name
