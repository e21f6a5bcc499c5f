"""Label maps and segmentations: read onto the image's grid, written back with its geometry to the last bit."""

import gzip
import logging

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import DIRECTIONS, OBLIQUE, image_of, place_of, ramp, write
from SparseAnnotateLib import PREDICTORS, InputError, LabelClass, run
from SparseAnnotateLib.io import read_image, read_labels, write_labels, write_probabilities

CLASSES = (LabelClass(3, "liver", (1.0, 0.0, 0.5)), LabelClass(7, "spleen"))
LABELS = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)
VALUES = np.array([0, 3, 7], np.uint8)


def image_and_labels(folder, labels, suffix="nrrd", **place):
    image = read_image(write(folder / f"image.{suffix}", ramp(labels.shape), **place), "k")
    return image, write(folder / f"labels.{suffix}", labels, **place)


class TestReading:
    def test_values_come_back_as_they_stand_in_the_file(self, tmp_path):
        image, path = image_and_labels(tmp_path, VALUES[LABELS])
        found = read_labels(path, image)
        assert np.array_equal(found.labels, VALUES[LABELS])
        assert found.classes == (LabelClass(3, "class 3"), LabelClass(7, "class 7"))

    @pytest.mark.parametrize("axis", ["i", "j", "k"])
    def test_labels_follow_the_image_to_its_annotation_axis(self, tmp_path, axis):
        _, path = image_and_labels(tmp_path, VALUES[LABELS])
        image = read_image(tmp_path / "image.nrrd", axis)
        assert np.array_equal(read_labels(path, image).labels, image.to_planes(VALUES[LABELS]))

    @pytest.mark.parametrize("dtype", [np.int16, np.int64, np.float32, np.float64, np.uint32])
    def test_whole_numbers_of_any_type_are_labels(self, tmp_path, dtype):
        image, path = image_and_labels(tmp_path, VALUES[LABELS].astype(dtype))
        labels = read_labels(path, image).labels
        assert labels.dtype.kind == "u"
        assert np.array_equal(labels, VALUES[LABELS])

    def test_labels_outlive_the_file_buffer(self, tmp_path):
        image, path = image_and_labels(tmp_path, VALUES[LABELS])
        labels = read_labels(path, image).labels
        garbage = [np.full(LABELS.shape, 9, np.uint8) for _ in range(50)]
        labels[0, 0, 0] = 1
        assert np.array_equal(labels.ravel()[1:], VALUES[LABELS].ravel()[1:])
        assert garbage

    def test_fractions_are_no_labels(self, tmp_path):
        image, path = image_and_labels(tmp_path, LABELS * np.float32(0.5))
        with pytest.raises(InputError, match=r"labels\.nrrd.*not whole numbers: give a label map"):
            read_labels(path, image)

    def test_negative_values_are_no_labels(self, tmp_path):
        image, path = image_and_labels(tmp_path, LABELS.astype(np.int16) - 1)
        with pytest.raises(InputError, match="negative values: use 0 for background"):
            read_labels(path, image)

    def test_nan_is_no_label(self, tmp_path):
        labels = LABELS.astype(np.float32)
        labels[0, 0, 0] = np.nan
        image, path = image_and_labels(tmp_path, labels)
        with pytest.raises(InputError, match="NaN or infinite values"):
            read_labels(path, image)

    def test_colour_is_no_label_map(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        path = write(tmp_path / "colour.nrrd", np.zeros((*LABELS.shape, 3), np.uint8))
        with pytest.raises(InputError, match="3 values a voxel and no segments"):
            read_labels(path, image)


def write_segmentation(image, path):
    """Write labels as Slicer does: with a segment for each value."""
    for number, value in enumerate(np.unique(sitk.GetArrayFromImage(image))):
        if value:
            for key, text in {
                "ID": f"s{value}",
                "Name": f"segment {value}",
                "LabelValue": f"{value}",
                "Layer": "0",
            }.items():
                image.SetMetaData(f"Segment{number}_{key}", text)
    sitk.WriteImage(image, str(path))


class TestGrids:
    @pytest.mark.parametrize(
        ("place", "named"),
        [
            ({"spacing": (0.7, 1 / 3, 3.0)}, "spacing 0.7, 0.333333, 3.1 against 0.7, 0.333333, 3"),
            ({"origin": (-12.2, 55.1, 3.3)}, "origin"),
            ({"direction": OBLIQUE}, "direction"),
        ],
    )
    def test_labels_on_another_grid_are_refused_with_what_differs(self, tmp_path, place, named):
        image, _ = image_and_labels(tmp_path, LABELS)
        path = write(tmp_path / "other.nrrd", LABELS, **place)
        with pytest.raises(InputError, match=f"another grid than the image.*{named}.*resample them onto the image"):
            read_labels(path, image)

    def test_rounding_in_a_nifti_header_is_no_other_grid(self, tmp_path):
        image = read_image(write(tmp_path / "image.mha", ramp(), direction=OBLIQUE), "k")
        path = write(tmp_path / "labels.nii.gz", VALUES[LABELS], direction=OBLIQUE)
        assert place_of(path) != place_of(tmp_path / "image.mha")
        assert np.array_equal(read_labels(path, image).labels, VALUES[LABELS])

    @pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
    def test_a_part_of_the_grid_is_filled_up_to_the_whole(self, tmp_path, direction):
        image, _ = image_and_labels(tmp_path, LABELS, direction=direction)
        whole = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
        write_segmentation(whole[2:5, 1:4, 1:3], tmp_path / "part.seg.nrrd")
        expected = np.zeros_like(LABELS)
        expected[1:3, 1:4, 2:5] = LABELS[1:3, 1:4, 2:5]
        assert np.array_equal(read_labels(tmp_path / "part.seg.nrrd", image).labels, expected)

    def test_a_single_voxel_of_the_grid_is_enough(self, tmp_path):
        image, _ = image_and_labels(tmp_path, np.ones_like(LABELS))
        whole = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
        write_segmentation(whole[5:6, 0:1, 3:4], tmp_path / "part.seg.nrrd")
        assert np.argwhere(read_labels(tmp_path / "part.seg.nrrd", image).labels).tolist() == [[3, 0, 5]]

    def test_empty_margins_beyond_the_image_are_cut_off_but_labels_there_are_refused(self, tmp_path):
        image, _ = image_and_labels(tmp_path, np.ones_like(LABELS))
        whole = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
        write_segmentation(sitk.ConstantPad(whole, (2, 0, 1), (0, 3, 0), 0), tmp_path / "more.seg.nrrd")
        assert np.array_equal(read_labels(tmp_path / "more.seg.nrrd", image).labels, np.ones_like(LABELS))
        write_segmentation(sitk.ConstantPad(whole, (2, 0, 1), (0, 3, 0), 1), tmp_path / "more.seg.nrrd")
        with pytest.raises(InputError, match="some labels lie outside the image"):
            read_labels(tmp_path / "more.seg.nrrd", image)

    def test_a_label_map_that_covers_a_part_only_is_refused_for_it_may_be_another_scans(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        whole = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
        sitk.WriteImage(whole[2:5, 1:4, 1:3], str(tmp_path / "part.nrrd"))
        with pytest.raises(InputError, match=r"another grid than the image.*resample them"):
            read_labels(tmp_path / "part.nrrd", image)

    def test_a_part_between_the_voxels_is_refused(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        path = write(tmp_path / "part.nrrd", LABELS[1:3], origin=(-12.345678901, 55.1, 3.3 + 1.5 * 3.1))
        with pytest.raises(InputError, match="size 6x5x4 against 6x5x2"):
            read_labels(path, image)


def segments(*entries):
    return {f"Segment{number}_{key}": text for number, one in enumerate(entries) for key, text in one.items()}


class TestSegmentations:
    TAGS = "Segmentation.Status:inprogress|TerminologyEntry:Segmentation category~SCT^85756007^Tissue|"

    def test_names_colours_values_and_tags_come_from_the_header(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        header = segments(
            {"ID": "s1", "Name": "liver", "Color": "1 0 0.5", "LabelValue": "7", "Layer": "0", "Tags": self.TAGS},
            {"ID": "s2", "Name": "spleen", "LabelValue": "3", "Layer": "0"},
            {"ID": "s3", "Name": "not there", "LabelValue": "9", "Layer": "0"},
        )
        path = write(tmp_path / "a.seg.nrrd", VALUES[LABELS], header)
        found = read_labels(path, image)
        assert found.classes == (
            LabelClass(7, "liver", (1, 0, 0.5)),
            LabelClass(3, "spleen"),
            LabelClass(9, "not there"),
        )
        assert found.classes[0].details == {"ID": "s1", "Tags": self.TAGS}
        assert np.array_equal(found.labels, VALUES[LABELS])

    def test_what_a_segmentation_says_survives_reading_and_writing(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        classes = (LabelClass(3, "liver", (1.0, 0.0, 0.5), {"ID": "s1", "Tags": self.TAGS}), LabelClass(7, "spleen"))
        write_labels(tmp_path / "b.seg.nrrd", LABELS, image, classes)
        found = read_labels(tmp_path / "b.seg.nrrd", image)
        assert [(one.value, one.name) for one in found.classes] == [(3, "liver"), (7, "spleen")]
        assert found.classes[0].color == (1.0, 0.0, 0.5)
        assert found.classes[0].details["Tags"] == self.TAGS
        assert found.classes[0].details["ID"] == "s1"
        assert np.array_equal(found.labels, VALUES[LABELS])

    def test_layers_are_merged_and_values_that_clash_are_renumbered(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        layers = np.zeros((*LABELS.shape, 2), np.uint8)
        layers[0, 0, :, 0] = 1
        layers[1, 0, :, 1] = 1
        header = segments(
            {"Name": "first", "LabelValue": "1", "Layer": "0"}, {"Name": "second", "LabelValue": "1", "Layer": "1"}
        )
        found = read_labels(write(tmp_path / "a.seg.nrrd", layers, header), image)
        assert [(one.value, one.name) for one in found.classes] == [(1, "first"), (2, "second")]
        assert np.array_equal(found.labels, layers[..., 0] + 2 * layers[..., 1])

    def test_where_segments_overlap_the_later_one_wins_and_a_warning_counts_the_voxels(self, tmp_path, caplog):
        image, _ = image_and_labels(tmp_path, LABELS)
        layers = np.zeros((*LABELS.shape, 2), np.uint8)
        layers[0, 0, :4, 0] = 1
        layers[0, 0, 2:, 1] = 1
        header = segments(
            {"Name": "first", "LabelValue": "1", "Layer": "1"}, {"Name": "second", "LabelValue": "1", "Layer": "0"}
        )
        with caplog.at_level(logging.WARNING):
            found = read_labels(write(tmp_path / "a.seg.nrrd", layers, header), image)
        assert found.labels[0, 0].tolist() == [2, 2, 2, 2, 1, 1]
        assert "overlap on 2 voxels" in caplog.text

    def test_old_files_with_one_layer_a_segment_and_no_values_are_read(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        layers = np.stack([LABELS == 1, LABELS == 2], axis=-1).astype(np.uint8)
        header = segments({"ID": "a", "Name": "first"}, {"ID": "b", "Name": "second"})
        found = read_labels(write(tmp_path / "a.seg.nrrd", layers, header), image)
        assert np.array_equal(found.labels, LABELS)

    def test_two_segments_of_one_value_are_refused(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        header = segments({"Name": "first", "LabelValue": "1"}, {"Name": "second", "LabelValue": "1"})
        with pytest.raises(InputError, match="segments first and second share one value"):
            read_labels(write(tmp_path / "a.seg.nrrd", LABELS, header), image)

    def test_fractional_segmentations_are_refused(self, tmp_path):
        image, _ = image_and_labels(tmp_path, LABELS)
        header = {"Segmentation_MasterRepresentation": "Fractional labelmap", **segments({"Name": "a"})}
        with pytest.raises(InputError, match="fractions, not labels"):
            read_labels(write(tmp_path / "a.seg.nrrd", LABELS, header), image)


class TestWriting:
    @pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
    @pytest.mark.parametrize(
        ("source", "result"),
        [
            ("nii.gz", "nii.gz"), ("nii.gz", "nii"), ("nii", "nii.gz"), ("nii.gz", "mha"), ("nrrd", "nrrd"),
            ("nrrd", "seg.nrrd"), ("nhdr", "nrrd"), ("nrrd", "mhd"), ("mha", "mha"), ("mhd", "mha"),
        ],
    )  # fmt: skip
    def test_the_geometry_is_that_of_the_image_to_the_last_bit(self, tmp_path, source, result, direction):
        path = write(tmp_path / f"image.{source}", ramp(), direction=direction)
        write_labels(tmp_path / f"result.{result}", LABELS, read_image(path, "k"), CLASSES)
        assert place_of(tmp_path / f"result.{result}") == place_of(path)

    @pytest.mark.parametrize("result", ["nii.gz", "nrrd"])
    def test_between_formats_the_geometry_is_that_of_the_image_but_for_rounding(self, tmp_path, result):
        path = write(tmp_path / "image.mha", ramp(), direction=OBLIQUE)
        write_labels(tmp_path / f"result.{result}", LABELS, read_image(path, "k"), CLASSES)
        accuracy = {"nii.gz": 1e-5, "nrrd": 1e-14}[result]
        for ours, theirs in zip(place_of(tmp_path / f"result.{result}"), place_of(path), strict=True):
            assert np.allclose(ours, theirs, rtol=0, atol=accuracy)

    def test_both_transforms_of_a_nifti_header_and_their_codes_are_kept(self, tmp_path):
        path = write(tmp_path / "image.nii", ramp(), direction=OBLIQUE)
        raw = bytearray(path.read_bytes())
        raw[252:256] = np.array([2, 4], "<i2").tobytes()
        path.write_bytes(raw)
        write_labels(tmp_path / "result.nii.gz", LABELS, read_image(path, "k"), CLASSES)
        written = gzip.decompress((tmp_path / "result.nii.gz").read_bytes())
        assert written[252:328] == bytes(raw[252:328])
        assert written[76:92] == bytes(raw[76:92])

    def test_a_big_endian_nifti_gives_the_same_geometry(self, tmp_path):
        path = write(tmp_path / "image.nii", ramp(), direction=OBLIQUE)
        raw = bytearray(path.read_bytes())
        for start, end, width in [(0, 4, 4), (40, 56, 2), (70, 74, 2), (76, 120, 4), (252, 256, 2), (256, 328, 4)]:
            raw[start:end] = np.frombuffer(bytes(raw[start:end]), f"u{width}").byteswap().tobytes()
        raw[352:] = np.frombuffer(bytes(raw[352:]), "u2").byteswap().tobytes()
        path.write_bytes(raw)
        image = read_image(path, "k")
        assert np.array_equal(image.intensities, ramp())
        write_labels(tmp_path / "result.nii", LABELS, image, CLASSES)
        assert place_of(tmp_path / "result.nii") == place_of(path)

    @pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "seg.nrrd", "mha", "mhd", "tif"])
    @pytest.mark.parametrize("axis", ["i", "j", "k"])
    def test_class_numbers_are_written_as_the_values_of_the_classes(self, tmp_path, suffix, axis):
        # TIFF keeps no origin.
        place = {"origin": (0, 0, 0)} if suffix == "tif" else {}
        image = read_image(write(tmp_path / "image.nrrd", ramp(), **place), axis)
        write_labels(tmp_path / f"result.{suffix}", image.to_planes(LABELS), image, CLASSES)
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"result.{suffix}")))
        assert np.array_equal(written, VALUES[LABELS])

    def test_large_values_are_kept(self, tmp_path):
        image = read_image(write(tmp_path / "image.nrrd", ramp()), "k")
        write_labels(tmp_path / "r.nii.gz", LABELS, image, (LabelClass(1001, "a"), LabelClass(70000, "b")))
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "r.nii.gz")))
        assert np.array_equal(written, np.array([0, 1001, 70000])[LABELS])

    @pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd"])
    @pytest.mark.parametrize("axis", ["j", "k"])
    def test_probabilities_come_back_class_by_class(self, tmp_path, suffix, axis):
        path = write(tmp_path / "image.nii.gz", ramp(), direction=OBLIQUE)
        image = read_image(path, axis)
        probabilities = np.random.default_rng(0).random((3, *image.shape)).astype(np.float16)
        write_probabilities(tmp_path / f"p.{suffix}", probabilities, image)
        written = sitk.ReadImage(str(tmp_path / f"p.{suffix}"))
        array = sitk.GetArrayFromImage(written)
        array = np.moveaxis(array, -1, 0) if suffix == "nrrd" else array
        assert np.array_equal(np.stack([image.to_planes(one) for one in array]), probabilities)
        if suffix != "nrrd":
            single = sitk.Extract(
                written,
                (*written.GetSize()[:3], 0),
                directionCollapseToStrategy=sitk.ExtractImageFilter.DIRECTIONCOLLAPSETOSUBMATRIX,
            )
            assert single.GetDirection() == sitk.ReadImage(str(path)).GetDirection()


