"""`unet`: the rules of all predictors, and what only a trained network does."""

import itertools
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("segmentation_models_pytorch", reason="segmentation_models_pytorch is not installed")

from predictors.predictor_tester import PredictorTester, a_ball_with_a_core, dice  # noqa: E402
from SparseAnnotateLib import InputError, Prediction, run  # noqa: E402
from SparseAnnotateLib.commands._arguments import predictor_from  # noqa: E402

QUICK = {
    "encoder": "resnet18",
    "encoder_depth": 3,
    "decoder_width": 4,
    "smallest_side_px": 32,
    "tile_px": 32,
    "steps": 3,
    "device": "cpu",
    # Steps are counted: no clock ends a training here.
    "budget_s": 1e6,
}


pytestmark = pytest.mark.usefixtures("one_thread")


class TestUnet(PredictorTester):
    name = "unet"
    # Three steps cannot learn: what stands between the planes is the prior's. Learning is tested below.
    options = {**QUICK, "prior": "shape"}  # noqa: RUF012

    def test_it_learns_from_intensities_alone(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        predictor = self.make_predictor(prior="none", steps=60, learning_rate=1e-2, border_planes=0)
        prediction = run(predictor, volume, annotation)
        predicted = annotation.to_values(prediction.labels)
        unpainted = annotation.unpainted_planes
        assert np.mean([dice(labels[unpainted] == v, predicted[unpainted] == v) for v in (3, 200)]) > 0.8
        assert prediction.expected_dice > 0.7
        assert prediction.details["steps"] == 60
        assert not prediction.details["stopped_by_clock"]

    def test_cancelling_while_it_trains_ends_within_one_batch(self):
        volume, labels = a_ball_with_a_core()
        steps = self.make_predictor(steps=10_000, budget_s=10_000.0).predict(volume, self.annotate(labels))
        messages = [next(steps).message for _ in range(4)]
        steps.close()
        assert "epoch" in messages[-1]
        assert "loss" in messages[-1]
        assert "s left" in messages[-1]

    def test_a_preview_shows_a_plane_as_it_is_learnt(self, monkeypatch):
        monkeypatch.setattr("SparseAnnotateLib.predictors.networks.predictor._PREVIEW_EVERY_S", 0.0)
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        previews = [
            step.preview
            for step in self.make_predictor().predict(volume, annotation)
            if not isinstance(step, Prediction)
        ]
        plane, preview = next(found for found in previews if found is not None)
        assert plane in annotation.unpainted_planes
        assert preview.shape == labels.shape[1:]
        assert preview.any()

    def test_looking_at_previews_changes_no_result(self, monkeypatch):
        volume, labels = a_ball_with_a_core()
        without = run(self.make_predictor(), volume, self.annotate(labels)).labels
        monkeypatch.setattr("SparseAnnotateLib.predictors.networks.predictor._PREVIEW_EVERY_S", 0.0)
        assert np.array_equal(run(self.make_predictor(), volume, self.annotate(labels)).labels, without)

    def test_probabilities_are_kept_on_request_and_certain_where_known(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        prediction = run(self.make_predictor(keep_probabilities=True), volume, annotation)
        probabilities = prediction.probabilities
        assert probabilities.shape == (3, *labels.shape)
        assert probabilities.dtype == np.float16
        assert np.abs(probabilities.sum(0, dtype=np.float32) - 1).max() < 0.01
        known = annotation.known
        assert np.array_equal(probabilities.argmax(0)[known], annotation.labels[known])
        assert (probabilities.max(0)[known] == 1).all()
        assert np.array_equal(probabilities.argmax(0), prediction.labels)

    def test_the_clock_is_kept(self, monkeypatch):
        volume, labels = a_ball_with_a_core()
        # Every look at the clock takes 20 ms.
        clock = itertools.count()
        monkeypatch.setattr(time, "monotonic", lambda: 0.02 * next(clock))
        details = run(self.make_predictor(steps=100_000, budget_s=3.0), volume, self.annotate(labels)).details
        assert details["stopped_by_clock"]
        assert details["steps"] < 100_000

    @pytest.mark.parametrize(
        ("options", "rate"),
        [
            ({}, 1e-3),
            ({"prior": "none"}, 3e-3),
            ({"optimisation": "two-step"}, 5e-4),
            ({"learning_rate": 0.02}, 0.02),
        ],
    )
    def test_the_learning_rate_fits_the_way_of_training_unless_it_is_given(self, options, rate):
        volume, labels = a_ball_with_a_core()
        prediction = run(self.make_predictor(**{"steps": 2, **options}), volume, self.annotate(labels))
        assert prediction.details["learning_rate"] == rate

    def test_all_the_options_of_the_papers_work_together(self):
        volume, labels = a_ball_with_a_core()
        options = {
            "optimisation": "two-step",
            "known_channel": True,
            "loss": "dice+mbce",
            "neighbours": 0,
        }
        options |= {
            "test_time_augmentation": True,
            "flips": True,
            "border_planes": 2,
            "prior": "none",
        }
        annotation = self.annotate(labels, painted=(5, 7, 9, 11, 13))
        prediction = run(self.make_predictor(**options), volume, annotation)
        assert prediction.details["held_out_planes"] == [9]
        assert prediction.details["training_planes"] == 8

    def test_partly_painted_planes_are_predicted_where_they_are_unknown(self):
        volume, labels = a_ball_with_a_core()
        erased = labels.copy()
        erased[8, 14:] = 0
        annotation = self.annotate(erased).with_partly_painted([8])
        predicted = run(self.make_predictor(loss="dice+mbce"), volume, annotation).labels
        assert predicted[8, 14:].any()

    @pytest.mark.parametrize(
        ("option", "value", "message"),
        [
            ("loss", "focal", "no loss 'focal'"),
            ("neighbours", -1, "neighbours is -1: give at least 0"),
            ("budget_s", 0.0, "budget_s is 0: give a number above 0"),
            ("rotation_degrees", -5.0, "rotation_degrees is -5: give 0 or more"),
            ("hold_to_prior", -1.0, "hold_to_prior is -1: give 0 or more"),
        ],
    )
    def test_options_that_make_no_sense_are_refused_before_anything_is_loaded(self, option, value, message):
        with pytest.raises(InputError, match=message):
            self.make_predictor(**{option: value})

    @pytest.mark.parametrize("option", ["weights", "encoder_weights"])
    def test_weights_that_are_missing_are_never_replaced_by_random_ones(self, option, tmp_path):
        volume, labels = a_ball_with_a_core()
        predictor = self.make_predictor(**{option: str(tmp_path / "missing.safetensors")})
        with pytest.raises(InputError, match="does not exist"):
            run(predictor, volume, self.annotate(labels))

    def test_the_weights_of_the_command_line_reach_the_network_unless_the_selector_takes_them(self, tmp_path):
        weights = str(tmp_path / "w.pth")
        Path(weights).write_bytes(b"PK")
        given = {"predictor": "unet", "predictor_options": [], "weights": weights, "device": "cpu"}
        assert predictor_from(Namespace(**given)).options.weights == weights
        assert predictor_from(Namespace(**given, selector="keep-n")).options.weights == weights
        assert predictor_from(Namespace(**given, selector="perceptual")).options.weights is None
