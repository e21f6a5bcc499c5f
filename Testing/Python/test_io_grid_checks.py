"""A header that places its voxels in two ways, or in none, is refused or said; ITK takes it without a word."""

import struct

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import ramp, write
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image, read_labels

ARRAY = ramp((6, 7, 8))
NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: 8 7 6\nendian: little\nencoding: raw\n{}\n"
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
    "{}DimSize = 8 7 6\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)


def nifti_with(path, array, *patches):
    """A NIfTI-1 file whose header is given (offset, format, numbers)."""
    raw = bytearray(write(path, array).read_bytes())
    for offset, kind, *numbers in patches:
        struct.pack_into("<" + kind, raw, offset, *numbers)
    path.write_bytes(bytes(raw))
    return path


def text_with(path, header, line):
    path.write_bytes(header.format(line).encode() + ARRAY.astype("<i2").tobytes())
    return path


class TestNifti:
    @pytest.mark.parametrize("size", [0.0, 5.0, 1e-8, float("nan"), float("inf")])
    def test_two_sizes_of_a_voxel_are_refused(self, tmp_path, size):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (88, "f", size))
        with pytest.raises(InputError, match=r"two sizes of a voxel, .* \(pixdim\) and 0.7, 0.333333, 3.1 \(sform\)"):
            read_image(path)

    @pytest.mark.parametrize(("axis", "size"), [(0, 0), (1, -1), (2, 0)])
    def test_no_voxels_are_refused(self, tmp_path, axis, size):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (42 + 2 * axis, "h", size))
        with pytest.raises(InputError, match=rf"says that it holds .*{size}.* voxels, none: get a fresh copy"):
            read_image(path)

    def test_a_negative_size_is_the_same_size(self, tmp_path):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (88, "f", -3.1))
        assert read_image(path, "k").geometry.spacing_mm == pytest.approx((0.7, 1 / 3, 3.1))

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_a_negative_size_is_said_for_other_programs_ignore_its_sign(self, tmp_path, axis, caplog):
        read_image(nifti_with(tmp_path / "scan.nii", ARRAY, (80 + 4 * axis, "f", -(0.7, 1 / 3, 3.1)[axis])), "k")
        assert f"{'ijk'[axis]} counts as turned round, as in Slicer; others ignore the sign" in caplog.text

    def test_an_sform_onto_a_template_may_scale(self, tmp_path):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (252, "hh", 1, 4), (280, "f", 9.0))
        assert read_image(path, "k").geometry.spacing_mm == pytest.approx((0.7, 1 / 3, 3.1))

    @pytest.mark.parametrize("size", [0.0, float("nan"), float("inf")])
    def test_no_size_at_all_is_said(self, tmp_path, caplog, size):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (252, "hh", 0, 0), (88, "f", size))
        assert read_image(path, "k").geometry.spacing_mm[2] == 1
        assert "does not say how large a voxel is along k: 1 mm is assumed" in caplog.text

    @pytest.mark.parametrize("start", [0, 348, 351])
    def test_voxels_inside_the_header_are_refused(self, tmp_path, start):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (108, "f", start))
        with pytest.raises(InputError, match=f"begin at byte {start}, inside its header"):
            read_image(path)

    @pytest.mark.parametrize("slope", [0.0, float("nan"), float("inf")])
    def test_an_intercept_without_a_slope_does_not_count(self, tmp_path, slope):
        labels = (ARRAY % 3).astype(np.uint8)
        image = write(tmp_path / "scan.nii", ARRAY)
        path = nifti_with(tmp_path / "labels.nii", labels, (112, "ff", slope, 5.0))
        assert np.array_equal(read_labels(path, read_image(image, "k")).labels, labels)
        path = nifti_with(tmp_path / "other.nii", ARRAY, (112, "ff", slope, 5.0))
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)

    def test_too_few_bits_in_the_header_hide_no_truncation(self, tmp_path):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (72, "h", 8))
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(InputError, match="truncated"):
            read_image(path)

    def test_an_sform_of_nan_is_refused(self, tmp_path):
        path = nifti_with(tmp_path / "scan.nii", ARRAY, (280, "f", float("nan")))
        with pytest.raises(InputError, match="correct its header"):
            read_image(path)


