import csv
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from jobs.examples import tiny_annotation, tiny_volume
from SparseAnnotateLib import InputError, run
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.completeness import Said
from SparseAnnotateLib.io import read_image, read_labels, write_labels
from SparseAnnotateLib.jobs import InlineRunner, LocalRunner
from SparseAnnotateLib.jobs.batch import exit_code, keep_to_settings, open_runner, predict_cases, summary, write_table
from SparseAnnotateLib.jobs.cases import find_cases, planes_from, refuse_folders_in_names
from SparseAnnotateLib.predictors import PREDICTORS


def write_case(folder: Path, stem: str = "") -> None:
    """An image and its half-painted labels."""
    import SimpleITK as sitk  # noqa: N813

    volume, annotation = tiny_volume(), tiny_annotation()
    folder.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(volume.intensities)
    image.SetSpacing(volume.geometry.spacing_mm)
    sitk.WriteImage(image, str(folder / f"{stem}image.nii.gz"))
    volume = read_image(folder / f"{stem}image.nii.gz", "k")
    write_labels(folder / f"{stem}labels.nii.gz", annotation.labels, volume, annotation.classes)


@pytest.fixture
def data(tmp_path):
    for name in ("anna", "bert", "cleo"):
        write_case(tmp_path / "data" / name)
    return tmp_path / "data"


