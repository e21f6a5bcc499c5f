"""DICOM slices whose values or places are not what they seem: compressions, factors, tables, numbers, copies."""

import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import item, positions, save, slice_of, write_enhanced, write_series
from image_files import ramp
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image

pytest.importorskip("pydicom", minversion="3", reason="these files are written with pydicom 3")

SCAN = ramp((6, 7, 9))


def series(folder, **values):
    """A series of which attributes are set to values, or to what a function of the plane's number gives."""
    folder.mkdir()
    for number, place in enumerate(positions(len(SCAN))):
        dataset = slice_of(SCAN, number, place)
        for name, value in values.items():
            setattr(dataset, name, value(number) if callable(value) else value)
        save(folder / f"{number}.dcm", dataset)
    return folder


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_every_transfer_syntax_gives_the_same(tmp_path, syntax):
    folder = write_series(tmp_path / "scan", SCAN)
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        if syntax == RLELossless:
            dataset.compress(syntax)
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        order = {"little_endian": syntax.is_little_endian, "implicit_vr": syntax.is_implicit_VR}
        pydicom.dcmwrite(file, dataset, enforce_file_format=True, **({} if syntax == RLELossless else order))
    assert np.array_equal(read_image(folder, "k").intensities, SCAN)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [("4.201", "High-Throughput JPEG 2000"), ("4.102", "MPEG-4"), ("4.107", "HEVC")],
)
@pytest.mark.parametrize("many", [False, True])
def test_a_compression_without_a_decoder_is_named(tmp_path, syntax, name, many):
    path = write_enhanced(tmp_path / "all.dcm", SCAN) if many else write_series(tmp_path / "scan", SCAN)
    for file in [path] if many else path.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51" + bytes(100)] * (len(SCAN) if many else 1))
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(f"1.2.840.10008.1.2.{syntax}")
        dataset.save_as(file)
    with pytest.raises(InputError, match=f"compressed as {name}.*, which cannot be read: export it uncompressed"):
        read_image(path)


@pytest.mark.parametrize("text", [b"1,5 ", b"a   ", b"nan "])
def test_a_factor_that_is_no_number_is_refused(tmp_path, text):
    folder = series(tmp_path / "scan", RescaleSlope="1.25")
    file = folder / "3.dcm"
    file.write_bytes(file.read_bytes().replace(b"1.25", text))
    with pytest.raises(InputError, match=rf"3\.dcm has a RescaleSlope that is no number \({text.decode().strip()}\)"):
        read_image(folder)


def test_a_table_of_values_is_told(tmp_path, caplog):
    table = item(LUTDescriptor=[4, 0, 16], ModalityLUTType="HU", LUTData=np.arange(4, dtype="<u2").tobytes())
    assert np.array_equal(read_image(series(tmp_path / "scan", ModalityLUTSequence=[table]), "k").intensities, SCAN)
    assert "its table of values (Modality LUT) is not applied" in caplog.text


