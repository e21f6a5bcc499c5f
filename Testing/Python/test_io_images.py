"""Reading images: every format, any direction, and what unusable ones get."""

import gzip
import sys
import threading

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import DIRECTIONS, OBLIQUE, image_of, ramp, write, write_dicom_series
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image
from SparseAnnotateLib.io.itk import captured_stderr, uncaptured_stderr


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd", "tif"])
def test_every_format_gives_the_voxels_that_were_written(tmp_path, suffix):
    path = write(tmp_path / f"image.{suffix}", ramp())
    assert np.array_equal(read_image(path, "k").intensities, ramp())


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_the_geometry_is_the_one_that_simpleitk_reads(tmp_path, suffix, direction):
    path = write(tmp_path / f"image.{suffix}", ramp(), direction=direction)
    geometry, image = read_image(path).geometry, sitk.ReadImage(str(path))
    assert geometry.spacing_mm == image.GetSpacing()
    assert geometry.origin_mm == image.GetOrigin()
    assert geometry.direction == image.GetDirection()


def test_the_plane_axis_can_be_any_axis_of_the_file(tmp_path):
    path = write(tmp_path / "image.nrrd", ramp(), spacing=(1.0, 2.0, 3.0))
    assert np.array_equal(read_image(path, "i").intensities, ramp().transpose(2, 0, 1))
    assert read_image(path, "i").spacing_mm == (1.0, 3.0, 2.0)
    assert np.array_equal(read_image(path, "j").intensities, ramp().transpose(1, 0, 2))
    assert read_image(path, "auto").axis == "k"


def test_intensities_outlive_the_file_and_can_be_written_to(tmp_path):
    path = write(tmp_path / "image.mha", ramp(dtype=np.float32))
    volume = read_image(path, "k")
    path.unlink()
    garbage = [np.full(ramp().shape, 7.0, np.float32) for _ in range(50)]
    volume.intensities[0, 0, 0] = -1
    assert volume.intensities[0, 0, 0] == -1
    assert np.array_equal(volume.intensities[1:], ramp()[1:])
    assert garbage


def test_a_nifti_beside_its_own_compressed_version_is_not_mistaken_for_it(tmp_path):
    write(tmp_path / "image.nii", np.full((3, 4, 5), 2, np.uint8))
    path = write(tmp_path / "image.nii.gz", np.full((3, 4, 5), 1, np.uint8))
    assert read_image(path).intensities.max() == 1
    assert read_image(tmp_path / "image.nii").intensities.max() == 2


def test_a_4d_image_of_one_frame_is_a_volume(tmp_path):
    path = tmp_path / "image.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(ramp()[None], isVector=False), str(path))
    assert sitk.ReadImage(str(path)).GetDimension() == 4
    assert np.array_equal(read_image(path, "k").intensities, ramp())


def test_scaled_nifti_intensities_are_read_in_their_units(tmp_path):
    path = write(tmp_path / "image.nii", ramp())
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.5, -3], "<f4").tobytes()
    path.write_bytes(raw)
    assert np.array_equal(read_image(path, "k").intensities, ramp() * np.float32(0.5) - 3)


def test_nothing_is_printed_while_reading(tmp_path, capfd):
    whole = write(tmp_path / "whole.tif", ramp((9, 40, 40)))
    part = tmp_path / "part.tif"
    part.write_bytes(whole.read_bytes()[:-12000])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_image(part)
    assert capfd.readouterr() == ("", "")


class TestFolders:
    def test_numbered_slices_are_stacked_in_natural_order(self, tmp_path):
        for number, plane in enumerate(ramp((12, 5, 6)).astype(np.uint16)):
            sitk.WriteImage(sitk.GetImageFromArray(plane), str(tmp_path / f"slice{number}.tif"))
        assert np.array_equal(read_image(tmp_path, "k").intensities, ramp((12, 5, 6)))

    def test_slices_of_different_sizes_are_refused(self, tmp_path):
        for number, size in enumerate([4, 5]):
            sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, size), np.uint8)), str(tmp_path / f"{number}.png"))
        with pytest.raises(InputError, match=r"0\.png and 1\.png .* differ in size"):
            read_image(tmp_path)

    def test_slices_of_two_formats_are_refused(self, tmp_path):
        for suffix in ("png", "tif"):
            sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5), np.uint8)), str(tmp_path / f"1.{suffix}"))
        with pytest.raises(InputError, match=r"several formats \(\.png, \.tif\)"):
            read_image(tmp_path)

    def test_an_empty_folder_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="neither a DICOM series nor numbered slices"):
            read_image(tmp_path)


