"""Headers that say what is not so: ITK believes them and makes voxels up, or takes one of two meanings silently."""

import re
import struct
import zlib

import numpy as np
import pytest
from image_files import ramp, write
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image

nib = pytest.importorskip("nibabel")


def meta(path, edit, voxels=None, suffix=".mha"):
    """A MetaImage whose header is edited."""
    write(path.with_suffix(suffix), ramp((6, 8, 10)))
    raw = path.with_suffix(suffix).read_bytes()
    end = raw.index(b"\n", raw.index(b"ElementDataFile")) + 1
    path.with_suffix(suffix).write_bytes(edit(raw[:end].decode()).encode() + (raw[end:] if voxels is None else voxels))
    return path.with_suffix(suffix)


class TestMetaImages:
    @pytest.mark.parametrize("said", [0, 10, 300])
    def test_too_few_packed_bytes_are_refused(self, tmp_path, said):
        packed = zlib.compress(ramp((6, 8, 10)).tobytes())
        assert len(packed) > 300

        def edit(header):
            return header.replace("CompressedData = False", f"CompressedData = True\nCompressedDataSize = {said}")

        with pytest.raises(InputError, match=rf"take {said} bytes .*they take {len(packed)}: correct its header"):
            read_image(meta(tmp_path / "x", edit, packed))

    @pytest.mark.parametrize("true", ["True", "true", "TRUE"])
    def test_packed_voxels_whose_number_of_bytes_is_not_said_are_refused(self, tmp_path, true):
        """ITK makes all voxels up, and says nothing."""
        packed = zlib.compress(ramp((6, 8, 10)).tobytes())
        path = meta(tmp_path / "x", lambda header: header.replace("Data = False", f"Data = {true}"), packed)
        with pytest.raises(InputError, match=f"write CompressedDataSize = {len(packed)} into its header"):
            read_image(path)

    def test_in_a_file_of_their_own_they_are_read(self, tmp_path):
        def edit(header):
            return header.replace("CompressedData = False", "CompressedData = True").replace("LOCAL", "x.zraw")

        (tmp_path / "x.zraw").write_bytes(zlib.compress(ramp((6, 8, 10)).tobytes()))
        assert np.array_equal(read_image(meta(tmp_path / "x", edit, b""), "k").intensities, ramp((6, 8, 10)))

    @pytest.mark.parametrize("named", ["s%d.raw 5 0 -1", "s%d.raw 0 5 0", "s%d.raw 0 x 1"])
    def test_a_pattern_that_itk_does_not_follow_is_refused(self, tmp_path, named):
        for number, plane in enumerate(ramp((6, 8, 10))):
            (tmp_path / f"s{number}.raw").write_bytes(plane.tobytes())
        with pytest.raises(InputError, match=r"pattern that cannot be followed .*: list the files instead"):
            read_image(meta(tmp_path / "x", lambda header: header.replace("LOCAL", named), b""))

    @pytest.mark.parametrize("more", [0, 2, 4096])
    def test_more_bytes_than_voxels_in_a_file_of_their_own_are_told(self, tmp_path, caplog, more):
        (tmp_path / "v.raw").write_bytes(ramp((6, 8, 10)).tobytes() + bytes(more))
        path = meta(tmp_path / "x", lambda header: header.replace("LOCAL", "v.raw"), b"")
        assert np.array_equal(read_image(path, "k").intensities, ramp((6, 8, 10)))
        assert ("more than the voxels take" in caplog.text) == (more > 0)
        (tmp_path / "v.raw").write_bytes(bytes(more) + ramp((6, 8, 10)).tobytes())
        caplog.clear()
        lines = f"HeaderSize = {more}\nElementType"
        path = meta(tmp_path / "y", lambda header: header.replace("LOCAL", "v.raw").replace("ElementType", lines), b"")
        assert np.array_equal(read_image(path, "k").intensities, ramp((6, 8, 10)))
        assert not caplog.records

    def test_a_size_below_0_is_told(self, tmp_path, caplog):
        read_image(meta(tmp_path / "x", lambda header: re.sub("Spacing = .*", "Spacing = 1 -1 2", header)), "k")
        assert "sizes of voxels below 0 (1 -1 2): these axes count as turned round" in caplog.text

    @pytest.mark.parametrize("more", [0, 1000])
    def test_as_many_or_more_are_read(self, tmp_path, more):
        packed = zlib.compress(ramp((6, 8, 10)).tobytes())
        said = f"CompressedData = True\nCompressedDataSize = {len(packed)}"
        path = meta(tmp_path / "x", lambda header: header.replace("CompressedData = False", said), packed + b"0" * more)
        assert np.array_equal(read_image(path, "k").intensities, ramp((6, 8, 10)))

    @pytest.mark.parametrize("named", ["x.mha", "./x.mha"])
    def test_one_that_names_itself_is_refused(self, tmp_path, named):
        with pytest.raises(InputError, match="names itself: correct its header"):
            read_image(meta(tmp_path / "x", lambda header: header.replace("LOCAL", named)))

    @pytest.mark.parametrize(
        "line", ["ElementToIntensityFunctionSlope = 2", "ElementToIntensityFunctionOffset = -1024"]
    )
    def test_a_scale_that_is_not_applied_is_told(self, tmp_path, caplog, line):
        path = meta(tmp_path / "x", lambda header: header.replace("ElementType", f"{line}\nElementType"))
        assert read_image(path, "k").intensities.max() == 479
        assert f"says {line}, which is not applied" in caplog.text

    def test_a_scale_that_changes_nothing_is_not(self, tmp_path, caplog):
        line = "ElementToIntensityFunctionSlope = 1\nElementToIntensityFunctionOffset = 0"
        read_image(meta(tmp_path / "x", lambda header: header.replace("ElementType", f"{line}\nElementType")))
        assert not caplog.records


