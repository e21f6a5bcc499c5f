"""What a stranger may type or give by mistake: it ends right, or in one sentence that says what to do."""

import os
import warnings

import numpy as np
import pytest
from dicom_files import write_series
from image_files import ramp, write
from PIL import Image
from SparseAnnotateLib import InputError, SparseAnnotation, Volume, predictors
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.io import check_writable, read_image, read_labels

SCAN = ramp((8, 16, 18))
LABELS = np.zeros(SCAN.shape, np.uint8)
LABELS[[1, 4, 6], 4:12, 5:13] = 1


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "scan.nii.gz", SCAN)
    write(tmp_path / "labels.nii.gz", LABELS)
    return tmp_path


def said(capsys, *words):
    """The one line of a command that is refused."""
    try:
        code = main([*words])
    except SystemExit as end:
        code = end.code
    assert code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.usefixtures("here")
class TestForgotten:
    @pytest.mark.parametrize("image", ["scan.nii.gz", "dicom", "dicom::1.2", "dicom/IM0001.dcm"])
    def test_labels(self, here, capsys, image):
        write_series(here / "dicom", SCAN)
        expected = f"{image} is one scan: give LABELS too, with its painted planes"
        assert expected in said(capsys, "predict", image, "-o", "out.nii.gz")

    @pytest.mark.parametrize(
        "words",
        [
            ("predict", "", "labels.nii.gz", "-o", "out.nii"),
            ("predict", "scan.nii.gz", "", "-o", "out.nii"),
            ("predict", "scan.nii.gz", "labels.nii.gz", "-o", ""),
            ("predict", "scan.nii.gz", "labels.nii.gz", "-o", "out.nii", "--quality", ""),
            ("suggest", "", "--count", "3"),
        ],
    )
    def test_a_variable_that_is_not_set(self, capsys, words):
        assert "empty" in (line := said(capsys, *words))
        assert "is a variable of the shell not set?" in line

    @pytest.mark.parametrize("name", [".nii.gz", "out/.nrrd", ".SEG.NRRD", ".dcm"])
    def test_a_name_before_the_suffix(self, here, capsys, name):
        (here / "out").mkdir()
        line = said(capsys, "predict", "scan.nii.gz", "labels.nii.gz", "-o", name)
        assert f"{name} is a suffix without a name" in line


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "NaN"])
@pytest.mark.parametrize("command", ["predict scan.nii.gz labels.nii.gz -o o.nii", "suggest scan.nii.gz --count 2"])
def test_nan_is_not_replaced_by_nan(capsys, command, value):
    line = said(capsys, *command.split(), f"--replace-nan={value}")
    assert f"{value} is NaN or infinite itself: write a number" in line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
class TestPipes:
    @pytest.mark.parametrize("words", [("pipe", "labels.nii.gz"), ("scan.nii.gz", "pipe"), ("pipe",)])
    def test_a_pipe_is_refused_and_not_waited_for(self, here, capsys, words):
        os.mkfifo(here / "pipe")
        assert "pipe is no plain file (a pipe or a device)" in said(capsys, "predict", *words, "-o", "out.nii")


@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_a_folder_in_which_nothing_can_be_made_is_refused_before_the_work(folder):
    if not os.path.isdir(folder):
        pytest.skip(f"there is no {folder}")
    with pytest.raises(InputError, match=f"the folder {folder} cannot be written to"):
        check_writable(f"{folder}/out.nii")


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_folder_of_pictures_that_are_not_read_says_what_they_are(tmp_path, kind):
    for number in range(4):
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / f"slice_{number}.{kind}")
    with pytest.raises(InputError, match=rf"numbered slices, but slice_0\.{kind}, which is a \w+ picture"):
        read_image(tmp_path)


@pytest.mark.parametrize("number", [1, 3, 255])
def test_labels_whose_background_is_a_number_are_named(tmp_path, caplog, number):
    image = read_image(write(tmp_path / "scan.nrrd", SCAN), "k")
    inverted = np.where(LABELS == 1, 0, number).astype(np.uint8)
    read_labels(write(tmp_path / "labels.nrrd", inverted), image)
    assert f"{number} is on most voxels and all around, as a background is" in caplog.text


@pytest.mark.parametrize("large", [False, True])
def test_a_large_structure_is_no_background(tmp_path, caplog, large):
    image = read_image(write(tmp_path / "scan.nrrd", SCAN), "k")
    labels = np.zeros_like(LABELS)
    labels[:, 1:-1, 1:-1] = large
    labels[:, 4:12, 5:13] = 1
    read_labels(write(tmp_path / "labels.nrrd", labels), image)
    assert "background" not in caplog.text


@pytest.mark.parametrize("spacing", [(2e6, 1e6, 1e6), (2e-6, 1e-6, 1e-6), (100.0, 1.0, 1.0)])
def test_spacing_of_any_size(spacing):
    volume = Volume.from_array(np.random.default_rng(0).normal(100 * (LABELS[4] == 1), 5, SCAN.shape), spacing)
    labels = np.repeat(LABELS[4][None], 8, axis=0)
    annotation = SparseAnnotation.from_painted_planes(labels, [0, 3, 7])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prediction = predictors.run(predictors.PREDICTORS.create("guided"), volume, annotation)
    assert 2 * (prediction.labels & labels).sum() / (prediction.labels.sum() + labels.sum()) > 0.95


@pytest.mark.usefixtures("here")
class TestSwapped:
    @pytest.mark.parametrize(
        "words",
        [
            ("predict", "labels.nii.gz", "scan.nii.gz", "-o", "o.nii"),
            ("suggest", "labels.nii.gz", "--labels", "scan.nii.gz", "--count", "2"),
            ("simulate", "labels.nii.gz", "scan.nii.gz", "--count", "2"),
        ],
    )
    @pytest.mark.parametrize("scan", [ramp((8, 16, 18)), ramp((8, 16, 18)) - 500, ramp((8, 16, 18)) / np.float32(7)])
    def test_image_and_labels(self, here, capsys, words, scan):
        write(here / "scan.nii.gz", scan)
        assert "(the image holds 2 values only: are the two files swapped?)" in said(capsys, *words)

    def test_what_is_not_swapped_is_not_called_so(self, here, capsys):
        write(here / "other.nii.gz", SCAN - 500)
        assert "swapped" not in said(capsys, "predict", "scan.nii.gz", "other.nii.gz", "-o", "o.nii")