class TestNothingHalfWritten:
    @pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "seg.nrrd", "mha", "mhd", "tif"])
    def test_a_full_disk_leaves_the_former_file_as_it_was(self, tmp_path, suffix):
        resource = pytest.importorskip("resource", reason="file size limits are POSIX")
        signal = pytest.importorskip("signal")
        noise = np.random.default_rng(0).integers(0, 256, (20, 60, 60)).astype(np.uint8)
        classes = tuple(LabelClass(value, str(value)) for value in range(1, 256))
        place = {"origin": (0, 0, 0)} if suffix == "tif" else {}
        image = read_image(write(tmp_path / "image.mha", ramp(noise.shape), **place), "k")
        former = tmp_path / f"result.{suffix}"
        former.write_text("former")
        before = sorted(path.name for path in tmp_path.iterdir())
        limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, limits[1]))
        try:
            with pytest.raises(InputError, match=f"result.{suffix} could not be written.*nothing was changed"):
                write_labels(former, noise, image, classes)
            with pytest.raises(InputError, match="could not be written"):
                write_probabilities(tmp_path / "p.nii", noise[None].astype(np.float16), image)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert former.read_text() == "former"
        assert sorted(path.name for path in tmp_path.iterdir()) == before

    def test_the_two_files_of_an_mhd_are_replaced_together_or_not_at_all(self, tmp_path, monkeypatch):
        image = read_image(write(tmp_path / "image.mha", ramp()), "k")
        write_labels(tmp_path / "r.mhd", LABELS, image, CLASSES)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        import os

        replace = os.replace

        def failing(source, target):
            if str(source).endswith("r.mhd") and str(target).endswith("r.mhd"):
                raise OSError(28, "No space left on device")
            replace(source, target)

        monkeypatch.setattr(os, "replace", failing)
        with pytest.raises(InputError, match="No space left on device"):
            write_labels(tmp_path / "r.mhd", LABELS[::-1], image, CLASSES)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_an_interruption_leaves_nothing_behind(self, tmp_path, monkeypatch):
        image = read_image(write(tmp_path / "image.mha", ramp()), "k")

        def interrupted(*_args, **_options):
            raise KeyboardInterrupt

        monkeypatch.setattr(sitk, "WriteImage", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_labels(tmp_path / "r.nii.gz", LABELS, image, CLASSES)
        assert [path.name for path in tmp_path.iterdir()] == ["image.mha"]

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("r.png", r"r\.png has no format that can be written: end it in \.seg\.nrrd, \.nii\.gz"),
            ("nowhere/r.nii", r"folder .*nowhere does not exist"),
        ],
    )
    def test_a_place_that_cannot_be_written_to_is_refused(self, tmp_path, name, said):
        image = read_image(write(tmp_path / "image.mha", ramp()), "k")
        with pytest.raises(InputError, match=said):
            write_labels(tmp_path / name, LABELS, image, CLASSES)


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1e-4])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_labels_that_a_scale_makes_nearly_nothing_are_refused_not_lost(tmp_path, scale, kind):
    labels = np.zeros((4, 5, 6), kind)
    labels[1, 1:3, 2:4], labels[2, 1:3, 2:4] = 3 * scale, 5 * scale
    volume = read_image(write(tmp_path / "image.nii", ramp()), "k")
    with pytest.raises(InputError, match=r"nearly 0 \(up to .*\), so none of them would be left: correct the scale"):
        read_labels(write(tmp_path / "labels.nii", labels), volume)


