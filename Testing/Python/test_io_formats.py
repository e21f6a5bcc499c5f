"""What is whole is read under any name and in every version; what is damaged is refused with its cause."""

import bz2
import gzip

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import ramp, write
from SparseAnnotateLib import InputError, Volume
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.io import read_image, read_labels, write_labels
from SparseAnnotateLib.io.parts import parts_of

ARRAY = ramp((6, 7, 8))
CLASSES = (LabelClass(1, "one"),)


def as_pair(folder, array=ARRAY, packed=False, header=".hdr", voxels=".img"):
    """A NIfTI pair; returns the header's path."""
    plain = write(folder / "source.nii", array).read_bytes()
    (folder / "source.nii").unlink()
    top = bytearray(plain[:348])
    top[344:347] = b"ni1"
    top[108:112] = np.float32(0).tobytes()
    (folder / f"scan{header}").write_bytes(bytes(top))
    (folder / f"scan{voxels}").write_bytes(gzip.compress(plain[352:]) if packed else plain[352:])
    return folder / f"scan{header}"


def as_nifti_2(path, array=ARRAY, order="<"):
    """A NIfTI-2 file with spacing 0.5, 0.5, 3 mm and an origin, of int16."""
    raw = bytearray(540)

    def put(offset, values, kind):
        values = np.atleast_1d(values).astype(order + kind)
        raw[offset : offset + values.nbytes] = values.tobytes()

    put(0, 540, "i4")
    raw[4:12] = b"n+2\0\r\n\x1a\n"
    put(12, [4, 16], "i2")
    put(16, [3, *array.shape[::-1], 1, 1, 1, 1], "i8")
    put(104, [1, 0.5, 0.5, 3, 0, 0, 0, 0], "f8")
    put(168, 544, "i8")
    put(176, [1, 0], "f8")
    put(344, [0, 1], "i4")
    put(400, [0.5, 0, 0, 10, 0, 0.5, 0, 20, 0, 0, 3, 30], "f8")
    put(500, 2, "i4")
    content = bytes(raw) + bytes(4) + array.astype(order + "i2").tobytes()
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path


