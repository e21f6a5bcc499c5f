"""`sparse-annotate cohort predict` as a user meets it."""

import csv

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

torch = pytest.importorskip("torch")

from cohort.models import a_ball, a_configuration, bright_model  # noqa: E402
from SparseAnnotateLib import Prediction  # noqa: E402
from SparseAnnotateLib.cli import main  # noqa: E402
from SparseAnnotateLib.cohort.applying.heads import Applying  # noqa: E402
from SparseAnnotateLib.cohort.applying.predicting import predict_scan  # noqa: E402
from SparseAnnotateLib.cohort.model import save_model  # noqa: E402
from SparseAnnotateLib.metrics import dice  # noqa: E402


@pytest.fixture
def files(tmp_path):
    """Model and image in files, and the labels that are to be found."""
    volume, labels = a_ball()
    image = sitk.GetImageFromArray(volume.intensities)
    image.SetSpacing((1.0, 1.0, 2.0))
    image.SetOrigin((5.0, -3.0, 7.0))
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    save_model(bright_model(network="attention-unet3d"), tmp_path / "model.safetensors")
    return str(tmp_path / "model.safetensors"), str(tmp_path / "image.nii.gz"), labels


def predict(model, image, output, *more) -> int:
    return main(["cohort", "predict", model, image, "-o", str(output), "--device", "cpu", "-q", *more])


def refused(capsys) -> str:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err.strip().splitlines()[-1]


def test_it_writes_the_models_values_on_the_images_grid(files, tmp_path):
    model, image, labels = files
    assert predict(model, image, tmp_path / "out.nii.gz") == 0
    written = sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    assert written.GetOrigin() == sitk.ReadImage(image).GetOrigin()
    array = sitk.GetArrayFromImage(written)
    assert set(np.unique(array)) == {0, 3}
    assert dice(array == 3, labels == 3) > 0.95


def test_it_says_what_it_expects_of_every_plane(files, tmp_path):
    model, image, labels = files
    assert predict(model, image, tmp_path / "out.nii.gz", "--quality", str(tmp_path / "quality.csv")) == 0
    with open(tmp_path / "quality.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(labels)
    assert {row["state"] for row in rows} == {"predicted"}
    assert all(0 <= float(row["expected_dice"]) <= 1 for row in rows)
    assert int(rows[len(rows) // 2]["voxels ball"]) > 0


def test_it_writes_probabilities(files, tmp_path):
    model, image, labels = files
    path = tmp_path / "probabilities.nrrd"
    assert predict(model, image, tmp_path / "out.nii.gz", "--probabilities", str(path)) == 0
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert dice(found[..., 1] > 0.5, labels == 3) > 0.95


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--axis", "i"), "read it along k"),
        (("--overlap", "2"), "overlap"),
        (("--probabilities", "no.txt"), "no format"),
    ],
)
def test_wrong_input_is_told_in_a_sentence_and_nothing_is_written(files, tmp_path, capsys, arguments, message):
    assert predict(*files[:2], tmp_path / "out.nii.gz", *arguments) == 2
    assert message in refused(capsys)
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_wrong_spacing_is_told(files, tmp_path, capsys):
    model, path, _ = files
    image = sitk.ReadImage(path)
    image.SetSpacing((0.1, 0.1, 2.0))
    sitk.WriteImage(image, path)
    assert predict(model, path, tmp_path / "out.nii.gz") == 2
    assert "rows lie 0.1 mm apart, the cohort model has learnt from 1 mm" in refused(capsys)


def test_thick_slices_along_another_axis_are_told(files, tmp_path, capsys):
    model, path, _ = files
    image = sitk.ReadImage(path)
    image.SetSpacing((2.0, 1.0, 1.0))
    sitk.WriteImage(image, path)
    assert predict(model, path, tmp_path / "out.nii.gz") == 2
    assert "thick slices do not lie along the axis k" in refused(capsys)


def test_an_image_is_no_model(files, tmp_path, capsys):
    _, image, _ = files
    assert predict(image, image, tmp_path / "out.nii.gz") == 2
    assert "cannot be read as a cohort model" in refused(capsys)


def two_balls():
    volume, _ = a_ball()
    volume.intensities[2:5, 2:5, 2:5] = 100
    volume.intensities[10, 12, 17] = 0
    return volume


def labels_of(**options):
    steps = list(predict_scan(bright_model(), two_balls(), Applying(device="cpu"), **options))
    assert [step.fraction for step in steps[:-1]] == sorted(step.fraction for step in steps[:-1])
    assert isinstance(steps[-1], Prediction)
    return steps[-1].labels


def test_only_the_largest_part_stays_and_its_holes_are_filled():
    rough = labels_of(fill_holes="off", main_component=False)
    assert rough[3, 3, 3]
    assert not rough[10, 12, 17]
    tidy = labels_of()
    assert not tidy[3, 3, 3]
    assert tidy[10, 12, 17]
    assert labels_of(main_component=False)[3, 3, 3]


def test_heads_that_agree_say_so_plane_by_plane():
    volume, _ = a_ball()
    *_, prediction = predict_scan(bright_model(network="attention-unet3d"), volume, Applying(device="cpu"))
    assert len(prediction.details["agreement"]) == volume.planes
    assert min(prediction.details["agreement"]) == 1
    *_, prediction = predict_scan(bright_model(), volume, Applying(device="cpu"), keep_probabilities=True)
    assert prediction.details == {}
    assert prediction.probabilities.shape == (2, *volume.shape)


def test_several_structures_have_their_own_numbers():
    volume, _ = a_ball()
    configuration = a_configuration(class_names=("ball", "never"), class_values=(3, 9))
    model = bright_model(class_names=configuration.class_names, class_values=configuration.class_values)
    *_, prediction = predict_scan(model, volume, Applying(device="cpu"))
    assert set(np.unique(prediction.labels)) == {0, 1}
