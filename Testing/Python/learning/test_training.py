"""The training loop: learns, repeats itself, stops in time, and gives way when memory runs out."""

import itertools
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.annotation import SparseAnnotation  # noqa: E402
from SparseAnnotateLib.errors import InputError  # noqa: E402
from SparseAnnotateLib.learning.budget import Cost, steps_within, training_seconds  # noqa: E402
from SparseAnnotateLib.learning.expected_dice import ExpectedDice  # noqa: E402
from SparseAnnotateLib.learning.inference import View, plane_probabilities, views_for  # noqa: E402
from SparseAnnotateLib.learning.losses import build_loss  # noqa: E402
from SparseAnnotateLib.learning.memory import with_fitting_batch  # noqa: E402
from SparseAnnotateLib.learning.planes import PlaneSource  # noqa: E402
from SparseAnnotateLib.learning.priors import ShapePrior  # noqa: E402
from SparseAnnotateLib.learning.region import Working  # noqa: E402
from SparseAnnotateLib.learning.training import Recipe, Trainer  # noqa: E402


class Small(torch.nn.Module):
    """A convolution with batch statistics: a network that trains in milliseconds."""

    class encoder:  # noqa: N801 - named as in segmentation_models_pytorch
        output_stride = 4

    def __init__(self, channels=1, classes=2):
        super().__init__()
        torch.manual_seed(0)
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(channels, 8, 3, padding=1),
            torch.nn.BatchNorm2d(8),
            torch.nn.ReLU(),
            torch.nn.Conv2d(8, classes, 1),
        )
        self.seen, self.most = [], 10**9

    def forward(self, images):
        assert images.shape[2] % 4 == images.shape[3] % 4 == 0
        self.seen.append(len(images))
        if len(images) > self.most:
            raise RuntimeError("MPS backend out of memory (a test says so)")
        return self.body(images)


def bright_square(planes=10, side=32, painted=(1, 3, 4, 6, 8)):
    """A bright square on noise: one convolution can learn it."""
    rng = np.random.default_rng(0)
    labels = np.zeros((planes, side, side), np.uint8)
    labels[:, 8:20, 10:24] = 1
    image = (labels + rng.normal(0, 0.2, labels.shape)).astype(np.float32)
    annotation = SparseAnnotation.from_painted_planes(labels, painted)
    working = Working((slice(0, side), slice(0, side)), 1.0)
    return PlaneSource(image, annotation, working, "cpu", neighbours=0), labels


def trained(steps=40, held_out=(), deadline_s=1e6, network=None, **recipe):
    source, labels = bright_square()
    network = network or Small()
    planes = [plane for plane in source.annotation.painted_planes if plane not in held_out]
    recipe = {"tile": (32, 32), "batch_size": 4, "learning_rate": 2e-2, "steps": steps, **recipe}
    trainer = Trainer(network, source, planes, list(held_out), Recipe(**recipe), time.monotonic() + deadline_s)
    return trainer, list(trainer.run()), labels


def accuracy(trainer, labels):
    ((planes, found),) = plane_probabilities(trainer.network, trainer.source, [0, 2, 5, 7, 9], trainer.loss)
    return float((found.argmax(1).numpy() == labels[planes]).mean())


@pytest.mark.parametrize("optimisation", ["one-cycle", "two-step", "plateau"])
def test_every_optimisation_learns_planes_that_nobody_painted(optimisation):
    trainer, steps, labels = trained(
        60, optimisation=optimisation, held_out=(3,) if optimisation != "one-cycle" else ()
    )
    assert accuracy(trainer, labels) > 0.97
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert [step.step for step in steps] == list(range(1, 61))
    assert [step.progress for step in steps] == sorted(step.progress for step in steps)