class TestWholeFilesAreRead:
    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("given", ["header", "voxels"])
    def test_pairs(self, tmp_path, packed, given):
        header = as_pair(tmp_path, packed=packed, voxels=".img.gz" if packed else ".img")
        path = header if given == "header" else header.with_name("scan.img.gz" if packed else "scan.img")
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)

    @pytest.mark.parametrize(("header", "voxels"), [(".HDR", ".IMG"), (".Hdr", ".img"), (".hdr", ".IMG.GZ")])
    def test_pairs_in_large_letters(self, tmp_path, header, voxels):
        path = as_pair(tmp_path, header=header, voxels=voxels, packed=voxels.endswith("GZ"))
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)

    @pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "SCAN.NII"])
    @pytest.mark.parametrize("order", "<>")
    def test_nifti_2(self, tmp_path, name, order):
        volume = read_image(as_nifti_2(tmp_path / name, order=order), "k")
        assert np.array_equal(volume.intensities, ARRAY)
        assert volume.geometry.spacing_mm == (0.5, 0.5, 3.0)
        assert np.allclose(volume.geometry.origin_mm, (-10, -20, 30))

    @pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
    def test_a_result_on_the_grid_of_a_nifti_2_lies_where_it_does(self, tmp_path, suffix):
        volume = read_image(as_nifti_2(tmp_path / "scan.nii"), "k")
        write_labels(tmp_path / f"out{suffix}", np.ones(volume.shape, np.uint8), volume, CLASSES)
        assert read_labels(tmp_path / f"out{suffix}", volume).labels.all()

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("S.NII.GZ", ".nii.gz"), ("S.Nii.Gz", ".nii.gz"), ("S.NII", ".nii"), ("S.NRRD", ".nrrd"), ("S.MHA", ".mha"),
        ],
    )  # fmt: skip
    def test_suffixes_in_large_letters(self, tmp_path, name, written):
        write(tmp_path / f"x{written}", ARRAY).rename(tmp_path / name)
        assert np.array_equal(read_image(tmp_path / name, "k").intensities, ARRAY)

    @pytest.mark.parametrize("header", [".mhd", ".nhdr"])
    def test_detached_headers_in_large_letters(self, tmp_path, header):
        path = write(tmp_path / f"x{header}", ARRAY).rename(tmp_path / f"X{header.upper()}")
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)

    def test_a_plain_file_called_nii_gz_is_read_with_a_word(self, tmp_path, caplog):
        path = write(tmp_path / "x.nii", ARRAY).rename(tmp_path / "plain.nii.gz")
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)
        assert "plain.nii.gz is not compressed, whatever its name says" in caplog.text

    def test_a_packed_file_called_nii_is_read(self, tmp_path):
        path = write(tmp_path / "x.nii.gz", ARRAY).rename(tmp_path / "packed.nii")
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)

    @pytest.mark.parametrize("detached", [False, True])
    def test_nrrd_packed_with_bzip2(self, tmp_path, detached):
        header, voxels = write(tmp_path / "x.nrrd", ARRAY).read_bytes().split(b"\n\n", 1)
        lines = [line for line in header.split(b"\n") if not line.startswith(b"encoding")] + [b"encoding: bzip2"]
        packed = bz2.compress(voxels)
        if detached:
            (tmp_path / "voxels.bz2").write_bytes(packed)
            lines.append(b"data file: voxels.bz2")
        path = tmp_path / ("y.nhdr" if detached else "y.nrrd")
        path.write_bytes(b"\n".join(lines) + b"\n\n" + (b"" if detached else packed))
        assert np.array_equal(read_image(path, "k").intensities, ARRAY)

    def test_names_that_are_not_utf_8(self, tmp_path):
        path = write(tmp_path / "x.nii.gz", ARRAY).rename(tmp_path / "sch\udce4del.nii.gz")
        volume = read_image(path, "k")
        # With a 0, since a line about a map without one would hold a name that pytest-xdist cannot send to its workers.
        labels = np.ones(volume.shape, np.uint8)
        labels[0] = 0
        write_labels(tmp_path / "\udcfc.nii.gz", labels, volume, CLASSES)
        assert np.array_equal(read_labels(tmp_path / "\udcfc.nii.gz", volume).labels, labels)

    def test_a_folder_with_two_colons_in_its_name(self, tmp_path):
        folder = tmp_path / "a::b"
        folder.mkdir()
        assert read_image(write(folder / "x.nii.gz", ARRAY), "k").shape == ARRAY.shape
        for number, plane in enumerate(ARRAY.astype(np.uint8)):
            sitk.WriteImage(sitk.GetImageFromArray(plane), str(folder / f"s{number}.png"))
        assert read_image(folder, "k").shape == ARRAY.shape


