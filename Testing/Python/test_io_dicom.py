"""DICOM scans: which files belong together, in which order, and what is refused."""

import re

import numpy as np
import pytest
from dicom_files import item, positions, save, slice_of, write_enhanced, write_series, write_structure_set
from image_files import IDENTITY, OBLIQUE, ramp
from PIL import Image
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image, read_labels

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

SCAN = ramp((6, 7, 9))
TURNED = np.diag([-1.0, -1.0, 1.0])  # by 180 degrees in the plane
SAGITTAL = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])


def geometry_of(volume):
    return volume.geometry.origin_mm, volume.geometry.spacing_mm, volume.geometry.direction


def without(file, tag, value=None):
    """Take an attribute out of a file, or give it another value."""
    dataset = pydicom.dcmread(file)
    if value is None:
        del dataset[tag]
    else:
        setattr(dataset, tag, value)
    dataset.save_as(file)


class TestSeries:
    @pytest.mark.parametrize("direction", [IDENTITY, OBLIQUE, SAGITTAL], ids=["axial", "oblique", "sagittal"])
    @pytest.mark.parametrize("reverse", [False, True])
    def test_slices_are_sorted_by_place_whatever_their_numbers(self, tmp_path, direction, reverse):
        volume = read_image(write_series(tmp_path / "scan", SCAN, direction=direction, reverse=reverse), "k")
        assert np.array_equal(volume.intensities, SCAN)
        assert volume.geometry.spacing_mm == pytest.approx((0.5, 0.75, 2.5))
        assert volume.geometry.origin_mm == pytest.approx((-12.5, 30.0, 7.5))
        assert volume.geometry.direction == pytest.approx(np.ravel(direction).tolist(), abs=1e-6)

    @pytest.mark.parametrize("direction", [TURNED, OBLIQUE, SAGITTAL], ids=["by 180 degrees", "oblique", "sagittal"])
    def test_a_slice_that_is_turned_against_the_others_is_refused(self, tmp_path, direction):
        folder = write_series(tmp_path / "scan", SCAN)
        save(folder / "IM0003.dcm", slice_of(SCAN, 2, positions(6)[2], direction))
        with pytest.raises(InputError, match=r"turned against the others \(IM0003\.dcm\): keep those of one"):
            read_image(folder)

    def test_a_slice_of_another_pixel_spacing_is_refused(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        save(folder / "IM0003.dcm", slice_of(SCAN, 2, positions(6)[2], spacing=(0.6, 0.75, 2.5)))
        with pytest.raises(InputError, match="differ in pixel spacing"):
            read_image(folder)

    @pytest.mark.parametrize("axes", [[0] * 6, [1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0.5, 0], [1, 0, 0, 0.3, 0.954, 0]])
    def test_axes_that_are_none_are_refused(self, tmp_path, axes):
        folder = write_series(tmp_path / "scan", SCAN)
        for file in folder.iterdir():
            without(file, "ImageOrientationPatient", axes)
        with pytest.raises(
            InputError, match=r"not at right angles or have no length \(ImageOrientationPatient of IM0001"
        ):
            read_image(folder)

    @pytest.mark.parametrize("slope", ["0", "0.0", "-0"])
    def test_a_slope_of_0_is_refused(self, tmp_path, slope):
        folder = write_series(tmp_path / "scan", SCAN)
        without(folder / "IM0004.dcm", "RescaleSlope", slope)
        with pytest.raises(InputError, match=r"IM0004\.dcm has a RescaleSlope of 0"):
            read_image(folder)

    @pytest.mark.parametrize("moved", [(6,), (1, 2, 3), (2, 5)])
    def test_two_frames_of_reference_in_a_series_are_refused(self, tmp_path, moved):
        folder = write_series(tmp_path / "scan", SCAN)
        for number in moved:
            without(folder / f"IM{number:04d}.dcm", "FrameOfReferenceUID", "1.2.3.4")
        with pytest.raises(InputError, match=r"lie in 2 frames of reference .*: keep those of one .* a folder of its"):
            read_image(folder)

    def test_a_slice_that_names_no_frame_of_reference_belongs_to_the_others(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        without(folder / "IM0002.dcm", "FrameOfReferenceUID", "")
        assert np.array_equal(read_image(folder, "k").intensities, SCAN)

    @pytest.mark.parametrize("gone", [2, 3, 5])
    def test_a_missing_slice_is_refused_also_without_places(self, tmp_path, gone):
        folder = write_series(tmp_path / "scan", SCAN)
        for file in folder.iterdir():
            dataset = pydicom.dcmread(file)
            del dataset.ImagePositionPatient
            save(file, dataset)
        assert np.array_equal(read_image(folder, "k").intensities, SCAN)
        (folder / f"IM{gone:04d}.dcm").unlink()
        with pytest.raises(InputError, match=f"missing in .* between the numbers {gone - 1} and {gone + 1}"):
            read_image(folder)

    @pytest.mark.parametrize("name", ["snapshot.jpg", "thumb.png", "figure.tif", "notes.txt", "report.pdf"])
    def test_other_files_among_the_slices_are_ignored_with_a_line(self, tmp_path, caplog, name):
        folder = write_series(tmp_path / "scan", SCAN)
        if name[-3:] in ("jpg", "png", "tif"):
            Image.fromarray(np.zeros((30, 40), np.uint8)).save(folder / name)
        else:
            (folder / name).write_text("x" * 500)
        assert np.array_equal(read_image(folder, "k").intensities, SCAN)
        assert f"files that are no slices of a scan are ignored ({name})" in caplog.text

    @pytest.mark.parametrize("without", [[2], [1, 4], [1, 2, 3, 4, 5, 6]])
    def test_files_that_name_no_series_among_others_are_named(self, tmp_path, without):
        """`FOLDER::` would have been offered, and chooses nothing."""
        folder = write_series(tmp_path / "scan", SCAN)
        for number in without:
            dataset = pydicom.dcmread(folder / f"IM{number:04d}.dcm")
            del dataset.SeriesInstanceUID
            save(folder / f"IM{number:04d}.dcm", dataset)
        if len(without) == len(SCAN):
            assert np.array_equal(read_image(folder, "k").intensities, SCAN)
            return
        with pytest.raises(InputError, match=rf"do not say of which series they are \(IM000{without[0]}\.dcm") as told:
            read_image(folder)
        chosen = re.search(r"choose one of (\S+)", str(told.value))[1]
        assert chosen.partition("::")[2]

    @pytest.mark.parametrize("kind", ["RGB", "YBR_FULL_422", "PALETTE COLOR"])
    def test_colours_of_one_sample_are_refused_as_colours(self, tmp_path, kind):
        write_enhanced(tmp_path / "scan.dcm", SCAN)
        dataset = pydicom.dcmread(tmp_path / "scan.dcm")
        dataset.PhotometricInterpretation = kind
        save(tmp_path / "scan.dcm", dataset)
        with pytest.raises(InputError, match=rf"holds a series in colour \({kind}\)"):
            read_image(tmp_path / "scan.dcm")

    def test_a_structure_set_beside_the_slices_is_no_series_of_its_own(self, tmp_path, caplog):
        folder = write_series(tmp_path / "scan", SCAN)
        write_structure_set(folder / "RS.dcm", {})
        assert np.array_equal(read_image(folder, "k").intensities, SCAN)
        assert "ignored (RS.dcm)" in caplog.text

    def test_a_discs_folders_are_searched(self, tmp_path):
        below = tmp_path / "DICOM" / "PAT0"
        below.mkdir(parents=True)
        write_series(below / "SER0", SCAN)
        for file in (below / "SER0").iterdir():
            file.rename(file.with_suffix(""))
        (tmp_path / "README.TXT").write_text("a disc")
        assert np.array_equal(read_image(tmp_path, "k").intensities, SCAN)

    def test_files_without_the_usual_preamble_are_told_apart_from_damaged_ones(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        for file in folder.iterdir():
            file.write_bytes(file.read_bytes()[132:])
        with pytest.raises(InputError, match=r"IM0001\.dcm lacks the preamble of DICOM files: write it anew"):
            read_image(folder)

    def test_each_slice_keeps_its_own_factor(self, tmp_path):
        folder = write_series(tmp_path / "scan", SCAN)
        factors = [1, 0.5, 0.25, 2, 1, 0.1]
        for number, factor in enumerate(factors):
            dataset = slice_of(SCAN, number, positions(6)[number])
            dataset.RescaleSlope = factor
            save(folder / f"IM{number + 1:04d}.dcm", dataset)
        expected = SCAN * np.array(factors)[:, None, None]
        assert np.allclose(read_image(folder, "k").intensities, expected, rtol=1e-6)

    @pytest.mark.parametrize("kind", ["RGB", "YBR_FULL"])
    def test_a_series_in_colour_is_refused_for_that_reason(self, tmp_path, kind):
        folder = tmp_path / "scan"
        folder.mkdir()
        for number in range(4):
            dataset = slice_of(SCAN, number, positions(6)[number])
            dataset.update(
                item(SamplesPerPixel=3, PhotometricInterpretation=kind, PlanarConfiguration=0, BitsAllocated=8)
            )
            dataset.update(item(BitsStored=8, HighBit=7, PixelRepresentation=0))
            dataset.add_new("PixelData", "OW", bytes(7 * 9 * 3 + 1))
            save(folder / f"{number}.dcm", dataset)
        with pytest.raises(InputError, match=rf"holds a series in colour \({kind}\), which is no scan"):
            read_image(folder)

    @pytest.mark.parametrize("lost", [2, 40, 7 * 9])
    @pytest.mark.parametrize("syntax", ["ExplicitVRLittleEndian", "ImplicitVRLittleEndian", "ExplicitVRBigEndian"])
    def test_a_slice_with_too_few_pixels_is_refused(self, tmp_path, lost, syntax):
        folder = write_series(tmp_path / "scan", SCAN)
        dataset = pydicom.dcmread(folder / "IM0002.dcm")
        uid = getattr(pydicom.uid, syntax)
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.PixelData = dataset.PixelData[:-lost]
        little, implicit = uid.is_little_endian, uid.is_implicit_VR
        pydicom.dcmwrite(
            folder / "IM0002.dcm", dataset, little_endian=little, implicit_vr=implicit, force_encoding=True
        )
        with pytest.raises(InputError, match=r"IM0002\.dcm is truncated \(it has fewer pixels"):
            read_image(folder)

    @pytest.mark.parametrize("tag", ["ImagePositionPatient", "ImageOrientationPatient"])
    @pytest.mark.parametrize("reverse", [False, True])
    def test_a_slice_that_alone_lacks_its_place_is_refused(self, tmp_path, tag, reverse):
        folder = write_series(tmp_path / "scan", SCAN, reverse=reverse)
        without(folder / "IM0003.dcm", tag)
        with pytest.raises(InputError, match=r"do not say where they lie \(IM0003\.dcm\), the others do"):
            read_image(folder)

    @pytest.mark.parametrize("value", [None, [0, 0], [-0.75, 0.5]])
    @pytest.mark.parametrize("files", ["IM0003.dcm", "*.dcm"])
    def test_slices_without_the_size_of_a_pixel_are_refused(self, tmp_path, value, files):
        folder = write_series(tmp_path / "scan", SCAN)
        for file in folder.glob(files):
            without(file, "PixelSpacing", value)
        with pytest.raises(InputError, match="how large a pixel is"):
            read_image(folder)

    def test_without_places_the_size_of_a_pixel_may_be_given(self, tmp_path, caplog):
        folder = write_series(tmp_path / "scan", SCAN)
        for file in folder.iterdir():
            without(file, "ImagePositionPatient")
            without(file, "PixelSpacing")
        assert read_image(folder, "k").geometry.spacing_mm == (1, 1, 1)
        assert "does not say its spacing" in caplog.text
        assert read_image(folder, "k", spacing_mm=(0.5, 0.75, 2)).geometry.spacing_mm == (0.5, 0.75, 2)

    @pytest.mark.parametrize("share", [0.5, 0.95])
    def test_a_truncated_slice_is_refused(self, tmp_path, share):
        noise = np.random.default_rng(0).integers(0, 1000, (4, 40, 40))
        folder = write_series(tmp_path / "scan", noise)
        part = folder / "IM0002.dcm"
        part.write_bytes(part.read_bytes()[: int(part.stat().st_size * share)])
        with pytest.raises(
            InputError, match=r"IM0002\.dcm cannot be read, it may be damaged or truncated: get a fresh copy"
        ):
            read_image(folder)

    @pytest.mark.parametrize("share", [1, 0.8])
    def test_compressed_slices_are_read_and_truncated_ones_refused(self, tmp_path, share):
        noise = np.random.default_rng(0).integers(0, 1000, (4, 40, 40))
        folder = write_series(tmp_path / "scan", noise)
        for file in folder.iterdir():
            dataset = pydicom.dcmread(file)
            dataset.compress(pydicom.uid.RLELossless)
            dataset.save_as(file)
        part = folder / "IM0002.dcm"
        part.write_bytes(part.read_bytes()[: int(part.stat().st_size * share)])
        if share == 1:
            assert np.array_equal(read_image(folder, "k").intensities, noise)
            return
        with pytest.raises(
            InputError, match=r"IM0002\.dcm cannot be read, it may be damaged or truncated: get a fresh copy"
        ):
            read_image(folder)

    def test_labels_compressed_with_loss_are_refused(self, tmp_path):
        volume = read_image(write_series(tmp_path / "scan", SCAN), "k")
        folder = write_series(tmp_path / "labels", SCAN > 9)
        assert np.array_equal(read_labels(folder, volume).labels, SCAN > 9)
        for number in range(6):
            dataset = slice_of(SCAN > 9, number, positions(6)[number])
            dataset.LossyImageCompression = "01"
            save(folder / f"IM{number + 1:04d}.dcm", dataset)
        with pytest.raises(InputError, match="labels compressed with loss"):
            read_labels(folder, volume)

    def test_pictures_called_as_the_slices_are_labels_of_some_of_them(self, tmp_path):
        volume = read_image(write_series(tmp_path / "scan", SCAN, reverse=True), "k")
        (tmp_path / "labels").mkdir()
        Image.fromarray((SCAN[1] % 2).astype(np.uint8)).save(tmp_path / "labels" / "IM0005.png")
        file = read_labels(tmp_path / "labels", volume)
        assert np.array_equal(file.labels[1], SCAN[1] % 2)
        assert file.to_annotation().painted_planes == [1]


class TestFrames:
    @pytest.mark.parametrize("direction", [IDENTITY, OBLIQUE, SAGITTAL], ids=["axial", "oblique", "sagittal"])
    def test_a_file_of_many_frames_is_read_alone_and_in_its_folder(self, tmp_path, direction):
        (tmp_path / "scan").mkdir()
        path = write_enhanced(tmp_path / "scan" / "all.dcm", SCAN, direction=direction)
        single = read_image(write_series(tmp_path / "single", SCAN, direction=direction), "k")
        for source in (path, tmp_path / "scan"):
            volume = read_image(source, "k")
            assert np.array_equal(volume.intensities, SCAN)
            for one, other in zip(geometry_of(volume), geometry_of(single), strict=True):
                assert one == pytest.approx(other, abs=1e-5)

    @pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [0, 2, 4, 1, 3, 5], [3, 0, 5, 1, 4, 2]])
    def test_frames_are_sorted_by_place(self, tmp_path, order):
        volume = read_image(write_enhanced(tmp_path / "all.dcm", SCAN, order=order), "k")
        assert np.array_equal(volume.intensities, SCAN)

    def test_frames_keep_their_own_factors(self, tmp_path):
        factors = [(1, 0), (2, 5), (0.5, -1), (1, 0), (3, 0), (1, 7)]
        volume = read_image(write_enhanced(tmp_path / "all.dcm", SCAN, factors=factors), "k")
        expected = np.stack([plane * slope + shift for plane, (slope, shift) in zip(SCAN, factors, strict=True)])
        assert np.allclose(volume.intensities, expected)

    @pytest.mark.parametrize("factor", [(2, -1000), (0.5, 3)])
    def test_a_factor_of_all_frames_is_applied(self, tmp_path, factor):
        volume = read_image(write_enhanced(tmp_path / "all.dcm", SCAN, factors=[factor] * 6), "k")
        assert np.allclose(volume.intensities, SCAN * factor[0] + factor[1])

    def test_two_times_in_one_file_are_refused(self, tmp_path):
        path = write_enhanced(tmp_path / "all.dcm", SCAN)
        dataset = pydicom.dcmread(path)
        for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, number // 2]
        save(path, dataset)
        with pytest.raises(InputError, match="at the same place: keep one time point"):
            read_image(path)

    def test_a_missing_frame_is_refused(self, tmp_path):
        path = write_enhanced(tmp_path / "all.dcm", SCAN)
        dataset = pydicom.dcmread(path)
        dataset.PerFrameFunctionalGroupsSequence[5].PlanePositionSequence[0].ImagePositionPatient = [-12.5, 30, 40]
        save(path, dataset)
        with pytest.raises(InputError, match="not evenly spaced"):
            read_image(path)

    @pytest.mark.parametrize("tag", ["FrameTime", "CineRate", "RecommendedDisplayFrameRate"])
    def test_a_film_is_no_volume(self, tmp_path, tag):
        path = write_enhanced(tmp_path / "film.dcm", SCAN)
        dataset = pydicom.dcmread(path)
        del dataset.PerFrameFunctionalGroupsSequence
        del dataset.SharedFunctionalGroupsSequence
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
        setattr(dataset, tag, 25)
        save(path, dataset)
        with pytest.raises(InputError, match="is a film of 6 frames, not a volume"):
            read_image(path)

    def test_several_such_files_in_one_folder_are_offered(self, tmp_path):
        for name in ("a", "b"):
            write_enhanced(tmp_path / f"{name}.dcm", SCAN)
        with pytest.raises(InputError, match=r"2 files of many frames: choose one of .*a\.dcm, .*b\.dcm"):
            read_image(tmp_path)

    def test_a_structure_set_is_no_image(self, tmp_path):
        path = write_structure_set(tmp_path / "RS.dcm", {})
        with pytest.raises(InputError, match="is a DICOM segmentation, not an image: give the folder of the scan"):
            read_image(path)
        with pytest.raises(InputError, match="DICOM files but no image"):
            read_image(tmp_path)
