"""Predictors of a single scan that start from a cohort model."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

torch = pytest.importorskip("torch")
pytest.importorskip("segmentation_models_pytorch")

from cohort.models import a_ball, bright_model  # noqa: E402
from predictors.test_unet import QUICK  # noqa: E402
from SparseAnnotateLib import PREDICTORS, InputError, LabelClass, SparseAnnotation, run  # noqa: E402
from SparseAnnotateLib.cli import build_parser, main  # noqa: E402
from SparseAnnotateLib.cohort.applying.continuing import network_for_one_scan  # noqa: E402
from SparseAnnotateLib.cohort.applying.heads import class_probabilities  # noqa: E402
from SparseAnnotateLib.cohort.model import save_model  # noqa: E402
from SparseAnnotateLib.metrics import dice  # noqa: E402
from SparseAnnotateLib.predictors.guided.cohort import reliability  # noqa: E402

BALL = LabelClass(3, "ball")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files of a model that is right about bright balls, and of one that takes the dark around them for the ball."""
    folder = tmp_path_factory.mktemp("models")
    save_model(bright_model(network="attention-unet3d"), folder / "good.safetensors")
    save_model(bright_model(inverted=True), folder / "bad.safetensors")
    return {name: str(folder / f"{name}.safetensors") for name in ("good", "bad")}


def a_bent_ball(painted=(6, 7, 10, 13, 14)):
    """A ball that stands aside on half of its planes, where no painted plane shows it: outlines cannot know."""
    volume, labels = a_ball(noise=4.0)
    for plane in (8, 9, 11, 12):
        volume.intensities[plane] = np.roll(volume.intensities[plane], 5, axis=1)
        labels[plane] = np.roll(labels[plane], 5, axis=1)
    annotation = SparseAnnotation.from_painted_planes(labels, painted, classes=[BALL], plane_range=(5, 15))
    return volume, labels, annotation


def unpainted_dice(labels, annotation, found) -> float:
    planes = annotation.unpainted_planes
    return dice(found[planes] > 0, labels[planes] > 0)


class TestUnet:
    OPTIONS = {**QUICK, "steps": 2}  # noqa: RUF012

    def test_it_starts_from_what_the_model_says(self, models):
        # Two painted planes stand aside: so it is borne out that the model knows what outlines cannot.
        volume, labels, annotation = a_bent_ball(painted=(6, 8, 10, 12, 13))
        without = run(PREDICTORS.create("unet", self.OPTIONS), volume, annotation)
        started = run(PREDICTORS.create("unet", {**self.OPTIONS, "start_from": models["good"]}), volume, annotation)
        assert unpainted_dice(labels, annotation, started.labels) > 0.95
        assert unpainted_dice(labels, annotation, started.labels) > unpainted_dice(labels, annotation, without.labels)
        assert started.details["prior_weights"][1] > 0.3

    def test_a_model_that_is_wrong_here_is_hardly_believed(self, models):
        volume, labels, annotation = a_bent_ball()
        without = run(PREDICTORS.create("unet", self.OPTIONS), volume, annotation)
        misled = run(PREDICTORS.create("unet", {**self.OPTIONS, "start_from": models["bad"]}), volume, annotation)
        assert misled.details["prior_weights"][1] < 0.15
        loss = unpainted_dice(labels, annotation, without.labels) - unpainted_dice(labels, annotation, misled.labels)
        assert loss < 0.1

    def test_known_voxels_come_back_unchanged(self, models):
        volume, _, annotation = a_bent_ball()
        annotation = annotation.with_partly_painted([10])
        found = run(PREDICTORS.create("unet", {**self.OPTIONS, "start_from": models["good"]}), volume, annotation)
        assert np.array_equal(found.labels[annotation.known], annotation.labels[annotation.known])

    def test_one_painted_plane_is_enough(self, models):
        volume, labels, _ = a_bent_ball()
        annotation = SparseAnnotation.from_painted_planes(labels, [10], classes=[BALL], plane_range=(5, 15))
        found = run(PREDICTORS.create("unet", {**self.OPTIONS, "start_from": models["good"]}), volume, annotation)
        assert unpainted_dice(labels, annotation, found.labels) > 0.7

    def test_the_prior_cohort_needs_a_model(self):
        with pytest.raises(InputError, match="--start-from MODEL"):
            PREDICTORS.create("unet", {"prior": "cohort"})


class TestGuided:
    @pytest.mark.parametrize("painted", [[7, 13], [6, 7, 10, 13, 14]])
    def test_a_model_that_is_right_helps(self, models, painted):
        volume, labels, annotation = a_bent_ball(painted)
        without = run(PREDICTORS.create("guided"), volume, annotation)
        started = run(PREDICTORS.create("guided", {"start_from": models["good"]}), volume, annotation)
        gain = unpainted_dice(labels, annotation, started.labels) - unpainted_dice(labels, annotation, without.labels)
        assert gain > 0
        assert started.details["pool_weights"]["cohort"] > 0.1
        assert "cohort" not in without.details["pool_weights"]

    @pytest.mark.parametrize("painted", [[7, 13], [6, 7, 10, 13, 14]])
    def test_a_model_that_is_wrong_here_is_not_believed(self, models, painted):
        volume, labels, annotation = a_bent_ball(painted)
        without = run(PREDICTORS.create("guided"), volume, annotation)
        misled = run(PREDICTORS.create("guided", {"start_from": models["bad"]}), volume, annotation)
        assert misled.details["pool_weights"]["cohort"] < 0.05
        loss = unpainted_dice(labels, annotation, without.labels) - unpainted_dice(labels, annotation, misled.labels)
        assert loss < 0.02

    def test_known_voxels_come_back_unchanged(self, models):
        volume, _, annotation = a_bent_ball()
        annotation = annotation.with_partly_painted([10])
        found = run(PREDICTORS.create("guided", {"start_from": models["good"]}), volume, annotation)
        assert np.array_equal(found.labels[annotation.known], annotation.labels[annotation.known])

    def test_a_missing_model_is_told(self):
        volume, _, annotation = a_bent_ball()
        with pytest.raises(InputError, match="there is no cohort model"):
            run(PREDICTORS.create("guided", {"start_from": "nowhere.safetensors"}), volume, annotation)


