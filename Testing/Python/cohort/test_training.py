"""Training: the whole batch counts, nothing is lost by a kill, and the best weights are kept."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from cohort.scans import some_scans, tiny_settings  # noqa: E402
from SparseAnnotateLib.annotation import SparseAnnotation  # noqa: E402
from SparseAnnotateLib.cohort.network import build_network  # noqa: E402
from SparseAnnotateLib.cohort.scans import CohortScan  # noqa: E402
from SparseAnnotateLib.cohort.training.batches import BatchGradient, parts_of, validate  # noqa: E402
from SparseAnnotateLib.cohort.training.blocks import BlockSource  # noqa: E402
from SparseAnnotateLib.cohort.training.checkpoint import FILE  # noqa: E402
from SparseAnnotateLib.cohort.training.cohort import prepare  # noqa: E402
from SparseAnnotateLib.cohort.training.distributed import Processes  # noqa: E402
from SparseAnnotateLib.cohort.training.trainer import Trainer, train_cohort  # noqa: E402
from SparseAnnotateLib.errors import InputError  # noqa: E402
from SparseAnnotateLib.io import read_image, read_labels  # noqa: E402
from SparseAnnotateLib.learning.losses import build_loss  # noqa: E402
from SparseAnnotateLib.learning.memory import gradient_scaler  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def trainer_of(folder=None, count=3, **changes):
    settings = tiny_settings(**changes)
    return Trainer(prepare(some_scans(count), settings), settings, folder=folder, processes=Processes())


def assert_same_weights(first, second, tolerance=0.0):
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=tolerance, atol=tolerance)


def test_a_network_learns_the_ball_from_a_few_planes_of_other_scans():
    scores = []
    settings = tiny_settings(
        network="unet3d",
        base_channels=4,
        epochs=6,
        blocks_per_epoch=16,
        optimisation="one-cycle",
        learning_rate=3e-2,
        augmentation=False,
        validation_scans=("a",),
    )
    model = train_cohort(some_scans(4), settings, on_epoch=lambda epoch: scores.append(epoch.mean_dice))
    assert scores[0] < 0.6
    assert max(scores) > 0.8
    assert model.training_summary["best_dice"][0] > 0.8
    assert model.training_summary["training_scans"] == 3
    assert model.configuration.class_names == ("ball",)


@pytest.mark.parametrize("loss", ["dice", "dice+ce"])
def test_a_batch_in_parts_has_the_gradient_of_the_whole_batch(loss):
    """Of a Dice over the batch, the mean over its parts would be another one."""
    trainer = trainer_of()
    blocks = trainer.source.batch(trainer.source.draw(5, np.random.default_rng(0)))
    gradients = {}
    for at_once in (5, 2):
        network = build_network(trainer.cohort.configuration, seed=1)
        gradient = BatchGradient(network, build_loss(loss), Processes(), "cpu", gradient_scaler("cpu"))
        value = gradient.add(blocks, at_once)
        gradients[at_once] = [float(value), *(parameter.grad for parameter in network.parameters())]
    assert [len(part) for part in parts_of(blocks, 2)] == [2, 2, 1]
    for whole, parts in zip(gradients[5], gradients[2], strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-6)


def test_the_loss_of_a_batch_is_the_selective_batch_dice_of_both_heads():
    trainer = trainer_of()
    blocks = trainer.source.batch(trainer.source.draw(4, np.random.default_rng(0)))
    network, loss = build_network(trainer.cohort.configuration), build_loss("dice")
    expected = sum(float(loss(logits.detach(), blocks.labels, blocks.known)) for logits in network(blocks.inputs)) / 2
    gradient = BatchGradient(network, loss, Processes(), "cpu", gradient_scaler("cpu"))
    assert float(gradient.add(blocks, 4)) == pytest.approx(expected, abs=1e-6)


def test_validation_is_over_all_known_voxels_however_they_are_batched():
    trainer = trainer_of()
    source = BlockSource(trainer.cohort.training, (8, 16, 16), True)
    places = source.validation(100)
    results = [validate(trainer.network, source, places, size, "cpu", Processes()) for size in (len(places), 3, 1)]
    for score, dice in results[1:]:
        assert score == pytest.approx(results[0][0], abs=1e-5)
        assert dice == pytest.approx(results[0][1], abs=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, again, other = (
        train_cohort(some_scans(2), tiny_settings(epochs=1, seed=seed)).weights for seed in (0, 0, 1)
    )
    assert_same_weights(first, again)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("optimisation", ["two-step", "one-cycle"])
def test_going_on_after_any_epoch_gives_the_very_same_weights(tmp_path, optimisation):
    """Over the middle, where the second of two steps begins from the best weights."""
    changes = {"epochs": 4, "optimisation": optimisation, "blocks_per_epoch": 4}
    whole = trainer_of(**changes)
    list(whole.run())
    for done in (1, 3):
        folder = tmp_path / f"after {done}"
        folder.mkdir()
        run = trainer_of(folder, **changes).run()
        for _ in range(done):
            next(run)
        run.close()
        resumed = trainer_of(folder, **changes)
        assert len(resumed.history) == done
        list(resumed.run())
        assert_same_weights(resumed.network.state_dict(), whole.network.state_dict())
        assert_same_weights(resumed.best_weights, whole.best_weights)
        same = [(one.loss, one.score, one.learning_rate, one.restarted) for one in whole.history]
        assert [(one.loss, one.score, one.learning_rate, one.restarted) for one in resumed.history] == same


_TRAIN_HERE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from cohort.scans import some_scans, tiny_settings
from SparseAnnotateLib.cohort.training.trainer import train_cohort
import time
def on_epoch(epoch):
    print(epoch.number, flush=True)
    if epoch.number == int(sys.argv[3]) - 1:
        time.sleep(600)  # until it is killed
settings = tiny_settings(epochs=int(sys.argv[3]), blocks_per_epoch=8)
train_cohort(some_scans(3), settings, folder=Path(sys.argv[2]), on_epoch=on_epoch)
"""


