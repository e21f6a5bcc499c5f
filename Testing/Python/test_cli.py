"""The command line as a user meets it: what it writes, prints and answers to wrong input."""

import csv
import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from SparseAnnotateLib import PREDICTORS, SELECTORS
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.errors import JobFailedError
from SparseAnnotateLib.predictors.morphology import itk_interpolation

FAST_SELECTORS = ("random", "keep-n", "block", "kmeans", "histogram")
FAST_PREDICTORS = ("nearest", "shape", "morphology")


def write(path, array, spacing=(1.0, 1.0, 2.0), origin=(0.0, 0.0, 0.0)):
    image = sitk.GetImageFromArray(array)
    if array.ndim == 3:
        image.SetSpacing(spacing)
        image.SetOrigin(origin)
    sitk.WriteImage(image, str(path))
    return str(path)


@pytest.fixture
def scan(tmp_path):
    """A cylinder that leans, in 12 planes of 16 x 18 pixels; planes 1 to 10 hold it."""
    labels = np.zeros((12, 16, 18), np.uint8)
    for plane in range(1, 11):
        labels[plane, 4:12, 2 + plane // 2 : 9 + plane // 2] = 5
    noise = np.random.default_rng(0).normal(0, 5, labels.shape)
    image = (labels * 20 + noise).astype(np.float32)
    return write(tmp_path / "image.nii.gz", image), write(tmp_path / "reference.nii.gz", labels), labels


@pytest.fixture
def painted(scan, tmp_path):
    """The scan with planes 2, 6 and 9 painted."""
    image, _, labels = scan
    sparse = np.zeros_like(labels)
    sparse[[2, 6, 9]] = labels[[2, 6, 9]]
    return image, write(tmp_path / "painted.nii.gz", sparse), labels


def refused(arguments, capsys) -> str:
    """The one sentence that a command with wrong input writes to stderr."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert lines[-1].startswith("sparse-annotate: ")
    return lines[-1]


class TestSuggest:
    def test_it_prints_a_line_a_plane(self, scan, capsys):
        assert main(["suggest", scan[0], "--range", "1", "10", "--count", "5"]) == 0
        planes = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
        assert planes == ["2", "4", "5", "7", "9"]

    def test_json_tells_everything_that_decided_it(self, scan, capsys):
        assert main(["suggest", scan[0], "--range", "1", "10", "--fraction", "0.2", "--json", "--seed", "7"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["planes"] == [4, 7]
        assert (result["axis"], result["range"], result["seed"], result["planes_total"]) == ("k", [1, 10], 7, 12)

    def test_a_fraction_can_be_one_of_the_volume(self, scan, capsys):
        assert main(["suggest", scan[0], "--range", "1", "10", "--fraction", "0.5", "--of", "volume", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["planes"]) == 6

    def test_painted_planes_count_towards_the_fraction_and_are_not_suggested(self, painted, capsys):
        main(["suggest", painted[0], "--labels", painted[1], "--range", "1", "10", "--fraction", "0.5", "--json"])
        planes = json.loads(capsys.readouterr().out)["planes"]
        assert len(planes) == 2
        assert not set(planes) & {2, 6, 9}

    @pytest.mark.parametrize("selector", FAST_SELECTORS)
    def test_every_fast_selector_works(self, scan, selector, capsys):
        assert main(["suggest", scan[0], "--selector", selector, "--count", "4", "--json"]) == 0
        assert len(set(json.loads(capsys.readouterr().out)["planes"])) == 4

    def test_another_axis_is_numbered_along_that_axis(self, scan, capsys):
        assert main(["suggest", scan[0], "--axis", "i", "--count", "3", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["planes_total"] == 18


class TestRangesOfStructures:
    def suggested(self, capsys, *arguments):
        assert main(["suggest", *arguments, "--count", "2", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    def test_they_can_be_told_before_anything_is_painted(self, scan, capsys):
        told = ["--range-of", "head", "1", "4", "--range-of", "foot", "8", "10"]
        result = self.suggested(capsys, scan[0], *told)
        assert result["range"] == [1, 10]
        assert [one["structures"] for one in result["suggestions"]] == [[1], [2]]

    def test_a_table_says_the_same(self, scan, tmp_path, capsys):
        table = tmp_path / "ranges.csv"
        table.write_text("structure,first,last\nhead,1,4\nfoot,8,10\n", encoding="utf-8")
        told = ["--range-of", "head", "1", "4", "--range-of", "foot", "8", "10"]
        assert self.suggested(capsys, scan[0], "--ranges", str(table)) == self.suggested(capsys, scan[0], *told)

    def test_a_table_without_its_columns_is_refused(self, scan, tmp_path, capsys):
        table = tmp_path / "ranges.csv"
        table.write_text("name,first,last\nhead,1,4\n", encoding="utf-8")
        assert "has no column structure" in refused(
            ["suggest", scan[0], "--count", "2", "--ranges", str(table)], capsys
        )

    def test_a_segmentation_says_where_its_structures_lie(self, scan, capsys):
        result = self.suggested(capsys, scan[0], "--ranges-from", scan[1])
        shown = np.flatnonzero(scan[2].any(axis=(1, 2)))
        assert result["range"] == [shown[0], shown[-1]]
        values = set(np.unique(scan[2])) - {0}
        assert {value for one in result["suggestions"] for value in one["structures"]} <= values


def test_suggesting_takes_what_predicting_takes(painted, capsys):
    common = ["suggest", painted[0], "--count", "2", "--json", "--range", "1", "10"]
    given = ["--labels", painted[1], "--painted", "2,9", "--partly", "6", "--empty", "4", "--range-of", "5", "2", "9"]
    assert main([*common, *given, "--box", "1", "10", "0", "200", "0", "200"]) == 2
    assert "the box leaves the volume" in capsys.readouterr().err
    assert main([*common, *given]) == 0
    assert not {2, 4, 6, 9} & set(json.loads(capsys.readouterr().out)["planes"])
    assert "--painted says something about labels" in refused([*common, "--painted", "2"], capsys)


class TestPredict:
    @pytest.mark.parametrize("predictor", FAST_PREDICTORS)
    def test_painted_planes_and_geometry_come_back_exactly(self, painted, tmp_path, predictor):
        output = tmp_path / "out.nii.gz"
        assert main(["predict", painted[0], painted[1], "-o", str(output), "--predictor", predictor, "--quiet"]) == 0
        image, result = sitk.ReadImage(painted[0]), sitk.ReadImage(str(output))
        labels = sitk.GetArrayFromImage(result)
        assert np.array_equal(labels[[2, 6, 9]], painted[2][[2, 6, 9]])
        assert (labels[3:6] == 5).any()
        assert not labels[[0, 1, 10, 11]].any()
        assert result.GetSpacing() == image.GetSpacing()
        assert result.GetDirection() == image.GetDirection()

    def test_the_default_predictor_works_and_says_how_good_it_expects_to_be(self, painted, tmp_path, capsys):
        output, quality = tmp_path / "out.nrrd", tmp_path / "quality.csv"
        assert main(["predict", *painted[:2], "-o", str(output), "--range", "1", "10", "--quality", str(quality)]) == 0
        rows = list(csv.DictReader(quality.open()))
        assert [row["state"] for row in rows[:4]] == ["outside the range", "predicted", "painted", "predicted"]
        assert 0 < float(rows[3]["low"]) < float(rows[3]["expected_dice"]) < float(rows[3]["high"]) <= 1
        assert [rows[2][name] for name in ("expected_dice", "low", "high")] == ["", "", ""]
        assert "expected Dice" in capsys.readouterr().err

    def test_every_predictor_says_what_dice_to_expect(self, painted, tmp_path, capsys):
        output = tmp_path / "out.nrrd"
        assert main(["predict", *painted[:2], "-o", str(output), "--range", "1", "10", "--predictor", "nearest"]) == 0
        assert re.search(r"expected Dice 0\.\d+ \(0\.\d+ to \d\.\d+ in 80 of 100 cases\)", capsys.readouterr().err)

    def test_probabilities_sum_to_one(self, painted, tmp_path):
        output, file = tmp_path / "out.nrrd", tmp_path / "p.nrrd"
        main(["predict", *painted[:2], "-o", str(output), "--probabilities", str(file), "--quiet"])
        probabilities = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
        assert probabilities.shape == (*painted[2].shape, 2)
        assert np.allclose(probabilities.sum(axis=-1), 1, atol=2e-3)

    def test_a_plane_said_to_be_empty_stays_empty(self, painted, tmp_path):
        output = tmp_path / "out.nii.gz"
        main(["predict", *painted[:2], "-o", str(output), "--predictor", "nearest", "--empty", "4", "--quiet"])
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(output)))
        assert not labels[4].any()
        assert labels[3].any()

    def test_a_structure_with_a_range_of_its_own_ends_there(self, painted, tmp_path):
        output = tmp_path / "out.nii.gz"
        common = ["predict", *painted[:2], "-o", str(output), "--predictor", "nearest", "--range", "1", "10", "--quiet"]
        assert main([*common, "--range-of", "5", "2", "9"]) == 0
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(output)))
        assert not (labels[[1, 10]] == 5).any()
        assert (labels[[2, 9]] == 5).any(axis=(1, 2)).all()
        main(common)
        assert (sitk.GetArrayFromImage(sitk.ReadImage(str(output)))[[1, 10]] == 5).any(axis=(1, 2)).all()

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (["spleen", "2", "9"], "there is no such structure among the labels; there are: "),
            (["5", "two", "9"], "--range-of 5 two 9: write two plane numbers"),
            (["5", "3", "9"], "is painted on plane 2, outside its range 3 to 9"),
            (["5", "2", "9", "--range-of", "5", "2", "8"], "--range-of is given twice for 5: keep one of them"),
        ],
    )
    def test_a_range_of_a_structure_that_cannot_be_is_told(self, painted, tmp_path, capsys, given, sentence):
        output = tmp_path / "out.nii.gz"
        assert sentence in refused(["predict", *painted[:2], "-o", str(output), "--range-of", *given], capsys)

    def test_only_the_planes_named_as_painted_count(self, scan, tmp_path):
        output = tmp_path / "out.nii.gz"
        main(
            [
                "predict",
                *scan[:2],
                "-o",
                str(output),
                "--painted",
                "3",
                "--range",
                "1",
                "10",
                "--predictor",
                "nearest",
                "-q",
            ]
        )
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(output)))
        assert all(np.array_equal(labels[plane], scan[2][3]) for plane in range(1, 11))

    def test_an_option_of_the_predictor_can_be_set(self, painted, tmp_path):
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "o.nii"), "--predictor", "shape", "-q"]
        assert main([*arguments, "--set", "interpolation=linear", "--set", "main_component=yes"]) == 0

    def test_the_same_run_gives_the_same_file(self, painted, tmp_path):
        files = [tmp_path / "first.nii", tmp_path / "second.nii"]
        for file in files:
            main(["predict", *painted[:2], "-o", str(file), "--range", "1", "10", "--quiet"])
        assert files[0].read_bytes() == files[1].read_bytes()


class TestSimulate:
    def test_the_json_holds_everything_that_was_measured(self, scan, tmp_path):
        file = tmp_path / "result.json"
        arguments = ["simulate", *scan[:2], "--fraction", "0.3", "--predictor", "shape", "--json", str(file), "--quiet"]
        assert main(arguments) == 0
        result = json.loads(file.read_text())
        expected = """case selector predictor options fraction of seed axis planes_total range planes_painted dice_all
            dice_unpainted dice_per_class hausdorff_mm hausdorff95_mm average_hausdorff_mm assd_mm seconds_select
            seconds_predict peak_memory_mb expected_dice versions device"""
        expected = set(re.findall(r"\w+", expected))
        assert expected <= set(result)
        assert result["planes_painted"] == [2, 5, 8]
        assert (result["clicks"], result["planes"]) == (2, 3)
        assert 3 <= result["outlines"] <= 3 * len(result["dice_per_class"])
        assert result["contour_mm"] > 0
        assert result["range"] == [1, 10]
        low, high = result["expected_dice_interval"]
        assert 0 < low < result["expected_dice"] < high <= 1
        assert 0.8 < result["dice_unpainted"] < result["dice_all"] <= 1

    @pytest.mark.parametrize(("clicks", "per_structure", "once"), [("none", 0, 0), ("all", 0, 2), ("structures", 2, 0)])
    def test_the_expert_clicks_what_is_asked(self, scan, tmp_path, clicks, per_structure, once):
        file = tmp_path / "result.json"
        arguments = ["simulate", *scan[:2], "--count", "4", "--predictor", "nearest", "--clicks", clicks, "-q"]
        assert main([*arguments, "--json", str(file)]) == 0
        result = json.loads(file.read_text())
        assert result["clicks"] == once + per_structure * len(result["dice_per_class"])
        assert result["range"] == ([0, result["planes_total"] - 1] if clicks == "none" else [1, 10])

    def test_planes_can_be_given(self, scan, tmp_path):
        file, output = tmp_path / "result.json", tmp_path / "out.nii.gz"
        arguments = ["simulate", *scan[:2], "--planes", "2-10", "--predictor", "nearest", "-q", "-o", str(output)]
        assert main([*arguments, "--json", str(file)]) == 0
        result = json.loads(file.read_text())
        assert result["selector"] == "given"
        assert result["planes_painted"] == list(range(2, 11))
        assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(output)))[2:11], scan[2][2:11])

    @pytest.mark.parametrize("selector", FAST_SELECTORS)
    @pytest.mark.parametrize("predictor", FAST_PREDICTORS)
    def test_every_fast_selector_goes_with_every_fast_predictor(self, scan, selector, predictor, capsys):
        arguments = ["simulate", *scan[:2], "--fraction", "0.5", "--selector", selector, "--predictor", predictor, "-q"]
        assert main(arguments) == 0
        assert "Dice, whole volume" in capsys.readouterr().out


class TestOtherCommands:
    def test_info_names_every_selector_and_predictor(self, capsys):
        assert main(["info"]) == 0
        shown = capsys.readouterr().out
        assert all(f"  {name} " in shown for name in [*SELECTORS.names(), *PREDICTORS.names()])
        assert "device: " in shown

    @pytest.mark.slow
    def test_the_demo_writes_a_picture_a_table_and_labels(self, tmp_path, capsys):
        pytest.importorskip("nilearn", reason="the demo's scan comes with nilearn")
        assert main(["demo", "-o", str(tmp_path / "demo"), "--predictor", "shape"]) == 0
        written = sorted(path.name for path in (tmp_path / "demo").iterdir())
        inputs = ["painted.seg.nrrd", "scan.nii.gz", "truth.seg.nrrd"]
        assert written == sorted(["demo.png", "dice.csv", "labels.nii.gz", *inputs])
        rows = list(csv.DictReader((tmp_path / "demo" / "dice.csv").open()))
        assert len(rows) == 60
        assert np.mean([float(row["dice"]) for row in rows if row["state"] == "painted"]) == 1
        assert "grey matter" in capsys.readouterr().out

        def labels(name):
            return sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "demo" / name)))

        painted, truth = labels("painted.seg.nrrd"), labels("truth.seg.nrrd")
        on_painted = painted.any(axis=(1, 2))
        assert on_painted.sum() == sum(row["state"] == "painted" for row in rows)
        assert np.array_equal(painted[on_painted], truth[on_painted])

    @pytest.mark.slow
    def test_the_demo_starts_from_what_a_program_made_and_betters_it(self, tmp_path, capsys):
        pytest.importorskip("nilearn", reason="the demo's scan comes with nilearn")
        assert main(["demo", "-o", str(tmp_path / "demo"), "--predictor", "shape", "--initial"]) == 0
        shown = capsys.readouterr().out
        before = float(re.search(r"the program's segmentation: Dice (\d\.\d+)", shown)[1])
        after = float(re.search(r"mean, all planes +(\d\.\d+)", shown)[1])
        assert after > before + 0.02

    def test_help_says_how_planes_are_numbered(self, capsys):
        for command in ("suggest", "predict"):
            with pytest.raises(SystemExit) as stop:
                main([command, "--help"])
            assert stop.value.code == 0
            assert "from 0" in capsys.readouterr().out


class TestWrongInput:
    """docs/design/design.md, "Bad input": what is wrong and what to do, and nothing written."""

    def test_labels_on_another_grid(self, scan, tmp_path, capsys):
        other = write(tmp_path / "other.nii.gz", scan[2][:, :-1])
        output = tmp_path / "out.nii.gz"
        assert "grid" in refused(["predict", scan[0], other, "-o", str(output)], capsys)
        assert not output.exists()

    def test_labels_shifted_by_a_millimetre(self, scan, tmp_path, capsys):
        other = write(tmp_path / "other.nii.gz", scan[2], origin=(1.0, 0.0, 0.0))
        assert "origin" in refused(["predict", scan[0], other, "-o", str(tmp_path / "out.nii")], capsys)

    def test_a_2d_image(self, tmp_path, capsys):
        flat = write(tmp_path / "flat.png", np.zeros((8, 8), np.uint8))
        assert "2-D image" in refused(["suggest", flat, "--count", "2"], capsys)

    def test_a_4d_image(self, tmp_path, capsys):
        image = sitk.JoinSeries([sitk.GetImageFromArray(np.zeros((4, 5, 6), np.float32))] * 3)
        path = str(tmp_path / "series.nii.gz")
        sitk.WriteImage(image, path)
        assert "4-D image with 3 frames" in refused(["suggest", path, "--count", "2"], capsys)

    def test_not_a_number_is_refused_and_can_be_replaced(self, tmp_path, capsys):
        array = np.ones((5, 6, 7), np.float32)
        array[2, 3, 4] = np.nan
        image = write(tmp_path / "nan.nii.gz", array)
        assert "--replace-nan" in refused(["suggest", image, "--count", "2"], capsys)
        assert main(["suggest", image, "--count", "2", "--replace-nan", "0"]) == 0

    def test_constant_planes_are_pointed_out(self, tmp_path, capsys):
        array = np.random.default_rng(0).normal(size=(6, 7, 8)).astype(np.float32)
        array[:2] = 0
        assert main(["suggest", write(tmp_path / "padded.nii.gz", array), "--count", "2"]) == 0
        assert "2 of 6 planes of the range hold one intensity only" in capsys.readouterr().err

    def test_no_painted_plane(self, scan, tmp_path, capsys):
        nothing = write(tmp_path / "nothing.nii.gz", np.zeros_like(scan[2]))
        assert "paint" in refused(["predict", scan[0], nothing, "-o", str(tmp_path / "out.nii")], capsys)

    def test_a_painted_plane_outside_the_range(self, painted, tmp_path, capsys):
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "out.nii"), "--range", "3", "10"]
        assert "plane 2 is painted but lies outside the range 3 to 10" in refused(arguments, capsys)

    def test_a_plane_that_does_not_exist(self, painted, tmp_path, capsys):
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "out.nii"), "--painted", "3,17"]
        assert "plane 17 does not exist: planes are numbered 0 to 11" in refused(arguments, capsys)

    def test_more_than_255_classes(self, scan, tmp_path, capsys):
        many = np.arange(scan[2].size, dtype=np.uint16).reshape(scan[2].shape)
        labels = write(tmp_path / "many.nii.gz", many)
        assert "255" in refused(["predict", scan[0], labels, "-o", str(tmp_path / "out.nii")], capsys)

    def test_labels_that_are_no_whole_numbers(self, scan, tmp_path, capsys):
        labels = write(tmp_path / "soft.nii.gz", scan[2] * np.float32(0.1))
        assert "whole numbers" in refused(["predict", scan[0], labels, "-o", str(tmp_path / "out.nii")], capsys)

    def test_an_empty_range(self, scan, capsys):
        assert "the range 8 to 3 is empty" in refused(["suggest", scan[0], "--range", "8", "3", "--count", "2"], capsys)

    def test_a_range_that_leaves_the_volume(self, scan, capsys):
        assert "0 to 11" in refused(["suggest", scan[0], "--range", "0", "12", "--count", "2"], capsys)

    def test_a_file_that_is_not_there(self, capsys):
        assert "nowhere.nii.gz" in refused(["suggest", "nowhere.nii.gz", "--count", "2"], capsys)

    def test_a_truncated_file(self, scan, tmp_path, capsys):  # noqa: ARG002
        whole = (tmp_path / "image.nii.gz").read_bytes()
        (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
        assert "cut.nii.gz" in refused(["suggest", str(tmp_path / "cut.nii.gz"), "--count", "2"], capsys)

    def test_a_fraction_above_one(self, scan, capsys):
        assert "at most 1" in refused(["suggest", scan[0], "--fraction", "20"], capsys)

    def test_an_output_folder_that_does_not_exist_is_noticed_before_the_work(self, painted, tmp_path, capsys):
        output = str(tmp_path / "missing" / "out.nii.gz")
        assert "does not exist" in refused(["predict", *painted[:2], "-o", output], capsys)

    def test_an_unknown_option_names_those_that_exist(self, painted, tmp_path, capsys):
        arguments = [
            "predict",
            *painted[:2],
            "-o",
            str(tmp_path / "o.nii"),
            "--predictor",
            "shape",
            "--set",
            "colour=red",
        ]
        assert "there is no option 'colour': choose among" in refused(arguments, capsys)

    def test_an_option_of_the_wrong_kind(self, painted, tmp_path, capsys):
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "o.nii"), "--predictor", "shape"]
        assert "interpolation is 'square'" in refused([*arguments, "--set", "interpolation=square"], capsys)

    def test_probabilities_of_a_predictor_that_has_none(self, painted, tmp_path, capsys):
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "o.nii"), "--predictor", "nearest"]
        assert "no probabilities" in refused([*arguments, "--probabilities", str(tmp_path / "p.nrrd")], capsys)

    def test_a_gpu_that_is_not_there(self, painted, tmp_path, capsys):
        from SparseAnnotateLib.device import resolve_device

        if resolve_device() == "cuda":
            pytest.skip("a GPU is here")
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "o.nii"), "--device", "cuda"]
        assert "the device cuda cannot be used" in refused(arguments, capsys)

    def test_a_missing_package_says_how_to_get_it(self, painted, tmp_path, capsys, monkeypatch):
        # Tests before this one may have found ITK.
        monkeypatch.setitem(sys.modules, "itk", None)
        monkeypatch.setitem(sys.modules, "itk.itkMorphologicalContourInterpolatorPython", None)
        # Tests of the panel may have put Slicer's own filter there.
        monkeypatch.setattr(PREDICTORS.get("morphology"), "backend", staticmethod(itk_interpolation))
        arguments = ["predict", *painted[:2], "-o", str(tmp_path / "o.nii"), "--predictor", "morphology"]
        assert "pip install" in refused(arguments, capsys)

    def test_wrong_usage_is_2_too(self, capsys):
        with pytest.raises(SystemExit) as stop:
            main(["suggest"])
        assert stop.value.code == 2
        assert "usage" in capsys.readouterr().err


def test_a_failed_job_says_its_sentence_and_answers_1(capsys, monkeypatch):
    def fail(_):
        raise JobFailedError("the worker crashed: predict again", "crash", "a long traceback")

    monkeypatch.setattr("SparseAnnotateLib.commands.info.run", fail)
    assert main(["info"]) == 1
    assert capsys.readouterr().err == "sparse-annotate: the worker crashed: predict again\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
def test_ctrl_c_answers_130_and_leaves_nothing_half_written(tmp_path):
    array = np.random.default_rng(0).normal(size=(60, 150, 150)).astype(np.float32)
    labels = np.zeros(array.shape, np.uint8)
    labels[::10, 20:130, 20:130] = np.random.default_rng(1).integers(0, 9, (6, 110, 110))
    image, sparse = write(tmp_path / "i.nii", array), write(tmp_path / "l.nii", labels)
    command = [
        sys.executable,
        "-m",
        "SparseAnnotateLib.cli",
        "predict",
        image,
        sparse,
        "-o",
        str(tmp_path / "o.nii.gz"),
    ]
    before = sorted(os.listdir(tmp_path))
    with subprocess.Popen([*command, "--predictor", "guided"], stderr=subprocess.PIPE, text=True) as process:
        # In the middle of the work: it has said that it began, and seconds of it are left.
        assert any(line.startswith("guided: ") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=600)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert sorted(os.listdir(tmp_path)) == before
