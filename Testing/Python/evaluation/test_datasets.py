"""Data sets in every layout are read as the same cases."""

import json

import numpy as np
import pytest
from evaluation.conftest import image_of, labels_of, write
from SparseAnnotateLib import InputError
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.evaluation.grid.planner import View
from SparseAnnotateLib.evaluation.simulation.loading import load_case, random_box

NAMES = ((1, "liver"), (2, "tumour"))
HASH = "12345678" * 4


def loaded(case, **view):
    return load_case(case, View(**view), HASH, seed=0)


class TestLayouts:
    def test_a_folder_a_case(self, folder_set):
        cases = find_labelled_cases(folder_set)
        assert [case.name for case in cases] == ["case0", "case1", "case2"]
        assert np.array_equal(loaded(cases[1]).expert.reference, labels_of(1))

    def test_a_pair_of_patterns(self, tmp_path):
        for patient in ("anna", "bert"):
            write(tmp_path / patient / "mri" / "t1.nii.gz", image_of(0))
            write(tmp_path / "truth" / f"{patient}-seg.nii.gz", labels_of(0))
        cases = find_labelled_cases(tmp_path, images="*/mri/t1.nii.gz", labels="truth/*-seg.nii.gz")
        assert [case.name for case in cases] == ["anna", "bert"]
        assert cases[1].image == tmp_path / "bert/mri/t1.nii.gz"
        assert cases[1].labels == tmp_path / "truth/bert-seg.nii.gz"

    def test_patterns_that_leave_an_image_alone_are_refused(self, tmp_path):
        write(tmp_path / "a_t1.nii.gz", image_of(0))
        with pytest.raises(InputError, match=r"nothing in .* matches \*_seg.nii.gz for .*a_t1.nii.gz"):
            find_labelled_cases(tmp_path, images="*_t1.nii.gz", labels="*_seg.nii.gz")

    def test_one_pattern_alone_is_refused(self, folder_set):
        with pytest.raises(InputError, match="belong together"):
            find_labelled_cases(folder_set, images="*/image.nii.gz")

    @pytest.mark.parametrize("as_file", [False, True])
    def test_the_decathlon_names_its_classes_and_stacks_its_channels(self, decathlon_set, as_file):
        source = decathlon_set / "dataset.json" if as_file else decathlon_set
        cases = find_labelled_cases(source, channel=1)
        assert [case.name for case in cases] == ["test_000", "test_001"]
        assert cases[0].class_names == NAMES
        case = loaded(cases[1])
        assert np.array_equal(case.volume.intensities, 10 * image_of(1))
        assert [one.name for one in case.expert.classes] == ["liver", "tumour"]

    def test_a_channel_that_is_not_there_is_refused(self, decathlon_set):
        case = find_labelled_cases(decathlon_set, channel=2)[0]
        with pytest.raises(InputError, match="has 2 channels, numbered from 0: there is no channel 2"):
            loaded(case)

    @pytest.mark.parametrize("axes", ["ZCYX", "TZYX"])
    def test_a_channel_of_a_tiff_is_taken_too(self, tmp_path, axes):
        tifffile = pytest.importorskip("tifffile")
        both = np.stack([image_of(0), 10 * image_of(0)], axis=axes.index("C" if "C" in axes else "T")).astype(
            np.float32
        )
        tifffile.imwrite(tmp_path / "a_t1.tif", both, imagej=True, metadata={"axes": axes})
        tifffile.imwrite(tmp_path / "a_seg.tif", labels_of(0).astype(np.uint8))
        patterns = {"images": "*_t1.tif", "labels": "*_seg.tif"}
        for channel, times in ((0, 1), (1, 10)):
            case = loaded(find_labelled_cases(tmp_path, channel=channel, **patterns)[0], axis="k")
            assert np.array_equal(case.volume.intensities, times * image_of(0))
        with pytest.raises(InputError, match="--channel"):
            loaded(find_labelled_cases(tmp_path, **patterns)[0])

    def test_a_channel_of_a_vector_image_is_taken_too(self, tmp_path):
        import SimpleITK as sitk  # noqa: N813

        both = np.stack([image_of(0), 10 * image_of(0)], axis=3).astype(np.float32)
        image = sitk.GetImageFromArray(both, isVector=True)
        image.SetSpacing((1, 1, 2))
        sitk.WriteImage(image, str(tmp_path / "a_t1.nrrd"))
        write(tmp_path / "a_seg.nrrd", labels_of(0))
        patterns = {"images": "*_t1.nrrd", "labels": "*_seg.nrrd"}
        case = loaded(find_labelled_cases(tmp_path, channel=1, **patterns)[0], axis="k")
        assert np.array_equal(case.volume.intensities, 10 * image_of(0))

    def test_a_second_channel_of_an_image_that_has_one_is_refused(self, folder_set):
        with pytest.raises(InputError, match="no number 1"):
            loaded(find_labelled_cases(folder_set, channel=1)[0])

    def test_nnunet_has_a_file_a_channel_and_regions_that_are_no_labels(self, nnunet_set):
        cases = find_labelled_cases(nnunet_set, channel=1)
        assert [case.name for case in cases] == ["scan0", "scan1"]
        assert cases[0].class_names == NAMES
        assert np.array_equal(loaded(cases[0]).volume.intensities, 10 * image_of(0))

    def test_an_nnunet_case_without_its_image_is_named(self, nnunet_set):
        with pytest.raises(
            InputError, match=r"2 files do not exist: .*scan0_0007.nii.gz \(the image of scan0\), .*scan1_0007"
        ):
            find_labelled_cases(nnunet_set, channel=7)

    def test_a_table_names_cases_and_classes(self, table_set):
        cases = find_labelled_cases(table_set, limit=2)
        assert [case.name for case in cases] == ["patient 0", "patient 1"]
        assert cases[0].class_names == NAMES
        assert np.array_equal(loaded(cases[0]).expert.reference, labels_of(0))

    def test_names_given_by_hand_come_first(self, table_set):
        (case, *_) = find_labelled_cases(table_set, class_names=((1, "spleen"),))
        assert [one.name for one in loaded(case).expert.classes] == ["spleen", "class 2"]

    def test_two_cases_of_one_name_are_refused(self, table_set):
        table_set.write_text("image,labels\n" + "case0/image.nii.gz,case0/labels.nii.gz\n" * 2, encoding="utf-8")
        with pytest.raises(InputError, match=r"2 cases of .* are called case0"):
            find_labelled_cases(table_set)

    @pytest.mark.parametrize("text", ["nonsense", "[1]", json.dumps({"training": [{"image": "x"}]})])
    def test_a_damaged_description_is_told(self, tmp_path, text):
        (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"dataset\.json"):
            find_labelled_cases(tmp_path)

    def test_an_empty_folder_is_told(self, tmp_path):
        with pytest.raises(InputError, match="holds no case"):
            find_labelled_cases(tmp_path)


