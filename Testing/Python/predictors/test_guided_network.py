"""The network that has seen many made-up volumes, as one more prior of `guided`."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, InputError, SparseAnnotation, Volume, run
from SparseAnnotateLib.metrics import dice
from SparseAnnotateLib.predictors.guided import convolutions
from SparseAnnotateLib.predictors.guided.convolutions import STEP_PIXELS, WEIGHTS, Network, shipped_network
from SparseAnnotateLib.predictors.guided.network import MOST_PAINTED_PLANES, MOST_STRUCTURES, may_help
from SparseAnnotateLib.predictors.guided.planes import PlaneWorker
from SparseAnnotateLib.predictors.guided.pool import (
    BESIDE_NETWORK,
    INSIDE,
    NETWORK,
    default_weights,
    log_priors,
    names_of_priors,
    pooled,
)
from SparseAnnotateLib.predictors.guided.predictor import GuidedOptions
from SparseAnnotateLib.predictors.guided.priors import Bracket

SCRIPTS = Path(__file__).resolve().parents[2] / "prior_network"


@pytest.fixture
def scripts(monkeypatch):
    """The scripts that learn the weights, to be imported."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield
    for name in ("made_up", "samples", "train"):
        sys.modules.pop(name, None)


@pytest.fixture
def forgotten():
    """Weights are read anew, before and after."""
    shipped_network.cache_clear()
    yield
    shipped_network.cache_clear()


def ball(planes: int = 30) -> tuple[Volume, np.ndarray]:
    """A bright ball that drifts, in noise."""
    z, y, x = np.ogrid[:planes, :48, :48]
    labels = (((z - planes / 2) / (planes / 2)) ** 2 + ((y - 24) ** 2 + (x - 16 - z / 2) ** 2) / 144 < 1).astype(
        np.uint8
    )
    noise = np.random.default_rng(0).normal(0, 0.3, labels.shape)
    return Volume.from_array((labels + noise).astype(np.float32), (2.0, 1.0, 1.0)), labels


def predicted(painted, options=None, planes: int = 30):
    options = {"prior_network": "on"} if options is None else options
    volume, labels = ball(planes)
    annotation = SparseAnnotation.from_painted_planes(labels, painted)
    return run(PREDICTORS.create("guided", options), volume, annotation), labels


class TestShippedWeights:
    def test_they_are_small(self):
        assert WEIGHTS.stat().st_size < 4 << 20
        assert {array.dtype for array in dict(np.load(WEIGHTS)).values()} == {np.dtype(np.float16)}

    def test_they_are_part_of_the_package_and_of_the_module(self):
        root = Path(__file__).resolve().parents[3]
        assert "predictors/guided/prior_network.npz" in (root / "pyproject.toml").read_text()
        assert "guided/prior_network.npz" in (root / "SparseAnnotate" / "CMakeLists.txt").read_text()

    def test_info_lists_them(self, capsys):
        from SparseAnnotateLib.cli import main

        assert main(["info"]) == 0
        assert "prior_network.npz" in capsys.readouterr().out