def training_process(folder, epochs):
    return subprocess.Popen(
        [sys.executable, "-c", _TRAIN_HERE, str(Path(__file__).parents[1]), str(folder), str(epochs)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_process_loses_no_more_than_an_epoch_and_ends_with_the_same_weights(tmp_path):
    epochs = 6
    process = training_process(tmp_path, epochs)
    assert process.stdout.readline().strip() == "1"
    time.sleep(0.05)  # somewhere in the second epoch, or while its checkpoint is written
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    resumed = trainer_of(tmp_path, epochs=epochs, blocks_per_epoch=8)
    assert 1 <= len(resumed.history) < epochs
    list(resumed.run())
    whole = trainer_of(epochs=epochs, blocks_per_epoch=8)
    list(whole.run())
    assert_same_weights(resumed.best_weights, whole.best_weights)
    assert_same_weights(resumed.network.state_dict(), whole.network.state_dict())
    lines = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", *map(str, range(1, epochs + 1))]


def test_a_checkpoint_that_could_not_be_written_leaves_the_last_one(tmp_path, monkeypatch):
    run = trainer_of(tmp_path).run()
    next(run)
    before = (tmp_path / FILE).read_bytes()

    def half_written(_state, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", half_written)
    with pytest.raises(InputError, match="No space left"):
        next(run)
    assert (tmp_path / FILE).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".writing")) == []


def test_a_checkpoint_of_another_training_is_refused_with_what_differs(tmp_path):
    next(trainer_of(tmp_path).run())
    with pytest.raises(InputError, match="learning rate was another"):
        trainer_of(tmp_path, learning_rate=1e-3)
    with pytest.raises(InputError, match="what is painted of them, were others: give the same options and scans"):
        trainer_of(tmp_path, count=4)
    assert len(trainer_of(tmp_path, epochs=9).history) == 1


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="cannot be read"):
        trainer_of(tmp_path)