@pytest.fixture
def output(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def cases_in(source, output, predictor="nearest", **more):
    return find_cases(source, output, predictor=predictor, axis="k", **more)


def states(outcomes):
    return {outcome.case.name: outcome.state for outcome in outcomes}


def test_folders_of_cases_are_found(data, output):
    cases = cases_in(data, output)
    assert [case.name for case in cases] == ["anna", "bert", "cleo"]
    assert cases[0].image == data / "anna" / "image.nii.gz"
    assert cases[0].output == output / "anna.nii.gz"


def test_files_of_cases_are_found(tmp_path, output):
    for stem in ("p1_", "p2_", "left_knee_"):
        write_case(tmp_path / "flat", stem)
    assert [case.name for case in cases_in(tmp_path / "flat", output)] == ["left_knee", "p1", "p2"]


def test_a_table_names_files_and_painted_planes(data, output, tmp_path):
    table = tmp_path / "cases.csv"
    table.write_text(
        "image,labels,name,painted,empty,range\n"
        'data/anna/image.nii.gz,data/anna/labels.nii.gz,A,"2,6",8,1-7\n'
        "data/bert/image.nii.gz,data/bert/labels.nii.gz,,,,\n"
    )
    first, second = cases_in(table, output)
    assert (first.name, first.said) == ("A", Said((2, 6), empty=(8,), plane_range=(1, 7)))
    assert (second.name, second.said) == ("bert", Said())
    assert first.image.samefile(data / "anna" / "image.nii.gz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,labels\n", "holds no cases"),
        ("image,mask\na,b\n", "the column mask of .* does not fit: its columns may be image, labels"),
        ("image,labels\na.nii,\n", "line 2 of .* lacks an image or its labels"),
        ("image,labels,painted\na.nii,b.nii,3-x\n", "line 2 of .*'3-x' is no plane number"),
        ("image,labels,name\na.nii,b.nii,x\nc.nii,d.nii,x\n", "two cases of .* are called x"),
    ],
)
def test_a_table_that_does_not_fit_is_told_with_its_line(tmp_path, output, text, said):
    (tmp_path / "cases.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        cases_in(tmp_path / "cases.csv", output)


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b"])
def test_a_name_that_leads_to_another_folder_is_refused(tmp_path, output, name):
    (tmp_path / "cases.csv").write_text(f"image,labels,name\na.nii,b.nii,{name}\n")
    with pytest.raises(InputError, match="which names a folder: give it another name"):
        refuse_folders_in_names(cases_in(tmp_path / "cases.csv", output))


def test_a_folder_without_cases_and_an_image_without_labels_are_told(data, output):
    with pytest.raises(InputError, match="holds no cases"):
        cases_in(output, output)
    with pytest.raises(InputError, match="nowhere does not exist"):
        cases_in(output / "nowhere", output)
    (data / "bert" / "labels.nii.gz").unlink()
    with pytest.raises(InputError, match=r"bert in .* has no labels"):
        cases_in(data, output)


def test_plane_numbers_are_read():
    assert planes_from("3,17,29") == (3, 17, 29)
    assert planes_from("3-5 12") == (3, 4, 5, 12)


@pytest.mark.parametrize("make_runner", [InlineRunner, LocalRunner])
def test_every_case_gets_its_prediction_on_its_own_grid(data, output, make_runner):
    cases = cases_in(data, output)
    with make_runner() as runner:
        outcomes = predict_cases(cases, runner)
    assert set(states(outcomes).values()) == {"done"}
    assert exit_code(outcomes) == 0
    job = cases[1].load()
    expected = run(PREDICTORS.create("nearest"), job.volume, job.annotation).labels
    written = read_labels(cases[1].output, job.volume)
    np.testing.assert_array_equal(written.labels, job.annotation.to_values(expected))
    assert sorted(path.name for path in output.iterdir()) == ["anna.nii.gz", "bert.nii.gz", "cleo.nii.gz"]


def test_a_failed_case_is_told_at_the_end_and_harms_no_other(data, output):
    (data / "bert" / "image.nii.gz").write_bytes(b"no image")
    with LocalRunner() as runner:
        outcomes = predict_cases(cases_in(data, output), runner)
    assert states(outcomes) == {"anna": "done", "bert": "failed", "cleo": "done"}
    assert exit_code(outcomes) == 1
    first, reason = summary(outcomes)
    assert first == "2 predicted, 0 finished before, 1 failed"
    assert reason.startswith("bert: ")
    assert str(data / "bert" / "image.nii.gz") in reason
    write_table(outcomes, output / "cases.csv")
    rows = list(csv.DictReader((output / "cases.csv").open()))
    assert [row["state"] for row in rows] == ["done", "failed", "done"]


def test_finished_cases_are_skipped_and_changed_ones_are_not(data, output):
    cases = cases_in(data, output)
    with InlineRunner() as runner:
        predict_cases(cases[:2], runner)
        later = time.time() + 10
        os.utime(data / "bert" / "labels.nii.gz", (later, later))
        outcomes = predict_cases(cases, runner)
        assert states(outcomes) == {"anna": "skipped", "bert": "done", "cleo": "done"}
        assert states(predict_cases(cases, runner, again=True)) == dict.fromkeys(("anna", "bert", "cleo"), "done")


def test_a_worker_that_crashes_costs_its_case_only(data, output):
    cases = cases_in(data, output)[:1] + cases_in(data, output, "test-crashing")[1:2] + cases_in(data, output)[2:]
    with LocalRunner() as runner:
        outcomes = predict_cases(cases, runner)
    assert states(outcomes) == {"anna": "done", "bert": "failed", "cleo": "done"}
    assert "SIGSEGV" in outcomes[1].message
    assert not cases[1].output.exists()


def test_an_unknown_option_is_told_before_anything_is_done(data, output):
    with InlineRunner() as runner, pytest.raises(InputError, match="no option 'speed'"):
        predict_cases(cases_in(data, output, options={"speed": 1}), runner)
    assert not any(output.iterdir())


def test_a_run_goes_on_with_the_settings_it_began_with(output):
    keep_to_settings(output, {"predictor": "shape", "options": {"seed": 0}})
    keep_to_settings(output, {"predictor": "shape", "options": {"seed": 0}})
    with pytest.raises(InputError, match="were made with predictor 'shape', now it is 'nearest'"):
        keep_to_settings(output, {"predictor": "nearest", "options": {"seed": 0}})
    keep_to_settings(output, {"predictor": "nearest", "options": {"seed": 0}}, again=True)


def test_a_scheduler_and_workers_exclude_each_other():
    with pytest.raises(InputError, match="give one of them"):
        open_runner("tcp://host:8786", 2)


@pytest.fixture(scope="module")
def cluster(misbehaving_predictors):  # noqa: ARG001 - before the workers start
    pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    with open_runner(workers=2) as runner:
        yield runner


class TestOnDask:
    def test_cases_are_done_where_their_files_are_seen(self, cluster, data, output):
        (data / "cleo" / "labels.nii.gz").write_bytes(b"no labels")
        outcomes = predict_cases(cases_in(data, output), cluster)
        assert states(outcomes) == {"anna": "done", "bert": "done", "cleo": "failed"}
        assert cluster.payload(cases_in(data, output)[0])[1] is True
        assert sorted(path.name for path in output.iterdir()) == ["anna.nii.gz", "bert.nii.gz"]

    def test_cases_travel_as_arrays_where_the_files_are_not_seen(self, cluster, data, output, monkeypatch):
        monkeypatch.setattr("SparseAnnotateLib.jobs.dask.runner.all_reachable", lambda paths: not paths)
        (data / "cleo" / "labels.nii.gz").write_bytes(b"no labels")
        outcomes = predict_cases(cases_in(data, output), cluster)
        assert states(outcomes) == {"anna": "done", "bert": "done", "cleo": "failed"}
        assert str(data / "cleo" / "labels.nii.gz") in outcomes[2].message
        assert sorted(path.name for path in output.iterdir()) == ["anna.nii.gz", "bert.nii.gz"]


def test_the_command_line_predicts_a_folder_and_tells_what_failed(data, output, capsys):
    (data / "bert" / "labels.nii.gz").write_bytes(b"no labels")
    command = ["predict", str(data), "-o", str(output), "--predictor", "nearest", "--axis", "k"]
    assert main(command) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("2 predicted, 0 finished before, 1 failed\nbert: ")
    assert sorted(path.name for path in output.iterdir()) == [
        "anna.nii.gz",
        "batch.json",
        "cases.csv",
        "cleo.nii.gz",
    ]
    write_case(data / "bert")
    assert main(command) == 0
    assert capsys.readouterr().out == "1 predicted, 2 finished before, 0 failed\n"
    assert main([*command, "--set", "seed=1"]) == 2
    assert "were made with seed 0, now it is 1" in capsys.readouterr().err


def test_what_comes_and_goes_is_warned_of_on_the_command_line_and_in_the_table(tmp_path, capsys):
    import SimpleITK as sitk  # noqa: N813

    rows, columns = np.mgrid[:40, :40]
    truth = np.stack([(np.hypot(rows - 20, columns - 20) < 12) & (k % 8 < 4) for k in range(33)]).astype(np.uint8)
    painted = np.zeros_like(truth)
    painted[1::8] = truth[1::8]
    for name, array in (("scan", truth * np.int16(100)), ("labels", painted), ("truth", truth)):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
    scan, labels = str(tmp_path / "scan.nii.gz"), str(tmp_path / "labels.nii.gz")
    said = "in 3 gaps between painted planes the image changes and comes back: on planes 4 to 7, 12 to 15, 20 to 23 it"
    assert main(["predict", scan, labels, "-o", str(tmp_path / "o.nii.gz"), "--predictor", "nearest"]) == 0
    assert f"warning: {said}" in capsys.readouterr().err
    table = tmp_path / "cases.csv"
    table.write_text(f"name,image,labels\nspine,{scan},{labels}\n", encoding="utf-8")
    assert main(["predict", str(table), "-o", str(tmp_path / "out"), "--predictor", "nearest"]) == 0
    assert f"spine: warning: {said}" in capsys.readouterr().err
    with open(tmp_path / "out" / "cases.csv", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["warnings"].startswith(said)
    command = ["simulate", scan, str(tmp_path / "truth.nii.gz"), "--predictor", "nearest", "--planes", "1", "9", "17"]
    assert main([*command, "--json", str(tmp_path / "o.json")]) == 0
    assert "warning: in 2 gaps" in capsys.readouterr().err
    assert "in 2 gaps" in json.loads((tmp_path / "o.json").read_text())["details"]["warnings"][0]


@pytest.mark.slow
def test_one_case_on_a_cluster_gets_the_labels_that_it_gets_here(data, output):
    distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")
    case = [str(data / "anna" / "image.nii.gz"), str(data / "anna" / "labels.nii.gz"), "--axis", "k", "-q"]
    common = ["predict", *case, "--predictor", "nearest"]
    assert main([*common, "-o", str(output / "here.nii")]) == 0
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        address = cluster.scheduler_address
        assert main([*common, "-o", str(output / "there.nii"), "--scheduler", address]) == 0
    assert (output / "here.nii").read_bytes() == (output / "there.nii").read_bytes()


@pytest.mark.parametrize("table", ["cases.csv", "./cases.csv", "../patient/cases.csv"])
def test_labels_beside_a_table_are_called_after_their_folder(tmp_path, monkeypatch, output, table):
    write_case(tmp_path / "patient")
    monkeypatch.chdir(tmp_path / "patient")
    Path("cases.csv").write_text("image,labels\nimage.nii.gz,labels.nii.gz\n")
    assert [case.name for case in cases_in(Path(table), output)] == ["patient"]
