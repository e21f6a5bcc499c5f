"""What is wrong with a command's words alone is said before anything is read: the scan, damaged here, is never seen."""

from pathlib import Path

import numpy as np
import pytest
from image_files import ramp, write
from SparseAnnotateLib.cli import main

SCAN = ramp((8, 16, 18))
LABELS = np.zeros(SCAN.shape, np.uint8)
LABELS[[1, 4, 6], 4:12, 5:13] = 1

PREDICT = ("predict", "damaged.nii.gz", "labels.nii.gz", "-o", "out.nii.gz")
SUGGEST = ("suggest", "damaged.nii.gz", "--count", "3")
SIMULATE = ("simulate", "damaged.nii.gz", "labels.nii.gz", "--count", "3")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "scan.nii.gz", SCAN)
    write(tmp_path / "labels.nii.gz", LABELS)
    (tmp_path / "damaged.nii.gz").write_bytes((tmp_path / "scan.nii.gz").read_bytes()[:300])
    (tmp_path / "text.pt").write_text("no weights\n" * 20)
    return tmp_path


def refused(capsys, *words):
    """The one line of a command that is refused; nothing is written."""
    before = sorted(Path().rglob("*"))
    try:
        code = main([*words])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert sorted(Path().rglob("*")) == before
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize("command", [PREDICT, SIMULATE])
class TestModelsAndWeights:
    @pytest.mark.parametrize("name", ["nowhere.safetensors", "sub/nowhere.safetensors"])
    def test_a_model_that_is_not_there(self, capsys, command, name):
        assert f"there is no cohort model {Path(name).absolute()}" in refused(capsys, *command, "--start-from", name)

    @pytest.mark.parametrize("name", ["text.pt", "labels.nii.gz"])
    def test_a_model_of_another_kind(self, capsys, command, name):
        assert "cannot be read as a cohort model" in refused(capsys, *command, "--start-from", name)

    def test_a_predictor_that_cannot_start_from_one(self, capsys, command):
        line = refused(capsys, *command, "--predictor", "shape", "--start-from", "model.safetensors")
        assert "the predictor shape cannot start from a model" in line

    @pytest.mark.parametrize("predictor", ["guided", "nearest", "shape"])
    def test_weights_that_nothing_takes(self, capsys, command, predictor):
        line = refused(capsys, *command, "--predictor", predictor, "--weights", "text.pt")
        assert f"the predictor {predictor} take" in line
        assert "no pretrained weights: leave out --weights" in line

    @pytest.mark.parametrize(
        ("option", "reason"),
        [
            (("--weights", "nowhere.pt"), "--weights names nowhere.pt, which does not exist"),
            (("--weights", "text.pt"), "text.pt cannot be read as weights"),
            (("--set", "encoder_weights=nowhere.pt"), "encoder_weights names nowhere.pt, which does not exist"),
        ],
    )
    def test_weights_of_networks(self, capsys, command, option, reason):
        pytest.importorskip("segmentation_models_pytorch")
        assert reason in refused(capsys, *command, "--predictor", "unet", *option)

    def test_the_state_of_a_network_is_written_where_it_can_be(self, capsys, command):
        pytest.importorskip("torch")
        words = (*command, "--predictor", "attention-unet3d", "--set")
        assert "the folder nowhere does not exist" in refused(capsys, *words, "state=nowhere/weights.npz")
        Path("text.npz").write_text("no weights")
        assert "text.npz holds no weights of attention-unet3d" in refused(capsys, *words, "state=text.npz")


