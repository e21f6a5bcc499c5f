"""TIFF stacks: channels and times are no planes, every sample type is read, and what is not said is told."""

import logging

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import ramp, write
from PIL import Image
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image, read_labels

tifffile = pytest.importorskip("tifffile", reason="tifffile is not installed")

STACK = ramp((9, 20, 24), np.uint16)
BYTES = (np.arange(9 * 20 * 24).reshape(9, 20, 24) % 251).astype(np.uint8)


def written(path, array, **how):
    tifffile.imwrite(path, array, **how)
    return path


def pages(path, planes, mode=None, **how):
    """Written by Pillow, which knows the compressions that tifffile needs another package for."""
    images = [Image.fromarray(plane, mode) if mode else Image.fromarray(plane) for plane in planes]
    images[0].save(path, save_all=True, append_images=images[1:], **how)
    return path


class TestHyperstacks:
    """Beside ZCYX of ImageJ, which field_cases has."""

    @pytest.mark.parametrize(
        ("axes", "name", "options", "what"),
        [
            ("TZYX", "a.tif", {"imagej": True}, "2 times x 9 planes"),
            ("ZCYX", "a.ome.tif", {}, "9 planes x 2 channels"),
            ("TZYX", "a.ome.tif", {}, "2 times x 9 planes"),
            ("CZYX", "a.ome.tif", {}, "2 channels x 9 planes"),
        ],
    )
    def test_of_channels_or_times_one_must_be_chosen(self, tmp_path, axes, name, options, what):
        other = STACK + 1000
        array = np.stack([STACK, other], axes.index("C" if "C" in axes else "T"))
        path = written(tmp_path / name, array, metadata={"axes": axes}, **options)
        with pytest.raises(InputError, match=f"{name} holds {what}: save one .* or choose one with --channel N"):
            read_image(path)
        assert np.array_equal(read_image(path, "k", channel=0).intensities, STACK)
        assert np.array_equal(read_image(path, "k", channel=1).intensities, other)
        with pytest.raises(InputError, match="numbered from 0: there is no number 2"):
            read_image(path, channel=2)

    def test_channels_and_times_together_are_refused(self, tmp_path):
        path = written(tmp_path / "a.tif", np.zeros((2, 5, 3, 20, 24), np.uint8), imagej=True)
        with pytest.raises(InputError, match="2 times x 5 planes x 3 channels: save one channel at one time"):
            read_image(path, channel=0)

    def test_times_of_one_plane_are_no_volume(self, tmp_path):
        path = written(tmp_path / "film.tif", STACK, imagej=True, metadata={"axes": "TYX"})
        with pytest.raises(InputError, match="9 times of 24x20 pixels: save one volume of it"):
            read_image(path)

    def test_three_channels_of_one_plane_are_no_volume(self, tmp_path):
        path = written(tmp_path / "a.tif", STACK[:3], imagej=True, metadata={"axes": "CYX"})
        with pytest.raises(InputError, match="3 channels of 24x20 pixels"):
            read_image(path)

    def test_an_array_of_two_unnamed_stacks_is_refused(self, tmp_path):
        path = written(tmp_path / "a.tif", np.stack([STACK, STACK]))
        with pytest.raises(InputError, match="2 planes x 9 planes of 24x20 pixels"):
            read_image(path)

    def test_planes_that_tifffile_called_channels_are_planes_and_told(self, tmp_path, caplog):
        path = written(tmp_path / "a.tif", STACK, imagej=True)
        assert np.array_equal(read_image(path, "k").intensities, STACK)
        assert "calls its 9 planes channels: they are taken as planes" in caplog.text

    def test_colour_is_refused_until_one_is_chosen(self, tmp_path):
        path = written(tmp_path / "a.tif", np.stack([BYTES, BYTES + 1, BYTES], -1), photometric="rgb")
        with pytest.raises(InputError, match="9 planes x 3 colours"):
            read_image(path)
        assert np.array_equal(read_image(path, "k", channel=1).intensities, BYTES + 1)

    def test_a_stack_of_one_channel_has_no_second_one(self, tmp_path):
        path = written(tmp_path / "a.tif", STACK)
        assert np.array_equal(read_image(path, "k", channel=0).intensities, STACK)
        with pytest.raises(InputError, match="one channel only: there is no channel 1"):
            read_image(path, channel=1)

    def test_labels_with_channels_are_refused(self, tmp_path):
        volume = read_image(written(tmp_path / "a.tif", STACK), "k")
        path = written(tmp_path / "l.tif", np.zeros((9, 2, 20, 24), np.uint8), metadata={"axes": "ZCYX"}, imagej=True)
        with pytest.raises(InputError, match=r"9 planes x 2 channels: save one of the channels and give that$"):
            read_labels(path, volume)