class TestLooks:
    @pytest.fixture
    def case(self, table_set):
        return find_labelled_cases(table_set)[0]

    @pytest.mark.parametrize("wanted", ["2", "tumour"])
    def test_classes_are_kept_by_value_or_name(self, case, wanted):
        expert = loaded(case, classes=(wanted,)).expert
        assert [one.name for one in expert.classes] == ["tumour"]
        assert np.array_equal(expert.reference, labels_of(0) == 2)

    def test_classes_that_a_case_does_not_have_are_told(self, case):
        with pytest.raises(InputError, match="holds none of the classes kidney"):
            loaded(case, classes=("kidney",))

    def test_any_axis_can_be_the_annotation_axis(self, case):
        expert = loaded(case, axis="i").expert
        assert np.array_equal(expert.reference, labels_of(0).transpose(2, 0, 1))

    def test_a_random_crop_keeps_all_planes_and_shows_what_its_box_says(self, case):
        cropped = loaded(case, crop_px=6)
        rows, columns = cropped.box
        assert cropped.volume.shape == (12, 6, 6)
        assert np.array_equal(cropped.volume.intensities, image_of(0)[:, rows, columns])
        assert np.array_equal(cropped.expert.reference, labels_of(0)[:, rows, columns])

    def test_another_seed_crops_elsewhere_and_the_same_one_does_not(self, case):
        boxes = [load_case(case, View(crop_px=6), HASH, seed).box for seed in (1, 1, 2, 3, 4)]
        assert boxes[0] == boxes[1]
        assert len({str(box) for box in boxes}) > 1


def test_every_crop_lies_in_the_image_and_holds_a_label():
    labels = np.zeros((1, 9, 11), np.uint8)
    labels[0, 8, 0] = labels[0, 4, 10] = 1
    rng = np.random.default_rng(0)
    for side in (1, 4, 9, 10, 50):
        for _ in range(30):
            rows, columns = random_box(labels, side, rng)
            assert labels[0, rows, columns].any()
            assert (rows.stop - rows.start, columns.stop - columns.start) == (min(side, 9), min(side, 11))
            assert rows.start >= 0
            assert rows.stop <= 9
            assert columns.start >= 0
            assert columns.stop <= 11
