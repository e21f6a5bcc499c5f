"""docs/design/design.md, "Bad input": the very sentence that a user gets. (More cases: test_io_*, test_annotation.)"""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import ramp, write
from SparseAnnotateLib import InputError, SparseAnnotation, Volume, predictors
from SparseAnnotateLib.io import read_image, read_labels, write_labels

IMAGE = ramp()
LABELS = np.zeros(IMAGE.shape, np.uint8)
LABELS[1, 1:3, 1:4] = 1


@pytest.fixture
def image(tmp_path):
    return read_image(write(tmp_path / "image.nrrd", IMAGE), "k")


def said_by(function, *arguments, **options):
    """The message of the InputError that a call raises: one line, without a trace of C++."""
    with pytest.raises(InputError) as raised:
        function(*arguments, **options)
    message = str(raised.value)
    assert "\n" not in message
    assert "itk::" not in message
    return message


def test_image_and_labels_on_different_grids(image, tmp_path):
    path = write(tmp_path / "labels.nrrd", LABELS, spacing=(0.7, 0.5, 3.1))
    assert said_by(read_labels, path, image) == (
        f"{path}: the labels lie on another grid than the image (spacing 0.7, 0.333333, 3.1 against 0.7, 0.5, 3.1 mm, "
        "image against labels): resample them onto the image"
    )


def test_a_2d_image(tmp_path):
    path = tmp_path / "flat.png"
    sitk.WriteImage(sitk.GetImageFromArray(LABELS[1]), str(path))
    assert said_by(read_image, path) == f"{path} is a 2-D image: give a volume, or the folder that holds all slices"


def test_a_4d_image(tmp_path):
    path = tmp_path / "cine.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([IMAGE] * 3), isVector=False), str(path))
    assert said_by(read_image, path) == (
        f"{path} is a 4-D image with 3 frames: save one of them and give that, or choose one with --channel N"
    )


def test_nan_or_infinite_intensities(tmp_path):
    array = IMAGE.astype(np.float32)
    array[0, 0, :2] = np.nan, np.inf
    path = write(tmp_path / "image.nrrd", array)
    assert said_by(read_image, path) == (
        f"{path}: the image holds 2 voxels that are NaN or infinite: "
        "replace them (on the command line: --replace-nan VALUE)"
    )


@pytest.mark.parametrize("name", ["nearest", "shape"])
def test_constant_planes_are_predicted_like_others(name):
    annotation = SparseAnnotation.from_painted_planes(LABELS)
    predictor = predictors.PREDICTORS.create(name)
    prediction = predictors.run(predictor, Volume.from_array(np.zeros(LABELS.shape)), annotation)
    assert np.array_equal(prediction.labels[1], LABELS[1])


def test_no_painted_plane(image):
    predictor = predictors.PREDICTORS.create("nearest")
    message = said_by(predictors.run, predictor, image, SparseAnnotation.unpainted(image.shape))
    assert message == "no plane is painted: paint at least one, or name the painted ones (--painted)"


def test_a_painted_plane_outside_the_range():
    message = said_by(SparseAnnotation.from_painted_planes(LABELS).with_range, 2, 3)
    assert message == "plane 1 is painted but lies outside the range 2 to 3: widen the range or erase the plane"


def test_more_classes_than_255():
    message = said_by(SparseAnnotation.from_painted_planes, np.arange(300).reshape(1, 15, 20))
    assert message == "the labels hold 299 classes, at most 255 can be handled: is this a label map?"


def test_labels_that_are_no_integers(image, tmp_path):
    path = write(tmp_path / "labels.nrrd", LABELS * np.float32(0.5))
    assert said_by(read_labels, path, image) == (
        f"{path}: the labels are not whole numbers: give a label map, not an image or probabilities"
    )


def test_an_empty_range():
    message = said_by(SparseAnnotation.from_painted_planes(LABELS).with_range, 3, 2)
    assert message == "the range 3 to 2 is empty: the first plane must not come after the last one"


def test_an_unreadable_file(tmp_path):
    path = tmp_path / "image.mha"
    path.write_text("this is no image")
    assert str(path) in said_by(read_image, path)


def test_a_truncated_file(tmp_path):
    path = write(tmp_path / "image.nii", IMAGE)
    path.write_bytes(path.read_bytes()[:400])
    message = said_by(read_image, path)
    assert message == f"{path} is truncated (400 of 592 bytes): get a fresh copy of it"


def test_a_full_disk(image, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    path = tmp_path / "result.nii.gz"
    message = said_by(write_labels, path, LABELS, image, SparseAnnotation.from_painted_planes(LABELS).classes)
    assert message == f"{path} could not be written (No space left on device): nothing was changed"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["image.nrrd"]