class TestDamageIsFound:
    @pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
    @pytest.mark.parametrize(
        "kind", [*["x.nii", "x.nii.gz", "x.nrrd", "x.mha", "x.mhd", "x.nhdr", "pair", "2"], "packed pair"]
    )
    @pytest.mark.parametrize("compressed", [False, True])
    def test_a_file_that_ends_early(self, tmp_path, kind, share, compressed):
        noise = np.random.default_rng(0).integers(0, 30000, (6, 17, 18)).astype(np.int16)
        if "pair" in kind:
            path = as_pair(tmp_path, noise, packed="packed" in kind, voxels=".img.gz" if "packed" in kind else ".img")
        elif kind == "2":
            path = as_nifti_2(tmp_path / ("x.nii.gz" if compressed else "x.nii"), noise)
        else:
            path = tmp_path / kind
            image = sitk.GetImageFromArray(noise)
            sitk.WriteImage(image, str(path), compressed)
        voxels = max((file for file in tmp_path.iterdir()), key=lambda file: file.stat().st_size)
        content = voxels.read_bytes()
        voxels.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match=r"truncated|damaged"):
            read_image(path, "k")

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("kind", ["x.nii", "x.nii.gz", "x.nrrd", "x.mha", "x.mhd", "x.nhdr", "pair"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_nan_and_infinity(self, tmp_path, kind, bad, dtype):
        array = ARRAY.astype(dtype)
        array[2, 3, 3:5] = bad
        path = as_pair(tmp_path, array) if kind == "pair" else write(tmp_path / kind, array)
        with pytest.raises(InputError, match="holds 2 voxels that are NaN or infinite"):
            read_image(path, "k")
        assert (read_image(path, "k", replace_nan=7).intensities[2, 3, 3:5] == 7).all()

    @pytest.mark.parametrize("lost", ["scan.img", "scan.hdr"])
    def test_half_a_pair(self, tmp_path, lost):
        as_pair(tmp_path)
        (tmp_path / lost).unlink()
        rest = next(tmp_path.iterdir())
        with pytest.raises(InputError, match=f"has no {lost} beside it"):
            read_image(rest, "k")

    @pytest.mark.parametrize("header", [".mhd", ".nhdr"])
    def test_a_header_without_its_voxels(self, tmp_path, header):
        path = write(tmp_path / f"x{header}", ARRAY)
        next(file for file in tmp_path.iterdir() if file != path).unlink()
        with pytest.raises(InputError, match="which is not there"):
            read_image(path, "k")

    @pytest.mark.parametrize("suffix", [".vtk", ".gipl", ".mrc"])
    def test_formats_in_which_damage_does_not_show(self, tmp_path, suffix):
        path = write(tmp_path / f"x{suffix}", ARRAY)
        with pytest.raises(InputError, match="save it as NIfTI"):
            read_image(path, "k")

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("factor", [1e37, 1e40, 1e300])
    def test_doubles_that_are_too_large(self, tmp_path, factor):
        path = write(tmp_path / "x.nii.gz", ARRAY * factor)
        with pytest.raises(InputError, match="too large for 32-bit numbers") as raised:
            read_image(path, "k")
        assert "NaN" not in str(raised.value)

    @pytest.mark.parametrize("factor", [1e-42, 1e-300, -5e-320])
    def test_doubles_that_are_too_small(self, tmp_path, factor):
        path = write(tmp_path / "x.nii.gz", ARRAY * factor)
        with pytest.raises(InputError, match="too small for 32-bit numbers: multiply them"):
            read_image(path, "k")

    @pytest.mark.parametrize(("offset", "kind"), [(2**60, np.uint64), (2**31 - 200, np.int64), (1e12, np.float64)])
    def test_differences_that_32_bits_cannot_tell(self, tmp_path, offset, kind):
        path = write(tmp_path / "x.nrrd", (np.asarray(ARRAY) % 100).astype(kind) + kind(offset))
        with pytest.raises(InputError, match=r"differ too little .*subtract the smallest"):
            read_image(path, "k")

    def test_a_constant_that_32_bits_round_is_read(self, tmp_path):
        assert (
            read_image(write(tmp_path / "x.nrrd", np.full((4, 5, 6), 0.1)), "k").intensities == np.float32(0.1)
        ).all()

    @pytest.mark.parametrize(("offset", "kind"), [(2**20, np.int32), (2**60, np.uint64), (0, np.float64)])
    def test_large_numbers_that_32_bits_hold_are_read(self, tmp_path, offset, kind):
        step = kind(2**40 if offset == 2**60 else 1)
        array = (np.asarray(ARRAY) % 2).astype(kind) * step + kind(offset)
        assert np.array_equal(read_image(write(tmp_path / "x.nrrd", array), "k").intensities, array.astype("f4"))


class TestWriting:
    @pytest.mark.parametrize("name", ["OUT.NII.GZ", "Out.Nii", "OUT.NRRD", "OUT.SEG.NRRD", "OUT.MHA", "OUT.MHD"])
    def test_suffixes_in_large_letters(self, tmp_path, name):
        volume = read_image(write(tmp_path / "scan.nii.gz", ARRAY), "k")
        labels = (ARRAY % 2).astype(np.uint8)
        write_labels(tmp_path / name, labels, volume, CLASSES)
        assert name in {path.name for path in tmp_path.iterdir()}
        assert np.array_equal(read_labels(tmp_path / name, volume).labels, labels)

    @pytest.mark.parametrize("place", [{"origin": (1, 0, 0)}, {"direction": np.diag([-1.0, -1.0, 1.0])}])
    @pytest.mark.parametrize("name", ["out.tif", "out.TIFF"])
    def test_tiff_is_refused_where_it_cannot_keep_the_place_of_the_scan(self, tmp_path, place, name):
        volume = read_image(write(tmp_path / "scan.nrrd", ARRAY, **{"origin": (0, 0, 0), **place}), "k")
        with pytest.raises(InputError, match=r"TIFF keeps neither origin nor direction.*\.nii\.gz, \.nrrd"):
            write_labels(tmp_path / name, np.ones(volume.shape, np.uint8), volume, CLASSES)

    @pytest.mark.parametrize("spacing", [(2, 2, 2), (0.5, 0.5, 3), (1, 1.5, 0.2)])
    def test_tiff_keeps_the_spacing(self, tmp_path, spacing):
        volume = read_image(write(tmp_path / "scan.nrrd", ARRAY, origin=(0, 0, 0), spacing=spacing), "k")
        labels = (ARRAY % 2).astype(np.uint8)
        write_labels(tmp_path / "out.tif", labels, volume, CLASSES)
        back = read_image(tmp_path / "out.tif", "k")
        assert np.array_equal(back.intensities, labels)
        assert np.allclose(back.geometry.spacing_mm, spacing, rtol=1e-4)

    @pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.bmp"])
    def test_pictures_are_refused_before_the_work(self, tmp_path, capsys, name):
        scan, labels = write(tmp_path / "s.nii.gz", ARRAY), write(tmp_path / "l.nii.gz", (ARRAY > 100).astype(np.uint8))
        assert main(["predict", str(scan), str(labels), "-o", str(tmp_path / name), "--predictor", "nearest"]) == 2
        assert ".seg.nrrd, .nii.gz" in capsys.readouterr().err


class TestScaledLabels:
    def labels(self, tmp_path, highest, slope, intercept=0.0):
        """A NIfTI file with a slope, as nibabel writes floats into integers; and the whole numbers."""
        whole = (np.arange(ARRAY.size).reshape(ARRAY.shape) % (highest + 1)).astype(np.float64)
        stored = np.rint((whole - intercept) / slope)
        path = write(tmp_path / "l.nii", stored.astype(np.uint8 if stored.max() < 256 else np.int16))
        raw = bytearray(path.read_bytes())
        raw[112:120] = np.array([slope, intercept], "<f4").tobytes()
        path.write_bytes(raw)
        return path, whole

    @pytest.mark.parametrize(
        ("highest", "slope"), [(12, 12 / 255), (12, 12 / 30001), (5, 5 / 254), (40, 40 / 255), (7, 7 / 1000)]
    )
    def test_come_back_as_whole_numbers_with_one_line(self, tmp_path, caplog, highest, slope):
        path, whole = self.labels(tmp_path, highest, slope)
        volume = Volume.from_file_order(ARRAY, read_image(path, "k").geometry, "k")
        assert np.array_equal(read_labels(path, volume).labels, whole)
        assert caplog.text.count("were brought back to whole numbers") == 1

    def test_a_background_just_below_0_is_background(self, tmp_path):
        path, whole = self.labels(tmp_path, 12, 12.002 / 255, -0.001)
        volume = Volume.from_file_order(ARRAY, read_image(path, "k").geometry, "k")
        assert np.array_equal(read_labels(path, volume).labels, whole)

    @pytest.mark.parametrize("factor", [0.5, 0.1, 1 / 3, 0.9])
    def test_other_fractions_are_no_labels(self, tmp_path, factor):
        volume = read_image(write(tmp_path / "scan.nii.gz", ARRAY), "k")
        path = write(tmp_path / "l.nii.gz", (ARRAY % 12 * factor).astype(np.float32))
        with pytest.raises(InputError, match="not whole numbers"):
            read_labels(path, volume)

    @pytest.mark.parametrize("values", [(1 / 255, 2 / 255), (0.02, 1.0), (0.04, 3.0), (-0.03, 1.0)])
    def test_small_labels_beside_0_are_not_lost(self, tmp_path, values):
        volume = read_image(write(tmp_path / "scan.nii.gz", ARRAY), "k")
        path = write(tmp_path / "l.nii.gz", np.array([0.0, *values], np.float32)[ARRAY % 3])
        with pytest.raises(InputError, match="not whole numbers"):
            read_labels(path, volume)

    def test_a_value_that_is_off_by_a_rounding_is_shown_so(self, tmp_path, caplog):
        volume = read_image(write(tmp_path / "scan.nii.gz", ARRAY), "k")
        path = write(tmp_path / "l.nii.gz", (ARRAY % 3).astype(np.float64) * (1 + 1e-9))
        assert np.array_equal(read_labels(path, volume).labels, ARRAY % 3)
        assert "such as 2.000000002 for 2" in caplog.text

    def test_probabilities_are_no_labels(self, tmp_path):
        volume = read_image(write(tmp_path / "scan.nii.gz", ARRAY), "k")
        path = write(tmp_path / "l.nii.gz", np.random.default_rng(0).random(ARRAY.shape).astype(np.float32))
        with pytest.raises(InputError, match="not whole numbers"):
            read_labels(path, volume)


class TestText:
    NAMES = (b"M\xfcller", b"L\xe9sion n\xb0 2", b"\xe5\xe4\xf6", "Größe".encode())
    WIDE = (("Leber", "utf-16-le"), ("Größe 2", "utf-16-be"), ("Milz", "utf-16"))

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("result", ["out.seg.nrrd", "out.nii.gz", "out.mha"])
    def test_names_of_segments_that_are_not_utf_8_are_latin_1_and_written_as_utf_8(self, tmp_path, name, result):
        scan = write(tmp_path / "scan.nrrd", ARRAY)
        labels = np.zeros(ARRAY.shape, np.uint8)
        labels[[1, 4], 2:5, 2:6] = 1
        fields = {"Segment0_Name": "NAME", "Segment0_LabelValue": "1", "Segment0_Layer": "0", "Segment0_ID": "one"}
        fields |= {"Segment0_Tags": "note:NAME|"}
        path = write(tmp_path / "l.seg.nrrd", labels, fields)
        path.write_bytes(path.read_bytes().replace(b"NAME", name))
        quality = tmp_path / "q.csv"
        arguments = ["predict", str(scan), str(path), "-o", str(tmp_path / result), "--quality", str(quality)]
        assert main([*arguments, "--predictor", "nearest"]) == 0
        try:
            expected = name.decode()
        except UnicodeDecodeError:
            expected = name.decode("latin-1")
        assert expected in quality.read_text(encoding="utf-8")
        if result.endswith(".seg.nrrd"):
            header = (tmp_path / result).read_bytes().split(b"\n\n")[0].decode("utf-8")
            assert f"Segment0_Name:={expected}" in header
            assert f"note:{expected}" in header

    @pytest.mark.parametrize(("name", "encoding"), WIDE)
    def test_names_of_segments_in_two_bytes_a_letter_are_read_whole(self, tmp_path, name, encoding):
        fields = {"Segment0_Name": "NAME", "Segment0_LabelValue": "1", "Segment0_Layer": "0", "Segment0_ID": "one"}
        path = write(tmp_path / "l.seg.nrrd", (ARRAY > 200).astype(np.uint8), fields)
        path.write_bytes(path.read_bytes().replace(b"NAME", name.encode(encoding)))
        volume = read_image(write(tmp_path / "scan.nrrd", ARRAY), "k")
        assert [one.name for one in read_labels(path, volume).classes] == [name]

    @pytest.mark.parametrize("rest", [b"", b"x", b"garbage"])
    def test_a_name_ends_where_a_string_of_c_does(self, tmp_path, rest):
        fields = {"Segment0_Name": "NAME", "Segment0_LabelValue": "1", "Segment0_Layer": "0", "Segment0_ID": "one"}
        path = write(tmp_path / "l.seg.nrrd", (ARRAY > 200).astype(np.uint8), fields)
        path.write_bytes(path.read_bytes().replace(b"NAME", b"Leber\0" + rest))
        volume = read_image(write(tmp_path / "scan.nrrd", ARRAY), "k")
        assert [one.name for one in read_labels(path, volume).classes] == ["Leber"]

    @pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
    def test_other_texts_in_a_header_do_no_harm(self, tmp_path, suffix):
        path = write(tmp_path / f"scan{suffix}", ARRAY, {"Comment": "NAME"})
        path.write_bytes(path.read_bytes().replace(b"NAME", b"\xfcbel"))
        volume = read_image(path, "k")
        write_labels(tmp_path / f"out{suffix}", np.ones(volume.shape, np.uint8), volume, CLASSES)
        assert read_labels(tmp_path / f"out{suffix}", volume).labels.all()

    def test_tables_of_windows(self, tmp_path, capsys):
        write(tmp_path / "Müller.nii.gz", ARRAY)
        write(tmp_path / "Müller_labels.nii.gz", (ARRAY > 200).astype(np.uint8))
        rows = "name,image,labels\nMüller,Müller.nii.gz,Müller_labels.nii.gz\n"
        (tmp_path / "cases.csv").write_bytes(rows.encode("cp1252"))
        given = ["predict", str(tmp_path / "cases.csv"), "-o", str(tmp_path / "out"), "--predictor", "nearest", "-q"]
        assert main(given) == 0, capsys.readouterr().err
        assert (tmp_path / "out" / "Müller.nii.gz").exists()


class TestAnImageIsNoLabelMap:
    @pytest.mark.parametrize("levels", [40, 200, 255, 3000])
    def test_as_many_structures_as_grey_values(self, tmp_path, levels):
        noise = np.random.default_rng(0).integers(0, levels, (9, 20, 21)).astype(np.uint16)
        path = write(tmp_path / "scan.nii.gz", noise)
        with pytest.raises(InputError, match=r"different values.*label map"):
            read_labels(path, read_image(path, "k"))

    @pytest.mark.parametrize("background", [255, 1, 7])
    def test_a_label_map_without_a_0_is_said(self, tmp_path, caplog, background):
        labels = np.full((5, 10, 10), background, np.uint8)
        labels[2, 3:5, 3:8] = 3
        image = read_image(write(tmp_path / "image.nii.gz", labels.astype(np.int16)), "k")
        read_labels(write(tmp_path / "labels.nii.gz", labels), image)
        assert f"so all of it is taken as structures: if {background} (98 % of the voxels) is the" in caplog.text
        caplog.clear()
        read_labels(write(tmp_path / "labels.nii.gz", np.where(labels == 3, 3, 0).astype(np.uint8)), image)
        assert not caplog.text

    def test_an_atlas_with_many_structures_is_one(self, tmp_path):
        atlas = np.kron(np.arange(1, 82).reshape(9, 9), np.ones((5, 5), int))[None].repeat(4, 0).astype(np.uint8)
        path = write(tmp_path / "atlas.nii.gz", atlas)
        assert len(read_labels(path, read_image(path, "k")).classes) == 81


class TestNrrdInParts:
    """Voxels packed behind what is to be skipped, and in files that a list or a pattern names."""

    STACK = ramp((6, 5, 4), np.int16)
    HEADER = "NRRD0004\ntype: int16\ndimension: 3\nsizes: 4 5 6\nspacings: 1 1 2\nendian: little\n"

    def parts(self, folder):
        for number, plane in enumerate(self.STACK):
            (folder / f"s{number}.raw").write_bytes(plane.astype("<i2").tobytes())

    @pytest.mark.parametrize(("encoding", "pack"), [("raw", bytes), ("gzip", gzip.compress), ("bzip2", bz2.compress)])
    @pytest.mark.parametrize(("lines", "skip"), [(0, 4), (1, 0), (2, 3)])
    def test_what_is_to_be_skipped_is_skipped(self, tmp_path, encoding, pack, lines, skip):
        """ITK and NRRD leave out lines of the file, and bytes of what is unpacked."""
        path = tmp_path / "a.nrrd"
        voxels = b"\n".join([b"line"] * lines + [b""]) * (lines > 0) + pack(b"x" * skip + self.STACK.tobytes())
        path.write_bytes(
            f"{self.HEADER}encoding: {encoding}\nline skip: {lines}\nbyte skip: {skip}\n\n".encode() + voxels
        )
        assert np.array_equal(read_image(path, "k").intensities, self.STACK)

    @pytest.mark.parametrize(
        ("named", "order"),
        [
            ("data file: LIST\n" + "".join(f"s{k}.raw\n" for k in range(6)), range(6)),
            ("datafile: LIST\n" + "".join(f"s{k}.raw\n" for k in (3, 1, 5, 0, 2, 4)), (3, 1, 5, 0, 2, 4)),
            ("data file: s%d.raw 0 5 1\n\n", range(6)),
            ("data file: s%d.raw 5 0 -1\n\n", range(5, -1, -1)),
        ],
    )
    def test_planes_in_files_of_their_own(self, tmp_path, named, order):
        self.parts(tmp_path)
        path = tmp_path / "a.nhdr"
        path.write_text(f"{self.HEADER}encoding: raw\n{named}")
        assert np.array_equal(read_image(path, "k").intensities, self.STACK[list(order)])
        assert {file.name for file in parts_of(path)} == {"a.nhdr", *(f"s{k}.raw" for k in range(6))}

    def test_the_files_of_a_list_are_not_overwritten(self, tmp_path, capsys):
        self.parts(tmp_path)
        path = tmp_path / "a.nhdr"
        path.write_text(f"{self.HEADER}encoding: raw\ndata file: LIST\n" + "".join(f"s{k}.raw\n" for k in range(6)))
        labels = write(
            tmp_path / "labels.nrrd", (self.STACK > 50).astype(np.uint8), spacing=(1, 1, 2), origin=(0, 0, 0)
        )
        assert main(["predict", str(path), str(labels), "-o", str(tmp_path / "s0.mhd")]) == 2
        assert "would overwrite" in capsys.readouterr().err

    @pytest.mark.parametrize("cut", [1, 2, 4])
    def test_files_that_cannot_hold_the_voxels_are_refused(self, tmp_path, cut):
        self.parts(tmp_path)
        path = tmp_path / "a.nhdr"
        names = "".join(f"s{k}.raw\n" for k in range(6 - cut))
        path.write_text(f"{self.HEADER}encoding: raw\ndata file: LIST\n{names}")
        with pytest.raises(InputError, match=r"cannot be shared out alike|truncated"):
            read_image(path, "k")

    @pytest.mark.parametrize("encoding", ["zstd", "zrl", "lz4"])
    def test_another_encoding_is_named(self, tmp_path, encoding):
        path = tmp_path / "a.nrrd"
        path.write_bytes(f"{self.HEADER}encoding: {encoding}\n\n".encode() + self.STACK.tobytes())
        with pytest.raises(InputError, match=f"packed with {encoding}, which cannot be read: save it with gzip or raw"):
            read_image(path, "k")
