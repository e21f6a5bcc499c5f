"""The rules that every predictor keeps (docs/design/design.md), as tests to inherit.

A new predictor is tested by three lines:

    class TestMyPredictor(PredictorTester):
        name = "my-predictor"
"""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, InputError, LabelClass, Prediction, Progress, SparseAnnotation, Volume, run

CLASSES = (LabelClass(3, "ball"), LabelClass(200, "core"))


def a_ball_with_a_core(planes=20, rows=28, columns=32, spacing_mm=(2.0, 1.0, 1.0)):
    """A noisy image of a ball (value 3) with a smaller one (value 200) inside, and its labels."""
    grids = np.meshgrid(
        *(np.arange(n) * s for n, s in zip((planes, rows, columns), spacing_mm, strict=True)), indexing="ij"
    )
    centre = [(n - 1) * s / 2 for n, s in zip((planes, rows, columns), spacing_mm, strict=True)]
    distance = np.sqrt(sum((grid - c) ** 2 for grid, c in zip(grids, centre, strict=True)))
    radius = 0.42 * min(n * s for n, s in zip((planes, rows, columns), spacing_mm, strict=True))
    labels = np.zeros(distance.shape, np.uint8)
    labels[distance < radius] = 3
    labels[distance < 0.5 * radius] = 200
    noise = np.random.default_rng(1).normal(0, 3, labels.shape)
    return Volume.from_array(50.0 * (labels == 3) + 100.0 * (labels == 200) + noise, spacing_mm), labels


def dice(reference, predicted) -> float:
    return 2 * np.sum(reference & predicted) / (reference.sum() + predicted.sum())