class TestSamples:
    @pytest.mark.parametrize(
        "kind", ["int8", "uint32", "int32", "int64", "uint64", "float16", "float64", ">u2", "bool"]
    )
    def test_every_type_is_read(self, tmp_path, kind):
        array = (BYTES % 2 if kind == "bool" else BYTES % 100).astype(kind)
        path = written(tmp_path / "a.tif", array, byteorder=">" if kind[0] == ">" else "<")
        assert np.array_equal(read_image(path, "k").intensities, array.astype(np.float32))

    @pytest.mark.parametrize(
        "how", [{"tile": (16, 16)}, {"rowsperstrip": 3}, {"compression": "zlib"}, {"bigtiff": True}]
    )
    def test_every_layout_is_read(self, tmp_path, how):
        path = written(tmp_path / "a.tif", STACK, **how)
        assert np.array_equal(read_image(path, "k").intensities, STACK)

    @pytest.mark.parametrize("name", ["a.btf", "a.tf8", "a.TF2", "a.ome.btf"])
    def test_a_bigtiff_is_read_by_its_own_suffixes_too(self, tmp_path, name):
        volume = read_image(written(tmp_path / name, STACK, bigtiff=True), "k")
        assert np.array_equal(volume.intensities, STACK)
        labels = written(tmp_path / f"labels_{name}", (STACK > 1000).astype(np.uint8), bigtiff=True)
        assert [one.value for one in read_labels(labels, volume).classes] == [1]

    @pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_deflate"])
    def test_what_tifffile_does_not_decompress_is_read_too(self, tmp_path, compression):
        assert np.array_equal(
            read_image(pages(tmp_path / "a.tif", BYTES, compression=compression), "k").intensities, BYTES
        )

    def test_fax_pages_of_one_bit_are_read_as_stored(self, tmp_path):
        array = BYTES % 2 > 0
        path = pages(tmp_path / "a.tif", array, compression="group4")
        assert np.array_equal(read_image(path, "k").intensities, array)

    def test_planes_that_were_written_one_by_one_are_a_stack(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            for plane in STACK:
                writer.write(plane, contiguous=False)
        assert np.array_equal(read_image(tmp_path / "a.tif", "k").intensities, STACK)

    def test_planes_of_several_sizes_are_refused(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            for rows in (20, 20, 10):
                writer.write(STACK[0, :rows], contiguous=False)
        with pytest.raises(InputError, match=r"3 images that do not form one stack \(24x20 and 24x10\)"):
            read_image(tmp_path / "a.tif")

    def test_planes_of_several_types_are_refused_for_that_reason(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            for kind in ("uint16", "uint8", "uint16"):
                writer.write(STACK[0].astype(kind), contiguous=False)
        with pytest.raises(InputError, match=r"3 images that do not form one stack \(uint16 and uint8\)"):
            read_image(tmp_path / "a.tif")

    @pytest.mark.parametrize("kinds", ["wwww", "bbbb", "wbbb", "bbbw", "bwbw"])
    def test_negatives_are_told_and_refused_among_others(self, tmp_path, kinds, caplog):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            for plane, kind in zip(STACK, kinds, strict=False):
                white = {"w": "miniswhite", "b": "minisblack"}[kind]
                writer.write(plane, contiguous=False, photometric=white)
        if len(set(kinds)) > 1:
            with pytest.raises(InputError, match="holds negatives and others"):
                read_image(tmp_path / "a.tif")
            return
        assert np.array_equal(read_image(tmp_path / "a.tif", "k").intensities, STACK[:4])
        assert ("is a negative (0 stands for white)" in caplog.text) == (kinds == "wwww")

    def test_complex_numbers_are_refused(self, tmp_path):
        with pytest.raises(InputError, match="complex numbers: save its magnitude"):
            read_image(written(tmp_path / "a.tif", STACK.astype(np.complex64)))

    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
    @pytest.mark.parametrize("how", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"imagej": True}], ids=str)
    def test_a_truncated_file_is_refused(self, tmp_path, share, how):
        noise = np.random.default_rng(0).integers(0, 60000, STACK.shape).astype(np.uint16)
        path = written(tmp_path / "a.tif", noise, **how)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match="damaged or truncated"):
            read_image(path)

    def test_labels_compressed_as_jpeg_are_refused_and_an_image_is_not(self, tmp_path):
        path = pages(tmp_path / "a.tif", BYTES, compression="jpeg")
        volume = read_image(path, "k")
        assert volume.shape == STACK.shape
        with pytest.raises(InputError, match="compressed with JPEG, which changes labels"):
            read_labels(path, volume)

    @pytest.mark.parametrize("compression", ["JPEG2000", "JPEGXL", "JPEGXR", "WEBP", "LERC", "JPEG_2000_LOSSY"])
    def test_labels_in_what_may_change_values_are_refused_whether_it_can_be_unpacked_or_not(
        self, tmp_path, compression
    ):
        volume = read_image(written(tmp_path / "a.tif", STACK), "k")
        path = written(tmp_path / "l.tif", BYTES % 3)
        with tifffile.TiffFile(path, mode="r+") as file:
            file.pages[0].tags["Compression"].overwrite(int(tifffile.COMPRESSION[compression]))
        with pytest.raises(InputError, match=f"compressed with {compression}, which may change labels: save it"):
            read_labels(path, volume)

    @pytest.mark.parametrize("kind", ["int64", "bool", "float32"])
    def test_labels_of_every_type_are_read(self, tmp_path, kind):
        volume = read_image(written(tmp_path / "a.tif", STACK), "k")
        labels = np.zeros(STACK.shape, kind)
        labels[3, 2:5, 4:8] = 1
        file = read_labels(written(tmp_path / "l.tif", labels, tile=(16, 16)), volume)
        assert np.array_equal(file.labels, labels)
        assert [one.value for one in file.classes] == [1]