class TestWhenItIsAsked:
    def test_with_few_painted_planes_it_is_among_the_priors(self):
        prediction, truth = predicted([7, 15, 22])
        assert list(prediction.details["pool_weights"])[-1] == "network"
        assert dice(prediction.labels, truth) > 0.9

    def test_with_more_than_it_helps_with_it_is_not(self):
        painted = range(1, 2 * MOST_PAINTED_PLANES + 2, 2)
        prediction, _ = predicted([*painted], planes=2 * MOST_PAINTED_PLANES + 4)
        assert "network" not in prediction.details["pool_weights"]

    @pytest.mark.parametrize("options", [{}, {"prior_network": "off"}])
    def test_nobody_asks_it_unless_it_is_switched_on(self, options):
        prediction, _ = predicted([7, 22], options)
        assert "network" not in prediction.details["pool_weights"]

    def test_with_more_structures_than_it_helps_with_it_is_not_asked(self):
        labels = np.zeros((9, 64, 64), np.uint8)
        for number in range(1, MOST_STRUCTURES + 2):
            labels[:, 5:20, 12 * number - 10 : 12 * number] = number
        assert not may_help(SparseAnnotation.from_painted_planes(labels, [2, 6]))
        assert may_help(SparseAnnotation.from_painted_planes(labels * (labels <= MOST_STRUCTURES), [2, 6]))

    def test_thin_structures_are_predicted_without_it(self):
        z, y, x = np.ogrid[:20, :40, :40]
        labels = ((np.abs(y - 20) < 1) & (np.abs(x - 10 - z) < 2) & (z >= 0)).astype(np.uint8)
        image = labels + np.random.default_rng(0).normal(0, 0.1, labels.shape)
        volume = Volume.from_array(image.astype(np.float32))
        annotation = SparseAnnotation.from_painted_planes(labels, [5, 14])
        on, off = (
            run(PREDICTORS.create("guided", {"prior_network": word}), volume, annotation) for word in ("on", "off")
        )
        assert (on.labels == off.labels).all()

    def test_another_word_is_refused(self):
        with pytest.raises(InputError, match="prior_network is 'perhaps'"):
            GuidedOptions.from_dict({"prior_network": "perhaps"})

    def test_it_changes_no_painted_plane(self):
        prediction, truth = predicted([7, 22])
        assert (prediction.labels[[7, 22]] == truth[[7, 22]]).all()


class TestWithoutItsWeights:
    @pytest.mark.usefixtures("forgotten")
    def test_all_is_as_when_it_is_off_and_that_is_said_once(self, monkeypatch, tmp_path, caplog):
        monkeypatch.setattr(convolutions, "WEIGHTS", tmp_path / "prior_network.npz")
        with caplog.at_level(logging.WARNING):
            lacking = [predicted([7, 22])[0].labels for _ in range(2)]
        off = predicted([7, 22], {"prior_network": "off"})[0].labels
        assert (lacking[0] == off).all()
        assert (lacking[1] == off).all()
        assert [record.message for record in caplog.records] == [
            "guided works without its network: prior_network.npz was not installed with the package"
        ]


class TestPool:
    def test_the_network_takes_the_place_of_a_half_of_the_others(self):
        weights = default_weights(False, network=True)
        assert weights.tolist() == [*(BESIDE_NETWORK * INSIDE).tolist(), NETWORK]

    def test_a_cohort_model_comes_after_it(self):
        assert names_of_priors(network=True, cohort=True)[-2:] == ("network", "cohort")
        assert default_weights(True, network=True, cohort=0.25)[-1] == 0.25


class _Nothing:
    """A network that corrects nothing, and keeps what it was shown."""

    def __init__(self):
        self.seen = []

    def __call__(self, maps):
        self.seen.append(maps)
        return np.zeros(maps.shape[1:], np.float32)