def test_reading_a_checkpoint_runs_no_code(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    torch.save({"identity": json.dumps({}), "harm": Harmful()}, tmp_path / FILE)
    with pytest.raises(InputError, match="cannot be read"):
        trainer_of(tmp_path)
    assert not (tmp_path / "harm").exists()


def test_the_second_step_begins_with_the_best_weights():
    trainer = trainer_of(epochs=4, blocks_per_epoch=4)
    for epoch in trainer.run():
        if epoch.restarted:
            assert_same_weights(trainer.network.state_dict(), trainer.best_weights)
            assert not trainer.optimizer.state
    assert [epoch.restarted for epoch in trainer.history] == [False, False, True, False]


def test_a_budget_shortens_the_epochs_by_counted_work():
    whole = trainer_of(epochs=100)
    short = trainer_of(epochs=100, budget_s=10.5 * whole.modelled_seconds_per_epoch())
    assert (whole.epochs, short.epochs) == (100, 10)


def test_the_clock_ends_a_training_that_is_slower_than_modelled(monkeypatch):
    trainer = trainer_of(epochs=50, budget_s=1e6)
    now = iter(range(0, 10_000_000, 30_000))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    assert 0 < len(list(trainer.run())) < 50


def test_without_validation_the_training_loss_decides():
    trainer = trainer_of(count=2, epochs=2)
    list(trainer.run())
    assert [epoch.score for epoch in trainer.history] == [-epoch.loss for epoch in trainer.history]
    assert trainer.model().training_summary["best_dice"] == []


def test_a_model_tells_no_names_of_scans():
    trainer = trainer_of(epochs=1, validation_scans=("c",))
    list(trainer.run())
    assert '"c"' not in json.dumps(trainer.model().training_summary)


@pytest.mark.slow
def test_a_real_hippocampus_is_found_by_what_was_painted_in_two_others(real_data):
    """A fifth of their planes, 40 steps: mean Dice .27 of head and body (nothing learnt: .05)."""
    scans = []
    for name in ("MSD_hippocampus_014", "MSD_hippocampus_056", "MSD_hippocampus_163"):
        volume = read_image(real_data / name / "image.nii.gz", "k")
        file = read_labels(real_data / name / "label.nii.gz", volume)
        there = np.flatnonzero(file.labels.any(axis=(1, 2)))
        painted = SparseAnnotation.from_painted_planes(
            file.labels, there[2::5], classes=file.classes, plane_range=(there[0], there[-1])
        )
        scans.append(CohortScan(name, volume, painted))
    settings = tiny_settings(
        network="unet3d",
        block=(16, 32, 32),
        base_channels=8,
        depth=2,
        epochs=5,
        blocks_per_epoch=32,
        optimisation="one-cycle",
        learning_rate=1e-2,
        augmentation=False,
        validation_scans=("MSD_hippocampus_163",),
    )
    epochs = []
    train_cohort(scans, settings, on_epoch=epochs.append)
    assert epochs[-1].loss < 0.8 * epochs[0].loss
    assert epochs[-1].mean_dice > 0.2


def test_a_batch_must_be_shared_evenly_by_processes():
    settings = tiny_settings(batch_size=3)
    with pytest.raises(InputError, match="multiple of their number"):
        Trainer(prepare(some_scans(2), settings), settings, processes=Processes(0, 2))


def test_a_loss_that_is_no_number_ends_training_and_keeps_the_last_checkpoint(tmp_path):
    trainer = trainer_of(tmp_path)
    run = trainer.run()
    next(run)
    with torch.no_grad():
        trainer.network.from_features.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="lower --learning-rate"):
        next(run)
    assert len(trainer_of(tmp_path).history) == 1


def test_where_memory_runs_out_blocks_go_through_in_parts(monkeypatch):
    trainer, sizes = trainer_of(blocks_at_once=4), []
    gradient = trainer._gradient

    def with_little_memory(blocks, at_once):
        sizes.append(at_once)
        if at_once > 2:
            raise RuntimeError("CUDA out of memory")
        return gradient(blocks, at_once)

    monkeypatch.setattr(trainer, "_gradient", with_little_memory)
    next(trainer.run())
    assert sizes == [4, 2, 2]
    assert trainer.at_once == 2