class TestTextHeaders:
    @pytest.mark.parametrize("third", ["(0,1,3)", "(0.1,0,3)", "(0,0.05,3)"])
    def test_sheared_axes_are_refused(self, tmp_path, third):
        line = f"space: left-posterior-superior\nspace directions: (0.8,0,0) (0,0.9,0) {third}\n"
        with pytest.raises(InputError, match="not at right angles"):
            read_image(text_with(tmp_path / "scan.nrrd", NRRD, line))

    @pytest.mark.parametrize("row", ["0 0.5 1", "0.1 0 1"])
    def test_sheared_axes_of_a_meta_image_are_refused(self, tmp_path, row):
        line = f"TransformMatrix = 1 0 0 0 1 0 {row}\nElementSpacing = 0.8 0.9 3\n"
        with pytest.raises(InputError, match="not at right angles"):
            read_image(text_with(tmp_path / "scan.mha", META, line))

    def test_mirrored_axes_are_read(self, tmp_path):
        line = "space: left-posterior-superior\nspace directions: (0.8,0,0) (0,0.9,0) (0,0,-3)\n"
        volume = read_image(text_with(tmp_path / "scan.nrrd", NRRD, line), "k")
        assert volume.geometry.spacing_mm == (0.8, 0.9, 3)
        assert np.array_equal(volume.intensities, ARRAY)

    @pytest.mark.parametrize(
        "line", ["spacings: 0.8 0.9 0\n", "space dimension: 3\nspace directions: (1,0,0) (0,1,0) (0,0,0)\n"]
    )
    def test_a_size_of_0_is_refused(self, tmp_path, line):
        with pytest.raises(InputError, match="no size of a voxel above 0 along an axis"):
            read_image(text_with(tmp_path / "scan.nrrd", NRRD, line))

    @pytest.mark.parametrize(
        "line",
        [
            "Offset = nan 0 0",
            "Position = 0 inf 0",
            "Origin = 0 0",
            "Offset = 1,5 0 0",
            "TransformMatrix = 1 0 0 0 1 0 0 0",
            "Rotation = nan 0 0 0 1 0 0 0 1",
            "Orientation = 0 0 0 0 0 0 0 0 0",
        ],
    )
    def test_a_place_that_is_none_in_a_meta_image_is_refused(self, tmp_path, line):
        path = text_with(tmp_path / "scan.mha", META, f"ElementSpacing = 1 1 2\n{line}\n")
        with pytest.raises(InputError, match=f"no (place|axes) .{line}.*: correct its header"):
            read_image(path)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("ElementSpacing = 1 1 2", "ElementSpacing = 1 1 3"),
            ("Offset = 0 0 0", "Position = 0 0 1"),
            ("Offset = 0 0 0", "Origin = 1 0 0"),
            ("TransformMatrix = 1 0 0 0 1 0 0 0 1", "Orientation = 0 1 0 1 0 0 0 0 1"),
        ],
    )
    def test_two_things_of_one_in_a_meta_image_are_refused(self, tmp_path, first, second):
        spacing = "" if first.startswith("Element") else "ElementSpacing = 1 1 2\n"
        path = text_with(tmp_path / "scan.mha", META, f"{spacing}{first}\n{second}\n")
        with pytest.raises(InputError, match=f"says both {first} and {second}: correct its header"):
            read_image(path)
        assert read_image(text_with(path, META, f"{spacing}{first}\n{first}\n"), "k").spacing_mm[0] == 2

    @pytest.mark.parametrize("size", ["1 1 1.5", "2 2 2"])
    def test_voxels_smaller_than_their_distance_are_said(self, tmp_path, caplog, size):
        path = text_with(tmp_path / "scan.mha", META, f"ElementSize = {size}\nElementSpacing = 1 1 2\n")
        assert read_image(path, "k").geometry.spacing_mm == (1, 1, 2)
        assert f"voxels are {size} mm large and 1 1 2 mm apart: the distances are taken" in caplog.text

    @pytest.mark.parametrize("sizes", ["0.8 0.9 0", "0.8 0.9 nan", "0.8,0.9,3"])
    def test_a_size_that_is_none_in_a_meta_image_is_refused(self, tmp_path, sizes):
        with pytest.raises(InputError, match="no size of a voxel above 0 along an axis"):
            read_image(text_with(tmp_path / "scan.mha", META, f"ElementSpacing = {sizes}\n"))

    @pytest.mark.parametrize(
        ("name", "header", "line"),
        [("scan.nrrd", NRRD, ""), ("scan.nrrd", NRRD, "spacings: 0.8 0.9 nan\n"), ("scan.mha", META, "")],
    )
    def test_no_size_at_all_is_said(self, tmp_path, caplog, name, header, line):
        read_image(text_with(tmp_path / name, header, line))
        assert "does not say how large a voxel is" in caplog.text

    def test_a_size_that_is_there_is_not_spoken_of(self, tmp_path, caplog):
        read_image(text_with(tmp_path / "scan.mha", META, "ElementSpacing = 0.8 0.9 3\n"))
        image = sitk.GetImageFromArray(ARRAY)
        sitk.WriteImage(image, tmp_path / "other.nrrd")
        read_image(tmp_path / "other.nrrd")
        assert not caplog.text