def test_the_same_seed_trains_the_same_network_and_another_one_another():
    first, again, other = (trained(5, seed=seed)[0].network.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_torchs_own_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    network = Small()
    torch.manual_seed(5)
    trained(2, network=network)
    assert torch.equal(torch.rand(1), expected)


def test_it_yields_after_every_batch_so_that_closing_it_cancels():
    source, _ = bright_square()
    network = Small()
    trainer = Trainer(network, source, [1, 3], [], Recipe(tile=(32, 32), steps=1000), time.monotonic() + 1e6)
    steps = trainer.run()
    next(steps)
    next(steps)
    steps.close()
    assert len(network.seen) == 2


def test_the_clock_ends_training_and_the_rate_still_comes_down(monkeypatch):
    # Every look at the clock takes 5 ms.
    clock = itertools.count()
    monkeypatch.setattr("SparseAnnotateLib.learning.training.time.monotonic", lambda: 0.005 * next(clock))
    trainer, steps, _ = trained(10**6, deadline_s=0.5)
    assert trainer.stopped_by_clock
    assert 2 <= len(steps) < 10**5
    assert trainer.optimizer.param_groups[0]["lr"] < 0.2 * 2e-2


def test_within_the_time_the_clock_changes_nothing(monkeypatch):
    clock = iter(np.arange(100) * 1.0)
    slow, _, _ = trained(4, deadline_s=1e6)
    # Of 24 s the four steps take 4: at each the clock is less than a tenth ahead.
    monkeypatch.setattr("SparseAnnotateLib.learning.training.time.monotonic", lambda: float(next(clock)))
    quick, _, _ = trained(4, deadline_s=24.0)
    assert not quick.stopped_by_clock
    weights = quick.network.state_dict(), slow.network.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_once_the_clock_is_a_tenth_ahead_it_rules(monkeypatch):
    clock = iter(np.arange(100) * 1.0)
    monkeypatch.setattr("SparseAnnotateLib.learning.training.time.monotonic", lambda: float(next(clock)))
    trainer, steps, _ = trained(1000, deadline_s=9.0)
    # trained() looks at the clock first, the trainer's start is at 1, its end at 9; one look a step.
    assert trainer.stopped_by_clock
    assert [step.progress for step in steps[1:]] == pytest.approx([3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 8 / 8])


def test_the_best_weights_on_held_out_planes_come_back():
    trainer, _, _ = trained(30, held_out=(4,), optimisation="plateau", learning_rate=0.3)
    score = trainer._score([])
    assert score == pytest.approx(trainer.best_score, abs=1e-5)


def test_out_of_memory_halves_the_batch_and_goes_on(caplog):
    network = Small()
    network.most = 3
    trainer, steps, _ = trained(6, network=network, batch_size=8)
    assert len(steps) == 6
    assert network.seen[:3] == [8, 4, 2]
    assert set(network.seen[3:]) == {2}
    assert trainer.batch_size == 2
    assert "going on with 2 windows" in caplog.text


def test_no_memory_even_for_the_smallest_batch_is_said_in_a_sentence():
    def attempt(_batch):
        raise RuntimeError("CUDA out of memory")

    with pytest.raises(InputError, match="memory of the device cpu is full even with 1 planes"):
        with_fitting_batch(attempt, 4, "cpu")


def test_other_errors_are_not_taken_for_full_memory():
    def attempt(_batch):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        with_fitting_batch(attempt, 4, "cpu")


def corrections_of(hold_to_prior, partly_painted):
    """How far a trained network raises the square on its prior where there is none on plane 4, and the weights."""
    source, labels = bright_square()
    annotation = SparseAnnotation.from_painted_planes(labels, [1, 3, 4, 6, 8]).with_partly_painted(partly_painted)
    prior = ShapePrior(annotation, source.working, (1.0, 1.0, 1.0), "cpu")
    source = PlaneSource(source.images.numpy(), annotation, source.working, "cpu", neighbours=0, prior=prior)
    recipe = Recipe("mbce", steps=30, batch_size=4, tile=(32, 32), learning_rate=2e-2, hold_to_prior=hold_to_prior)
    network = Small(channels=2)
    start_from_zero(network)
    trainer = Trainer(network, source, [1, 3, 4, 6, 8], [], recipe, time.monotonic() + 1e6)
    list(trainer.run())
    with torch.no_grad():
        correction = network(source.inputs(torch.tensor([4]))[0])
    unknown = torch.from_numpy(labels[4] == 0)
    return (correction[0, 1] - correction[0, 0])[unknown].clamp(min=0).mean(), network.state_dict()


def start_from_zero(network):
    torch.nn.init.zeros_(network.body[-1].weight)
    torch.nn.init.zeros_(network.body[-1].bias)


def test_where_nothing_is_known_a_network_that_is_held_to_its_prior_leaves_it_alone():
    everywhere = [1, 3, 4, 6, 8]
    free, _ = corrections_of(0.0, everywhere)
    held, _ = corrections_of(2.0, everywhere)
    assert held < 0.25 * free


def test_on_completely_painted_planes_holding_to_the_prior_changes_nothing():
    (_, free), (_, held) = corrections_of(0.0, []), corrections_of(2.0, [])
    assert all(torch.equal(free[name], held[name]) for name in free)


def test_predicting_halves_the_batch_too():
    source, _ = bright_square()
    network, loss = Small(), build_loss("ce")
    expected = torch.cat([found for _, found in plane_probabilities(network, source, range(10), loss)])
    network.most = 3
    halved = torch.cat([found for _, found in plane_probabilities(network, source, range(10), loss)])
    torch.testing.assert_close(halved, expected)
    assert max(network.seen[-4:]) <= 3


def test_tiles_give_what_the_whole_plane_gives(monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.zeros((3, 70, 45), np.uint8)
    labels[1, 5:9, 5:9] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [1])
    source = PlaneSource(
        rng.random(labels.shape), annotation, Working((slice(0, 70), slice(0, 45)), 1.0), "cpu", neighbours=0
    )
    network = Small().eval()
    ((_, whole),) = plane_probabilities(network, source, [0, 1, 2], build_loss("ce"))
    monkeypatch.setattr("SparseAnnotateLib.learning.inference._TILE", 32)
    monkeypatch.setattr("SparseAnnotateLib.learning.inference._OVERLAP", 8)
    ((_, tiled),) = plane_probabilities(network, source, [0, 1, 2], build_loss("ce"))
    # A convolution of 3 x 3 sees zeros beyond a tile's edge, and only there.
    assert (tiled - whole).abs().mean() < 0.05 * whole.std()
    assert ((tiled - whole).abs() < 1e-5).float().mean() > 0.6


def test_views_of_a_plane_are_turned_back():
    source, labels = bright_square()
    trainer, _, _ = trained(60)
    views = views_for(True, flips=True)
    assert len(views) == 7
    for view in views:
        ((_, probabilities),) = plane_probabilities(trainer.network, source, [5], trainer.loss, [view])
        assert (probabilities.argmax(1).numpy()[0] == labels[5]).mean() > 0.96, view
        torch.testing.assert_close(probabilities.sum(1), torch.ones(1, 32, 32))


def test_only_the_plain_view_is_taken_by_default():
    assert views_for(False, flips=True) == [View()]


def test_a_class_gets_no_probability_where_it_cannot_occur():
    source, labels = bright_square()
    source.annotation = SparseAnnotation.from_painted_planes(labels, [1, 3]).with_class_ranges({1: (0, 4)})
    ((_, probabilities),) = plane_probabilities(Small(), source, [2, 7], build_loss("dice+ce"))
    assert (probabilities[0, 1] > 0).all()
    assert not probabilities[1, 1].any()


def test_the_steps_follow_from_counted_work_alone():
    cost = Cost(multiply_adds=20e3, activations=0.25e3)  # 1 + 1 microseconds a pixel
    assert cost.cpu_seconds_per_training_pixel == pytest.approx(2e-6)
    assert steps_within(100.0, cost, 100_000, 0) == 450
    assert steps_within(100.0, cost, 100_000, 10_000_000) == 417
    # Even where predicting alone would take longer: a third.
    assert steps_within(100.0, cost, 100_000, 10**12) == 166
    assert training_seconds(100.0, cost, 10_000_000) == pytest.approx(88.4)


def test_expected_dice_is_the_overlap_that_probabilities_promise():
    labels = np.zeros((4, 1, 4), np.uint8)
    labels[0, 0, :2] = 1
    labels[3, 0, :2] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [0, 3])
    expected = ExpectedDice(annotation)
    foreground = torch.tensor([[[0.75, 0.75, 0.25, 0.25]], [[0.0, 0.0, 0.0, 0.0]]])
    probabilities = torch.stack([1 - foreground, foreground], 1)
    expected.add([1, 2], probabilities, probabilities.argmax(1))
    per_plane, whole = expected.result()
    assert np.isnan(per_plane[[0, 3]]).all()
    assert per_plane[1:3].tolist() == pytest.approx([2 * 1.5 / 4, 1.0])
    assert whole == pytest.approx(2 * (2 + 2 + 1.5) / (4 + 4 + 4))