def test_floating_point_pixels_are_refused_for_that_reason(tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    for number, place in enumerate(positions(len(SCAN))):
        dataset = slice_of(SCAN, number, place)
        del dataset.PixelData
        dataset.BitsAllocated = 32
        dataset.add_new("FloatPixelData", "OF", SCAN[number].astype("<f4").tobytes())
        save(folder / f"{number}.dcm", dataset)
    with pytest.raises(InputError, match="holds its pixels as floating-point numbers, which cannot be read"):
        read_image(folder)


@pytest.mark.parametrize("step", [2, 3, -2])
def test_numbers_that_skip_some_are_told(tmp_path, caplog, step):
    read_image(series(tmp_path / "scan", InstanceNumber=lambda number: 100 + step * number))
    assert f"differ by {abs(step)}: look whether slices are missing" in caplog.text


@pytest.mark.parametrize("step", [1, -1])
def test_numbers_without_a_gap_are_not_told(tmp_path, caplog, step):
    read_image(series(tmp_path / "scan", InstanceNumber=lambda number: 100 + step * number))
    assert "missing" not in caplog.text


def test_copies_of_a_slice_are_named(tmp_path):
    folder = series(tmp_path / "scan")
    shutil.copy(folder / "3.dcm", folder / "3 (1).dcm")
    with pytest.raises(InputError, match=r"lie at the same place \(3 \(1\)\.dcm and 3\.dcm\)"):
        read_image(folder)


@pytest.mark.parametrize("size", [0.76, 0.752])
def test_pixels_that_are_larger_by_little_are_of_another_volume(tmp_path, size):
    folder = series(tmp_path / "scan", PixelSpacing=lambda number: [0.75, size if number == 4 else 0.75])
    with pytest.raises(InputError, match="differ in pixel spacing"):
        read_image(folder)


def test_rounding_is_no_other_pixel_spacing(tmp_path):
    folder = series(tmp_path / "scan", PixelSpacing=lambda number: [0.75, 0.7501 if number == 4 else 0.75])
    assert read_image(folder, "k").shape == SCAN.shape


@pytest.mark.parametrize("frames", [5, 7])
def test_another_number_of_frames_than_are_described_is_refused_for_it(tmp_path, frames):
    path = write_enhanced(tmp_path / "all.dcm", SCAN)
    dataset = pydicom.dcmread(path)
    dataset.NumberOfFrames = frames
    save(path, dataset)
    with pytest.raises(InputError, match=f"says that it holds {frames} frames, and describes 6: export it again"):
        read_image(path)


@pytest.mark.parametrize("count", [1, 2])
def test_slices_and_a_file_of_many_frames_in_one_series_are_told_apart(tmp_path, count):
    folder = write_series(tmp_path / "scan", SCAN)
    for number in range(count):
        write_enhanced(folder / f"all{number}.dcm", SCAN)
    with pytest.raises(InputError, match=r"holds 6 files of one slice and others of many frames \(.*all0\.dcm"):
        read_image(folder)


class TestNegatives:
    """GDCM turns the values of MONOCHROME1 round, and so does Slicer, which reads with it."""

    @pytest.mark.parametrize("slope", [1, 2])
    def test_their_values_are_turned_round_and_that_is_said(self, tmp_path, caplog, slope):
        stored = {"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11, "RescaleSlope": slope}
        folder = series(tmp_path / "scan", PhotometricInterpretation="MONOCHROME1", **stored)
        assert (read_image(folder, "k").intensities == slope * (4095 - SCAN)).all()
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith(f"{folder} is a negative (MONOCHROME1): its values are turned round, as in Slicer")

    def test_signed_ones(self, tmp_path, caplog):
        folder = series(tmp_path / "scan", PhotometricInterpretation="MONOCHROME1")
        assert (read_image(folder, "k").intensities == -1 - SCAN.astype(float)).all()
        assert "is a negative" in caplog.text

    def test_others_are_not_told(self, tmp_path, caplog):
        read_image(series(tmp_path / "scan"), "k")
        assert not caplog.records

    @pytest.mark.parametrize("odd", [0, 3, 5])
    def test_one_among_others_is_refused(self, tmp_path, odd):
        def kind(number):
            return "MONOCHROME1" if number == odd else "MONOCHROME2"

        with pytest.raises(InputError, match=rf"{odd}\.dcm is a negative .*, \d\.dcm of the same series is none"):
            read_image(series(tmp_path / "scan", PhotometricInterpretation=kind))

    @pytest.mark.parametrize("odd", [None, 0, 4])
    def test_what_gdcm_cannot_turn_round_is_refused_for_that_reason(self, tmp_path, odd):
        def bits(number):
            return 12 if odd is None or number == odd else 16

        stored = {"BitsStored": bits, "HighBit": lambda number: bits(number) - 1}
        with pytest.raises(InputError, match=r"negative .* of signed 12-bit numbers, which cannot be read"):
            read_image(series(tmp_path / "scan", PhotometricInterpretation="MONOCHROME1", **stored))

    @pytest.mark.parametrize("factors", [None, [(1 + number, 0) for number in range(len(SCAN))]])
    def test_frames_of_one_file_alike(self, tmp_path, caplog, factors):
        path = write_enhanced(tmp_path / "scan.dcm", SCAN, factors=factors)
        dataset = pydicom.dcmread(path)
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.save_as(path)
        slopes = 1 if factors is None else np.array([slope for slope, _ in factors])[:, None, None]
        assert (read_image(path, "k").intensities == slopes * (-1 - SCAN.astype(float))).all()
        assert "is a negative" in caplog.text


@pytest.mark.parametrize("step", [2, 5])
def test_numbers_that_skip_some_are_told_where_no_place_is_said(tmp_path, caplog, step):
    read_image(
        series(
            tmp_path / "scan",
            InstanceNumber=lambda number: 1 + step * number,
            ImagePositionPatient=None,
            ImageOrientationPatient=None,
        ),
        "k",
    )
    assert f"differ by {step}: look whether slices are missing" in caplog.text