@pytest.mark.parametrize("wrong", [0.0, 0.02, 1.0])
def test_a_model_is_as_reliable_as_the_painted_planes_say(wrong):
    labels = np.zeros((20, 20), np.intp)
    labels[5:15, 5:15] = 1
    truth = np.stack([labels == 0, labels == 1]).astype(np.float32)
    surprising = np.random.default_rng(0).random(labels.shape) < wrong
    said = np.where(surprising, 1 - truth, truth) * 0.98 + 0.01
    value = reliability([(said, labels)])
    assert value == {0.0: 1.0, 1.0: 0.0}.get(wrong, value)
    assert 0.7 < value < 1 or wrong != 0.02
    assert reliability([(np.stack([np.ones((4, 4)), np.zeros((4, 4))]), np.zeros((4, 4), np.intp))]) == 0


class TestAttentionUnet3d:
    OPTIONS = {"device": "cpu", "iterations": 3, "learning_rate": 1e-4}  # noqa: RUF012

    def test_it_goes_on_from_the_models_weights(self, models):
        volume, labels, annotation = a_bent_ball()
        options = {**self.OPTIONS, "start_from": models["good"]}
        started = run(PREDICTORS.create("attention-unet3d", options), volume, annotation)
        assert unpainted_dice(labels, annotation, started.labels) > 0.9
        assert started.details["width"] == 2
        assert started.details["patch"] == [8, 16, 16]

    @pytest.mark.parametrize("network", ["unet3d", "attention-unet3d"])
    @pytest.mark.parametrize("known_channel", [False, True])
    def test_before_it_is_trained_it_says_what_the_model_says(self, network, known_channel):
        volume, _ = a_ball()
        model = bright_model(network=network, known_channel=known_channel)
        continued = network_for_one_scan(model, [BALL], seed=0)
        same = replace(model.configuration, network="attention-unet3d", known_channel=False)
        again = replace(model, configuration=same, weights=continued.state_dict())
        found, wanted = class_probabilities(again, volume), class_probabilities(model, volume)
        np.testing.assert_allclose(found, wanted, atol=1e-4)

    def test_outputs_are_those_of_the_scans_own_structures(self):
        model = bright_model(class_names=("other", "ball"), class_values=(2, 3), network="attention-unet3d")
        whole = dict(model.weights)
        head = network_for_one_scan(model, [BALL], seed=0).state_dict()["from_attention.weight"]
        assert torch.equal(head, whole["from_attention.weight"][[0, 2]])

    def test_a_structure_that_the_model_does_not_know_is_told(self, models):
        volume, labels, _ = a_bent_ball()
        annotation = SparseAnnotation.from_painted_planes(labels // 3, [7, 12], classes=[LabelClass(1, "cube")])
        for name in ("attention-unet3d", "unet"):
            with pytest.raises(InputError, match="has not learnt cube"):
                run(PREDICTORS.create(name, {"device": "cpu", "start_from": models["good"]}), volume, annotation)


def write(path, array) -> str:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 2.0))
    sitk.WriteImage(image, str(path))
    return str(path)


class TestCommandLine:
    def test_predict_and_simulate_start_from_a_model(self, models, tmp_path, monkeypatch):
        volume, labels, annotation = a_bent_ball()
        painted = np.where(annotation.painted[:, None, None], labels, 0)
        image = write(tmp_path / "image.nii.gz", volume.intensities)
        monkeypatch.chdir(tmp_path)
        start = ["--start-from", os.path.relpath(models["good"], tmp_path), "-q"]
        predicted = [*start, "-o", "out.nii.gz", "--range", "5", "15"]
        assert main(["predict", image, write(tmp_path / "painted.nii.gz", painted), *predicted]) == 0
        found = sitk.GetArrayFromImage(sitk.ReadImage("out.nii.gz"))
        assert unpainted_dice(labels, annotation, found) > 0.9
        reference = write(tmp_path / "reference.nii.gz", labels)
        assert main(["simulate", image, reference, "--planes", "7,13", *start, "--json", "measured.json"]) == 0
        measured = json.loads((tmp_path / "measured.json").read_text(encoding="utf-8"))
        assert measured["options"]["predictor"]["start_from"] == models["good"]
        assert measured["details"]["pool_weights"]["cohort"] > 0.1

    def test_evaluate_starts_those_predictors_that_can(self, models):
        from SparseAnnotateLib.commands.evaluate import blocks

        text = ["evaluate", "data", "-o", "out", "--predictors", "shape", "guided", "--start-from", models["good"]]
        (block,) = blocks(build_parser().parse_args(text))
        assert [dict(method.options) for method in block.predictors] == [{}, {"start_from": models["good"]}]

    def test_a_predictor_that_cannot_start_from_a_model_says_which_can(self, models, tmp_path, capsys):
        image, labels = (tmp_path / name for name in ("image.nii", "labels.nii"))
        image.touch()
        labels.touch()
        arguments = ["predict", str(image), str(labels), "-o", str(tmp_path / "out.nii"), "--predictor", "shape"]
        assert main([*arguments, "--start-from", models["good"]]) == 2
        error = capsys.readouterr().err
        assert "the predictor shape cannot start from a model: choose" in error
        assert "attention-unet3d" in error
        assert "unet" in error