class TestNrrd:
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_an_axis_without_a_direction_is_refused(self, tmp_path, place):
        path = write(tmp_path / "x.nrrd", ramp(), spacing=(1, 1, 2))
        raw = path.read_bytes()
        line = next(one for one in raw.split(b"\n") if one.startswith(b"space directions:"))
        words = line.split(b" ")
        words[2 + place] = b"none"
        path.write_bytes(raw.replace(line, b" ".join(words)))
        with pytest.raises(InputError, match=r"which way one of its axes goes \(none\)"):
            read_image(path)

    def test_one_that_names_itself_is_refused(self, tmp_path):
        path = write(tmp_path / "x.nrrd", np.zeros((60, 8, 8), np.int16), spacing=(1, 1, 2))
        raw = path.read_bytes()
        path.with_suffix(".nhdr").write_bytes(raw.replace(b"encoding: raw", b"encoding: raw\ndata file: x.nhdr") * 1)
        with pytest.raises(InputError, match="names itself: correct its header"):
            read_image(path.with_suffix(".nhdr"))


def placed(path, qform, sform, codes):
    image = nib.Nifti1Image(ramp().transpose(2, 1, 0), np.diag([1.0, 1, 2, 1]))
    image.set_qform(qform, codes[0])
    image.set_sform(sform, codes[1])
    nib.save(image, path)
    return path


def moved(by=0.0, turned=0.0):
    cosine, sine = np.cos(turned), np.sin(turned)
    matrix = np.array([[cosine, -sine, 0, by], [sine, cosine, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    return matrix @ np.diag([1.0, 1, 2, 1])


class TestTwoPlacesOfNifti:
    @pytest.mark.parametrize(
        ("sform", "codes", "taken", "apart"),
        [
            (moved(5), (1, 2), "qform", "5"),
            (moved(-40), (1, 1), "sform", "40"),
            (moved(turned=0.4), (1, 4), "qform", "2.54"),
            (np.diag([-1, 1, 1, 1.0]) @ moved(), (2, 1), "sform", "10"),
        ],
    )
    def test_they_are_told_with_the_one_that_counts(self, tmp_path, caplog, sform, codes, taken, apart):
        geometry = read_image(placed(tmp_path / "x.nii", moved(), sform, codes), "k").geometry
        assert f"says two places, up to {apart} mm apart: its {taken} is taken, as ITK does" in caplog.text
        expected = np.diag([-1, -1, 1, 1.0]) @ (sform if taken == "sform" else moved())
        assert np.allclose(np.reshape(geometry.direction, (3, 3)) * geometry.spacing_mm, expected[:3, :3], atol=1e-5)
        assert np.allclose(geometry.origin_mm, expected[:3, 3], atol=1e-5)

    @pytest.mark.parametrize("codes", [(1, 0), (0, 1), (1, 1), (2, 4)])
    def test_the_same_place_is_not(self, tmp_path, caplog, codes):
        read_image(placed(tmp_path / "x.nii", moved(3, 0.2), moved(3.1, 0.2), codes))
        assert not caplog.records

    def test_the_mirror_that_qfac_says_is_known(self, tmp_path, caplog):
        mirrored = moved() @ np.diag([1, 1, -1, 1.0])
        read_image(placed(tmp_path / "x.nii", mirrored, mirrored, (1, 1)))
        assert not caplog.records


def test_damage_is_told_of_the_file_that_has_it(tmp_path):
    nib.save(nib.Nifti1Pair(ramp().transpose(2, 1, 0), np.eye(4)), tmp_path / "x.img")
    packed = bytearray(zlib.compress((tmp_path / "x.img").read_bytes(), wbits=31))
    packed[-8:-4] = struct.pack("<I", 7)
    (tmp_path / "x.img.gz").write_bytes(packed)
    (tmp_path / "x.img").unlink()
    with pytest.raises(InputError, match=r"x\.img\.gz is damaged or truncated"):
        read_image(tmp_path / "x.hdr")