class TestDicom:
    def test_a_series_is_sorted_by_position(self, tmp_path):
        folder = write_dicom_series(tmp_path / "scan", ramp())
        volume = read_image(folder, "k")
        assert np.array_equal(volume.intensities, ramp())
        assert volume.spacing_mm == pytest.approx((2.5, 0.5, 0.5))

    def test_of_several_series_one_must_be_chosen_by_its_uid(self, tmp_path):
        folder = write_dicom_series(tmp_path / "scan", ramp(), uid="1.2.3", description="T1 axial")
        write_dicom_series(folder, ramp() + 1, uid="1.2.4", description="T2 axial")
        with pytest.raises(InputError, match="2 DICOM series: choose one of") as raised:
            read_image(folder)
        listed = str(raised.value)
        assert "T1 axial, 4 files" in listed
        assert "T2 axial, 4 files" in listed
        choice = next(word for word in listed.split() if "::1.2.4" in word)
        assert np.array_equal(read_image(choice, "k").intensities, ramp() + 1)

    def test_an_unknown_series_is_refused_with_the_ones_there_are(self, tmp_path):
        folder = write_dicom_series(tmp_path / "scan", ramp())
        with pytest.raises(InputError, match=r"holds no series 9\.9: choose one of .*::1\.2\.3"):
            read_image(f"{folder}::9.9")

    def test_a_missing_slice_is_refused(self, tmp_path):
        places = [(0, 0, 0.0), (0, 0, 2.5), (0, 0, 7.5), (0, 0, 10.0)]
        folder = write_dicom_series(tmp_path / "scan", ramp(), positions=places)
        with pytest.raises(InputError, match=r"not evenly spaced \(5 mm after slice 1, usually 2\.5 mm\)"):
            read_image(folder)

    def test_a_tilted_gantry_is_refused(self, tmp_path):
        places = [(0, 0.5 * number, 2.5 * number) for number in range(4)]
        folder = write_dicom_series(tmp_path / "scan", ramp(), positions=places)
        with pytest.raises(InputError, match="gantry tilt"):
            read_image(folder)

    def test_two_time_points_are_refused(self, tmp_path):
        places = [(0, 0, 0.0), (0, 0, 0.0), (0, 0, 2.5), (0, 0, 2.5)]
        folder = write_dicom_series(tmp_path / "scan", ramp(), positions=places)
        with pytest.raises(InputError, match="the same place"):
            read_image(folder)

    def test_a_single_slice_points_to_its_folder(self, tmp_path):
        folder = write_dicom_series(tmp_path / "scan", ramp())
        with pytest.raises(InputError, match="2-D image, one voxel thin: give a volume, or the folder"):
            read_image(next(folder.iterdir()))