class TestNumbers:
    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            ((*PREDICT, "--workers", "2"), "--workers is for many cases"),
            ((*PREDICT, "--format", ".nrrd"), "--format is for many cases"),
            ((*PREDICT, "--again"), "--again is for many cases"),
            ((*PREDICT, "--scheduler", "cluster"), "--scheduler cluster is no address of a scheduler"),
            ((*PREDICT, "--seed", "-1"), "--seed -1 is below 0"),
            ((*PREDICT, "--channel", "-1"), "--channel -1 is below 0"),
            ((*PREDICT, "--range", "9", "3"), "the range 9 to 3 is empty"),
            ((*PREDICT, "--range-of", "liver", "9", "3"), "the range 9 to 3 of liver is empty"),
            ((*PREDICT, "--range", "-2", "3"), "the range -2 to 3 begins below 0"),
            ((*PREDICT, "--box", "0", "7", "9", "2", "0", "9"), "--box: 9 to 2 is empty"),
            ((*PREDICT, "--match", "a=b"), "--match says what a structure is called in --initial: give both"),
            ((*SUGGEST[:2], "--count", "0"), "--count 0: ask for at least 1 plane"),
            ((*SUGGEST[:2], "--fraction", "1.5"), "the fraction is 1.5: give a number above 0"),
            ((*SUGGEST, "--match", "a=b"), "--match says what a structure is called in --initial: give both"),
            ((*SUGGEST, "--painted", "3"), "--painted says something about labels"),
            ((*SUGGEST, "--seed", "-7"), "--seed -7 is below 0"),
            ((*SIMULATE, "--rounds", "0"), "--rounds 0: ask for at least 1"),
            ((*SIMULATE, "--until", "2"), "--until 2 is no Dice"),
            ((*SIMULATE, "--rounds", "2", "--first-share", "1"), "--first-share 1: give a number between 0 and 1"),
            ((*SIMULATE, "--own-planes", "--rounds", "2"), "--own-planes paints evenly spaced planes at once"),
        ],
    )
    def test_that_make_no_sense(self, capsys, words, reason):
        assert reason in refused(capsys, *words)

    @pytest.mark.parametrize("workers", ["0", "-3"])
    @pytest.mark.parametrize("command", ["predict cases -o out", "evaluate cases -o out"])
    def test_workers_below_one(self, capsys, command, workers):
        assert f"--workers {workers}: ask for at least 1" in refused(capsys, *command.split(), "--workers", workers)

    @pytest.mark.parametrize("command", ["predict cases -o out", "evaluate cases -o out"])
    def test_workers_of_two_kinds(self, capsys, command):
        both = ("--workers", "2", "--scheduler", "tcp://here:8786")
        assert "give one of them" in refused(capsys, *command.split(), *both)


class TestFiles:
    @pytest.mark.parametrize(
        "words",
        [
            ("predict", "damaged.nii.gz", "nowhere.nii", "-o", "out.nii.gz"),
            (*PREDICT, "--ranges", "nowhere.nii"),
            (*PREDICT, "--ranges-from", "nowhere.nii"),
            (*PREDICT, "--initial", "labels.nii.gz", "--initial", "nowhere.nii"),
            (*SUGGEST, "--labels", "nowhere.nii"),
            ("simulate", "damaged.nii.gz", "nowhere.nii", "--count", "3"),
        ],
    )
    def test_that_are_not_there(self, capsys, words):
        assert "nowhere.nii does not exist: check the path" in refused(capsys, *words)

    @pytest.mark.parametrize(
        "words",
        [
            (*PREDICT[:-1], "out.nii/"),
            (*PREDICT[:-1], "sub/../out.seg.nrrd/"),
            (*PREDICT, "--quality", "planes.csv/"),
            (*PREDICT, "--probabilities", "p.nrrd/"),
            (*SIMULATE, "--json", "told.json/"),
            (*SIMULATE, "-o", "out.nii.gz//"),
        ],
    )
    def test_a_file_to_write_is_no_folder(self, here, capsys, words):
        (here / "sub").mkdir()
        assert "/ names a folder, a file is written: leave out the / at its end" in refused(capsys, *words)

    def test_what_is_read_may_end_in_a_slash(self, here, capsys):
        assert main(["predict", "scan.nii.gz/", "labels.nii.gz/", "-o", "out.nii", "--predictor", "nearest"]) == 0
        assert (here / "out.nii").is_file()
        capsys.readouterr()