class PredictorTester:
    """Inherit, and give the predictor's `name`; `options` make it quick where it is slow."""

    name: str
    options: dict = {}  # noqa: RUF012
    painted = (5, 8, 11, 14)
    plane_range = (4, 15)
    # The least that the predictor must reach on the ball, mean of its two classes over the unpainted planes.
    least_dice = 0.7

    def make_predictor(self, **options):
        return PREDICTORS.create(self.name, {**self.options, **options})

    def annotate(self, labels, painted=None, plane_range=None) -> SparseAnnotation:
        painted = self.painted if painted is None else painted
        with_labels = [plane for plane in painted if labels[plane].any()]
        empty = [plane for plane in painted if not labels[plane].any()]
        return SparseAnnotation.from_painted_planes(
            labels, with_labels, empty=empty, classes=CLASSES, plane_range=plane_range or self.plane_range
        )

    def test_it_is_registered_with_a_summary(self):
        predictor = PREDICTORS.get(self.name)
        assert predictor.name == self.name
        assert 10 < len(predictor.summary) < 160

    def test_it_finds_the_structures_between_painted_planes(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        predicted = annotation.to_values(run(self.make_predictor(), volume, annotation).labels)
        unpainted = annotation.unpainted_planes
        assert np.mean([dice(labels[unpainted] == v, predicted[unpainted] == v) for v in (3, 200)]) > self.least_dice

    def test_known_voxels_come_back_unchanged(self):
        volume, labels = a_ball_with_a_core()
        scrambled = labels.copy()
        scrambled[8, 3:, :30] = np.random.default_rng(2).choice([0, 3, 200], (25, 30))
        annotation = self.annotate(scrambled).with_partly_painted([11]).with_box((4, 2, 0), (15, 27, 30))
        result = run(self.make_predictor(), volume, annotation)
        assert np.array_equal(result.labels[annotation.known], annotation.labels[annotation.known])

    def test_nothing_stands_outside_the_range(self):
        volume, labels = a_ball_with_a_core()
        result = run(self.make_predictor(), volume, self.annotate(labels, painted=(7, 12), plane_range=(5, 14)))
        assert not result.labels[:5].any()
        assert not result.labels[15:].any()

    def test_a_structure_stays_inside_its_own_range(self):
        volume, labels = a_ball_with_a_core()
        labels[:8][labels[:8] == 200] = 3
        annotation = self.annotate(labels).with_class_ranges({2: (8, 11)})
        result = run(self.make_predictor(), volume, annotation)
        assert not (result.labels[:8] == 2).any()
        assert not (result.labels[12:] == 2).any()

    def test_only_known_classes_appear(self):
        volume, labels = a_ball_with_a_core()
        assert set(np.unique(run(self.make_predictor(), volume, self.annotate(labels)).labels)) <= {0, 1, 2}

    def test_a_class_that_nobody_painted_does_not_appear(self):
        volume, labels = a_ball_with_a_core()
        result = run(self.make_predictor(), volume, self.annotate(labels, painted=(5, 14)))
        assert not (result.labels == 2).any()

    def test_one_painted_plane_is_enough(self):
        volume, labels = a_ball_with_a_core()
        result = run(self.make_predictor(), volume, self.annotate(labels, painted=(9,)))
        assert np.array_equal(result.labels[9] > 0, labels[9] > 0)

    def test_planes_painted_next_to_each_other_are_enough(self):
        volume, labels = a_ball_with_a_core()
        result = run(self.make_predictor(), volume, self.annotate(labels, painted=(9, 10)))
        assert result.labels.shape == labels.shape

    def test_nothing_left_to_predict_gives_the_painted_labels(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels, painted=range(4, 16))
        result = run(self.make_predictor(), volume, annotation)
        assert np.array_equal(annotation.to_values(result.labels), np.where(annotation.known, labels, 0))

    def test_anisotropic_pixels_are_no_obstacle(self):
        volume, labels = a_ball_with_a_core(planes=18, rows=40, columns=16, spacing_mm=(2.0, 0.7, 2.2))
        annotation = self.annotate(labels, painted=(4, 8, 12), plane_range=(3, 14))
        predicted = run(self.make_predictor(), volume, annotation).labels
        assert dice(labels > 0, predicted > 0) > self.least_dice

    def test_tiny_planes_are_no_obstacle(self):
        labels = np.zeros((7, 4, 4), np.uint8)
        labels[1:6, 1:3, 1:3] = 3
        volume = Volume.from_array(labels.astype(np.float32))
        result = run(self.make_predictor(), volume, self.annotate(labels, painted=(1, 5), plane_range=(1, 5)))
        assert result.labels.shape == labels.shape

    def test_a_constant_image_is_no_obstacle(self):
        _, labels = a_ball_with_a_core()
        volume = Volume.from_array(np.zeros(labels.shape, np.float32))
        assert run(self.make_predictor(), volume, self.annotate(labels)).labels.any()

    def test_progress_never_goes_back_and_the_prediction_comes_last(self):
        volume, labels = a_ball_with_a_core()
        steps = list(self.make_predictor().predict(volume, self.annotate(labels)))
        fractions = [step.fraction for step in steps[:-1]]
        assert all(isinstance(step, Progress) for step in steps[:-1])
        assert isinstance(steps[-1], Prediction)
        assert fractions == sorted(fractions)
        assert all(0 <= fraction <= 1 for fraction in fractions)

    def test_cancelling_leaves_the_input_as_it_was(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        before = annotation.labels.copy(), annotation.known.copy(), volume.intensities.copy()
        steps = self.make_predictor().predict(volume, annotation)
        next(steps)
        steps.close()
        after = annotation.labels, annotation.known, volume.intensities
        assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))

    def test_the_same_seed_gives_the_same_labels(self):
        volume, labels = a_ball_with_a_core()
        first, second = (run(self.make_predictor(seed=3), volume, self.annotate(labels)).labels for _ in range(2))
        assert np.array_equal(first, second)

    def test_the_axis_makes_no_difference(self):
        volume, labels = a_ball_with_a_core()
        turned = Volume.from_file_order(
            np.ascontiguousarray(volume.intensities.transpose(1, 2, 0)),
            volume.geometry.__class__((20, 32, 28), (2.0, 1.0, 1.0)),
            axis="i",
        )
        assert turned.shape == volume.shape
        first, second = (run(self.make_predictor(), v, self.annotate(labels)).labels for v in (volume, turned))
        assert np.array_equal(first, second)

    def test_nothing_painted_is_said_in_one_sentence(self):
        volume, _ = a_ball_with_a_core()
        with pytest.raises(InputError, match="no plane is painted"):
            run(self.make_predictor(), volume, SparseAnnotation.unpainted(volume.shape, CLASSES))

    def test_labels_on_another_grid_are_refused(self):
        volume, labels = a_ball_with_a_core()
        with pytest.raises(InputError, match="different grids"):
            run(self.make_predictor(), volume, self.annotate(labels[:, :, :-1]))
