"""A training goes on from the weights of a model, after more was painted (`cohort train --again-from`)."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from cohort.scans import a_scan, some_scans, tiny_settings  # noqa: E402
from SparseAnnotateLib import InputError  # noqa: E402
from SparseAnnotateLib.annotation import LabelClass  # noqa: E402
from SparseAnnotateLib.cli import main  # noqa: E402
from SparseAnnotateLib.cohort.model import load_model, save_model  # noqa: E402
from SparseAnnotateLib.cohort.training.cohort import prepare  # noqa: E402
from SparseAnnotateLib.cohort.training.distributed import Processes  # noqa: E402
from SparseAnnotateLib.cohort.training.trainer import Trainer, train_cohort  # noqa: E402

# The recipe of Zhang 2019.
PAPER = {"optimizer": "sgd", "optimisation": "constant", "learning_rate": 1e-3, "loss": "ce", "validation_share": 0.0}


@pytest.fixture(scope="module")
def first():
    return train_cohort(some_scans(3), tiny_settings(epochs=1, base_channels=4))


def same_weights(a, b) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a) and a.keys() == b.keys()


def test_it_begins_with_the_weights_and_the_network_of_the_model(first):
    settings = tiny_settings(depth=2, block=(4, 8, 8))
    cohort = prepare(some_scans(3), settings, first)
    trainer = Trainer(cohort, settings, start=first, processes=Processes())
    assert same_weights(trainer.network.state_dict(), first.weights)
    assert cohort.configuration == first.configuration
    assert (trainer.settings.depth, trainer.settings.base_channels) == (1, 4)


def test_a_step_of_sgd_moves_by_rate_times_gradient_and_rates_stay(first):
    trainer = Trainer(
        prepare(some_scans(2), tiny_settings(**PAPER), first),
        tiny_settings(**PAPER, epochs=2, blocks_per_epoch=4),
        start=first,
        processes=Processes(),
    )
    (group,) = trainer.optimizer.param_groups
    assert (group["momentum"], group["weight_decay"]) == (0.9, 1e-4)
    epochs = list(trainer.run())
    assert [epoch.learning_rate for epoch in epochs] == [1e-3, 1e-3]
    moved = max(float((trainer.network.state_dict()[n] - w).abs().max()) for n, w in first.weights.items())
    assert 0 < moved < 2 * 1e-3 * 5 * 2  # two steps, gradients of at most 5


def test_rounds_are_counted_and_the_next_model_is_another(first):
    second = train_cohort(some_scans(3), tiny_settings(epochs=1), start=first)
    third = train_cohort(some_scans(3), tiny_settings(epochs=1), start=second)
    assert [one.training_summary["rounds"] for one in (first, second, third)] == [1, 2, 3]
    assert len({one.fingerprint for one in (first, second, third)}) == 3


def test_structures_keep_the_places_of_the_model_also_where_scans_lack_some(first):
    two = replace(
        first,
        configuration=replace(first.configuration, class_names=("cube", "ball"), class_values=(7, 1)),
    )
    cohort = prepare(some_scans(2), tiny_settings(), two)
    assert all(set(np.unique(scan.labels)) == {0, 2} for scan in cohort.training)
    # By value, where a scan calls it otherwise.
    scan = a_scan()
    named = replace(scan, annotation=replace(scan.annotation, classes=(LabelClass(7, "block"),)))
    assert set(np.unique(prepare([named], tiny_settings(), two).training[0].labels)) == {0, 1}


def test_a_structure_that_the_model_has_not_learnt_is_refused(first):
    scan = a_scan()
    other = replace(scan, annotation=replace(scan.annotation, classes=(LabelClass(9, "heart"),)))
    with pytest.raises(InputError, match=r"has not learnt heart \(9\)"):
        prepare([other], tiny_settings(), first)


def test_scans_that_the_model_cannot_read_are_refused_by_name(first):
    with pytest.raises(InputError, match="thick: planes lie 9 mm apart"):
        prepare([a_scan("thick", spacing_mm=(9.0, 1.0, 1.0))], tiny_settings(), first)
    turned = replace(first, configuration=replace(first.configuration, axis="i"))
    with pytest.raises(InputError, match="knows planes along the axis i"):
        prepare(some_scans(2), tiny_settings(), turned)


@pytest.mark.parametrize("optimisation", ["constant", "restarts"])
def test_going_on_after_an_interruption_gives_the_very_same_weights(first, tmp_path, optimisation):
    settings = tiny_settings(epochs=3, optimisation=optimisation, optimizer="sgd", restart_epochs=2)
    whole = train_cohort(some_scans(3), settings, start=first)
    stopped = Trainer(
        prepare(some_scans(3), settings, first), settings, start=first, folder=tmp_path, processes=Processes()
    )
    next(stopped.run())
    went_on = train_cohort(some_scans(3), settings, start=first, folder=tmp_path)
    assert same_weights(whole.weights, went_on.weights)


def test_a_checkpoint_that_began_elsewhere_is_refused(first, tmp_path):
    settings = tiny_settings(epochs=1, base_channels=4)
    train_cohort(some_scans(3), settings, start=first, folder=tmp_path)
    other = replace(first, weights={name: weight + 1 for name, weight in first.weights.items()})
    with pytest.raises(InputError, match="the model to go on from was another"):
        train_cohort(some_scans(3), settings, start=other, folder=tmp_path)


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path, first):
        from cohort.test_cohort_train import write_scan

        for scan in some_scans(3):
            write_scan(tmp_path / "scans" / scan.name, scan)
        save_model(first, tmp_path / "m1.safetensors")
        return tmp_path

    def train(self, folder, *more, output="m2.safetensors") -> int:
        given = [str(folder / "scans"), "-o", str(folder / output), "--again-from", str(folder / "m1.safetensors")]
        tiny = ["--batch-size", "4", "--blocks-per-epoch", "8", "--epochs", "1", "--device", "cpu"]
        return main(["cohort", "train", *given, *tiny, *more])

    def test_it_says_what_it_goes_on_from(self, folder, capsys):
        assert self.train(folder) == 0
        assert "m1.safetensors, which had learnt from 6 painted planes" in capsys.readouterr().err
        assert load_model(folder / "m2.safetensors").training_summary["rounds"] == 2

    def test_another_network_is_refused(self, folder, capsys):
        assert self.train(folder, "--channels", "8") == 2
        assert "is 4, 8 is asked for" in capsys.readouterr().err
        assert self.train(folder, "--channels", "4") == 0

    def test_the_model_itself_is_not_written_over(self, folder, capsys, first):
        assert self.train(folder, output="m1.safetensors") == 2
        assert "--again-from" in capsys.readouterr().err
        assert load_model(folder / "m1.safetensors").fingerprint == first.fingerprint