class TestRefused:
    def test_an_absent_file(self, tmp_path):
        with pytest.raises(InputError, match=r"nowhere\.nii does not exist: check the path"):
            read_image(tmp_path / "nowhere.nii")

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "empty.nrrd").touch()
        with pytest.raises(InputError, match=r"empty\.nrrd is empty"):
            read_image(tmp_path / "empty.nrrd")

    def test_a_file_of_no_image_format(self, tmp_path):
        (tmp_path / "notes.txt").write_text("hello")
        with pytest.raises(InputError, match=r"notes\.txt is in no format that can be read"):
            read_image(tmp_path / "notes.txt")

    # A TIFF cut down to its first page is a whole 2-D image, and refused as such.
    @pytest.mark.parametrize(
        ("suffix", "share"),
        [*((suffix, share) for suffix in ("nii", "nii.gz", "nrrd", "mha") for share in (0.3, 0.7)), ("tif", 0.7)],
    )
    def test_a_truncated_file(self, tmp_path, suffix, share):
        noise = np.random.default_rng(0).integers(0, 1000, (6, 40, 40)).astype(np.int16)
        whole = write(tmp_path / f"whole.{suffix}", noise).read_bytes()
        part = tmp_path / f"part.{suffix}"
        part.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=f"part.{suffix}.*truncated") as raised:
            read_image(part)
        assert "\n" not in str(raised.value)
        assert "itk" not in str(raised.value)

    def test_a_compressed_nifti_with_a_flipped_bit(self, tmp_path):
        path = write(tmp_path / "image.nii.gz", np.random.default_rng(0).normal(size=(6, 40, 40)).astype(np.float32))
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
        with pytest.raises(InputError, match="damaged or truncated"):
            read_image(path)

    def test_a_2d_image(self, tmp_path):
        sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5), np.uint8)), str(tmp_path / "one.png"))
        with pytest.raises(
            InputError, match=r"one\.png is a 2-D image: give a volume, or the folder that holds all slices"
        ):
            read_image(tmp_path / "one.png")

    def test_a_4d_image(self, tmp_path):
        path = tmp_path / "cine.nii.gz"
        sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5, 6), np.uint8), isVector=False), str(path))
        with pytest.raises(InputError, match="4-D image with 3 frames: save one of them"):
            read_image(path)

    def test_a_colour_image(self, tmp_path):
        path = write(tmp_path / "colour.nrrd", np.zeros((3, 4, 5, 3), np.uint8))
        with pytest.raises(InputError, match="3 values a voxel"):
            read_image(path)

    def test_a_complex_image(self, tmp_path):
        image = sitk.RealAndImaginaryToComplex(image_of(ramp(dtype=np.float32)), image_of(ramp(dtype=np.float32)))
        sitk.WriteImage(image, str(tmp_path / "complex.nii"))
        with pytest.raises(InputError, match="complex numbers: save its magnitude"):
            read_image(tmp_path / "complex.nii")

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_and_infinity_until_a_value_is_given_for_them(self, tmp_path, bad):
        array = ramp(dtype=np.float32)
        array[1, 2, 3] = bad
        path = write(tmp_path / "image.nrrd", array)
        with pytest.raises(InputError, match=r"image\.nrrd.*1 voxels that are NaN or infinite.*--replace-nan"):
            read_image(path)
        replaced = read_image(path, "k", replace_nan=-5).intensities
        assert replaced[1, 2, 3] == -5
        assert np.array_equal(
            np.delete(replaced.ravel(), replaced.argmin()), np.delete(array.ravel(), replaced.argmin())
        )

    def test_a_sheared_nifti(self, tmp_path):
        path = write(tmp_path / "image.nii", ramp(), direction=OBLIQUE)
        raw = bytearray(path.read_bytes())
        raw[252:254] = np.int16(0).tobytes()  # no qform to fall back to
        raw[280:328] = np.array([[1, 0.6, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "<f4").tobytes()
        path.write_bytes(raw)
        with pytest.raises(InputError, match="not at right angles"):
            read_image(path)

    def test_a_file_of_another_kind_inside_gzip(self, tmp_path):
        path = tmp_path / "image.nii.gz"
        path.write_bytes(gzip.compress(b"no image" * 100))
        with pytest.raises(InputError, match=r"image\.nii\.gz is in no format that can be read"):
            read_image(path)


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz", "image.nrrd"])
def test_what_is_not_a_number_is_counted_and_replaced_in_every_format(tmp_path, name):
    array = np.ones((4, 5, 6), np.float32)
    array[1, 2, 3], array[3, 4, 5] = np.nan, np.inf
    path = write(tmp_path / name, array)
    with pytest.raises(InputError, match="holds 2 voxels that are NaN or infinite"):
        read_image(path, "k")
    expected = np.where(np.isfinite(array), array, -7)
    assert np.array_equal(read_image(path, "k", replace_nan=-7).intensities, expected)


def test_a_line_is_not_lost_while_another_thread_reads_an_image(capfd):
    reads, may_end = threading.Event(), threading.Event()

    def read():
        with captured_stderr():
            reads.set()
            may_end.wait(60)

    def speak():
        with uncaptured_stderr():
            sys.__stderr__.write("a line\n")
            sys.__stderr__.flush()

    reader, speaker = threading.Thread(target=read), threading.Thread(target=speak)
    reader.start()
    assert reads.wait(60)
    speaker.start()
    speaker.join(0.2)
    may_end.set()
    reader.join()
    speaker.join()
    assert "a line" in capfd.readouterr().err
