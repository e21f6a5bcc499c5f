"""Folders of numbered slices: their order, missing ones, and labels for some of them."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import write
from PIL import Image
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import read_image, read_labels

STACK = (np.arange(6 * 8 * 9).reshape(6, 8, 9) % 256).astype(np.uint8)


def slices(folder, planes, names, suffix="png"):
    folder.mkdir(exist_ok=True)
    for plane, name in zip(planes, names, strict=True):
        Image.fromarray(plane).save(folder / f"{name}.{suffix}")
    return folder


def painted_on(*planes):
    labels = np.zeros(STACK.shape, np.uint8)
    for plane in planes:
        labels[plane, 2:6, 3:7] = 1
    return labels


class TestOrder:
    @pytest.mark.parametrize(
        "names",
        [
            [f"s{k}" for k in (8, 9, 10, 11, 12, 13)],
            [f"scan.1.{k}" for k in (8, 9, 10, 11, 12, 13)],
            [f"z{position}" for position in ("0.0", "2.5", "5.0", "7.5", "10.0", "12.5")],
            [f"z{position}" for position in ("0", "2.5", "5", "7.5", "10", "12.5")],
            [f"{10 * k}_of_60" for k in range(6)],
            [f"s{k:03d}_z{5 * k + 7}" for k in range(6)],
        ],
    )
    def test_the_number_that_counts_the_planes_gives_it(self, tmp_path, names):
        assert np.array_equal(read_image(slices(tmp_path / "s", STACK, names), "k").intensities, STACK)

    @pytest.mark.parametrize(
        ("names", "between"),
        [
            (["s1", "s2", "s3", "s5", "s6", "s7"], r"s3\.png and s5\.png"),
            ([f"{10 * k}" for k in (0, 1, 2, 3, 5, 6)], r"30\.png and 50\.png"),
            ([f"z{p}" for p in ("0.0", "2.5", "7.5", "10.0", "12.5", "15.0")], r"z2\.5\.png and z7\.5\.png"),
            ([f"a{k}_of_9" for k in (1, 2, 3, 4, 5, 9)], r"a5_of_9\.png and a9_of_9\.png"),
        ],
    )
    def test_a_missing_number_is_refused(self, tmp_path, names, between):
        with pytest.raises(InputError, match=f"slices are missing between {between}"):
            read_image(slices(tmp_path / "s", STACK, names))

    @pytest.mark.parametrize(
        "names",
        [
            [f"z{k}_c{c}" for k in range(3) for c in range(2)],
            [f"img_t{t}_z{k}" for t in range(2) for k in range(3)],
            ["s1", "s01", "s2", "s02", "s3", "s03"],
        ],
    )
    def test_channels_times_and_doubles_are_refused(self, tmp_path, names):
        with pytest.raises(InputError, match=r"no number in the names of the slices in .* counts them"):
            read_image(slices(tmp_path / "s", STACK, names))

    @pytest.mark.parametrize("others", [["b0", "b1", "b2"], ["a0_mask", "a1_mask", "a2_mask"], ["a", "b", "c"]])
    def test_several_series_are_refused(self, tmp_path, others):
        with pytest.raises(InputError, match="holds slices of several series"):
            read_image(slices(tmp_path / "s", STACK, ["a0", "a1", "a2", *others]))

    def test_names_without_numbers_are_taken_in_their_order_and_told(self, tmp_path, caplog):
        folder = slices(tmp_path / "s", STACK, list("abcdef"))
        assert np.array_equal(read_image(folder, "k").intensities, STACK)
        assert "have no numbers: they are taken in the order of their names" in caplog.text

    @pytest.mark.parametrize("step", [2, 3, 10])
    @pytest.mark.parametrize("name", ["s{:03d}", "scan.1.{}", "{}_of_60"])
    def test_numbers_that_skip_some_are_told(self, tmp_path, caplog, name, step):
        folder = slices(tmp_path / "scan", STACK, [name.format(step * k + 1) for k in range(6)])
        assert (read_image(folder, "k").intensities == STACK).all()
        assert f"differ by {step}: look whether slices are missing" in caplog.text

    @pytest.mark.parametrize("name", ["s{:03d}", "z{}.5", "{}"])
    def test_numbers_without_a_gap_are_not_told(self, tmp_path, caplog, name):
        read_image(slices(tmp_path / "scan", STACK, [name.format(k) for k in range(6)]), "k")
        assert "differ by" not in caplog.text

    def test_positions_in_mm_are_not_told(self, tmp_path, caplog):
        read_image(slices(tmp_path / "scan", STACK, [f"z{2.5 * k}" for k in range(6)]), "k")
        assert "differ by" not in caplog.text


class TestPictures:
    def test_the_spacing_that_pictures_cannot_say_is_told(self, tmp_path, caplog):
        volume = read_image(slices(tmp_path / "s", STACK, "123456"))
        assert volume.spacing_mm == (1.0, 1.0, 1.0)
        assert "does not say its spacing" in caplog.text

    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
    def test_a_slice_in_colour_is_refused(self, tmp_path, suffix):
        folder = slices(tmp_path / "s", np.stack([STACK] * 3, -1), "123456", suffix)
        with pytest.raises(InputError, match=rf"1\.{suffix} is a colour image: save it in grey"):
            read_image(folder)

    @pytest.mark.parametrize("alpha", [255, 100, 0])
    def test_transparency_that_is_the_same_all_over_is_left_out(self, tmp_path, alpha):
        folder = slices(tmp_path / "s", np.stack([STACK, np.full_like(STACK, alpha)], -1), "123456")
        assert np.array_equal(read_image(folder, "k").intensities, STACK)
        volume = read_image(folder, "k")
        painted = np.stack([painted_on(2, 4), np.full_like(STACK, alpha)], -1)
        assert np.array_equal(read_labels(slices(tmp_path / "l", painted, "123456"), volume).labels, painted[..., 0])

    @pytest.mark.parametrize("plane", [0, 4])
    def test_transparency_that_varies_is_refused(self, tmp_path, plane):
        grey = np.stack([STACK, np.full_like(STACK, 255)], -1)
        grey[plane, 3, 3, 1] = 90
        with pytest.raises(InputError, match=rf"{plane + 1}\.png is transparent in parts"):
            read_image(slices(tmp_path / "s", grey, "123456"))

    @pytest.mark.parametrize("suffix", ["png", "jpg"])
    @pytest.mark.parametrize("turned", [3, 6])
    def test_a_slice_that_asks_to_be_shown_turned_is_told(self, tmp_path, caplog, suffix, turned):
        folder = slices(tmp_path / "s", STACK, "123456", suffix)
        before = read_image(folder, "k").intensities
        assert "turned" not in caplog.text
        with Image.open(folder / f"3.{suffix}") as picture:
            picture.load()
            tags = Image.Exif()
            tags[274] = turned
            picture.save(folder / f"3.{suffix}", exif=tags, quality=95)
        assert np.abs(read_image(folder, "k").intensities - before).max() < 40
        assert f"ask to be shown turned are taken as they are stored (3.{suffix})" in caplog.text

    @pytest.mark.parametrize("odd", [0, 3, 5])
    def test_slices_with_different_numbers_of_bits_are_refused(self, tmp_path, odd):
        planes = [plane.astype(np.uint8 if k == odd else np.uint16) for k, plane in enumerate(STACK)]
        with pytest.raises(InputError, match="do not compare"):
            read_image(slices(tmp_path / "scan", planes, [f"s{k}" for k in range(6)]))

    @pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
    @pytest.mark.parametrize("odd", [0, 3, 5])
    def test_a_slice_of_single_bits_among_others_is_refused(self, tmp_path, odd, suffix):
        planes = [plane > 3 if k == odd else plane for k, plane in enumerate(STACK)]
        with pytest.raises(InputError, match=r"1-bit.* do not compare: save all slices alike"):
            read_image(slices(tmp_path / "scan", planes, [f"s{k}" for k in range(6)], suffix))

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_labels_of_single_bits_among_others_are_refused(self, tmp_path, suffix):
        """Of 0 and 255 in the others they would make two structures."""
        volume = read_image(slices(tmp_path / "scan", STACK, "123456", suffix), "k")
        mask = STACK % 2 > 0
        planes = [plane if k == 2 else np.uint8(255) * plane for k, plane in enumerate(mask)]
        with pytest.raises(InputError, match=r"1-bit.* their labels do not compare"):
            read_labels(slices(tmp_path / "labels", planes, "123456", suffix), volume)

    @pytest.mark.parametrize("empty", [0, 3])
    def test_an_empty_slice_may_have_fewer_bits(self, tmp_path, empty):
        stack = STACK.astype(np.uint16) * 200
        stack[empty] = 0
        planes = [plane.astype(bool) if k == empty else plane for k, plane in enumerate(stack)]
        scan = slices(tmp_path / "scan", planes, [f"s{k}" for k in range(6)])
        assert np.array_equal(read_image(scan, "k").intensities, stack)

    def test_sixteen_bits_and_one_bit_are_read(self, tmp_path):
        deep = STACK.astype(np.uint16) * 200
        assert np.array_equal(read_image(slices(tmp_path / "deep", deep, "123456"), "k").intensities, deep)
        flat = STACK % 2 > 0
        assert np.array_equal(read_image(slices(tmp_path / "flat", flat, "123456"), "k").intensities, flat)

    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
    def test_a_truncated_slice_is_refused(self, tmp_path, suffix):
        noise = np.random.default_rng(0).integers(0, 256, (6, 60, 60)).astype(np.uint8)
        folder = slices(tmp_path / "s", noise, "123456", suffix)
        part = folder / f"4.{suffix}"
        part.write_bytes(part.read_bytes()[:1500])
        with pytest.raises(InputError, match=rf"4\.{suffix}.* damaged or truncated"):
            read_image(folder)


class TestLabels:
    def test_jpeg_is_refused_for_labels_and_read_for_images(self, tmp_path):
        image = slices(tmp_path / "image", STACK, "123456", "jpg")
        volume = read_image(image, "k")
        for suffix in ("jpg", "jpeg"):
            labels = slices(tmp_path / suffix, painted_on(1, 4) * 255, "123456", suffix)
            with pytest.raises(InputError, match="labels as JPEG, which changes their values: save them as PNG"):
                read_labels(labels, volume)

    def test_a_jpeg_by_another_name_is_one(self, tmp_path):
        volume = read_image(slices(tmp_path / "image", STACK, "123456"), "k")
        labels = slices(tmp_path / "labels", painted_on(1, 4) * 255, "123456", "jpg")
        for file in labels.iterdir():
            file.rename(file.with_suffix(".png"))
        with pytest.raises(InputError, match=r"1\.png is a JPEG, which changes labels"):
            read_labels(labels, volume)

    @pytest.mark.parametrize(
        ("image_names", "label_names"),
        [
            ([f"s{k:03d}" for k in range(6)], ["s001", "s004"]),
            ([f"s{k:03d}" for k in range(6)], ["s001_mask", "s004_mask"]),
            ([f"case7_{k}" for k in range(10, 16)], ["11", "14"]),
            ([f"IM{k}" for k in range(95, 101)], ["label-96", "label-99"]),
            (list("abcdef"), ["b", "e"]),
        ],
    )
    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_some_slices_are_matched_by_name_and_only_they_are_painted(
        self, tmp_path, image_names, label_names, suffix
    ):
        volume = read_image(slices(tmp_path / "image", STACK, image_names), "k")
        labels = painted_on(1, 4)
        file = read_labels(slices(tmp_path / "labels", labels[[1, 4]], label_names, suffix), volume)
        assert np.array_equal(file.labels, labels)
        assert file.to_annotation().painted_planes == [1, 4]

    def test_an_empty_slice_among_some_is_painted_and_empty(self, tmp_path):
        volume = read_image(slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)]), "k")
        labels = painted_on(2, 3)
        folder = slices(tmp_path / "labels", labels[[2, 3, 5]], ["s2", "s3", "s5"])
        annotation = read_labels(folder, volume).to_annotation()
        assert annotation.painted_planes == [2, 3, 5]
        assert annotation.complete_planes_of(1) == [2, 3, 5]

    def test_one_painted_slice_is_enough(self, tmp_path):
        volume = read_image(slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)]), "k")
        file = read_labels(slices(tmp_path / "labels", painted_on(3)[[3]], ["s3"]), volume)
        assert file.to_annotation().painted_planes == [3]

    def test_a_slice_for_every_plane_tells_nothing_of_its_own(self, tmp_path):
        volume = read_image(slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)]), "k")
        file = read_labels(slices(tmp_path / "labels", painted_on(1, 4), [f"m{k}" for k in range(1, 7)]), volume)
        assert file.painted is None
        assert file.to_annotation().painted_planes == [1, 4]

    @pytest.mark.parametrize("names", [["liver", "spleen"], ["s8", "s9"], ["s1_4", "s4_1"]])
    def test_names_that_match_no_slice_are_refused(self, tmp_path, names):
        volume = read_image(slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)]), "k")
        folder = slices(tmp_path / "labels", painted_on(1, 4)[[1, 4]], names)
        with pytest.raises(InputError, match=r"cannot be matched with a slice of the image by its name: call it"):
            read_labels(folder, volume)

    def test_some_slices_of_an_image_in_one_file_are_refused(self, tmp_path):
        volume = read_image(write(tmp_path / "image.nii.gz", STACK), "k")
        folder = slices(tmp_path / "labels", painted_on(1, 4)[[1, 4]], ["s1", "s4"])
        with pytest.raises(InputError, match="another grid than the image"):
            read_labels(folder, volume)

    def test_a_palette_holds_labels_as_numbers(self, tmp_path):
        volume = read_image(slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)]), "k")
        labels = painted_on(1, 4) * 2
        (tmp_path / "labels").mkdir()
        for number, plane in enumerate(labels):
            picture = Image.fromarray(plane, "P")
            picture.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 0])
            picture.save(tmp_path / "labels" / f"s{number}.png")
        assert np.array_equal(read_labels(tmp_path / "labels", volume).labels, labels)
        with pytest.raises(InputError, match="colour image"):
            read_image(tmp_path / "labels")


def test_slices_that_itk_wrote_as_tiff_keep_their_pixel_spacing(tmp_path):
    for number, plane in enumerate(STACK):
        image = sitk.GetImageFromArray(plane)
        image.SetSpacing((0.25, 0.5))
        sitk.WriteImage(image, str(tmp_path / f"s{number}.tif"))
    assert read_image(tmp_path, "k").spacing_mm == pytest.approx((0.5, 0.5, 0.25), rel=1e-4)


def test_two_spellings_of_one_format_are_one(tmp_path):
    slices(tmp_path / "s", STACK[:3], "123", "tif")
    slices(tmp_path / "s", STACK[3:], "456", "tiff")
    assert np.array_equal(read_image(tmp_path / "s", "k").intensities, STACK)


class TestPicturesThatAreNotRead:
    @pytest.mark.parametrize("name", ["s6.gif", "S6.WEBP", "s03.jp2", "s-7.tga"])
    def test_one_that_is_called_as_a_slice_is_refused(self, tmp_path, name):
        names = [f"s-{k}" if "-" in name else f"s{k}" for k in range(6)]
        folder = slices(tmp_path / "image", STACK, names)
        (folder / name).write_bytes(b"a picture")
        with pytest.raises(InputError, match=r"is called as a slice, but \.\w+ is not read: save it as \.png"):
            read_image(folder)

    @pytest.mark.parametrize("name", ["overview.gif", "s3.gif", "notes.txt", "s7.txt", ".s7.gif"])
    def test_others_do_no_harm(self, tmp_path, name):
        folder = slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)])
        (folder / name).write_bytes(b"something")
        assert np.array_equal(read_image(folder, "k").intensities, STACK)


@pytest.mark.parametrize("second", ["s1_mask", "s1-label", "S1 copy"])
def test_two_labels_of_one_slice_are_refused_for_it(tmp_path, second):
    volume = read_image(slices(tmp_path / "image", STACK, [f"s{k}" for k in range(6)]), "k")
    folder = slices(tmp_path / "labels", painted_on(1, 4)[[1, 4]], ["s1", second])
    with pytest.raises(InputError, match=rf"s1\.png and {second}\.png are labels of one slice: keep one of them"):
        read_labels(folder, volume)