class TestSpacing:
    def test_imagej_says_it(self, tmp_path, caplog):
        how = {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 3.0, "unit": "mm"}, "resolution": (2.0, 4.0)}
        volume = read_image(written(tmp_path / "a.tif", STACK, **how), "k")
        assert volume.spacing_mm == pytest.approx((3.0, 0.25, 0.5))
        assert caplog.text == ""

    def test_ome_says_it_in_micrometres(self, tmp_path):
        metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
        volume = read_image(written(tmp_path / "a.ome.tif", STACK, metadata=metadata), "k")
        assert volume.spacing_mm == pytest.approx((0.002, 0.0005, 0.0005))

    @pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
    def test_where_nothing_is_said_one_line_tells_what_is_assumed(self, tmp_path, caplog, name):
        with caplog.at_level(logging.WARNING):
            volume = read_image(written(tmp_path / name, STACK, metadata={"axes": "ZYX"}), "auto")
        assert volume.spacing_mm == (1.0, 1.0, 1.0)
        assert "does not say its spacing: voxels of 1 x 1 x 1 mm are assumed" in caplog.text
        assert "--spacing I J K" in caplog.text

    def test_planes_are_assumed_as_far_apart_as_the_pixels(self, tmp_path, caplog):
        path = written(tmp_path / "a.tif", STACK, resolution=(25.4 / 0.3, 25.4 / 0.3), resolutionunit="INCH")
        volume = read_image(path)
        assert volume.axis == "k"
        assert volume.spacing_mm == pytest.approx((0.3, 0.3, 0.3), rel=1e-4)
        assert "does not say how far apart its planes are: voxels of 0.3 x 0.3 x 0.3 mm" in caplog.text

    def test_the_user_can_say_it(self, tmp_path, caplog):
        volume = read_image(written(tmp_path / "a.tif", STACK), spacing_mm=(0.5, 0.6, 2.0))
        assert volume.spacing_mm == (2.0, 0.6, 0.5)
        assert caplog.text == ""

    @pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
    def test_it_is_not_said_against_a_file_that_says_it(self, tmp_path, suffix):
        with pytest.raises(InputError, match="says its spacing itself: drop --spacing"):
            read_image(write(tmp_path / f"a.{suffix}", STACK), spacing_mm=(0.5, 0.6, 2.0))

    def test_labels_as_tiff_fit_any_image_of_their_size(self, tmp_path):
        volume = read_image(write(tmp_path / "a.nii.gz", STACK), "k")
        labels = (STACK > 4000).astype(np.uint8)
        assert np.array_equal(read_labels(written(tmp_path / "l.tif", labels), volume).labels, labels)
        with pytest.raises(InputError, match="another grid than the image"):
            read_labels(written(tmp_path / "l.tif", labels[1:]), volume)


