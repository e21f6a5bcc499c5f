"""No output ever destroys an input or another output: refused in a sentence, before any work; nothing is written."""

import os
import shutil

import numpy as np
import pytest
from image_files import ramp, write, write_dicom_series
from SparseAnnotateLib import InputError, LabelClass
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.io import check_writable, outputs, read_image, read_labels, refuse_overwriting, write_labels
from SparseAnnotateLib.io.writing import make_folder

SCAN = np.arange(6 * 8 * 9, dtype=np.int16).reshape(6, 8, 9)
LABELS = np.zeros(SCAN.shape, np.uint8)
LABELS[[1, 4], 2:6, 2:7] = 1


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a scan and its labels, which is the current one."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "scan.nii.gz", SCAN)
    write(tmp_path / "painted.nii.gz", LABELS)
    return tmp_path


def contents(folder):
    """Every file below a folder, with its bytes."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(capsys, folder, *arguments):
    """The sentence that a command ends with; nothing may be written."""
    before = contents(folder)
    assert main([str(one) for one in arguments]) == 2
    assert contents(folder) == before
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    return said[0]


PREDICT = ("predict", "scan.nii.gz", "painted.nii.gz", "--predictor", "nearest")


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "scan.nii.gz"),
        ("-o", "painted.nii.gz"),
        ("-o", "./sub/../scan.nii.gz"),
        ("-o", "new.nii.gz", "--probabilities", "painted.nii.gz", "--predictor", "guided"),
        ("-o", "other.nii.gz", "--ranges-from", "other.nii.gz"),
        ("-o", "sub/../other.nii.gz", "--ranges-from", "./other.nii.gz"),
        ("-o", "new.nii.gz", "--ranges", "ranges.csv", "--quality", "ranges.csv"),
        ("-o", "new.nii.gz", "--ranges", "link.csv", "--quality", "ranges.csv"),
        ("-o", "new.nii.gz", "--quality", "planes.csv", "--probabilities", "new.nii.gz", "--predictor", "guided"),
    ],
)
def test_predict_never_writes_over_what_it_reads_or_writes(here, capsys, options):
    (here / "sub").mkdir()
    write(here / "other.nii.gz", LABELS)
    (here / "ranges.csv").write_text("structure,first,last\n1,1,5\n")
    (here / "link.csv").symlink_to("ranges.csv")
    assert "give each a name" in (said := refused(capsys, here, *PREDICT, *options)) or "must not be lost" in said


def test_an_absolute_path_is_the_same_file_as_a_relative_one(here, capsys):
    said = refused(capsys, here, *PREDICT, "-o", here / "scan.nii.gz")
    assert said.endswith("would overwrite IMAGE scan.nii.gz, which must not be lost: choose another name")


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("name", ["scan.nii.gz", "painted.nii.gz"])
def test_a_link_to_an_input_is_that_input(here, capsys, link, name):
    link(here / name, here / "other name.nii.gz")
    assert "which must not be lost" in refused(capsys, here, *PREDICT, "-o", "other name.nii.gz")


def test_an_input_given_by_a_link_is_the_file_behind_it(here, capsys):
    (here / "link.nii.gz").symlink_to("scan.nii.gz")
    said = refused(
        capsys, here, "predict", "link.nii.gz", "painted.nii.gz", "-o", "scan.nii.gz", "--predictor", "nearest"
    )
    assert "would overwrite IMAGE link.nii.gz" in said


def test_a_linked_folder_leads_to_the_same_file(here, capsys):
    (here / "door").symlink_to(here, target_is_directory=True)
    assert "must not be lost" in refused(capsys, here, *PREDICT, "-o", "door/painted.nii.gz")


@pytest.mark.parametrize("header", ["scan.mhd", "scan.nhdr"])
def test_the_voxels_of_a_detached_header_are_an_input(here, capsys, header):
    write(here / header, SCAN)
    voxels = next(path for path in here.iterdir() if path.suffix in (".raw", ".zraw"))
    voxels.rename(here / "result.raw")
    text = (here / header).read_bytes().replace(voxels.name.encode(), b"result.raw")
    (here / header).write_bytes(text)
    said = refused(capsys, here, "predict", header, "painted.nii.gz", "-o", "result.mhd", "--predictor", "nearest")
    assert f"would overwrite IMAGE {header}" in said


def test_nothing_is_put_among_the_slices_of_an_image(here, capsys):
    write_dicom_series(here / "series", SCAN)
    for name in ("out.nii.gz", "../series/out.nii.gz"):
        said = refused(
            capsys, here, "predict", "series", "painted.nii.gz", "-o", f"series/{name}", "--predictor", "nearest"
        )
        assert said.endswith("would lie among the slices of IMAGE series: write it to another folder")


def test_simulate_never_writes_over_what_it_reads_or_writes(here, capsys):
    common = ("simulate", "scan.nii.gz", "painted.nii.gz", "--planes", "1", "--predictor", "nearest")
    assert "must not be lost" in refused(capsys, here, *common, "-o", "painted.nii.gz")
    shutil.copy("painted.nii.gz", "whole.nii.gz")
    os.symlink("scan.nii.gz", "numbers.json")
    assert "must not be lost" in refused(capsys, here, *common, "--json", "numbers.json")


def test_a_model_or_weights_are_inputs_too(here, capsys):
    for predictor, option in (("guided", "--start-from"), ("unet", "--weights")):
        (here / "model.nii.gz").write_bytes(b"weights")
        said = refused(
            capsys, here, *PREDICT[:3], "--predictor", predictor, option, "model.nii.gz", "-o", "model.nii.gz"
        )
        assert f"is {option} model.nii.gz" in said


def table(here, *rows, name="cases.csv", columns="image,labels"):
    (here / name).write_text("\n".join([columns, *rows]) + "\n")


@pytest.fixture
def two_cases(here):
    for folder, array in (("img", SCAN), ("lab", LABELS)):
        (here / folder).mkdir()
        for name in "AB":
            write(here / folder / f"{name}.nii.gz", array)
    table(here, "img/A.nii.gz,lab/A.nii.gz", "img/B.nii.gz,lab/B.nii.gz")
    return here


@pytest.mark.parametrize("folder", ["img", "lab", "./lab/../img"])
@pytest.mark.parametrize("again", [[], ["--again"]])
def test_a_batch_never_writes_into_the_folder_of_its_inputs_nor_takes_them_for_results(
    two_cases, capsys, folder, again
):
    said = refused(capsys, two_cases, "predict", "cases.csv", "-o", folder, "--predictor", "nearest", *again)
    assert "which must not be lost" in said


@pytest.mark.parametrize("output", ["data", "data/", "./data/../data", "link"])
def test_a_batch_does_not_write_into_the_folder_of_its_cases(here, capsys, output):
    (here / "data" / "A").mkdir(parents=True)
    for name, array in (("image", SCAN), ("labels", LABELS)):
        write(here / "data" / "A" / f"{name}.nii.gz", array)
    (here / "link").symlink_to(here / "data")
    said = refused(capsys, here, "predict", "data", "-o", output, "--predictor", "nearest")
    assert f"-o {output} is the folder of the cases: give the results one of their own, such as " in said
    assert main(["predict", "data", "-o", "data/results", "--predictor", "nearest", "-q"]) == 0
    assert main(["predict", "data", "-o", "data/results", "--predictor", "nearest", "-q"]) == 0


def test_a_batch_never_writes_over_its_own_table(two_cases, capsys):
    said = refused(capsys, two_cases, "predict", "cases.csv", "-o", ".", "--predictor", "nearest")
    assert "the table cases.csv is IMAGE cases.csv" in said


def test_a_name_in_a_table_does_not_lead_to_an_input(two_cases, capsys):
    table(two_cases, "../img/A,img/B.nii.gz,lab/B.nii.gz", "b,img/A.nii.gz,lab/A.nii.gz", columns="name,image,labels")
    said = refused(capsys, two_cases, "predict", "cases.csv", "-o", "out", "--predictor", "nearest")
    assert "would overwrite the image of b" in said


def test_a_batch_does_not_take_the_work_of_somebody_else_for_a_result(two_cases, capsys):
    shutil.copytree("lab", "by_hand")
    said = refused(capsys, two_cases, "predict", "cases.csv", "-o", "by_hand", "--predictor", "nearest")
    assert "no batch wrote it" in said


@pytest.mark.usefixtures("two_cases")
def test_a_batch_goes_on_with_its_own_results(capsys):
    for skipped in (0, 2):
        assert main(["predict", "cases.csv", "-o", "out", "--predictor", "nearest", "-q"]) == 0
        assert f"{2 - skipped} predicted, {skipped} finished before" in capsys.readouterr().out


def test_a_batch_into_a_file_is_refused(two_cases, capsys):
    (two_cases / "out").write_text("a file")
    assert "is a file" in refused(capsys, two_cases, "predict", "cases.csv", "-o", "out", "--predictor", "nearest")


def test_the_table_of_a_data_set_is_not_overwritten_by_the_tables_of_its_evaluation(two_cases, capsys):
    for name in ("results.csv", "means.csv", "tests.csv"):
        shutil.copy("cases.csv", name)
        said = refused(
            capsys, two_cases, "evaluate", name, "-o", ".", "--selectors", "keep-n", "--predictors", "nearest"
        )
        assert f"is DATA {name}" in said
        os.remove(name)


def test_a_cohort_is_not_trained_into_its_own_scans(two_cases, capsys):
    pytest.importorskip("torch")
    shutil.copytree("img", "net.training")
    table(two_cases, "net.training/A.nii.gz,lab/A.nii.gz", "net.training/B.nii.gz,lab/B.nii.gz")
    said = refused(capsys, two_cases, "cohort", "train", "cases.csv", "-o", "net.safetensors", "--again")
    assert "is written anew, but holds the image of A" in said


def test_the_table_of_a_cohort_is_not_its_log(two_cases, capsys):
    pytest.importorskip("torch")
    (two_cases / "net.training").mkdir()
    table(two_cases, "../img/A.nii.gz,../lab/A.nii.gz", "../img/B.nii.gz,../lab/B.nii.gz", name="net.training/log.csv")
    said = refused(capsys, two_cases, "cohort", "train", "net.training/log.csv", "-o", "net.safetensors")
    assert "the log net.training/log.csv is DATA net.training/log.csv" in said


def test_a_study_of_cohorts_does_not_overwrite_its_table(two_cases, capsys):
    pytest.importorskip("torch")
    shutil.copy("cases.csv", "study.csv")
    assert "must not be lost" in refused(capsys, two_cases, "cohort", "evaluate", "study.csv", "-o", ".")


@pytest.mark.parametrize(
    ("data", "output"), [(".", "."), (".", "img"), ("cases.csv", "lab"), ("cases.csv", "./lab/../img")]
)
@pytest.mark.parametrize("command", [("evaluate",), ("cohort", "evaluate")])
def test_results_of_a_study_do_not_lie_among_its_scans(two_cases, capsys, command, data, output):
    layout = ("--images", "img/*.nii.gz", "--labels", "lab/*.nii.gz") if data == "." else ()
    said = refused(capsys, two_cases, *command, data, *layout, "-o", output)
    assert "is a folder of the data set" in said


def test_a_study_of_cohorts_keeps_its_models_apart_from_scans(two_cases, capsys):
    (two_cases / "study").mkdir()
    shutil.move("img", "study/models")
    layout = ("--images", "study/models/*.nii.gz", "--labels", "lab/*.nii.gz")
    said = refused(capsys, two_cases, "cohort", "evaluate", ".", *layout, "-o", "study")
    assert "study/models is written anew, but holds the image of" in said


@pytest.mark.parametrize("name", ["a scan.nii.gz", "Sch\u00e4del \u00b5 \u982d.nii.gz", "-dash.nii.gz"])
def test_names_with_blanks_letters_and_dashes_work(here, capsys, name):
    shutil.copy("scan.nii.gz", here / name)
    given = ("predict", f"./{name}", "painted.nii.gz", "--predictor", "nearest", "-o")
    assert main([*given, f"./out {name}"]) == 0
    assert (here / f"out {name}").exists()
    capsys.readouterr()
    assert "must not be lost" in refused(capsys, here, *given, here / name)


def test_letters_that_are_composed_differently_are_the_same_name(tmp_path):
    with pytest.raises(InputError, match="same file"):
        refuse_overwriting({"-o": tmp_path / "\u00e4.nii", "--quality": tmp_path / "a\u0308.nii"}, {})


def test_where_case_is_ignored_two_outputs_that_differ_in_it_only_are_one(tmp_path, monkeypatch):
    two = {"-o": tmp_path / "X.nii.gz", "--probabilities": tmp_path / "x.nii.gz"}
    refuse_overwriting(two, {})
    monkeypatch.setattr(outputs, "_ignores_case", lambda _: True)
    with pytest.raises(InputError, match="same file"):
        refuse_overwriting(two, {})


@pytest.mark.parametrize("held", [["Notes.txt"], ["12", "scan.nii"], ["DICOM"]])
def test_a_stick_that_ignores_case_may_hang_in_a_folder_that_does_not(tmp_path, monkeypatch, held):
    stick = tmp_path / "stick"
    stick.mkdir()
    for name in held:
        (stick / name).touch()
    inside = [str(stick / name) for name in held]
    monkeypatch.setattr(outputs, "_is_there_in_other_letters", lambda path: path in inside)
    outputs._ignores_case.cache_clear()
    with pytest.raises(InputError, match="same file"):
        refuse_overwriting({"-o": stick / "X.nii.gz", "--probabilities": stick / "x.nii.gz"}, {})
    refuse_overwriting({"-o": tmp_path / "X.nii.gz", "--probabilities": tmp_path / "x.nii.gz"}, {})
    outputs._ignores_case.cache_clear()


@pytest.mark.parametrize("name", ["missing/out.nii.gz", "folder.nii.gz"])
def test_an_output_in_a_missing_folder_or_called_as_one_is_refused_before_the_work(here, capsys, name):
    (here / "folder.nii.gz").mkdir()
    assert "does not exist" in (said := refused(capsys, here, *PREDICT, "-o", name)) or "is a folder" in said


@pytest.mark.usefixtures("here")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_replaced(here, capsys):
    os.mkfifo(here / "pipe.nii.gz")
    said = refused(capsys, here, *PREDICT, "-o", "pipe.nii.gz")
    assert "pipe.nii.gz is no plain file (a pipe or a device): choose another name" in said
    assert (here / "pipe.nii.gz").is_fifo()


def test_what_differs_is_written():
    refuse_overwriting({"-o": "new.nii.gz", "--quality": "new.csv"}, {"IMAGE": "scan.nii.gz", "LABELS": None})


def test_the_image_is_not_its_own_label_map(here, capsys):
    (here / "link.nii.gz").symlink_to("scan.nii.gz")
    for other in ("scan.nii.gz", "link.nii.gz", here / "scan.nii.gz"):
        said = refused(capsys, here, "predict", "scan.nii.gz", other, "-o", "new.nii.gz", "--predictor", "nearest")
        assert said.endswith("scan.nii.gz is given as the image and as the labels: give two files")


def test_the_library_asks_too(two_cases):
    from SparseAnnotateLib.jobs.batch import predict_cases
    from SparseAnnotateLib.jobs.cases import find_cases

    before = contents(two_cases)
    for folder in ("img", "lab"):
        cases = find_cases(two_cases / "cases.csv", two_cases / folder, predictor="nearest")
        with pytest.raises(InputError, match="must not be lost"):
            predict_cases(cases, runner=None, again=True)
    assert contents(two_cases) == before


def test_a_batch_with_names_that_are_not_utf_8(here, capsys):
    for name, array in (("image", SCAN), ("labels", LABELS)):
        write(here / "x.nii.gz", array).rename(here / f"sch\udce4del_{name}.nii.gz")
    assert main(["predict", ".", "-o", "out", "--predictor", "nearest", "-q"]) == 0, capsys.readouterr()
    assert "1 predicted" in capsys.readouterr().out
    (here / "out" / "cases.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["y" * 300, "y" * 248, "\u00e4" * 130, "\u6f22" * 90], ids=["300", "248", "umlauts", "kanji"]
)
class TestNamesTooLong:
    def test_of_a_result(self, tmp_path, name):
        with pytest.raises(InputError, match=rf"the name {name[:30]}\.\.\..* bytes, at most \d+ can be: shorten it"):
            check_writable(tmp_path / f"{name}.nrrd")

    def test_of_a_folder_of_results(self, tmp_path, name):
        with pytest.raises(InputError, match=r"at most \d+ can be: shorten it"):
            make_folder(tmp_path / name)

    def test_of_a_case_in_a_table_before_any_work(self, tmp_path, name, capsys):
        write(tmp_path / "image.nrrd", ramp())
        labels = np.zeros((4, 5, 6), np.uint8)
        labels[::2, 1:3, 1:3] = 1
        write(tmp_path / "labels.nrrd", labels)
        table = tmp_path / "cases.csv"
        rows = "".join(f"{one},image.nrrd,labels.nrrd\n" for one in ("a", name))
        table.write_text(f"name,image,labels\n{rows}", "utf-8")
        assert (
            main(["predict", str(table), "-o", str(tmp_path / "out"), "--predictor", "shape", "--format", ".nrrd"]) == 2
        )
        assert "at most" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_the_longest_name_that_is_not_refused_can_be_written(tmp_path):
    volume = read_image(write(tmp_path / "image.nrrd", ramp()), "k")
    path = tmp_path / f"{'y' * (255 - len('.nrrd') - len('.patched'))}.nrrd"
    write_labels(path, np.zeros(volume.shape, np.uint8), volume, [])
    assert path.is_file()


@pytest.mark.parametrize("address", ["file:///tmp/results", "https://x.org/results", "s3://bucket/results"])
@pytest.mark.parametrize("command", ["demo -o", "evaluate DATA --fractions 0.2 -o", "predict DATA -o"])
def test_an_address_is_no_folder_for_results(tmp_path, capsys, monkeypatch, command, address):
    monkeypatch.chdir(tmp_path)
    for name in ("a_image.nii", "a_labels.nii"):
        write(tmp_path / name, np.ones((4, 5, 6), np.uint8))
    assert main([*command.replace("DATA", str(tmp_path)).split(), address]) == 2
    assert "is an address: name a folder on this machine" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_image.nii", "a_labels.nii"]


@pytest.mark.parametrize("name", ["scan.nii.gz", "labels.nii.gz", "truth.seg.nrrd", "dice.csv"])
def test_the_demo_replaces_nothing_but_a_demo(tmp_path, capsys, name):
    (tmp_path / name).write_text("mine")
    assert main(["demo", "-o", str(tmp_path)]) == 2
    assert f"{name} is there already, and no demo wrote it: choose another folder" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "name",
    ["a.nii.gz.nii.gz", "a.hdr.nii", "a.img.nii.gz", "a.nrrd.nii", "a.tif.nii.gz", "a.nii.gz.mhd", "a.mha.seg.nrrd"],
)
def test_a_name_with_two_suffixes_is_written_by_its_last(tmp_path, name):
    volume = read_image(write(tmp_path / "scan.nrrd", np.arange(120, dtype=np.int16).reshape(4, 5, 6)), "k")
    labels = (np.arange(120).reshape(4, 5, 6) % 2).astype(np.uint8)
    write_labels(tmp_path / name, labels, volume, (LabelClass(1, "liver"),))
    assert np.array_equal(read_labels(tmp_path / name, volume).labels, labels)