@pytest.mark.parametrize("noise", [1e-7, 1e-5, 9e-4])
def test_labels_with_noise_in_their_last_digits_are_whole_again(tmp_path, noise, caplog):
    labels = np.zeros((9, 24, 24), np.uint8)
    labels[2:7, 5:15, 5:20] = 1
    labels[4, 6:9, 6:9] = 7
    noisy = labels + np.random.default_rng(0).uniform(-noise, noise, labels.shape)
    volume = read_image(write(tmp_path / "scan.nrrd", labels.astype(np.int16)), "k")
    assert np.array_equal(read_labels(write(tmp_path / "labels.nrrd", noisy), volume).labels > 0, labels > 0)
    assert caplog.text.count("brought back to whole numbers") == 1


@pytest.mark.parametrize("noise", [0.01, 0.2])
def test_as_many_values_as_voxels_are_no_labels_where_they_are_farther_off(tmp_path, noise):
    labels = np.zeros((9, 24, 24)) + np.random.default_rng(0).uniform(-noise / 10, noise, (9, 24, 24))
    volume = read_image(write(tmp_path / "scan.nrrd", labels), "k")
    with pytest.raises(InputError, match="not whole numbers"):
        read_labels(write(tmp_path / "labels.nrrd", labels), volume)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["Liver", "Liver"], ["Liver (1)", "Liver (2)"]),
        (["a", "b", "a"], ["a (1)", "b", "a (3)"]),
        (["a", "a (1)", "a"], ["a (1) (1)", "a (1)", "a (3)"]),
        (["a", "A", " a"], ["a", "A", " a"]),
    ],
)
def test_structures_of_one_name_are_told_apart(tmp_path, names, told, caplog):
    """By names results are told: expected Dice, ranges, warnings, the JSON of `suggest`."""
    labels = np.zeros((4, 8, 8), np.uint8)
    for value in range(1, len(names) + 1):
        labels[:, value] = value
    volume = read_image(write(tmp_path / "scan.nrrd", labels.astype(np.int16)), "k")
    image = image_of(labels)
    write_segmentation(image, tmp_path / "l.seg.nrrd")
    for value, name in enumerate(names, 1):
        image.SetMetaData(f"Segment{value}_Name", name)
    sitk.WriteImage(image, str(tmp_path / "l.seg.nrrd"))
    file = read_labels(tmp_path / "l.seg.nrrd", volume)
    assert [one.name for one in file.classes] == told
    assert ("told apart by their values" in caplog.text) == (names != told)
    prediction = run(PREDICTORS.create("guided"), volume, file.to_annotation([0, 3]))
    assert set(prediction.details["expected_dice_per_class"]) == set(told)
