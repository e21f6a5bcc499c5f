"""The network that has seen many made-up volumes, as one more prior of `guided`."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, InputError, SparseAnnotation, Volume, run
from SparseAnnotateLib.metrics import dice
from SparseAnnotateLib.predictors.guided import convolutions, predictor
from SparseAnnotateLib.predictors.guided.belief import SHARES, borne_out, usual_share
from SparseAnnotateLib.predictors.guided.convolutions import STEP_PIXELS, WEIGHTS, Network, halved, shipped_network
from SparseAnnotateLib.predictors.guided.network import (
    MARGIN_PIXELS,
    MOST_PAINTED_PLANES,
    MOST_STRUCTURES,
    NetworkPrior,
    may_help,
)
from SparseAnnotateLib.predictors.guided.planes import PlaneWorker
from SparseAnnotateLib.predictors.guided.pool import (
    INSIDE,
    default_weights,
    log_priors,
    names_of_priors,
    pooled,
)
from SparseAnnotateLib.predictors.guided.predictor import GuidedOptions
from SparseAnnotateLib.predictors.guided.priors import Bracket
from SparseAnnotateLib.predictors.memory import Memory

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


class TestThreads:
    def test_products_of_matrices_have_one_each_while_planes_are_compared_and_what_they_had_afterwards(self):
        threadpoolctl = pytest.importorskip("threadpoolctl")

        def threads():
            pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
            return {pool["num_threads"] for pool in pools if "numpy" in pool["filepath"]}

        if not threads():
            pytest.skip("NumPy brings no library for products of its own")
        volume, labels = ball()
        annotation = SparseAnnotation.from_painted_planes(labels, [7, 22])
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            steps = PREDICTORS.create("guided", {"prior_network": "on"}).predict(volume, annotation)
            during = [threads() for step in steps if getattr(step, "stage", "") == "comparing planes"]
            assert set().union(*during[1:]) == {1}
            assert threads() == {2}


class TestMemory:
    def test_remembering_gives_the_same_bits(self):
        volume, labels = ball()
        memory = Memory()
        guided = PREDICTORS.create("guided", {"prior_network": "on"})
        # Four planes usually give the network another share than three, and the end of the range is shown to it.
        four = [7, 12, 17, 22]
        for painted, last in (([7, 22], 28), ([7, 15, 22], 28), (four, 28), ([7, 15, 22], 26), ([7, 22], 26)):
            annotation = SparseAnnotation.from_painted_planes(labels, painted, plane_range=(1, last))
            remembered, anew = run(guided.remembering(memory), volume, annotation), run(guided, volume, annotation)
            assert (remembered.labels == anew.labels).all()
            assert remembered.expected_dice == anew.expected_dice


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
    @pytest.mark.parametrize(("planes", "share"), [(2, 0.75), (3, 0.75), (4, 0.5), (5, 0.5)])
    def test_the_others_share_what_the_network_leaves_them(self, planes, share):
        assert usual_share(planes) == share
        assert default_weights(False, share).tolist() == [*((1 - share) * INSIDE).tolist(), share]

    def test_a_cohort_model_comes_after_it(self):
        assert names_of_priors(network=True, cohort=True)[-2:] == ("network", "cohort")
        assert default_weights(True, network=0.5, cohort=0.25)[-1] == 0.25


class _Nothing:
    """A network that corrects nothing, or everything by the same, and keeps what it was shown."""

    def __init__(self, correction: float = 0.0):
        self.seen, self.places, self._correction = [], [], correction

    def __call__(self, maps, place):
        self.seen.append(maps)
        self.places.append(place.tolist())
        return np.full(maps.shape[1:], self._correction, np.float32)


class TestBelief:
    def test_where_no_plane_was_left_out_it_gets_the_usual_share(self):
        assert borne_out([], 0.75) == 0.75

    def test_where_planes_say_nothing_it_gets_the_usual_share(self):
        assert borne_out([np.zeros(len(SHARES))] * 3, 0.5) == 0.5

    @pytest.mark.parametrize(("slope", "share"), [(-1.0, SHARES[-1]), (1.0, 0.0)])
    def test_it_gets_what_the_planes_are_likeliest_with(self, slope, share):
        assert borne_out([slope * SHARES], 0.5) == share

    def test_planes_are_heard_as_much_as_they_have_to_say(self):
        loud, soft = SHARES, -0.2 * SHARES
        assert borne_out([loud, soft], 0.75) == 0
        assert borne_out([0.1 * loud, soft], 0.75) == SHARES[-1]

    @pytest.mark.parametrize("painted", [[7, 22], [7, 15, 22]])
    def test_a_network_that_is_wrong_on_left_out_planes_is_not_believed(self, painted, monkeypatch):
        right, truth = predicted(painted)
        monkeypatch.setattr(predictor, "shipped_network", lambda: _Nothing(-10.0))
        wrong, _ = predicted(painted)
        off, _ = predicted(painted, {"prior_network": "off"})
        assert right.details["pool_weights"]["network"] >= 0.5
        assert wrong.details["pool_weights"]["network"] == 0
        assert dice(wrong.labels, truth) > dice(off.labels, truth) - 0.02

    def test_a_plane_that_nothing_reaches_is_not_heard(self):
        # Two balls far apart, a plane of each: what is carried from one never meets the other.
        volume, labels = ball()
        far = np.zeros_like(labels)
        far[2:12, 4:16, 4:16] = far[18:28, 32:44, 32:44] = 1
        worker = PlaneWorker(volume, SparseAnnotation.from_painted_planes(far, [7, 22]), 0, network=_Nothing(-10.0))
        targets = range(8, 23)
        below = worker.carry(7, targets, worker.steps(7, targets))
        assert not worker.learn(Bracket(22, 7, None), below[22], None).evidence.any()


class TestWhatItSees:
    @staticmethod
    def worker_of(network) -> PlaneWorker:
        volume, labels = ball()
        annotation = SparseAnnotation.from_painted_planes(labels, [10, 20], plane_range=(1, 28))
        return PlaneWorker(volume, annotation, 0, network=network)

    def priors_of(self, plane: int, network):
        worker = self.worker_of(network)
        targets = range(11, 21)
        below = worker.carry(10, targets, worker.steps(10, targets))
        above = worker.carry(20, range(19, 9, -1), worker.steps(20, range(19, 9, -1)))
        return worker.priors(Bracket(plane, 10, 20), below[plane], above[plane])

    def test_nothing_corrected_is_the_pool_of_the_others(self):
        priors = self.priors_of(15, _Nothing())
        logs = log_priors(replace(priors, cubic=priors.linear, network=None), 1.0)
        pool = pooled(logs, default_weights(False), np.ones(2, bool))
        inside = (pool > 0.01) & (pool < 0.99)
        assert inside.any()
        assert np.abs(priors.network - pool)[inside].max() < 1e-3

    def test_windows_are_whole_steps_and_maps_stand_in_the_order_of_the_weights(self):
        network = _Nothing()
        self.priors_of(12, network)
        (maps,) = network.seen
        assert len(maps) == 13
        assert [size % STEP_PIXELS for size in maps.shape[1:]] == [0, 0]

    def test_between_two_planes_the_place_is_how_far_both_are(self):
        network = _Nothing()
        self.priors_of(12, network)
        # Two planes above the one below, eight below the one above, not at an end.
        assert network.places == [pytest.approx([-0.6, 0.4 * np.log2(2), 0.4 * np.log2(8), 0])]

    def test_beyond_the_last_plane_the_place_is_how_far_it_and_the_first_empty_plane_are(self):
        network = _Nothing()
        worker = self.worker_of(network)
        targets = range(21, 29)
        carried = worker.carry(20, targets, worker.steps(20, targets))
        worker.priors(Bracket(24, 20, None), carried[24], None)
        # Plane 29 is the first empty one.
        assert network.places == [pytest.approx([0, 0.4 * np.log2(4), 0.4 * np.log2(5), 1])]

    def test_large_windows_are_seen_through_pixels_twice_as_wide(self, monkeypatch):
        fine, coarse = _Nothing(1.0), _Nothing(1.0)
        found = self.priors_of(15, fine)
        monkeypatch.setattr(NetworkPrior.__init__, "__defaults__", (16, MARGIN_PIXELS))
        larger = self.priors_of(15, coarse)
        seen, wider = (network.seen[0] for network in (fine, coarse))
        # Without what is repeated at the far edges both show the same window.
        rows, columns = np.array(seen.shape[1:]) // 2 - 4
        assert np.abs(np.array(seen.shape[1:]) - 2 * np.array(wider.shape[1:])).max() <= STEP_PIXELS
        # Distances are in the pixels that it sees.
        distances = halved(seen)[9, :rows, :columns], wider[9, :rows, :columns]
        near = np.abs(distances[1]) < 0.9
        assert near.any()
        assert np.abs(distances[0] / 2 - distances[1])[near].max() < 0.05
        # The same correction is the same probability.
        assert np.abs(found.network - larger.network).max() < 1e-5

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
        rng = np.random.default_rng(0)
        maps, place = (rng.standard_normal(shape).astype(np.float32) for shape in ((13, 24, 40), 4))
        seen = [torch.from_numpy(one)[None] for one in (maps, place)]
        learnt(*(torch.cat([one, -one]) for one in seen))
        with torch.inference_mode():
            expected = learnt.eval()(*seen)[0].numpy()
        found = Network(learnt.arrays())(maps, place)
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

        found = [sample for seed in range(3) for sample in samples(seed, 8)]
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
        monkeypatch.setattr(train.Training, "learn", _interrupted_at(7, learn))
        with pytest.raises(KeyboardInterrupt):
            trained(broken)
        monkeypatch.setattr(train.Training, "learn", learn)
        found = trained(broken)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
        # Every four steps, and at the end of each of the rounds.
        assert [line.split(",")[0] for line in (broken / "log.csv").read_text().splitlines()] == ["4", "5", "8"]


def _interrupted_at(step: int, learn):
    def interrupted(training, *given):
        if training.step == step:
            raise KeyboardInterrupt
        return learn(training, *given)

    return interrupted