def test_frames_can_be_chosen_and_the_sentence_says_so(tmp_path):
    write(tmp_path / "scan.nii.gz", np.stack([ARRAY, ARRAY]))
    with pytest.raises(InputError, match="choose one with --channel N"):
        read_image(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize(("suffix", "header"), [(".nrrd", NRRD), (".mha", META)])
@pytest.mark.parametrize("sizes", ["8 7 0", "0 7 6"])
def test_a_text_header_without_voxels_is_refused(tmp_path, suffix, header, sizes):
    path = text_with(tmp_path / f"scan{suffix}", header.replace("8 7 6", sizes), "")
    with pytest.raises(InputError, match=f"says that it holds {' x '.join(sizes.split())} voxels, none"):
        read_image(path)


def test_a_meta_image_with_too_few_sizes_is_refused(tmp_path):
    path = text_with(tmp_path / "scan.mha", META.replace("8 7 6", "8 7"), "ElementSpacing = 1 1 2\n")
    with pytest.raises(InputError, match=r"says no size \(DimSize = 8 7\), where 3 numbers are wanted"):
        read_image(path)


@pytest.mark.parametrize("kind", [0, 1, 1536, 77])
def test_voxels_of_a_type_that_itk_does_not_read_are_refused_for_it(tmp_path, kind):
    path = nifti_with(tmp_path / "scan.nii", ARRAY, (70, "h", kind))
    with pytest.raises(InputError, match=f"holds voxels of NIfTI's type {kind}, which cannot be read: save them as"):
        read_image(path)


@pytest.mark.parametrize("numbers", [(0.9, 0.9, 0.9), (float("nan"), 0, 0), (0, 0, 2)])
def test_a_qform_that_is_no_rotation_is_refused_where_it_counts(tmp_path, numbers):
    path = nifti_with(tmp_path / "scan.nii", ARRAY, (252, "hh", 1, 0), (256, "fff", *numbers))
    with pytest.raises(InputError, match=r"no rotation and place .*its qform"):
        read_image(path)
    assert read_image(nifti_with(path, ARRAY, (252, "hh", 1, 1), (256, "fff", *numbers)), "k").shape == ARRAY.shape


@pytest.mark.parametrize(("unit", "told"), [("m", True), ("um", True), ("mm", False), ("", False)])
def test_units_of_a_nrrd_that_are_no_millimetres_are_told(tmp_path, caplog, unit, told):
    units = " ".join([f'"{unit}"'] * 3)
    place = f"space: left-posterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace units: {units}\n"
    assert read_image(text_with(tmp_path / "scan.nrrd", NRRD, place), "k").geometry.spacing_mm == (1, 1, 2)
    assert (f"measures in {unit}: its numbers are taken as mm" in caplog.text) == told


@pytest.mark.parametrize("size", [1, 100])
def test_a_header_size_of_voxels_in_the_same_file_is_refused(tmp_path, size):
    path = text_with(tmp_path / "scan.mha", META, f"ElementSpacing = 1 1 2\nHeaderSize = {size}\n")
    with pytest.raises(InputError, match=f"says HeaderSize = {size}, which is for voxels in a file of their own"):
        read_image(path)


@pytest.mark.parametrize("orientation", [0, 3])
def test_analyze_is_told_to_say_no_place(tmp_path, caplog, orientation):
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(tmp_path / "scan.hdr"))
    header = bytearray((tmp_path / "scan.hdr").read_bytes())
    header[252] = orientation
    header[344:348] = bytes(4)
    (tmp_path / "scan.hdr").write_bytes(bytes(header))
    assert np.array_equal(read_image(tmp_path / "scan.hdr", "k").intensities, ARRAY)
    assert "is Analyze, which says neither where it lies nor which side is left" in caplog.text
