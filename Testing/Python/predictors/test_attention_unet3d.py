"""`attention-unet3d`: the rules of all predictors, and what Zhang 2019 asks of it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from predictors.predictor_tester import PredictorTester, a_ball_with_a_core, dice  # noqa: E402
from SparseAnnotateLib import InputError, SparseAnnotation, run  # noqa: E402
from SparseAnnotateLib.learning.attention.network import build_attention_network, multiply_adds_per_voxel  # noqa: E402
from SparseAnnotateLib.learning.attention.training import (  # noqa: E402
    class_weights,
    head_probabilities,
    known_cross_entropy,
)
from SparseAnnotateLib.learning.patches import PatchSource, tiles  # noqa: E402
from SparseAnnotateLib.predictors.attention_unet3d.options import AttentionUnet3dOptions  # noqa: E402
from SparseAnnotateLib.predictors.attention_unet3d.recipe import recipe_for  # noqa: E402

QUICK = {"device": "cpu", "width": 4, "patch": (8, 16, 16), "iterations": 60, "learning_rate": 3e-2, "budget_s": 1e6}


pytestmark = pytest.mark.usefixtures("one_thread")


class TestAttentionUnet3d(PredictorTester):
    name = "attention-unet3d"
    options = {**QUICK, "iterations": 2}  # noqa: RUF012
    least_dice = 0.0

    def test_it_learns_from_intensities_alone(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        predicted = run(self.make_predictor(iterations=60), volume, annotation).labels
        unpainted = annotation.unpainted_planes
        assert dice(labels[unpainted] > 0, predicted[unpainted] > 0) > 0.8

    def test_a_constant_image_is_no_obstacle(self):
        volume, labels = a_ball_with_a_core()
        constant = type(volume).from_array(np.zeros(labels.shape, np.float32))
        assert run(self.make_predictor(), constant, self.annotate(labels)).labels.shape == labels.shape

    def test_it_says_how_far_its_heads_agree_on_every_plane(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels)
        result = run(self.make_predictor(), volume, annotation)
        for name in ("p_dsc", "p_accuracy"):
            assert len(result.details[name]) == len(labels)
            assert all(0 <= value <= 1 for value in result.details[name])
        expected = result.expected_dice_per_plane
        assert np.isfinite(expected[annotation.unpainted_planes]).all()
        assert np.isnan(expected[list(self.painted)]).all()

    def test_an_update_goes_on_from_the_last_weights(self, tmp_path):
        volume, labels = a_ball_with_a_core()
        state = str(tmp_path / "weights.npz")
        first = run(self.make_predictor(state=state), volume, self.annotate(labels))
        second = run(self.make_predictor(state=state), volume, self.annotate(labels, painted=(5, 8, 10, 11, 14)))
        assert (first.details["continued"], second.details["continued"]) == (False, True)
        assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]

    def test_weights_of_another_network_are_refused(self, tmp_path):
        volume, labels = a_ball_with_a_core()
        state = str(tmp_path / "weights.npz")
        run(self.make_predictor(state=state), volume, self.annotate(labels))
        with pytest.raises(InputError, match="another network"):
            run(self.make_predictor(state=state, width=8), volume, self.annotate(labels))

    def test_the_same_seed_gives_the_same_labels(self):
        volume, labels = a_ball_with_a_core()
        results = [run(self.make_predictor(iterations=5), volume, self.annotate(labels)).labels for _ in range(2)]
        assert np.array_equal(*results)


def test_unknown_voxels_get_no_gradient():
    logits = torch.randn(1, 2, 1, 2, 3, requires_grad=True)
    labels = torch.tensor([[[[0, 1, 1], [1, 0, 0]]]])
    known = torch.tensor([[[[True, True, False], [False, True, False]]]])
    known_cross_entropy(logits, labels, known).backward()
    assert (logits.grad.abs().sum(1) > 0).equal(known)


def test_the_loss_is_the_mean_over_known_voxels():
    logits = torch.zeros(1, 2, 1, 1, 2)
    logits[0, 1, 0, 0, 0] = np.log(3.0)
    labels = torch.tensor([[[[1, 0]]]])
    assert known_cross_entropy(logits, labels, torch.tensor([[[[True, False]]]])).item() == pytest.approx(np.log(4 / 3))
    assert known_cross_entropy(logits, labels, torch.tensor([[[[False, False]]]])).item() == 0


def test_both_heads_are_as_large_as_the_image():
    network = build_attention_network(classes=3, width=4, halved_planes=1, seed=0)
    for logits in network(torch.zeros(1, 1, 4, 16, 24)):
        assert logits.shape == (1, 3, 4, 16, 24)


def test_multiplications_are_counted_exactly():
    network = build_attention_network(classes=2, width=1, halved_planes=3, seed=0)
    # Per voxel and halving an eighth: 27 a weight of the two convolutions of each stage, and so on, by hand.
    down = 27 * (1 * 1 + 1 * 1) + 27 * (1 * 2 + 2 * 2) / 8 + 27 * (2 * 4 + 4 * 4) / 64 + 27 * (4 * 8 + 8 * 8) / 512
    up = 27 * (2 * 1 + 1 * 1) + 27 * (4 * 2 + 2 * 2) / 8 + 27 * (8 * 4 + 4 * 4) / 64
    rise = 2 * 1 * 8 / 8 + 4 * 2 * 8 / 64 + 8 * 4 * 8 / 512
    spatial = 1 + 2 / 8 + 4 / 64
    heads = 2 * 2 * 1
    squeezed = 2 * (1 * 2 + 2 * 2 + 4 * 2) / 16**3
    assert multiply_adds_per_voxel(network, 3) == pytest.approx(down + up + rise + spatial + heads + squeezed)


def test_tiles_cover_everything():
    seen = np.zeros((9, 30, 17), int)
    for place in tiles(seen.shape, (4, 16, 17)):
        assert tuple(side.stop - side.start for side in place) == (4, 16, 17)
        seen[place] += 1
    assert seen.min() >= 1


def test_tiles_are_blended_into_what_one_large_tile_gives_on_a_network_of_single_voxels():
    images = np.random.default_rng(0).normal(size=(20, 24, 40)).astype(np.float32)
    annotation = SparseAnnotation.from_painted_planes(np.ones(images.shape, np.uint8), [3], plane_range=(0, 19))
    whole = tuple(slice(0, length) for length in images.shape)
    source = PatchSource.of(images, annotation, (8, 16, 16), (4, 8, 8), whole)

    class OneVoxel(torch.nn.Module):
        def forward(self, seen):
            return torch.cat([seen, -seen], 1), torch.cat([2 * seen, -seen], 1)

    def assemble(tile):
        parts = list(head_probabilities(OneVoxel(), source, tile, "cpu"))
        assert [part[0].start for part in parts] == [0, *(part[0].stop for part in parts[:-1])]
        return np.concatenate([part[1] for part in parts], axis=2)

    whole, blended = assemble((20, 24, 40)), assemble((8, 16, 16))
    assert whole.shape == (2, 2, 20, 24, 40)
    np.testing.assert_allclose(blended, whole, atol=1e-6)


def test_patches_hold_a_painted_plane():
    labels = np.zeros((30, 40, 40), np.uint8)
    labels[5:25, 10:30, 10:30] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [12], plane_range=(5, 24))
    source = PatchSource.of(labels.astype(np.float32), annotation, (8, 16, 16), (4, 8, 8))
    rng = np.random.default_rng(0)
    for _ in range(20):
        _, drawn, known = source.draw((8, 16, 16), 2, rng)
        assert known.any(dim=(2, 3)).any(dim=1).all()
        assert drawn.shape == (2, 8, 16, 16)


def test_weights_of_classes_count_one_in_the_mean_of_all_voxels():
    labels = np.repeat(np.array([0, 1], np.uint8), [96, 4])
    assert class_weights(labels, 3, 0.0).tolist() == [1, 1, 1]
    weights = class_weights(labels, 3, 1.0)
    assert weights[0] * 96 == pytest.approx(weights[1] * 4)
    assert weights[0] * 0.96 + weights[1] * 0.04 == pytest.approx(1)


def test_a_class_that_counts_twice_has_twice_the_share_of_the_loss():
    logits = torch.zeros(1, 2, 1, 1, 2)
    logits[0, 1, 0, 0, 1] = np.log(3.0)
    labels, known = torch.tensor([[[[0, 1]]]]), torch.ones(1, 1, 1, 2, dtype=torch.bool)
    expected = (1 * np.log(2) + 2 * np.log(4 / 3)) / 3
    assert known_cross_entropy(logits, labels, known, torch.tensor([1.0, 2.0])).item() == pytest.approx(expected)


def test_the_paper_trains_on_a_gpu_and_the_cpu_makes_the_most_of_its_budget():
    options = AttentionUnet3dOptions()
    paper = recipe_for(options, "cuda", 500, (32, 128, 128), continued=False)
    assert (paper.optimizer, paper.learning_rate, paper.momentum, paper.weight_decay) == ("sgd", 1e-3, 0.9, 1e-4)
    assert (paper.class_balance, paper.one_cycle, paper.largest_gradient) == (0.0, False, None)
    quick = recipe_for(options, "cpu", 100, (16, 64, 64), continued=False)
    assert (quick.optimizer, quick.class_balance, quick.one_cycle) == ("adam", 0.5, True)
    asked = AttentionUnet3dOptions(optimizer="sgd", class_balance=0.0, learning_rate=0.02)
    assert recipe_for(asked, "cpu", 100, (16, 64, 64), continued=False).learning_rate == 0.02