def test_other_formats_take_a_channel_too(tmp_path):
    frames = np.stack([STACK, STACK + 1, STACK + 2])
    path = tmp_path / "frames.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(frames, isVector=False), str(path))
    assert np.array_equal(read_image(path, "k", channel=2).intensities, STACK + 2)
    vectors = write(tmp_path / "vectors.nrrd", np.moveaxis(frames, 0, -1))
    assert np.array_equal(read_image(vectors, "k", channel=1).intensities, STACK + 1)
    for one in (path, vectors):
        with pytest.raises(InputError, match="3 channels, numbered from 0: there is no number 3"):
            read_image(one, channel=3)


class TestDisplay:
    """What a file says of showing its numbers, which is not what they are."""

    @pytest.mark.parametrize("alpha", [255, 100])
    def test_transparency_that_is_the_same_all_over_is_left_out(self, tmp_path, alpha):
        layers = np.stack([BYTES, np.full_like(BYTES, alpha)], -1)
        path = tmp_path / "scan.tif"
        tifffile.imwrite(path, layers, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
        assert np.array_equal(read_image(path, "k").intensities, BYTES)
        layers[1, 2, 2, 1] -= 1
        tifffile.imwrite(path, layers, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
        with pytest.raises(InputError, match="transparent in parts"):
            read_image(path)

    def test_numbers_of_colours_are_labels_and_no_intensities(self, tmp_path):
        path = tmp_path / "scan.tif"
        grey = (np.arange(256) * 257)[None].repeat(3, 0).astype(np.uint16)
        small = (BYTES % 5).astype(np.uint8)
        tifffile.imwrite(path, small, photometric="palette", colormap=grey)
        volume = read_image(path, "k")
        assert np.array_equal(volume.intensities, small)
        tifffile.imwrite(path, small, photometric="palette", colormap=grey[:, ::-1].copy())
        with pytest.raises(InputError, match="holds numbers of colours"):
            read_image(path)
        assert np.array_equal(read_labels(path, volume).labels, small)

    @pytest.mark.parametrize("turned", [3, 6, 8])
    def test_a_turn_is_told(self, tmp_path, caplog, turned):
        path = tmp_path / "scan.tif"
        tifffile.imwrite(path, BYTES, photometric="minisblack", extratags=[(274, "H", 1, turned, True)])
        assert np.array_equal(read_image(path, "k").intensities, BYTES)
        assert f"asks to be shown turned (Orientation {turned}): it is taken as it is stored" in caplog.text

    @pytest.mark.parametrize("axes", ["TCZYX", "CTZYX", "CZYX"])
    def test_one_channel_at_one_time_is_a_stack(self, tmp_path, axes):
        path = tmp_path / "scan.tif"
        shape = (1,) * (len(axes) - 3) + BYTES.shape
        tifffile.imwrite(path, BYTES.reshape(shape), photometric="minisblack", metadata={"axes": axes})
        assert np.array_equal(read_image(path, "k").intensities, BYTES)

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_a_volume_of_one_voxel_along_an_axis_is_refused(self, tmp_path, axis):
        path = tmp_path / "scan.tif"
        tifffile.imwrite(path, BYTES.take([0], axis), photometric="minisblack", metadata={"axes": "ZYX"})
        with pytest.raises(InputError, match="is a 2-D image"):
            read_image(path)
