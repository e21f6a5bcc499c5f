"""`sparse-annotate cohort train` on files; with two processes it learns the same."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from cohort.scans import some_scans  # noqa: E402
from image_files import write  # noqa: E402
from SparseAnnotateLib.annotation import LabelClass  # noqa: E402
from SparseAnnotateLib.cli import main  # noqa: E402
from SparseAnnotateLib.cohort.model import load_model  # noqa: E402
from SparseAnnotateLib.cohort.worklist import PlaneRow, as_csv  # noqa: E402
from SparseAnnotateLib.io import write_labels  # noqa: E402

TINY = ["--block", "8,16,16", "--channels", "2", "--depth", "1", "--batch-size", "4", "--blocks-per-epoch", "8"]
TINY += ["--device", "cpu"]
CLASSES = [LabelClass(1, "ball")]


def write_scan(folder, scan, labels_name="labels.nii.gz"):
    folder.mkdir(parents=True)
    write(folder / "image.nii.gz", scan.volume.intensities, spacing=(1, 1, 1), origin=(0, 0, 0))
    write_labels(folder / labels_name, scan.annotation.labels, scan.volume, CLASSES)


@pytest.fixture
def data(tmp_path):
    """A folder a scan, with labels on painted planes."""
    for scan in some_scans(3):
        write_scan(tmp_path / "scans" / scan.name, scan)
    return tmp_path / "scans"


def trained(data, output, *more):
    return main(["cohort", "train", str(data), "-o", str(output), *TINY, *more])


def test_a_folder_of_scans_becomes_a_model_with_logs_beside_it(data, tmp_path, capsys):
    assert trained(data, tmp_path / "m.safetensors", "--epochs", "2") == 0
    model = load_model(tmp_path / "m.safetensors")
    assert model.configuration.block == (8, 16, 16)
    assert model.training_summary["painted_planes"] == 6
    folder = tmp_path / "m.training"
    assert {"checkpoint.pt", "log.csv", "log.png"} <= {path.name for path in folder.iterdir()}
    said = capsys.readouterr().err
    assert "2 scans to learn from with 6 painted planes, 1 to validate with" in said
    assert "epoch 2 of 2: loss" in said


def test_scans_that_nobody_has_painted_are_left_out_and_told(data, tmp_path, capsys):
    (data / "c" / "labels.nii.gz").unlink()
    assert trained(data, tmp_path / "m.safetensors", "--epochs", "1") == 0
    assert "note: left out, for they have no labels yet: c" in capsys.readouterr().err
    assert load_model(tmp_path / "m.safetensors").training_summary["painted_planes"] == 6
    for name in "ab":
        (data / name / "labels.nii.gz").unlink()
    assert trained(data, tmp_path / "m2.safetensors", "--epochs", "1") == 2
    assert "none of the 3 scans in" in capsys.readouterr().err


def test_planes_that_were_asked_for_and_hold_no_label_are_learnt_as_empty(data, tmp_path, capsys):
    rows = [PlaneRow("a", 0, 0.1, "asked for", 1), PlaneRow("a", 6, 0.2, "asked for", 2)]
    (tmp_path / "round1.csv").write_text(as_csv(rows))
    more = ["--epochs", "1", "--validation-share", "0", "--done", str(tmp_path / "round1.csv")]
    assert trained(data, tmp_path / "m.safetensors", *more) == 0
    assert "of the 2 planes asked for 1 hold no label and count as empty: a 0" in capsys.readouterr().err
    assert load_model(tmp_path / "m.safetensors").training_summary["painted_planes"] == 10


def test_the_same_command_goes_on_and_again_begins_anew(data, tmp_path, capsys):
    output = tmp_path / "m.safetensors"
    trained(data, output, "--epochs", "1")
    capsys.readouterr()
    assert trained(data, output, "--epochs", "2") == 0
    said = capsys.readouterr().err
    assert "going on after epoch 1" in said
    assert "epoch 1 of 2" not in said
    assert trained(data, output, "--epochs", "1", "--again", "--seed", "3") == 0
    assert "epoch 1 of 1" in capsys.readouterr().err


def test_another_option_on_the_same_model_is_refused(data, tmp_path, capsys):
    trained(data, tmp_path / "m.safetensors", "--epochs", "1")
    assert trained(data, tmp_path / "m.safetensors", "--epochs", "1", "--loss", "ce") == 2
    assert "in which loss was another" in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_a_table_says_which_planes_are_painted(tmp_path, capsys):
    table = tmp_path / "scans.csv"
    lines = [f"scans/{name}/image.nii.gz,scans/{name}/labels.nii.gz,{name},3 6,1,1=Kugel,1-10" for name in "ab"]
    table.write_text("\n".join(["image,labels,name,painted,empty,classes,range", *lines]), encoding="utf-8")
    assert trained(table, tmp_path / "m.safetensors", "--epochs", "1") == 0
    model = load_model(tmp_path / "m.safetensors")
    assert model.training_summary["painted_planes"] == 6  # 3 and 6, and the empty 1
    assert model.configuration.class_names == ("Kugel",)
    assert "2 scans to learn from" in capsys.readouterr().err


def test_a_table_of_planes_belongs_to_a_folder(data, tmp_path, capsys):
    table = tmp_path / "planes.csv"
    table.write_text("name,painted\na,6\n", encoding="utf-8")
    assert trained(data, tmp_path / "m.safetensors", "--epochs", "1", "--planes", str(table), "--seed", "1") == 0
    painted = load_model(tmp_path / "m.safetensors").training_summary["painted_planes"]
    assert painted in (4, 6)  # 1 or 3 planes of a, 3 of each other one, one of the three kept out
    table.write_text("name,painted\nz,6\n", encoding="utf-8")
    assert trained(data, tmp_path / "n.safetensors", "--planes", str(table)) == 2
    assert "names the scan 'z', which is not there" in capsys.readouterr().err


def test_beyond_the_painted_planes_nothing_is_known_unless_said(data):
    from SparseAnnotateLib.commands.cohort.cases import find_painted_cases

    case = find_painted_cases(data)[0]
    unsaid, ends = case.load().annotation, replace(case, ends_painted=True).load().annotation
    assert np.flatnonzero(unsaid.known.all(axis=(1, 2))).tolist() == [3, 6, 8]
    assert np.flatnonzero(ends.known.all(axis=(1, 2))).tolist() == [0, 1, 2, 3, 6, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--epochs", "0"], "epochs is 0: give a number above 0"),
        (["--depth", "9"], "depth is 9"),
        (["--validation-scans", "x"], "no scan 'x' to validate with: there are a, b, c"),
        (["--images", "*.nii"], "belong together"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(data, tmp_path, capsys, more, sentence):
    assert trained(data, tmp_path / "m.safetensors", *more) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "m.safetensors").exists()


def test_an_output_that_is_no_model_is_refused_before_any_scan_is_read(tmp_path, capsys):
    assert trained(tmp_path / "nowhere", tmp_path / "m.pt") == 2
    assert ".safetensors" in capsys.readouterr().err


def test_a_stopped_training_says_how_to_go_on(data, tmp_path, capsys, monkeypatch):
    def stopped(_trainer):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("SparseAnnotateLib.cohort.training.trainer.Trainer.run", stopped)
    assert trained(data, tmp_path / "m.safetensors") == 130
    assert "run the same command again to go on" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_learn_what_one_does(data, tmp_path):
    """Gloo on the CPU; each has half of every batch, and the batch's Dice is that of both halves."""
    options = [*TINY, "--epochs", "2", "--loss", "dice+ce"]
    assert main(["cohort", "train", str(data), "-o", str(tmp_path / "one.safetensors"), *options]) == 0
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "SparseAnnotateLib.cli", "cohort", "train", str(data), "-o", str(tmp_path / "two.safetensors")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 2 of 2") == 1  # one of them speaks
    one, two = load_model(tmp_path / "one.safetensors"), load_model(tmp_path / "two.safetensors")
    assert two.training_summary["processes"] == 2
    for name in ("last_loss", "best_score"):
        assert two.training_summary[name] == pytest.approx(one.training_summary[name], abs=1e-4)
    for name, weights in one.weights.items():
        torch.testing.assert_close(two.weights[name], weights, rtol=1e-3, atol=1e-4)