class TestWhatItSees:
    @staticmethod
    def priors_of(plane: int, network):
        volume, labels = ball()
        worker = PlaneWorker(volume, SparseAnnotation.from_painted_planes(labels, [10, 20]), 0, network=network)
        targets = range(11, 21)
        below = worker.carry(10, targets, worker.steps(10, targets))
        above = worker.carry(20, range(19, 9, -1), worker.steps(20, range(19, 9, -1)))
        return worker, worker.priors(Bracket(plane, 10, 20), below[plane], above[plane])

    def test_nothing_corrected_is_the_pool_of_the_others(self):
        worker, priors = self.priors_of(15, _Nothing())
        linear = worker.default_weights(False)[:4] / BESIDE_NETWORK
        logs = log_priors(replace(priors, cubic=priors.linear, network=None), 1.0)
        pool = pooled(logs, linear, np.ones(2, bool))
        inside = (pool > 0.01) & (pool < 0.99)
        assert inside.any()
        assert np.abs(priors.network - pool)[inside].max() < 1e-3

    def test_windows_are_whole_steps_and_maps_stand_in_the_order_of_the_weights(self):
        network = _Nothing()
        self.priors_of(12, network)
        (maps,) = network.seen
        assert len(maps) == 19
        assert [size % STEP_PIXELS for size in maps.shape[1:]] == [0, 0]
        assert np.allclose(maps[13], maps[3] - maps[0])
        # Two planes above the one below, eight below the one above, not at an end.
        assert maps[15:, 0, 0].tolist() == pytest.approx([-0.6, 0.4 * np.log2(2), 0.4 * np.log2(8), 0])

    def test_a_structure_that_nobody_expects_on_a_plane_is_not_looked_at(self):
        volume, labels = ball()
        labels[25:28, :8, :8] = 2
        network = _Nothing()
        worker = PlaneWorker(volume, SparseAnnotation.from_painted_planes(labels, [4, 10, 26]), 0, network=network)
        below = worker.carry(4, range(5, 11), worker.steps(4, range(5, 11)))
        above = worker.carry(10, range(9, 3, -1), worker.steps(10, range(9, 3, -1)))
        priors = worker.priors(Bracket(7, 4, 10), below[7], above[7])
        assert len(network.seen) == 1
        assert priors.network[2].max() < 0.01


@pytest.mark.usefixtures("scripts")
class TestNetwork:
    def test_numpy_agrees_with_pytorch(self):
        torch = pytest.importorskip("torch")
        import train

        torch.manual_seed(0)
        learnt = train.PriorNetwork()
        torch.nn.init.normal_(learnt.pixels.weight)
        maps = np.random.default_rng(0).standard_normal((19, 24, 40)).astype(np.float32)
        learnt(torch.from_numpy(maps)[None].repeat(2, 1, 1, 1))
        with torch.inference_mode():
            expected = learnt.eval()(torch.from_numpy(maps)[None])[0].numpy()
        found = Network(learnt.arrays())(maps)
        assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()


@pytest.mark.usefixtures("scripts")
class TestLearning:
    def test_a_seed_is_a_volume(self):
        from made_up import made_up

        first, second, other = (made_up(np.random.default_rng(seed)) for seed in (4, 4, 5))
        assert (first.image == second.image).all()
        assert (first.labels == second.labels).all()
        assert first.image.shape != other.image.shape or (first.image != other.image).any()
        assert first.labels.max() <= 3

    def test_samples_are_planes_that_are_not_painted(self):
        from samples import SIDE, samples

        found = [sample for seed in range(3) for sample in samples(seed)]
        assert {sample.maps.shape for sample in found} == {(13, SIDE, SIDE)}
        assert any(sample.truth.any() for sample in found)

    @pytest.mark.slow
    def test_an_interrupted_training_goes_on(self, monkeypatch, tmp_path):
        pytest.importorskip("torch")
        import train

        monkeypatch.setattr(train, "CHECKPOINT_STEPS", 4)
        monkeypatch.setattr(train, "CHECKED_VOLUMES", 1)
        monkeypatch.setattr(train, "FIRST_VOLUMES", 4)
        whole, broken = tmp_path / "whole", tmp_path / "broken"

        def trained(folder):
            monkeypatch.setattr(sys, "argv", ["train.py", str(folder), "--steps", "8"])
            train.main()
            return dict(np.load(folder / "prior_network.npz"))

        expected = trained(whole)
        learn = train.Training.learn
        monkeypatch.setattr(train.Training, "learn", _interrupted_at(5, learn))
        with pytest.raises(KeyboardInterrupt):
            trained(broken)
        monkeypatch.setattr(train.Training, "learn", learn)
        found = trained(broken)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
        assert len((broken / "log.csv").read_text().splitlines()) == 2


def _interrupted_at(step: int, learn):
    def interrupted(training, stream):
        if training.step == step:
            raise KeyboardInterrupt
        return learn(training, stream)

    return interrupted