class TestTables:
    """Every missing file of a table is named at once, and nothing is written."""

    TABLE = (
        "image,labels,name\nscan.nii.gz,labels.nii.gz,a\nscan.nii.gz,x.nii,b\ny.nii,labels.nii.gz,c\nz.nii,x.nii,d\n"
    )

    @pytest.mark.parametrize("command", ["predict", "evaluate", "cohort train", "cohort evaluate"])
    def test_missing_files(self, here, capsys, command):
        (here / "cases.csv").write_text(self.TABLE)
        output = "model.safetensors" if command == "cohort train" else "out"
        line = refused(capsys, *command.split(), "cases.csv", "-o", output)
        assert line.startswith("sparse-annotate: 4 files do not exist: x.nii")
        assert all(name in line for name in ("y.nii", "z.nii"))

    def test_a_missing_segmentation_to_start_from(self, here, capsys):
        (here / "cases.csv").write_text("image,labels,initial\nscan.nii.gz,labels.nii.gz,labels.nii.gz;rough.nii\n")
        line = refused(capsys, "predict", "cases.csv", "-o", "out")
        assert f"rough.nii (the initial segmentation of {here.name}) does not exist: check the path" in line

    def test_a_broken_link(self, here, capsys):
        (here / "link.nii").symlink_to("gone.nii")
        (here / "cases.csv").write_text("image,labels\nlink.nii,labels.nii.gz\n")
        assert "link.nii (the image of" in refused(capsys, "predict", "cases.csv", "-o", "out")

    def test_what_is_finished_needs_no_files(self, here, capsys):
        (here / "cases.csv").write_text("image,labels,name\nscan.nii.gz,labels.nii.gz,a\n")
        assert main(["predict", "cases.csv", "-o", "out", "--predictor", "nearest"]) == 0
        (here / "scan.nii.gz").unlink()
        assert main(["predict", "cases.csv", "-o", "out", "--predictor", "nearest"]) == 0
        capsys.readouterr()
        assert "does not exist" in refused(
            capsys, "predict", "cases.csv", "-o", "out", "--predictor", "nearest", "--again"
        )

    @pytest.mark.parametrize("labels", ["scan.nii.gz", "./scan.nii.gz", "link.nii.gz", "twin.nii.gz"])
    def test_an_image_that_is_its_own_labels(self, here, capsys, labels):
        (here / "link.nii.gz").symlink_to("scan.nii.gz")
        (here / "twin.nii.gz").hardlink_to(here / "scan.nii.gz")
        (here / "cases.csv").write_text(f"image,labels\nscan.nii.gz,{labels}\n")
        assert "is given as the image and as the labels of" in refused(capsys, "predict", "cases.csv", "-o", "out")

    @pytest.mark.parametrize("columns", ["Image,Labels,Name", "IMAGE,LABELS,NAME", "image,Labels,name"])
    def test_columns_in_capitals_are_the_same(self, here, capsys, columns):
        (here / "cases.csv").write_text(f"{columns}\nscan.nii.gz,labels.nii.gz,a\n")
        assert main(["predict", "cases.csv", "-o", "out", "--predictor", "nearest"]) == 0
        assert (here / "out" / "a.nii.gz").is_file()
        capsys.readouterr()

    @pytest.mark.parametrize("form", ["nrrd", ".nrrd", "nii", "nii.gz"])
    def test_a_format_with_or_without_its_dot(self, here, capsys, form):
        (here / "cases.csv").write_text("image,labels,name\nscan.nii.gz,labels.nii.gz,a\n")
        assert main(["predict", "cases.csv", "-o", "out", "--predictor", "nearest", "--format", form]) == 0
        assert (here / "out" / f"a.{form.removeprefix('.')}").is_file()
        capsys.readouterr()


@pytest.mark.parametrize(
    "words", [["~/scan.nii.gz", "l.nii.gz", "-o", "o.nii.gz"], ["~jane/s.nrrd", "l.nrrd", "-o", "o.nrrd"]]
)
def test_a_tilde_that_no_shell_replaced_is_told(words, capsys):
    assert main(["predict", *words]) == 2
    assert f"{words[0]} does not exist: write the folder out, for only a shell replaces ~" in capsys.readouterr().err


def test_a_tilde_before_an_output_or_in_a_table_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("a.nii.gz", "b.nii.gz"):
        (tmp_path / name).touch()
    assert main(["predict", "a.nii.gz", "b.nii.gz", "-o", "~/o.nii.gz"]) == 2
    assert "the folder ~ does not exist: write the folder out" in capsys.readouterr().err
    (tmp_path / "cases.csv").write_text("image,labels\n~/a.nii.gz,b.nii.gz\n")
    assert main(["predict", "cases.csv", "-o", "out"]) == 2
    said = capsys.readouterr().err
    assert "~/a.nii.gz (the image of b) does not exist: write the folder out" in said
